//! How a submodule gets to its pin: `submodule.<name>.update` (gitmodules(5), git-submodule(1)).

use gix::config::File;

use crate::{
    git::vet::Link,
    model::error::{Error, Result},
};

/// What `update` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// HEAD is detached at the pin.
    Checkout,
    /// The commits of HEAD are put on top of the pin.
    Rebase,
    /// The pin is merged into HEAD.
    Merge,
    /// The submodule stays as it is, unless somebody names it.
    None,
    /// A command of the user's own is run, which only git does.
    Command,
}

impl Strategy {
    /// Of a submodule whose parent has this configuration, which counts before `.gitmodules`, which may name no command (CVE-2019-19604).
    ///
    /// # Errors
    /// Repository: it is none that git knows.
    pub(crate) fn of(config: &File, link: &Link) -> Result<Self> {
        let configured = config.string_by("submodule", Some(link.name()), "update");
        let listed = || link.listed.as_ref()?.update.clone();
        let Some(update) = configured.or_else(listed) else {
            return Ok(Self::Checkout);
        };
        match update.trim_ascii() {
            b"checkout" => Ok(Self::Checkout),
            b"rebase" => Ok(Self::Rebase),
            b"merge" => Ok(Self::Merge),
            b"none" => Ok(Self::None),
            [b'!', ..] => Ok(Self::Command),
            _ => {
                let key = format!("submodule.{}.update", link.name());
                Err(Error::repository(format!(
                    "{key} is `{update}`, and not one of checkout, rebase, merge and none"
                ))
                .hint(format!("correct it: git config {key} checkout")))
            }
        }
    }
}
