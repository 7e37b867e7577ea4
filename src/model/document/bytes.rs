//! Bytes in JSON: lossy UTF-8 under a key, and when that lost something, the bytes themselves in base64 under `<key>_b64`.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bstr::{BStr, BString, ByteSlice};

/// The text of `bytes`, and the bytes in base64 where the text is not all of them.
pub fn encode(bytes: &BStr) -> (Cow<'_, str>, Option<String>) {
    let encoded = bytes.to_str().is_err().then(|| STANDARD.encode(bytes));
    (bytes.to_str_lossy(), encoded)
}

/// The bytes again; an error that names the key where the base64 is none.
fn decode<E: serde::de::Error>(
    key: &str,
    text: String,
    encoded: Option<&str>,
) -> Result<BString, E> {
    match encoded {
        None => Ok(text.into()),
        Some(encoded) => STANDARD
            .decode(encoded)
            .map(BString::from)
            .map_err(|err| E::custom(format!("`{key}_b64` is not base64: {err}"))),
    }
}

/// Makes a module for `#[serde(flatten, with = "…")]` on a field of bytes: serde takes a key as a literal only.
macro_rules! under {
    ($key:ident, $text:literal, $encoded:literal) => {
        #[doc = concat!("Bytes under `", $text, "`.")]
        pub(super) mod $key {
            use std::borrow::Cow;

            use bstr::BStr;
            use serde::{Deserialize, Deserializer, Serialize, Serializer};

            use crate::model::document::bytes::{decode, encode};

            #[derive(Serialize, Deserialize)]
            struct Keyed<'a> {
                #[serde(rename = $text)]
                text: Cow<'a, str>,
                #[serde(rename = $encoded, skip_serializing_if = "Option::is_none")]
                encoded: Option<String>,
            }

            pub(crate) fn serialize<S: Serializer>(bytes: &BStr, to: S) -> Result<S::Ok, S::Error> {
                let (text, encoded) = encode(bytes);
                Keyed { text, encoded }.serialize(to)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
                from: D,
            ) -> Result<Cow<'static, BStr>, D::Error> {
                let Keyed { text, encoded } = Keyed::deserialize(from)?;
                decode($text, text.into_owned(), encoded.as_deref()).map(Cow::Owned)
            }
        }
    };
    // What may be missing: `null`, not an absent key.
    ($key:ident, $text:literal, $encoded:literal, optional) => {
        #[doc = concat!("Bytes under `", $text, "`, or `null`.")]
        pub(super) mod $key {
            use std::borrow::Cow;

            use bstr::BStr;
            use serde::{Deserialize, Deserializer, Serialize, Serializer};

            use crate::model::document::bytes::{decode, encode};

            #[derive(Serialize, Deserialize)]
            struct KeyedOption<'a> {
                #[serde(rename = $text)]
                text: Option<Cow<'a, str>>,
                #[serde(rename = $encoded, skip_serializing_if = "Option::is_none")]
                encoded: Option<String>,
            }

            pub(crate) fn serialize<S: Serializer>(
                bytes: &Option<Cow<'_, BStr>>,
                to: S,
            ) -> Result<S::Ok, S::Error> {
                let (text, encoded) = bytes.as_deref().map(encode).unzip();
                let encoded = encoded.flatten();
                KeyedOption { text, encoded }.serialize(to)
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
                from: D,
            ) -> Result<Option<Cow<'static, BStr>>, D::Error> {
                let KeyedOption { text, encoded } = KeyedOption::deserialize(from)?;
                let bytes = |text: Cow<'_, str>| {
                    decode($text, text.into_owned(), encoded.as_deref()).map(Cow::Owned)
                };
                text.map(bytes).transpose()
            }
        }
    };
}

under!(name, "name", "name_b64");
under!(path, "path", "path_b64");
under!(optional_path, "path", "path_b64", optional);
under!(url, "url", "url_b64", optional);
