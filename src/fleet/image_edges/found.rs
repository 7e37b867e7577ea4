//! What Dockerfiles say, and what is said of those that say nothing.

use std::collections::BTreeMap;

use bstr::BString;

use crate::model::{
    change::{Warning, WarningKind},
    image_edge::ImageEdges,
};

/// What Dockerfiles say.
#[derive(Clone, Debug, Default)]
pub(crate) struct EdgesFound {
    /// The edges.
    pub edges: ImageEdges,
    /// Why the Dockerfile of a service cannot be read, by the service's path.
    pub unread: BTreeMap<BString, String>,
    /// What flota does not understand in the Dockerfile of a service, and on which line, by the service's path.
    pub malformed: BTreeMap<BString, String>,
}

impl EdgesFound {
    /// Adds what `other` says.
    pub(crate) fn extend(&mut self, other: Self) {
        for (child, parent) in other.edges.iter() {
            self.edges.add(child.as_ref(), [parent.clone()]);
        }
        self.unread.extend(other.unread);
        self.malformed.extend(other.malformed);
    }

    /// That nobody knows what those of the services at `paths` build on whose Dockerfile flota does not understand.
    pub(crate) fn malformed_warnings<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p BString>,
    ) -> Vec<Warning> {
        let malformed = paths.into_iter().filter_map(|path| {
            let said = self.malformed.get(path)?;
            let message = format!(
                "{path}: {said}: flota does not understand this Dockerfile, and does not know which images of the fleet it names; it neither builds this image after those nor again for them"
            );
            Some(unknown_base(path, message))
        });
        malformed.collect()
    }

    /// The same of those whose Dockerfile cannot be read.
    pub(crate) fn unread_warnings<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p BString>,
    ) -> Vec<Warning> {
        let unread = paths.into_iter().filter_map(|path| {
            let why = self.unread.get(path)?;
            let shown = path.to_string();
            let shown = shlex::try_quote(&shown).map_or_else(|_| shown.clone(), Into::into);
            let message = format!(
                "{path}: its Dockerfile cannot be read ({why}), so that flota does not know whether its image is built on one that is built now, and does not build it again; bring it here: flota update {shown}"
            );
            Some(unknown_base(path, message))
        });
        unread.collect()
    }
}

fn unknown_base(path: &BString, message: String) -> Warning {
    Warning {
        path: Some(path.clone()),
        kind: WarningKind::UnknownBase,
        message,
    }
}
