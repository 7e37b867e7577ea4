//! Whether the answer is to be JSON: known of a command line, and of one that could not be parsed.

use std::ffi::OsString;

use super::{
    ChangedFormat, Command, DiffFormat, GraphFormat, PlanFormat, ReportFormat, ResultFormat,
    TemplateCommand, WorktreeCommand,
};

impl Command {
    /// Whether the result is asked for as versioned JSON, with `--format json`.
    pub fn is_json(&self) -> bool {
        let format = match self {
            Self::Changed(args) => return args.format == ChangedFormat::Json,
            Self::Plan(args) => return args.format == PlanFormat::Json,
            Self::Graph(args) => return args.format == GraphFormat::Json,
            Self::Log(args) => return args.format == ReportFormat::Json,
            Self::Diff(args) => return args.format == DiffFormat::Json,
            Self::Branch(args) => args.format,
            Self::Fetch(args) => args.format,
            Self::Pull(args) => args.bringing.format,
            Self::Push(args) => args.format,
            Self::Commit(args) => args.format,
            Self::Explain(args) => args.format,
            Self::Check(args) => args.format,
            Self::Build(args) => args.format,
            Self::Record(args) => args.format,
            Self::Clone(args) => args.bringing.format,
            Self::Update(args) => args.bringing.format,
            Self::Status(args) => args.format,
            Self::Foreach(args) => args.format,
            Self::Switch(args) => args.format,
            Self::Sync(args) => args.format,
            Self::Bump(args) => args.format,
            Self::Resolve(args) => args.format,
            Self::Cache(args) => args.format,
            Self::Init(args) => args.format,
            Self::New(args) => args.format,
            Self::Templates(args) => args.format,
            Self::Template(args) => match &args.command {
                TemplateCommand::Update(args) => args.format,
                TemplateCommand::Drift(args) => args.format,
            },
            Self::Worktree(args) => match &args.command {
                WorktreeCommand::Add(args) => args.bringing.format,
                WorktreeCommand::List(args) => args.format,
                WorktreeCommand::Remove(args) => args.format,
            },
            Self::Ci(args) => args.format,
            Self::Demo(_) | Self::Completions(_) | Self::Man(_) | Self::Help(_) => return false,
        };
        format == ResultFormat::Json
    }
}

/// Whether a command line that clap refuses asks for JSON. What follows `--` is another program's.
pub(super) fn asks_for_json(args: &[OsString]) -> bool {
    let own = args.iter().take_while(|arg| *arg != "--");
    let own: Vec<_> = own.collect();
    own.iter().any(|arg| *arg == "--format=json")
        || own
            .windows(2)
            .any(|two| *two[0] == "--format" && *two[1] == "json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_may_still_ask_for_json() {
        for (line, want) in [
            ("flota plan --bogus --format json", true),
            ("flota plan --format=json --bogus", true),
            ("flota plan --format human --bogus", false),
            ("flota foreach --bogus -- x --format json", false),
            ("flota plan json --format", false),
        ] {
            let args: Vec<_> = line.split(' ').map(OsString::from).collect();
            assert_eq!(asks_for_json(&args), want, "{line}");
        }
    }
}
