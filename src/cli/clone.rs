//! `flota clone`

use std::{ffi::OsString, path::PathBuf};

use clap::Args;

use super::Bringing;

/// Arguments of `flota clone`.
#[derive(Args, Debug)]
pub struct Clone {
    /// Where the fleet is: any URL that git takes, or a folder.
    #[arg(value_name = "URL")]
    pub url: std::ffi::OsString,
    /// Where to put it [default: the URL's last component].
    #[arg(value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Check out this branch or tag.
    #[arg(short, long, value_name = "BRANCH")]
    pub branch: Option<String>,
    /// Bring only the services that GLOB matches, by path or name; may be given again.
    #[arg(long = "service", value_name = "GLOB")]
    pub services: Vec<OsString>,
    /// How to bring submodules.
    #[command(flatten)]
    pub bringing: Bringing,
}
