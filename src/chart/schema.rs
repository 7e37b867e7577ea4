//! `values.schema.json`: which keys values may have.

use serde_json::Value;

/// The schema's file in a chart.
pub(super) const FILE: &str = "values.schema.json";

/// A chart's schema; one that is not there, or cannot be read, allows everything.
#[derive(Debug, Default)]
pub(super) struct Schema(Value);

impl Schema {
    pub(super) fn parse(content: Option<&[u8]>) -> Self {
        let parsed = content.and_then(|content| serde_json::from_slice(content).ok());
        Self(parsed.unwrap_or_default())
    }

    /// Whether the mapping at `path` may have `key`, as far as `properties`, `additionalProperties` and references within the
    /// schema tell.
    pub(super) fn allows(&self, path: &[String], key: &str) -> bool {
        let mut schema = self.resolve(&self.0);
        for part in path {
            match &schema["properties"][part] {
                Value::Null => return true,
                next => schema = self.resolve(next),
            }
        }
        schema["additionalProperties"] != Value::Bool(false) || !schema["properties"][key].is_null()
    }

    /// Follows `$ref` as far as it stays in this file.
    fn resolve<'s>(&'s self, mut schema: &'s Value) -> &'s Value {
        // References could go in a circle.
        for _ in 0..16 {
            let pointer = schema["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
            match pointer.and_then(|pointer| self.0.pointer(pointer)) {
                Some(next) => schema = next,
                None => break,
            }
        }
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_schema_forbids_is_known() {
        let schema = Schema::parse(Some(
            br##"{"definitions": {"image": {"properties": {"tag": {}}, "additionalProperties": false}, "loop": {"$ref": "#/definitions/loop"}},
                "properties": {"image": {"$ref": "#/definitions/image"}, "open": {"properties": {}}, "loop": {"$ref": "#/definitions/loop"}}}"##,
        ));
        let allows = |path: &str, key: &str| schema.allows(&[path.to_owned()], key);
        assert!(allows("image", "tag") && !allows("image", "digest"));
        assert!(allows("open", "digest") && allows("other", "digest") && allows("loop", "digest"));
        assert!(Schema::parse(Some(b"not JSON")).allows(&["image".into()], "digest"));
        assert!(Schema::parse(None).allows(&[], "image"));
    }
}
