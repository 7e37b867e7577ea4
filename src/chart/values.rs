//! `values.yaml`: tokens are filled and the image's coordinates set, and nothing else changes.

use granit_parser::ScalarStyle;

use super::{
    set_image::{ImagePlace, set_image},
    tokens::{Tokens, occurrences},
    unshare::Anchors,
    yaml::{self, Kind, Node, YamlFault, edit::Editor, scalar},
};
use crate::model::settings::TokenValue;

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

/// A `values.yaml` that was filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FilledValues {
    /// Its text.
    pub text: String,
    /// The lines of aliases that referred to a mapping with the image in it: they keep what was there.
    pub unshared: Vec<usize>,
    /// Whether tokens brought the image's tag or digest somewhere.
    pub by_tokens: bool,
}

/// Fills the text of a `values.yaml`; an empty one for a chart that has none.
///
/// # Errors
/// See [`ValuesRefusal`].
pub(super) fn fill(
    source: &str,
    image: Option<ImagePlace<'_>>,
    tokens: &Tokens,
) -> Result<FilledValues, ValuesRefusal> {
    let mut document = yaml::parse(source)?;
    let mut editor = Editor::new(source);
    if let Some(root) = &document.root
        && !root.is_null()
        && !matches!(root.kind, Kind::Mapping { .. })
    {
        let what = "the values of a chart must be a mapping, and this is not one";
        return Err(root.fault(what).into());
    }
    let mut unshared = Vec::new();
    // First, because tokens in what is overwritten need no value.
    if let Some(image) = image {
        let anchors = Anchors::of(document.root.as_ref());
        set_image(&mut editor, &mut document, image)?;
        if let Some(root) = &mut document.root {
            unshared = anchors.unshare(&mut editor, root)?;
        }
    }
    let mut by_tokens = false;
    if let Some(root) = &mut document.root {
        by_tokens = fill_tokens(&mut editor, source, root, tokens)?;
    }
    Ok(FilledValues {
        text: editor.finish(document.root.as_ref())?,
        unshared,
        by_tokens,
    })
}

/// Fills the tokens of every scalar that no edit has set; whether the image's tag or digest was among them.
fn fill_tokens(
    editor: &mut Editor<'_>,
    source: &str,
    root: &mut Node,
    tokens: &Tokens,
) -> Result<bool, ValuesRefusal> {
    let mut unfilled = Vec::new();
    let mut by_tokens = false;
    root.walk_scalars_mut(&mut |node| {
        if node.edited {
            return Ok(());
        }
        by_tokens |=
            occurrences(editor.raw(node)).any(|(_, name)| matches!(name, "TAG" | "DIGEST"));
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
        Ok(by_tokens)
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
    use crate::chart::{reads::Reads, request::ImageCoordinates, schema::Schema};

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
        let path = ["image".to_owned()];
        let place = ImagePlace {
            image: &image,
            path: &path,
            inside: None,
            reads: &Reads::default(),
            schema: &Schema::default(),
        };
        fill(source, Some(place), &tokens).map(|filled| filled.text)
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
