//! `flota clone`

use bstr::ByteSlice;
use std::{ffi::OsString, os::unix::ffi::OsStrExt};

use super::transfer;
use crate::{
    cli::{Clone as Args, ResultFormat, Transfer},
    features::clone,
    fleet::select::Selector,
    model::{error::Result, exit::Exit, fleet::without_credentials},
    output::{Output, error, human, json, progress::Progress},
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
    let cloned = cloned.map_err(|error| match error.exit().is_signal() {
        true => error.hint(format!(
            "nothing of it was kept; start again: {}",
            begun(args)
        )),
        false => error,
    })?;
    match args.bringing.format {
        ResultFormat::Human => output.result(human::cloned(&cloned.directory, &cloned.synced))?,
        ResultFormat::Json => output.result(json::cloned(&cloned.directory, &cloned.synced))?,
    }
    let words = ["-C".into(), cloned.directory.into(), "update".into()];
    let again = transfer::again(&words, &args.bringing, &args.services);
    let exit = transfer::conclude(output, &cloned.synced, &again);
    let Transfer { depth, filter, .. } = &args.bringing;
    let has_chosen = !args.services.is_empty() || depth.is_some() || filter.is_some();
    if has_chosen && matches!(exit, Exit::WorkFailed | Exit::Unavailable) {
        error::hint(output, &format!("once that is mended: {again}"));
    }
    Ok(exit)
}

/// The command line that was given, as far as it says what to clone.
fn begun(args: &Args) -> String {
    let mut words: Vec<OsString> = vec!["clone".into()];
    if let Some(branch) = &args.branch {
        words.extend(["--branch".into(), branch.into()]);
    }
    for service in &args.services {
        words.extend(["--service".into(), service.clone()]);
    }
    let url = without_credentials(args.url.as_bytes().as_bstr());
    let place = args.root.clone().map(OsString::from);
    let rest: Vec<_> = [url.to_os_str_lossy().into_owned()]
        .into_iter()
        .chain(place)
        .collect();
    transfer::again(&words, &args.bringing, &rest)
}
