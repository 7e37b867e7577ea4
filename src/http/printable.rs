//! Text from outside, made safe for an error message.

/// The most of a foreign text that an error repeats, in characters.
const LIMIT: usize = 400;

/// A server's or a file's text for an error: one bounded line without control and direction characters.
pub(crate) fn printable(text: &str) -> String {
    let is_inert = |c: char| {
        !c.is_control()
            && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let shown = text.chars().take(LIMIT).map(|c| {
        if is_inert(c) {
            c.to_string()
        } else {
            c.escape_default().to_string()
        }
    });
    let end = if text.chars().nth(LIMIT).is_some() {
        "…"
    } else {
        ""
    };
    shown.chain([end.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_bounded_and_inert() {
        let shown = printable(&format!("\u{1b}[31mred\n\u{202e}{}", "x".repeat(1000)));
        assert!(shown.starts_with("\\u{1b}[31mred\\n\\u{202e}x"), "{shown}");
        assert!(shown.chars().count() < LIMIT + 20);
        assert!(shown.ends_with('…'));
        assert_eq!(printable("fine – ünïcode"), "fine – ünïcode");
    }
}
