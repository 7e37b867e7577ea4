//! Text from outside, made harmless for a terminal.

use bstr::{BStr, ByteSlice};

/// Replaces whatever could steer a terminal or reorder a line: C0 and C1 controls but newline and tab, DEL, and Unicode's
/// bidirectional controls (CVE-2021-42574, CVE-2024-52005).
pub fn escape(text: &str) -> String {
    escape_if(text, |c| c != '\n' && c != '\t')
}

/// The same for text that must stay on one line: newlines and tabs are escaped too.
pub fn line(text: &str) -> String {
    escape_if(text, |_| true)
}

/// A path or a name for people: lossy where it is not UTF-8, and on one line.
pub fn name(bytes: &BStr) -> String {
    line(&bytes.to_str_lossy())
}

fn escape_if(text: &str, also: impl Fn(char) -> bool) -> String {
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

/// Whether a character could steer a terminal or reorder a line.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            escape("a\x1b[31mb\u{9b}c\u{202e}d\ne"),
            "a\\u{1b}[31mb\\u{9b}c\\u{202e}d\ne"
        );
        assert_eq!(line("a\nb\r"), "a\\nb\\r");
        assert_eq!(name(b"caf\xc3\xa9 \xff".as_bstr()), "café \u{fffd}");
    }
}
