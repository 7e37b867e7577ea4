//! JSON as text that stays data wherever it is pasted.

use serde::Serialize;

use crate::output::text;

/// Indented JSON, in which `'`, `` ` ``, `$`, `<`, `>`, `&` and whatever could steer a terminal are written `\uXXXX`: pasted
/// into a shell line or a page it stays data, and on a terminal it shows what it says. `##` loses its looks too: with it begin
/// the commands that Azure Pipelines finds anywhere in a line.
#[allow(clippy::expect_used, reason = "views are plain data")]
pub(super) fn render(view: &impl Serialize) -> String {
    // The view types hold strings, numbers and maps with string keys: writing them to memory cannot fail.
    let json = serde_json::to_string_pretty(view).expect("views are plain data");
    let mut out = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        match c {
            // The line breaks of the indentation: those inside strings are escaped by now.
            '\n' => out.push(c),
            '\'' | '`' | '$' | '<' | '>' | '&' => out.push_str(&escaped(c)),
            _ if text::is_unsafe(c) => out.push_str(&escaped(c)),
            _ => out.push(c),
        }
    }
    out.push('\n');
    out.replace("##", r"#\u0023")
}

/// A character of Unicode's basic plane, where all are that need this, as JSON's escape.
fn escaped(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use bstr::ByteSlice;

    use super::{
        super::parts::{Bytes, OptionalBytes},
        *,
    };

    #[derive(Serialize)]
    struct View<'a> {
        #[serde(flatten)]
        path: Bytes<'a>,
        #[serde(flatten)]
        url: OptionalBytes<'a>,
    }

    #[test]
    fn bytes_survive_and_stay_data() {
        let path = Bytes(
            "path",
            b"a\xff $(x)'`<&>\x1b\x7f\xe2\x80\xae##vso[".as_bstr(),
        );
        let out = render(&View {
            path,
            url: OptionalBytes("url", None),
        });
        for raw in [
            "$", "'", "`", "<", ">", "&", "\u{1b}", "\u{7f}", "\u{202e}", "##",
        ] {
            assert!(!out.contains(raw), "{raw:?} in {out}");
        }
        let read: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            read["path"],
            "a\u{fffd} $(x)'`<&>\u{1b}\u{7f}\u{202e}##vso["
        );
        assert_eq!(read["path_b64"], "Yf8gJCh4KSdgPCY+G3/igK4jI3Zzb1s=");
        assert_eq!(read["url"], serde_json::Value::Null);
    }
}
