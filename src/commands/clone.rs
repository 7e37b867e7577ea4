//! `flota clone`

use bstr::ByteSlice;
use std::os::unix::ffi::OsStrExt;

use super::transfer;
use crate::{
    cli::{Clone as Args, ResultFormat},
    features::clone,
    fleet::select::Selector,
    model::{error::Result, exit::Exit},
    output::{Output, human, json, progress::Progress},
};

pub(super) fn run(args: &Args, output: &Output) -> Result<Exit> {
    let progress = Progress::new(*output);
    let events = |event| progress.event(event);
    let cloned = clone::clone(&clone::CloneRequest {
        url: args.url.as_bytes().as_bstr(),
        directory: args.root.as_deref(),
        branch: args.branch.as_deref(),
        selector: &Selector::from_root(&args.services),
        sync: transfer::options(&args.bringing, &events),
    });
    progress.finish();
    let cloned = cloned?;
    match args.bringing.format {
        ResultFormat::Human => output.result(human::cloned(&cloned.directory, &cloned.synced))?,
        ResultFormat::Json => output.result(json::cloned(&cloned.directory, &cloned.synced))?,
    }
    Ok(transfer::conclude(output, &cloned.synced))
}
