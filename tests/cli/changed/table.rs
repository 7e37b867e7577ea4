//! `fixtures/fleets/README.md`: every rule, with what shows it and what came of it. It is made from the scripts' first lines
//! and from the snapshots, which the tests hold against flota and against git.

use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

use serde_json::Value;

/// How many rules there are (`flota help rules` lists them).
const RULES: u32 = 15;

/// What no script alone shows: the rule, the file of the tests, the test, and in words what comes out.
const TESTED: [(&str, &str, &str, &str); 30] = [
    (
        "2",
        "tests/cli/changed/rules.rs",
        "two_dots_are_the_ends_and_three_their_merge_base",
        "`A..B`: exactly A; `A...B`: the merge base; a side left out: HEAD",
    ),
    (
        "2",
        "tests/cli/changed/ci.rs",
        "github_compares_the_trial_merge_with_the_target",
        "GitHub, pull request: the merge base with the target",
    ),
    (
        "2",
        "tests/cli/changed/ci.rs",
        "github_compares_a_push_with_the_commit_before",
        "GitHub, push: the commit before it",
    ),
    (
        "2",
        "tests/cli/changed/ci.rs",
        "github_compares_a_forced_push_with_the_base_branch",
        "GitHub, forced push whose `before` is gone: the merge base with the base branch, a warning",
    ),
    (
        "2",
        "tests/cli/changed/ci.rs",
        "github_compares_a_new_branch_with_the_base_branch",
        "GitHub, first push of a branch: the merge base with the base branch",
    ),
    (
        "2",
        "tests/cli/changed/ci.rs",
        "github_compares_a_new_base_branch_with_nothing",
        "GitHub, first push of the base branch: everything is added",
    ),
    (
        "2",
        "tests/cli/changed/ci.rs",
        "github_compares_a_merge_group_with_its_base",
        "GitHub, merge queue: its base",
    ),
    (
        "2",
        "tests/cli/changed/bases.rs",
        "a_trial_merge_is_compared_with_its_first_parent",
        "all systems, trial merge: its first parent, in every clone",
    ),
    (
        "2",
        "tests/cli/changed/bases.rs",
        "a_head_that_took_its_target_in_is_no_trial_merge",
        "a head that merged its target: the merge base with it",
    ),
    (
        "2",
        "tests/cli/changed/bases.rs",
        "a_push_from_nobody_knows_where_leaves_nothing_out",
        "all systems, push from nobody knows where: the merge base, on the base branch everything",
    ),
    (
        "2",
        "tests/cli/changed/bases.rs",
        "the_first_push_of_a_branch_has_its_own_changes_in_every_clone",
        "first push in a clone of one branch: the base branch is fetched",
    ),
    (
        "2",
        "tests/cli/changed/bases.rs",
        "zeros_stand_for_a_branch_that_is_new_or_gone",
        "`0000..B`: a first push; `A..0000`: everything is removed",
    ),
    (
        "2",
        "tests/cli/changed/ci.rs",
        "azure_compares_the_trial_merge_with_the_target",
        "Azure Pipelines, pull request: the merge base with the target",
    ),
    (
        "2",
        "tests/cli/changed/ci.rs",
        "gitlab_compares_a_merge_request_with_its_merge_base",
        "GitLab, merge request: the merge base",
    ),
    (
        "2",
        "tests/cli/changed/ci.rs",
        "buildkite_compares_a_pull_request_with_its_merge_base",
        "Buildkite, pull request: the merge base",
    ),
    (
        "2",
        "tests/cli/changed/ci.rs",
        "jenkins_compares_a_branch_with_its_last_successful_build",
        "Jenkins, branch: the last successful build",
    ),
    (
        "7",
        "tests/cli/changed/rules.rs",
        "a_submodule_of_a_submodule_is_looked_into_outside_of_the_code",
        "nested in `code/`: part of the code; elsewhere: reported with its full path",
    ),
    (
        "8",
        "src/git/history.rs",
        "a_parent_is_all_it_takes",
        "one commit on or back, where no older history is at hand: `forward`, `rollback`",
    ),
    (
        "9",
        "tests/cli/bad_input/pins.rs",
        "a_submodule_that_is_not_initialised_is_fetched_or_named",
        "not initialised: fetched; with `--offline` named, exit 4",
    ),
    (
        "9",
        "tests/cli/bad_input/pins.rs",
        "a_remote_that_is_gone_is_named_and_the_others_are_answered_for",
        "one remote of several gone: the rest is answered for, exit 4",
    ),
    (
        "9",
        "tests/cli/bad_input/pins.rs",
        "a_damaged_pack_is_an_error",
        "a damaged object: an error, never “nothing changed”",
    ),
    (
        "9",
        "tests/fetch/scratch.rs",
        "two_commits_come_with_their_root_trees_alone",
        "two commits and their root trees come, nothing else",
    ),
    (
        "9",
        "tests/fetch/local.rs",
        "a_repository_is_read_where_it_is",
        "on this machine: read where it is, with `--offline` too, and nothing is copied",
    ),
    (
        "9",
        "tests/fetch/local.rs",
        "the_submodules_own_repositories_stay_untouched",
        "the submodules' own repositories stay as they are",
    ),
    (
        "9",
        "tests/fetch/served.rs",
        "servers_that_are_gone_or_hang_cost_their_own_submodules_only",
        "servers that refuse or hang cost their own submodules only",
    ),
    (
        "10",
        "tests/fetch/shallow.rs",
        "a_ci_checkout_gets_its_target_branch_and_then_the_merge_base",
        "deepened until the merge base is there",
    ),
    (
        "10",
        "tests/fetch/shallow.rs",
        "a_merge_base_beyond_which_a_better_one_hides_is_not_taken",
        "deepened on where a better merge base may hide",
    ),
    (
        "10",
        "tests/cli/changed/ci.rs",
        "a_clone_cut_short_is_never_everything_and_never_nothing",
        "offline: an error, exit 4",
    ),
    (
        "14",
        "tests/cli/changed/running.rs",
        "the_answer_is_the_same_for_any_number_of_threads",
        "the same bytes for every `-j`",
    ),
    (
        "15",
        "tests/cli/bad_input/revisions.rs",
        "what_looks_like_an_option_is_refused_and_writes_nothing",
        "`--output=FILE` as a base: refused, exit 2, nothing written",
    ),
];

const HEAD: &str = "\
# Scripted fleets

Each script creates a fleet in an empty directory, to show one of the rules in `flota help rules`. The last commit of the fleet is the change that the
rule is about. flota's output is in `tests/cli/snapshots`; `tests/cli/changed/oracle.rs` compares it with plain git. The table is generated from the
first lines of the scripts and from the snapshots (`tests/cli/changed/table.rs`, which fails if the table is out of date).

| rule | fleet | what happens -> the expected result | what flota says |
|---|---|---|---|
";

const ELSEWHERE: &str = "
Rules that need more than one run on one fleet:

| rule | what happens: the expected result | test |
|---|---|---|
";

#[test]
fn it_is_up_to_date_and_shows_every_rule() {
    let (mut rows, mut shown) = (rows(), BTreeSet::new());
    rows.sort_by_key(|row| (row.rules[0], row.script.clone()));
    let mut text = HEAD.to_owned();
    for row in &rows {
        let numbers: Vec<_> = row.rules.iter().map(ToString::to_string).collect();
        let (numbers, script) = (numbers.join(", "), &row.script);
        let (words, says) = (&row.words, &row.says);
        writeln!(
            text,
            "| {numbers} | [{script}]({script}.sh) | {words} | {says} |"
        )
        .unwrap();
        shown.extend(&row.rules);
    }
    text += ELSEWHERE;
    for (rule, file, test, words) in TESTED {
        assert!(
            read(file).contains(&format!("fn {test}()")),
            "{file} has no {test}"
        );
        writeln!(text, "| {rule} | {words} | [{test}](../../{file}) |").unwrap();
        shown.insert(rule.parse().unwrap());
    }
    assert_eq!(shown, (1..=RULES).collect(), "a rule that nothing shows");

    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fleets.md");
    fs::write(&made, &text).unwrap();
    let hint = format!("cp {} fixtures/fleets/README.md", made.display());
    assert!(
        read("fixtures/fleets/README.md") == text,
        "out of date: {hint}"
    );
}

struct Row {
    rules: Vec<u32>,
    script: String,
    words: String,
    says: String,
}

/// Of each script that begins with `# Rule N: …`, and has a snapshot of its own.
fn rows() -> Vec<Row> {
    let scripts = fs::read_dir(path("fixtures/fleets")).unwrap();
    let names = scripts.filter_map(|file| {
        let name = file.unwrap().file_name().into_string().unwrap();
        Some(name.strip_suffix(".sh")?.to_owned())
    });
    names.filter_map(|name| row(&name)).collect()
}

fn row(script: &str) -> Option<Row> {
    let rule = super::rule(script);
    let (numbers, words) = rule.strip_prefix("Rule")?.split_once(": ")?;
    let snapshot = path("tests/cli/snapshots").join(format!("cli__changed__{script}.snap"));
    let says = said(&fs::read_to_string(snapshot).ok()?);
    let numbers = numbers.trim_start_matches('s').split(',');
    let number = |number: &str| number.split_whitespace().next()?.parse().ok();
    Some(Row {
        rules: numbers.filter_map(number).collect(),
        script: script.to_owned(),
        words: words.replace('|', "\\|"),
        says,
    })
}

/// The services of the JSON in a snapshot, in a few words each, and the warnings.
fn said(snapshot: &str) -> String {
    let (_, json) = snapshot.split_once("\n{\n").unwrap();
    let (json, _) = json.split_once("\n}").unwrap();
    let changed: Value = serde_json::from_str(&format!("{{{json}}}")).unwrap();
    let list = |key: &str| changed[key].as_array().unwrap().iter();
    let word = |service: &Value, key: &str| service[key].as_str().map(str::to_owned);
    let mut services: Vec<(String, String)> = list("services")
        .map(|service| {
            let direction = word(service, "direction").filter(|direction| direction != "forward");
            let words: Vec<_> = word(service, "change")
                .into_iter()
                .chain(direction)
                .collect();
            let words = format!(
                "{} → {}",
                words.join(", "),
                word(service, "action").unwrap()
            );
            (word(service, "name").unwrap(), words)
        })
        .collect();
    // A fleet about names has many, and they are no text for a table.
    if services.len() > 4 && services.iter().all(|(_, words)| *words == services[0].1) {
        services = vec![("each".to_owned(), services.swap_remove(0).1)];
    }
    let services = services
        .iter()
        .map(|(name, words)| format!("{name} {words}"));
    let warnings =
        list("warnings").map(|warning| format!("warning {}", warning["kind"].as_str().unwrap()));
    let all: Vec<_> = services.chain(warnings).collect();
    match all.is_empty() {
        true => "nothing".to_owned(),
        false => all.join("; "),
    }
}

fn path(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_default()
}
