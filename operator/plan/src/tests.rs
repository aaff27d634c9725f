//! The decisions one by one, and a whole experiment in memory whose operator dies at every step.

mod conditions;
mod deploying;
mod due;
mod ending;
pub mod given;
mod handing_over;
mod keeping;
mod looking_on;
mod model;
mod predicting;
mod verdicts;
