//! What an experiment found, as people and programs read it: one document, [`Report`], and its renderings.
//!
//! Pure: no I/O, no clock. Every figure shown is one that the status holds; nothing is computed anew here.

mod advice;
mod comparison;
mod figure;
mod headline;
mod html;
mod markdown;
mod report;
mod words;

pub use advice::{Advice, advice};
pub use comparison::{Comparison, Row};
pub use headline::{finding, headline};
pub use html::{Entry, POLICY, html, index, not_found};
pub use markdown::markdown;
pub use report::{ApiVersion, Kind, Metadata, Report, Source, schema};
