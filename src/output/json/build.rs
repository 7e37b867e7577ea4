//! `flota.build/v1`

use std::path::Path;

use serde::Serialize;

use super::{BaseV1, EndV1, ExceptionV1, StepV1, WarningV1, exceptions, render};
use crate::model::report::{BuildReport, BuiltService, ChartReport, ImageReport, Status};

/// `flota.build/v1`
pub fn build(report: &BuildReport) -> String {
    render(&BuildV1 {
        schema: "flota.build/v1",
        base: report.base.as_ref().map(BaseV1::from),
        head: EndV1::from(&report.head),
        exceptions: exceptions(&report.exceptions),
        count: report.services.len(),
        has_changes: !report.services.is_empty(),
        builder: report.builder,
        services: report.services.iter().map(BuiltV1::from).collect(),
        warnings: report.warnings.iter().map(WarningV1::from).collect(),
        seconds: report.took.as_secs_f64(),
    })
}

#[derive(Serialize)]
struct BuildV1<'a> {
    schema: &'static str,
    base: Option<BaseV1<'a>>,
    head: EndV1<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exceptions: Vec<ExceptionV1<'a>>,
    count: usize,
    has_changes: bool,
    builder: Option<&'static str>,
    services: Vec<BuiltV1<'a>>,
    warnings: Vec<WarningV1<'a>>,
    seconds: f64,
}

#[derive(Serialize)]
struct BuiltV1<'a> {
    #[serde(flatten)]
    step: StepV1<'a>,
    status: Status,
    image: Option<&'a ImageReport>,
    chart: Option<&'a ChartReport>,
    seconds: f64,
    log: Option<&'a Path>,
    error: Option<String>,
}

impl<'a> From<&'a BuiltService> for BuiltV1<'a> {
    fn from(service: &'a BuiltService) -> Self {
        Self {
            step: StepV1::from(&service.step),
            status: service.status,
            image: service.image.as_ref(),
            chart: service.chart.as_ref(),
            seconds: service.took.as_secs_f64(),
            log: service.log.as_deref(),
            error: service.error.as_ref().map(ToString::to_string),
        }
    }
}
