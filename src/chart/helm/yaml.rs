//! YAML as Helm reads it, of files that are looked at and packed as they are. It is more lenient than the reader of files that
//! flota edits: of a key that stands twice the last value counts.

use serde_json::Value;
use serde_saphyr::DuplicateKeyPolicy;

/// The first document of a file; null where there is none.
///
/// # Errors
/// What is wrong with the file, and where.
pub(in crate::chart) fn first(content: &[u8]) -> Result<Value, String> {
    Ok(documents(content)?.into_iter().next().unwrap_or_default())
}

/// All documents of a file.
///
/// # Errors
/// What is wrong with the file, and where.
pub(super) fn documents(content: &[u8]) -> Result<Vec<Value>, String> {
    let text = std::str::from_utf8(content).map_err(|_| "is not UTF-8".to_owned())?;
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| format!("is no YAML that Helm reads: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_inside_of_what_it_refers_to_is_refused() {
        for text in ["a: &a {b: *a}", "&a [*a]", "a: &a [b]\nc: &a [*a]"] {
            assert!(first(text.as_bytes()).is_err(), "{text}");
        }
        assert!(first(b"a: &a [b]\nc: *a").is_ok());
    }
}
