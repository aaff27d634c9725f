//! What an experiment found, as people and programs read it: one document, [`Report`], and its renderings.
//!
//! Pure: no I/O, no clock. Every figure shown is one that the status holds; nothing is computed anew here.

mod report;

pub use report::{ApiVersion, Kind, Metadata, Report, Source, schema};
