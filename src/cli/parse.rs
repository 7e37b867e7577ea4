//! From arguments to [`Cli`]; and how `flota --help` lists commands in groups, and topics.

use std::{ffi::OsString, fmt::Write as _};

use clap::{
    CommandFactory, FromArgMatches,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{
    Cli,
    format::asks_for_json,
    help::{GROUPS, TOPICS},
};
use crate::model::error::Error;

/// The width of the column of names.
const NAME_WIDTH: usize = 16;

/// The command line, with its commands in groups.
pub fn command() -> clap::Command {
    let command = Cli::command();
    let template = template(&command);
    command.help_template(template)
}

/// What is wrong with the arguments, for a run that was to answer in JSON; none for another run.
pub fn json_fault(args: &[OsString], said: &clap::Error) -> Option<Error> {
    if !asks_for_json(args) {
        return None;
    }
    // The first paragraph is the sentence, with what it is about on lines of its own; tips and the usage follow.
    let said = said.render().to_string();
    let mut paragraphs = said.split("\n\n").map(|paragraph| {
        let lines: Vec<_> = paragraph.lines().map(str::trim).collect();
        lines.join(" ")
    });
    let sentence = paragraphs.next().unwrap_or_default();
    let error = Error::misuse(sentence.strip_prefix("error: ").unwrap_or(&sentence));
    Some(paragraphs.fold(error, |error, paragraph| {
        error.hint(paragraph.strip_prefix("tip: ").unwrap_or(&paragraph))
    }))
}

/// Parses a command line that begins with the program's name.
///
/// # Errors
/// What clap has to say: a fault of the arguments, or the help or version that was asked for.
pub fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    // The groups are for help alone: to lay them out takes longer than to parse.
    match parse_with(Cli::command(), args) {
        Err(said) if SHOWS_HELP.contains(&said.kind()) => parse_with(command(), args),
        Err(said) => Err(with_range(said, args)),
        parsed => parsed,
    }
}

/// Adds to the error about `^A B`, git's two arguments for a range, the one argument that is meant.
fn with_range(mut said: clap::Error, args: &[OsString]) -> clap::Error {
    let base = args
        .iter()
        .find_map(|arg| arg.to_str().and_then(|arg| arg.strip_prefix('^')));
    let other = said.get(ContextKind::InvalidArg).map(ToString::to_string);
    if let (ErrorKind::UnknownArgument, Some(base), Some(other)) = (said.kind(), base, other) {
        let tip = format!("write the range as one argument: '{base}..{other}'");
        let tips = ContextValue::StyledStrs(vec![tip.into()]);
        said.insert(ContextKind::Suggested, tips);
    }
    said
}

/// What clap says by the text of the help.
const SHOWS_HELP: [ErrorKind; 2] = [
    ErrorKind::DisplayHelp,
    ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
];

fn parse_with(mut command: clap::Command, args: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = command.try_get_matches_from_mut(args)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// clap knows groups of options, and none of commands: what it would list under "Commands" is written here.
fn template(command: &clap::Command) -> String {
    let style = command.get_styles();
    let (header, literal) = (style.get_header(), style.get_literal());
    let mut text = String::from("{about-with-newline}\n{usage-heading} {usage}\n");
    let mut list = |heading: &str, entries: &mut dyn Iterator<Item = (&str, String)>| {
        // Writing to memory cannot fail.
        let _ = write!(text, "\n{header}{heading}:{header:#}\n");
        for (name, about) in entries {
            let gap = " ".repeat(NAME_WIDTH - name.len());
            let _ = writeln!(text, "  {literal}{name}{literal:#}{gap}{about}");
        }
    };
    for (heading, names) in GROUPS {
        let about = |name| command.find_subcommand(name)?.get_about();
        let mut entries = names.iter().map(|name| {
            (
                *name,
                about(*name).map(ToString::to_string).unwrap_or_default(),
            )
        });
        list(heading, &mut entries);
    }
    let mut topics = TOPICS
        .iter()
        .map(|(name, title)| (*name, (*title).to_owned()));
    list("Topics (flota help TOPIC)", &mut topics);
    let _ = write!(text, "\n{header}Options:{header:#}\n{{options}}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_in_one_group() {
        let command = Cli::command();
        let mut commands: Vec<_> = command
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        let mut listed: Vec<_> = GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        commands.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, commands);
    }

    #[test]
    fn no_topic_is_called_as_a_command_is() {
        let command = Cli::command();
        for (topic, _) in TOPICS {
            assert!(command.find_subcommand(topic).is_none(), "{topic}");
        }
    }

    #[test]
    fn the_lists_fit_a_terminal_of_80_columns() {
        for help in [command().render_help(), command().render_long_help()] {
            let help = help.to_string();
            let (lists, _) = help.split_once("\nOptions:").unwrap();
            for line in lists.lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }
}
