//! What lies where a commit of git's making has files.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

/// A repository whose second commit has more files than the first, which is checked out.
struct Fixture {
    dir: TempDir,
    from: ObjectId,
    to: ObjectId,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        git_in(at, &["init", "--quiet", "--initial-branch=main"]);
        fs::write(at.join(".gitignore"), "*.env\nbuild\nlink\n").unwrap();
        fs::write(at.join(".gitattributes"), "*.env text eol=crlf\n").unwrap();
        fs::write(at.join("kept"), "one\n").unwrap();
        let from = commit(at);
        fs::write(at.join("my.env"), "theirs\r\n").unwrap();
        fs::write(at.join("kept"), "two\n").unwrap();
        fs::create_dir_all(at.join("deep/er")).unwrap();
        fs::write(at.join("deep/er/x.env"), "theirs\r\n").unwrap();
        fs::write(at.join("build"), "a file\n").unwrap();
        symlink("kept", at.join("link")).unwrap();
        let to = commit(at);
        git_in(at, &["checkout", "--quiet", &from.to_string()]);
        Self { dir, from, to }
    }

    fn in_the_way(&self) -> Vec<String> {
        let found = in_the_way(self.dir.path(), self.from, self.to).unwrap();
        found.iter().map(ToString::to_string).collect()
    }
}

fn git_in(dir: &Path, args: &[&str]) -> String {
    let who = ["-c", "user.name=A", "-c", "user.email=a@example.com"];
    let done = git(dir)
        .args(who)
        .args(args)
        .stdout_as_data(1 << 10)
        .run()
        .unwrap();
    assert!(done.success(), "{args:?}: {}", done.text.as_bstr());
    done.stdout.to_str_lossy().trim().to_owned()
}

fn commit(dir: &Path) -> ObjectId {
    git_in(dir, &["add", "--all", "--force"]);
    git_in(dir, &["commit", "--quiet", "--no-gpg-sign", "-m", "x"]);
    git_in(dir, &["rev-parse", "HEAD"]).parse().unwrap()
}

/// Each thing that can lie where a file of the new commit belongs.
#[test]
fn what_lies_there_and_is_something_else_is_in_the_way() {
    type Row<'a> = (&'a str, &'a dyn Fn(&Path), &'a [&'a str]);
    let write = |name: &'static str, text: &'static str| {
        move |at: &Path| {
            let path = at.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    };
    let linked = |target: &'static str| move |at: &Path| symlink(target, at.join("link")).unwrap();
    let rows: [Row<'_>; 13] = [
        ("nothing", &|_| {}, &[]),
        ("another file", &write("my.env", "mine"), &["my.env"]),
        ("the same file", &write("my.env", "theirs\r\n"), &[]),
        // git would write it in its own way; there is nothing in it to lose.
        (
            "the same, as git sees it",
            &write("my.env", "theirs\n"),
            &[],
        ),
        (
            "one below",
            &write("deep/er/x.env", "mine"),
            &["deep/er/x.env"],
        ),
        ("a file above", &write("deep", "mine"), &["deep"]),
        (
            "a folder with files",
            &write("build/out", "mine"),
            &["build/out"],
        ),
        (
            "an empty folder",
            &|at| fs::create_dir(at.join("build")).unwrap(),
            &[],
        ),
        ("the same link", &linked("kept"), &[]),
        ("another link", &linked("elsewhere"), &["link"]),
        ("a file for a link", &write("link", "kept"), &["link"]),
        (
            "a link for a file",
            &|at| symlink("kept", at.join("my.env")).unwrap(),
            &["my.env"],
        ),
        // What is tracked, git looks at itself.
        ("a change", &write("kept", "mine"), &[]),
    ];
    for (name, prepare, want) in rows {
        let fixture = Fixture::new();
        prepare(fixture.dir.path());
        assert_eq!(fixture.in_the_way(), want, "{name}");
    }
}

#[test]
fn some_of_many_are_named() {
    let files: Vec<BString> = (0..7).map(|number| format!("f{number}").into()).collect();
    let error = would_be_overwritten(&files, "flota update");
    let said = error.to_string();
    assert!(
        said.ends_with("`f0`, `f1`, `f2`, `f3`, `f4` and 2 more"),
        "{said}"
    );
    let one = would_be_overwritten(&files[..1], "flota update").to_string();
    assert!(one.ends_with(": `f0`"), "{one}");
}
