//! `flota foreach`

use std::ffi::OsString;

use clap::Args;

use super::shared::{COMPARED, Ends, ResultFormat};

/// Arguments of `flota foreach`.
#[derive(Args, Debug)]
pub struct Foreach {
    /// Only this service, given by path, name or glob; can be given several times.
    #[arg(short, long = "service", value_name = "SERVICE")]
    pub services: Vec<OsString>,
    /// Only the services that `flota changed` lists.
    #[arg(long, help_heading = COMPARED)]
    pub changed: bool,
    /// --base and --head.
    #[command(flatten)]
    pub ends: Ends,
    /// How many commands to run at a time [default: the number of cores].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Also run it in the submodules of services, nested ones too, each after the one that it lies in.
    #[arg(long)]
    pub recursive: bool,
    /// Continue after a failure.
    #[arg(short, long)]
    pub keep_going: bool,
    /// The format of the result; human prints each service when it ends, json all at the end.
    #[arg(long, value_enum, default_value = "human")]
    pub format: ResultFormat,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<std::ffi::OsString>,
}
