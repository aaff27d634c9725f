//! Reports as people get them: what stands in them, and that nothing else does.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod content;
mod given;
mod pages;
