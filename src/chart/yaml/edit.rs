//! Edits of a YAML text by byte ranges: nothing but the touched scalars changes.

use std::ops::Range;

use granit_parser::ScalarStyle;

use super::{
    compare::{compare, misread},
    new_value::{NewValue, nested, node},
    node::{Kind, Node, NodeTag, YamlDocument, YamlFault},
    parse::parse,
    scalar,
};

/// How a scalar that is set gets written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// As the scalar it replaces, as far as the new text allows.
    Keep,
    /// As the scalar it replaces, but never plain: the text must stay a string for every reader.
    Always,
}

/// Collects replacements of byte ranges while the tree is changed in step.
#[derive(Debug)]
pub(crate) struct Editor<'s> {
    source: &'s str,
    line_ending: &'static str,
    edits: Vec<(Range<usize>, String)>,
}

impl<'s> Editor<'s> {
    /// An editor of this text, whose first line tells the line ending.
    pub(crate) fn new(source: &'s str) -> Self {
        let crlf = source
            .find('\n')
            .is_some_and(|at| source[..at].ends_with('\r'));
        Self {
            source,
            line_ending: if crlf { "\r\n" } else { "\n" },
            edits: Vec::new(),
        }
    }

    /// The file's line ending.
    pub(crate) fn line_ending(&self) -> &'static str {
        self.line_ending
    }

    /// The source text of a node.
    pub(crate) fn raw(&self, node: &Node) -> &'s str {
        &self.source[node.span.clone()]
    }

    /// Replaces a node's own bytes; `text` and `style` are what it then reads as.
    pub(crate) fn replace(
        &mut self,
        node: &mut Node,
        raw: String,
        text: String,
        style: ScalarStyle,
    ) {
        self.edits.push((node.span.clone(), raw));
        become_scalar(node, text, style);
    }

    /// Sets the value that belongs to `key` to a string.
    ///
    /// # Errors
    /// A value that is a list, a mapping, a block scalar, or has a tag that makes it something other than a string.
    pub(crate) fn set(
        &mut self,
        key: &Node,
        value: &mut Node,
        text: &str,
        quoting: Quoting,
    ) -> Result<(), YamlFault> {
        let style = match &value.kind {
            _ if value.tag == Some(NodeTag::Other) => {
                return Err(value.fault("a value with a tag cannot be set; remove the tag"));
            }
            Kind::Scalar { style, .. } if is_block(*style) => {
                return Err(value.fault(
                    "a block scalar cannot be set; write the value on the line of its key",
                ));
            }
            Kind::Scalar { style, .. } => *style,
            Kind::Alias(_) => ScalarStyle::Plain,
            Kind::Sequence(_) => {
                return Err(value.fault("expected a string here, found a list"));
            }
            Kind::Mapping { .. } => {
                return Err(value.fault("expected a string here, found a mapping"));
            }
        };
        let (raw, style) = write(text, style, quoting);
        if value.span.is_empty() {
            self.set_absent(key, value, &raw)?;
            become_scalar(value, text.into(), style);
        } else {
            self.replace(value, raw, text.into(), style);
        }
        value.edited = true;
        Ok(())
    }

    /// Replaces a null by a value that is new.
    ///
    /// # Errors
    /// A null whose place cannot be found.
    pub(crate) fn set_null(
        &mut self,
        key: &Node,
        value: &mut Node,
        new: NewValue,
    ) -> Result<(), YamlFault> {
        if value.span.is_empty() {
            self.set_absent(key, value, &new.raw)?;
        } else {
            self.edits.push((value.span.clone(), new.raw));
        }
        value.kind = new.kind;
        value.edited = true;
        Ok(())
    }

    /// Writes a value where an alias stands, so that it is the alias of nothing.
    pub(crate) fn replace_alias(&mut self, alias: &mut Node, new: NewValue) {
        self.edits.push((alias.span.clone(), new.raw));
        alias.kind = new.kind;
        alias.edited = true;
    }

    /// Adds entries right behind the entry of `after`, in the mapping's own style and indentation.
    ///
    /// # Errors
    /// An indentation that is not made of spaces, or a value of `after` that does not end on its line.
    pub(crate) fn insert_after(
        &mut self,
        map: &mut Node,
        after: &str,
        new: Vec<(&str, NewValue)>,
    ) -> Result<(), YamlFault> {
        let no_entry = map.fault(format!("`{after}` is not an entry of this mapping"));
        let Kind::Mapping { entries, flow } = &mut map.kind else {
            return Err(no_entry);
        };
        let Some(index) = entries
            .iter()
            .position(|(key, _)| key.text() == Some(after))
        else {
            return Err(no_entry);
        };
        let (key, value) = &entries[index];
        let end = self.end_on_line(key, value)?;
        if *flow {
            let added = new
                .iter()
                .map(|(key, new)| format!(", {}: {}", scalar::key(key), new.raw));
            self.insert(end, added.collect());
        } else {
            let indent = self.indentation(key)?;
            self.insert_lines(end, indent, &new);
        }
        entries.splice(
            index + 1..index + 1,
            new.into_iter().map(NewValue::into_entry),
        );
        Ok(())
    }

    /// Adds entries at the start of a mapping: the value of `owner`, or the root where there is none.
    ///
    /// # Errors
    /// An indentation that is not made of spaces, or a place that cannot be found: below an owner the lines begin
    /// right after the owner's, so a root without one has to be a flow mapping.
    pub(crate) fn insert_first(
        &mut self,
        owner: Option<&Node>,
        map: &mut Node,
        new: Vec<(&str, NewValue)>,
    ) -> Result<(), YamlFault> {
        let no_place = map.fault("nothing can be added to a mapping written like this");
        let Kind::Mapping { entries, flow } = &mut map.kind else {
            return Err(no_place);
        };
        match (entries.first(), owner) {
            (first, _) if *flow => {
                let separator = if first.is_some() { ", " } else { "" };
                let added: Vec<_> = new
                    .iter()
                    .map(|(key, new)| format!("{}: {}", scalar::key(key), new.raw))
                    .collect();
                self.insert(map.span.start + 1, added.join(", ") + separator);
            }
            (Some((first, _)), Some(owner)) => {
                let indent = self.indentation(first)?;
                self.insert_lines(self.after_colon(owner)?, indent, &new);
            }
            _ => return Err(no_place),
        }
        entries.splice(0..0, new.into_iter().map(NewValue::into_entry));
        Ok(())
    }

    /// Adds strings below the keys of `path`, each a line of its own, at the end of the document, whose root is a block mapping
    /// or nothing.
    ///
    /// # Errors
    /// A root whose indentation is not made of spaces.
    pub(crate) fn append(
        &mut self,
        document: &mut YamlDocument,
        path: &[&str],
        strings: &[(&str, &str)],
    ) -> Result<(), YamlFault> {
        let first = document
            .root
            .as_ref()
            .and_then(|root| root.entries().first());
        let mut indent = match first {
            Some((first, _)) => self.indentation(first)?.to_owned(),
            None => String::new(),
        };
        let mut lines = Vec::new();
        for key in path {
            lines.push(format!("{indent}{}:", scalar::key(key)));
            indent.push_str("  ");
        }
        for (key, text) in strings {
            let text = scalar::double_quoted(text);
            lines.push(format!("{indent}{}: {text}", scalar::key(key)));
        }
        let mut lines = lines.join(self.line_ending);
        // A file keeps its final newline, or the lack of one.
        let before = &self.source[..document.end];
        if before.ends_with('\n') || before.is_empty() {
            lines.push_str(self.line_ending);
        } else {
            lines.insert_str(0, self.line_ending);
        }
        self.insert(document.end, lines);
        let Kind::Mapping { entries: added, .. } = nested(path, strings, false) else {
            return Ok(());
        };
        match &mut document.root {
            Some(Node {
                kind: Kind::Mapping { entries, .. },
                ..
            }) => entries.extend(added),
            root => {
                *root = Some(node(Kind::Mapping {
                    entries: added,
                    flow: false,
                }));
            }
        }
        Ok(())
    }

    /// The edited text.
    ///
    /// # Errors
    /// When it does not read back as `expected`, the tree that was changed in step with the edits: nothing that differs
    /// from what was meant leaves this module.
    pub(crate) fn finish(mut self, expected: Option<&Node>) -> Result<String, YamlFault> {
        self.edits.sort_by_key(|(range, _)| range.start);
        let mut text = String::with_capacity(self.source.len());
        let mut at = 0;
        for (range, new) in &self.edits {
            text.push_str(self.source.get(at..range.start).unwrap_or_default());
            text.push_str(new);
            at = range.end;
        }
        text.push_str(&self.source[at..]);
        let read = parse(&text).map_err(|fault| YamlFault {
            what: format!("after the edit: {}", fault.what),
            ..fault
        })?;
        match (read.root.as_ref(), expected) {
            (Some(read), Some(expected)) => compare(expected, read)?,
            (None, None) => {}
            _ => return Err(misread(1, 1)),
        }
        Ok(text)
    }

    fn insert(&mut self, at: usize, text: String) {
        self.edits.push((at..at, text));
    }

    /// Adds lines below the line that holds the byte `at`.
    fn insert_lines(&mut self, at: usize, indent: &str, new: &[(&str, NewValue)]) {
        let lines = new.iter().map(|(key, new)| {
            format!(
                "{}{indent}{}: {}",
                self.line_ending,
                scalar::key(key),
                new.raw
            )
        });
        self.insert(self.line_end(at), lines.collect());
    }

    /// Where an entry ends, if that is on the line it is read from: not behind block scalars and collections.
    fn end_on_line(&self, key: &Node, value: &Node) -> Result<usize, YamlFault> {
        match &value.kind {
            _ if value.span.is_empty() => self.after_colon(key),
            Kind::Scalar { style, .. } if !is_block(*style) => Ok(value.span.end),
            Kind::Alias(_) => Ok(value.span.end),
            _ => Err(value
                .fault("nothing can be added after this value; write it on the line of its key")),
        }
    }

    fn set_absent(&mut self, key: &Node, value: &Node, raw: &str) -> Result<(), YamlFault> {
        if value.anchor != 0 || value.tag.is_some() {
            return Err(value.fault("an empty value with an anchor or a tag cannot be set"));
        }
        let at = self.after_colon(key)?;
        self.insert(at, format!(" {raw}"));
        Ok(())
    }

    /// The byte behind the colon that follows a key.
    fn after_colon(&self, key: &Node) -> Result<usize, YamlFault> {
        let rest = &self.source[key.span.end..];
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if rest[blanks..].starts_with(':') {
            Ok(key.span.end + blanks + 1)
        } else {
            Err(key.fault("this key has no colon after it"))
        }
    }

    /// The end of the line that holds this byte, before its line ending.
    fn line_end(&self, at: usize) -> usize {
        let rest = &self.source[at..];
        let line = rest.split('\n').next().unwrap_or_default();
        at + line.strip_suffix('\r').unwrap_or(line).len()
    }

    /// What stands before a key on its line: spaces, else nothing can be added in its column.
    fn indentation(&self, key: &Node) -> Result<&'s str, YamlFault> {
        let before = &self.source[..key.span.start];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let indent = before[start..].trim_start_matches('\u{feff}');
        if indent.chars().all(|c| c == ' ') && key.anchor == 0 && key.tag.is_none() {
            Ok(indent)
        } else {
            Err(key.fault("nothing can be added beside a key that does not start its line"))
        }
    }
}

fn become_scalar(node: &mut Node, text: String, style: ScalarStyle) {
    node.kind = Kind::Scalar {
        text,
        style,
        indent: 0,
    };
}

fn is_block(style: ScalarStyle) -> bool {
    matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
}

fn write(text: &str, style: ScalarStyle, quoting: Quoting) -> (String, ScalarStyle) {
    match (style, scalar::escape_single(text)) {
        (ScalarStyle::Plain, _) if quoting == Quoting::Keep && scalar::is_plain_safe(text) => {
            (text.into(), style)
        }
        (ScalarStyle::SingleQuoted, Some(escaped)) => (format!("'{escaped}'"), style),
        _ => (scalar::double_quoted(text), ScalarStyle::DoubleQuoted),
    }
}

#[cfg(test)]
mod tests;
