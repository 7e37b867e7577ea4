//! SHA-256 digests as text.

use sha2::{Digest as _, Sha256};

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 digest of `bytes`: 64 hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The digest of `bytes` as OCI writes it: `sha256:` and 64 hexadecimal digits (image-spec, descriptor.md).
pub fn oci_digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256_hex(bytes))
}

/// The SHA-256 digest of several fields, of which `bytes` bytes are given as hexadecimal digits. Each field goes in with its
/// length, so that no two lists of fields read the same.
pub fn of_fields<T: AsRef<[u8]>>(fields: impl IntoIterator<Item = T>, bytes: usize) -> String {
    let mut hash = Sha256::new();
    for field in fields {
        let field = field.as_ref();
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hex(&hash.finalize()[..bytes])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_as_others_write_them() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256_hex(b""), empty);
        assert_eq!(oci_digest(b""), format!("sha256:{empty}"));
        assert_eq!(hex(&[0, 0x0f, 0xff]), "000fff");
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        assert_ne!(of_fields(["ab", "c"], 32), of_fields(["a", "bc"], 32));
        assert_ne!(of_fields(["", "a"], 32), of_fields(["a", ""], 32));
        assert_eq!(of_fields(["a"], 6).len(), 12);
    }
}
