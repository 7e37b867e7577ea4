//! `flota help`, and the order in which it lists commands and topics.

use clap::{Args, builder::PossibleValuesParser};

/// Arguments of `flota help`.
#[derive(Args, Debug)]
pub struct Help {
    /// A command or a topic [default: a list of both].
    #[arg(value_name = "COMMAND|TOPIC", value_parser = names(), hide_possible_values = true)]
    pub name: Option<String>,
    /// A command of that command, such as `update` in `flota help template update`.
    #[arg(value_name = "SUBCOMMAND")]
    pub subcommands: Vec<String>,
    /// With the topic `configuration`: print a JSON Schema of flota.toml, for editors.
    #[arg(long)]
    pub schema: bool,
}

/// Under which heading `flota help` lists each command. A test holds that every command is here once.
pub(super) const GROUPS: [(&str, &[&str]); 6] = [
    ("Start", &["init", "new", "clone", "demo"]),
    (
        "See what changed",
        &[
            "changed", "log", "diff", "plan", "explain", "graph", "check",
        ],
    ),
    ("Build", &["build", "record", "ci"]),
    (
        "Work across services",
        &[
            "status", "fetch", "pull", "update", "sync", "foreach", "switch", "branch", "commit",
            "push", "bump", "resolve", "worktree",
        ],
    ),
    ("Templates", &["templates", "template"]),
    ("flota itself", &["cache", "completions", "man", "help"]),
];

/// The topics of `flota help`, each with the title of its page.
pub const TOPICS: [(&str, &str); 10] = [
    ("rules", "How flota decides what changed"),
    ("configuration", "The keys of flota.toml"),
    ("cloning", "How flota clones, and what it caches"),
    ("git-settings", "Which of git's settings flota follows"),
    ("last-success", "Building again what failed before"),
    ("template-files", "How templates of services are written"),
    ("pipelines", "flota in a CI system"),
    ("builders", "What builds images and charts"),
    ("gates", "Gates: checks before a push"),
    ("exit-codes", "What flota's exit codes mean"),
];

fn names() -> PossibleValuesParser {
    let commands = GROUPS.iter().flat_map(|(_, names)| names.iter().copied());
    let topics = TOPICS.iter().map(|(name, _)| *name);
    PossibleValuesParser::new(commands.chain(topics))
}
