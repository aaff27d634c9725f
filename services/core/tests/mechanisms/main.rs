//! What each mechanism of a policy does to the load, held against closed forms and published results. The driver is a small
//! virtual world of its own: clients with Poisson arrivals, and a backend that answers as the test says.

mod breakers;
mod budgets;
mod driver;
mod hedging;
mod presets;
mod published;
mod time;

use driver::{Lab, Reply, Tally};
