//! `flota help`: the pages about topics, and the program that shows them.

use std::{
    env,
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
};

use crate::{
    config,
    model::error::{Error, Result},
    process, templates,
};

/// The page about a topic, in Markdown; none where there is no such topic.
pub(crate) fn page(topic: &str) -> Option<&'static str> {
    templates::help_page(topic)
}

/// The JSON Schema of what a topic is about.
///
/// # Errors
/// Misuse: it has none.
pub(crate) fn schema(topic: Option<&str>) -> Result<String> {
    match topic {
        Some("configuration") => config::schema(),
        _ => Err(Error::misuse("only the topic `configuration` has a schema")
            .hint("flota help configuration --schema")),
    }
}

/// The program that shows long text, an absolute path, and its arguments; none where text goes straight to the terminal.
///
/// As git(1) has it for `GIT_PAGER`: the first of `FLOTA_PAGER` and `PAGER` that is set, else less(1) where there is one; the
/// empty string and `cat` stand for none. Its value is split as a shell would, and no shell runs.
///
/// # Errors
/// Misuse: its quotes are not closed. Environment: the program that a variable names is not there.
pub(crate) fn pager() -> Result<Option<(PathBuf, Vec<OsString>)>> {
    let named = ["FLOTA_PAGER", "PAGER"]
        .into_iter()
        .find_map(|name| Some((name, env::var_os(name)?)));
    match named {
        Some((name, line)) => named_pager(name, &line),
        None => Ok(process::find_all("less")
            .into_iter()
            .next()
            .map(|less| (less, Vec::new()))),
    }
}

fn named_pager(name: &str, line: &OsStr) -> Result<Option<(PathBuf, Vec<OsString>)>> {
    let words = shlex::bytes::split(line.as_bytes()).ok_or_else(|| {
        Error::misuse(format!(
            "`{}` in {name} has a quote that is not closed",
            line.display()
        ))
    })?;
    let mut words = words.into_iter().map(OsString::from_vec);
    match words.next() {
        None => Ok(None),
        Some(program) if program == "cat" => Ok(None),
        Some(program) => Ok(Some((process::find(program)?, words.collect()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_cat_stand_for_no_pager() {
        for line in ["", "  ", "cat", "'cat'"] {
            assert!(
                named_pager("PAGER", line.as_ref()).unwrap().is_none(),
                "{line:?}"
            );
        }
    }

    #[test]
    fn a_pager_is_split_as_a_shell_would() {
        let (program, args) = named_pager("PAGER", "/bin/a -x 'b c' \"$d\"".as_ref())
            .unwrap()
            .unwrap();
        assert_eq!(program, PathBuf::from("/bin/a"));
        assert_eq!(args, ["-x", "b c", "$d"]);
    }

    #[test]
    fn what_cannot_be_run_is_named_with_its_variable() {
        let error = named_pager("FLOTA_PAGER", "less 'x".as_ref()).unwrap_err();
        assert!(error.to_string().contains("FLOTA_PAGER"), "{error}");
        let error = named_pager("PAGER", "./less".as_ref()).unwrap_err();
        assert!(error.to_string().contains("./less"), "{error}");
    }
}
