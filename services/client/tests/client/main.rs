//! The client through its HTTP surface, with a backend on a socket of its own.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod attempts;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod mechanisms;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod storm;
#[cfg(test)]
mod support;
#[cfg(test)]
mod traces;
