//! The crate is a house with floors: imports go downward only, and the same word names a command on each of them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use clap::CommandFactory;
use regex::Regex;

/// Who may import whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Entry,
    Arguments,
    Commands,
    Output,
    Features,
    Fleet,
    Adapters,
    Model,
}

use Room::{Adapters, Arguments, Commands, Entry, Features, Fleet, Model, Output};

impl Room {
    fn may_import(self) -> &'static [Self] {
        match self {
            Entry => &[
                Entry, Arguments, Commands, Output, Features, Fleet, Adapters, Model,
            ],
            Arguments => &[Arguments, Model],
            Commands => &[
                Commands, Output, Features, Fleet, Adapters, Arguments, Model,
            ],
            Output => &[Output, Model],
            Features => &[Features, Fleet, Adapters, Model],
            Fleet => &[Fleet, Adapters, Model],
            Adapters => &[Adapters, Model],
            Model => &[Model],
        }
    }
}

/// The floor plan: where each module of the crate's root lives. A new one has to be placed here.
const PLAN: [(&str, Room); 19] = [
    ("main", Entry),
    ("lib", Entry),
    ("cli", Arguments),
    ("commands", Commands),
    ("output", Output),
    ("features", Features),
    ("fleet", Fleet),
    ("chart", Adapters),
    ("ci", Adapters),
    ("config", Adapters),
    ("container", Adapters),
    ("git", Adapters),
    ("http", Adapters),
    ("interrupt", Adapters),
    ("parallel", Adapters),
    ("process", Adapters),
    ("registry", Adapters),
    ("templates", Adapters),
    ("model", Model),
];

fn room(module: &str) -> Option<Room> {
    let placed = PLAN.iter().find(|(name, _)| *name == module);
    placed.map(|(_, room)| *room)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the crate.
struct Source {
    /// From `src/`.
    path: PathBuf,
    /// Its text without comments: they may speak of every floor.
    code: String,
}

impl Source {
    fn all() -> Vec<Self> {
        let mut files = Vec::new();
        rust_files(&root().join("src"), &mut files);
        assert!(files.len() > 50, "where are the sources?");
        let read = |file: PathBuf| Self {
            code: COMMENT
                .replace_all(&fs::read_to_string(&file).unwrap(), "")
                .into_owned(),
            path: file.strip_prefix(root().join("src")).unwrap().to_owned(),
        };
        files.into_iter().map(read).collect()
    }

    /// The modules that lead to it from the crate's root.
    fn modules(&self) -> Vec<String> {
        let stem = self.path.with_extension("");
        let names = stem.iter().map(|name| name.to_str().unwrap().to_owned());
        names.filter(|name| name != "mod").collect()
    }

    /// The modules of the crate's root that it names: by `crate::`, or by as many `super::` as lead up to it.
    fn imports(&self) -> BTreeSet<String> {
        let up = "super::".repeat(self.modules().len());
        let starts = ["crate::".to_owned(), up];
        let mut imports = BTreeSet::new();
        for start in starts {
            for (at, _) in self.code.match_indices(&start) {
                // `super::super::` inside of a longer chain, or `$crate::`, is not the start of a path.
                let before = self.code[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, ':' | '$' | '_')) {
                    continue;
                }
                imports.extend(first_names(&self.code[at + start.len()..]));
            }
        }
        imports
    }
}

static COMMENT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)(^|\s)//.*$").unwrap());
static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\s*(\w+)").unwrap());

/// What a path begins with behind its `crate::`: one name, or each of a group in braces.
fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| Some(NAME.captures(text)?[1].to_owned());
    let Some(group) = rest.strip_prefix('{') else {
        return name(rest).into_iter().collect();
    };
    let (mut depth, mut names) = (0_usize, vec![name(group)]);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(name(&group[at + 1..])),
            _ => {}
        }
    }
    names.into_iter().flatten().collect()
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn imports_go_downward_only() {
    let mut upward = Vec::new();
    for source in Source::all() {
        let modules = source.modules();
        let from = room(&modules[0]).unwrap();
        for import in source.imports() {
            // A name that is no module of the root is an item of it (`crate::run`) or a type of a parent.
            let Some(to) = room(&import) else { continue };
            if !from.may_import().contains(&to) {
                let path = source.path.display();
                upward.push(format!("src/{path} ({from:?}) imports {import} ({to:?})"));
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn every_module_is_on_the_floor_plan() {
    let placed: BTreeSet<_> = PLAN.iter().map(|(name, _)| (*name).to_owned()).collect();
    let there: BTreeSet<_> = Source::all()
        .iter()
        .map(|s| s.modules()[0].clone())
        .collect();
    assert_eq!(there, placed);
}

#[test]
fn only_output_prints() {
    let prints = Regex::new(r"\b(e?println?|dbg)!|\bio::std(out|err)\(").unwrap();
    let printing: Vec<_> = Source::all()
        .into_iter()
        .filter(|source| source.modules()[0] != "output" && prints.is_match(&source.code))
        .map(|source| source.path)
        .collect();
    assert!(printing.is_empty(), "{printing:#?}");
}

#[test]
fn one_word_names_a_command_on_every_floor() {
    let command = flota::cli::Cli::command();
    let names = command.get_subcommands().map(clap::Command::get_name);
    let missing: Vec<_> = names
        .flat_map(|name| {
            ["src/commands", "src/features", "tests/cli"].map(|floor| format!("{floor}/{name}"))
        })
        .filter(|room| {
            let files = [format!("{room}.rs"), format!("{room}/mod.rs")];
            !files.iter().any(|file| root().join(file).is_file())
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_test_of_a_command_is_run() {
    let program = fs::read_to_string(root().join("tests/cli/main.rs")).unwrap();
    let mut files = Vec::new();
    rust_files(&root().join("tests/cli"), &mut files);
    for file in files {
        let room = file.strip_prefix(root().join("tests/cli")).unwrap();
        let parent = match room.parent().and_then(Path::to_str) {
            Some("") | None => program.clone(),
            Some(parent) => {
                fs::read_to_string(root().join(format!("tests/cli/{parent}.rs"))).unwrap()
            }
        };
        let name = room.file_stem().unwrap().to_str().unwrap();
        let module = format!("\nmod {name};");
        assert!(
            name == "main" || parent.contains(&module),
            "{}",
            room.display()
        );
    }
}

#[test]
fn the_check_would_see_an_upward_import() {
    let source = |path: &str, code: &str| Source {
        path: path.into(),
        code: code.to_owned(),
    };
    let imports = |source: Source| source.imports().into_iter().collect::<Vec<_>>();
    assert_eq!(
        imports(source(
            "git/tree.rs",
            "use crate::{model::{a, b::{c}}, output}; crate::cli::Cli; super::super::features::x; super::path"
        )),
        ["cli", "features", "model", "output"]
    );
    assert_eq!(
        imports(source("parallel.rs", "super::commands::run()")),
        ["commands"]
    );
    assert_eq!(
        imports(source("git/mod.rs", "super::commands::run()")),
        ["commands"]
    );
}
