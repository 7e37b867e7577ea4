//! A small fleet with a little history, to try every command on.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::fleet::scaffold::{self, Author, Committer, Destination, Remote, ServicePlan};
use crate::{
    git::{
        command::{argument, git, run},
        network::push,
        repository::Repository,
        url,
    },
    model::error::{Error, Result},
    templates,
};

/// The range of the fleet's history in which something happened.
pub(crate) const RANGE: &str = "HEAD~1..HEAD";

/// What the demonstration's fleet is configured with.
const CONFIGURATION: &str = "\
[fleet]
base_branch = \"main\"

[image]
# Nothing but flota is needed. Remove this line, and the first of docker, podman and buildah that answers builds.
builder = \"embedded\"

[chart]
tokens = { CLUSTERHOST = \"demo.example\" }
";

/// 1 January 2024, 00:00 UTC: a fixed date gives every run the same commits.
const DATE: i64 = 1_704_067_200;

/// What was done to each service between the two ends of [`RANGE`].
pub(crate) const STORY: [&str; 3] = [
    "web: a page was edited, which is code",
    "cart: three replicas instead of two, which is configuration",
    "docs: rolled back to its first commit",
];

/// Makes the fleet in `root` (`root/fleet`, its remotes in `root/remotes`); the fleet's worktree.
pub(crate) fn make(root: &Path) -> Result<PathBuf> {
    refuse_used(root)?;
    let (fleet, remote) = (root.join("fleet"), root.join("remotes/fleet.git"));
    repository(&fleet, &remote)?;
    let author = |hours: i64| {
        Committer::Fixed(Author {
            name: "flota demo",
            email: "demo@flota.invalid",
            date: DATE + hours * 3600,
        })
    };

    let [web, cart, docs] = ["web", "cart", "docs"].map(|name| service(&fleet, name, &author(0)));
    let (web, cart, docs) = (web?, cart?, docs?);
    edit(
        &docs.join("code/site/index.html"),
        "<h1>docs</h1>",
        "<h1>Documents</h1>",
    )?;
    author(1).commit_all(&docs, "Say what this is")?;
    push_to_origin(&docs, "HEAD:development")?;
    write(&fleet.join("flota.toml"), CONFIGURATION)?;
    author(2).commit_all(&fleet, "Link three services")?;

    edit(
        &web.join("code/site/index.html"),
        "<h1>web</h1>",
        "<h1>Welcome</h1>",
    )?;
    author(3).commit_all(&web, "Greet people")?;
    push_to_origin(&web, "HEAD:development")?;
    edit(
        &cart.join("config/values.yaml"),
        "replicas: 2",
        "replicas: 3",
    )?;
    author(4).commit_all(&cart, "Bear more load")?;
    push_to_origin(&cart, "HEAD:development")?;
    run(
        git(&docs).args(["checkout", "--quiet", "--detach", "HEAD~1"]),
        "roll `docs` back",
    )?;
    author(5).commit_all(&fleet, "Greet people, bear more load, roll docs back")?;
    push_to_origin(&fleet, "main")?;
    Ok(fleet)
}

/// A new repository at `worktree` on branch `main`, with a bare one at `remote` as its `origin`.
fn repository(worktree: &Path, remote: &Path) -> Result<()> {
    for folder in [worktree, remote] {
        fs::create_dir_all(folder).map_err(|err| {
            Error::unavailable(format!("cannot create `{}`", folder.display())).because(err)
        })?;
    }
    let init = |dir: &Path, bare: &[&str]| {
        let init = git(dir).args(["init", "--quiet", "--template=", "--initial-branch=main"]);
        run(
            init.args(bare.iter().copied()),
            format!("create a repository in `{}`", dir.display()),
        )
    };
    init(remote, &["--bare"])?;
    init(worktree, &[])?;
    let link = git(worktree)
        .args(["remote", "add", "origin"])
        .arg(argument(remote));
    run(link, format!("name the remote of `{}`", worktree.display()))
}

/// A static service, as `flota new NAME --template static` makes it; its worktree.
fn service(fleet: &Path, name: &str, committer: &Committer) -> Result<PathBuf> {
    let template =
        templates::named("static")?.ok_or_else(|| Error::work("there is no template `static`"))?;
    let values = scaffold::values(&template, name, &BTreeMap::new(), &mut |_, _| Ok(None))?;
    let fleet = Repository::discover(fleet)?;
    let plan = ServicePlan {
        name,
        template: &template.name,
        files: &template.render(&values)?,
        branch: scaffold::DEVELOPMENT,
        destination: Destination::At(Box::new(Remote::beside(&fleet, name)?)),
        commit: false,
        committer,
    };
    Ok(scaffold::service(&fleet, plan)?.work_dir)
}

/// Nobody's files are written over or mixed with the demonstration's.
fn refuse_used(root: &Path) -> Result<()> {
    let unusable = |err| Error::misuse(format!("`{}` cannot be used", root.display())).because(err);
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries.count(),
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => 0,
        Err(err) => return Err(unusable(err)),
    };
    if entries > 0 {
        return Err(Error::misuse(format!("`{}` is not empty", root.display()))
            .hint("name a new directory: flota demo DIR")
            .hint("or name none, and flota creates a temporary one: flota demo"));
    }
    Ok(())
}

fn push_to_origin(worktree: &Path, refspec: &str) -> Result<()> {
    let cannot = || Error::work(format!("cannot push `{}`", worktree.display()));
    let origin = Repository::discover(worktree)?.remote_url();
    let source = url::given(origin.ok_or_else(cannot)?.as_ref())?;
    push::publish(git(worktree), &source, &[refspec]).map_err(|fault| fault.raise(cannot()))
}

fn edit(file: &Path, from: &str, to: &str) -> Result<()> {
    let text = fs::read_to_string(file)
        .map_err(|err| Error::work(format!("cannot read `{}`", file.display())).because(err))?;
    write(file, &text.replace(from, to))
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).map_err(|err| {
        Error::unavailable(format!("cannot write `{}`", file.display())).because(err)
    })
}
