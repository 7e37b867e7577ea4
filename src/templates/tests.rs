//! Properties that hold for every template, and what a hostile one may not do.

use std::{borrow::Cow, path::Path};

use bstr::ByteSlice;

use super::{
    template::{MANIFEST, TemplateFile},
    *,
};
use crate::model::template::{MODULE, NAME, Origin, Values};

fn values(more: &[(&str, &str)]) -> Values {
    let all = [(NAME, "web"), (MODULE, "web")]
        .into_iter()
        .chain(more.iter().copied());
    all.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn template(files: &[(&str, &[u8])]) -> Template {
    let manifest: (&str, &[u8]) = (MANIFEST, b"description = \"x\"");
    let sources = files
        .iter()
        .chain([&manifest])
        .map(|(path, content)| TemplateFile {
            path: (*path).to_owned(),
            content: Cow::Owned(content.to_vec()),
            is_executable: false,
        });
    Template::new("ours".into(), Origin::Folder(None), sources.collect()).unwrap()
}

fn refusal(files: &[(&str, &[u8])]) -> String {
    let err = template(files).render(&values(&[])).unwrap_err();
    let mut text = err.to_string();
    let mut cause = std::error::Error::source(&err);
    while let Some(err) = cause {
        text += &format!(" | {err}");
        cause = err.source();
    }
    text
}

#[test]
fn embedded_templates_render_with_their_defaults_and_leave_helm_alone() {
    for template in all().unwrap() {
        let mut values = values(&[]);
        for question in &template.manifest.questions {
            let default = question.default.as_deref().unwrap();
            let answer = template.default_answer(default, &values).unwrap();
            question.check(&answer).unwrap();
            values.insert(question.name.clone(), answer);
        }
        let files = template.render(&values).unwrap();
        let content = |path: &str| {
            let file = files.iter().find(|file| file.path == Path::new(path));
            let file = file.unwrap_or_else(|| panic!("{}: {path}", template.name));
            String::from_utf8(file.content.clone()).unwrap()
        };
        assert!(content("config/Chart.yaml").contains("\nname: \"web\"\n"));
        assert!(content("config/templates/service.yaml").contains("{{"));
        assert!(content("code/Dockerfile").contains("FROM "));
        content("code/.dockerignore");
        content("README.md");
        for file in &files {
            let path = file.path.to_str().unwrap();
            assert!(
                !path.ends_with(render::ENDING) && path != MANIFEST,
                "{path}"
            );
        }
    }
    assert!(named("chart").unwrap().is_none());
    assert!(named("nothing").unwrap().is_none());
    assert_eq!(named("static").unwrap().unwrap().name, "static");
}

#[test]
fn names_of_files_are_rendered_and_other_files_are_not() {
    let files = template(&[
        ("code/[[ module ]]/main.go.jinja", b"package [[ port ]]\n"),
        ("code/raw", b"[[ port ]] \xff"),
    ])
    .render(&values(&[("port", "80")]))
    .unwrap();
    let found: Vec<_> = files
        .iter()
        .filter(|file| file.path != Path::new(RECORD))
        .map(|file| (file.path.to_str().unwrap(), file.content.as_bstr()))
        .collect();
    assert_eq!(
        found,
        [
            ("code/raw", b"[[ port ]] \xff".as_bstr()),
            ("code/web/main.go", b"package 80\n".as_bstr())
        ]
    );
}

#[test]
fn nothing_leaves_the_repository_or_passes_for_git() {
    for path in [
        "../x",
        "a/../../x",
        "/x",
        ".git/config",
        "a/.GIT/hooks/x",
        "git~1",
        "[[ '../' ]]x",
        "[[ '.gi' ]]t/x",
    ] {
        let said = refusal(&[(path, b"")]);
        assert!(
            said.contains("refused the file name") || said.contains("leaves its folder"),
            "{said}"
        );
    }
}

#[test]
fn two_files_in_one_place_are_refused() {
    for paths in [["a", "a.jinja"], ["Makefile", "makefile"], ["a", "A/b"]] {
        let said = refusal(&paths.map(|path| (path, b"".as_slice())));
        assert!(said.contains("two files in one place"), "{said}");
    }
}

#[test]
fn work_and_output_have_an_end() {
    for (text, want) in [
        (
            "[% for i in range(100000) %][% for j in range(100000) %][% endfor %][% endfor %]",
            "fuel",
        ),
        (
            "[% for i in range(9000) %][[ 'x' * 100000 ]][% endfor %]",
            "more than",
        ),
        ("[[ nothing ]]", "undefined"),
        ("[% include '/etc/passwd' %]", "cannot be rendered"),
        ("[% oops %]", "unknown statement"),
    ] {
        let said = refusal(&[("x.jinja", text.as_bytes())]);
        assert!(said.contains(want), "{text}: {said}");
    }
    assert!(refusal(&[("x.jinja", b"\xff")]).contains("not UTF-8"));
}

#[test]
fn a_template_says_what_it_is() {
    let err = Template::new("ours".into(), Origin::Folder(None), Vec::new()).unwrap_err();
    assert!(err.to_string().contains("no template.toml"), "{err}");
}
