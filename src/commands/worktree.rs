//! `flota worktree`

use super::{context::Context, context::with_progress, transfer};
use crate::{
    cli::{
        ResultFormat, WorktreeAdd, WorktreeArgs as Args, WorktreeCommand, WorktreeList,
        WorktreeRemove,
    },
    features::worktree::{self, AddOptions},
    model::{error::Result, exit::Exit},
    output::{Output, error, human, json},
};

pub(super) fn run(args: &Args, context: &Context, output: &Output) -> Result<Exit> {
    match &args.command {
        WorktreeCommand::Add(args) => add(args, context, output),
        WorktreeCommand::List(args) => list(args, context, output),
        WorktreeCommand::Remove(args) => remove(args, context, output),
    }
}

fn add(args: &WorktreeAdd, context: &Context, output: &Output) -> Result<Exit> {
    let added = with_progress(output, |events| {
        let options = AddOptions {
            directory: &context.dir.join(&args.root),
            branch: args.branch.as_deref(),
            dry_run: args.dry_run,
            sync: transfer::options(&args.bringing, events),
        };
        worktree::add(&context.repository, &options)
    })?;
    match args.bringing.format {
        ResultFormat::Human => {
            output.result(human::worktree_added(&added.directory, &added.synced))?
        }
        ResultFormat::Json => {
            output.result(json::worktree_added(&added.directory, &added.synced))?
        }
    }
    if args.dry_run {
        output.dry_run();
        return Ok(Exit::Done);
    }
    let words = ["-C".into(), added.directory.into(), "update".into()];
    let again = transfer::again(&words, &args.bringing, &[]);
    Ok(transfer::conclude(output, &added.synced, &again))
}

fn list(args: &WorktreeList, context: &Context, output: &Output) -> Result<Exit> {
    let worktrees = worktree::list(&context.repository)?;
    match args.format {
        ResultFormat::Human => output.result(human::worktrees(&worktrees))?,
        ResultFormat::Json => output.result(json::worktrees(&worktrees))?,
    }
    Ok(Exit::Done)
}

fn remove(args: &WorktreeRemove, context: &Context, output: &Output) -> Result<Exit> {
    let directory = context.dir.join(&args.root);
    let removal = worktree::remove(&context.repository, &directory, args.dry_run)?;
    match args.format {
        ResultFormat::Human => output.result(human::worktree_removed(&removal))?,
        ResultFormat::Json => output.result(json::worktree_removed(&removal))?,
    }
    for obstacle in &removal.obstacles {
        match obstacle.path.is_empty() {
            true => error::report(output, &obstacle.error),
            false => error::report_of(output, obstacle.path.as_ref(), &obstacle.error),
        }
    }
    if args.dry_run {
        output.dry_run();
    }
    Ok(match removal.obstacles.is_empty() {
        true => Exit::Done,
        false => Exit::Repository,
    })
}
