//! What cannot be meant or cannot be read ends with the right exit code, a sentence that names it, and a way out; never with
//! "nothing changed".

use crate::sandbox::{Ran, Sandbox};

mod configuration;
mod gitmodules;
mod output;
mod pins;
mod repositories;
mod revisions;

const LAST: &str = "HEAD~1..HEAD";

// Exit codes (design §5).
const MISUSE: i32 = 2;
const ENVIRONMENT: i32 = 3;
const REPOSITORY: i32 = 4;

/// The transcript of a run that was refused: with this exit code, and without a result.
#[track_caller]
fn refused(ran: &Ran, exit: i32) -> String {
    assert_eq!(ran.status, Some(exit), "{}", ran.stderr);
    assert!(ran.stdout.is_empty(), "{}", ran.text());
    assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    ran.transcript()
}

/// The transcript of a run whose answer stands for everything else, and which names the one thing that it leaves out.
fn named(ran: &Ran, exit: i32) -> String {
    assert_eq!(ran.status, Some(exit), "{}", ran.stderr);
    assert!(!ran.stdout.is_empty());
    assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    ran.transcript()
}

fn changed(sandbox: &Sandbox, args: &[&str]) -> Ran {
    sandbox.flota("fleet", &[&["changed"], args].concat())
}

fn commit_all(sandbox: &Sandbox) {
    sandbox.git("fleet", &["add", "--all"]);
    sandbox.git("fleet", &["commit", "--quiet", "--message", "Damage it"]);
}
