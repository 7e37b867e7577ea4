use super::*;

fn read(values: &[&'static str]) -> Option<Challenge> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(value));
    }
    challenge(&headers)
}

#[test]
fn the_token_protocol_comes_before_the_password() {
    for values in [
        &[
            "Basic realm=\"x\"",
            "Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:x:pull\"",
        ][..],
        &[
            "Digest realm=\"x\", bearer realm=\"https://a/t\", service=s, scope=\"repository:x:pull\", basic realm=x",
        ],
    ] {
        let Some(Challenge::Bearer {
            realm,
            service,
            scope,
        }) = read(values)
        else {
            panic!("{values:?}");
        };
        assert_eq!(realm, "https://a/t");
        assert_eq!(service.as_deref(), Some("s"));
        assert_eq!(scope.as_deref(), Some("repository:x:pull"));
    }
    assert!(matches!(
        read(&["Basic realm=\"x\""]),
        Some(Challenge::Basic)
    ));
}

#[test]
fn a_challenge_that_nobody_understands_is_none() {
    for value in [
        "",
        "Negotiate",
        "Bearer service=\"no realm\"",
        "Bearer realm=\"unclosed",
        ",,,=",
    ] {
        assert!(read(&[value]).is_none(), "{value}");
    }
    assert!(read(&[]).is_none());
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let shown = format!("{:?}", basic("me", "secret"));
    assert!(
        !shown.contains(&BASE64_STANDARD.encode("me:secret")),
        "{shown}"
    );
    assert!(secret("Bearer a\r\nX: y".to_owned()).is_none());
}

#[test]
fn a_query_is_added_to_what_the_realm_has() {
    let realm: Uri = "https://a.example/t?x=1".parse().unwrap();
    let whole = with_query(
        realm,
        &[("scope", "repository:a/b:pull,push"), ("service", "a&b")],
    )
    .unwrap();
    let expected = "https://a.example/t?x=1&scope=repository%3Aa%2Fb%3Apull%2Cpush&service=a%26b";
    assert_eq!(whole.to_string(), expected);
}
