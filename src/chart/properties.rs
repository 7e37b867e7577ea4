//! Properties that hold for every `Chart.yaml` and `values.yaml`: a test asserts it of the fixtures, and a fuzz target (`tests/fuzz`).

use super::{
    helm::read_fields, metadata::Metadata, reads::Reads, request::ImageCoordinates, schema::Schema,
    set_image::ImagePlace, tokens::Tokens, values::fill,
};

const VERSION: &str = "1.2.3+0123456789ab";
const APP_VERSION: &str = "code-0123456789ab";

/// The versions are written, and nothing else of what Helm reads changes. Whether they could be.
pub fn metadata(source: &str) -> bool {
    let Ok(read) = Metadata::read(source) else {
        return false;
    };
    assert!(!read.name.contains(['/', '\\']) && !read.name.starts_with(['.', '-']));
    let Ok(written) = read.write(VERSION, Some(APP_VERSION)) else {
        return false;
    };
    let again = Metadata::read(&written).unwrap();
    assert_eq!(again.name, read.name);
    assert_eq!(again.version.as_deref(), Some(VERSION));
    let [before, after] = [source, &written].map(|text| read_fields(text.as_bytes()).unwrap());
    for field in ["apiVersion", "dependencies"] {
        assert_eq!(after.get(field), before.get(field));
    }
    assert_eq!(again.write(VERSION, Some(APP_VERSION)).unwrap(), written);
    true
}

/// The image's coordinates are written, and what has them already stays as it is. Whether they could be.
pub fn values(source: &str) -> bool {
    let image = ImageCoordinates {
        registry: Some("registry.example.com:5000".into()),
        repository: "shop/api".into(),
        tag: APP_VERSION.into(),
        digest: None,
    };
    let tokens = Tokens::default();
    let path = ["image".to_owned()];
    let (reads, schema) = (Reads::default(), Schema::default());
    let place = ImagePlace {
        image: &image,
        path: &path,
        inside: None,
        reads: &reads,
        schema: &schema,
    };
    let Ok(filled) = fill(source, Some(place), &tokens) else {
        return false;
    };
    let again = fill(&filled.text, Some(place), &tokens);
    assert_eq!(again.map(|again| again.text), Ok(filled.text));
    true
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn they_hold_for_every_chart_of_the_fixtures() {
        let charts = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/charts");
        let mut written = 0;
        for entry in walkdir::WalkDir::new(charts) {
            let path = entry.unwrap().into_path();
            if let Some(text) = path.is_file().then(|| fs::read(&path).unwrap()) {
                let text = String::from_utf8_lossy(&text);
                written += usize::from(metadata(&text)) + usize::from(values(&text));
            }
        }
        assert!(written > 20, "{written}");
    }
}
