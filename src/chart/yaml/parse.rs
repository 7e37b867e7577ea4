//! A YAML file read into a tree.

use std::{collections::HashSet, ops::Range};

use granit_parser::{
    Event, Marker, Parser, ScalarStyle, Span, StrInput, StructureStyle, Tag, options,
};

use super::{
    node::{Kind, Node, NodeTag, YamlDocument, YamlFault},
    scalar::MERGE_KEY,
};

/// Reads a file of at most one document.
///
/// # Errors
/// What the parser found wrong, a second document, a key that stands twice in one mapping, an alias inside of what it refers
/// to. Depth is limited by the parser (255 levels of block and of flow collections), aliases are not expanded.
pub(crate) fn parse(source: &str) -> Result<YamlDocument, YamlFault> {
    check_line_breaks(source)?;
    let options = options! {
        emit_comments: false,
        // As Helm's parser reads it: such a scalar changes when anything is added below it.
        block_scalar_eof_without_line_feed: true,
    };
    let mut reader = NodeReader {
        source,
        parser: Parser::new_from_str_with_options(source, options),
        open_anchors: Vec::new(),
    };
    let mut document = YamlDocument {
        root: None,
        end: source.len(),
    };
    while let Some(event) = reader.parser.next_event() {
        match event? {
            (Event::DocumentStart(..), span) if document.root.is_some() => {
                let what = "a second document starts here, and flota can edit only one";
                return Err(YamlFault::at(span.start, what));
            }
            (Event::DocumentStart(..), _) => document.root = Some(reader.node()?),
            (Event::DocumentEnd, span) if !span.is_empty() => {
                document.end = reader.bytes(&span)?.start;
            }
            _ => {}
        }
    }
    Ok(document)
}

/// Refuses the characters that end a line in YAML 1.1, which Helm's parser reads, and do not in YAML 1.2: behind one of
/// them keys could be hidden from one of the two.
fn check_line_breaks(source: &str) -> Result<(), YamlFault> {
    let Some(at) = source.find(['\u{85}', '\u{2028}', '\u{2029}']) else {
        return Ok(());
    };
    let before = &source[..at];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Err(YamlFault {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        what: "there is a Unicode line break here, which not every YAML parser reads as one; in double quotes it can be \\N, \\L or \\P".into(),
    })
}

/// Turns the parser's events into nodes.
struct NodeReader<'s> {
    source: &'s str,
    parser: Parser<'s, StrInput<'s>>,
    /// Of the collections that have begun and not ended.
    open_anchors: Vec<usize>,
}

impl NodeReader<'_> {
    fn node(&mut self) -> Result<Node, YamlFault> {
        let Some(event) = self.parser.next_event() else {
            return Err(YamlFault::at(
                Marker::new(0, 1, 0),
                "the document ends too early",
            ));
        };
        let (event, span) = event?;
        let anchor = event.anchor_id().unwrap_or(0);
        let tag = event.tag().map(tag_of);
        let kind = match event {
            Event::Scalar(text, style, ..) => scalar_kind(&text, style, &span),
            // Refused as Helm refuses it: whoever follows such an alias never ends.
            Event::Alias(anchor) if self.open_anchors.contains(&anchor) => {
                return Err(YamlFault::at(
                    span.start,
                    "this alias stands inside the value that it refers to",
                ));
            }
            Event::Alias(anchor) => Kind::Alias(anchor),
            Event::SequenceStart(..) => Kind::Sequence(self.inside(anchor, Self::items)?),
            Event::MappingStart(style, ..) => Kind::Mapping {
                entries: self.inside(anchor, Self::entries)?,
                flow: style == StructureStyle::Flow,
            },
            _ => return Err(YamlFault::at(span.start, "a value is missing here")),
        };
        Ok(Node {
            kind,
            span: self.bytes(&span)?,
            line: span.start.line(),
            column: span.start.col() + 1,
            anchor,
            tag,
            edited: false,
        })
    }

    /// What `read` finds in the collection that has this anchor.
    fn inside<T>(
        &mut self,
        anchor: usize,
        read: impl FnOnce(&mut Self) -> Result<T, YamlFault>,
    ) -> Result<T, YamlFault> {
        self.open_anchors.push(anchor);
        let found = read(self);
        self.open_anchors.pop();
        found
    }

    fn items(&mut self) -> Result<Vec<Node>, YamlFault> {
        let mut items = Vec::new();
        while !self.ends_with(&Event::SequenceEnd)? {
            items.push(self.node()?);
        }
        Ok(items)
    }

    fn entries(&mut self) -> Result<Vec<(Node, Node)>, YamlFault> {
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        while !self.ends_with(&Event::MappingEnd)? {
            let key = self.node()?;
            let text = key.text().filter(|text| *text != MERGE_KEY);
            if text.is_some_and(|text| !seen.insert(text.to_owned())) {
                let text = key.text().unwrap_or_default();
                return Err(key.fault(format!("the key `{text}` appears twice in this mapping")));
            }
            entries.push((key, self.node()?));
        }
        Ok(entries)
    }

    /// Whether the collection ends here; if so, its end is taken.
    fn ends_with(&mut self, end: &Event<'_>) -> Result<bool, YamlFault> {
        let ends = match self.parser.peek() {
            Some(event) => event?.0 == *end,
            None => false,
        };
        if ends {
            self.parser.next_event();
        }
        Ok(ends)
    }

    /// The bytes of a span, which can be cut out of the source.
    fn bytes(&self, span: &Span) -> Result<Range<usize>, YamlFault> {
        let range = span.byte_range();
        range
            .filter(|range| self.source.get(range.clone()).is_some())
            .ok_or_else(|| YamlFault::at(span.start, "the parser cannot tell where this is"))
    }
}

fn scalar_kind(text: &str, style: ScalarStyle, span: &Span) -> Kind {
    // The parser calls a plain scalar that is not there `~`.
    let absent = style == ScalarStyle::Plain && span.is_empty();
    Kind::Scalar {
        text: if absent { String::new() } else { text.into() },
        style,
        indent: span.indent.unwrap_or(0),
    }
}

fn tag_of(tag: &Tag) -> NodeTag {
    if tag.is_yaml_core_schema_tag("str") || tag.original_parts() == ("!", "") {
        NodeTag::Str
    } else {
        NodeTag::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(source: &str) -> Node {
        parse(source).unwrap().root.unwrap()
    }

    #[test]
    fn spans_are_bytes_also_after_text_that_is_not_ascii_and_a_byte_order_mark() {
        let source = "\u{feff}# größe 𝄞\nключ: \"ü\" # é\nname: 'a''b'\n";
        let root = root(source);
        assert_eq!(&source[root.get("ключ").unwrap().span.clone()], "\"ü\"");
        assert_eq!(&source[root.get("name").unwrap().span.clone()], "'a''b'");
        assert_eq!(root.get("name").unwrap().text(), Some("a'b"));
        assert_eq!(
            (
                root.get("ключ").unwrap().line,
                root.get("ключ").unwrap().column
            ),
            (2, 7)
        );
    }

    #[test]
    fn an_alias_inside_of_what_it_refers_to_is_refused_and_one_behind_it_is_not() {
        for (source, line, column) in [
            ("a: &a\n  b: *a\n", 2, 6),
            ("&a\nb: [{c: *a}]\n", 2, 9),
            ("a: &a [&b [*a]]\n", 1, 12),
            ("a: &a\n  ? *a\n  : b\n", 2, 5),
            ("a: &a [b]\nc: &a [*a]\n", 2, 8),
        ] {
            let fault = parse(source).unwrap_err();
            assert_eq!((fault.line, fault.column), (line, column), "{source}");
            assert!(fault.what.contains("inside the value"), "{}", fault.what);
        }
        for source in [
            "a: &a [b]\nc: *a\n",
            "a: &a b\nc: &c {d: *a}\n",
            "a: &a [&b c, *b]\n",
        ] {
            parse(source).unwrap();
        }
    }

    #[test]
    fn a_missing_value_is_null_and_has_no_text() {
        let root = root("a:\nb: ~\nc: null\nd: 'null'\ne: \"\"\n");
        let null = |key: &str| root.get(key).unwrap().is_null();
        assert!(null("a") && null("b") && null("c"));
        assert!(!null("d") && !null("e"));
        assert_eq!(root.get("a").unwrap().text(), Some(""));
    }

    #[test]
    fn faults_name_the_place() {
        let fault = |source: &str| parse(source).unwrap_err().to_string();
        assert_eq!(
            fault("a: 1\nb: 2\na: 3\n"),
            "3:1: the key `a` appears twice in this mapping"
        );
        assert_eq!(
            fault("a: 1\n---\nb: 2\n"),
            "2:1: a second document starts here, and flota can edit only one"
        );
        assert!(fault("a: 1\nimage:\n\ttag: x\n").starts_with("3:2: tabs"));
        assert!(fault("a: *nowhere\n").starts_with("1:4: "));
        assert!(fault(&"[".repeat(1000)).starts_with("1:256: "));
    }

    #[test]
    fn line_breaks_of_one_yaml_version_only_are_refused() {
        for (c, escape) in [('\u{85}', "\\N"), ('\u{2028}', "\\L"), ('\u{2029}', "\\P")] {
            let fault = parse(&format!("image:\n  ü: a # {c}  tag: b\n")).unwrap_err();
            assert_eq!((fault.line, fault.column), (2, 10));
            let root = root(&format!("a: \"{escape}\""));
            assert_eq!(root.get("a").unwrap().text(), Some(&*c.to_string()));
        }
    }

    #[test]
    fn several_merge_keys_are_no_duplicate() {
        assert!(parse("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n").is_ok());
    }

    #[test]
    fn the_document_ends_before_its_end_marker() {
        assert_eq!(parse("a: b\n...\n").unwrap().end, 5);
        assert_eq!(parse("a: b\n").unwrap().end, 5);
        assert!(parse("# nothing\n").unwrap().root.is_none());
    }
}
