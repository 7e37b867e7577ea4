//! The Dockerfile as text: reading it, its grammar, and the place of each instruction for messages.

use std::{fmt::Display, ops::Range, path::Path};

use parse_dockerfile::{Dockerfile, Instruction};
use serde_json::Value;

use super::{context, expand::ExpandFault};
use crate::model::error::{Error, Result};

/// A Dockerfile beyond this many bytes is refused.
const SIZE: u64 = 512 * 1024;

/// Stands for the `[]` of an `ENTRYPOINT` that resets the one of the stage below, which parse-dockerfile refuses. It has as many bytes,
/// so that all places stay.
pub(super) const NO_COMMAND: &str = "\u{80}";

/// How much of an instruction a message repeats, in characters.
const QUOTED: usize = 100;

/// The text of the Dockerfile `file`, a path inside `context`.
pub(in crate::container) fn read(context: &Path, file: &Path) -> Result<String> {
    let name = file.display();
    match context::read_text(context, file, SIZE)? {
        Some(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned()),
        None => Err(Error::misuse(format!(
            "no Dockerfile: {} has no file {name}",
            context.display()
        ))
        .hint("write one, or name another: [service.NAME.image] dockerfile = \"…\"")),
    }
}

/// `text` with [`NO_COMMAND`] where an entry point is reset, for [`parse`]; no other builder takes it. Only what the parser complains of is touched: here-documents may hold the
/// same words.
pub(in crate::container) fn with_resets(mut text: String) -> String {
    if text.contains(NO_COMMAND) {
        return text;
    }
    while let Some(array) = refused_reset(&text) {
        let blanks = " ".repeat(array.len() - NO_COMMAND.len());
        text.replace_range(array, &format!("{NO_COMMAND}{blanks}"));
    }
    text
}

/// Where the empty array of an `ENTRYPOINT` is that the parser refuses.
fn refused_reset(text: &str) -> Option<Range<usize>> {
    let line = parse_dockerfile::parse(text).err()?.line().checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let instruction = text[start..].trim_start();
    let keyword = instruction.get(.."ENTRYPOINT".len())?;
    let mut array = &instruction[keyword.len()..];
    loop {
        array = array.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '\\' | '`'));
        match array.strip_prefix('#') {
            Some(comment) => array = &comment[comment.find('\n')?..],
            None => break,
        }
    }
    let end = array.strip_prefix('[')?.trim_start_matches([' ', '\t']);
    if !keyword.eq_ignore_ascii_case("ENTRYPOINT") || !end.starts_with(']') {
        return None;
    }
    let end = text.len() - end.len() + 1;
    Some(text.len() - array.len()..end)
}

/// Parses `text`, the Dockerfile that messages call `name`, for this builder.
pub(super) fn parse<'a>(name: &Path, text: &'a str) -> Result<Dockerfile<'a>> {
    let dockerfile = parse_for_any(name, text)?;
    match &dockerfile.parser_directives.syntax {
        Some(syntax) if !is_docker_frontend(syntax.value.value) => Err(needs_engine(format!(
            "{}: `syntax={}` calls for a builder of its own",
            name.display(),
            syntax.value.value
        ))),
        _ => Ok(dockerfile),
    }
}

/// The same for whichever builder.
pub(in crate::container) fn parse_for_any<'a>(
    name: &Path,
    text: &'a str,
) -> Result<Dockerfile<'a>> {
    parse_dockerfile::parse(text).map_err(|cause| {
        let place = match cause.line() {
            0 => name.display().to_string(),
            line => format!("{}:{line}", name.display()),
        };
        Error::misuse(format!("{place}: {cause:#}"))
            .hint("the grammar: https://docs.docker.com/reference/dockerfile/")
    })
}

/// Whether a `syntax` directive means the Dockerfile grammar, of whatever version.
fn is_docker_frontend(image: &str) -> bool {
    let image = image.strip_prefix("docker.io/").unwrap_or(image);
    ["docker/dockerfile", "docker/dockerfile-upstream"]
        .iter()
        .any(|known| {
            image
                .strip_prefix(known)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '@']))
        })
}

/// The failure of a build that another builder could do.
pub(super) fn needs_engine(message: String) -> Error {
    Error::unavailable(format!("{message}; the embedded builder cannot do this"))
        .hint("docker, podman and buildah can: start one, or choose it with --builder")
}

/// Finds the places of instructions in one Dockerfile.
pub(super) struct Places<'a> {
    name: &'a Path,
    text: &'a str,
    escape: char,
    line_ends: Vec<usize>,
}

impl<'a> Places<'a> {
    /// For `text`, the Dockerfile that messages call `name`, whose escape character is `escape`.
    pub(super) fn new(name: &'a Path, text: &'a str, escape: char) -> Self {
        let line_ends = text.match_indices('\n').map(|(at, _)| at).collect();
        Self {
            name,
            text,
            escape,
            line_ends,
        }
    }

    /// Where `instruction` stands.
    pub(super) fn of(&self, instruction: &Instruction) -> InstructionPlace {
        self.at(keyword_start(instruction))
    }

    /// Where the instruction stands that begins at byte `start`.
    pub(super) fn at(&self, start: usize) -> InstructionPlace {
        InstructionPlace {
            file: self.name.display().to_string(),
            line: self.line(start),
            text: self.logical_line(&self.text[start..]),
        }
    }

    /// `text` up to the end of its line, the lines that continue it joined as Docker joins them: comments and empty lines between
    /// them dropped.
    pub(super) fn logical_line(&self, text: &str) -> String {
        let mut joined = String::new();
        for (index, line) in text.lines().enumerate() {
            let start = line.trim_start();
            if index > 0 && (start.is_empty() || start.starts_with('#')) {
                continue;
            }
            match line.trim_end_matches([' ', '\t']).strip_suffix(self.escape) {
                Some(continued) => joined.push_str(continued),
                None => {
                    joined.push_str(line);
                    break;
                }
            }
        }
        joined.trim_end().replace(NO_COMMAND, "[]")
    }

    /// The command of a shell form.
    pub(super) fn command(&self, place: &InstructionPlace, text: &str) -> Result<String> {
        match self.logical_line(text) {
            text if text.is_empty() => Err(place.misuse("there is no command")),
            text => Ok(text),
        }
    }

    /// The text of the line that begins at byte `start`: parse-dockerfile does not keep a here-document's name, but its end does.
    pub(super) fn line_at(&self, start: usize) -> &'a str {
        self.text
            .get(start..)
            .and_then(|rest| rest.lines().next())
            .unwrap_or_default()
    }

    fn line(&self, start: usize) -> usize {
        self.line_ends.partition_point(|&end| end < start) + 1
    }
}

/// Where an instruction stands: every message about it begins with this.
#[derive(Clone, Debug)]
pub(super) struct InstructionPlace {
    file: String,
    /// Counted from 1.
    pub line: usize,
    /// The instruction as written, on one line.
    pub text: String,
}

impl InstructionPlace {
    /// The instruction cannot be meant (exit 2).
    pub(super) fn misuse(&self, why: impl Display) -> Error {
        Error::misuse(format!("{self}: {why}"))
    }

    /// Refuses what the parser takes for words: options of an instruction that has none, and a JSON array of more than texts where the
    /// instruction `may_be_array`.
    pub(super) fn check_form(&self, has_options: bool, may_be_array: bool) -> Result<()> {
        let cut = |text: &str| {
            let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
            (first.to_owned(), rest.trim_start().to_owned())
        };
        let (keyword, mut rest) = cut(self.text.trim_start());
        while rest.starts_with("--") {
            let (option, after) = cut(&rest);
            if !has_options {
                return Err(self.misuse(format!("it has no option `{option}`")));
            }
            rest = after;
        }
        if keyword.eq_ignore_ascii_case("HEALTHCHECK") {
            rest = cut(&rest).1;
        }
        let array = serde_json::from_str::<Vec<Value>>(&rest).ok();
        match array.is_some_and(|array| may_be_array && !array.iter().all(Value::is_string)) {
            true => Err(self.misuse("its JSON array may only have texts")),
            false => Ok(()),
        }
    }

    /// A word of the instruction cannot be read.
    pub(super) fn fault(&self, fault: ExpandFault) -> Error {
        self.misuse(fault.0)
    }

    /// The instruction failed (exit 1).
    pub(super) fn failed(&self, why: impl Display) -> Error {
        Error::work(format!("{self}: {why}"))
    }

    /// The instruction is right, but only another builder can do it (exit 3).
    pub(super) fn needs_engine(&self, why: impl Display) -> Error {
        needs_engine(format!("{self}: {why}"))
    }
}

impl Display for InstructionPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let quoted: String = text.chars().take(QUOTED).collect();
        let more = if quoted.len() < text.len() { "…" } else { "" };
        write!(f, "{}:{}: {quoted}{more}", self.file, self.line)
    }
}

/// Where an instruction's keyword begins, in bytes.
fn keyword_start(instruction: &Instruction) -> usize {
    let keyword = match instruction {
        Instruction::Add(it) => &it.add,
        Instruction::Arg(it) => &it.arg,
        Instruction::Cmd(it) => &it.cmd,
        Instruction::Copy(it) => &it.copy,
        Instruction::Entrypoint(it) => &it.entrypoint,
        Instruction::Env(it) => &it.env,
        Instruction::Expose(it) => &it.expose,
        Instruction::From(it) => &it.from,
        Instruction::Healthcheck(it) => &it.healthcheck,
        Instruction::Label(it) => &it.label,
        Instruction::Maintainer(it) => &it.maintainer,
        Instruction::Onbuild(it) => &it.onbuild,
        Instruction::Run(it) => &it.run,
        Instruction::Shell(it) => &it.shell,
        Instruction::Stopsignal(it) => &it.stopsignal,
        Instruction::User(it) => &it.user,
        Instruction::Volume(it) => &it.volume,
        Instruction::Workdir(it) => &it.workdir,
        // The enum may grow; a kind that is not known here is refused where instructions are read.
        _ => return 0,
    };
    keyword.span.start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_name_file_line_and_joined_text() {
        let text = "FROM scratch\n\nCOPY a \\\n  # why\n\n  b/ \\  \n  /\nCMD x\n";
        let name = Path::new("docker/Dockerfile");
        let dockerfile = parse(name, text).unwrap();
        let places = Places::new(name, text, '\\');
        let place = places.of(&dockerfile.instructions[1]);
        assert_eq!(place.to_string(), "docker/Dockerfile:3: COPY a b/ /");
        assert_eq!(places.of(&dockerfile.instructions[2]).line, 8);
    }

    #[test]
    fn an_entry_point_may_be_reset() {
        let text = "FROM scratch\nENTRYPOINT []\nCOPY <<E /x\nENTRYPOINT []\nE\nentrypoint \\\n# c\n\n  [ \t]\n";
        let read = with_resets(text.to_owned());
        assert_eq!(read.len(), text.len());
        assert_eq!(read.matches(NO_COMMAND).count(), 2);
        assert!(read.contains("/x\nENTRYPOINT []\nE"));
        let name = Path::new("Dockerfile");
        let dockerfile = parse(name, &read).unwrap();
        let places = Places::new(name, &read, '\\');
        let place = places.of(&dockerfile.instructions[1]);
        assert_eq!(place.to_string(), "Dockerfile:2: ENTRYPOINT []");
        for text in [
            "FROM scratch\nENTRYPOINT\n",
            "FROM scratch\nENTRYPOINT [1]\n",
            "ENTRYPOINT",
        ] {
            assert_eq!(with_resets(text.to_owned()), text);
        }
    }

    #[test]
    fn long_instructions_are_cut_in_messages() {
        let text = format!("FROM scratch\nCMD {}\n", "ä".repeat(300));
        let name = Path::new("Dockerfile");
        let dockerfile = parse(name, &text).unwrap();
        let place = Places::new(name, &text, '\\').of(&dockerfile.instructions[1]);
        assert!(place.to_string().ends_with("ä…"));
        assert!(place.to_string().chars().count() < 130);
    }

    #[test]
    fn only_dockers_own_frontends() {
        for image in [
            "docker/dockerfile:1",
            "docker.io/docker/dockerfile",
            "docker/dockerfile:1.7-labs",
        ] {
            assert!(is_docker_frontend(image), "{image}");
        }
        for image in [
            "docker/dockerfile-evil:1",
            "example.org/mopy",
            "docker/dockerfilex",
        ] {
            assert!(!is_docker_frontend(image), "{image}");
        }
    }

    /// The parser sees hostile text first; none may stop the program.
    #[test]
    fn no_text_makes_the_parser_panic() {
        let pieces = [
            "FROM",
            "COPY",
            "ADD",
            "CMD",
            "ENV",
            "HEALTHCHECK",
            "ONBUILD",
            "VOLUME",
            "SHELL",
            "RUN",
            "AS",
            " ",
            "\n",
            "\r",
            "\t",
            "\\",
            "`",
            "<<",
            "-",
            "--",
            "=",
            "EOF",
            "\"",
            "'",
            "[",
            "]",
            ",",
            "#",
            "# escape=`\n",
            "ä",
            "\\u00e4",
            "\u{b}",
            "a",
        ];
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize
        };
        for _ in 0..50_000 {
            let text: String = (0..next() % 24)
                .map(|_| pieces[next() % pieces.len()])
                .collect();
            _ = parse(Path::new("Dockerfile"), &text);
            _ = parse(Path::new("Dockerfile"), &format!("FROM a\n{text}"));
        }
    }
}
