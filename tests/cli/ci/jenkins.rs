//! The Jenkinsfile, parsed and played by the Groovy that Jenkins has.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    sandbox::{Ran, Sandbox},
    support::need,
};

/// Plays the Jenkinsfile of `dir` for a commit of `repository`: a build of the branch main, or of change 12. Scripts that `skip` is
/// in are not run.
fn played(
    sandbox: &Sandbox,
    (dir, repository, rev): (&str, &str, &str),
    change: bool,
    skip: &str,
) -> Ran {
    let player = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tools/jenkins.groovy");
    let commit = sandbox.git(dir, &["rev-parse", &format!("{rev}^{{commit}}")]);
    let folder = tempfile::tempdir_in(sandbox.root()).unwrap();
    let mut groovy = sandbox.program("groovy", "");
    groovy
        .arg(player)
        .arg(sandbox.path(dir).join("Jenkinsfile"))
        .arg(folder.path())
        .arg(format!("file://{}", sandbox.path(repository).display()))
        .arg(commit.trim())
        .args(Some(skip).filter(|skip| !skip.is_empty()))
        .env("PATH", super::runner::program_folders())
        .env("FAKE_ENGINE", folder.path())
        // It runs for a second or two: what is compiled for good is never worth it.
        .env("JAVA_OPTS", "-XX:TieredStopAtLevel=1 -Xshare:auto")
        .env("CI_BUILD_TAG", "jenkins-fleet-1")
        .env("CI_BRANCH_NAME", if change { "PR-12" } else { "main" });
    if change {
        groovy
            .env("CI_CHANGE_ID", "12")
            .env("CI_CHANGE_TARGET", "main")
            .env("CI_CHANGE_BRANCH", "patch");
    }
    sandbox.ran(groovy.output().unwrap())
}

fn written(sandbox: &Sandbox) {
    let ran = sandbox.flota("fleet", &["ci", "jenkins"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

/// A scripted fleet with its Jenkinsfile; none where nothing can play that.
fn fleet(script: &str) -> Option<Sandbox> {
    need("groovy").then(|| {
        let sandbox = Sandbox::scripted(script);
        written(&sandbox);
        sandbox
    })
}

/// What was told of one kind.
fn told<'a>(ran: &'a str, kind: &str) -> Vec<&'a str> {
    let lines = ran.lines();
    lines
        .filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' '))
        .collect()
}

#[test]
fn plans_of_every_size_become_branches() {
    let Some(sandbox) = fleet("ci-legs") else {
        return;
    };
    for (rev, legs, changes) in [
        ("none", 0, 0),
        ("one", 1, 1),
        ("twenty", 20, 20),
        ("all", 100, 300),
    ] {
        // Without a record a push is compared with its first parent, as the fleet has configured. Nothing is built here.
        let forget = ["update-ref", "-d", "refs/flota/success/main"];
        sandbox.git("fleet", &forget);
        let ran = played(&sandbox, ("fleet", "fleet", rev), false, "$FLOTA_STEPS");
        let said = ran.text();
        assert!(said.ends_with("result SUCCESS\n"), "{said}{}", ran.stderr);
        let branches = told(&said, "parallel");
        let want = Some(legs.to_string()).filter(|_| legs > 0);
        assert_eq!(branches, Vec::from_iter(want.as_deref()), "{said}");
        assert_eq!(told(&said, "echo").len(), usize::from(legs == 0), "{said}");
        let steps = told(&said, "skipped");
        // Once for the services, once for their images.
        assert_eq!(steps.len(), 2 * legs);
        let words: BTreeSet<_> = steps.iter().flat_map(|steps| steps.split(',')).collect();
        assert_eq!(words.len(), changes);
        assert_eq!(told(&said, "stage").contains(&"record"), legs > 0, "{said}");
    }
}

#[test]
fn what_failed_is_built_again_by_the_next_build() {
    let Some(sandbox) = fleet("record") else {
        return;
    };
    sandbox.git("fleet", &["add", "--all"]);
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--message", "Build by flota"],
    );
    sandbox.git("web", &["config", "core.bare", "false"]);
    let fleet = ("fleet", "fleet.git", "HEAD");
    let build = |text: &str| {
        fs::write(sandbox.path("web/code/Dockerfile"), text).unwrap();
        sandbox.commit_and_pin("web", "Change it");
        sandbox.git("fleet", &["push", "--quiet", "origin", "main"]);
        let ran = played(&sandbox, fleet, false, "");
        (ran.text(), ran.stderr)
    };
    let (said, stderr) = build("FROM scratch\nRUN fail\n");
    assert!(
        said.contains("\nfailed web: script returned exit code 3\n"),
        "{said}{stderr}"
    );
    assert_eq!(told(&said, "stage"), ["plan", "build", "record"]);
    assert_eq!(told(&said, "credentials"), ["flota-git"]);
    assert!(told(&said, "caught").is_empty(), "{said}{stderr}");
    assert!(said.contains("\nresult FAILURE: "), "{said}");

    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--allow-empty", "--message", "Nothing"],
    );
    sandbox.git("fleet", &["push", "--quiet", "origin", "main"]);
    let again = played(&sandbox, fleet, false, "");
    assert_eq!(told(&again.text(), "parallel"), ["1"], "{}", again.stderr);
    assert!(again.text().contains("\nfailed web: "), "{}", again.text());

    let (said, stderr) = build("FROM scratch\nCOPY . /\n");
    assert!(said.ends_with("result SUCCESS\n"), "{said}{stderr}");
}

#[test]
fn a_change_request_sees_no_credentials_and_records_nothing() {
    let Some(sandbox) = fleet("record") else {
        return;
    };
    let file = sandbox.path("fleet/flota.toml");
    let text = fs::read_to_string(&file).unwrap();
    let line = "[image]\nregistry = \"registry.example.com/shop\"";
    fs::write(&file, text.replacen("[image]", line, 1)).unwrap();
    written(&sandbox);
    for (change, want) in [(true, vec![]), (false, vec!["flota-registry", "flota-git"])] {
        let ran = played(&sandbox, ("fleet", "fleet", "HEAD"), change, "$FLOTA_STEPS");
        let said = ran.text();
        assert!(said.ends_with("result SUCCESS\n"), "{said}{}", ran.stderr);
        let used: Vec<_> = told(&said, "credentials");
        let legs: usize = told(&said, "parallel")
            .first()
            .map_or(0, |n| n.parse().unwrap());
        if change {
            assert_eq!((used, told(&said, "stage")), (want, vec!["plan", "build"]));
        } else {
            let different: BTreeSet<_> = used.iter().copied().collect();
            assert_eq!(different, BTreeSet::from_iter(want));
            assert_eq!(used.len(), legs + 1, "{said}");
        }
    }
}
