//! Filters that attributes name (gitattributes(5), `filter`), in what is built: the files of a clone are packed, and never what
//! stands for them in a commit.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
};

use flate2::read::GzDecoder;

use crate::{
    sandbox::{Ran, Sandbox},
    support::need,
};

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\n\
    oid sha256:0000000000000000000000000000000000000000000000000000000000000007\nsize 14\n";

const LOUD: &str = "[filter \"loud\"]\n\tsmudge = tr a-z A-Z\n\tclean = tr A-Z a-z\n";

const LFS: &str = "[filter \"lfs\"]\n\tclean = git-lfs clean -- %f\n\tsmudge = git-lfs smudge -- %f\n\
                   \tprocess = git-lfs filter-process\n\trequired = true\n";

/// The service `svc` with a file in its image and one in its chart, and `files`, as they are committed.
fn service(files: &[(&str, &[u8])]) -> Sandbox {
    let sandbox = Sandbox::new();
    let usual: [(&str, &[u8]); 4] = [
        ("code/Dockerfile", b"FROM scratch\nCOPY . /\n"),
        ("code/app", b"quiet\n"),
        (
            "config/Chart.yaml",
            b"apiVersion: v2\nname: svc\nversion: 1.0.0\n",
        ),
        ("config/files/data", b"quiet\n"),
    ];
    for (path, content) in usual.iter().chain(files) {
        let path = sandbox.path("svc").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    sandbox.git("svc", &["init", "--quiet", "--initial-branch=main"]);
    sandbox.git("svc", &["add", "--all"]);
    sandbox.git("svc", &["commit", "--quiet", "--message=Start"]);
    sandbox
}

fn with_attributes(attributes: &str) -> Sandbox {
    service(&[(".gitattributes", attributes.as_bytes())])
}

fn as_user(command: &mut Command) {
    command.env_remove("GIT_CONFIG_GLOBAL");
}

/// `flota build` in `dir`, for a user with `config`.
fn build(sandbox: &Sandbox, dir: &str, config: &str) -> Ran {
    fs::write(sandbox.path("home/.gitconfig"), config).unwrap();
    let args = ["build", "--all", "--builder=embedded"];
    sandbox.flota_with(dir, &args, as_user)
}

/// The files of all compressed archives in a folder.
fn packed(folder: PathBuf) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let file = fs::File::open(entry.unwrap().path()).unwrap();
        let mut archive = tar::Archive::new(GzDecoder::new(file));
        // What is no archive holds no files.
        for mut entry in archive.entries().unwrap().map_while(Result::ok) {
            let path = entry.path().unwrap().display().to_string();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            files.insert(path, content);
        }
    }
    files
}

fn image(sandbox: &Sandbox, dir: &str) -> BTreeMap<String, Vec<u8>> {
    packed(sandbox.path(dir).join(".flota/images/blobs/sha256"))
}

fn chart(sandbox: &Sandbox, dir: &str) -> BTreeMap<String, Vec<u8>> {
    packed(sandbox.path(dir).join(".flota/charts"))
}

/// Every file below a git directory, with its content, but the notes that flota itself keeps there.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = walkdir::WalkDir::new(folder)
        .into_iter()
        .filter_entry(|entry| entry.file_name() != "flota")
        .map(Result::unwrap);
    let files = entries.filter(|entry| entry.file_type().is_file());
    files
        .map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap()))
        .collect()
}

#[test]
fn images_and_charts_hold_what_the_users_filters_write() {
    for attributes in [
        "app filter=loud\ndata filter=loud\n",
        "[attr]shouted filter=loud\n* shouted\n*.yaml !filter\nDockerfile -filter\n",
    ] {
        // They stand above the folders that are built.
        let sandbox = with_attributes(attributes);
        let before = snapshot(&sandbox.path("svc/.git"));
        let ran = build(&sandbox, "svc", LOUD);
        assert_eq!(ran.status, Some(0), "{attributes}: {}", ran.stderr);
        assert_eq!(image(&sandbox, "svc")["app"], b"QUIET\n", "{attributes}");
        assert_eq!(
            chart(&sandbox, "svc")["svc/files/data"],
            b"QUIET\n",
            "{attributes}"
        );
        assert!(
            before == snapshot(&sandbox.path("svc/.git")),
            "{attributes}"
        );
    }
}

#[test]
fn the_repositorys_own_configuration_counts_as_in_a_checkout() {
    let sandbox = with_attributes("app filter=loud\n");
    sandbox.git("svc", &["config", "filter.loud.smudge", "tr a-z A-Z"]);
    let ran = build(&sandbox, "svc", "");
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(image(&sandbox, "svc")["app"], b"QUIET\n");
}

/// Where git goes on with the file as it is, there would be two contents under one name.
#[test]
fn a_filter_that_fails_is_an_error_that_names_the_file() {
    for config in [
        "[filter \"loud\"]\n\tsmudge = false\n",
        "[filter \"loud\"]\n\tsmudge = false\n\trequired = true\n",
        "[filter \"loud\"]\n\tsmudge = no-such-program-here\n",
        "[filter \"loud\"]\n\tprocess = false\n",
        // Nobody says how.
        "[filter \"loud\"]\n\tclean = cat\n\trequired = true\n",
    ] {
        for (attributes, file) in [
            ("code/app filter=loud\n", "code/app"),
            ("data filter=loud\n", "config/files/data"),
        ] {
            let sandbox = with_attributes(attributes);
            let ran = build(&sandbox, "svc", config);
            assert_eq!(ran.status, Some(1), "{config}: {}", ran.stderr);
            let named = format!("the filter `loud` gives no content for `{file}`");
            for word in [&named, "hint: git config --get-regexp '^filter\\.'"] {
                assert!(
                    ran.stderr.contains(word),
                    "{config}: {word}: {}",
                    ran.stderr
                );
            }
        }
    }
}

#[test]
fn files_stay_as_committed_where_no_filter_writes_them() {
    for (attributes, config, notice) in [
        // git says nothing; a build is nobody's worktree.
        (
            "app filter=theirs\n",
            "",
            Some(
                "svc: `code/app` is built as it is committed: the git configuration does not define its filter `theirs`",
            ),
        ),
        (
            "app filter=tidy\n",
            "[filter \"tidy\"]\n\tclean = cat\n",
            None,
        ),
        ("app -filter\n", LOUD, None),
        ("app filter\n", LOUD, None),
        ("app text\n", LOUD, None),
    ] {
        let sandbox = with_attributes(attributes);
        let ran = build(&sandbox, "svc", config);
        assert_eq!(ran.status, Some(0), "{attributes}: {}", ran.stderr);
        assert_eq!(image(&sandbox, "svc")["app"], b"quiet\n", "{attributes}");
        match notice {
            Some(notice) => assert!(ran.stderr.contains(notice), "{}", ran.stderr),
            None => assert!(
                !ran.stderr.contains("filter"),
                "{attributes}: {}",
                ran.stderr
            ),
        }
    }
}

/// An image made `FROM scratch` has no `/tmp`, and a container that is read-only none that can be written.
#[test]
fn a_build_needs_no_temporary_directory_of_the_system() {
    let sandbox = with_attributes("app filter=loud\n");
    fs::write(sandbox.path("home/.gitconfig"), LOUD).unwrap();
    let without_any = |command: &mut Command| {
        as_user(command);
        command.env("TMPDIR", sandbox.path("nowhere"));
    };
    let args = ["build", "--all", "--builder=embedded"];
    let ran = sandbox.flota_with("svc", &args, without_any);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(image(&sandbox, "svc")["app"], b"QUIET\n");

    // A look at what would be built writes nothing beside the products.
    let look = ["build", "--all", "--builder=embedded", "--dry-run"];
    let ran = sandbox.flota_with("svc", &look, without_any);
    assert_eq!(ran.status, Some(3), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("hint: TMPDIR names the directory to use instead")
    );
}

/// What is built is the same on every machine.
#[test]
fn attributes_of_the_user_do_not_count() {
    let sandbox = with_attributes("*.none filter=loud\n");
    for file in [
        "svc/.git/info/attributes",
        "home/.config/git/attributes",
        "home/named",
    ] {
        let file = sandbox.path(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "app filter=loud\n").unwrap();
    }
    let named = sandbox.path("home/named");
    let config = format!("{LOUD}[core]\n\tattributesFile = {}\n", named.display());
    let ran = build(&sandbox, "svc", &config);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(image(&sandbox, "svc")["app"], b"quiet\n");
}

#[test]
fn a_pointer_without_its_file_is_refused_by_name() {
    let left = "[filter \"lfs\"]\n\tsmudge = cat\n\tclean = cat\n\trequired = true\n";
    let mut locked = b"\0GITCRYPT\0".to_vec();
    locked.extend([1, 2, 3]);
    for (attributes, content, config, words) in [
        (
            "*.bin filter=lfs\n",
            POINTER.as_bytes(),
            "",
            ["is a pointer of Git LFS", "hint: git lfs install"],
        ),
        (
            "*.bin filter=lfs\n",
            POINTER.as_bytes(),
            left,
            ["is a pointer of Git LFS", "hint: unset GIT_LFS_SKIP_SMUDGE"],
        ),
        (
            "*.bin filter=other\n",
            POINTER.as_bytes(),
            "",
            ["is a pointer of Git LFS", "defines no filter `other`"],
        ),
        (
            "*.bin filter=git-crypt\n",
            &locked,
            "",
            ["is encrypted by git-crypt", "hint: keep secrets out"],
        ),
    ] {
        for file in ["code/model.bin", "config/files/model.bin"] {
            let sandbox = service(&[(".gitattributes", attributes.as_bytes()), (file, content)]);
            let ran = build(&sandbox, "svc", config);
            assert_eq!(ran.status, Some(3), "{file} {config}: {}", ran.stderr);
            for word in [&[file][..], &words].concat() {
                assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
            }
        }
    }
}

/// Nothing says that it stands for another file: a clone holds it, too.
#[test]
fn what_looks_like_a_pointer_and_has_no_attributes_is_a_file() {
    let other = (".gitattributes", &b"*.none filter=lfs\n"[..]);
    let sandbox = service(&[("code/model.bin", POINTER.as_bytes()), other]);
    let ran = build(&sandbox, "svc", "");
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert_eq!(image(&sandbox, "svc")["model.bin"], POINTER.as_bytes());
}

#[test]
fn git_lfs_brings_what_it_has_and_fetches_what_it_lacks_into_no_repository() {
    if !need("git-lfs") {
        return;
    }
    let bytes: Vec<u8> = (0..5000_u32).map(|number| (number % 251) as u8).collect();
    let sandbox = service(&[(
        ".gitattributes",
        b"*.bin filter=lfs diff=lfs merge=lfs -text\n",
    )]);
    fs::write(sandbox.path("home/.gitconfig"), LFS).unwrap();
    for file in ["svc/code/model.bin", "svc/config/files/model.bin"] {
        fs::write(sandbox.path(file), &bytes).unwrap();
    }
    for args in [
        &["add", "--all"][..],
        &["commit", "--quiet", "--message=Large"],
    ] {
        assert!(sandbox.git_with("svc", args, as_user).status.success());
    }
    let pointer = sandbox.git("svc", &["show", "HEAD:code/model.bin"]);
    assert!(pointer.starts_with("version https://git-lfs"), "{pointer}");

    let holds_the_file = |dir: &str| {
        let before = snapshot(&sandbox.path(dir).join(".git"));
        let ran = build(&sandbox, dir, LFS);
        assert_eq!(ran.status, Some(0), "{dir}: {}", ran.stderr);
        assert!(image(&sandbox, dir)["model.bin"] == bytes, "{dir}");
        assert!(
            chart(&sandbox, dir)["svc/files/model.bin"] == bytes,
            "{dir}"
        );
        assert!(before == snapshot(&sandbox.path(dir).join(".git")), "{dir}");
    };
    holds_the_file("svc");

    // A clone with the pointers alone: the server of its remote has the files.
    let url = format!("file://{}", sandbox.path("svc").display());
    for clone in ["bare", "elsewhere"] {
        sandbox.git("", &["clone", "--quiet", &url, clone]);
        fs::remove_dir_all(sandbox.path(clone).join(".flota")).ok();
    }
    holds_the_file("bare");

    // The commit itself says where the server is.
    fs::write(
        sandbox.path("elsewhere/.lfsconfig"),
        format!("[lfs]\n\turl = {url}\n"),
    )
    .unwrap();
    sandbox.git(
        "elsewhere",
        &["remote", "set-url", "origin", "file:///nowhere/at/all"],
    );
    for args in [
        &["add", ".lfsconfig"][..],
        &["commit", "--quiet", "--message=Server"],
    ] {
        assert!(
            sandbox
                .git_with("elsewhere", args, as_user)
                .status
                .success()
        );
    }
    fs::remove_file(sandbox.path("elsewhere/.lfsconfig")).unwrap();
    holds_the_file("elsewhere");

    // The content is gone: the file is named.
    fs::remove_dir_all(sandbox.path("svc/.git/lfs")).unwrap();
    fs::remove_dir_all(sandbox.path("svc/.flota")).unwrap();
    let ran = build(&sandbox, "svc", LFS);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("model.bin"), "{}", ran.stderr);
}

/// Submodules of a fleet have their own configuration, their own attributes, and their own objects.
#[test]
fn each_service_of_a_fleet_is_filtered_by_its_own_attributes() {
    let sandbox = Sandbox::scripted("to-clone");
    fs::write(sandbox.path("web/.gitattributes"), "code/app filter=loud\n").unwrap();
    for service in ["web", "api"] {
        let dockerfile = sandbox.path(service).join("code/Dockerfile");
        fs::write(dockerfile, "FROM scratch\nCOPY app /\n").unwrap();
        sandbox.commit_and_pin(service, "Name a filter");
    }
    fs::write(sandbox.path("home/.gitconfig"), LOUD).unwrap();
    let ran = sandbox.flota_with("", &["clone", "fleet", "ours"], as_user);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let ran = build(&sandbox, "ours", LOUD);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let images = sandbox.path("ours/.flota/images/blobs/sha256");
    let mut apps = Vec::new();
    for blob in fs::read_dir(images).unwrap() {
        let file = fs::File::open(blob.unwrap().path()).unwrap();
        let mut archive = tar::Archive::new(GzDecoder::new(file));
        for mut entry in archive.entries().unwrap().map_while(Result::ok) {
            if entry.path().unwrap().ends_with("app") {
                let mut content = String::new();
                entry.read_to_string(&mut content).unwrap();
                apps.push(content);
            }
        }
    }
    assert!(
        apps.contains(&"WEB, FIRST VERSION\n".to_owned()),
        "{apps:?}"
    );
    assert!(
        apps.iter().any(|app| app.chars().any(char::is_lowercase)),
        "{apps:?}"
    );
}
