use super::*;

fn fleet(dependencies: &[(&str, &[&str])]) -> Settings {
    let mut settings = Settings::default();
    for (name, depends_on) in dependencies {
        let mut service = settings.for_service(name);
        service.depends_on = depends_on.iter().map(|name| name.to_string()).collect();
        settings.services.insert(name.to_string(), service);
    }
    settings
}

#[test]
fn the_defaults_are_what_the_readme_says() {
    let service = Settings::default().for_service("cart");
    assert_eq!(service.change.code.sources(), ["code/**"]);
    assert_eq!(service.change.config.sources(), ["config/**", "charts/**"]);
    assert_eq!(service.image.tags[0].to_string(), "{branch}-{sha}");
    assert_eq!(service.chart.version.to_string(), "{version}-g{id}");
    assert_eq!(service.image.timeout.as_secs(), 3600);
    for platform in &*service.image.platforms {
        valid::platform(platform).unwrap();
    }
    assert_eq!(service.repository().unwrap(), "cart");
}

#[test]
fn a_name_no_registry_takes_needs_a_repository() {
    let mut service = Settings::default().for_service("Shop Cart");
    let error = service.repository().unwrap_err();
    assert!(
        error
            .hints()
            .last()
            .unwrap()
            .contains(r#"[service."Shop Cart".image] repository"#)
    );
    service.repository = Some("cart".to_owned());
    assert_eq!(service.repository().unwrap(), "cart");
}

#[test]
fn cycles_are_found_wherever_they_start() {
    let cycle = |dependencies| fleet(dependencies).dependency_cycle().map(|c| c.join(" "));
    assert_eq!(
        cycle(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &["elsewhere"])]),
        None
    );
    assert_eq!(cycle(&[("a", &["a"])]).unwrap(), "a a");
    assert_eq!(
        cycle(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]).unwrap(),
        "b c b"
    );
}

#[test]
fn a_long_chain_does_not_end_the_stack() {
    let mut settings = Settings::default();
    for n in 0..20_000 {
        let mut service = settings.for_service(&n.to_string());
        service.depends_on = vec![((n + 1) % 20_000).to_string()];
        settings.services.insert(service.name.clone(), service);
    }
    assert_eq!(settings.dependency_cycle().unwrap().len(), 20_001);
}

#[test]
fn a_token_is_a_number_only_in_the_form_it_is_written_back_in() {
    use TokenValue as Value;
    for (text, want) in [
        ("true", Value::Bool(true)),
        ("false", Value::Bool(false)),
        ("True", Value::String("True".into())),
        ("3", Value::Integer(3)),
        ("-3", Value::Integer(-3)),
        ("+3", Value::String("+3".into())),
        ("007", Value::String("007".into())),
        ("0.5", Value::Float(0.5)),
        ("3.0", Value::Float(3.0)),
        ("3.10", Value::String("3.10".into())),
        ("1e5", Value::String("1e5".into())),
        ("1e300", Value::String("1e300".into())),
        ("inf", Value::String("inf".into())),
        ("NaN", Value::String("NaN".into())),
        (
            "99999999999999999999",
            Value::String("99999999999999999999".into()),
        ),
        ("", Value::String(String::new())),
    ] {
        let value = Value::infer(text);
        assert_eq!(value, want, "{text}");
        assert_eq!(value.to_string(), text);
        assert!(value.is_finite(), "{text}");
    }
    for float in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        assert!(!Value::Float(float).is_finite(), "{float}");
    }
}

#[test]
fn a_services_own_entry_hides_the_global_one() {
    let entries = |entries: &[(&str, u8)]| -> BTreeMap<String, u8> {
        let entries = entries
            .iter()
            .map(|(name, value)| (name.to_string(), *value));
        entries.collect()
    };
    let mut own = entries(&[("both", 1), ("own", 1)]);
    lay_beneath(&mut own, &entries(&[("both", 2), ("global", 2)]));
    assert_eq!(own, entries(&[("both", 1), ("own", 1), ("global", 2)]));
}
