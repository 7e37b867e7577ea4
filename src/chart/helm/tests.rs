use super::*;

fn files(named: &[(&str, &str)]) -> Files {
    let owned = |(name, content): &(&str, &str)| ((*name).to_owned(), content.as_bytes().to_vec());
    named.iter().map(owned).collect()
}

fn missing_of(named: &[(&str, &str)]) -> Vec<String> {
    missing(&files(named)).unwrap()
}

#[test]
fn a_dependency_is_a_folder_by_its_chart_s_name() {
    let chart =
        "apiVersion: v2\nname: a\ndependencies: [{name: x}, {name: y}, {name: z}, {name: w}]\n";
    let inside = |name: &str| format!("name: {name}\nversion: 1.0.0\n");
    let named = [
        ("Chart.yaml", chart),
        ("charts/other/Chart.yaml", &*inside("x")),
        ("charts/y/Chart.yaml", &inside("y")),
        ("charts/z/Chart.yaml", &inside("another")),
        ("charts/z/values.yaml", "name: z\n"),
        ("charts/deep/Chart.yaml", &inside("deep")),
        ("charts/deep/charts/w/Chart.yaml", &inside("w")),
    ];
    assert_eq!(missing_of(&named), ["z", "w"]);
}

#[test]
fn requirements_count_for_each_version_of_the_api() {
    for version in ["v1", "v2"] {
        let chart = format!("apiVersion: {version}\nname: a\ndependencies: [{{name: w}}]\n");
        let named = [
            ("Chart.yaml", &*chart),
            ("requirements.yaml", "dependencies: [{name: x}]\n"),
        ];
        assert_eq!(missing_of(&named), ["w", "x"]);
    }
}

#[test]
fn what_is_hidden_in_charts_is_left_out() {
    for name in ["charts/_a", "charts/.b/c", "charts/a/charts/_b/Chart.yaml"] {
        assert!(leaves_out(name), "{name}");
    }
    for name in [
        "_a",
        ".helmignore",
        "charts/a/_b",
        "charts/a/templates/_helpers.tpl",
        "charts/_a.tgz.prov",
        "templates/charts/_a",
    ] {
        assert!(!leaves_out(name), "{name}");
    }
}

#[test]
fn charts_in_charts_have_an_end() {
    let mut named = files(&[("Chart.yaml", "apiVersion: v2\nname: a\n")]);
    let mut at = String::new();
    for _ in 0..=DEPTH_LIMIT {
        at += "charts/a/";
        named.insert(
            format!("{at}Chart.yaml"),
            b"name: a\nversion: 1.0.0\n".to_vec(),
        );
    }
    assert!(
        matches!(missing(&named), Err(FileRefusal::Helm(_, what)) if what.contains("too deep"))
    );
}

#[test]
fn a_small_archive_cannot_unfold_into_a_large_chart() {
    let pack = |entries: &[(String, Vec<u8>)]| {
        let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let mut archive = tar::Builder::new(gzip);
        for (name, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, &**content).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    };
    let large = |index: usize| (format!("a/{index}"), vec![0; 4 << 20]);
    let inner = pack(&(0..20).map(large).collect::<Vec<_>>());
    let mut entries = vec![(
        "a/Chart.yaml".to_owned(),
        b"name: a\nversion: 1.0.0\n".to_vec(),
    )];
    entries.extend((0..20).map(|index| (format!("a/charts/{index}.tgz"), inner.clone())));
    let mut named = files(&[("Chart.yaml", "apiVersion: v2\nname: a\n")]);
    named.insert("charts/a.tgz".into(), pack(&entries));
    let refused = missing(&named);
    assert!(
        matches!(&refused, Err(FileRefusal::Helm(_, what)) if what.contains("Helm's limits") || what.contains("is missing")),
        "{refused:?}"
    );
}
