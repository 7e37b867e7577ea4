//! The URLs that a repository knows: of its own remote, and of its submodules in earlier commits.

use bstr::{BStr, BString, ByteVec};

use super::{
    super::{objects::Objects, older_urls::OlderUrls, remote},
    Repository,
};
use crate::model::error::Result;

impl Repository {
    /// What relative URLs of its `.gitmodules` are relative to: the URL of its own remote, without one its folder.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn base_url(&self) -> Result<&BStr> {
        if self.base_url.get().is_none() {
            let repo = self.to_local()?;
            let url = remote::url(&repo, remote::name(&repo).as_ref());
            let folder = || {
                // Without `..`: what is relative takes away the folder's own name first.
                let found = self.work_dir().unwrap_or(self.common_dir());
                let folder = self.folder().unwrap_or_else(|_| found.to_owned());
                Vec::from_path_lossy(&folder).into_owned().into()
            };
            // Of two threads that come here at once, one looks in vain.
            let _ = self.base_url.set(url.unwrap_or_else(folder));
        }
        Ok(self.base_url.get().map_or("".into(), |url| url.as_ref()))
    }

    /// The URLs that `.gitmodules` had in the commits of HEAD; none where they cannot be read.
    pub fn older_urls(&self) -> &OlderUrls {
        self.older_urls.get_or_init(|| {
            let head = self.resolve_first(["HEAD"]);
            let objects = self.objects();
            head.and_then(|(_, head)| OlderUrls::of(Objects::new(&objects), head).ok())
                .unwrap_or_default()
        })
    }

    /// The URL of its own remote ([`remote::name`]), as configured.
    pub fn remote_url(&self) -> Option<BString> {
        let repo = self.to_local().ok()?;
        remote::url(&repo, remote::name(&repo).as_ref())
    }

    /// Whether a URL of the remote `name` is configured.
    pub fn has_remote(&self, name: &BStr) -> Result<bool> {
        Ok(remote::url(&self.to_local()?, name).is_some())
    }
}
