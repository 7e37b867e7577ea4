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
    assert_eq!(service.chart.version.to_string(), "{version}+{id}");
    assert_eq!(service.image.timeout.as_secs(), 3600);
    valid::platform(&service.image.platform).unwrap();
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
