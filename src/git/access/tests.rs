use super::*;

fn text(settings: &[Setting]) -> Vec<String> {
    settings
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect()
}

/// A git directory with this configuration.
fn repository(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("objects")).unwrap();
    fs::create_dir_all(at("refs")).unwrap();
    fs::write(at("HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(at("config"), format!("[core]\n\tbare = true\n{config}")).unwrap();
    folder
}

#[test]
fn no_secret_of_the_fleets_host_goes_to_another() {
    for (key, want) in [
        ("http.https://host/.extraheader", true),
        ("http.extraheader", false),
        ("http.cookiefile", false),
        ("http.proxy", true),
        ("credential.helper", false),
        ("credential.https://host/.helper", true),
        ("url.x.insteadof", true),
        ("core.sshcommand", true),
        ("core.hookspath", false),
        ("remote.origin.url", false),
        ("protocol.file.allow", false),
    ] {
        let (section, scope, name) = parts(key);
        let header = match scope {
            Some(scope) => format!("[{section} \"{scope}\"]\n"),
            None => format!("[{section}]\n"),
        };
        let fleet = repository(&format!("{header}\t{name} = value\n"));
        let fleet = gix::open(fleet.path()).unwrap();
        assert_eq!(!of_fleet(&fleet).is_empty(), want, "{key}");
    }
}

/// Each kind of setting that a repository may have for its server is found; what is not of access, and what points at the
/// repository itself, is not.
#[test]
fn a_repository_has_its_own_access() {
    let git = repository(
        "[core]\n\tsshCommand = ssh -i key\n\thooksPath = /x\n\tgitProxy = p\n\
         [url \"ssh://git@Host/\"]\n\tinsteadOf = https://host/\n\tinsteadOf = https://other/\n\
         [http \"https://host/\"]\n\textraHeader = A: 1\n\textraHeader = B: 2\n\
         [credential]\n\thelper = store\n\
         [fetch]\n\tfsckObjects = true\n\tprune = true\n[fetch \"fsck\"]\n\tmissingEmail = warn\n\tskipList = /list\n\
         [remote \"origin\"]\n\turl = https://host/x\n[branch \"main\"]\n\tremote = origin\n",
    );
    let own = OwnAccess::of(git.path()).unwrap();
    let want = [
        "core.gitproxy=p",
        "core.sshcommand=ssh -i key",
        "url.ssh://git@Host/.insteadof=https://host/",
        "url.ssh://git@Host/.insteadof=https://other/",
        "http.https://host/.extraheader=A: 1",
        "http.https://host/.extraheader=B: 2",
        "credential.helper=store",
        "fetch.fsckobjects=true",
        "fetch.fsck.missingemail=warn",
        "fetch.fsck.skiplist=/list",
    ];
    assert_eq!(text(&own.settings), want);
    assert!(!own.has_bare_header);
}

#[test]
fn a_header_for_no_server_goes_to_that_of_the_repositorys_remote_alone() {
    let header = "[http]\n\textraHeader = AUTHORIZATION: basic eDp5\n";
    for (more, want) in [
        (
            "[remote \"up\"]\n\turl = https://me:pw@host:8443/shop/x.git\n",
            vec!["http.https://host:8443/.extraheader=AUTHORIZATION: basic eDp5"],
        ),
        ("[remote \"up\"]\n\turl = git@host:shop/x.git\n", vec![]),
        ("", vec![]),
        // git prefers what names the server.
        (
            "[remote \"up\"]\n\turl = https://host/x\n[http \"https://host/\"]\n\textraHeader = X: y\n",
            vec!["http.https://host/.extraheader=X: y"],
        ),
        (
            "[remote \"up\"]\n\turl = short:x\n[url \"https://host/\"]\n\tinsteadOf = short:\n",
            vec![
                "url.https://host/.insteadof=short:",
                "http.https://host/.extraheader=AUTHORIZATION: basic eDp5",
            ],
        ),
    ] {
        let git = repository(&format!("{header}{more}"));
        let own = OwnAccess::of(git.path()).unwrap();
        assert_eq!(text(&own.settings), want, "{more}");
        assert!(own.has_bare_header);
    }
}

/// git itself decides about included files and conditions, in the repository that they are about.
#[test]
fn included_files_count_where_their_conditions_hold() {
    let more = tempfile::tempdir().unwrap();
    let file = more.path().join("more");
    fs::write(&file, "[core]\n\tsshCommand = ssh -i key\n").unwrap();
    let file = file.display();
    let remote = "[remote \"origin\"]\n\turl = https://host/x\n";
    for (condition, holds) in [
        ("include".to_owned(), true),
        ("includeIf \"onbranch:main\"".to_owned(), true),
        ("includeIf \"onbranch:other\"".to_owned(), false),
        (
            "includeIf \"hasconfig:remote.*.url:https://host/**\"".to_owned(),
            true,
        ),
        (
            "includeIf \"hasconfig:remote.*.url:https://other/**\"".to_owned(),
            false,
        ),
        ("includeIf \"gitdir:/nowhere/\"".to_owned(), false),
    ] {
        let git = repository(&format!("{remote}[{condition}]\n\tpath = {file}\n"));
        let own = OwnAccess::of(git.path()).unwrap();
        assert_eq!(own.has("core.sshcommand"), holds, "{condition}");
    }
    let git = repository("");
    let at = git.path().canonicalize().unwrap();
    let own = format!("[includeIf \"gitdir:{}\"]\n\tpath = {file}\n", at.display());
    fs::write(at.join("config"), own).unwrap();
    assert!(OwnAccess::of(&at).unwrap().has("core.sshcommand"));
}

#[test]
fn a_configuration_that_cannot_be_read_is_an_error() {
    let git = repository("[broken\n");
    assert!(OwnAccess::of(git.path()).is_err());
}
