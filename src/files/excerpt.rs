//! The two ends of a file.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use crate::model::excerpt::Excerpt;

/// The file, or its `first` and `last` bytes where it has more, cut where lines end; none when it cannot be read, or is no
/// file.
pub(crate) fn excerpt(path: &Path, first: u64, last: u64) -> Option<Excerpt> {
    let mut file = File::open(path).ok()?;
    let found = file.metadata().ok().filter(|found| found.is_file())?;
    let mut read = |from: u64, most: u64| {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from)).ok()?;
        file.by_ref().take(most).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    };
    let length = found.len();
    if length <= first + last {
        let first = read(0, first + last)?;
        return Some(Excerpt {
            first,
            ..Excerpt::default()
        });
    }
    let (mut start, mut end) = (read(0, first)?, read(length - last, last)?);
    if let Some(line) = start.iter().rposition(|byte| *byte == b'\n') {
        start.truncate(line + 1);
    }
    if let Some(line) = end.iter().position(|byte| *byte == b'\n')
        && line + 1 < end.len()
    {
        end.drain(..=line);
    }
    Some(Excerpt {
        left_out: length.saturating_sub((start.len() + end.len()) as u64),
        first: start,
        last: end,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn both_ends_of_a_long_file_are_kept_and_lines_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let of = |text: &str, first, last| {
            fs::write(&file, text).unwrap();
            let it = excerpt(&file, first, last).unwrap();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (text(&it.first), it.left_out, text(&it.last))
        };
        let whole = |text: &str| (text.to_owned(), 0, String::new());
        assert_eq!(of("", 4, 4), whole(""));
        assert_eq!(of("one\ntwo\n", 4, 4), whole("one\ntwo\n"));
        let ends =
            |first: &str, left_out, last: &str| (first.to_owned(), left_out, last.to_owned());
        assert_eq!(of("one\ntwo\nthree\n", 6, 7), ends("one\n", 4, "three\n"));
        // One line without an end.
        assert_eq!(of("abcdefghij", 3, 3), ends("abc", 4, "hij"));
        // The line that ends the text is its only one there.
        assert_eq!(of("abcdefghi\n", 3, 3), ends("abc", 4, "hi\n"));
        assert_eq!(excerpt(folder.path(), 4, 4), None);
        assert_eq!(excerpt(&folder.path().join("none"), 4, 4), None);
    }
}
