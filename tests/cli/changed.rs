//! `flota changed`

use crate::sandbox::Sandbox;

#[test]
fn code_differs() {
    let sandbox = Sandbox::scripted("code");
    let ran = sandbox.flota("fleet", &["changed", "HEAD~1..HEAD"]);
    insta::assert_snapshot!(ran.transcript());
}
