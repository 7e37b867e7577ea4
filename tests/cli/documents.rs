//! `--format json`: stdout holds exactly one document, of every command and whatever fails. A run that failed in part answers with
//! its result, which names under `errors` what failed; one that failed as a whole with `flota.error/v1`. People read the same on
//! stderr.

use std::{collections::BTreeSet, fs};

use clap::CommandFactory;
use serde_json::{Value, json};

use crate::sandbox::{Ran, Sandbox};

/// The one document of a run.
#[track_caller]
fn document(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|err| panic!("{err}: {:?}\n{}", ran.text(), ran.stderr))
}

/// The arguments of a command line, with `--format json` where the command's own arguments end.
fn json_line(line: &str) -> Vec<String> {
    let (own, rest) = line.split_once(" -- ").unwrap_or((line, ""));
    let mut args: Vec<_> = own.split(' ').map(str::to_owned).collect();
    args.extend(["--format".to_owned(), "json".to_owned()]);
    if !rest.is_empty() {
        args.push("--".to_owned());
        args.extend(rest.split(' ').map(str::to_owned));
    }
    args
}

/// The answer of a run that failed as a whole: it says what stderr says.
#[track_caller]
fn error_of(ran: &Ran, exit: i32) {
    assert_eq!(ran.status, Some(exit), "{}", ran.stderr);
    let error = document(ran);
    assert_eq!(error["schema"], "flota.error/v1");
    assert_eq!(error["exit_code"], exit);
    let said = ran.stderr.replace("\\\n", "\n");
    let message = error["message"].as_str().unwrap();
    assert!(said.contains(message), "{message:?} in {said}");
    for (key, label) in [("causes", "caused by: "), ("hints", "hint: ")] {
        let texts = error[key].as_array().unwrap();
        assert_eq!(said.matches(label).count(), texts.len(), "{key}: {said}");
        for text in texts {
            let first = text.as_str().unwrap().lines().next().unwrap();
            assert!(said.contains(first), "{first:?} in {said}");
        }
    }
}

/// The answer of a run that failed in part: the command's own, with these paths among its errors.
#[track_caller]
fn part_of(ran: &Ran, exit: i32, schema: &str, paths: &[&str]) {
    assert_eq!(ran.status, Some(exit), "{}", ran.stderr);
    let result = document(ran);
    assert_eq!(result["schema"], schema);
    let errors = result["errors"].as_array().unwrap();
    let failed: Vec<_> = errors.iter().map(|error| &error["path"]).collect();
    assert_eq!(failed, paths, "{}", ran.stderr);
    for error in errors {
        let message = error["message"].as_str().unwrap();
        assert!(
            !message.is_empty() && ran.stderr.contains(message),
            "{message:?} in {}",
            ran.stderr
        );
        assert!(error["causes"].is_array() && error["hints"].is_array());
    }
}

/// A test for each command: what is run in a scripted fleet, and how that ends.
macro_rules! as_a_whole {
    ($($command:ident: $line:literal => $exit:literal;)*) => {
        mod as_a_whole {
            $(
                #[test]
                fn $command() {
                    super::fails_as_a_whole($line, $exit);
                }
            )*
        }

        const AS_A_WHOLE: &[(&str, &str)] = &[$((stringify!($command), $line)),*];
    };
}

as_a_whole! {
    changed: "changed nowhere..HEAD" => 4;
    plan: "plan --legs 3" => 2;
    explain: "explain nobody" => 2;
    graph: "graph nowhere..HEAD" => 4;
    check: "check nowhere..HEAD" => 4;
    build: "build nobody" => 2;
    record: "record" => 2;
    clone: "clone ../nowhere ../ours" => 1;
    update: "update nobody" => 2;
    status: "status nobody" => 2;
    foreach: "foreach --service nobody -- true" => 2;
    switch: "switch main nobody" => 2;
    bump: "bump nobody" => 2;
    resolve: "resolve nobody" => 2;
    cache: "-C .. cache" => 4;
    init: "init flota.toml/fleet" => 2;
    new: "new UPPER --template static" => 2;
    template_update: "template update nobody" => 2;
    template_drift: "template drift nobody" => 2;
    templates: "-C nowhere templates" => 2;
    ci: "ci github" => 2;
    log: "log nowhere..HEAD" => 4;
    diff: "diff nowhere..HEAD" => 4;
    branch: "branch --service nobody" => 2;
    commit: "commit -m x nobody" => 2;
    fetch: "fetch nobody" => 2;
    pull: "pull nobody" => 4;
    push: "push nobody" => 2;
    sync: "sync nobody" => 2;
    worktree_add: "worktree add code-repos" => 2;
    worktree_list: "-C .. worktree list" => 4;
    worktree_remove: "worktree remove nowhere" => 2;
}

fn fails_as_a_whole(line: &str, exit: i32) {
    let sandbox = Sandbox::scripted("code");
    fs::write(sandbox.path("fleet/flota.toml"), "").unwrap();
    // A workflow that is the user's.
    fs::create_dir_all(sandbox.path("fleet/.github/workflows")).unwrap();
    fs::write(
        sandbox.path("fleet/.github/workflows/flota.yml"),
        "on: push\n",
    )
    .unwrap();
    error_of(&sandbox.flota("fleet", &json_line(line)), exit);
}

/// What no command can do without.
#[test]
fn what_is_wrong_with_every_run_is_a_document_of_every_command() {
    let sandbox = Sandbox::scripted("code");
    fs::write(sandbox.path("fleet/flota.toml"), "[flete]\n").unwrap();
    for (command, line) in AS_A_WHOLE {
        let args = json_line(line);
        let ran = sandbox.flota_with("fleet", &args, |flota| {
            flota.env("FLOTA_LOG", "all");
        });
        error_of(&ran, 2);

        // clap refuses these before there is anything to run.
        let mut args = json_line(line);
        args.insert(1, "--bogus".to_owned());
        let ran = sandbox.flota("fleet", &args);
        assert_eq!(ran.status, Some(2), "{command}");
        let error = document(&ran);
        assert_eq!(error["schema"], "flota.error/v1", "{command}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("--bogus"), "{command}: {message}");
        assert!(ran.stderr.contains(message), "{command}: {}", ran.stderr);

        if !["clone", "init", "templates", "cache", "worktree_list"].contains(command) {
            error_of(&sandbox.flota("fleet", &json_line(line)), 2);
        }
    }
}

/// Those that have parts which fail alone; the others do all or nothing.
macro_rules! in_part {
    ($($name:ident: $command:literal;)*) => {
        const IN_PART: &[&str] = &[$($command),*];

        mod in_part {
            $(
                #[test]
                fn $name() {
                    super::$name();
                }
            )*
        }
    };
}

in_part! {
    changed: "changed";
    plan: "plan";
    check: "check";
    build: "build";
    build_without_what_cannot_be_read: "build";
    clone: "clone";
    update: "update";
    update_of_pins: "update";
    status: "status";
    foreach: "foreach";
    switch: "switch";
    resolve: "resolve";
    template_update: "template_update";
    template_drift: "template_drift";
    log: "log";
    diff: "diff";
    branch: "branch";
    commit: "commit";
    fetch: "fetch";
    pull: "pull";
    push: "push";
    sync: "sync";
    worktree_add: "worktree_add";
    worktree_remove: "worktree_remove";
}

const ALL_OR_NOTHING: [&str; 10] = [
    "bump",
    "cache",
    "ci",
    "explain",
    "graph",
    "init",
    "new",
    "record",
    "templates",
    "worktree_list",
];

const API: &str = "code-repos/api";
const WEB: &str = "code-repos/web";
const RANGE: &str = "HEAD~1..HEAD";

/// A fleet whose new pin of `api` is nowhere to be had.
fn without_api() -> Sandbox {
    let sandbox = Sandbox::scripted("code");
    fs::remove_dir_all(sandbox.path("fleet/.git/modules/api")).unwrap();
    fs::remove_dir_all(sandbox.path("api")).unwrap();
    sandbox
}

fn run(sandbox: &Sandbox, dir: &str, line: &str) -> Ran {
    sandbox.flota(dir, &json_line(line))
}

fn changed() {
    let ran = run(&without_api(), "fleet", &format!("changed {RANGE}"));
    part_of(&ran, 4, "flota.changed/v1", &[API]);
}

fn plan() {
    let ran = run(&without_api(), "fleet", &format!("plan {RANGE}"));
    part_of(&ran, 4, "flota.plan/v1", &[API]);
}

fn check() {
    let ran = run(&without_api(), "fleet", &format!("check {RANGE}"));
    part_of(&ran, 4, "flota.changed/v1", &[API]);
}

fn build() {
    let sandbox = Sandbox::scripted("code");
    fs::write(sandbox.path("api/code/Dockerfile"), "FROM scratch\nRUN x\n").unwrap();
    sandbox.commit_and_pin("api", "Run something");
    let line = format!("build --builder embedded --range {RANGE}");
    let ran = run(&sandbox, "fleet", &line);
    part_of(&ran, 3, "flota.build/v1", &[API]);
}

fn build_without_what_cannot_be_read() {
    let line = format!("build --keep-going --range {RANGE}");
    let ran = run(&without_api(), "fleet", &line);
    part_of(&ran, 4, "flota.build/v1", &[API]);
}

/// A fleet whose `web` has no repository any more.
fn without_web() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    fs::remove_dir_all(sandbox.path("web")).unwrap();
    sandbox
}

fn clone() {
    let ran = run(&without_web(), "", "clone fleet ours");
    part_of(&ran, 1, "flota.clone/v1", &[WEB]);
}

fn update() {
    let sandbox = without_web();
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    let ran = run(&sandbox, "ours", "update");
    part_of(&ran, 1, "flota.update/v1", &[WEB]);
}

fn cloned() -> Sandbox {
    let sandbox = Sandbox::scripted("to-clone");
    let ran = sandbox.flota("", &["clone", "fleet", "ours"]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox
}

/// Where its pin moves to, api has a file that is there already.
fn update_of_pins() {
    let sandbox = cloned();
    fs::write(sandbox.path("api/code/new"), "theirs").unwrap();
    sandbox.git("api", &["add", "--all"]);
    sandbox.git("api", &["commit", "--quiet", "--message", "Add new"]);
    fs::write(sandbox.path("ours").join(API).join("code/new"), "ours").unwrap();
    let ran = run(&sandbox, "ours", "update --remote");
    part_of(&ran, 4, "flota.update/v1", &[API]);
}

fn status() {
    let sandbox = cloned();
    fs::write(sandbox.path("ours/.git/modules/web/HEAD"), "").unwrap();
    let ran = run(&sandbox, "ours", "status");
    part_of(&ran, 4, "flota.status/v1", &[WEB]);
}

fn foreach() {
    let ran = run(&cloned(), "ours", "foreach --keep-going -- false");
    part_of(&ran, 1, "flota.foreach/v1", &[API, WEB]);
}

fn switch() {
    let ran = run(&cloned(), "ours", "switch nowhere web");
    part_of(&ran, 4, "flota.switch/v1", &[WEB]);
}

fn resolve() {
    let sandbox = Sandbox::scripted("conflict");
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    let merged = sandbox.git_output("ours", &["merge", "origin/other"]);
    assert!(!merged.status.success());
    let ran = run(&sandbox, "ours", "resolve");
    part_of(&ran, 4, "flota.resolve/v1", &["code-repos/docs", WEB]);
}

fn log() {
    let ran = run(&without_api(), "fleet", &format!("log {RANGE}"));
    part_of(&ran, 4, "flota.log/v1", &[API]);
}

fn diff() {
    let ran = run(&without_api(), "fleet", &format!("diff {RANGE}"));
    part_of(&ran, 4, "flota.diff/v1", &[API]);
}

fn branch() {
    let sandbox = cloned();
    fs::write(sandbox.path("ours/.git/modules/web/HEAD"), "").unwrap();
    let ran = run(&sandbox, "ours", "branch");
    part_of(&ran, 4, "flota.branch/v1", &[WEB]);
}

/// Its HEAD is detached, as clones of services have it.
fn commit() {
    let sandbox = cloned();
    let web = format!("ours/{WEB}");
    fs::write(sandbox.path(&web).join("new"), "new").unwrap();
    sandbox.git(&web, &["add", "new"]);
    let ran = run(&sandbox, "ours", "commit -m New");
    part_of(&ran, 4, "flota.commit/v1", &[WEB]);
}

fn fetch() {
    let sandbox = cloned();
    fs::remove_dir_all(sandbox.path("web")).unwrap();
    let ran = run(&sandbox, "ours", "fetch");
    part_of(&ran, 1, "flota.fetch/v1", &[WEB]);
}

/// A clone of the fleet in which `web` is no more, as it is on its server.
fn without_any_web() -> Sandbox {
    let sandbox = cloned();
    for gone in ["web", "ours/.git/modules/web", "ours/code-repos/web"] {
        fs::remove_dir_all(sandbox.path(gone)).unwrap();
    }
    sandbox
}

fn pull() {
    let ran = run(&without_any_web(), "ours", "pull --no-cache");
    part_of(&ran, 1, "flota.pull/v1", &[WEB]);
}

fn push() {
    let sandbox = cloned();
    let web = format!("ours/{WEB}");
    sandbox.git(&web, &["switch", "--quiet", "main"]);
    sandbox.git(
        &web,
        &["commit", "--quiet", "--allow-empty", "--message", "New"],
    );
    fs::remove_dir_all(sandbox.path("web")).unwrap();
    let ran = run(&sandbox, "ours", "push web");
    part_of(&ran, 1, "flota.push/v1", &[WEB]);
}

/// The new URL does not answer.
fn sync() {
    let sandbox = cloned();
    let list = [
        "config",
        "--file",
        ".gitmodules",
        "submodule.web.url",
        "../nowhere",
    ];
    sandbox.git("ours", &list);
    sandbox.git("ours", &["add", ".gitmodules"]);
    let ran = run(&sandbox, "ours", "sync");
    part_of(&ran, 1, "flota.sync/v1", &[WEB]);
}

fn worktree_add() {
    let ran = run(
        &without_any_web(),
        "ours",
        "worktree add ../second --no-cache",
    );
    part_of(&ran, 1, "flota.worktree-add/v1", &[WEB]);
}

fn worktree_remove() {
    let sandbox = cloned();
    let added = sandbox.flota("ours", &["worktree", "add", "../second"]);
    assert_eq!(added.status, Some(0), "{}", added.stderr);
    fs::write(sandbox.path("second").join(WEB).join("new"), "new").unwrap();
    let ran = run(&sandbox, "ours", "worktree remove ../second");
    part_of(&ran, 4, "flota.worktree-remove/v1", &[WEB]);
}

/// A fleet with a service that a template made.
fn templated() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.git("", &["init", "--quiet", "fleet"]);
    let new = [
        "new",
        "web",
        "--template",
        "static",
        "--defaults",
        "--commit",
    ];
    let ran = sandbox.flota("fleet", &new);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    sandbox
}

fn template_update() {
    let sandbox = templated();
    fs::remove_dir_all(sandbox.path("fleet").join(WEB)).unwrap();
    let ran = run(&sandbox, "fleet", "template update web");
    part_of(&ran, 4, "flota.template-update/v1", &[WEB]);
}

fn template_drift() {
    let sandbox = templated();
    let web = format!("fleet/{WEB}");
    fs::write(sandbox.path(&web).join(".flota-template.toml"), "x = 1\n").unwrap();
    sandbox.git(
        &web,
        &["commit", "--quiet", "--all", "--message", "Damage it"],
    );
    sandbox.git("fleet", &["add", WEB]);
    let ran = run(&sandbox, "fleet", "template drift");
    part_of(&ran, 2, "flota.template-drift/v1", &[WEB]);
}

/// Every command with `--format json` has its rows above.
#[test]
fn the_tables_are_whole() {
    let mut root = flota::cli::Cli::command();
    root.build();
    let mut speaking = BTreeSet::new();
    let mut open: Vec<_> = root
        .get_subcommands()
        .map(|command| (command.get_name().to_owned(), command))
        .collect();
    while let Some((name, command)) = open.pop() {
        let below = command.get_subcommands();
        open.extend(below.map(|one| (format!("{name}_{}", one.get_name()), one)));
        let formats = command.get_arguments().filter(|it| it.get_id() == "format");
        let mut formats = formats.flat_map(clap::Arg::get_possible_values);
        if formats.any(|format| format.get_name() == "json") {
            speaking.insert(name);
        }
    }
    let whole = AS_A_WHOLE.iter().map(|(command, _)| (*command).to_owned());
    assert_eq!(whole.collect::<BTreeSet<_>>(), speaking);
    let part = IN_PART.iter().chain(&ALL_OR_NOTHING);
    let part: BTreeSet<_> = part.map(|command| (*command).to_owned()).collect();
    assert_eq!(part, speaking);
    for command in ALL_OR_NOTHING {
        assert!(!IN_PART.contains(&command), "{command}");
    }
}

#[test]
fn an_error_is_the_text_in_fields() {
    let sandbox = Sandbox::scripted("code");
    let ran = run(&sandbox, "fleet", "changed HEAD~9..HEAD");
    let said = document(&ran);
    let want = json!({
        "schema": "flota.error/v1",
        "message": "`HEAD~9` is not a valid revision here",
        "causes": said["causes"],
        "hints": [],
        "exit_code": 4,
    });
    assert_eq!(said, want);
    assert_eq!(said["causes"].as_array().unwrap().len(), 1, "{said}");
}

#[test]
fn other_formats_have_no_document() {
    let sandbox = Sandbox::scripted("code");
    for format in [
        "human",
        "names",
        "github",
        "azure",
        "gitlab",
        "buildkite",
        "jenkins",
    ] {
        let ran = sandbox.flota("fleet", &["plan", "nowhere..HEAD", "--format", format]);
        assert_eq!((ran.status, ran.text().as_str()), (Some(4), ""), "{format}");
    }
}
