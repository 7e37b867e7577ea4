//! What is said of a build at the head of its page.

use serde::Serialize;

use super::parts::{JobReport, name};
use crate::{
    model::{
        change::BaseKind,
        document::{BaseV1, BuildV1, ExceptionV1, Hex},
    },
    output::text,
};

#[derive(Serialize)]
pub(super) struct Fact {
    label: &'static str,
    /// One line for each.
    values: Vec<Line>,
}

/// Words, and what belongs to them in the type of code.
#[derive(Serialize)]
pub(super) struct Line {
    pub words: String,
    pub code: Option<String>,
}

/// What was compared and built, by what, and when.
pub(super) fn facts(parts: &[JobReport<'_>]) -> Vec<Fact> {
    let Some(first) = parts.first().map(|part| &part.build) else {
        return Vec::new();
    };
    let mut compared = vec![base(first.base.as_ref())];
    let exceptions = parts.iter().flat_map(|part| &part.build.exceptions);
    compared.extend(exceptions.map(exception));
    let all = |value: fn(&BuildV1<'_>) -> Option<String>| {
        let mut values: Vec<_> = parts.iter().filter_map(|part| value(&part.build)).collect();
        values.sort_unstable();
        values.dedup();
        values
    };
    let plain = |label, values: Vec<String>| Fact {
        label,
        values: values
            .into_iter()
            .map(|words| Line { words, code: None })
            .collect(),
    };
    let started = all(|it| it.started.as_deref().map(text::controls_line));
    let facts = [
        Fact {
            label: "Compared with",
            values: compared,
        },
        Fact {
            label: "Built",
            values: vec![end(&first.head.rev, first.head.commit)],
        },
        plain(
            "Builder",
            all(|it| it.builder.as_deref().map(text::controls_line)),
        ),
        plain("Jobs (-j)", all(|it| it.jobs.map(|it| it.to_string()))),
        plain(
            "Started",
            started
                .into_iter()
                .take(1)
                .map(|it| readable_time(&it))
                .collect(),
        ),
    ];
    let facts = facts.into_iter().filter(|fact| !fact.values.is_empty());
    facts.collect()
}

/// `2026-11-27 03:48:37 UTC` for `2026-11-27T03:48:37.123Z`.
fn readable_time(started: &str) -> String {
    let second = started.get(..19).filter(|_| started.ends_with('Z'));
    second.map_or_else(
        || started.to_owned(),
        |it| format!("{} UTC", it.replace('T', " ")),
    )
}

fn end(rev: &str, Hex(commit): Hex) -> Line {
    let commit = commit.to_string();
    let is_id = commit.starts_with(rev);
    Line {
        words: if is_id {
            String::new()
        } else {
            text::controls_line(rev)
        },
        code: Some(commit),
    }
}

fn base(base: Option<&BaseV1<'_>>) -> Line {
    let words = |words: &str| Line {
        words: words.to_owned(),
        code: None,
    };
    let Some(base) = base else {
        return words("nothing: these services were asked for");
    };
    let Some(commit) = base.commit else {
        return words("nothing: everything counts as added");
    };
    let mut line = end(&base.rev, commit);
    match base.kind {
        BaseKind::MergeBase => {
            line.words = format!("the merge base with {}", text::controls_line(&base.rev))
        }
        BaseKind::Approximate => line.words = "the first parent".to_owned(),
        BaseKind::Exact | BaseKind::Empty => {}
    }
    line
}

fn exception(exception: &ExceptionV1<'_>) -> Line {
    let name = name(&exception.path);
    match exception.commit {
        Some(Hex(commit)) => Line {
            words: format!("{name}: where it last succeeded"),
            code: Some(commit.to_string()),
        },
        None => Line {
            words: format!("{name}: nothing, it never succeeded"),
            code: None,
        },
    }
}
