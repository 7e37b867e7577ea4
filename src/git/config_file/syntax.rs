//! The syntax of configuration files, read as git reads it (config.c, git-config(1)): what `git config --file F --list` prints.
//!
//! gix's parser answers differently here and there: it keeps the capitals of an old-form subsection (`[submodule.Name]`), and reads
//! `url path = x` and `path x`, which git refuses, as keys without a value. For what only asks git's questions (where a submodule is,
//! whether a repository is ordinary) that is another answer, so such files are read here. Nothing is allocated for a setting: a list of
//! thousands of submodules is read in no time.

use bstr::ByteSlice;

/// What is wrong with a file: git's "bad config line N".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::git) struct BadLine(pub usize);

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::git) struct Setting<'a> {
    /// Its full name before the last dot, as git prints it: the section in small letters, then a dot and the subsection, if there is
    /// one; empty for a setting before the first section.
    pub section: &'a [u8],
    /// Its key, in small letters.
    pub key: &'a [u8],
    /// Its value; none where there is no `=`, which means `true`.
    pub value: Option<&'a [u8]>,
}

impl<'a> Setting<'a> {
    /// The subsection, if the section is `name` and has one.
    pub(in crate::git) fn subsection_of(&self, name: &str) -> Option<&'a [u8]> {
        let rest = self.section.strip_prefix(name.as_bytes())?;
        rest.strip_prefix(b".")
    }
}

/// Gives each setting of `text` to `each`, in order.
///
/// # Errors
/// git would refuse the file. What comes before that line was given to `each`.
pub(in crate::git) fn read(text: &[u8], mut each: impl FnMut(Setting<'_>)) -> Result<(), BadLine> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut reader = Reader {
        rest: text,
        line: 1,
        is_over: false,
    };
    let (mut section, mut key, mut value) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        match reader.plain_line() {
            Some(PlainLine::Section(name, subsection)) => {
                section.clear();
                section.extend_from_slice(name);
                section.push(b'.');
                section.extend_from_slice(subsection);
                continue;
            }
            Some(PlainLine::Setting(key, value)) => {
                each(Setting {
                    section: &section,
                    key,
                    value: Some(value),
                });
                continue;
            }
            None => {}
        }
        let line = reader.line;
        match reader.next() {
            b'\n' if reader.is_over => return Ok(()),
            b'#' | b';' => reader.skip_line(),
            byte if is_blank(byte) => {}
            b'[' => {
                section.clear();
                reader.section(&mut section).ok_or(BadLine(line))?;
            }
            byte if byte.is_ascii_alphabetic() => {
                key.clear();
                key.push(byte.to_ascii_lowercase());
                let has_value = reader.setting(&mut key, &mut value).ok_or(BadLine(line))?;
                each(Setting {
                    section: &section,
                    key: &key,
                    value: has_value.then_some(&value),
                });
            }
            _ => return Err(BadLine(line)),
        }
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What git's `isspace` is: neither a form feed nor a vertical tab.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// What does not stand for itself in a value, or maybe not.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | b'#' | b';' | b'\r')
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// `text` without the spaces and tabs before it.
fn after_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|byte| is_space(**byte)).count();
    &text[spaces..]
}

/// `text` without the spaces and tabs after it.
fn before_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().rev().take_while(|byte| is_space(**byte));
    &text[..text.len() - spaces.count()]
}

const fn is_of_a_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// A line in which each byte stands for itself.
enum PlainLine<'a> {
    /// `[name "subsection"]`: both.
    Section(&'a [u8], &'a [u8]),
    /// `key = value`: both.
    Setting(&'a [u8], &'a [u8]),
}

/// What follows the `[` of `[name "subsection"]`.
fn plain_header(text: &[u8]) -> Option<PlainLine<'_>> {
    let (name, subsection) = text.strip_suffix(b"\"]")?.split_at(key_length(text));
    let subsection = subsection.strip_prefix(b" \"")?;
    let is_plain =
        !name.is_empty() && !any(subsection, |byte| matches!(byte, b'"' | b'\\' | b'\r'));
    is_plain.then_some(PlainLine::Section(name, subsection))
}

fn plain_setting(text: &[u8]) -> Option<PlainLine<'_>> {
    let (key, value) = text.split_at(key_length(text));
    let value = after_spaces(value).strip_prefix(b"=")?;
    let is_plain = key.first()?.is_ascii_lowercase() && !any(value, is_special);
    is_plain.then(|| PlainLine::Setting(key, before_spaces(after_spaces(value))))
}

/// How much of `text` is a key, or the name of a section, in small letters.
fn key_length(text: &[u8]) -> usize {
    let of_a_key = text.iter().take_while(|byte| SMALL[usize::from(**byte)]);
    of_a_key.count()
}

/// Which bytes a key in small letters has: to look it up takes a third of the time.
const SMALL: [bool; 256] = {
    let mut small = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        small[byte as usize] = is_of_a_key(byte) && !byte.is_ascii_uppercase();
        byte += 1;
    }
    small
};

/// Whether any byte of `text` is such a one. Each is looked at, several at once, which takes less time than to stop at the first.
fn any(text: &[u8], is_such: impl Fn(u8) -> bool) -> bool {
    text.iter()
        .fold(false, |so_far, byte| so_far | is_such(*byte))
}

struct Reader<'a> {
    rest: &'a [u8],
    /// The number of the line that is being read.
    line: usize,
    /// Whether the end was read. It reads as a newline, again and again.
    is_over: bool,
}

impl<'a> Reader<'a> {
    /// The next line, if each byte in it stands for itself, as in most lines. Where it is another nothing is read, and it is read byte
    /// by byte.
    fn plain_line(&mut self) -> Option<PlainLine<'a>> {
        let end = self.rest.find_byte(b'\n')?;
        let text = after_spaces(&self.rest[..end]);
        let line = match text.strip_prefix(b"[") {
            Some(header) => plain_header(header)?,
            None => plain_setting(text)?,
        };
        (self.rest, self.line) = (&self.rest[end + 1..], self.line + 1);
        Some(line)
    }

    /// The next byte; a carriage return before a newline is no part of the text.
    fn next(&mut self) -> u8 {
        let (byte, rest) = match self.rest {
            [b'\r', b'\n', rest @ ..] => (b'\n', rest),
            [byte, rest @ ..] => (*byte, rest),
            [] => {
                self.is_over = true;
                (b'\n', &[][..])
            }
        };
        self.line += usize::from(byte == b'\n');
        self.rest = rest;
        byte
    }

    fn skip_line(&mut self) {
        while self.next() != b'\n' {}
    }

    /// What follows `[`, to the `]`; none where git refuses it.
    fn section(&mut self, name: &mut Vec<u8>) -> Option<()> {
        loop {
            match self.next() {
                b'\n' => return None,
                b']' => return (!name.is_empty()).then_some(()),
                byte if is_blank(byte) => return self.subsection(name),
                byte if is_of_a_key(byte) || byte == b'.' => name.push(byte.to_ascii_lowercase()),
                _ => return None,
            }
        }
    }

    /// `"NAME"]` after blanks.
    fn subsection(&mut self, name: &mut Vec<u8>) -> Option<()> {
        let quote = loop {
            match self.next() {
                b'\n' => return None,
                byte if is_blank(byte) => {}
                byte => break byte,
            }
        };
        if quote != b'"' {
            return None;
        }
        name.push(b'.');
        // Most of it stands for itself.
        let is_plain = |byte: &&u8| !matches!(**byte, b'"' | b'\\' | b'\n' | b'\r');
        let plain = self.rest.iter().take_while(is_plain).count();
        let (plain, rest) = self.rest.split_at(plain);
        name.extend_from_slice(plain);
        self.rest = rest;
        loop {
            match self.next() {
                b'\n' => return None,
                b'"' => break,
                b'\\' => match self.next() {
                    b'\n' => return None,
                    byte => name.push(byte),
                },
                byte => name.push(byte),
            }
        }
        (self.next() == b']').then_some(())
    }

    /// The rest of a key, and its value; whether it has one, none where git refuses it.
    fn setting(&mut self, key: &mut Vec<u8>, value: &mut Vec<u8>) -> Option<bool> {
        let mut byte = self.next();
        while is_of_a_key(byte) {
            key.push(byte.to_ascii_lowercase());
            byte = self.next();
        }
        while is_space(byte) {
            byte = self.next();
        }
        let has_value = match byte {
            b'\n' => false,
            b'=' => {
                self.value(value)?;
                true
            }
            _ => return None,
        };
        Some(has_value)
    }

    /// The value, to the end of its line. Blanks inside of it stay as they are; before git 2.45 each was a space.
    fn value(&mut self, value: &mut Vec<u8>) -> Option<()> {
        value.clear();
        let mut is_quoted = false;
        // How long the value is without the blanks at its end.
        let mut kept = 0;
        loop {
            match self.next() {
                b'\n' if is_quoted => return None,
                b'\n' => break,
                b'#' | b';' if !is_quoted => {
                    self.skip_line();
                    break;
                }
                byte if is_blank(byte) && !is_quoted => {
                    if !value.is_empty() {
                        value.push(byte);
                    }
                    continue;
                }
                b'"' => is_quoted = !is_quoted,
                b'\\' => match self.next() {
                    b'\n' => {}
                    b't' => value.push(b'\t'),
                    b'b' => value.push(b'\x08'),
                    b'n' => value.push(b'\n'),
                    byte @ (b'\\' | b'"') => value.push(byte),
                    _ => return None,
                },
                byte => value.push(byte),
            }
            kept = value.len();
        }
        value.truncate(kept);
        Some(())
    }
}
