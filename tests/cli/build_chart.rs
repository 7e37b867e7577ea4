//! What `flota build` says of its charts: whether they run their images. Helm is a fake one that says what it is told; the real one
//! is asked in `tests/chart_helm.rs`.

use std::{env, ffi::OsString, fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::Value;

use crate::sandbox::{Ran, Sandbox};

/// Writes its arguments into a file, says what the file `says` has, and fails if there is none.
const HELM: &str = "#!/bin/sh\necho \"$*\" >>\"$FAKE_HELM/calls\"\ncat \"$FAKE_HELM/says\" || { echo 'Error: a password is needed' >&2; exit 1; }\n";
const CHART: &str = "apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: \"1.5\"\n";
const POD: &str = "image: \"{{ .Values.image.repository }}:{{ .Values.image.tag }}\"\n";
const VALUES: &str = "image: {repository: old, tag: \"1\"}\n";

/// A repository `svc` of one service with these files.
fn service(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    let all = [
        ("code/Dockerfile", "FROM scratch\nCOPY f /f\n"),
        ("code/f", "x\n"),
        ("config/Chart.yaml", CHART),
        (
            "flota.toml",
            "[image]\nbuilder = \"embedded\"\nplatform = \"linux/amd64\"\n",
        ),
    ];
    for (name, content) in all.iter().chain(files) {
        let path = sandbox.path("svc").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    fs::create_dir(sandbox.path("helm")).unwrap();
    let program = sandbox.path("helm/helm");
    fs::write(&program, HELM).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.git("svc", &["init", "-q"]);
    commit(&sandbox);
    sandbox
}

fn commit(sandbox: &Sandbox) {
    sandbox.git("svc", &["add", "-A"]);
    sandbox.git("svc", &["commit", "-qm", "x"]);
}

/// `flota build --all`, with the fake Helm or with none at all.
fn build(sandbox: &Sandbox, args: &[&str], with_helm: bool) -> Ran {
    let args = [&["build", "--all"], args].concat();
    sandbox.flota_with("svc", &args, |command| {
        let path = env::var_os("PATH").unwrap();
        let others = env::split_paths(&path).filter(|folder| !folder.join("helm").exists());
        let own = with_helm.then(|| sandbox.path("helm"));
        let path: OsString = env::join_paths(own.into_iter().chain(others)).unwrap();
        command
            .env("PATH", path)
            .env("FAKE_HELM", sandbox.path("helm"));
    })
}

fn says(sandbox: &Sandbox, text: &str) {
    fs::write(sandbox.path("helm/says"), text).unwrap();
}

fn calls(sandbox: &Sandbox) -> usize {
    let calls = fs::read_to_string(sandbox.path("helm/calls")).unwrap_or_default();
    calls.lines().count()
}

fn check(sandbox: &Sandbox) -> Value {
    let report = fs::read(sandbox.path("svc/.flota/build.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    report["services"][0]["chart"]["check"].clone()
}

fn image(sandbox: &Sandbox) -> String {
    let report = fs::read(sandbox.path("svc/.flota/build.json")).unwrap();
    let report: Value = serde_json::from_slice(&report).unwrap();
    report["services"][0]["image"]["reference"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_chart_that_runs_its_image_says_nothing_and_is_looked_at_once() {
    let sandbox = service(&[
        ("config/values.yaml", VALUES),
        ("config/templates/pod.yaml", POD),
    ]);
    let ran = build(&sandbox, &["--dry-run"], false);
    assert_eq!(ran.status.unwrap(), 0, "{}", ran.transcript());
    let ran = build(&sandbox, &[], false);
    assert_eq!(
        (ran.status.unwrap(), check(&sandbox)["image"].as_str()),
        (0, Some("unchecked"))
    );
    assert!(
        check(&sandbox)["reason"]
            .as_str()
            .unwrap()
            .contains("no helm")
    );
    assert!(
        !ran.transcript().contains("warning:"),
        "{}",
        ran.transcript()
    );

    // What was not looked at for want of Helm is looked at with it.
    says(&sandbox, &format!("image: {}\n", image(&sandbox)));
    for _ in 0..2 {
        let ran = build(&sandbox, &["--strict"], true);
        assert_eq!(
            (ran.status.unwrap(), check(&sandbox)["image"].as_str()),
            (0, Some("found"))
        );
        assert!(
            !ran.transcript().contains("warning:"),
            "{}",
            ran.transcript()
        );
        assert_eq!(calls(&sandbox), 1);
    }
    // A chart that is there says the same, also without Helm.
    let ran = build(&sandbox, &[], false);
    assert_eq!(
        (ran.status.unwrap(), check(&sandbox)["image"].as_str()),
        (0, Some("found"))
    );
}

#[test]
fn a_chart_that_does_not_run_its_image_is_a_warning_and_with_strict_an_error_before_the_build() {
    let sandbox = service(&[
        ("config/values.yaml", VALUES),
        ("config/templates/pod.yaml", POD),
    ]);
    says(&sandbox, "image: old:1\n");
    let ran = build(&sandbox, &["--strict"], true);
    assert_eq!(ran.status.unwrap(), 4, "{}", ran.transcript());
    assert!(
        ran.transcript()
            .contains("the chart of svc does not run the image that was built")
    );
    assert!(!sandbox.path("svc/.flota/images/index.json").exists());
    for _ in 0..2 {
        let ran = build(&sandbox, &[], true);
        assert_eq!(
            (ran.status.unwrap(), check(&sandbox)["image"].as_str()),
            (0, Some("not-found"))
        );
        let said = ran.transcript();
        assert!(
            said.contains("warning: the chart of svc does not run the image that was built"),
            "{said}"
        );
        assert!(said.contains("[service.\"svc\".chart] image ="), "{said}");
    }
}

#[test]
fn a_chart_that_cannot_be_rendered_is_a_note_and_values_help() {
    let sandbox = service(&[
        ("config/values.yaml", VALUES),
        ("config/templates/pod.yaml", POD),
        ("config/ci/values.yaml", "password: x\n"),
        ("config/.helmignore", "ci/\n"),
    ]);
    let ran = build(&sandbox, &["--strict"], true);
    assert_eq!(
        (ran.status.unwrap(), check(&sandbox)["image"].as_str()),
        (0, Some("unchecked"))
    );
    let said = ran.transcript();
    assert!(
        said.contains("note: ")
            && said.contains("a password is needed")
            && said.contains("check_values"),
        "{said}"
    );
    assert!(!said.contains("warning:"), "{said}");

    says(&sandbox, &format!("image: {}\n", image(&sandbox)));
    let configuration = sandbox.path("svc/flota.toml");
    let text = fs::read_to_string(&configuration).unwrap();
    fs::write(
        &configuration,
        format!("{text}[chart]\ncheck_values = \"ci/values.yaml\"\n"),
    )
    .unwrap();
    let ran = build(&sandbox, &[], true);
    assert_eq!(
        (ran.status.unwrap(), check(&sandbox)["image"].as_str()),
        (0, Some("found")),
        "{}",
        ran.transcript()
    );
    let calls = fs::read_to_string(sandbox.path("helm/calls")).unwrap();
    let last = calls.lines().last().unwrap();
    assert!(
        last.contains("--values") && last.ends_with("config/ci/values.yaml"),
        "{last}"
    );
}

#[test]
fn values_for_the_check_are_a_file_of_the_chart() {
    let sandbox = service(&[
        ("config/values.yaml", VALUES),
        ("config/templates/pod.yaml", POD),
        (
            "flota.toml",
            "[image]\nbuilder = \"embedded\"\n[chart]\ncheck_values = \"ci/none.yaml\"\n",
        ),
    ]);
    let ran = build(&sandbox, &[], true);
    assert!(
        ran.transcript().contains("this chart has no ci/none.yaml"),
        "{}",
        ran.transcript()
    );
    for bad in ["../x", "/etc/passwd", ""] {
        let text = format!("[chart]\ncheck_values = {bad:?}\n");
        fs::write(sandbox.path("svc/flota.toml"), text).unwrap();
        assert_eq!(build(&sandbox, &[], true).status.unwrap(), 2, "{bad}");
    }
}

#[test]
fn without_helm_the_templates_tell_what_they_can() {
    for (values, pod, result, says) in [
        ("a: 1\n", "image: old:1\n", "not-found", "no template reads"),
        (
            VALUES,
            "{{ if semverCompare \">=1.4\" .Chart.AppVersion }}{{ .Values.image.tag }}{{ end }}",
            "not-found",
            "templates/pod.yaml:1 compares the image's tag or the appVersion",
        ),
        (
            "web: {image: {repository: old, tag: \"1\"}}\n",
            "image: {{ .Values.web.image.repository }}:{{ .Values.web.image.tag }}\n",
            "unchecked",
            "has its image in `web.image`",
        ),
    ] {
        let sandbox = service(&[
            ("config/values.yaml", values),
            ("config/templates/pod.yaml", pod),
        ]);
        let ran = build(&sandbox, &[], false);
        let said = ran.transcript();
        assert_eq!(
            (ran.status.unwrap(), check(&sandbox)["image"].as_str()),
            (0, Some(result)),
            "{said}"
        );
        assert!(
            said.contains("warning: the chart of svc") && said.contains(says),
            "{said}"
        );
    }
}

#[test]
fn the_configuration_says_where_the_image_is_and_what_the_app_version_becomes() {
    let values =
        "a: {image: {repository: old, tag: \"1\"}}\nb: {image: {repository: old, tag: \"1\"}}\n";
    let pod = "{{ .Values.a.image.tag }} {{ .Values.b.image.tag }}";
    let configuration = "[image]\nbuilder = \"embedded\"\n[service.svc.chart]\nimage = \"b.image\"\napp_version = \"keep\"\n";
    let sandbox = service(&[
        ("config/values.yaml", values),
        ("config/templates/pod.yaml", pod),
        ("flota.toml", configuration),
    ]);
    let ran = build(&sandbox, &[], false);
    assert!(
        !ran.transcript().contains("warning:"),
        "{}",
        ran.transcript()
    );
    let package = packaged(&sandbox.path("svc/.flota/charts"));
    assert!(package.contains("appVersion: \"1.5\""), "{package}");
    assert!(
        package.contains("a: {image: {repository: old, tag: \"1\"}}"),
        "{package}"
    );
    assert!(
        package.contains("b: {image: {repository: svc, tag: \"code-"),
        "{package}"
    );
}

#[test]
fn a_default_version_is_a_label_and_a_pre_release() {
    for (own, want) in [
        ("1.0.0", "web-1.0.0-g"),
        ("1.0.0-rc.1", "web-1.0.0-rc.1.g"),
        ("1.0.0+build.5", "web-1.0.0-build.5.g"),
    ] {
        let chart = CHART.replace("1.0.0", own);
        let sandbox = service(&[("config/Chart.yaml", &chart)]);
        build(&sandbox, &[], false);
        let charts = fs::read_dir(sandbox.path("svc/.flota/charts")).unwrap();
        let names: Vec<_> = charts
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let id = names[0]
            .strip_prefix(want)
            .unwrap_or_else(|| panic!("{names:?}"));
        assert_eq!(id.strip_suffix(".tgz").map(str::len), Some(12), "{names:?}");
    }
}

/// The texts of the one package in a folder.
fn packaged(charts: &Path) -> String {
    let file = fs::read_dir(charts)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut archive =
        tar::Archive::new(flate2::read::GzDecoder::new(fs::File::open(file).unwrap()));
    let entries = archive
        .entries()
        .unwrap()
        .map(|entry| std::io::read_to_string(entry.unwrap()).unwrap());
    entries.collect()
}
