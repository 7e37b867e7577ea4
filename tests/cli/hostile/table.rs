//! `fixtures/hostile/README.md` says what is tried, and by what: all of it is there, and nothing is left out.

use std::{collections::BTreeSet, fs, path::Path, sync::LazyLock};

use regex::Regex;

use super::fleets::names;

static NAMED: LazyLock<Regex> = LazyLock::new(|| Regex::new("`([^`]+)`").unwrap());
static ADVISORY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"CVE-\d{4}-\d+").unwrap());

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What the last cell of each row names.
fn tried_by(readme: &str) -> BTreeSet<String> {
    let rows = readme.lines().filter(|line| line.starts_with("| "));
    let rows = rows.filter(|line| !line.starts_with("| advisory") && !line.starts_with("| fault "));
    let mut named = BTreeSet::new();
    for row in rows {
        let cell = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap();
        let found: Vec<_> = NAMED
            .captures_iter(cell)
            .map(|name| name[1].to_owned())
            .collect();
        assert!(!found.is_empty(), "nothing tries {row}");
        named.extend(found);
    }
    named
}

fn is_test(name: &str) -> bool {
    let Some((module, function)) = name.split_once("::") else {
        return false;
    };
    let folders = ["hostile/", "faults/", ""];
    let files = folders.map(|folder| format!("tests/cli/{folder}{module}.rs"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = files.iter().find(|file| root.join(file).is_file());
    file.is_some_and(|file| read(file).contains(&format!("#[test]\nfn {function}()")))
}

#[test]
fn every_row_is_tried_and_every_fleet_and_test_is_in_a_row() {
    let tried = tried_by(&read("fixtures/hostile/README.md"));
    let fleets: BTreeSet<_> = names().into_iter().collect();
    let unknown: Vec<_> = tried
        .iter()
        .filter(|name| !fleets.contains(*name) && !is_test(name))
        .collect();
    assert!(
        unknown.is_empty(),
        "neither a fleet nor a test: {unknown:?}"
    );
    let left_out: Vec<_> = fleets.difference(&tried).collect();
    assert!(left_out.is_empty(), "in no row: {left_out:?}");
    for (folder, modules) in [
        ("hostile", &["programs", "served"][..]),
        ("faults", &["disk", "killed", "servers", "signals", "state"]),
    ] {
        for module in modules {
            let text = read(&format!("tests/cli/{folder}/{module}.rs"));
            for test in text.split("#[test]\nfn ").skip(1) {
                let name = format!("{module}::{}", test.split('(').next().unwrap());
                assert!(tried.contains(&name), "in no row: {name}");
            }
        }
    }
}

#[test]
fn every_advisory_that_a_fleet_names_is_in_the_table() {
    let readme = read("fixtures/hostile/README.md");
    for name in names() {
        let script = read(&format!("fixtures/hostile/{name}.sh"));
        for advisory in ADVISORY.find_iter(&script) {
            assert!(
                readme.contains(advisory.as_str()),
                "{name}: {}",
                advisory.as_str()
            );
        }
    }
}
