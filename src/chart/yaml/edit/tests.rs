use super::*;

fn root(source: &str) -> Node {
    parse(source).unwrap().root.unwrap()
}

fn set(source: &str, key: &str, text: &str, quoting: Quoting) -> Result<String, YamlFault> {
    let mut editor = Editor::new(source);
    let mut root = root(source);
    let (key, value) = root.entry_mut(key).unwrap();
    editor.set(key, value, text, quoting)?;
    editor.finish(Some(&root))
}

#[test]
fn a_set_value_keeps_its_quotes_as_far_as_the_text_allows() {
    for (source, text, quoting, expected) in [
        ("a: b # c", "d", Quoting::Keep, "a: d # c"),
        ("a: b", "1", Quoting::Keep, "a: \"1\""),
        ("a: b", "d", Quoting::Always, "a: \"d\""),
        ("a: 'b'", "it's", Quoting::Always, "a: 'it''s'"),
        ("a: 'b'", "x\ny", Quoting::Keep, "a: \"x\\ny\""),
        ("a: \"b\"", "d", Quoting::Keep, "a: \"d\""),
        ("a : # c", "d", Quoting::Keep, "a : d # c"),
        ("x: &x 1\na: *x", "d", Quoting::Keep, "x: &x 1\na: d"),
        ("a: &x b\nc: *x", "d", Quoting::Keep, "a: &x d\nc: *x"),
        ("{a: , b}", "d", Quoting::Keep, "{a: d , b}"),
    ] {
        assert_eq!(set(source, "a", text, quoting).unwrap(), expected);
    }
}

#[test]
fn a_value_that_cannot_be_set_is_refused() {
    for source in [
        "a: [b]",
        "a: {b: c}",
        "a: |\n  b\n",
        "a: !!int 1",
        "a: &x",
        "{a}",
    ] {
        assert!(set(source, "a", "d", Quoting::Keep).is_err(), "{source}");
    }
}

#[test]
fn entries_are_added_in_the_column_and_style_of_the_mapping() {
    let insert = |source: &str| {
        let mut editor = Editor::new(source);
        let mut root = root(source);
        let new = vec![
            ("x", NewValue::string("1")),
            ("y", NewValue::flow_mapping(&[], &[("z", "2")])),
        ];
        editor.insert_after(&mut root, "a", new)?;
        editor.finish(Some(&root))
    };
    for (source, expected) in [
        (
            "a: b # c\nd: e\n",
            "a: b # c\nx: \"1\"\n\"y\": {z: \"2\"}\nd: e\n",
        ),
        (
            "  a:\r\n  d: e\r\n",
            "  a:\r\n  x: \"1\"\r\n  \"y\": {z: \"2\"}\r\n  d: e\r\n",
        ),
        ("{a: b}", "{a: b, x: \"1\", \"y\": {z: \"2\"}}"),
    ] {
        assert_eq!(insert(source).unwrap(), expected);
    }
    for source in [
        "a: |\n  b\n",
        "a:\n- b\n",
        "&x a: b\n",
        "c: d\n",
        "? a\n: b\n",
    ] {
        assert!(insert(source).is_err(), "{source}");
    }
}

#[test]
fn what_does_not_read_back_never_leaves() {
    let source = "a: b\nc: d\n";
    let mut editor = Editor::new(source);
    let mut root = root(source);
    let (_, value) = root.entry_mut("c").unwrap();
    editor.replace(value, "1".into(), "1".into(), ScalarStyle::DoubleQuoted);
    let fault = editor.finish(Some(&root)).unwrap_err();
    assert_eq!((fault.line, fault.column), (2, 4));
}
