//! `flota clone`

use std::{ffi::OsString, path::PathBuf};

use clap::Args;

use super::shared::Transfer;

/// Arguments of `flota clone`.
#[derive(Args, Debug)]
pub struct Clone {
    /// The fleet: any URL that git takes, or a directory.
    #[arg(value_name = "URL")]
    pub url: std::ffi::OsString,
    /// The directory to clone into [default: the last component of the URL].
    #[arg(value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Check out this branch or tag of the fleet.
    #[arg(short, long, value_name = "BRANCH")]
    pub branch: Option<String>,
    /// Clone only the services that GLOB matches, by path or name; can be given several times.
    #[arg(long = "service", value_name = "GLOB")]
    pub services: Vec<OsString>,
    /// How to clone submodules.
    #[command(flatten)]
    pub bringing: Transfer,
}
