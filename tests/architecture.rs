//! The crate is a house with floors: imports go downward only, no files import each other in a circle, and the same word names a
//! command on each floor. What is read are the sources' `use` lines and paths, without comments and unit tests.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use clap::CommandFactory;
use regex::Regex;

/// Who may import whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Floor {
    Entry,
    Arguments,
    Commands,
    Output,
    Features,
    Fleet,
    Adapters,
    Ground,
    Model,
}

use Floor::{Adapters, Arguments, Commands, Entry, Features, Fleet, Ground, Model, Output};

impl Floor {
    fn may_import(self) -> &'static [Self] {
        match self {
            Entry => &[
                Entry, Arguments, Commands, Output, Features, Fleet, Adapters, Ground, Model,
            ],
            Arguments => &[Arguments, Model],
            Commands => &[
                Commands, Output, Features, Fleet, Adapters, Arguments, Ground, Model,
            ],
            Output => &[Output, Model],
            Features => &[Features, Fleet, Adapters, Ground, Model],
            Fleet => &[Fleet, Adapters, Ground, Model],
            Adapters => &[Adapters, Ground, Model],
            Ground => &[Ground, Model],
            Model => &[Model],
        }
    }
}

/// The floor plan: where each module of the crate's root lives. A new one has to be placed here.
const PLAN: [(&str, Floor); 20] = [
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
    ("process", Adapters),
    ("registry", Adapters),
    ("templates", Adapters),
    ("files", Ground),
    ("interrupt", Ground),
    ("parallel", Ground),
    ("model", Model),
];

/// Which adapters stand on which others; the rest knows none but itself.
const ADAPTERS: [(&str, &[&str]); 8] = [
    ("chart", &["process"]),
    ("ci", &["process"]),
    ("config", &["git"]),
    ("container", &["process", "registry"]),
    ("git", &["http", "process"]),
    ("http", &["process"]),
    ("registry", &["http", "process"]),
    ("templates", &["config", "git"]),
];

/// Commands whose result is that of another, or a text that is written as it is.
const WITHOUT_A_RESULT_OF_THEIR_OWN: [&str; 5] = ["check", "completions", "demo", "help", "man"];

/// A file that is longer holds two rooms.
const LONGEST: usize = 400;

/// How many types may share one name.
const SHARED_NAMES: usize = 2;

fn floor(module: &str) -> Floor {
    let placed = PLAN.iter().find(|(name, _)| *name == module);
    placed
        .unwrap_or_else(|| panic!("`{module}` is not on the floor plan"))
        .1
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A module by the names that lead to it from the crate's root; the root itself is `lib`.
type Module = Vec<String>;

/// A file of the crate.
struct Source {
    /// From `src/`.
    path: PathBuf,
    /// How many lines it has, tests and comments too.
    lines: usize,
    /// Its text without comments, which may speak of every floor, and without unit tests.
    code: String,
}

impl Source {
    fn all() -> Vec<Self> {
        let mut files = Vec::new();
        rust_files(&root().join("src"), &mut files);
        assert!(files.len() > 50, "where are the sources?");
        let read = |file: PathBuf| {
            let text = fs::read_to_string(&file).unwrap();
            Self::new(file.strip_prefix(root().join("src")).unwrap(), &text)
        };
        files.into_iter().map(read).collect()
    }

    fn new(path: &Path, text: &str) -> Self {
        let code = COMMENT.replace_all(text, "");
        // `pub(in super::super)` takes nothing from there.
        let code = VISIBILITY.replace_all(&code, "pub").into_owned();
        let tests = code.find("#[cfg(test)]\nmod tests {");
        Self {
            path: path.to_owned(),
            lines: text.lines().count(),
            code: code[..tests.unwrap_or(code.len())].to_owned(),
        }
    }

    fn module(&self) -> Module {
        let stem = self.path.with_extension("");
        let names = stem.iter().map(|name| name.to_str().unwrap().to_owned());
        names.filter(|name| name != "mod").collect()
    }

    /// Whether all of it is unit tests.
    fn is_tests(&self) -> bool {
        let tests = ["tests", "properties", "random"];
        self.module()
            .iter()
            .any(|name| tests.contains(&name.as_str()))
    }

    /// Every path that it names, in `use` lines and elsewhere, from the crate's root; in a file `a/b.rs`, `c::d` names a child's item
    /// where `a::b::c` is one of `known`.
    fn paths(&self, known: &BTreeSet<Module>) -> Vec<Module> {
        let mut relative = Vec::new();
        for used in USE.captures_iter(&self.code) {
            relative.extend(leaves(&used[1]));
        }
        let rest = USE.replace_all(&self.code, "");
        relative.extend(
            PATH.captures_iter(&rest)
                .map(|path| leaves(&path[1]).remove(0)),
        );
        let module = self.module();
        let absolute = |path: Module| absolute(path, &module, known);
        relative.into_iter().filter_map(absolute).collect()
    }
}

static COMMENT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)(^|\s)//.*$").unwrap());
static VISIBILITY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bpub\([^)]*\)").unwrap());
static USE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\buse\s+([^;]+);").unwrap());
static PATH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|[^\w:$])([a-z_]\w*(?:::\w+)+)").unwrap());
static SEGMENT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\s*([\w*]+)\s*(::)?").unwrap());
static TYPE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^\s*(?:pub(?:\([\w: ]+\))?\s+)?(?:struct|enum|trait|union)\s+(\w+)").unwrap()
});

/// The single paths of a `use` tree: `a::{b, c::{self, d}}` is `a::b`, `a::c`, `a::c::d`.
fn leaves(tree: &str) -> Vec<Module> {
    let tree = tree.trim();
    if let Some(group) = tree.strip_prefix('{') {
        let group = group.strip_suffix('}').unwrap_or(group);
        return members(group).into_iter().flat_map(leaves).collect();
    }
    let Some(segment) = SEGMENT.captures(tree) else {
        return Vec::new();
    };
    let name = segment[1].to_owned();
    if segment.get(2).is_none() {
        return vec![vec![name]];
    }
    let below = leaves(&tree[segment[0].len()..]);
    let join = |leaf: Module| match leaf[0].as_str() {
        "self" => vec![name.clone()],
        _ => [vec![name.clone()], leaf].concat(),
    };
    below.into_iter().map(join).collect()
}

/// What commas part, braces kept whole.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut members) = (0_usize, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    members.push(&group[start..]);
    members
}

/// The path from the crate's root; none for another crate's.
fn absolute(path: Module, module: &Module, known: &BTreeSet<Module>) -> Option<Module> {
    let mut from = module.clone();
    let mut rest = &path[..];
    match rest[0].as_str() {
        "crate" => {
            from.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|name| name == "super") {
                from.pop();
                rest = &rest[1..];
            }
        }
        child => {
            from.push(child.to_owned());
            let is_child = known.contains(&from);
            from.pop();
            if !is_child {
                return None;
            }
        }
    }
    Some([&from[..], rest].concat())
}

/// The file that a path leads into.
fn home(path: &[String], known: &BTreeSet<Module>) -> Module {
    let ends = (1..=path.len()).rev();
    let found = ends
        .map(|end| path[..end].to_vec())
        .find(|module| known.contains(module));
    found.unwrap_or_else(|| vec!["lib".to_owned()])
}

/// Which file takes what from which.
struct Imports(BTreeMap<Module, BTreeMap<Module, BTreeSet<String>>>);

impl Imports {
    fn of(sources: &[Source]) -> Self {
        let known: BTreeSet<_> = sources.iter().map(Source::module).collect();
        let mut imports = BTreeMap::<_, BTreeMap<_, BTreeSet<_>>>::new();
        for source in sources.iter().filter(|source| !source.is_tests()) {
            let module = source.module();
            let from = imports.entry(module.clone()).or_default();
            for path in source.paths(&known) {
                let to = home(&path, &known);
                if to != module {
                    from.entry(to).or_default().extend(path.last().cloned());
                }
            }
        }
        Self(imports)
    }

    fn each(&self) -> impl Iterator<Item = (&Module, &Module, &BTreeSet<String>)> {
        let all = self.0.iter();
        all.flat_map(|(from, to)| to.iter().map(move |(to, items)| (from, to, items)))
    }

    /// The files that can be reached from `module`, by however many steps.
    fn reach<'a>(&'a self, module: &'a Module) -> BTreeSet<&'a Module> {
        let (mut reached, mut next) = (BTreeSet::new(), vec![module]);
        while let Some(at) = next.pop() {
            let below = self.0.get(at).into_iter().flat_map(BTreeMap::keys);
            next.extend(below.filter(|one| reached.insert(*one)));
        }
        reached
    }

    /// The imports that lead back to where they come from.
    fn circles(&self) -> Vec<String> {
        let reach: BTreeMap<_, _> = self.0.keys().map(|from| (from, self.reach(from))).collect();
        let returns =
            |from: &Module, to: &Module| reach.get(to).is_some_and(|it| it.contains(from));
        let circular = self.each().filter(|(from, to, _)| returns(from, to));
        circular.map(shown).collect()
    }
}

fn shown((from, to, items): (&Module, &Module, &BTreeSet<String>)) -> String {
    format!("{} takes {items:?} from {}", from.join("::"), to.join("::"))
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
    let imports = Imports::of(&Source::all());
    let upward = imports.each().filter(|(from, to, _)| {
        let (from, to) = (floor(&from[0]), floor(&to[0]));
        !from.may_import().contains(&to)
    });
    let upward: Vec<_> = upward.map(shown).collect();
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn no_feature_imports_a_feature() {
    let imports = Imports::of(&Source::all());
    let across = imports.each().filter(|(from, to, _)| {
        let both = [from, to].map(|module| module.first().is_some_and(|name| name == "features"));
        both == [true, true] && from.len() > 1 && to.len() > 1 && from[1] != to[1]
    });
    let across: Vec<_> = across.map(shown).collect();
    assert!(across.is_empty(), "{across:#?}");
}

#[test]
fn adapters_know_those_below_them() {
    let imports = Imports::of(&Source::all());
    let across = imports.each().filter(|(from, to, _)| {
        let below = ADAPTERS.iter().find(|(name, _)| from[0] == *name);
        let may = |to: &str| below.is_some_and(|(_, below)| below.contains(&to));
        [&from[0], &to[0]]
            .iter()
            .all(|name| floor(name) == Adapters)
            && from[0] != to[0]
            && !may(&to[0])
    });
    let across: Vec<_> = across.map(shown).collect();
    assert!(across.is_empty(), "{across:#?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circles = Imports::of(&Source::all()).circles();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn every_module_is_on_the_floor_plan() {
    let placed: BTreeSet<_> = PLAN.iter().map(|(name, _)| (*name).to_owned()).collect();
    let sources = Source::all();
    let there: BTreeSet<_> = sources.iter().map(|it| it.module()[0].clone()).collect();
    assert_eq!(there, placed);
}

#[test]
fn no_file_is_two_rooms() {
    let sources = Source::all().into_iter();
    let long = sources.filter(|source| source.lines > LONGEST);
    let long: Vec<_> = long
        .map(|it| format!("{}: {}", it.path.display(), it.lines))
        .collect();
    assert!(long.is_empty(), "longer than {LONGEST} lines: {long:#?}");
}

#[test]
fn a_name_says_which_type_is_meant() {
    let mut places = BTreeMap::<_, Vec<_>>::new();
    for source in Source::all() {
        for found in TYPE.captures_iter(&source.code) {
            let places = places.entry(found[1].to_owned()).or_default();
            places.push(source.path.display().to_string());
        }
    }
    places.retain(|_, places| places.len() > SHARED_NAMES);
    assert!(places.is_empty(), "{places:#?}");
}

#[test]
fn only_output_prints() {
    // Whether a stream is a terminal may be asked anywhere.
    let prints = Regex::new(r"\b(e?println?|dbg)!|\bio::std(out|err)\(\)(\.[^i]|[^.])").unwrap();
    let printing: Vec<_> = Source::all()
        .into_iter()
        .filter(|source| source.module()[0] != "output" && prints.is_match(&source.code))
        .map(|source| source.path)
        .collect();
    assert!(printing.is_empty(), "{printing:#?}");
}

#[test]
fn one_word_names_a_command_on_every_floor() {
    let command = flota::cli::Cli::command();
    let names = command.get_subcommands().map(clap::Command::get_name);
    let floors = |name: &str| {
        let always = ["src/cli", "src/commands", "src/features", "tests/cli"];
        let results = ["src/output/human", "src/output/json"];
        let has_result = !WITHOUT_A_RESULT_OF_THEIR_OWN.contains(&name);
        let results = results
            .into_iter()
            .filter(|_| has_result)
            .collect::<Vec<_>>();
        [&always[..], &results].concat()
    };
    let missing: Vec<_> = names
        .flat_map(|name| {
            floors(name)
                .into_iter()
                .map(move |floor| format!("{floor}/{name}"))
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

fn house(files: &[(&str, &str)]) -> Imports {
    let source = |(path, code): &(&str, &str)| Source::new(Path::new(path), code);
    Imports::of(&files.iter().map(source).collect::<Vec<_>>())
}

fn edges(imports: &Imports) -> Vec<String> {
    let edge =
        |(from, to, _): (&Module, &Module, _)| format!("{} {}", from.join("::"), to.join("::"));
    imports.each().map(edge).collect()
}

#[test]
fn the_checks_would_see_an_import_in_every_form() {
    let others = [
        ("model/a.rs", ""),
        ("model/b.rs", ""),
        ("cli.rs", ""),
        ("features/x.rs", ""),
        ("lib.rs", ""),
        ("git/mod.rs", ""),
        ("git/tree/deep.rs", ""),
    ];
    for (code, want) in [
        (
            "use crate::{model::{a, b::{self, C}}, cli::Cli};",
            vec!["cli", "model::a", "model::b"],
        ),
        (
            "pub(crate) use super::super::features::x::run as y;",
            vec!["features::x"],
        ),
        (
            "fn f() { super::super::features::x::run() }",
            vec!["features::x"],
        ),
        (
            "fn f() -> crate::model::a::T { deep::f() }",
            vec!["git::tree::deep", "model::a"],
        ),
        ("use super::Objects;", vec!["git"]),
        ("fn f() { crate::run() }", vec!["lib"]),
        (
            "use std::{fs, io}; // crate::cli::Cli\nfn f() { fs::read() }",
            vec![],
        ),
        (
            "#[cfg(test)]\nmod tests {\n use crate::cli::Cli;\n}",
            vec![],
        ),
    ] {
        let files = [&others[..], &[("git/tree.rs", code)]].concat();
        let want: Vec<_> = want.iter().map(|to| format!("git::tree {to}")).collect();
        assert_eq!(edges(&house(&files)), want, "{code}");
    }
}

#[test]
fn the_checks_would_see_a_circle() {
    let circles = |files: &[(&str, &str)]| house(files).circles().len();
    let one_way = [("a/mod.rs", "fn f() { b::g() }"), ("a/b.rs", "fn g() {}")];
    assert_eq!(circles(&one_way), 0);
    // A folder's `mod.rs` that holds the words and calls the children.
    let two_way = [
        ("a/mod.rs", "struct T; fn f() { b::g() }"),
        ("a/b.rs", "use super::T;"),
    ];
    assert_eq!(circles(&two_way), 2);
    let three = [
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "use crate::c::C;"),
        ("c.rs", "crate::a::f()"),
    ];
    assert_eq!(circles(&three), 3);
}
