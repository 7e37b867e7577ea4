//! Floor 4: one file for each command. This file only calls the right one.

use std::path::Path;

use crate::{
    cli::{Command, Global},
    model::{error::Result, exit::Exit},
    output::Output,
};

mod answers;
mod branch;
mod build;
mod bump;
mod cache;
mod changed;
mod check;
mod ci;
mod clone;
mod commit;
mod completions;
mod context;
mod demo;
mod diff;
mod explain;
mod fetch;
mod foreach;
mod graph;
mod help;
mod init;
mod log;
mod man;
mod new;
mod plan;
mod pull;
mod push;
mod record;
mod resolve;
mod status;
mod switch;
mod sync;
mod template;
mod templates;
mod transfer;
mod update;
mod worktree;

use context::Context;

/// Runs one command, in `dir`; `-C` has been followed by then.
pub(crate) fn dispatch(
    command: Command,
    dir: &Path,
    global: &Global,
    output: &Output,
) -> Result<Exit> {
    let open = || Context::open(dir, global, false);
    let open_maybe_offline = |offline| Context::open(dir, global, offline);
    match command {
        Command::Changed(args) => {
            changed::run(&args, &open_maybe_offline(args.reading.offline)?, output)
        }
        Command::Plan(args) => plan::run(&args, &open_maybe_offline(args.reading.offline)?, output),
        Command::Graph(args) => graph::run(&args, &open_maybe_offline(args.offline)?, output),
        Command::Explain(args) => explain::run(&args, &open_maybe_offline(args.offline)?, output),
        Command::Check(args) => check::run(&args, &open_maybe_offline(args.offline)?, output),
        Command::Build(args) => build::run(&args, &open_maybe_offline(args.offline)?, output),
        Command::Record(args) => record::run(&args, &open_maybe_offline(args.offline)?, output),
        Command::Clone(args) => clone::run(&args, output),
        Command::Update(args) => update::run(&args, &open()?, output),
        Command::Status(args) => status::run(&args, &open()?, output),
        Command::Foreach(args) => foreach::run(&args, &open()?, output),
        Command::Commit(args) => commit::run(&args, &open()?, output),
        Command::Push(args) => push::run(&args, &open()?, output),
        Command::Log(args) => log::run(&args, &open()?, output),
        Command::Diff(args) => diff::run(&args, &open()?, output),
        Command::Fetch(args) => fetch::run(&args, &open()?, output),
        Command::Pull(args) => pull::run(&args, &open()?, output),
        Command::Branch(args) => branch::run(&args, &open()?, output),
        Command::Bump(args) => bump::run(&args, &open()?, output),
        Command::Switch(args) => switch::run(&args, &open()?, output),
        Command::Sync(args) => sync::run(&args, &open()?, output),
        Command::Resolve(args) => resolve::run(&args, &open()?, output),
        Command::Worktree(args) => worktree::run(&args, &open()?, output),
        Command::Ci(args) => ci::run(&args, &open()?, output),
        Command::Cache(args) => cache::run(&args, &open()?, output),
        Command::Init(args) => init::run(&args, dir, output),
        Command::New(args) => new::run(&args, &open()?, output),
        Command::Template(args) => template::run(&args, &open()?, output),
        Command::Templates(args) => templates::run(&args, output),
        Command::Demo(args) => demo::run(&args, global, output, dispatch),
        Command::Completions(args) => completions::run(&args, output),
        Command::Man(args) => man::run(&args, output),
        Command::Help(args) => help::run(&args, output),
    }
}
