//! Servers that are busy, slow, broken, hostile, or want a token.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use flota::{
    model::{error::Error, exit::Exit, reference::Reference},
    registry::{Registries, RegistryOptions},
};

use super::{
    fake::{Answer, Asked, Fake, status},
    options, put_image, registry, whole,
};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// `me:secret` in base64.
const BASIC: &str = "Basic bWU6c2VjcmV0";

fn web(fake: &Fake) -> Reference {
    Reference::parse(&format!("{}/acme/web:v1", fake.address)).unwrap()
}

fn found() -> Answer {
    Answer::With(
        200,
        vec![("Docker-Content-Digest", DIGEST.to_owned())],
        String::new(),
    )
}

/// What comes of asking `fake` for a tag, without credentials.
fn resolve(fake: &Fake) -> Result<Option<String>, Error> {
    registry(&fake.address, None).0.resolve(&web(fake))
}

#[test]
fn overload_and_broken_connections_pass() {
    for trouble in [
        || status(503),
        || status(429),
        || status(408),
        || status(500),
        || status(502),
        || status(504),
        || Answer::HangUp,
    ] {
        let fake = Fake::start(move |_, before| if before < 2 { trouble() } else { found() });
        assert_eq!(resolve(&fake).unwrap().as_deref(), Some(DIGEST));
        assert_eq!(fake.asked().len(), 3);
    }
}

#[test]
fn overload_that_lasts_is_an_error_of_the_surroundings() {
    for code in [503, 500] {
        let fake = Fake::start(move |_, _| status(code));
        let error = resolve(&fake).unwrap_err();
        assert_eq!(error.exit(), Exit::Unavailable, "{code}");
        let text = whole(&error);
        assert!(text.contains(&code.to_string()), "{text}");
        assert_eq!(fake.asked().len(), 3, "{code}");
    }
}

#[test]
fn a_server_says_when_it_wants_to_be_asked_again() {
    let fake = Fake::start(|_, before| match before {
        0 => Answer::With(429, vec![("Retry-After", "1".to_owned())], String::new()),
        _ => found(),
    });
    let start = Instant::now();
    assert!(resolve(&fake).unwrap().is_some());
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn absence_and_denial_are_final() {
    for (code, exit) in [
        (404, None),
        (401, Some(Exit::Unavailable)),
        (403, Some(Exit::Unavailable)),
        (400, Some(Exit::WorkFailed)),
    ] {
        let fake = Fake::start(move |_, _| status(code));
        match resolve(&fake) {
            Ok(digest) => assert_eq!((digest, exit), (None, None), "{code}"),
            Err(error) => assert_eq!(Some(error.exit()), exit, "{code}"),
        }
        assert_eq!(fake.asked().len(), 1, "{code}");
    }
}

#[test]
fn a_silent_server_is_given_up() {
    let fake = Fake::start(|_, _| Answer::Silence);
    let impatient = RegistryOptions {
        stall_timeout: Duration::from_millis(300),
        ..options()
    };
    let start = Instant::now();
    let error = Registries::new(impatient)
        .at(&fake.address)
        .unwrap()
        .resolve(&web(&fake))
        .unwrap_err();
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(error.exit(), Exit::Unavailable);
    assert_eq!(
        error.to_string(),
        format!("{} does not answer in time", fake.address)
    );
}

#[test]
fn where_nobody_listens_the_address_is_named() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let name = Reference::parse(&format!("{address}/acme/web:v1")).unwrap();
    let error = registry(&address, None).0.resolve(&name).unwrap_err();
    assert_eq!(error.exit(), Exit::Unavailable);
    assert_eq!(
        error.to_string(),
        format!("no registry answers at {address}")
    );
    assert!(!error.hints().is_empty());
}

#[test]
fn what_a_server_says_is_bounded_and_inert() {
    let bodies = [
        format!(
            "{{\"errors\": [{{\"code\": \"DENIED\", \"message\": \"\\u001b[31m{}\"}}]}}",
            "x".repeat(5_000)
        ),
        format!("\u{1b}[31m{}", "x".repeat(5_000_000)),
    ];
    for body in bodies {
        let fake = Fake::start(move |_, _| Answer::With(400, Vec::new(), body.clone()));
        // An answer to HEAD has no body; the first request of `tag` is a GET.
        let error = registry(&fake.address, None)
            .0
            .tag(&web(&fake), &["v2".to_owned()])
            .unwrap_err();
        let text = whole(&error);
        assert!(text.contains("\\u{1b}[31mxxx"), "{text}");
        assert!(!text.contains('\u{1b}') && text.len() < 1000, "{text}");
    }
}

#[test]
fn a_digest_that_is_none_or_another_is_refused() {
    let fake = Fake::start(|_, _| {
        Answer::With(
            200,
            vec![("Docker-Content-Digest", "latest".to_owned())],
            String::new(),
        )
    });
    assert_eq!(resolve(&fake).unwrap_err().exit(), Exit::WorkFailed);

    let fake = Fake::start(|_, _| found());
    let other = web(&fake).with_digest(&super::digest(b"{}")).unwrap();
    let error = registry(&fake.address, None).0.resolve(&other).unwrap_err();
    assert!(whole(&error).contains(DIGEST), "{}", whole(&error));

    // A manifest that is not what was asked for by digest.
    let fake = Fake::start(|_, _| Answer::With(200, Vec::new(), "{}".to_owned()));
    let by_digest = web(&fake).with_digest(DIGEST).unwrap();
    let error = registry(&fake.address, None)
        .0
        .tag(&by_digest, &["v2".to_owned()])
        .unwrap_err();
    assert!(whole(&error).contains(DIGEST), "{}", whole(&error));

    // A server that stores something else than was sent.
    let fake = Fake::start(|asked, _| match asked.method.as_str() {
        "PUT" => Answer::With(
            201,
            vec![("Docker-Content-Digest", DIGEST.to_owned())],
            String::new(),
        ),
        "HEAD" => status(404),
        _ => Answer::With(200, Vec::new(), "{}".to_owned()),
    });
    let error = registry(&fake.address, None)
        .0
        .tag(&web(&fake), &["v2".to_owned()])
        .unwrap_err();
    assert_eq!(error.exit(), Exit::WorkFailed);
    assert!(whole(&error).contains(DIGEST), "{}", whole(&error));
}

#[test]
fn a_digest_that_the_server_leaves_out_is_computed() {
    let fake = Fake::start(|_, _| Answer::With(200, Vec::new(), "{}".to_owned()));
    assert_eq!(resolve(&fake).unwrap(), Some(super::digest(b"{}")));
}

/// A registry that wants a token of `realm`, and takes `granted` for one.
fn guarded(realm: String) -> Fake {
    Fake::start(move |asked, _| match asked.authorization.as_deref() {
        Some("Bearer granted") => found(),
        _ => {
            let challenge = format!(
                "Bearer realm=\"{realm}\",service=\"the registry\",scope=\"repository:acme/web:pull\""
            );
            Answer::With(401, vec![("WWW-Authenticate", challenge)], String::new())
        }
    })
}

fn token_server() -> Fake {
    Fake::start(|_, _| Answer::With(200, Vec::new(), r#"{"token": "granted"}"#.to_owned()))
}

#[test]
fn the_password_goes_to_the_token_server_and_the_token_to_the_registry() {
    let tokens = token_server();
    let fake = guarded(format!("http://{}/token", tokens.address));
    let (registry, _folder) = registry(&fake.address, Some("me:secret"));
    for _ in 0..2 {
        assert_eq!(
            registry.resolve(&web(&fake)).unwrap().as_deref(),
            Some(DIGEST)
        );
    }
    let sent = |asked: Vec<Asked>| {
        asked
            .into_iter()
            .map(|asked| asked.authorization)
            .collect::<Vec<_>>()
    };
    let bearer = Some("Bearer granted".to_owned());
    // The second time the token is known.
    assert_eq!(sent(fake.asked()), [None, bearer.clone(), bearer]);
    let asked = tokens.asked();
    assert_eq!(
        asked[0].path,
        "/token?service=the%20registry&scope=repository%3Aacme%2Fweb%3Apull%2Cpush"
    );
    assert_eq!(sent(asked), [Some(BASIC.to_owned())]);
}

#[test]
fn without_a_login_the_token_server_is_asked_without_one() {
    let tokens = token_server();
    let fake = guarded(format!("http://{}/token", tokens.address));
    assert!(resolve(&fake).unwrap().is_some());
    assert_eq!(tokens.asked()[0].authorization, None);
}

#[test]
fn an_identity_token_is_exchanged_in_a_form_and_not_in_an_address() {
    let tokens = Fake::start(|_, _| {
        Answer::With(200, Vec::new(), r#"{"access_token": "granted"}"#.to_owned())
    });
    let fake = guarded(format!("http://{}/token", tokens.address));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth.json");
    let auths = serde_json::json!({"auths": {&fake.address: {"identitytoken": "s&cret"}}});
    std::fs::write(&file, auths.to_string()).unwrap();
    let options = RegistryOptions {
        credential_files: vec![file],
        ..options()
    };
    let registry = Registries::new(options).at(&fake.address).unwrap();
    assert!(registry.resolve(&web(&fake)).unwrap().is_some());
    let asked = &tokens.asked()[0];
    assert_eq!(
        (asked.method.as_str(), asked.path.as_str()),
        ("POST", "/token")
    );
    assert!(
        asked.body.contains("grant_type=refresh%5Ftoken"),
        "{}",
        asked.body
    );
    assert!(
        asked.body.contains("refresh_token=s%26cret"),
        "{}",
        asked.body
    );
}

/// The helper has to be on the PATH, which a process cannot change for itself: the test runs itself again with another one.
#[cfg(unix)]
#[test]
fn a_helper_on_the_path_is_asked_for_the_login() {
    use std::{fs, os::unix::fs::PermissionsExt, process::Command};
    const INNER: &str = "FLOTA_TEST_INNER";
    let fake = storing(String::new());
    let ask = |folder: &std::path::Path| {
        let options = RegistryOptions {
            credential_files: vec![folder.join("config.json")],
            ..options()
        };
        Registries::new(options)
            .at(&fake.address)
            .unwrap()
            .resolve(&web(&fake))
    };
    if let Some(folder) = std::env::var_os(INNER) {
        let folder = std::path::PathBuf::from(folder);
        assert_eq!(ask(&folder).unwrap(), None);
        assert_eq!(fake.asked()[1].authorization.as_deref(), Some(BASIC));
        let asked = fs::read_to_string(folder.join("asked")).unwrap();
        assert_eq!(asked.trim(), fake.address);

        fs::write(folder.join("keeps-nothing"), "").unwrap();
        let error = ask(&folder).unwrap_err();
        assert_eq!(error.hints(), [format!("docker login {}", fake.address)]);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let helper = folder.path().join("docker-credential-flota-test");
    let script = "#!/bin/sh\ncd \"${0%/*}\" || exit 2\ncat > asked\n\
        if test -e keeps-nothing; then echo 'credentials not found in native keychain'; exit 1; fi\n\
        echo '{\"Username\": \"me\", \"Secret\": \"secret\"}'\n";
    fs::write(&helper, script).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(
        folder.path().join("config.json"),
        r#"{"credsStore": "flota-test"}"#,
    )
    .unwrap();
    let mut path = vec![folder.path().to_path_buf()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let again = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "misbehaviour::a_helper_on_the_path_is_asked_for_the_login",
        ])
        .env("PATH", std::env::join_paths(path).unwrap())
        .env(INNER, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&again.stdout);
    assert!(
        again.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[test]
fn a_token_server_in_the_clear_gets_nothing() {
    for realm in [
        "http://tokens.example/token",
        "http://me:pw@127.0.0.1/",
        "file:///etc/passwd",
        "token",
    ] {
        let fake = guarded(realm.to_owned());
        let (registry, _folder) = registry(&fake.address, Some("me:secret"));
        let error = registry.resolve(&web(&fake)).unwrap_err();
        assert_eq!(error.exit(), Exit::Unavailable);
        assert!(
            whole(&error).contains("cannot be trusted"),
            "{}",
            whole(&error)
        );
        assert_eq!(fake.asked().len(), 1);
    }
}

#[test]
fn a_token_server_that_denies_is_named_without_the_secret() {
    let tokens = Fake::start(|_, _| status(401));
    let fake = guarded(format!("http://{}/token", tokens.address));
    let (registry, _folder) = registry(&fake.address, Some("me:secret"));
    let error = registry.resolve(&web(&fake)).unwrap_err();
    assert_eq!(error.hints(), [format!("docker login {}", fake.address)]);
    assert!(
        !format!("{error:?}").contains("secret") && !format!("{error:?}").contains("bWU6"),
        "{error:?}"
    );
    assert_eq!(tokens.asked().len(), 1);
}

#[test]
fn a_token_that_does_not_help_is_asked_for_once() {
    let tokens =
        Fake::start(|_, _| Answer::With(200, Vec::new(), r#"{"token": "useless"}"#.to_owned()));
    let fake = guarded(format!("http://{}/token", tokens.address));
    assert_eq!(resolve(&fake).unwrap_err().exit(), Exit::Unavailable);
    assert_eq!((fake.asked().len(), tokens.asked().len()), (2, 1));
}

#[test]
fn an_expired_token_is_replaced() {
    let tokens = token_server();
    let realm = format!("http://{}/token", tokens.address);
    let fake = Fake::start(move |asked, before| match (&asked.authorization, before) {
        (Some(_), 1 | 3) => found(),
        _ => Answer::With(
            401,
            vec![("WWW-Authenticate", format!("Bearer realm=\"{realm}\""))],
            String::new(),
        ),
    });
    let (registry, _folder) = registry(&fake.address, None);
    for _ in 0..2 {
        assert!(registry.resolve(&web(&fake)).unwrap().is_some());
    }
    assert_eq!((fake.asked().len(), tokens.asked().len()), (4, 2));
    // A challenge without a scope is answered with the one that is needed.
    assert!(
        tokens.asked()[0]
            .path
            .ends_with("scope=repository%3Aacme%2Fweb%3Apull%2Cpush")
    );
}

/// A registry that wants a password and sends uploads to `location`.
fn storing(location: String) -> Fake {
    Fake::start(
        move |asked, _| match (asked.authorization.as_deref(), asked.method.as_str()) {
            (None, _) => Answer::With(
                401,
                vec![("WWW-Authenticate", "Basic realm=\"x\"".to_owned())],
                String::new(),
            ),
            (_, "HEAD") => status(404),
            (_, "POST") => Answer::With(202, vec![("Location", location.clone())], String::new()),
            _ => status(201),
        },
    )
}

#[test]
fn an_upload_elsewhere_goes_without_the_password() {
    let storage = Fake::start(|_, _| status(201));
    let fake = storing(format!("http://{}/put?here=1", storage.address));
    let (registry, _folder) = registry(&fake.address, Some("me:secret"));
    let layout = tempfile::tempdir().unwrap();
    let image = put_image(layout.path(), b"layer");
    registry
        .push_layout(layout.path(), &image, &[web(&fake)])
        .unwrap();
    let asked = storage.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(
        asked[1].path,
        format!("/put?here=1&digest={}", super::digest(b"layer"))
    );
    assert_eq!(asked[1].body, "layer");
    assert!(
        asked.iter().all(|asked| asked.authorization.is_none()),
        "{asked:?}"
    );
}

#[test]
fn an_upload_in_the_clear_is_refused() {
    for location in ["http://storage.example/put", "", "ftp:put"] {
        let fake = storing(location.to_owned());
        let (registry, _folder) = registry(&fake.address, Some("me:secret"));
        let layout = tempfile::tempdir().unwrap();
        let image = put_image(layout.path(), b"layer");
        let error = registry
            .push_layout(layout.path(), &image, &[web(&fake)])
            .unwrap_err();
        assert_eq!(error.exit(), Exit::Unavailable, "{}", whole(&error));
        assert!(fake.asked().iter().all(|asked| asked.method != "PUT"));
    }
}

#[test]
fn an_upload_that_breaks_off_starts_over() {
    let fake = Fake::start(|asked, before| match (asked.method.as_str(), before) {
        // HEAD of the manifest, HEAD and POST of the first blob, and then its content.
        ("PUT", 3) => Answer::HangUp,
        ("HEAD", _) => status(404),
        ("POST", _) => Answer::With(
            202,
            vec![("Location", format!("/upload/{before}"))],
            String::new(),
        ),
        _ => status(201),
    });
    let (registry, _folder) = registry(&fake.address, None);
    let layout = tempfile::tempdir().unwrap();
    let image = put_image(layout.path(), b"layer");
    registry
        .push_layout(layout.path(), &image, &[web(&fake)])
        .unwrap();
    let puts: Vec<_> = fake
        .asked()
        .into_iter()
        .filter(|asked| asked.method == "PUT")
        .map(|asked| asked.path)
        .collect();
    assert!(
        puts[0].starts_with("/upload/2?") && puts[1].starts_with("/upload/5?"),
        "{puts:?}"
    );
    assert_eq!(puts.len(), 4);
}

#[test]
fn a_loopback_registry_sends_nobody_away() {
    let elsewhere = Fake::start(|_, _| found());
    let target = format!("http://{}/v2/acme/web/manifests/v1", elsewhere.address);
    let fake = Fake::start(move |_, _| {
        Answer::With(307, vec![("Location", target.clone())], String::new())
    });
    assert_eq!(resolve(&fake).unwrap_err().exit(), Exit::Unavailable);
    assert!(elsewhere.asked().is_empty());
}
