//! Words and variables.

use super::*;

fn variables(name: &str) -> Option<String> {
    match name {
        "X" => Some("x".into()),
        "EMPTY" => Some(String::new()),
        "SPACED" => Some("a  b".into()),
        _ => None,
    }
}

fn word(text: &str) -> Result<String, ExpandFault> {
    Expander::new('\\').word(text, &variables)
}

#[test]
fn variables_in_every_form() {
    for (text, expected) in [
        ("$X/${X}", "x/x"),
        ("$X_", ""),
        ("${X}_", "x_"),
        ("${U:-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${X:-d}", "x"),
        ("${X:+d}", "d"),
        ("${EMPTY:+d}", ""),
        ("${EMPTY+d}", "d"),
        ("${U:-${X:-y}z}", "xz"),
        ("${X:?needed}", "x"),
        ("$U", ""),
        (r"\$X", "$X"),
        ("'$X'", "$X"),
        ("\"$X\"", "x"),
        (r#""a\"b\c""#, r#"a"b\c"#),
        (r"a\ b", "a b"),
        ("$", "$"),
        ("$$X", "X"),
        ("$1a", "a"),
        ("a$/b", "a$/b"),
        ("$SPACED", "a  b"),
        (r"end\", "end"),
    ] {
        assert_eq!(word(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn faults_are_named() {
    for (text, expected) in [
        ("${X", "no `}`"),
        ("${}", "name"),
        ("${X:-", "no `}`"),
        ("'a", "counterpart"),
        ("\"a", "counterpart"),
        ("${U:?set U}", "set U"),
        ("${X:}", "not a form"),
        ("${X:%y}", "not a form"),
        ("${X,}", "not a form"),
        ("${X:#y}", "not a form"),
        ("${X/y}", "no `/`"),
        (r"${X#\y}", "before what is not special"),
    ] {
        let Err(ExpandFault(why)) = word(text) else {
            panic!("{text}");
        };
        assert!(why.contains(expected), "{text}: {why}");
    }
}

/// What BuildKit makes of them.
#[test]
fn patterns_cut_and_replace() {
    let variables = |name: &str| match name {
        "FILE" => Some("path/to/app-1.2.tar.gz".into()),
        "STARS" => Some("a*b*c".into()),
        _ => variables(name),
    };
    for (text, expected) in [
        ("${FILE#*/}", "to/app-1.2.tar.gz"),
        ("${FILE##*/}", "app-1.2.tar.gz"),
        ("${FILE%.*}", "path/to/app-1.2.tar"),
        ("${FILE%%.*}", "path/to/app-1"),
        ("${FILE#none}", "path/to/app-1.2.tar.gz"),
        ("${FILE#p?th}", "/to/app-1.2.tar.gz"),
        ("${FILE#[p]}", "path/to/app-1.2.tar.gz"),
        ("${FILE/a/A}", "pAth/to/app-1.2.tar.gz"),
        ("${FILE//a/A}", "pAth/to/App-1.2.tAr.gz"),
        (r"${FILE//\//-}", "path-to-app-1.2.tar.gz"),
        ("${FILE//.*/}", "path/to/app-1"),
        (r"${STARS#a\*}", "b*c"),
        ("${STARS#\"a*\"}", "*b*c"),
        (r"${STARS%\**}", "a*b"),
        ("${FILE#${X}}", "path/to/app-1.2.tar.gz"),
        ("${UNSET#*}", ""),
        ("${FILE/a/$X}", "pxth/to/app-1.2.tar.gz"),
    ] {
        let word = Expander::new('\\').word(text, &variables);
        assert_eq!(word.as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn growth_and_depth_are_bounded() {
    let long = |_: &str| Some("x".repeat(300 * 1024));
    assert!(Expander::new('\\').word("$A$A", &long).is_err());
    let all = |_: &str| Some("x".repeat(1024));
    let replaced = format!("${{A//?/{}}}", "y".repeat(1024));
    assert!(Expander::new('\\').word(&replaced, &all).is_err());
    let deep = "${U:-".repeat(40_000);
    let expected = format!("variables nest more than {DEPTH} deep");
    assert_eq!(word(&deep), Err(expected.into()));
}

#[test]
fn words_keep_their_quotes() {
    let expander = Expander::new('\\');
    assert_eq!(
        expander.split(r#"a="b c" d=e\ f  g='h "i'"#),
        [r#"a="b c""#, r"d=e\ f", r#"g='h "i'"#]
    );
}

#[test]
fn pairs_new_and_old() {
    let expander = Expander::new('\\');
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        expander.pairs(r#"A=1 B="x y""#).unwrap(),
        [pair("A", "1"), pair("B", "\"x y\"")]
    );
    assert_eq!(
        expander.pairs("PATH  /a  b=c").unwrap(),
        [pair("PATH", "/a  b=c")]
    );
    let expected = "`B` has no `=`, as in `name=value`";
    assert_eq!(expander.pairs("A=1 B"), Err(expected.into()));
    assert!(expander.pairs("A").is_err());
    assert!(expander.pairs("=1").is_err());
}

#[test]
fn documents_keep_quotes() {
    let text = Expander::new('`').document("'$X' \"${X}\" \\$X `", &variables);
    assert_eq!(text.as_deref(), Ok("'x' \"x\" $X `"));
}
