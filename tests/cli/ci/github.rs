//! The workflows of GitHub, played for each event that starts them.

use std::{collections::BTreeSet, fs};

use super::runner::{Event, Outcome, Runner};
use crate::{consumers::yaml, registry::Server, sandbox::Sandbox};

const NOWHERE: &str = "0000000000000000000000000000000000000000";

fn commit(sandbox: &Sandbox, repository: &str, rev: &str) -> String {
    sandbox
        .git(repository, &["rev-parse", &format!("{rev}^{{commit}}")])
        .trim()
        .to_owned()
}

/// The push that made `rev` of its parent.
fn push(sandbox: &Sandbox, repository: &str, rev: &str) -> Event {
    let before = commit(sandbox, repository, &format!("{rev}~1"));
    Event::push("main", &before, &commit(sandbox, repository, rev))
}

fn written(sandbox: &Sandbox, repository: &str) {
    let ran = sandbox.flota(repository, &["ci", "github"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}

fn services(count: usize, action: &str) -> BTreeSet<(String, String)> {
    let one = |number| (format!("services/s{number}"), action.to_owned());
    (1..=count).map(one).collect()
}

fn assert_green(outcome: &Outcome) {
    assert!(
        outcome.results.values().all(|it| it != "failure"),
        "{:?}\n{}",
        outcome.results,
        outcome.log
    );
}

#[test]
fn what_is_built_is_what_changed() {
    let sandbox = Sandbox::scripted("ci-legs");
    written(&sandbox, "fleet");
    for (rev, count, action) in [
        ("none", 0, "image"),
        ("one", 1, "image"),
        ("twenty", 20, "image"),
        ("chart", 1, "chart"),
    ] {
        // Each as if it were the first.
        let forget = ["update-ref", "-d", "refs/flota/success/main"];
        sandbox.git("fleet", &forget);
        let event = push(&sandbox, "fleet", rev);
        let outcome = Runner::new(&sandbox, "fleet", "fleet", event).play();
        assert_green(&outcome);
        assert_eq!(outcome.built, services(count, action), "{rev}");
        let recorded = outcome.results["record"] == "success";
        assert_eq!(recorded, count > 0, "{rev}");
    }
}

#[test]
fn three_hundred_changes_share_256_jobs() {
    let sandbox = Sandbox::scripted("ci-legs");
    written(&sandbox, "fleet");
    let event = push(&sandbox, "fleet", "all");
    let mut runner = Runner::new(&sandbox, "fleet", "fleet", event);
    // A leg with two services builds both.
    runner.only_leg = Some(0);
    let outcome = runner.play();
    assert_green(&outcome);
    assert_eq!((outcome.legs, outcome.built.len()), (256, 2));
}

/// The fleet of four services, whose remote is a bare repository, with its workflow in it; images go to `registry`.
fn shop(registry: Option<&Server>) -> Sandbox {
    let sandbox = Sandbox::scripted("record");
    if let Some(registry) = registry {
        let file = sandbox.path("fleet/flota.toml");
        let text = fs::read_to_string(&file).unwrap();
        let line = format!("[image]\nregistry = \"{}/team\"", registry.address);
        fs::write(&file, text.replacen("[image]", &line, 1)).unwrap();
    }
    written(&sandbox, "fleet");
    sandbox.git("fleet", &["add", "--all"]);
    let message = ["commit", "--quiet", "--message", "Build by flota"];
    sandbox.git("fleet", &message);
    sandbox.git("fleet", &["push", "--quiet", "origin", "main"]);
    for service in ["api", "docs", "lib", "web"] {
        sandbox.git(service, &["config", "core.bare", "false"]);
    }
    sandbox
}

/// A new commit of a service, pinned by a commit of the fleet.
fn change(sandbox: &Sandbox, service: &str, file: &str, text: &str) {
    fs::write(sandbox.path(service).join(file), text).unwrap();
    sandbox.commit_and_pin(service, "Change it");
}

/// Pushes the fleet's HEAD to a branch of the remote, and plays what comes of it.
fn pushed(sandbox: &Sandbox, branch: &str) -> Outcome {
    let event = pushing(sandbox, branch);
    Runner::new(sandbox, "fleet", "fleet.git", event).play()
}

fn pushing(sandbox: &Sandbox, branch: &str) -> Event {
    let name = format!("refs/heads/{branch}");
    let args = ["for-each-ref", "--format=%(objectname)", name.as_str()];
    let before = sandbox.git("fleet.git", &args);
    let before = match before.trim() {
        "" => NOWHERE.to_owned(),
        before => before.to_owned(),
    };
    let refspec = format!("+HEAD:{name}");
    sandbox.git("fleet", &["push", "--quiet", "origin", &refspec]);
    Event::push(branch, &before, &commit(sandbox, "fleet", "HEAD"))
}

/// What was built, without the folder that all of it lies in.
fn names(outcome: &Outcome) -> Vec<&str> {
    let paths = outcome.built.iter().map(|(path, _)| path.as_str());
    paths
        .map(|path| path.trim_start_matches("code-repos/"))
        .collect()
}

#[test]
fn what_failed_is_built_again_by_the_next_push() {
    let sandbox = shop(None);
    // The embedded builder has no RUN.
    change(
        &sandbox,
        "web",
        "code/Dockerfile",
        "FROM scratch\nRUN fail\n",
    );
    change(&sandbox, "docs", "code/app", "third version");
    let first = pushed(&sandbox, "main");
    assert_eq!(names(&first), ["docs"]);
    let want = [
        ("plan", "success"),
        ("build", "failure"),
        ("record", "success"),
        ("report", "failure"),
    ];
    let want = want.map(|(job, result)| (job.to_owned(), result.to_owned()));
    assert_eq!(first.results, want.into(), "{}", first.log);

    // Nothing in web moves, and yet it is in the plan again.
    change(&sandbox, "lib", "code/app", "third version");
    let second = pushed(&sandbox, "main");
    assert_eq!(second.legs, 3, "{}", second.log);
    assert_eq!(names(&second), ["api", "lib"], "api depends on lib");

    fs::write(
        sandbox.path("web/code/Dockerfile"),
        "FROM scratch\nCOPY . /\n",
    )
    .unwrap();
    sandbox.commit_and_pin("web", "Mend it");
    let third = pushed(&sandbox, "main");
    assert_eq!(names(&third), ["web"], "{}", third.log);
    assert_green(&third);
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--allow-empty", "--message=x"],
    );
    let fourth = pushed(&sandbox, "main");
    assert_eq!(fourth.results["build"], "skipped", "{}", fourth.log);
}

#[test]
fn two_runs_at_once_record_both() {
    let sandbox = shop(None);
    change(&sandbox, "docs", "code/app", "third version");
    assert_green(&pushed(&sandbox, "main"));
    change(&sandbox, "docs", "code/app", "fourth version");
    change(
        &sandbox,
        "web",
        "code/Dockerfile",
        "FROM scratch\nRUN fail\n",
    );
    let first = pushing(&sandbox, "main");
    change(&sandbox, "lib", "code/app", "third version");
    let second = pushing(&sandbox, "main");
    std::thread::scope(|scope| {
        let play = |event| {
            let sandbox = &sandbox;
            scope.spawn(move || Runner::new(sandbox, "fleet", "fleet.git", event).play())
        };
        let runs = [play(first), play(second)];
        for run in runs {
            let outcome = run.join().unwrap();
            assert_eq!(outcome.results["record"], "success", "{}", outcome.log);
        }
    });
    sandbox.git(
        "fleet",
        &["commit", "--quiet", "--allow-empty", "--message=x"],
    );
    let third = pushed(&sandbox, "main");
    assert_eq!(
        (third.legs, names(&third)),
        (1, vec![]),
        "web alone is left"
    );
    assert_eq!(third.results["build"], "failure");
}

#[test]
fn a_push_goes_to_the_registry_with_the_environments_secrets() {
    let Some(registry) = Server::with_password() else {
        return;
    };
    let sandbox = shop(Some(&registry));
    change(&sandbox, "web", "code/app", "third version");
    let outcome = pushed(&sandbox, "main");
    assert_green(&outcome);
    assert!(outcome.has_logged_in);
    assert_eq!(names(&outcome), ["web"]);
    let sha = &commit(&sandbox, "web", "HEAD")[..7];
    let tag = format!("{}/team/web:main-{sha}", registry.address);
    assert!(outcome.images.contains(&tag), "{:?}", outcome.images);
    assert!(registry.writes_until("/team/charts/web/manifests/") > 0);
}

#[test]
fn a_pull_request_from_a_fork_sees_no_secret_and_writes_nothing() {
    let Some(registry) = Server::with_password() else {
        return;
    };
    let sandbox = shop(Some(&registry));
    let target = commit(&sandbox, "fleet", "HEAD");
    sandbox.git("fleet", &["switch", "--quiet", "--create", "patch"]);
    change(&sandbox, "web", "code/app", "third version");
    let head = commit(&sandbox, "fleet", "HEAD");
    sandbox.git("fleet", &["checkout", "--quiet", "--detach", "main"]);
    let merge = ["merge", "--quiet", "--no-ff", "--message=Trial", "patch"];
    sandbox.git("fleet", &merge);
    let trial = commit(&sandbox, "fleet", "HEAD");
    let refspec = "HEAD:refs/pull/12/merge";
    sandbox.git("fleet", &["push", "--quiet", "origin", refspec]);
    // The services are public, and the pin is on a branch of the service.
    let event = Event::pull_request_from_a_fork(&target, &head, &trial);
    let before = sandbox.git("fleet.git", &["for-each-ref"]);
    let outcome = Runner::new(&sandbox, "fleet", "fleet.git", event).play();
    assert_green(&outcome);
    assert_eq!(names(&outcome), ["web"]);
    assert_eq!(outcome.results["record"], "skipped");
    assert!(!outcome.has_logged_in);
    let tag = format!("{}/team/web:pr-12", registry.address);
    assert!(outcome.images.contains(&tag), "{:?}", outcome.images);
    assert_eq!(registry.writes_until(""), 0);
    assert_eq!(sandbox.git("fleet.git", &["for-each-ref"]), before);
}

#[test]
fn a_merge_group_is_built_against_its_base_and_recorded_by_its_push() {
    let sandbox = shop(None);
    let base = commit(&sandbox, "fleet", "HEAD");
    change(&sandbox, "web", "code/app", "third version");
    let head = commit(&sandbox, "fleet", "HEAD");
    let queue = "HEAD:refs/heads/gh-readonly-queue/main/pr-12";
    sandbox.git("fleet", &["push", "--quiet", "origin", queue]);
    let event = Event::merge_group(&base, &head);
    let trial = Runner::new(&sandbox, "fleet", "fleet.git", event).play();
    assert_green(&trial);
    assert_eq!(names(&trial), ["web"]);
    assert_eq!(trial.results["record"], "skipped");

    let merged = pushed(&sandbox, "main");
    assert_eq!(names(&merged), ["web"]);
    assert_eq!(merged.results["record"], "success");
}

#[test]
fn a_first_push_and_a_forced_one_are_built_too() {
    let sandbox = shop(None);
    let start = commit(&sandbox, "fleet", "HEAD");
    change(&sandbox, "web", "code/app", "third version");
    let first = pushed(&sandbox, "development");
    assert_eq!(names(&first), ["web"], "{}", first.log);
    assert_green(&first);

    // Back to where it was, and on from there: each service against its last success, whatever became of the history.
    sandbox.git("fleet", &["reset", "--quiet", "--hard", &start]);
    sandbox.git("fleet", &["submodule", "--quiet", "update"]);
    change(&sandbox, "docs", "code/app", "third version");
    let forced = pushed(&sandbox, "development");
    assert_eq!(names(&forced), ["docs", "web"], "{}", forced.log);
    assert_green(&forced);
}

/// The repository of one service, with its workflow in it: before the last commit the configuration changed, before that the
/// code.
fn service() -> Sandbox {
    let sandbox = Sandbox::scripted("ci-legs");
    let configuration = fs::read_to_string(sandbox.path("fleet/flota.toml")).unwrap();
    // Without what makes it a fleet's.
    let (_, image) = configuration.split_once("[image]").unwrap();
    let configuration = format!("[image]{image}");
    fs::write(sandbox.path("api/flota.toml"), configuration).unwrap();
    written(&sandbox, "api");
    sandbox.git("api", &["add", "--all"]);
    sandbox.git("api", &["commit", "--quiet", "--message", "Configure"]);
    sandbox
}

#[test]
fn a_service_alone_builds_its_image_or_its_chart() {
    let sandbox = service();
    for (rev, action, other) in [
        ("HEAD~2", "image", "chart"),
        ("HEAD~1", "chart", "image"),
        ("HEAD", "", "image"),
    ] {
        let event = push(&sandbox, "api", rev);
        let outcome = Runner::new(&sandbox, "api", "api", event).play();
        assert_green(&outcome);
        assert_eq!(outcome.results[other], "skipped", "{rev}");
        let built = outcome.built.iter().map(|(_, action)| action.as_str());
        let want = Some(action).filter(|action| !action.is_empty());
        assert_eq!(built.collect::<Vec<_>>(), Vec::from_iter(want), "{rev}");
    }
}

/// Its first build fails; then its README changes.
#[test]
fn a_service_alone_that_failed_is_built_again() {
    let sandbox = service();
    for (file, text) in [
        ("code/Dockerfile", "FROM scratch\nRUN fail\n"),
        ("README.md", "# api, again"),
    ] {
        fs::write(sandbox.path("api").join(file), text).unwrap();
        sandbox.git("api", &["add", "--all"]);
        sandbox.git("api", &["commit", "--quiet", "--message", "Change"]);
        let event = push(&sandbox, "api", "HEAD");
        let outcome = Runner::new(&sandbox, "api", "api", event).play();
        assert_eq!(outcome.results["image"], "failure", "{}", outcome.log);
        assert_eq!(outcome.results["record"], "success", "{}", outcome.log);
    }
}

/// git asks the helpers that the workflow sets: the run's own token is for the fleet alone, and the job that records has no other
/// to push with.
#[test]
fn the_fleet_and_its_services_are_logged_in_to_apart() {
    let sandbox = Sandbox::scripted("code");
    written(&sandbox, "fleet");
    let file = sandbox.path("fleet/.github/workflows/flota.yml");
    let workflow = yaml(&fs::read_to_string(file).unwrap());
    for job in ["plan", "record"] {
        let steps = workflow["jobs"][job]["steps"].as_array().unwrap();
        let step = steps.iter().find(|step| step["name"] == "Let git log in");
        let script = step.unwrap()["run"].as_str().unwrap();
        let ask = |url: &str| {
            let mut bash = sandbox.program("bash", "");
            let ask = format!("{script}\ngit credential fill <<<'url={url}'");
            bash.args(["-ec", &ask])
                .env("GIT_CONFIG_GLOBAL", sandbox.path("home/gitconfig"))
                .env("GITHUB_SERVER_URL", "https://github.example.com")
                .env("GITHUB_REPOSITORY", "team/fleet")
                .env("GITHUB_TOKEN", "of-the-run")
                .env("FLOTA_GIT_TOKEN", "of-the-services");
            let ran = sandbox.ran(bash.output().unwrap());
            assert_eq!(ran.status, Some(0), "{}", ran.stderr);
            let said = ran.text();
            let password = said.lines().find_map(|line| line.strip_prefix("password="));
            password.unwrap().to_owned()
        };
        let server = "https://github.example.com";
        assert_eq!(ask(&format!("{server}/team/fleet")), "of-the-run");
        for service in ["team/api", "team/fleet-web", "other/fleet"] {
            assert_eq!(ask(&format!("{server}/{service}")), "of-the-services");
        }
    }
}
