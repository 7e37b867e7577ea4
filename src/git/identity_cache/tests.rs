use std::os::unix::fs::FileExt;

use super::*;

/// A fleet's git directory to keep facts under, and facts about as many commits as are asked for.
struct Fleet {
    git_dir: tempfile::TempDir,
}

impl Fleet {
    fn new() -> Self {
        let git_dir = tempfile::tempdir().unwrap();
        Self { git_dir }
    }

    fn file(&self) -> PathBuf {
        self.git_dir.path().join("flota/identities")
    }

    fn open(&self) -> IdentityCache {
        IdentityCache::open(self.git_dir.path())
    }

    fn keep(&self, numbers: std::ops::Range<u32>) {
        let cache = self.open();
        for number in numbers {
            let known = cache.of(path(number).as_ref());
            known.keep_facts(id(number, 'a'), &usual(), &facts(number));
        }
    }

    /// How many of the facts are known. Whatever is known must be true.
    fn count(&self, numbers: std::ops::Range<u32>) -> usize {
        let cache = self.open();
        let mut found = 0;
        for number in numbers {
            let known = cache.of(path(number).as_ref());
            if let Some(known) = known.facts(id(number, 'a'), &usual()) {
                assert_eq!(known, facts(number), "{number}");
                found += 1;
            }
        }
        found
    }
}

fn path(number: u32) -> bstr::BString {
    format!("code-repos/service-{number}").into()
}

fn id(number: u32, what: char) -> ObjectId {
    let hash: [u8; 32] = Sha256::digest(format!("{what}{number}")).into();
    ObjectId::try_from(&hash[..20]).unwrap()
}

fn facts(number: u32) -> Facts {
    let content = Content {
        code: Some(id(number, 'c')),
        config: (!number.is_multiple_of(3)).then(|| id(number, 'f')),
        other: Some(id(number, 'o')),
        environments: (number % 4 < 3 && number.is_multiple_of(13)).then(|| id(number, 'e')),
    };
    let parents = (0..number % 4).map(|parent| id(number, char::from_digit(parent, 10).unwrap()));
    Facts {
        content,
        linked: LinkedParts {
            code: number.is_multiple_of(5),
            config: number.is_multiple_of(7),
            charts: number.is_multiple_of(11),
        },
        nested: number.is_multiple_of(2),
        parents: parents.collect(),
    }
}

fn usual() -> Fingerprint {
    Fingerprint::of(&ChangeSettings::default(), false, None)
}

#[test]
fn what_was_learned_is_known_to_the_next_run() {
    let fleet = Fleet::new();
    assert_eq!(fleet.count(0..100), 0);
    fleet.keep(0..100);
    assert_eq!(fleet.count(0..100), 100);
    assert_eq!(fleet.count(100..200), 0);
}

#[test]
fn facts_by_other_settings_are_not_known() {
    let fleet = Fleet::new();
    fleet.keep(0..1);
    let cache = fleet.open();
    let known = cache.of(path(0).as_ref());
    assert!(known.facts(id(0, 'a'), &usual()).is_some());
    let plain = Fingerprint::of(&ChangeSettings::default(), true, None);
    assert!(known.facts(id(0, 'a'), &plain).is_none());
    let listed = |name: &str, url: &str| Submodule {
        name: name.into(),
        path: path(0),
        url: Some(url.into()),
        branch: None,
        update: None,
        is_shallow: false,
    };
    let (ours, theirs) = (listed("api", "../api"), listed("api", "../other"));
    let of = |listed| Fingerprint::of(&ChangeSettings::default(), false, Some(listed));
    known.keep_facts(id(0, 'a'), &of(&ours), &facts(0));
    assert!(known.facts(id(0, 'a'), &of(&ours)).is_some());
    assert!(known.facts(id(0, 'a'), &of(&theirs)).is_none());
    let renamed = listed("app", "../api");
    assert!(known.facts(id(0, 'a'), &of(&renamed)).is_none());
}

#[test]
fn what_does_not_fit_or_would_read_as_nothing_is_not_kept() {
    let many = Facts {
        parents: (0..4).map(|number| id(number, 'p')).collect(),
        ..facts(1)
    };
    let zeros = ObjectId::null(gix::hash::Kind::Sha1);
    let orphan = Facts {
        parents: vec![zeros],
        ..facts(1)
    };
    let mut empty = facts(1);
    empty.content.code = Some(zeros);
    for facts in [many, orphan, empty] {
        let fleet = Fleet::new();
        let cache = fleet.open();
        cache
            .of(path(1).as_ref())
            .keep_facts(id(1, 'a'), &usual(), &facts);
        assert!(!fleet.file().exists(), "{facts:?}");
    }
}

#[test]
fn a_file_that_was_cut_off_loses_facts_and_tells_no_lies() {
    let fleet = Fleet::new();
    fleet.keep(0..200);
    let whole = fs::read(fleet.file()).unwrap();
    for length in [0, 1, 127, 4095, whole.len() / 2 + 77, whole.len() - 1] {
        fs::write(fleet.file(), &whole[..length]).unwrap();
        assert!(fleet.count(0..200) < 200, "{length}");
        fleet.keep(0..200);
        assert_eq!(fleet.count(0..200), 200, "{length}");
    }
}

#[test]
fn a_flipped_bit_loses_its_fact_alone() {
    let fleet = Fleet::new();
    let one = path(0);
    for number in 0..2 {
        let cache = fleet.open();
        let known = cache.of(one.as_ref());
        known.keep_facts(id(number, 'a'), &usual(), &facts(number));
    }
    let whole = fs::read(fleet.file()).unwrap();
    let file = File::options().write(true).open(fleet.file()).unwrap();
    let filled = (0..whole.len()).filter(|at| whole[*at] != 0);
    for at in filled {
        let flipped = whole[at] ^ 1 << (at % 8);
        file.write_all_at(&[flipped], at as u64).unwrap();
        let known: Vec<_> = (0..2)
            .filter_map(|number| Some((number, cache_facts(&fleet, &one, number)?)))
            .collect();
        assert_eq!(known.len(), 1, "byte {at}");
        assert_eq!(known[0].1, facts(known[0].0), "byte {at}");
        file.write_all_at(&whole[at..=at], at as u64).unwrap();
    }
}

#[test]
fn several_may_write_at_once() {
    let fleet = Fleet::new();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let fleet = &fleet;
            // Each writes its own and all of the others', again and again.
            scope.spawn(move || (0..4).for_each(|turn| fleet.keep((writer + turn) % 8 * 50..400)));
        }
    });
    let known = fleet.count(0..400);
    assert!(known > 200, "{known}");
    fleet.keep(0..400);
    assert_eq!(fleet.count(0..400), 400);
}

#[test]
fn the_file_stops_growing_and_the_newest_is_known() {
    let fleet = Fleet::new();
    let one = path(0);
    for number in 0..200 {
        let cache = fleet.open();
        cache
            .of(one.as_ref())
            .keep_facts(id(number, 'a'), &usual(), &facts(number));
        let known = cache_facts(&fleet, &one, number);
        assert_eq!(known, Some(facts(number)));
    }
    assert_eq!(fleet.open().usage().unwrap().entries, 16);
}

fn cache_facts(fleet: &Fleet, path: &bstr::BString, number: u32) -> Option<Facts> {
    fleet
        .open()
        .of(path.as_ref())
        .facts(id(number, 'a'), &usual())
}

#[test]
fn a_folder_that_takes_no_file_stops_nothing() {
    let fleet = Fleet::new();
    fs::write(fleet.git_dir.path().join("flota"), "in the way").unwrap();
    fleet.keep(0..10);
    assert_eq!(fleet.count(0..10), 0);
}

#[test]
fn clearing_forgets_everything_and_nothing_is_no_error() {
    let fleet = Fleet::new();
    let cache = fleet.open();
    cache.clear().unwrap();
    fleet.keep(0..10);
    let usage = cache.usage().unwrap();
    assert_eq!(usage.entries, 10);
    assert!(usage.bytes > 0);
    cache.clear().unwrap();
    assert_eq!(fleet.count(0..10), 0);
    let empty = Usage {
        path: fleet.file(),
        entries: 0,
        bytes: 0,
    };
    assert_eq!(cache.usage().unwrap(), empty);
}

#[test]
fn a_file_of_something_else_is_not_believed() {
    let fleet = Fleet::new();
    fleet.keep(0..10);
    let length = fs::metadata(fleet.file()).unwrap().len();
    let noise: Vec<u8> = (0..length).map(|at| (at * 131 % 251) as u8).collect();
    fs::write(fleet.file(), noise).unwrap();
    assert_eq!(fleet.count(0..10), 0);
}
