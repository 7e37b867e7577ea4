//! A look at a chart before it is edited: where its image goes, and everything that decides that.

use super::{
    files::Files,
    image_path::{Found, Shapes},
    inside::InsideCharts,
    reads::Reads,
    request::ImageCoordinates,
    schema::{self, Schema},
    set_image::ImagePlace,
    yaml::{self, Node},
};
use crate::model::settings::ValuePath;

/// What was seen.
pub(super) struct Look<'r> {
    image: &'r ImageCoordinates,
    inside: InsideCharts,
    reads: Reads,
    schema: Schema,
    found: Found,
}

impl<'r> Look<'r> {
    /// Looks at the files of a chart, `chart` and `values` being the two that are edited. `path` is where the image is as the
    /// configuration says; else `names`, those of the service and the chart, help to find it.
    pub(super) fn at(
        files: &Files,
        chart: &str,
        values: &str,
        path: Option<&ValuePath>,
        names: &[&str],
        image: &'r ImageCoordinates,
    ) -> Self {
        let inside = InsideCharts::read(files, chart);
        let reads = Reads::of(files.iter().chain(&inside.unpacked), &inside.keys);
        let found = match path {
            Some(path) => Found::At(path.keys().to_vec()),
            None => {
                // Values that cannot be read are refused where they are edited.
                let root = yaml::parse(values).ok().and_then(|document| document.root);
                let shapes = Shapes {
                    own: root.as_ref(),
                    inside: &inside.values,
                };
                shapes.find(&reads, names)
            }
        };
        Self {
            image,
            schema: Schema::parse(files.get(schema::FILE).map(Vec::as_slice)),
            reads,
            inside,
            found,
        }
    }

    /// Where the image goes, if that is clear.
    pub(super) fn place(&self) -> Option<ImagePlace<'_>> {
        let Found::At(path) = &self.found else {
            return None;
        };
        Some(ImagePlace {
            image: self.image,
            path,
            inside: self.value_inside(path),
            reads: &self.reads,
            schema: &self.schema,
        })
    }

    /// What a chart inside has at this path.
    fn value_inside(&self, path: &[String]) -> Option<&Node> {
        let (first, rest) = path.split_first()?;
        let mut values = self.inside.values.iter();
        let (_, values) = values.find(|(key, _)| key == first)?;
        rest.iter().try_fold(values, |node, key| node.get(key))
    }

    /// The result alone, and whether a template reads what is there.
    pub(super) fn into_found(self) -> (Found, bool) {
        let is_read = match &self.found {
            Found::At(path) => self.reads.read(path) || self.reads.reads_all(),
            Found::Unclear(_) => false,
        };
        (self.found, is_read)
    }
}
