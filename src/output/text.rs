//! Text from outside, made harmless for a terminal and for the log of a CI system.

use std::{sync::LazyLock, time::Duration};

use bstr::{BStr, ByteSlice};
use regex::Regex;

/// What GitHub Actions takes for a command where a line begins: `::add-mask::…`.
static LINE_COMMAND: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^(\s*)::"));

/// What Azure Pipelines and GitHub Actions take for one anywhere in a line: `##vso[task.setvariable …]`, `##[add-path]…`.
static INLINE_COMMAND: LazyLock<Regex> = LazyLock::new(|| pattern(r"##([[:alpha:]]*\[)"));

#[allow(clippy::expect_used, reason = "a constant pattern compiles")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern compiles")
}

/// Replaces whatever could steer a terminal or reorder a line: C0 and C1 controls but newline and tab, DEL, and Unicode's
/// bidirectional and invisible controls (CVE-2021-42574, CVE-2024-52005); and breaks up what a CI system would obey.
pub(crate) fn escape(text: &str) -> String {
    escape_if(text, |c| c != '\n' && c != '\t')
}

/// The same for text that must stay on one line: newlines and tabs are escaped too.
pub(crate) fn line(text: &str) -> String {
    escape_if(text, |_| true)
}

/// A path or a name for people: lossy where it is not UTF-8, and on one line.
pub(crate) fn name(bytes: &BStr) -> String {
    line(&bytes.to_str_lossy())
}

/// `1 image build`, `2 image builds`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A size on disk as a person reads it: `0 B`, `64 KiB`, `1.5 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

/// A time as a person measures it: `42 ms`, `3.1 s`, `2 min 05 s`.
pub(crate) fn duration(took: Duration) -> String {
    let (millis, seconds) = (took.as_millis(), took.as_secs());
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{:.1} s", took.as_secs_f64()),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

/// The same for pages and files that no terminal and no CI system reads line by line: commands stay what they are.
pub(crate) fn controls(text: &str) -> String {
    controls_if(text, |c| c != '\n' && c != '\t')
}

/// Such text on one line.
pub(crate) fn controls_line(text: &str) -> String {
    controls_if(text, |_| true)
}

fn controls_if(text: &str, also: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) && also(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

fn escape_if(text: &str, also: impl Fn(char) -> bool) -> String {
    let out = controls_if(text, also);
    // Compiling the patterns takes longer than printing a small result, and hardly any text could match.
    if !out.contains("::") && !out.contains("##") {
        return out;
    }
    let out = LINE_COMMAND.replace_all(&out, r"$1\u{3a}:");
    INLINE_COMMAND.replace_all(&out, r"#\u{23}$1").into_owned()
}

/// Whether a character could steer a terminal, reorder a line, or be there without being seen: `.g<U+200C>it` is a name too.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_to_what_matters() {
        let of = |millis| duration(Duration::from_millis(millis));
        assert_eq!(of(0), "0 ms");
        assert_eq!(of(999), "999 ms");
        assert_eq!(of(1000), "1.0 s");
        assert_eq!(of(59_949), "59.9 s");
        assert_eq!(of(60_000), "1 min 00 s");
        assert_eq!(of(3_725_000), "62 min 05 s");
    }

    #[test]
    fn no_ci_system_finds_a_command() {
        assert_eq!(
            escape("::debug::x\n a::b ::c\n\t::d"),
            "\\u{3a}:debug::x\n a::b ::c\n\t\\u{3a}:d"
        );
        assert_eq!(
            line("x ##vso[task.complete]##[group]y"),
            "x #\\u{23}vso[task.complete]#\\u{23}[group]y"
        );
        assert_eq!(line("## a heading"), "## a heading");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            escape("a\x1b[31mb\u{9b}c\u{202e}d\ne\u{200c}"),
            "a\\u{1b}[31mb\\u{9b}c\\u{202e}d\ne\\u{200c}"
        );
        assert_eq!(line("a\nb\r"), "a\\nb\\r");
        assert_eq!(controls("::a\n\x1b"), "::a\n\\u{1b}");
        assert_eq!(controls_line("##[a\n"), "##[a\\n");
        assert_eq!(name(b"caf\xc3\xa9 \xff".as_bstr()), "café \u{fffd}");
    }
}
