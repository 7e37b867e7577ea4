use super::*;
use crate::git::random;

const FLEET: &str = "https://example.com/group/fleet.git";

fn refused(url: &str) -> Option<String> {
    check::address(url.into()).err().map(|err| err.to_string())
}

#[test]
fn addresses_are_told_apart_as_git_does() {
    let local = |path: &str| Address::Local(path.into());
    for (url, want) in [
        ("/srv/git/a.git", local("/srv/git/a.git")),
        ("srv/a:b", local("srv/a:b")),
        ("file:///srv/a%20b", local("/srv/a b")),
        (
            "https://u:p@example.com:8443/a.git",
            Address::Remote("https"),
        ),
        ("http://[::1]:80/a", Address::Remote("http")),
        ("git://example.com/a", Address::Remote("git")),
        ("git@example.com:a/b.git", Address::Remote("ssh")),
        ("ssh://git@example.com/~/a", Address::Remote("ssh")),
        ("git+ssh://example.com/a", Address::Remote("ssh")),
    ] {
        assert_eq!(check::address(url.into()).unwrap(), want, "{url}");
    }
}

#[test]
fn hostile_addresses_are_refused() {
    for url in [
        "",
        "-u./payload",
        "--upload-pack=touch x",
        "ext::sh -c touch% x",
        "EXT::sh -c touch% x",
        "fd::17",
        "::https://example.com/a",
        "https::example.com/a",
        "ssh://-oProxyCommand=touch/x",
        "ssh://%2doProxyCommand=touch/x",
        "ssh://-l@example.com/x",
        "ssh://%2dl@example.com/x",
        "ssh://example.com:-oProxyCommand=x/y",
        "ssh://[-oProxyCommand=x]/y",
        "-oProxyCommand=x:y",
        "example.com:-x",
        "example.com:",
        "https://",
        "https:///a",
        "https://@/a",
        "https://user@:443/a",
        "https://example.com%0a.evil/a",
        "https://example.com/a%0d",
        "https://example.com/\na",
        "https://exam\u{1b}[31mple.com/a",
        "https://example.com%2f@evil/a%00",
        "git://example.com/a%0ahost=evil",
        "HTTPS://example.com/a",
        "ftp://example.com/a",
        "foo://example.com/a",
        "file://server/share",
        "file://x",
        "../:evil/x",
        "..//evil/x",
        "./:x",
        "a\tb",
    ] {
        assert!(refused(url).is_some(), "{url:?}");
    }
    let message = refused("https://user:secret@/a").unwrap();
    assert_eq!(message, "refused the URL `https:///a`: it names no host");
}

/// What git itself makes of relative URLs: `git submodule init` writes down the result.
#[test]
fn relative_urls_are_resolved_as_git_does() {
    let relative = [
        "../x.git",
        "./x",
        "../../x/",
        "../../../y",
        "./../z",
        "../a/../b",
    ];
    let remotes = [
        "https://example.com/group/fleet.git",
        "https://example.com/group/fleet.git/",
        "git@example.com:group/fleet.git",
        "git@example.com:fleet.git",
        "/srv/git/fleet",
        "file:///srv/git/fleet",
        "../up/fleet",
        "fleet",
        "./here/fleet/",
    ];
    for remote in remotes {
        for (url, theirs) in relative.iter().zip(by_git(remote, &relative)) {
            let ours = relative_to(remote.into(), (*url).into()).ok();
            // Where nothing is left to take away, git goes on with a host called `.`.
            let theirs = theirs.filter(|url| !url.starts_with(b".:"));
            assert_eq!(ours, theirs, "{url} seen from {remote}");
        }
    }
}

fn by_git(remote: &str, urls: &[&str]) -> Vec<Option<BString>> {
    let dir = tempfile::tempdir().unwrap();
    let git = |args: &[&str]| {
        let run = std::process::Command::new("git")
            .args(args)
            .current_dir(dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        run.status.success()
    };
    git(&["init", "--quiet"]);
    git(&["config", "remote.origin.url", remote]);
    let mut list = String::new();
    for (at, url) in urls.iter().enumerate() {
        list += &format!("[submodule \"s{at}\"]\n\tpath = s{at}\n\turl = {url}\n");
        let gitlink = format!("160000,{},s{at}", "1".repeat(40));
        git(&["update-index", "--add", "--cacheinfo", &gitlink]);
    }
    std::fs::write(dir.path().join(".gitmodules"), list).unwrap();
    for at in 0..urls.len() {
        // One after the other: git stops at the first that it cannot resolve.
        git(&["submodule", "--quiet", "init", &format!("s{at}")]);
    }
    let config = std::fs::read_to_string(dir.path().join(".git/config")).unwrap();
    let config = gix::config::File::try_from(config.as_str()).unwrap();
    let of = |at| {
        let name = format!("s{at}");
        config.string_by("submodule", Some(name.as_str().into()), "url")
    };
    (0..urls.len()).map(of).collect()
}

#[test]
fn the_longest_rewriting_rule_wins() {
    let config = gix::config::File::try_from(
        "[url \"https://mirror/\"]\n\tinsteadOf = https://example.com/\n\tinsteadOf = ex:\n\
         [url \"/srv/team/\"]\n\tinsteadOf = https://example.com/team/\n",
    )
    .unwrap();
    for (url, want) in [
        ("https://example.com/a", "https://mirror/a"),
        ("https://example.com/team/a", "/srv/team/a"),
        ("ex:a", "https://mirror/a"),
        ("https://elsewhere/a", "https://elsewhere/a"),
    ] {
        let found = rewritten(&config, "insteadOf", url.into());
        assert_eq!(found.unwrap_or(url.into()), want, "{url}");
    }
}

const PIECES: [&[u8]; 36] = [
    b"https", b"http", b"ssh", b"git", b"file", b"ext", b"://", b"::", b":", b"/", b"//", b"@",
    b"-", b"-o", b"%2d", b"%0a", b"%00", b"%1b", b"%", b"..", b"../", b"./", b"[", b"]", b"host",
    b"user", b"22", b"a.git", b"?", b"#", b" ", b"\n", b"\x1b", b"\\", b"\xff", b"~",
];

#[test]
fn whatever_is_accepted_can_be_no_option_and_steers_nothing() {
    let mut accepted = 0;
    let mut resolved = 0;
    for url in random::texts(&PIECES, 8).take(100_000) {
        accepted += usize::from(properties::address(url.as_ref()).is_some());
        for (fleet, url) in [
            (url.as_bstr(), "../x".into()),
            (FLEET.into(), url.as_bstr()),
        ] {
            resolved += usize::from(properties::relative(fleet, url).is_some());
        }
    }
    assert!(accepted > 1_000, "{accepted}");
    assert!(resolved > 10_000, "{resolved}");
}
