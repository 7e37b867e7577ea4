//! `flota.build/v1`

use super::render::render;
use crate::model::{document::BuildV1, report::BuildReport};

/// `flota.build/v1`
pub(crate) fn build(report: &BuildReport) -> String {
    render(&BuildV1::from(report))
}
