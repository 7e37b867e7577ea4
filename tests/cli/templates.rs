//! `flota templates`: what a new service can start from.

use crate::sandbox::Sandbox;

#[test]
fn both_forms_list_the_same() {
    let sandbox = Sandbox::new();
    let human = sandbox.flota("", &["templates"]).text();
    let json = sandbox.flota("", &["templates", "--format", "json"]).json();
    assert_eq!(json["schema"], "flota.templates/v1");
    let templates = json["templates"].as_array().unwrap();
    assert!(!templates.is_empty());
    for template in templates {
        let (name, description) = (&template["name"], &template["description"]);
        let line = format!(
            "{}: {}\n",
            name.as_str().unwrap(),
            description.as_str().unwrap()
        );
        assert!(human.contains(&line), "{line}{human}");
        for question in template["questions"].as_array().unwrap() {
            let asked = format!(
                "  {}: {}",
                question["name"].as_str().unwrap(),
                question["ask"].as_str().unwrap()
            );
            assert!(human.contains(&asked), "{asked}{human}");
        }
    }
    // The chart is a part of them, and none itself.
    let names: Vec<_> = templates.iter().map(|template| &template["name"]).collect();
    assert!(names.contains(&&"static".into()) && !names.contains(&&"chart".into()));
}
