//! Repositories that a forge's own program creates: it knows the user's login and permissions.

use std::path::Path;

use bstr::{BStr, BString, ByteSlice};

use super::{defaults::MAIN, remote::Remote};
use crate::{
    files,
    git::{remote as remotes, repository::Repository},
    model::{
        error::{Error, Result},
        new::RemoteKind,
    },
    process::{Command, Output},
};

/// What a program may print, in bytes.
const ANSWER_LIMIT: usize = 1 << 20;

/// Whose program makes the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forge {
    /// `gh repo create`
    GitHub,
    /// `glab repo create`
    GitLab,
    /// `az repos create`
    Azure,
}

/// Makes a private repository `name` beside the fleet's own on the forge; for a fleet without a remote, where the program makes
/// it for its user.
pub(super) fn create(forge: Forge, fleet: &Repository, name: &str) -> Result<Remote> {
    let repo = fleet.to_local()?;
    let fleets = remotes::url(&repo, remotes::name(&repo).as_ref());
    let place = fleets
        .as_ref()
        .and_then(|url| ForgeAddress::of(url.as_ref()));
    // Outside of every repository: these programs would take the one they are in for what they are to work on.
    let folder = files::temporary_folder()?;
    let command = match forge {
        Forge::GitHub => gh(place.as_ref(), name),
        Forge::GitLab => glab(place.as_ref(), name),
        Forge::Azure => az(place.as_ref(), name)?,
    };
    let made = command
        .current_dir(folder.path())
        .stdout_as_data(ANSWER_LIMIT)
        .run()?
        .check(|| {
            Error::work(format!(
                "{} did not create the repository `{name}`",
                forge.name()
            ))
            .hint(forge.log_in())
        })?;
    if place.is_some() {
        let mut beside = Remote::beside(fleet, name)?;
        beside.kind = RemoteKind::Made;
        return Ok(beside);
    }
    Remote::made(fleet, answered(forge, &made)?.as_ref())
}

impl Forge {
    fn name(self) -> &'static str {
        match self {
            Self::GitHub => "gh",
            Self::GitLab => "glab",
            Self::Azure => "az",
        }
    }

    fn log_in(self) -> &'static str {
        match self {
            Self::GitHub => "see whether you are logged in: gh auth status",
            Self::GitLab => "see whether you are logged in: glab auth status",
            Self::Azure => "see whether you are logged in: az account show",
        }
    }
}

/// Where the fleet's repository is on the forge.
struct ForgeAddress {
    host: String,
    /// The folders above it, without slashes at the ends.
    folder: String,
}

impl ForgeAddress {
    /// Takes a URL apart; none for a folder of this machine.
    fn of(url: &BStr) -> Option<Self> {
        let url = url.to_str().ok()?;
        let (authority, path) = match url.split_once("://") {
            Some(("file", _)) => return None,
            Some((_, rest)) => rest.split_once('/')?,
            None => url
                .split_once(':')
                .filter(|(host, _)| !host.contains('/'))?,
        };
        let host = authority.rsplit('@').next()?;
        let host = host.split(':').next()?;
        let path = path.trim_matches('/');
        let (folder, _) = path.rsplit_once('/').unwrap_or(("", path));
        Some(Self {
            host: host.to_owned(),
            folder: folder.to_owned(),
        })
    }
}

/// `gh repo create [HOST/OWNER/]NAME --private` (cli.github.com/manual/gh_repo_create)
fn gh(place: Option<&ForgeAddress>, name: &str) -> Command {
    let full = match place {
        Some(ForgeAddress { host, folder }) => format!("{host}/{folder}/{name}"),
        None => name.to_owned(),
    };
    Command::new("gh")
        .args(["repo", "create", "--private"])
        .args(["--", &full])
        .env("GH_PROMPT_DISABLED", "1")
}

/// `glab repo create [GROUP/]NAME --private` (docs.gitlab.com/cli/repo/create)
fn glab(place: Option<&ForgeAddress>, name: &str) -> Command {
    let command = Command::new("glab")
        .args(["repo", "create", "--private"])
        .arg(format!("--defaultBranch={}", MAIN));
    match place {
        Some(ForgeAddress { host, folder }) => command
            .env("GITLAB_HOST", host)
            .args(["--", &format!("{folder}/{name}")]),
        None => command.args(["--", name]),
    }
}

/// `az repos create --name NAME` (learn.microsoft.com/cli/azure/repos); without a place, in the project that az is set to.
fn az(place: Option<&ForgeAddress>, name: &str) -> Result<Command> {
    let command = Command::new("az").args(["repos", "create", "--output=json"]);
    let command = command.arg(format!("--name={name}"));
    let Some(ForgeAddress { host, folder }) = place else {
        return Ok(command);
    };
    let parts: Vec<&str> = folder.split('/').collect();
    // https://dev.azure.com/ORG/PROJECT/_git/NAME, git@ssh.dev.azure.com:v3/ORG/PROJECT/NAME
    let (organization, project) = match parts[..] {
        [organization, project, "_git"] if host == "dev.azure.com" => (organization, project),
        ["v3", organization, project] if host == "ssh.dev.azure.com" => (organization, project),
        _ => {
            return Err(Error::misuse(format!(
                "the fleet's own repository is not on Azure: it is at {host}"
            ))
            .hint("create the repository there, and name it: --remote URL"));
        }
    };
    Ok(command
        .arg(format!(
            "--organization=https://dev.azure.com/{organization}"
        ))
        .arg(format!("--project={project}")))
}

/// The URL that the program names.
fn answered(forge: Forge, output: &Output) -> Result<BString> {
    let said = output.stdout.to_str_lossy();
    let url = match forge {
        Forge::Azure => {
            let answer: Option<serde_json::Value> = serde_json::from_str(&said).ok();
            answer.and_then(|answer| Some(answer.get("remoteUrl")?.as_str()?.to_owned()))
        }
        _ => {
            let mut words = said.split_whitespace();
            let found = words.find(|word| word.starts_with("https://"));
            found.map(|url| format!("{}.git", url.trim_end_matches('/').trim_end_matches(".git")))
        }
    };
    url.map(BString::from).ok_or_else(|| {
        Error::work(format!(
            "{} does not say where the repository is",
            forge.name()
        ))
        .hint("find it on the forge, and continue with it: flota new NAME --remote URL")
    })
}

/// Whether the program is there: asked before anything is done.
pub(super) fn check(forge: Forge) -> Result<()> {
    crate::process::find(Path::new(forge.name()).as_os_str()).map(drop)
}
