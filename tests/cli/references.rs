//! Image references are read as oci-spec reads them, but for what no registry takes.

use std::env;

use flota::model::reference::Reference;
use oci_spec::distribution::Reference as OracleReference;

use crate::support::random::Random;

const PIECES: [&str; 32] = [
    "a",
    "b0",
    "web",
    "A",
    "_",
    "__",
    "-",
    "--",
    ".",
    "..",
    "/",
    "/",
    "/",
    ":",
    ":",
    "@",
    "localhost",
    "docker.io",
    "index.docker.io",
    "library",
    "ghcr.io",
    "127.0.0.1",
    ":5000",
    ":65536",
    "latest",
    "1.0.0",
    "sha256:",
    "sha512:",
    "md5:",
    "+",
    "é",
    " ",
];

/// What no registry takes, and oci-spec does.
fn is_taken(text: &str, oracle: &OracleReference) -> bool {
    let port = oracle.registry().rsplit_once(':').map(|(_, port)| port);
    text.is_ascii()
        && !oracle
            .repository()
            .contains(|c: char| c.is_ascii_uppercase())
        && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// `FLOTA_TEST_SEED` repeats a run.
#[test]
fn references_are_read_as_another_parser_reads_them() {
    let seed = env::var("FLOTA_TEST_SEED").map_or(17, |seed| seed.parse().unwrap());
    let mut random = Random(seed);
    let mut taken = 0;
    for _ in 0..20_000 {
        let mut text: String = (0..random.below(9))
            .map(|_| *random.pick(&PIECES))
            .collect();
        if random.one_in(4) {
            text.push_str(&"f".repeat(*random.pick(&[31, 32, 64, 96, 128])));
        }
        if random.one_in(50) {
            text.insert_str(0, &"long/".repeat(51 + random.below(3)));
        }
        let case = format!("FLOTA_TEST_SEED={seed}: {text:?}");
        let oracle = text.parse().ok().filter(|oracle| is_taken(&text, oracle));
        let parts = |registry: &str, repository: &str, tag: Option<&str>, digest: Option<&str>| {
            [Some(registry), Some(repository), tag, digest].map(|part| part.map(str::to_owned))
        };
        let read = Reference::parse(&text).ok().map(|it| {
            let parts = parts(it.registry(), it.repository(), it.tag(), it.digest());
            (parts, it.to_string())
        });
        let expected = oracle.map(|it: OracleReference| {
            let parts = parts(it.registry(), it.repository(), it.tag(), it.digest());
            (parts, it.to_string())
        });
        assert_eq!(read, expected, "{case}");
        taken += usize::from(read.is_some());
    }
    assert!(taken > 2_000, "{taken}");
}
