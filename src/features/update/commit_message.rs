//! The message of a commit that moves pins. Its shape is that of `git submodule summary`; what it repeats of the services'
//! own messages is data, and must have no meaning to programs that read commits of the fleet.

use std::sync::LazyLock;

use bstr::{BStr, ByteSlice};
use gix::ObjectId;
use regex::Regex;

use crate::model::{commits::Commits, fleet::service_name, sync::Move};

/// As many services as a subject can name.
const NAMED: usize = 3;

/// Where tools cut a subject.
const SUBJECT_LENGTH: usize = 72;

/// Longer subjects of the services' are cut here, in characters.
const LINE_LENGTH: usize = 120;

/// What keeps forges from running a pipeline for the commit: `[skip ci]`, `[ci skip]`, `[no ci]`, `[skip actions]`…
static SKIPS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\[([a-z -]*\b(?:ci|actions|azurepipelines|azpipelines|azp)\b[a-z -]*)\]")
});

/// An issue or pull request by its number alone, which is the fleet's where the fleet's message has it: `Fixes #12`.
static ISSUE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(^|[^\w/.-])([#!]\d)"));

#[allow(clippy::expect_used, reason = "a constant pattern compiles")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern compiles")
}

/// The message.
pub(super) fn of(moves: &[Move]) -> String {
    let mut text = subject(moves) + "\n";
    for one in moves {
        text += &format!(
            "\n* {} {}...{}",
            line(one.path.as_ref()),
            short(one.from),
            short(one.to)
        );
        let name = service_name(one.path.as_ref());
        match (&one.gained, &one.lost) {
            (Some(gained), Some(lost)) => {
                text += &format!(" ({}):\n", gained.count + lost.count);
                text += &listed('>', gained, name);
                text += &listed('<', lost, name);
            }
            _ => text.push('\n'),
        }
    }
    text
}

fn subject(moves: &[Move]) -> String {
    let names: Vec<_> = moves
        .iter()
        .map(|one| line(service_name(one.path.as_ref())))
        .collect();
    let text = match &names[..] {
        [only] => format!("Bump {only} to {}", short(moves[0].to)),
        [before @ .., last] => format!("Bump {} and {last}", before.join(", ")),
        [] => String::new(),
    };
    match names.len() <= NAMED && text.len() <= SUBJECT_LENGTH {
        true => text,
        false => match names.len() {
            1 => format!("Bump a service to {}", short(moves[0].to)),
            count => format!("Bump {count} services"),
        },
    }
}

fn listed(mark: char, commits: &Commits, service: &BStr) -> String {
    let mut text = String::new();
    for commit in &commits.newest {
        let subject = inert(&line(commit.subject.as_ref()), &line(service));
        text += &format!("  {mark} {subject}\n");
    }
    match commits.count - commits.newest.len() {
        0 => text,
        more => text + &format!("  {mark} … and {more} more\n"),
    }
}

/// A service's own words, so that they close no issue of the fleet's and stop none of its pipelines.
fn inert(subject: &str, service: &str) -> String {
    let owned = ISSUE.replace_all(subject, |found: &regex::Captures<'_>| {
        format!("{}{service}{}", &found[1], &found[2])
    });
    SKIPS.replace_all(&owned, "($1)").into_owned()
}

/// On one line, without control characters, and no longer than a line is.
fn line(bytes: &BStr) -> String {
    let text = bytes.to_str_lossy();
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LINE_LENGTH)
        .collect()
}

fn short(id: ObjectId) -> String {
    id.to_hex_with_len(7).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::commits::Listed;

    fn id(digit: u8) -> ObjectId {
        ObjectId::from_hex(&[digit; 40]).unwrap()
    }

    fn a_move(path: &str, subjects: &[&str]) -> Move {
        let newest = subjects.iter().map(|subject| Listed {
            id: id(b'3'),
            subject: (*subject).into(),
        });
        Move {
            path: path.into(),
            branch: None,
            from: id(b'1'),
            to: id(b'2'),
            gained: Some(Commits {
                count: subjects.len(),
                newest: newest.collect(),
            }),
            lost: Some(Commits::default()),
        }
    }

    #[test]
    fn it_reads_like_a_submodule_summary() {
        let mut moved = a_move("code-repos/api", &["Third", "Second"]);
        moved.gained.as_mut().unwrap().count = 5;
        assert_eq!(
            of(&[moved]),
            "Bump api to 2222222\n\n* code-repos/api 1111111...2222222 (5):\n  > Third\n  > Second\n  > … and 3 more\n"
        );
    }

    #[test]
    fn few_services_are_named_and_many_counted() {
        let moves: Vec<_> = ["a", "b", "c", "d"].map(|path| a_move(path, &[])).into();
        assert_eq!(subject(&moves[..2]), "Bump a and b");
        assert_eq!(subject(&moves[..3]), "Bump a, b and c");
        assert_eq!(subject(&moves), "Bump 4 services");
        let long = a_move(&"x".repeat(80), &[]);
        assert_eq!(subject(&[long]), "Bump a service to 2222222");
    }

    #[test]
    fn a_services_words_do_nothing_in_the_fleet() {
        for (subject, want) in [
            (
                "Fixes #12, closes shop/web#3",
                "Fixes api#12, closes shop/web#3",
            ),
            ("#1 and !2", "api#1 and api!2"),
            ("Tidy up [skip ci]", "Tidy up (skip ci)"),
            ("Tidy up [CI SKIP]", "Tidy up (CI SKIP)"),
            ("[api] Use C# 12", "[api] Use C# 12"),
        ] {
            assert_eq!(inert(subject, "api"), want);
        }
        assert_eq!(line(b"a\x1b[31m\nb\xff".as_bstr()), "a [31m b\u{fffd}");
    }
}
