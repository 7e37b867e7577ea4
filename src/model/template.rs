//! Templates of new services, as data: what one asks for, and what was answered.

use std::collections::BTreeMap;

use bstr::BString;
use gix::ObjectId;
use regex::Regex;

use super::{
    error::{Error, Result},
    settings::valid::shown,
};

/// The longest answer, in bytes.
const LONGEST: usize = 1000;

/// The value that holds a service's name.
pub const NAME: &str = "name";

/// The value that holds its name as an identifier of programming languages.
pub const MODULE: &str = "module";

/// What a template is filled with: the answers, and beside them [`NAME`] and [`MODULE`].
pub type Values = BTreeMap<String, String>;

/// What a `template.toml` says.
#[derive(Clone, Debug, Default)]
pub struct TemplateManifest {
    /// What the template is for, in a line.
    pub description: String,
    /// In the order of the file: a default may go by the answers before it.
    pub questions: Vec<Question>,
}

/// Something a template has to be told.
#[derive(Clone, Debug)]
pub struct Question {
    /// The value that the answer becomes.
    pub name: String,
    /// What people read.
    pub ask: String,
    /// The answer where none is given, itself a template; without it there must be one.
    pub default: Option<String>,
    /// What the whole answer must match.
    pub pattern: Option<Pattern>,
    /// What the answer can be; anything when this is empty.
    pub choices: Vec<String>,
}

impl Question {
    /// Whether it takes `answer`.
    ///
    /// # Errors
    /// Misuse, naming the rule.
    pub fn check(&self, answer: &str) -> Result<()> {
        let refuse = |why: String| {
            Err(Error::misuse(format!(
                "`{}` is not an answer to `{}` ({}): {why}",
                shown(answer),
                self.name,
                shown(&self.ask)
            )))
        };
        if answer.contains(char::is_control) {
            return refuse("it has a control character".into());
        }
        if answer.len() > LONGEST {
            return refuse(format!("it has more than {LONGEST} bytes"));
        }
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice == answer) {
            return refuse(format!("the choices are {}", self.choices.join(", ")));
        }
        match &self.pattern {
            Some(pattern) if !pattern.is_match(answer) => {
                refuse(format!("it does not match {}", pattern.source))
            }
            _ => Ok(()),
        }
    }
}

/// A regular expression for whole answers.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// As the template has it.
    pub source: String,
    whole: Regex,
}

impl Pattern {
    /// Compiles it.
    ///
    /// # Errors
    /// Misuse: it is not a valid regular expression, or is too large.
    pub fn new(source: &str) -> Result<Self> {
        let compile = |text: &str| {
            Regex::new(text).map_err(|err| {
                Error::misuse(format!("`{}` is not a valid regular expression", shown(source)))
                    .because(err)
                    .hint("the syntax is that of the crate regex: https://docs.rs/regex/latest/regex/#syntax")
            })
        };
        // Within the group, `a)|(b` would be one.
        compile(source)?;
        let whole = compile(&format!("^(?:{source})$"))?;
        Ok(Self {
            source: source.to_owned(),
            whole,
        })
    }

    fn is_match(&self, answer: &str) -> bool {
        self.whole.is_match(answer)
    }
}

/// Where a template comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is part of the binary.
    Embedded,
    /// A folder; its path is known where it lies in the fleet, from whose root it counts.
    Folder(Option<String>),
    /// A commit of a Git repository.
    Git {
        /// Where it is, without credentials.
        url: String,
        /// The branch, tag or commit that was asked for; without it, the branch of the repository's HEAD.
        rev: Option<String>,
        /// What that was.
        commit: ObjectId,
    },
}

/// What a service was made from, as the service itself records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The template's name.
    pub template: String,
    /// Where it came from.
    pub origin: Origin,
    /// The id of the Git tree of its files.
    pub version: ObjectId,
    /// The service's name at the time.
    pub name: String,
    /// What its questions were answered with.
    pub answers: Values,
}

/// A service seen from its template.
#[derive(Debug)]
pub struct Drift {
    /// Where it sits in the fleet.
    pub path: BString,
    /// What it says it was made from; none when no template made it, or that cannot be read.
    pub record: Option<Record>,
    /// Where it stands.
    pub state: DriftState,
}

/// Where a service stands that a template made.
#[derive(Debug)]
pub enum DriftState {
    /// It was made from the template as it is now, or has been brought there.
    Current,
    /// The template is another now: this version.
    Behind(ObjectId),
    /// The template is in a Git repository, which is not asked.
    Elsewhere,
    /// There is no such template any more.
    Gone,
    /// No template made it.
    Unmade,
    /// It is not here, or what it says cannot be read.
    Unread(Error),
}

impl DriftState {
    /// Its name in JSON and tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Behind(_) => "behind",
            Self::Elsewhere => "elsewhere",
            Self::Gone => "gone",
            Self::Unmade => "unmade",
            Self::Unread(_) => "unread",
        }
    }

    /// Why nothing can be said of it.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Unread(error) => Some(error),
            _ => None,
        }
    }
}

/// What became of a service whose template was to be brought up to date.
#[derive(Debug)]
pub struct Updated {
    /// Where it sits in the fleet.
    pub path: BString,
    /// What was done.
    pub outcome: UpdateOutcome,
}

/// What was done.
#[derive(Debug)]
pub enum UpdateOutcome {
    /// The template makes the same of it as before.
    Current,
    /// The difference was merged; HEAD is this commit.
    Merged(ObjectId),
    /// The difference was merged, but for these files, which git left in conflict.
    Conflicts(Vec<BString>),
    /// No template made it.
    Unmade,
    /// Nothing was done, for this reason.
    Refused(Error),
}

impl UpdateOutcome {
    /// Its name in JSON and tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Merged(_) => "merged",
            Self::Conflicts(_) => "conflicts",
            Self::Unmade => "unmade",
            Self::Refused(_) => "refused",
        }
    }

    /// Why nothing was done.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Refused(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_held_against_choices_and_pattern() {
        let mut question = Question {
            name: "port".into(),
            ask: "Port".into(),
            default: None,
            pattern: Some(Pattern::new("[1-9][0-9]{1,4}|auto").unwrap()),
            choices: Vec::new(),
        };
        for answer in ["80", "8080", "auto"] {
            question.check(answer).unwrap();
        }
        for answer in ["", "0", "8080x", "x8080", "80\n", "automatic"] {
            assert!(question.check(answer).is_err(), "{answer:?}");
        }
        question.pattern = None;
        question.check(&"x".repeat(LONGEST)).unwrap();
        assert!(question.check(&"x".repeat(LONGEST + 1)).is_err());
        assert!(question.check("a\nb").is_err());
        question.choices = vec!["80".into(), "443".into()];
        assert!(question.check("8080").is_err());
        question.check("443").unwrap();
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        assert!(Pattern::new("[a-").is_err());
        // Alone, neither half is one.
        assert!(Pattern::new("a)|(b").is_err());
    }
}
