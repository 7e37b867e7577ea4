//! What cannot be meant or cannot be read ends with the right exit code, a sentence that names it, and a way out; never with
//! "nothing changed".

use std::{
    fs,
    os::unix::fs::{chown, symlink},
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::Duration,
};

use crate::sandbox::{Ran, Sandbox};

const LAST: &str = "HEAD~1..HEAD";

// Design §5's exit codes.
const MISUSE: i32 = 2;
const ENVIRONMENT: i32 = 3;
const REPOSITORY: i32 = 4;

/// The transcript of a run that was refused: with this exit code, and without a result.
#[track_caller]
fn refused(ran: &Ran, exit: i32) -> String {
    assert_eq!(ran.status, Some(exit), "{}", ran.stderr);
    assert!(ran.stdout.is_empty(), "{}", ran.text());
    assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    ran.transcript()
}

fn changed(sandbox: &Sandbox, args: &[&str]) -> Ran {
    sandbox.flota("fleet", &[&["changed"], args].concat())
}

fn commit_all(sandbox: &Sandbox) {
    sandbox.git("fleet", &["add", "--all"]);
    sandbox.git("fleet", &["commit", "--quiet", "--message", "Damage it"]);
}

/// The git directory of a submodule of the fleet.
fn module(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.path("fleet/.git/modules").join(name)
}

/// The file of a loose object.
fn loose(git_dir: &Path, id: &str) -> PathBuf {
    let (folder, file) = id.trim().split_at(2);
    git_dir.join("objects").join(folder).join(file)
}

fn uninitialise(sandbox: &Sandbox, name: &str) {
    fs::remove_dir_all(module(sandbox, name)).unwrap();
    fs::remove_file(sandbox.path("fleet/code-repos").join(name).join(".git")).unwrap();
}

/// Overwrites a read-only file of git's.
fn overwrite(file: &Path, bytes: &[u8]) {
    fs::remove_file(file).unwrap();
    fs::write(file, bytes).unwrap();
}

mod repositories {
    use super::*;

    #[test]
    fn there_must_be_a_repository() {
        let sandbox = Sandbox::new();
        let ran = sandbox.flota("", &["changed", LAST]);
        insta::assert_snapshot!(refused(&ran, REPOSITORY));
    }

    #[test]
    fn there_must_be_the_named_folder() {
        let sandbox = Sandbox::new();
        let ran = sandbox.flota("", &["-C", "nowhere", "changed", LAST]);
        insta::assert_snapshot!(refused(&ran, MISUSE));
    }

    #[test]
    fn there_must_be_a_commit() {
        let sandbox = Sandbox::new();
        sandbox.git("", &["init", "--quiet", "fleet"]);
        let transcripts = [&["changed"][..], &["changed", LAST], &["plan", "--all"]]
            .map(|args| refused(&sandbox.flota("fleet", args), REPOSITORY));
        insta::assert_snapshot!(transcripts.join("\n"));
    }

    #[test]
    fn there_must_be_services() {
        let sandbox = Sandbox::new();
        sandbox.git("", &["init", "--quiet", "fleet"]);
        for message in ["one", "two"] {
            fs::write(sandbox.path("fleet/file"), message).unwrap();
            commit_all(&sandbox);
        }
        let ran = changed(&sandbox, &[LAST]);
        insta::assert_snapshot!(refused(&ran, REPOSITORY));
    }

    #[test]
    fn somebody_elses_repository_is_refused_unless_it_is_called_safe() {
        let sandbox = Sandbox::scripted("code");
        let git_dir = sandbox.path("fleet/.git");
        for path in [&git_dir, &sandbox.path("fleet")] {
            if chown(path, Some(65534), Some(65534)).is_err() {
                skipped("root");
                return;
            }
        }
        let ran = changed(&sandbox, &[LAST]);
        insta::assert_snapshot!(refused(&ran, REPOSITORY));

        let config = sandbox.path("gitconfig");
        fs::write(
            &config,
            format!(
                "[safe]\n\tdirectory = {}\n",
                sandbox.path("fleet").display()
            ),
        )
        .unwrap();
        let ran = sandbox.flota_with("fleet", &["changed", LAST], |flota| {
            flota.env("GIT_CONFIG_GLOBAL", config);
        });
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    }

    #[expect(clippy::print_stdout, reason = "a test says why it does nothing")]
    fn skipped(needs: &str) {
        println!("skipped: needs {needs}");
    }

    #[test]
    fn a_ceiling_elsewhere_limits_nothing() {
        let sandbox = Sandbox::scripted("code");
        let ran = sandbox.flota_with("fleet/code-repos", &["changed", LAST], |flota| {
            flota.env("GIT_CEILING_DIRECTORIES", "/elsewhere");
        });
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    }

    #[test]
    fn variables_that_point_elsewhere_do_not_mislead() {
        let sandbox = Sandbox::scripted("code");
        let want = changed(&sandbox, &[LAST]).text();
        let elsewhere = sandbox.path("api/.git");
        for variable in [
            "GIT_DIR",
            "GIT_COMMON_DIR",
            "GIT_OBJECT_DIRECTORY",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_NAMESPACE",
        ] {
            let ran = sandbox.flota_with("fleet", &["changed", LAST], |flota| {
                flota.env(variable, &elsewhere);
            });
            assert_eq!(
                (ran.status, ran.text()),
                (Some(0), want.clone()),
                "{variable}"
            );
        }
    }
}

mod gitmodules {
    use super::*;

    /// A commit on top of HEAD in which `.gitmodules` is this entry, as `git ls-tree` shows one.
    fn commit_with(sandbox: &Sandbox, entry: &str) {
        let tree = sandbox.git("fleet", &["ls-tree", "HEAD"]);
        let rest = tree.lines().filter(|line| !line.ends_with("\t.gitmodules"));
        let listing: Vec<_> = rest
            .chain([entry])
            .map(|line| format!("{line}\n"))
            .collect();
        fs::write(sandbox.path("listing"), listing.concat()).unwrap();
        let stdin = fs::File::open(sandbox.path("listing")).unwrap();
        let made = sandbox.git_with("fleet", &["mktree"], |git| {
            git.stdin(stdin);
        });
        let tree = String::from_utf8(made.stdout).unwrap();
        let commit = ["commit-tree", tree.trim(), "-p", "HEAD", "-m", "Damage it"];
        let commit = sandbox.git("fleet", &commit);
        sandbox.git("fleet", &["update-ref", "HEAD", commit.trim()]);
    }

    #[test]
    fn text_that_git_cannot_read_is_refused() {
        let sandbox = Sandbox::scripted("code");
        fs::write(
            sandbox.path("fleet/.gitmodules"),
            "[submodule \"api\npath = x\n",
        )
        .unwrap();
        commit_all(&sandbox);
        let ran = changed(&sandbox, &["HEAD~2..HEAD"]);
        insta::assert_snapshot!(refused(&ran, REPOSITORY));
    }

    #[test]
    fn a_symlink_is_refused() {
        let sandbox = Sandbox::scripted("code");
        let blob = sandbox.git("fleet", &["rev-parse", "HEAD:.gitmodules"]);
        commit_with(
            &sandbox,
            &format!("120000 blob {}\t.gitmodules", blob.trim()),
        );
        let ran = changed(&sandbox, &["HEAD~2..HEAD"]);
        insta::assert_snapshot!(refused(&ran, REPOSITORY));
    }

    #[test]
    fn a_directory_is_refused() {
        let sandbox = Sandbox::scripted("code");
        let tree = sandbox.git("api", &["rev-parse", "HEAD:code"]);
        let objects = sandbox.path("api/.git/objects");
        fs::write(
            sandbox.path("fleet/.git/objects/info/alternates"),
            objects.to_str().unwrap(),
        )
        .unwrap();
        commit_with(
            &sandbox,
            &format!("040000 tree {}\t.gitmodules", tree.trim()),
        );
        let ran = changed(&sandbox, &["HEAD~2..HEAD"]);
        insta::assert_snapshot!(refused(&ran, REPOSITORY));
    }

    #[test]
    fn a_name_that_leads_outside_is_refused() {
        // The pins are there, outside of the fleet: following the name would find them.
        let sandbox = Sandbox::scripted("code");
        let range = format!(
            "{}..HEAD",
            sandbox.git("fleet", &["rev-parse", "HEAD~1"]).trim()
        );
        let transcripts = ["../../../api/.git", "..", "a/../../x", "/etc"].map(|name| {
            let file = sandbox.path("fleet/.gitmodules");
            fs::write(
                &file,
                format!("[submodule \"{name}\"]\n\tpath = code-repos/api\n\turl = ../api\n"),
            )
            .unwrap();
            commit_all(&sandbox);
            refused(&changed(&sandbox, &[&range]), REPOSITORY)
        });
        insta::assert_snapshot!(transcripts.join("\n"));
    }
}

mod configuration {
    use super::*;

    fn with(text: &str) -> Ran {
        let sandbox = Sandbox::scripted("code");
        fs::write(sandbox.path("fleet/flota.toml"), text).unwrap();
        changed(&sandbox, &[LAST])
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_the_nearest() {
        let ran = with("[fleet]\nbase_brunch = \"main\"\n");
        insta::assert_snapshot!(refused(&ran, MISUSE));
    }

    #[test]
    fn a_value_of_another_type_is_an_error() {
        let ran = with("[change]\ncode = \"src/**\"\n");
        insta::assert_snapshot!(refused(&ran, MISUSE));
    }

    #[test]
    fn what_is_no_toml_is_an_error() {
        insta::assert_snapshot!(refused(&with("[fleet\n"), MISUSE));
    }

    #[test]
    fn a_named_file_must_be_there() {
        let sandbox = Sandbox::scripted("code");
        let ran = changed(&sandbox, &[LAST, "--config", "mine.toml"]);
        insta::assert_snapshot!(refused(&ran, MISUSE));
    }

    #[test]
    fn a_huge_file_is_not_read() {
        let sandbox = Sandbox::scripted("code");
        let file = fs::File::create(sandbox.path("fleet/flota.toml")).unwrap();
        file.set_len(1 << 40).unwrap();
        insta::assert_snapshot!(refused(&changed(&sandbox, &[LAST]), MISUSE));
    }

    #[test]
    fn a_pipe_in_its_place_does_not_hang() {
        let sandbox = Sandbox::scripted("code");
        let fifo = sandbox.path("fleet/flota.toml");
        let made = std::process::Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap();
        assert!(made.success());
        // Whoever waits for a writer gets one in the end, and then an empty file.
        let writer = fifo.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_secs(20));
            fs::OpenOptions::new().write(true).open(writer)
        });
        insta::assert_snapshot!(refused(&changed(&sandbox, &[LAST]), MISUSE));
    }

    #[test]
    fn a_device_or_a_directory_in_its_place_is_refused() {
        let sandbox = Sandbox::scripted("code");
        let file = sandbox.path("fleet/flota.toml");
        symlink("/dev/zero", &file).unwrap();
        let device = refused(&changed(&sandbox, &[LAST]), MISUSE);
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        let directory = refused(&changed(&sandbox, &[LAST]), MISUSE);
        insta::assert_snapshot!([device, directory].join("\n"));
    }
}

mod revisions {
    use super::*;

    #[test]
    fn an_unknown_one_is_an_error_that_names_the_nearest() {
        let sandbox = Sandbox::scripted("branches");
        let transcripts = [["topc...HEAD"], ["main..nowhere-at-all"], ["HEAD~9..HEAD"]]
            .map(|range| refused(&changed(&sandbox, &range), REPOSITORY));
        insta::assert_snapshot!(transcripts.join("\n"));
    }

    #[test]
    fn one_alone_is_no_range() {
        let sandbox = Sandbox::scripted("branches");
        insta::assert_snapshot!(refused(&changed(&sandbox, &["topic"]), MISUSE));
    }

    #[test]
    fn what_looks_like_an_option_is_refused_and_writes_nothing() {
        let sandbox = Sandbox::scripted("code");
        let transcripts = [
            &["--base=--output=x"][..],
            &["--base", "HEAD", "--head=--output=x"],
            &["--output=x..HEAD"],
            &["HEAD..--output=x"],
        ]
        .map(|args| refused(&changed(&sandbox, args), MISUSE));
        insta::assert_snapshot!(transcripts.join("\n"));
        assert!(!sandbox.path("fleet/x").exists());
    }

    #[test]
    fn a_tree_is_no_commit() {
        let sandbox = Sandbox::scripted("code");
        let ran = changed(&sandbox, &["HEAD~1^{tree}..HEAD"]);
        insta::assert_snapshot!(refused(&ran, REPOSITORY));
    }

    #[test]
    fn histories_without_a_common_commit_have_no_merge_base() {
        let sandbox = Sandbox::scripted("code");
        let orphan = ["commit-tree", "HEAD^{tree}", "-m", "Start anew"];
        let orphan = sandbox.git("fleet", &orphan);
        sandbox.git("fleet", &["branch", "other", orphan.trim()]);
        insta::assert_snapshot!(refused(&changed(&sandbox, &["other...HEAD"]), REPOSITORY));
        assert_eq!(changed(&sandbox, &["other..HEAD"]).status, Some(0));
    }

    #[test]
    fn a_history_cut_short_says_so() {
        let sandbox = Sandbox::scripted("branches");
        let url = format!("file://{}", sandbox.path("fleet").display());
        let clone = [
            "clone",
            "--quiet",
            "--depth=1",
            "--no-single-branch",
            &url,
            "shallow",
        ];
        sandbox.git("", &clone);
        let ran = sandbox.flota("shallow", &["changed", "origin/topic...HEAD"]);
        insta::assert_snapshot!(refused(&ran, REPOSITORY));
    }

    #[test]
    fn a_damaged_list_of_shallow_commits_is_an_error() {
        let sandbox = Sandbox::scripted("branches");
        fs::write(sandbox.path("fleet/.git/shallow"), "no commit\n").unwrap();
        let ran = changed(&sandbox, &["HEAD~1..HEAD"]);
        insta::assert_snapshot!(refused(&ran, REPOSITORY));
    }

    #[test]
    fn without_a_base_branch_one_must_be_named() {
        let sandbox = Sandbox::scripted("code");
        sandbox.git("fleet", &["branch", "--move", "trunk"]);
        insta::assert_snapshot!(refused(&changed(&sandbox, &[]), MISUSE));
    }
}

mod pins {
    use super::*;

    #[test]
    fn a_submodule_that_is_not_initialised_is_named() {
        let sandbox = Sandbox::scripted("code");
        uninitialise(&sandbox, "api");
        let ran = changed(&sandbox, &[LAST]);
        assert_eq!(ran.status, Some(REPOSITORY));
        insta::assert_snapshot!(ran.transcript());
    }

    #[test]
    fn the_others_are_answered_for() {
        let sandbox = Sandbox::scripted("packed");
        uninitialise(&sandbox, "api");
        let transcripts = [
            &["changed", LAST][..],
            &["changed", LAST, "--format", "json"],
            &["plan", LAST],
            &["plan", LAST, "--format", "json"],
        ]
        .map(|args| {
            let ran = sandbox.flota("fleet", args);
            assert_eq!(ran.status, Some(REPOSITORY));
            format!("$ flota {}\n{}", args.join(" "), ran.transcript())
        });
        insta::assert_snapshot!(transcripts.join("\n"));
    }

    #[test]
    fn a_pin_that_was_never_pushed_is_named() {
        let sandbox = Sandbox::scripted("code");
        let pin = sandbox.git("api", &["rev-parse", "HEAD"]);
        fs::remove_file(loose(&module(&sandbox, "api"), &pin)).unwrap();
        let ran = changed(&sandbox, &[LAST]);
        assert_eq!(ran.status, Some(REPOSITORY));
        insta::assert_snapshot!(ran.transcript());
    }

    #[test]
    fn nothing_is_read_of_submodules_whose_pins_stand() {
        let sandbox = Sandbox::scripted("code");
        uninitialise(&sandbox, "web");
        assert_eq!(changed(&sandbox, &[LAST]).status, Some(0));
    }

    #[test]
    fn a_damaged_object_is_an_error() {
        let transcripts = ["HEAD", "HEAD^{tree}", "HEAD~1", "HEAD~1^{tree}"].map(|object| {
            let sandbox = Sandbox::scripted("code");
            let id = sandbox.git("api", &["rev-parse", object]);
            overwrite(&loose(&module(&sandbox, "api"), &id), b"no zlib stream");
            let ran = changed(&sandbox, &[LAST]);
            assert_eq!(ran.status, Some(REPOSITORY), "{object}: {}", ran.text());
            format!("{object}: {}", ran.transcript())
        });
        insta::assert_snapshot!(transcripts.join("\n"));
    }

    #[test]
    fn a_damaged_pack_is_an_error() {
        let packs = |extension: &str| {
            let sandbox = Sandbox::scripted("packed");
            let folder = module(&sandbox, "api").join("objects/pack");
            for file in folder.read_dir().unwrap() {
                let file = file.unwrap().path();
                if file.extension().is_some_and(|found| found == extension) {
                    let whole = fs::read(&file).unwrap();
                    let mut damaged = whole[..12].to_vec();
                    damaged.resize(whole.len(), 0);
                    overwrite(&file, &damaged);
                }
            }
            let ran = changed(&sandbox, &[LAST]);
            assert_eq!(ran.status, Some(REPOSITORY), "{extension}: {}", ran.text());
            format!("{extension}: {}", ran.transcript())
        };
        insta::assert_snapshot!([packs("pack"), packs("idx")].join("\n"));
    }
}

mod output {
    use super::*;

    #[test]
    fn a_full_disk_is_no_success() {
        let sandbox = Sandbox::scripted("code");
        for format in ["human", "json", "names"] {
            let full = fs::OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .unwrap();
            let ran =
                sandbox.flota_with("fleet", &["changed", LAST, "--format", format], |flota| {
                    flota.stdout(full);
                });
            assert_eq!(ran.status, Some(ENVIRONMENT), "{format}");
            assert!(ran.stderr.contains("cannot write to standard output"));
        }
    }

    #[test]
    fn a_reader_who_left_is_no_success() {
        let sandbox = Sandbox::scripted("code");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = sandbox.flota_with("fleet", &["plan", LAST], |flota| {
            flota.stdout(Stdio::from(writer));
        });
        assert_eq!(ran.status, Some(ENVIRONMENT), "{}", ran.stderr);
    }

    #[test]
    fn a_closed_stderr_stops_nothing() {
        let sandbox = Sandbox::scripted("url");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ran = sandbox.flota_with("fleet", &["changed", LAST], |flota| {
            flota.stderr(Stdio::from(writer));
        });
        assert_eq!(ran.status, Some(0));
    }
}
