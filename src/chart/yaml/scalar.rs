//! How a string is written as a YAML scalar so that every YAML 1.1 and 1.2 parser, such as Helm's, reads the same string.

/// The key whose value YAML 1.1 merges into its mapping (<https://yaml.org/type/merge.html>); Helm's parser does so.
pub(crate) const MERGE_KEY: &str = "<<";

/// Words that some YAML version reads as something other than a string (<https://yaml.org/type/bool.html> and others).
const WORDS: [&str; 11] = [
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "=",
];

/// Whether a plain scalar of this text is a string under YAML 1.1 and 1.2. False in doubt: a hexadecimal number without
/// its prefix counts as a number, too.
pub(crate) fn is_string(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if text.is_empty() || text == MERGE_KEY || WORDS.contains(&lower.as_str()) {
        return false;
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return true;
    }
    // Numbers, times and dates have one point at most, and only these characters.
    let numeric = |c: char| c.is_ascii_hexdigit() || "xXoO_:+-.tTzZ ".contains(c);
    text.matches('.').count() > 1
        || !(text.chars().all(numeric) || [".inf", "+.inf", "-.inf", ".nan"].contains(&&*lower))
}

/// Whether the text may stand plain, in block and in flow collections and as a key, and is a string there.
pub(crate) fn is_plain_safe(text: &str) -> bool {
    const FIRST: &str = "-?:,[]{}#&*!|>'\"%@`.=~<";
    is_string(text)
        && text.trim() == text
        && !text.starts_with(|c| FIRST.contains(c))
        && !text.ends_with(':')
        && !text.contains(|c: char| ",[]{}".contains(c) || needs_escape(c) || c == '\t')
        && !text.contains(": ")
        && !text.contains(" #")
}

/// The text as a key: plain where that is safe.
pub(crate) fn key(text: &str) -> String {
    if is_plain_safe(text) {
        text.into()
    } else {
        double_quoted(text)
    }
}

/// The text in double quotes.
pub(crate) fn double_quoted(text: &str) -> String {
    format!("\"{}\"", escape_double(text))
}

/// What stands between double quotes for this text.
pub(crate) fn escape_double(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if needs_escape(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// What stands between single quotes for this text; none when it holds something only double quotes can say.
pub(crate) fn escape_single(text: &str) -> Option<String> {
    (!text.contains(needs_escape)).then(|| text.replace('\'', "''"))
}

/// Line breaks (also YAML 1.1's), control characters other than the tab, and what is no character at all.
pub(crate) fn needs_escape(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_some_yaml_version_reads_as_no_string_is_none() {
        for text in [
            "",
            "~",
            "null",
            "True",
            "YES",
            "off",
            "n",
            "<<",
            "=",
            "3",
            "1e5",
            "0x1F",
            "0o17",
            "017",
            "1_000",
            "-1",
            "+1.5",
            ".5",
            ".inf",
            "-.INF",
            ".NaN",
            "12:30:45",
            "2026-01-02",
            "2026-01-02T03:04:05Z",
            "1234567",
        ] {
            assert!(!is_string(text), "{text:?}");
            assert!(!is_plain_safe(text), "{text:?}");
        }
    }

    #[test]
    fn ordinary_words_stand_plain() {
        for text in [
            "color-service",
            "1.2.3+abc",
            "10.0.0.1",
            "ghcr.io/team/app",
            "a b",
            "https://x.example/y",
            "3rd-party!",
            "größe",
            "a#b",
            "it's",
            "localhost:5000/app",
        ] {
            assert!(is_plain_safe(text), "{text:?}");
        }
    }

    #[test]
    fn what_would_break_a_plain_scalar_is_seen() {
        for text in [
            "a: b",
            "a #b",
            "#a",
            "*a",
            "&a",
            "!a",
            "{a",
            "[a",
            "a,b",
            "a]",
            "- a",
            "? a",
            "@a",
            "`a",
            "%a",
            "'a",
            "\"a",
            "| a",
            "> a",
            " a",
            "a ",
            "a:",
            "a\nb",
            "a\tb",
            "a\u{7f}b",
            "a\u{2028}b",
            "...",
            "---",
        ] {
            assert!(!is_plain_safe(text), "{text:?}");
        }
    }

    #[test]
    fn quoted_text_reads_back() {
        for text in [
            "a\"b\\c",
            "it's",
            "a\nb\r\n\tc",
            "\u{1b}[31m",
            "\u{85}\u{2028}\u{feff}",
            "größe 𝄞",
            "",
        ] {
            let read = |yaml: String| {
                let root = super::super::parse(&format!("k: {yaml}\n"))
                    .unwrap()
                    .root
                    .unwrap();
                root.get("k").unwrap().string().map(str::to_owned)
            };
            assert_eq!(read(double_quoted(text)).as_deref(), Some(text));
            if let Some(single) = escape_single(text) {
                assert_eq!(read(format!("'{single}'")).as_deref(), Some(text));
            }
        }
        assert_eq!(escape_single("a\nb"), None);
    }
}
