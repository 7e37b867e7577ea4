//! What a build reports beside `build.json`: a page for people (`report.html`), and JUnit's XML for CI systems (`junit.xml`).
//!
//! Both are made from the document of a build ([`BuildV1`]), so that a run of several jobs can be reported from their
//! documents. Names, messages and logs are hostile: a template engine escapes all of them, and none reaches the page
//! unescaped.

mod critical_path;
mod facts;
mod junit;
mod log_text;
mod page;
mod parts;
mod render;
mod timeline;

pub(crate) use junit::junit;
pub(crate) use page::page;
pub(crate) use parts::{JobReport, LOG_FIRST, LOG_LAST};

#[cfg(test)]
mod tests;
