//! Who files belong to: numbers, or names that stand in the image's own `/etc/passwd` and `/etc/group`.

use super::tree::Owner;

/// A user and perhaps a group, as `USER` and `--chown` write them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnerName {
    user: Id,
    group: Option<Id>,
}

/// A number, or a name for one.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Id {
    Number(u32),
    Name(String),
}

impl OwnerName {
    /// Root, as long as no user is named.
    pub(super) fn root() -> Self {
        Self {
            user: Id::Number(0),
            group: None,
        }
    }

    /// Reads `user[:group]`; None for a number that is too large, and for a part that is empty.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(Id::parse(group)?)),
            None => (text, None),
        };
        let user = Id::parse(user)?;
        Some(Self { user, group })
    }

    /// The numbers. `file` gives the text of a file of the image, nothing where it is not there.
    ///
    /// A user's number without a group is its group's number too; a user's name has the group that stands beside it.
    ///
    /// # Errors
    /// The text says which name is unknown; else what `file` says.
    pub(super) fn owner<E>(
        &self,
        file: impl Fn(&str) -> Result<String, E>,
    ) -> Result<Result<Owner, String>, E> {
        let (uid, own_gid) = match &self.user {
            Id::Number(uid) => (*uid, *uid),
            Id::Name(name) => match numbers(&file("/etc/passwd")?, name) {
                Some((uid, Some(gid))) => (uid, gid),
                _ => return Ok(Err(format!("/etc/passwd has no user `{name}`"))),
            },
        };
        let gid = match &self.group {
            None => own_gid,
            Some(Id::Number(gid)) => *gid,
            Some(Id::Name(name)) => match numbers(&file("/etc/group")?, name) {
                Some((gid, _)) => gid,
                None => return Ok(Err(format!("/etc/group has no group `{name}`"))),
            },
        };
        Ok(Ok(Owner { uid, gid }))
    }
}

impl Id {
    fn parse(text: &str) -> Option<Self> {
        match text.parse() {
            Ok(number) if text.bytes().all(|b| b.is_ascii_digit()) => Some(Self::Number(number)),
            _ if text.is_empty() || text.bytes().all(|b| b.is_ascii_digit()) => None,
            _ => Some(Self::Name(text.to_owned())),
        }
    }
}

/// The numbers in the third and the fourth field of the line for `name` (passwd(5), group(5)). The fourth field of a group is a list of
/// names.
fn numbers(text: &str, name: &str) -> Option<(u32, Option<u32>)> {
    text.lines().find_map(|line| {
        let mut fields = line.trim().split(':');
        fields.next().filter(|found| *found == name)?;
        let id = fields.nth(1)?.parse().ok()?;
        Some((id, fields.next().and_then(|gid| gid.parse().ok())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(text: &str) -> Result<(u32, u32), String> {
        let name = OwnerName::parse(text).ok_or("no owner")?;
        let owner = name.owner(|path| match path {
            "/etc/passwd" => {
                Ok("root:x:0:0::/:/bin/sh\n# app:x:9:9\napp:x:1000:1001::/:\nbad:x\n".to_owned())
            }
            "/etc/group" => Ok("root:x:0:\napps:x:1002:app,root\n".to_owned()),
            other => Err(format!("asked for {other}")),
        })?;
        owner.map(|owner| (owner.uid, owner.gid))
    }

    #[test]
    fn numbers_and_names() {
        for (text, expected) in [
            ("5", (5, 5)),
            ("5:6", (5, 6)),
            ("app", (1000, 1001)),
            ("app:6", (1000, 6)),
            ("app:apps", (1000, 1002)),
            ("5:apps", (5, 1002)),
            ("root:root", (0, 0)),
        ] {
            assert_eq!(owner(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_unknown_is_named() {
        for (text, expected) in [
            ("nobody", "/etc/passwd has no user `nobody`"),
            ("bad", "/etc/passwd has no user `bad`"),
            ("app:staff", "/etc/group has no group `staff`"),
            ("", "no owner"),
            ("app:", "no owner"),
            (":apps", "no owner"),
            ("4294967296", "no owner"),
        ] {
            assert_eq!(owner(text), Err(expected.to_owned()), "{text}");
        }
    }
}
