//! `--chmod`: a mode in octal, or in the symbols of chmod(1).

/// Permissions, and the bits that give the owner's or the group's rights to who runs a file.
const STANDARD: u32 = 0o6777;
const STICKY: u32 = 0o1000;

/// What `--chmod` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// All bits, at most `0o7777`.
    Octal(u32),
    /// Changes, one after the other.
    Symbolic(Vec<ModeChange>),
}

/// One change of a symbolic mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ModeChange {
    Set(u32),
    Clear(u32),
    /// `X`: sets the bits of directories, and of files that somebody could run before.
    SetSearch(u32),
    /// `g=u` and its like: the permissions of one class go to others.
    Copy {
        /// How far the class's bits are from the lowest three.
        from: u32,
        /// The same for each class that they go to.
        to: Vec<u32>,
        /// `+`, `-` or `=`.
        operator: u8,
    },
}

impl Mode {
    /// Reads `--chmod=text`; `None` if it is no mode.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.bytes().next()? {
            b'0'..=b'9' => u32::from_str_radix(text, 8)
                .ok()
                .filter(|&mode| mode <= 0o7777)
                .map(Self::Octal),
            _ => symbolic(text).map(Self::Symbolic),
        }
    }

    /// The mode of a copy, where its source has `mode`.
    pub(super) fn of_copy(&self, mode: u32, is_directory: bool) -> u32 {
        let changes = match self {
            Self::Octal(octal) => return *octal,
            Self::Symbolic(changes) => changes,
        };
        let mut new = mode;
        for change in changes {
            match change {
                ModeChange::Set(bits) => new |= bits,
                ModeChange::Clear(bits) => new &= !bits,
                ModeChange::SetSearch(bits) if is_directory || mode & 0o111 != 0 => new |= bits,
                ModeChange::SetSearch(_) => {}
                ModeChange::Copy { from, to, operator } => {
                    let bits = new >> from & 0o7;
                    for to in to {
                        match operator {
                            b'+' => new |= bits << to,
                            b'-' => new &= !(bits << to),
                            _ => new = new & !(0o7 << to) | bits << to,
                        }
                    }
                }
            }
        }
        new
    }

    /// The mode of a directory that is made because the destination needs it.
    pub(super) fn of_made_directory(&self) -> u32 {
        match self {
            Self::Octal(octal) => octal & 0o777,
            Self::Symbolic(_) => 0o755,
        }
    }
}

/// Clauses as in `u=rwx,go-w`. Source: BSD's setmode(3), which BuildKit follows.
fn symbolic(text: &str) -> Option<Vec<ModeChange>> {
    let mut changes = Vec::new();
    for clause in text.split(',') {
        let operators = clause.find(['+', '-', '='])?;
        let (classes, mut rest) = clause.split_at(operators);
        let mut who = 0;
        for class in classes.bytes() {
            who |= match class {
                b'a' => STANDARD,
                b'u' => 0o4700,
                b'g' => 0o2070,
                b'o' => 0o0007,
                _ => return None,
            };
        }
        while let Some(&operator) = rest.as_bytes().first() {
            if !matches!(operator, b'+' | b'-' | b'=') {
                return None;
            }
            let end = rest[1..]
                .find(['+', '-', '='])
                .map_or(rest.len(), |at| at + 1);
            permissions(operator, who, &rest.as_bytes()[1..end], &mut changes)?;
            rest = &rest[end..];
        }
    }
    Some(changes)
}

/// One operator of a clause with its permissions.
fn permissions(
    operator: u8,
    who: u32,
    symbols: &[u8],
    changes: &mut Vec<ModeChange>,
) -> Option<()> {
    let mut who = who;
    let (mut bits, mut search) = (0, 0);
    let mut copied = false;
    for symbol in symbols {
        let is_for_others_alone = who != 0 && who & !0o0007 == 0;
        match symbol {
            b'r' => bits |= 0o444,
            b'w' => bits |= 0o222,
            b'x' => bits |= 0o111,
            b'X' if operator == b'-' => bits |= 0o111,
            b'X' => search = 0o111,
            b's' | b't' if is_for_others_alone => {}
            b's' => bits |= 0o6000,
            b't' => {
                who |= STICKY;
                bits |= STICKY;
            }
            b'u' | b'g' | b'o' => {
                flush(operator, who, &mut bits, &mut search, changes);
                copied = true;
                let shift = |class: &u8| match class {
                    b'u' => 6,
                    b'g' => 3,
                    _ => 0,
                };
                let named = |class: &&u8| who == 0 || who & 0o4 << shift(class) != 0;
                let to = b"ugo".iter().filter(named).map(shift).collect();
                let from = shift(symbol);
                changes.push(ModeChange::Copy { from, to, operator });
            }
            _ => return None,
        }
    }
    if operator == b'=' && bits == 0 && !copied {
        changes.push(ModeChange::Clear(among(who, STANDARD)));
    }
    flush(operator, who, &mut bits, &mut search, changes);
    Some(())
}

/// Of `bits` those of the classes `who`; no class means all.
fn among(who: u32, bits: u32) -> u32 {
    if who == 0 { bits } else { who & bits }
}

fn flush(operator: u8, who: u32, bits: &mut u32, search: &mut u32, changes: &mut Vec<ModeChange>) {
    if *bits != 0 {
        let bits = among(who, std::mem::take(bits));
        match operator {
            b'-' => changes.push(ModeChange::Clear(bits)),
            b'+' => changes.push(ModeChange::Set(bits)),
            _ => {
                let cleared = if who == 0 { STANDARD } else { who };
                changes.extend([ModeChange::Clear(cleared), ModeChange::Set(bits)]);
            }
        }
    }
    if *search != 0 {
        changes.push(ModeChange::SetSearch(among(who, std::mem::take(search))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_those_of_chmod() {
        for (text, file, directory) in [
            ("755", 0o755, 0o755),
            ("0600", 0o600, 0o600),
            ("4711", 0o4711, 0o4711),
            ("u+x", 0o744, 0o755),
            ("+x", 0o755, 0o755),
            ("go-r", 0o600, 0o711),
            ("a=rX", 0o444, 0o555),
            ("u=rwx,g=rx,o=", 0o750, 0o750),
            ("g=u", 0o664, 0o775),
            ("go=u-w", 0o644, 0o755),
            ("go=", 0o600, 0o700),
            ("u+s,g+s,+t", 0o7644, 0o7755),
            ("o+t", 0o644, 0o755),
            ("=", 0, 0),
        ] {
            let mode = Mode::parse(text).unwrap();
            assert_eq!(mode.of_copy(0o644, false), file, "{text}");
            assert_eq!(mode.of_copy(0o755, true), directory, "{text}");
        }
    }

    #[test]
    fn what_is_no_mode() {
        for text in [
            "", "0o755", "9", "10000", "u*x", "x", "u", "+755", "u+x,", "z+r", "rwx",
        ] {
            assert_eq!(Mode::parse(text), None, "{text}");
        }
    }

    #[test]
    fn directories_that_a_copy_makes() {
        let made = |text| Mode::parse(text).unwrap().of_made_directory();
        assert_eq!(made("4711"), 0o711);
        assert_eq!(made("go="), 0o755);
    }
}
