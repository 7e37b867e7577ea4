//! What a user logs in with at one server stays there: a server that sends clients on to another one gets them sent on, and not
//! what they hold for it. One test for each command that has git talk to a server.

use std::{fs, sync::atomic::Ordering};

use crate::{
    http::{Manners, Server, serve},
    record::report,
    sandbox::{Ran, Sandbox},
};

/// `me:s3cret-word`.
const BASIC: &str = "Basic bWU6czNjcmV0LXdvcmQ=";

/// How the user logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Login {
    /// User and password in the URL.
    InUrl,
    /// `http.<url>.extraHeader`, as actions/checkout has it.
    InHeader,
    /// A credential helper, which knows of the first server alone.
    ByHelper,
}

/// A server that wants a login and then sends everybody on to another, where the repositories are and nobody has to log in.
struct Trap {
    sandbox: Sandbox,
    first: Server,
    second: Server,
    login: Login,
}

impl Trap {
    fn new(sandbox: Sandbox, login: Login) -> Self {
        let second = serve(sandbox.root(), Manners::default());
        let first = Manners {
            authorization: Some(BASIC),
            moved: Some(("/", second.url.clone())),
            ..Manners::default()
        };
        let first = serve(sandbox.root(), first);
        Self {
            sandbox,
            first,
            second,
            login,
        }
    }

    /// The URL of a repository at the first server.
    fn url(&self, repository: &str) -> String {
        let host = match self.login {
            Login::InUrl => self.first.url.replace("http://", "http://me:s3cret-word@"),
            Login::InHeader | Login::ByHelper => self.first.url.clone(),
        };
        format!("{host}/{repository}")
    }

    /// Runs flota as somebody who may log in at the first server.
    fn flota(&self, dir: &str, args: &[&str]) -> Ran {
        let first = &self.first.url;
        let setting = match self.login {
            Login::InUrl => None,
            Login::InHeader => Some((
                format!("http.{first}/.extraHeader"),
                format!("Authorization: {BASIC}"),
            )),
            Login::ByHelper => Some((
                format!("credential.{first}.helper"),
                "!echo username=me; echo password=s3cret-word; true".to_owned(),
            )),
        };
        self.sandbox.flota_with(dir, args, |command| {
            if let Some((key, value)) = setting {
                command
                    .env("GIT_CONFIG_COUNT", "3")
                    .env("GIT_CONFIG_KEY_2", key)
                    .env("GIT_CONFIG_VALUE_2", value);
            }
        })
    }

    /// Says where a submodule of the fleet in `dir` is.
    fn place(&self, dir: &str, name: &str) {
        let key = format!("submodule.{name}.url");
        self.sandbox.git(dir, &["config", &key, &self.url(name)]);
    }

    /// The login came to the first server, the request to the second, and nothing else.
    #[track_caller]
    fn kept(&self, ran: &Ran) {
        let login = self.login;
        let said = &ran.stderr;
        assert!(!said.contains("s3cret") && !said.contains("bWU6"), "{said}");
        let at_first = self.first.seen.lock().unwrap();
        assert!(
            at_first.iter().any(|seen| seen == BASIC),
            "{login:?}: {said}"
        );
        let at_second = self.second.seen.lock().unwrap();
        assert!(!at_second.is_empty(), "{login:?} asks nobody: {said}");
        assert!(
            at_second.iter().all(String::is_empty),
            "{login:?} went on to another server: {at_second:?}"
        );
    }
}

/// Runs a test for each way to log in.
fn each(scripted: &str, test: impl Fn(&Trap)) {
    for login in [Login::InUrl, Login::InHeader, Login::ByHelper] {
        test(&Trap::new(Sandbox::scripted(scripted), login));
    }
}

#[test]
fn of_update_remote() {
    each("code", |trap| {
        let sandbox = &trap.sandbox;
        sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
        let first = sandbox.flota("ours", &["update", "api"]);
        assert_eq!(first.status, Some(0), "{}", first.stderr);
        trap.place("ours", "api");
        let ran = trap.flota("ours", &["update", "--remote", "api"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        trap.kept(&ran);
    });
}

#[test]
fn of_update() {
    each("code", |trap| {
        let sandbox = &trap.sandbox;
        sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
        trap.place("ours", "api");
        sandbox.git("ours", &["config", "submodule.api.active", "true"]);
        let ran = trap.flota("ours", &["update", "api", "--no-cache"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        trap.kept(&ran);
    });
}

#[test]
fn of_a_pin_that_a_submodule_lacks() {
    each("code", |trap| {
        let sandbox = &trap.sandbox;
        sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
        sandbox.git("ours", &["checkout", "--quiet", "--detach", "HEAD~1"]);
        let old = sandbox.git("api", &["rev-parse", "HEAD~1"]);
        sandbox.git("api", &["update-ref", "refs/heads/main", old.trim()]);
        let first = sandbox.flota("ours", &["update", "api", "--no-cache"]);
        assert_eq!(first.status, Some(0), "{}", first.stderr);
        sandbox.git("ours", &["checkout", "--quiet", "main"]);
        let plain = format!("{}/api", trap.first.url);
        sandbox.git("ours", &["config", "submodule.api.url", &plain]);
        let submodule = "ours/.git/modules/api";
        // Its own remote, which says more than the fleet does.
        let url = ["--git-dir=.", "config", "remote.origin.url"];
        sandbox.git(submodule, &[&url[..], &[&trap.url("api")]].concat());
        let ran = trap.flota("ours", &["update", "api"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        trap.kept(&ran);
    });
}

#[test]
fn of_check() {
    each("unpushed", |trap| {
        let sandbox = &trap.sandbox;
        let push = ["push", "--quiet", "origin", "HEAD:work"];
        sandbox.git("fleet/code-repos/api", &push);
        sandbox.git("fleet", &["commit", "--quiet", "--all", "--message=Move"]);
        let api = sandbox.path("fleet/.git/modules/api");
        fs::remove_dir_all(api.join("refs/remotes")).unwrap();
        let _ = fs::remove_file(api.join("packed-refs"));
        // The URL of .gitmodules is asked, whatever else is configured.
        let key = format!("url.{}.insteadOf", trap.url(""));
        let root = format!("{}/", sandbox.root().display());
        sandbox.git("fleet", &["config", &key, &root]);
        let ran = trap.flota("fleet", &["check", "HEAD~1..HEAD"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        trap.kept(&ran);
    });
}

#[test]
fn of_resolve() {
    each("conflict", |trap| {
        let sandbox = &trap.sandbox;
        sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
        let merged = sandbox.git_output("ours", &["merge", "origin/other"]);
        assert!(!merged.status.success());
        trap.place("ours", "api");
        let ran = trap.flota("ours", &["resolve", "api"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        trap.kept(&ran);
    });
}

#[test]
fn of_changed() {
    each("code", |trap| {
        trap.sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
        trap.place("ours", "api");
        let ran = trap.flota("ours", &["changed", "HEAD~1..HEAD", "--format=names"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        trap.kept(&ran);
    });
}

#[test]
fn of_clone() {
    each("to-clone", |trap| {
        let url = trap.url("fleet");
        let ran = trap.flota("", &["clone", &url, "ours"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        trap.kept(&ran);
        let status = trap.sandbox.git("ours", &["status", "--porcelain"]);
        assert_eq!(status, "");
    });
}

/// The scripted fleet that records its successes; its remote takes pushes over HTTP.
fn recording(trap: &Trap) {
    let sandbox = &trap.sandbox;
    let fleet = ["--git-dir=.", "config", "http.receivepack", "true"];
    sandbox.git("fleet.git", &fleet);
    let url = trap.url("fleet.git");
    sandbox.git("fleet", &["config", "remote.origin.url", &url]);
    // The services stay where they are.
    for name in ["api", "docs", "lib", "web"] {
        let key = format!("submodule.{name}.url");
        let path = sandbox.path(name);
        sandbox.git("fleet", &["config", &key, path.to_str().unwrap()]);
    }
    report(sandbox, &["api", "docs", "lib", "web"], &[]);
}

#[test]
fn of_a_record_that_is_pushed() {
    each("record", |trap| {
        recording(trap);
        let ran = trap.flota("fleet", &["record", "--for", "main", "--push"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        trap.kept(&ran);
        let pushed = ["--git-dir=.", "rev-parse", "refs/flota/success/main"];
        trap.sandbox.git("fleet.git", &pushed);
    });
}

#[test]
fn of_a_record_that_is_fetched() {
    each("record", |trap| {
        recording(trap);
        let sandbox = &trap.sandbox;
        let recorded = trap.flota("fleet", &["record", "--for", "main"]);
        assert_eq!(recorded.status, Some(0), "{}", recorded.stderr);
        let reference = "refs/flota/success/main";
        let folder = sandbox.path("fleet.git");
        let refspec = format!("{reference}:{reference}");
        let push = ["push", "--quiet", folder.to_str().unwrap(), &refspec];
        sandbox.git("fleet", &push);
        sandbox.git("fleet", &["update-ref", "-d", reference]);
        let ran = trap.flota("fleet", &["plan", "--base=last-success", "--format=json"]);
        assert_eq!(ran.json()["base"]["rev"], reference);
        trap.kept(&ran);
    });
}

#[test]
fn of_history_that_a_clone_lacks() {
    each("code", |trap| {
        let sandbox = &trap.sandbox;
        sandbox.git("fleet", &["branch", "other", "HEAD~1"]);
        let url = format!("file://{}", sandbox.path("fleet").display());
        sandbox.git("", &["clone", "--quiet", "--depth=1", &url, "ours"]);
        let url = trap.url("fleet");
        sandbox.git("ours", &["config", "remote.origin.url", &url]);
        for name in ["api", "web"] {
            let key = format!("submodule.{name}.url");
            let path = sandbox.path(name);
            sandbox.git("ours", &["config", &key, path.to_str().unwrap()]);
        }
        let ran = trap.flota("ours", &["changed", "other...HEAD", "--format=names"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        assert_eq!(ran.text(), "api\n");
        trap.kept(&ran);
    });
}

#[test]
fn of_new() {
    each("code", |trap| {
        let sandbox = &trap.sandbox;
        sandbox.git("", &["init", "--quiet", "--bare", "shop.git"]);
        let receive = ["--git-dir=.", "config", "http.receivepack", "true"];
        sandbox.git("shop.git", &receive);
        let url = trap.url("shop.git");
        let new = ["new", "shop", "--template", "static", "--remote", &url];
        let ran = trap.flota("fleet", &new);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        trap.kept(&ran);
        trap.sandbox.git(
            "shop.git",
            &["--git-dir=.", "rev-parse", "main", "development"],
        );
    });
}

#[test]
fn of_a_template() {
    each("code", |trap| {
        let sandbox = &trap.sandbox;
        sandbox.git("", &["init", "--quiet", "template"]);
        let manifest = "description = \"A template of its own\"\n";
        fs::write(sandbox.path("template/flota-template.toml"), manifest).unwrap();
        fs::create_dir_all(sandbox.path("template/code")).unwrap();
        fs::write(sandbox.path("template/code/app"), "app\n").unwrap();
        sandbox.git("template", &["add", "--all"]);
        sandbox.git("template", &["commit", "--quiet", "--message=Start"]);
        let url = trap.url("template");
        let ran = trap.flota("fleet", &["new", "shop", "--template", &url]);
        // Whatever is to be said of the template, it was fetched.
        trap.kept(&ran);
    });
}

#[test]
fn who_wants_no_redirect_gets_none() {
    let sandbox = Sandbox::scripted("code");
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    let trap = Trap::new(sandbox, Login::InUrl);
    trap.place("ours", "api");
    // The URL in .gitmodules, which is tried too, leads nowhere.
    let listed = trap.sandbox.path("api");
    fs::rename(listed, trap.sandbox.path("away")).unwrap();
    let range = ["changed", "HEAD~1..HEAD", "--strict"];
    let scoped = format!("http.{}/.followRedirects", trap.first.url);
    for key in ["http.followRedirects", &scoped] {
        let ran = trap.sandbox.flota_with("ours", &range, |command| {
            command
                .env("GIT_CONFIG_COUNT", "3")
                .env("GIT_CONFIG_KEY_2", key)
                .env("GIT_CONFIG_VALUE_2", "false");
        });
        assert_eq!(ran.status, Some(4), "{key}: {}", ran.stderr);
        assert!(ran.stderr.contains("301"), "{key}: {}", ran.stderr);
        assert_eq!(trap.second.requests.load(Ordering::SeqCst), 0, "{key}");
    }
}

#[test]
fn who_wants_every_redirect_keeps_the_login_too() {
    let sandbox = Sandbox::scripted("code");
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    let trap = Trap::new(sandbox, Login::InUrl);
    trap.place("ours", "api");
    let scoped = format!("http.{}/.followRedirects", trap.first.url);
    let range = ["changed", "HEAD~1..HEAD"];
    let ran = trap.sandbox.flota_with("ours", &range, |command| {
        command
            .env("GIT_CONFIG_COUNT", "3")
            .env("GIT_CONFIG_KEY_2", scoped)
            .env("GIT_CONFIG_VALUE_2", "true");
    });
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    trap.kept(&ran);
}

#[test]
fn a_server_that_redirects_to_itself_is_left_in_the_end() {
    let sandbox = Sandbox::scripted("code");
    sandbox.git("", &["clone", "--quiet", "fleet", "ours"]);
    let circle = Manners {
        moved: Some(("/", String::new())),
        ..Manners::default()
    };
    let server = serve(sandbox.root(), circle);
    let url = format!("{}/api", server.url);
    sandbox.git("ours", &["config", "submodule.api.url", &url]);
    // The URL in .gitmodules, which is tried too, leads nowhere.
    fs::rename(sandbox.path("api"), sandbox.path("away")).unwrap();
    let range = ["changed", "HEAD~1..HEAD", "--strict"];
    let ran = sandbox.flota("ours", &range);
    assert_eq!(ran.status, Some(4), "{}", ran.stderr);
    assert!(ran.stderr.contains("again and again"), "{}", ran.stderr);
    assert_eq!(server.requests.load(Ordering::SeqCst), 6);
}
