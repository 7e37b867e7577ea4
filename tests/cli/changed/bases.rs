//! The base in clones as CI systems make them: of one branch, cut short, or left by an earlier run. Whatever the clone, the answer is
//! the same, or it is said why not.

use std::{collections::BTreeMap, fs};

use super::{actions, ci::fill};
use crate::sandbox::{Ran, Sandbox};

/// A clone as a CI system makes it: one commit, and all or a part of its history, under the name of one remote-tracking branch.
#[derive(Clone, Copy, Debug)]
struct Clone<'a> {
    commit: &'a str,
    /// The remote-tracking branch that holds it.
    branch: &'a str,
    /// All of the history without one.
    depth: Option<u32>,
}

const TRIAL: &[Option<u32>] = &[Some(1), Some(2), Some(20), None];

struct World {
    sandbox: Sandbox,
    variables: BTreeMap<String, String>,
}

impl World {
    fn new() -> Self {
        Self {
            sandbox: Sandbox::scripted("bases"),
            variables: BTreeMap::new(),
        }
    }

    fn clone(&self, clone: Clone) {
        let sandbox = &self.sandbox;
        let _ = fs::remove_dir_all(sandbox.path("clone"));
        let commit = fill(sandbox, clone.commit);
        sandbox.git("", &["init", "--quiet", "clone"]);
        let url = format!("file://{}", sandbox.path("fleet").display());
        sandbox.git("clone", &["remote", "add", "origin", &url]);
        let refspec = format!("+{commit}:refs/remotes/origin/{}", clone.branch);
        let depth = clone.depth.map(|depth| format!("--depth={depth}"));
        let mut fetch = vec!["fetch", "--quiet", "--no-tags"];
        fetch.extend(depth.as_deref());
        fetch.extend(["origin", &refspec]);
        sandbox.git("clone", &fetch);
        sandbox.git("clone", &["checkout", "--quiet", "--detach", &commit]);
    }

    fn say(&mut self, variables: &[(&str, &str)]) {
        self.variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), fill(&self.sandbox, value)))
            .collect();
    }

    /// GitHub Actions, with the payload of its event.
    fn say_github(&mut self, event: &str, reference: &str, sha: &str, payload: &str) {
        let file = self.sandbox.path("event.json");
        fs::write(&file, fill(&self.sandbox, payload)).unwrap();
        self.say(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_REF", reference),
            ("GITHUB_SHA", sha),
            ("GITHUB_EVENT_PATH", file.to_str().unwrap()),
        ]);
    }

    fn flota(&self, args: &[&str]) -> Ran {
        self.sandbox.flota_with("clone", args, |flota| {
            flota.envs(&self.variables);
        })
    }

    /// Asserts what is to be built, and how the base was found; the warnings.
    #[track_caller]
    fn builds(&self, want: &[&str], kind: &str, what: &str) -> Vec<String> {
        let ran = self.flota(&["changed", "--format", "json"]);
        assert_eq!(ran.status, Some(0), "{what}: {}", ran.stderr);
        let changed = ran.json();
        assert_eq!(actions(&changed), want, "{what}: {}", ran.stderr);
        assert_eq!(changed["base"]["kind"], kind, "{what}");
        let warnings = changed["warnings"].as_array().unwrap().iter();
        warnings
            .map(|warning| warning["message"].as_str().unwrap().to_owned())
            .collect()
    }
}

const EVERYTHING: [&str; 3] = ["api image", "docs image", "web image"];
const TOPIC: [&str; 2] = ["api image", "web chart"];

fn pull_request(base: &str, head: &str) -> String {
    format!(
        r#"{{"number":7,"pull_request":{{"number":7,"base":{{"ref":"main","sha":"{base}"}},"head":{{"ref":"topic","sha":"{head}"}}}},
            "repository":{{"default_branch":"main"}}}}"#
    )
}

fn push(branch: &str, before: &str, after: &str) -> String {
    format!(
        r#"{{"ref":"refs/heads/{branch}","before":"{before}","after":"{after}","repository":{{"default_branch":"main"}}}}"#
    )
}

/// How a system says that the trial merge of topic into main is checked out. The commits of the target that some name are older than the
/// one that was merged.
fn trial_merges() -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
    vec![
        (
            "Azure",
            vec![
                ("TF_BUILD", "True"),
                ("BUILD_REASON", "PullRequest"),
                ("BUILD_SOURCEBRANCH", "refs/pull/7/merge"),
                ("BUILD_SOURCEVERSION", "{trial}"),
                ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main"),
                ("SYSTEM_PULLREQUEST_SOURCECOMMITID", "{topic-tip}"),
            ],
        ),
        (
            "GitLab",
            vec![
                ("GITLAB_CI", "true"),
                ("CI_PIPELINE_SOURCE", "merge_request_event"),
                ("CI_MERGE_REQUEST_IID", "7"),
                ("CI_MERGE_REQUEST_EVENT_TYPE", "merged_result"),
                ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
                ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "{start}"),
                ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "{topic-tip}"),
                ("CI_COMMIT_SHA", "{trial}"),
            ],
        ),
        (
            "Jenkins",
            vec![
                ("BUILD_TAG", "jenkins-fleet-7"),
                ("CHANGE_ID", "7"),
                ("CHANGE_TARGET", "main"),
                ("CHANGE_BRANCH", "topic"),
                ("GIT_COMMIT", "{trial}"),
            ],
        ),
    ]
}

#[test]
fn a_trial_merge_is_compared_with_its_first_parent() {
    let mut world = World::new();
    for depth in TRIAL {
        world.clone(Clone {
            commit: "{trial}",
            branch: "pull/7/merge",
            depth: *depth,
        });
        let payload = pull_request("{start}", "{topic-tip}");
        world.say_github("pull_request", "refs/pull/7/merge", "{trial}", &payload);
        world.builds(&TOPIC, "merge-base", &format!("GitHub, depth {depth:?}"));
        for (system, variables) in trial_merges() {
            world.say(&variables);
            world.builds(&TOPIC, "merge-base", &format!("{system}, depth {depth:?}"));
        }
    }
}

#[test]
fn an_old_target_branch_in_the_workspace_changes_nothing() {
    let mut world = World::new();
    world.clone(Clone {
        commit: "{trial}",
        branch: "pull/7/merge",
        depth: None,
    });
    let start = fill(&world.sandbox, "{start}");
    for (system, variables) in trial_merges() {
        let old = ["update-ref", "refs/remotes/origin/main", &start];
        world.sandbox.git("clone", &old);
        world.say(&variables);
        world.builds(&TOPIC, "merge-base", system);
    }
}

#[test]
fn what_lands_again_is_not_lost() {
    let mut world = World::new();
    for depth in TRIAL {
        world.clone(Clone {
            commit: "{again-trial}",
            branch: "pull/7/merge",
            depth: *depth,
        });
        let payload = pull_request("{had}", "{again-tip}");
        world.say_github(
            "pull_request",
            "refs/pull/7/merge",
            "{again-trial}",
            &payload,
        );
        world.builds(&["web chart"], "merge-base", &format!("depth {depth:?}"));
    }
}

#[test]
fn a_head_that_took_its_target_in_is_no_trial_merge() {
    let jenkins = [
        ("BUILD_TAG", "jenkins-fleet-7"),
        ("CHANGE_ID", "7"),
        ("CHANGE_TARGET", "main"),
        ("GIT_COMMIT", "{caught-up-tip}"),
    ];
    let buildkite = [
        ("BUILDKITE", "true"),
        ("BUILDKITE_PULL_REQUEST", "7"),
        ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "main"),
        ("BUILDKITE_COMMIT", "{caught-up-tip}"),
    ];
    let mut world = World::new();
    for depth in TRIAL {
        world.clone(Clone {
            commit: "{caught-up-tip}",
            branch: "caught-up",
            depth: *depth,
        });
        for (system, variables) in [("Jenkins", &jenkins), ("Buildkite", &buildkite)] {
            world.say(variables);
            world.builds(&TOPIC, "merge-base", &format!("{system}, depth {depth:?}"));
        }
    }
}

#[test]
fn a_run_after_the_pull_request_landed_still_knows_its_work() {
    let mut world = World::new();
    world
        .sandbox
        .git("fleet", &["branch", "--force", "landed-main", "landed"]);
    world
        .sandbox
        .git("fleet", &["checkout", "--quiet", "--detach"]);
    world
        .sandbox
        .git("fleet", &["branch", "--force", "main", "trial"]);
    for depth in TRIAL {
        world.clone(Clone {
            commit: "{topic-tip}",
            branch: "topic",
            depth: *depth,
        });
        let gitlab = [
            ("GITLAB_CI", "true"),
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_MERGE_REQUEST_EVENT_TYPE", "detached"),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "{start}"),
            ("CI_COMMIT_SHA", "{topic-tip}"),
        ];
        world.say(&gitlab);
        world.builds(
            &TOPIC,
            "merge-base",
            &format!("the base is named, depth {depth:?}"),
        );
        world.say(&[
            ("BUILDKITE", "true"),
            ("BUILDKITE_PULL_REQUEST", "7"),
            ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "main"),
            ("BUILDKITE_COMMIT", "{topic-tip}"),
        ]);
        let warnings = world.builds(&EVERYTHING, "empty", "nobody names a base");
        assert!(
            warnings[0].contains("is in origin/main already"),
            "{warnings:?}"
        );
    }
}

/// The ways in which systems say that a branch was pushed, and not where it was before.
fn uncertain_pushes(branch: &str, tip: &str) -> Vec<(&'static str, Vec<(String, String)>)> {
    let own = |variables: &[(&str, &str)]| {
        let owned = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        owned.collect::<Vec<_>>()
    };
    vec![
        (
            "Azure",
            own(&[
                ("TF_BUILD", "True"),
                ("BUILD_REASON", "BatchedCI"),
                ("BUILD_SOURCEBRANCH", &format!("refs/heads/{branch}")),
                ("BUILD_SOURCEVERSION", tip),
            ]),
        ),
        (
            "Buildkite",
            own(&[
                ("BUILDKITE", "true"),
                ("BUILDKITE_SOURCE", "webhook"),
                ("BUILDKITE_BRANCH", branch),
                ("BUILDKITE_COMMIT", tip),
                ("BUILDKITE_PULL_REQUEST", "false"),
                ("BUILDKITE_PIPELINE_DEFAULT_BRANCH", "main"),
            ]),
        ),
        (
            "GitLab, whose commit before is gone",
            own(&[
                ("GITLAB_CI", "true"),
                ("CI_PIPELINE_SOURCE", "push"),
                ("CI_COMMIT_BRANCH", branch),
                (
                    "CI_COMMIT_BEFORE_SHA",
                    "0123456789012345678901234567890123456789",
                ),
                ("CI_COMMIT_SHA", tip),
                ("CI_DEFAULT_BRANCH", "main"),
            ]),
        ),
        (
            "Jenkins, whose last successful build is gone",
            own(&[
                ("BUILD_TAG", "jenkins-fleet-7"),
                ("BRANCH_NAME", branch),
                (
                    "GIT_PREVIOUS_SUCCESSFUL_COMMIT",
                    "0123456789012345678901234567890123456789",
                ),
                ("GIT_COMMIT", tip),
            ]),
        ),
    ]
}

#[test]
fn a_push_from_nobody_knows_where_leaves_nothing_out() {
    let mut world = World::new();
    for depth in TRIAL {
        for (branch, tip, want, kind) in [
            ("topic", "{topic-tip}", &TOPIC[..], "merge-base"),
            ("main", "{main-tip}", &EVERYTHING[..], "empty"),
        ] {
            let clone = Clone {
                commit: tip,
                branch,
                depth: *depth,
            };
            for (system, variables) in uncertain_pushes(branch, tip) {
                world.clone(clone);
                let variables: Vec<_> = variables.iter().map(|(n, v)| (&**n, &**v)).collect();
                world.say(&variables);
                let what = format!("{system}, {branch}, depth {depth:?}");
                let warnings = world.builds(want, kind, &what);
                assert_eq!(warnings.len(), 1, "{what}: {warnings:?}");
            }
        }
    }
}

#[test]
fn the_first_parent_is_taken_where_the_configuration_says_so() {
    let mut world = World::new();
    for depth in TRIAL {
        for (system, variables) in uncertain_pushes("main", "{main-tip}") {
            world.clone(Clone {
                commit: "{main-tip}",
                branch: "main",
                depth: *depth,
            });
            let toml = "[fleet]\nbase = \"first-parent\"\n";
            fs::write(world.sandbox.path("clone/flota.toml"), toml).unwrap();
            let variables: Vec<_> = variables.iter().map(|(n, v)| (&**n, &**v)).collect();
            world.say(&variables);
            // A branch that was rewritten did not move by one merge.
            let (want, kind) = match system.contains("gone") {
                true => (&EVERYTHING[..], "empty"),
                false => (&["docs image"][..], "approximate"),
            };
            world.builds(want, kind, &format!("{system}, depth {depth:?}"));
        }
    }
}

#[test]
fn the_first_push_of_a_branch_has_its_own_changes_in_every_clone() {
    let zeros = "0".repeat(40);
    let mut world = World::new();
    for depth in TRIAL {
        let gitlab = [
            ("GITLAB_CI", "true"),
            ("CI_PIPELINE_SOURCE", "push"),
            ("CI_COMMIT_BRANCH", "topic"),
            ("CI_COMMIT_SHA", "{topic-tip}"),
            ("CI_COMMIT_BEFORE_SHA", &zeros),
            ("CI_DEFAULT_BRANCH", "main"),
        ];
        let jenkins = [
            ("BUILD_TAG", "jenkins-fleet-7"),
            ("BRANCH_NAME", "topic"),
            ("GIT_COMMIT", "{topic-tip}"),
        ];
        for system in ["GitHub", "GitLab", "Jenkins"] {
            world.clone(Clone {
                commit: "{topic-tip}",
                branch: "topic",
                depth: *depth,
            });
            match system {
                "GitHub" => {
                    let payload = push("topic", &zeros, "{topic-tip}");
                    world.say_github("push", "refs/heads/topic", "{topic-tip}", &payload);
                }
                "GitLab" => world.say(&gitlab),
                // It names no default branch: the remote is asked.
                _ => world.say(&jenkins),
            }
            world.builds(&TOPIC, "merge-base", &format!("{system}, depth {depth:?}"));
        }
    }
    world.clone(Clone {
        commit: "{topic-tip}",
        branch: "topic",
        depth: Some(1),
    });
    let offline = world.flota(&["changed", "--offline"]);
    insta::assert_snapshot!(offline.transcript());
}

#[test]
fn a_branch_that_was_begun_anew_has_everything() {
    let mut world = World::new();
    let tree = fill(&world.sandbox, "{topic-tip}^{tree}");
    let anew = ["commit-tree", &tree, "-m", "Begin anew"];
    let anew = world.sandbox.git("fleet", &anew).trim().to_owned();
    world.sandbox.git("fleet", &["branch", "anew", &anew]);
    let zeros = "0".repeat(40);
    for before in [&zeros, "0123456789012345678901234567890123456789"] {
        world.clone(Clone {
            commit: &anew,
            branch: "anew",
            depth: Some(1),
        });
        world.say_github(
            "push",
            "refs/heads/anew",
            &anew,
            &push("anew", before, &anew),
        );
        let warnings = world.builds(&EVERYTHING, "empty", before);
        assert!(warnings[0].contains("no common history"), "{warnings:?}");
    }
}

#[test]
fn a_run_that_nobody_pushed_is_not_nothing_on_the_base_branch() {
    let mut world = World::new();
    for (branch, tip, want, kind) in [
        ("topic", "{topic-tip}", &TOPIC[..], "merge-base"),
        ("main", "{main-tip}", &EVERYTHING[..], "empty"),
    ] {
        world.clone(Clone {
            commit: tip,
            branch,
            depth: Some(1),
        });
        let reference = format!("refs/heads/{branch}");
        world.say_github("workflow_dispatch", &reference, tip, "{}");
        world.builds(want, kind, branch);
    }
}

#[test]
fn without_a_record_of_success_the_base_is_certain_or_everything() {
    let mut world = World::new();
    let last_success = ["changed", "--base", "last-success", "--format", "json"];
    for (branch, tip, want, kind) in [
        ("topic", "{topic-tip}", &TOPIC[..], "merge-base"),
        ("main", "{main-tip}", &EVERYTHING[..], "empty"),
    ] {
        world.clone(Clone {
            commit: tip,
            branch,
            depth: Some(1),
        });
        for (system, variables) in uncertain_pushes(branch, tip) {
            let variables: Vec<_> = variables.iter().map(|(n, v)| (&**n, &**v)).collect();
            world.say(&variables);
            let changed = world.flota(&last_success).json();
            assert_eq!(actions(&changed), want, "{system}, {branch}");
            assert_eq!(changed["base"]["kind"], kind, "{system}, {branch}");
        }
    }
    // On a machine of one's own, too.
    world
        .sandbox
        .git("clone", &["checkout", "--quiet", "-B", "main"]);
    world.say(&[]);
    let changed = world.flota(&last_success).json();
    assert_eq!(actions(&changed), EVERYTHING);
    assert!(
        world.builds(&[], "merge-base", "without the record")[0].contains("nothing to compare")
    );
}

#[test]
fn zeros_stand_for_a_branch_that_is_new_or_gone() {
    let world = World::new();
    let zeros = "0".repeat(40);
    world.clone(Clone {
        commit: "{topic-tip}",
        branch: "topic",
        depth: None,
    });
    let main = [
        "fetch",
        "--quiet",
        "origin",
        "main:refs/remotes/origin/main",
    ];
    world.sandbox.git("clone", &main);
    let changed = |args: &[&str]| {
        let ran = world.flota(&[&["changed", "--format", "json"], args].concat());
        assert_eq!(ran.status, Some(0), "{args:?}: {}", ran.stderr);
        ran.json()
    };
    let new = changed(&[&format!("{zeros}..HEAD")]);
    assert_eq!(actions(&new), TOPIC);
    let as_option = changed(&["--base", &zeros, "--head", "HEAD"]);
    assert_eq!(actions(&as_option), TOPIC);

    let gone = changed(&[&format!("HEAD..{zeros}")]);
    assert_eq!(actions(&gone), ["api retire", "docs retire", "web retire"]);
    assert_eq!(gone["head"]["commit"], zeros);
    let plan = world.flota(&["plan", &format!("HEAD..{zeros}")]);
    let refused = world.flota(&["changed", &format!("{zeros}...HEAD")]);
    let parent = world.flota(&["changed", "HEAD~2^!", "--format", "names"]);
    let of_root = changed(&[&fill(&world.sandbox, "{start}^!")]);
    assert_eq!(actions(&of_root), EVERYTHING);
    insta::assert_snapshot!(
        [plan, refused, parent]
            .map(|ran| ran.transcript())
            .join("\n")
    );
}
