//! Every file of `fixtures/config` is read here: the settings or the error are in a snapshot beside it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::parse;
use crate::model::{
    error::Error,
    settings::{Build, BuilderKind, Settings, TokenValue, valid},
};

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/config")
        .join(folder)
}

/// Shows each `*.toml` of the folder as its snapshot has it, and finds snapshots whose file is gone.
fn each_fixture(folder: &str, show: impl Fn(&[u8]) -> String) {
    let mut names = [("toml", BTreeSet::new()), ("snap", BTreeSet::new())];
    for entry in fs::read_dir(fixtures(folder)).unwrap() {
        let path = entry.unwrap().path();
        let extension = path.extension().unwrap_or_default();
        if let Some((_, names)) = names.iter_mut().find(|(known, _)| extension == *known) {
            names.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    let [(_, files), (_, snapshots)] = names;
    assert!(!files.is_empty());
    for name in &files {
        let text = fs::read(fixtures(folder).join(name).with_extension("toml")).unwrap();
        insta::with_settings!({
            snapshot_path => fixtures(folder),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name.as_str(), show(&text));
        });
    }
    assert!(
        snapshots.is_subset(&files),
        "a snapshot without its file: {snapshots:?}"
    );
}

fn refused(text: impl AsRef<[u8]>) -> Error {
    let error = parse(text.as_ref(), "flota.toml").unwrap_err();
    assert_eq!(error.exit(), crate::model::exit::Exit::Misuse);
    error
}

fn read(text: &str) -> Settings {
    parse(text.as_bytes(), "flota.toml").unwrap()
}

#[test]
fn valid_files_come_to_their_snapshot() {
    each_fixture("valid", |text| {
        let mut settings = parse(text, "flota.toml").unwrap();
        // The default platform is the host's: shown by a word, so that the snapshot holds on every machine.
        let services = settings
            .services
            .values_mut()
            .map(|service| &mut service.image);
        for image in services.chain([&mut settings.image]) {
            if image.platforms[..] == [valid::host_platform()]
                && !text.windows(8).any(|word| word == b"platform")
            {
                image.platforms = ["(host)".to_owned()].into();
            }
        }
        format!("{settings:#?}")
    });
}

#[test]
fn invalid_files_are_refused_as_their_snapshot_says() {
    each_fixture("invalid", |text| {
        let error = refused(text);
        assert!(error.to_string().starts_with("flota.toml:"));
        assert!(!error.hints().is_empty(), "{error}");
        let hints = error.hints().iter().map(|hint| format!("\nhint: {hint}"));
        let said = error.to_string() + &hints.collect::<String>();
        let breaks = said.matches(char::is_control).count();
        assert_eq!(breaks, error.hints().len(), "one line each: {said:?}");
        said
    });
}

#[test]
fn an_empty_file_is_no_file() {
    assert_eq!(read(""), Settings::default());
    assert_eq!(
        read("[fleet]\n[change]\n[image]\n[chart]\n[service]\n"),
        Settings::default()
    );
}

#[test]
fn a_service_without_a_table_has_the_global_values() {
    let settings =
        read("[image]\nbuilder = \"podman\"\ntarget = \"run\"\n[change]\nother = \"chart\"");
    let service = settings.for_service("cart");
    assert_eq!(service.image.builder, BuilderKind::Podman);
    assert_eq!(service.image.target.as_deref(), Some("run"));
    assert_eq!(service.change.other, Some(Build::Chart));
}

#[test]
fn a_services_table_lies_over_the_global_ones_wherever_it_stands() {
    let settings = read(
        r#"
        [service.cart]
        depends_on = ["base"]
        [service.cart.image]
        build_args = { A = "own", B = "own" }
        [service.cart.change]
        other = "none"
        [service.cart.chart.tokens]
        REPLICAS = 5
        [image]
        registry = "r.example.com"
        build_args = { A = "global", C = "global" }
        [change]
        code = ["src/**"]
        other = "image"
        [chart]
        tokens = { REPLICAS = 1, HOST = "h" }
        "#,
    );
    let cart = settings.for_service("cart");
    let args = cart
        .image
        .build_args
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    assert_eq!(args.collect::<Vec<_>>(), ["A=own", "B=own", "C=global"]);
    assert_eq!(cart.image.registry.as_deref(), Some("r.example.com"));
    assert_eq!(cart.change.code.sources(), ["src/**"]);
    assert_eq!(cart.change.other, None);
    assert_eq!(cart.chart.tokens["REPLICAS"], TokenValue::Integer(5));
    assert_eq!(
        cart.chart.tokens["HOST"],
        TokenValue::String("h".to_owned())
    );
    assert_eq!(cart.depends_on, ["base"]);

    let other = settings.for_service("other");
    assert_eq!(other.image.build_args["A"], "global");
    assert_eq!(other.chart.tokens["REPLICAS"], TokenValue::Integer(1));
}

#[test]
fn messages_begin_with_the_origin_as_it_was_given() {
    let error = parse(b"x = 1", "elsewhere/my flota.toml").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("elsewhere/my flota.toml:1:1: ")
    );
}

#[test]
fn a_byte_order_mark_and_carriage_returns_do_not_move_the_column() {
    let error = refused("\u{feff}[fleet]\r\nx = 1\r\n");
    assert!(error.to_string().starts_with("flota.toml:2:1: "), "{error}");
    assert!(
        refused("\u{feff}x = 1")
            .to_string()
            .starts_with("flota.toml:1:1: ")
    );
}

#[test]
fn no_credential_in_a_registry_is_repeated() {
    let error = refused("[image]\nregistry = \"https://user:hunter2@r.example.com\"");
    let said = format!("{error} {:?}", error.hints());
    assert!(!said.contains("hunter2"), "{said}");
}

/// The reference file says every key: each of its tables, given one key more, is refused by an error whose hint lists
/// the keys known there, and that list is the table's own.
#[test]
fn the_reference_file_shows_every_key() {
    let text = fs::read_to_string(fixtures("valid/reference.toml")).unwrap();
    let reference: toml::Table = text.parse().unwrap();
    let mut free = BTreeSet::new();
    compare_keys(&reference, &mut Vec::new(), &mut free);
    let of_the_users_naming = [
        "chart.tokens",
        "environment",
        "image.build_args",
        "image.secrets",
        "service",
    ];
    let of_a_service = [
        "service.cart.chart.tokens",
        "service.cart.image.build_args",
        "service.cart.image.secrets",
    ];
    assert_eq!(
        free,
        of_the_users_naming
            .into_iter()
            .chain(of_a_service)
            .map(str::to_owned)
            .collect()
    );
}

/// Keys of which a table has one.
const OTHER_WORDS: [[&str; 2]; 2] = [["platform", "platforms"], ["env", "file"]];

fn compare_keys(reference: &toml::Table, path: &mut Vec<String>, free: &mut BTreeSet<String>) {
    let mut changed = reference.clone();
    let table = path.iter().fold(&mut changed, |table, key| {
        first_table(table.get_mut(key).unwrap()).unwrap()
    });
    let mut own: BTreeSet<String> = table.keys().cloned().collect();
    table.insert(
        "no-such-key".to_owned(),
        toml::Value::Datetime("2000-01-01".parse().unwrap()),
    );
    // Keys that cannot stand together stand in two tables of one array.
    if let [key] = &path[..]
        && let toml::Value::Array(array) = &reference[key]
    {
        let tables = array.iter().filter_map(toml::Value::as_table);
        own.extend(tables.flat_map(|table| table.keys().cloned()));
    }
    let error = refused(changed.to_string());
    if error.to_string().contains("unknown key `no-such-key`") {
        let hint = error.hints().last().unwrap();
        let known = hint.split('`').skip(1).step_by(2).map(str::to_owned);
        // Two keys for one thing never stand side by side: the file has one of them here, and the other elsewhere.
        let is_other_word = |key: &String| {
            let mut others = OTHER_WORDS
                .iter()
                .filter(|pair| pair.contains(&key.as_str()));
            let shown = |pair: &[&str; 2]| pair.iter().any(|word| own.contains(*word));
            !own.contains(key) && others.any(shown)
        };
        let known: BTreeSet<_> = known.filter(|key| !is_other_word(key)).collect();
        assert_eq!(own, known, "{}", path.join("."));
    } else {
        free.insert(path.join("."));
    }
    let mut original = reference.clone();
    let table = path.iter().fold(&mut original, |table, key| {
        first_table(table.get_mut(key).unwrap()).unwrap()
    });
    for (key, value) in table.iter_mut() {
        if first_table(value).is_some() {
            path.push(key.clone());
            compare_keys(reference, path, free);
            path.pop();
        }
    }
}

/// The value as a table, or the first table of an array of them.
fn first_table(value: &mut toml::Value) -> Option<&mut toml::Table> {
    match value {
        toml::Value::Array(array) => array.first_mut()?.as_table_mut(),
        value => value.as_table_mut(),
    }
}

#[test]
fn hostile_files_end_in_an_error_or_settings_never_in_a_crash() {
    let deep = format!("x = {}{}", "[".repeat(5000), "]".repeat(5000));
    let dotted = format!("{}x = 1", "a.".repeat(5000));
    let key = format!("\"{}\" = 1", "k".repeat(500_000));
    let braces = format!("[change]\ncode = [\"{}\"]", "{".repeat(400_000));
    let names = format!("[service.\"{}\"]", "n".repeat(500_000));
    for text in [deep, dotted, key, braces, names, "x = \"".repeat(10_000)] {
        let error = refused(&text);
        assert!(
            error.to_string().len() < 1000,
            "{} bytes",
            error.to_string().len()
        );
    }
    refused(vec![b'#'; (512 << 10) + 1]);
    refused(b"\0\xff\xfe");

    // Copied for each of the services, the token would take 3 GB.
    let tokens = format!("[chart.tokens]\nBIG = \"{}\"\n", "x".repeat(250_000));
    let services: String = (0..12_000).map(|n| format!("[service.{n}]\n")).collect();
    let settings = read(&(tokens + &services));
    assert!(
        settings
            .services
            .values()
            .all(|service| service.chart.tokens.is_empty())
    );
    assert_eq!(settings.services.len(), 12_000);
    assert_eq!(settings.for_service("7").chart.tokens.len(), 1);
}
