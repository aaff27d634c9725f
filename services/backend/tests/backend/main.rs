//! The backend through its HTTP surface.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod capacity;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod models;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod support;
