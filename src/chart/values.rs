//! `values.yaml`: tokens are filled and the image's coordinates set, and nothing else changes.

use granit_parser::ScalarStyle;

use super::{
    request::ImageCoordinates,
    tokens::{Tokens, occurrences},
    yaml::{
        self, Kind, NewValue, Node, YamlDocument, YamlFault,
        edit::{Editor, Quoting},
        scalar::{self, MERGE_KEY},
    },
};
use crate::model::settings::TokenValue;

/// The keys of an `image` mapping that say where the image is, in the order in which they are written.
const REGISTRY: &str = "registry";
const REPOSITORY: &str = "repository";
const TAG: &str = "tag";
const DIGEST: &str = "digest";

/// A token that nothing fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unfilled {
    /// Its name, without `XX_` and `_XX`.
    pub name: String,
    /// The line it stands on, from 1.
    pub line: usize,
}

/// Why `values.yaml` cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ValuesRefusal {
    /// One place is wrong.
    Yaml(YamlFault),
    /// Tokens without a value, all of them, in the file's order.
    Unfilled(Vec<Unfilled>),
}

impl From<YamlFault> for ValuesRefusal {
    fn from(fault: YamlFault) -> Self {
        Self::Yaml(fault)
    }
}

/// Fills the text of a `values.yaml`; an empty one for a chart that has none.
///
/// # Errors
/// See [`ValuesRefusal`].
pub(super) fn fill(
    source: &str,
    image: Option<&ImageCoordinates>,
    tokens: &Tokens,
) -> Result<String, ValuesRefusal> {
    let mut document = yaml::parse(source)?;
    let mut editor = Editor::new(source);
    // First, because tokens in what is overwritten need no value.
    if let Some(image) = image {
        set_image(&mut editor, &mut document, image)?;
    }
    if let Some(root) = &mut document.root {
        fill_tokens(&mut editor, source, root, tokens)?;
    }
    Ok(editor.finish(document.root.as_ref())?)
}

/// Sets the image's coordinates in the form in which the chart has them:
/// - a mapping: `registry` and `repository` apart if it has a `registry`, else `repository` with the registry in it;
///   `tag`; `digest` if it is known, else an old one is emptied, because it belongs to another image;
/// - a string: the whole reference, `registry/repository:tag@digest`;
/// - null or nothing: a mapping is made.
fn set_image(
    editor: &mut Editor<'_>,
    document: &mut YamlDocument,
    image: &ImageCoordinates,
) -> Result<(), YamlFault> {
    let joined = image.name();
    let mut strings = vec![(REPOSITORY, joined.as_str()), (TAG, image.tag.as_str())];
    strings.extend(image.digest.as_deref().map(|digest| (DIGEST, digest)));

    let Some(root) = document
        .root
        .as_mut()
        .filter(|root| !root.span.is_empty() || !root.is_null())
    else {
        return editor.append(document, "image", &strings);
    };
    let Kind::Mapping { flow, .. } = root.kind else {
        return Err(root.fault("the values of a chart must be a mapping, and this is not one"));
    };
    check_merges(root)?;
    match root.entry_mut("image") {
        Some((key, value)) if value.is_null() => {
            editor.set_null(key, value, NewValue::flow_mapping(&strings))
        }
        Some((key, value)) => match &value.kind {
            Kind::Mapping { .. } => set_image_mapping(editor, key, value, image),
            Kind::Scalar { .. } => editor.set(key, value, &image.reference(), Quoting::Keep),
            Kind::Sequence(_) => Err(value.fault("`image` is a list, where a mapping or a string is expected")),
            Kind::Alias(_) => Err(value.fault(
                "`image` is an alias and cannot be set without changing what it refers to; write the mapping in full",
            )),
        },
        None if flow => {
            let new = vec![("image", NewValue::flow_mapping(&strings))];
            editor.insert_first(None, root, new)
        }
        None => editor.append(document, "image", &strings),
    }
}

fn set_image_mapping(
    editor: &mut Editor<'_>,
    key: &Node,
    map: &mut Node,
    image: &ImageCoordinates,
) -> Result<(), YamlFault> {
    let split = map.get(REGISTRY).is_some();
    let (registry, repository) = if split {
        image.split_name()
    } else {
        (String::new(), image.name())
    };
    // An old digest would still name the old image.
    let stale = map.get(DIGEST).is_some_and(|digest| !digest.is_null());
    let digest = image.digest.as_deref().or(stale.then_some(""));
    let wanted = [
        (REGISTRY, split.then_some(registry.as_str()), Quoting::Keep),
        (REPOSITORY, Some(repository.as_str()), Quoting::Keep),
        (TAG, Some(image.tag.as_str()), Quoting::Always),
        (DIGEST, digest, Quoting::Always),
    ];
    let mut missing = Vec::new();
    let mut last = None;
    for (name, text, quoting) in wanted {
        let Some(text) = text else { continue };
        match map.entry_mut(name) {
            Some((key, value)) => {
                editor.set(key, value, text, quoting)?;
                if name != DIGEST {
                    last = Some(name);
                }
            }
            None => missing.push((name, NewValue::string(text))),
        }
    }
    match last {
        _ if missing.is_empty() => Ok(()),
        Some(last) => editor.insert_after(map, last, missing),
        None => editor.insert_first(Some(key), map, missing),
    }
}

/// Refuses merges that make the written mapping differ from the one a template sees.
fn check_merges(root: &Node) -> Result<(), YamlFault> {
    let Some(image) = root.get("image") else {
        return match root.get(MERGE_KEY) {
            Some(merge) => Err(merge.fault(
                "`image` may come from this merge; write it in full, so that it can be set",
            )),
            None => Ok(()),
        };
    };
    if let Some(merge) = image.get(MERGE_KEY) {
        return Err(merge.fault(
            "`image` merges another mapping; write its keys in full, so that they can be set",
        ));
    }
    if image.anchor == 0 {
        return Ok(());
    }
    let mut merged = None;
    root.walk(&mut |node| {
        if let Some(merge) = node.get(MERGE_KEY) {
            merge.walk(&mut |part| {
                if matches!(part.kind, Kind::Alias(anchor) if anchor == image.anchor) {
                    merged = Some(part);
                }
            });
        }
    });
    match merged {
        Some(part) => Err(part.fault("the `image` mapping is merged here and would set a wrong image; write the keys in full")),
        None => Ok(()),
    }
}

/// Fills the tokens of every scalar that no edit has set.
fn fill_tokens(
    editor: &mut Editor<'_>,
    source: &str,
    root: &mut Node,
    tokens: &Tokens,
) -> Result<(), ValuesRefusal> {
    let mut unfilled = Vec::new();
    root.walk_scalars_mut(&mut |node| {
        if node.edited {
            return Ok(());
        }
        let missing = missing_tokens(editor.raw(node), tokens).map(|(at, name)| Unfilled {
            line: line_of(source, node.span.start + at),
            name: name.into(),
        });
        let before = unfilled.len();
        unfilled.extend(missing);
        if unfilled.len() > before {
            return Ok(());
        }
        fill_scalar(editor, node, tokens)
    })?;
    if unfilled.is_empty() {
        Ok(())
    } else {
        Err(ValuesRefusal::Unfilled(unfilled))
    }
}

fn missing_tokens<'t>(raw: &'t str, tokens: &Tokens) -> impl Iterator<Item = (usize, &'t str)> {
    occurrences(raw)
        .filter_map(|(range, name)| tokens.get(name).is_none().then_some((range.start, name)))
}

fn fill_scalar(editor: &mut Editor<'_>, node: &mut Node, tokens: &Tokens) -> Result<(), YamlFault> {
    let raw = editor.raw(node);
    let Some((range, name)) = occurrences(raw).next() else {
        return Ok(());
    };
    let (
        Kind::Scalar {
            text,
            style,
            indent,
        },
        None | Some(yaml::NodeTag::Str),
    ) = (&node.kind, node.tag)
    else {
        return Err(node.fault("a token in a value with a tag cannot be filled; remove the tag"));
    };
    let (style, indent) = (*style, *indent);
    let text = tokens.fill(text, str::to_owned);
    let whole = style == ScalarStyle::Plain && range.len() == raw.len() && node.tag.is_none();
    if whole && !matches!(tokens.get(name), None | Some(TokenValue::String(_))) {
        editor.replace(node, text.clone(), text, ScalarStyle::Plain);
        return Ok(());
    }
    let filled = match style {
        ScalarStyle::Plain if scalar::is_plain_safe(&text) => Some(tokens.fill(raw, str::to_owned)),
        ScalarStyle::Plain => None,
        ScalarStyle::SingleQuoted => scalar::escape_single(&text)
            .map(|_| tokens.fill(raw, |value| value.replace('\'', "''"))),
        ScalarStyle::DoubleQuoted => Some(tokens.fill(raw, scalar::escape_double)),
        ScalarStyle::Literal | ScalarStyle::Folded => {
            let line_break = format!("{}{}", editor.line_ending(), " ".repeat(indent));
            Some(tokens.fill(raw, |value| value.replace('\n', &line_break)))
        }
    };
    match filled {
        Some(raw) => editor.replace(node, raw, text, style),
        None => {
            let raw = scalar::double_quoted(&text);
            editor.replace(node, raw, text, ScalarStyle::DoubleQuoted);
        }
    }
    Ok(())
}

fn line_of(source: &str, at: usize) -> usize {
    source[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill_with(source: &str, digest: Option<&str>) -> Result<String, ValuesRefusal> {
        let image = ImageCoordinates {
            repository: "new".into(),
            tag: "1".into(),
            digest: digest.map(str::to_owned),
            ..Default::default()
        };
        let tokens = [("A".to_owned(), TokenValue::Integer(3))]
            .into_iter()
            .collect();
        fill(source, Some(&image), &tokens)
    }

    #[test]
    fn tokens_in_what_is_overwritten_need_no_value() {
        assert_eq!(
            fill_with(
                "image: {repository: XX_X_XX, tag: XX_Y_XX}\na: XX_A_XX\n",
                None
            )
            .unwrap(),
            "image: {repository: new, tag: \"1\"}\na: 3\n"
        );
    }

    #[test]
    fn every_unfilled_token_is_named_with_its_line() {
        let source = "image: {tag: XX_X_XX, policy: XX_Y_XX}\n# XX_C_XX\nb: >\n  x\n\n  XX_Z_XX XX_A_XX XX_Y_XX\nXX_K_XX: 1\n";
        let Err(ValuesRefusal::Unfilled(tokens)) = fill_with(source, None) else {
            panic!("it was filled");
        };
        let named: Vec<_> = tokens
            .iter()
            .map(|token| (token.line, token.name.as_str()))
            .collect();
        assert_eq!(named, [(1, "Y"), (6, "Z"), (6, "Y"), (7, "K")]);
    }

    #[test]
    fn a_digest_is_never_that_of_another_image() {
        let image = |digest: &str| format!("image:\n  repository: new\n  tag: \"1\"\n{digest}");
        let old = image("  digest: sha256:old\n");
        assert_eq!(fill_with(&old, None).unwrap(), image("  digest: \"\"\n"));
        assert_eq!(
            fill_with(&old, Some("sha256:new")).unwrap(),
            image("  digest: \"sha256:new\"\n")
        );
        assert_eq!(
            fill_with(&image(""), Some("sha256:new")).unwrap(),
            image("  digest: \"sha256:new\"\n")
        );
        for unset in [
            image(""),
            image("  digest:\n"),
            image("  digest: ~\n"),
            image("  digest: \"\"\n"),
        ] {
            assert_eq!(fill_with(&unset, None).unwrap(), unset);
        }
    }
}
