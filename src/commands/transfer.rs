//! What `clone` and `update` share: how submodules are fetched, and what is printed about those that are not at their pins.

use std::{ffi::OsString, num::NonZeroUsize, time::Duration};

use crate::{
    cli::Transfer,
    files,
    fleet::sync::SyncOptions,
    git::network::clone,
    model::{
        error::Error,
        event::Events,
        exit::Exit,
        sync::{self, Synced},
    },
    output::{Output, error},
};

/// How many requests to HTTP servers at a time when nobody says: they cost a thread that waits.
const REQUESTS: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// How many children when nobody says. An SSH server begins to refuse beyond ten newcomers (sshd_config(5), MaxStartups).
pub(super) const CHILDREN: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// How long a server may be silent when nobody says, in seconds.
const PATIENCE: u32 = 60;

/// What the arguments say, with a default for what they leave out.
pub(super) fn options<'a>(args: &Transfer, events: Events<'a>) -> SyncOptions<'a> {
    SyncOptions {
        jobs: args.jobs.unwrap_or(REQUESTS),
        are_jobs_chosen: args.jobs.is_some(),
        access: clone::CloneOptions {
            depth: args.depth,
            patience: Duration::from_secs(args.patience.get().into()),
            is_partial: args.filter.is_some(),
            children: args.jobs.unwrap_or(CHILDREN),
            is_cached: !args.no_cache,
            events,
        },
        overwrites_ignored: false,
    }
}

/// The same where only the number of jobs can be chosen.
pub(super) fn defaults(jobs: Option<NonZeroUsize>, events: Events<'_>) -> SyncOptions<'_> {
    SyncOptions {
        jobs: jobs.unwrap_or(REQUESTS),
        are_jobs_chosen: jobs.is_some(),
        access: clone::CloneOptions {
            depth: None,
            patience: Duration::from_secs(PATIENCE.into()),
            is_partial: false,
            children: jobs.unwrap_or(CHILDREN),
            is_cached: true,
            events,
        },
        overwrites_ignored: false,
    }
}

/// The command that brings what a run left, with all that the user chose; it can be pasted into a shell. `words` are its name and what
/// comes before.
pub(super) fn again(words: &[OsString], args: &Transfer, services: &[OsString]) -> String {
    let mut all = vec![OsString::from("flota")];
    all.extend_from_slice(words);
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            all.extend([name.into(), value.into()]);
        }
    };
    add("--jobs", args.jobs.map(|jobs| jobs.to_string()));
    add("--depth", args.depth.map(|depth| depth.to_string()));
    add("--filter", args.filter.clone());
    let patience = args.patience.get();
    add(
        "--patience",
        (patience != PATIENCE).then(|| patience.to_string()),
    );
    all.extend(args.no_cache.then(|| "--no-cache".into()));
    all.extend_from_slice(services);
    quoted(&all)
}

/// A command line, each word quoted where a shell would read something else into it.
pub(super) fn quoted(words: &[OsString]) -> String {
    let quote = |word: &OsString| {
        let word = word.to_string_lossy();
        // A word that no shell can take is shown as it is.
        shlex::try_quote(&word).map_or_else(|_| word.to_string(), |quoted| quoted.into_owned())
    };
    let words: Vec<_> = words.iter().map(quote).collect();
    words.join(" ")
}

/// Says why some are not where they belong, and which command goes on if a signal stopped the run. Gives the exit code.
pub(super) fn conclude(output: &Output, synced: &[Synced], again: &str) -> Exit {
    let exit = sync::exit(synced);
    let stopped = report(output, synced);
    if stopped > 0 {
        interrupted(output, exit, (stopped, synced.len()), again);
    }
    exit
}

/// Says why some are not where they belong, a full disk once for all. Of those that a signal stopped only the number is given.
pub(super) fn report<'a>(output: &Output, synced: impl IntoIterator<Item = &'a Synced>) -> usize {
    let (mut stopped, mut without_room) = (0, 0);
    for one in synced {
        match one.outcome.error() {
            None => {}
            Some(error) if error.exit().is_signal() => stopped += 1,
            Some(error) => {
                let is_full = files::is_full(error);
                if !is_full || without_room == 0 {
                    error::report_of(output, one.path.as_ref(), error);
                }
                without_room += usize::from(is_full);
            }
        }
    }
    if without_room > 1 {
        let more = without_room - 1;
        error::hint(output, &format!("there was no space for {more} more, too"));
    }
    stopped
}

/// Says that a signal stopped `stopped` of all, and which command goes on.
pub(super) fn interrupted(
    output: &Output,
    exit: Exit,
    (stopped, all): (usize, usize),
    again: &str,
) {
    let what = format!("interrupted: {stopped} of {all} not done");
    error::report(
        output,
        &Error::new(exit, what).hint(format!("go on: {again}")),
    );
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::cli::ResultFormat;

    #[test]
    fn what_was_chosen_is_repeated_as_a_shell_takes_it() {
        let args = |depth: Option<u32>, filter: Option<&str>, no_cache| Transfer {
            jobs: NonZeroUsize::new(3),
            depth: depth.and_then(NonZeroU32::new),
            filter: filter.map(ToOwned::to_owned),
            patience: NonZeroU32::new(if no_cache { 5 } else { PATIENCE }).unwrap(),
            no_cache,
            format: ResultFormat::Human,
        };
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(
            again(&words(&["update"]), &args(None, None, false), &[]),
            "flota update --jobs 3"
        );
        assert_eq!(
            again(
                &words(&["-C", "my fleet", "update"]),
                &args(Some(1), Some("blob:none"), true),
                &words(&["w*", "it's"]),
            ),
            "flota -C 'my fleet' update --jobs 3 --depth 1 --filter blob:none --patience 5 --no-cache 'w*' \"it's\""
        );
    }
}
