//! The names of flota's refs: in every clone below `refs/flota/`, at the remote below a prefix that a server may restrict.

/// Where flota's refs are in every clone, and at the remote unless the configuration says otherwise.
pub const PREFIX: &str = "refs/flota";

/// A ref of flota's: in this clone, and at the remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedRef {
    here: String,
    there: String,
}

impl SharedRef {
    /// The ref `here`, which is below [`PREFIX`]; at the remote it is below `prefix`. A server that accepts only branches needs a prefix
    /// such as `refs/heads/flota`. In a clone it never becomes a branch, since the branches there are the user's.
    pub fn new(prefix: &str, here: String) -> Self {
        let name = here.strip_prefix(PREFIX).unwrap_or(&here);
        Self {
            there: format!("{prefix}{name}"),
            here,
        }
    }

    /// Its full name in this clone.
    pub fn here(&self) -> &str {
        &self.here
    }

    /// Its full name at the remote.
    pub fn there(&self) -> &str {
        &self.there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_remote_knows_the_prefix() {
        for (prefix, there) in [
            (PREFIX, "refs/flota/success/main"),
            ("refs/heads/flota", "refs/heads/flota/success/main"),
        ] {
            let named = SharedRef::new(prefix, "refs/flota/success/main".to_owned());
            assert_eq!(named.here(), "refs/flota/success/main");
            assert_eq!(named.there(), there);
        }
    }
}
