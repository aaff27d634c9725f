//! The backend through its HTTP surface.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod capacity;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod support;
