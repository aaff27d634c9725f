//! The header that marks a request as a run's own and says when it was meant to arrive.

use std::{fmt, str::FromStr};

/// The header's name. The load generator sets it, the client passes it on with every attempt. A request without it (a
/// person's `curl`) is served like any other and stays out of the run's counts.
pub const RUN_HEADER: &str = "x-retrylab-run";

/// The header's value: `RUN;OFFSET_US;SERIAL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunTag {
    /// The run's id.
    pub run: String,
    /// When the request was meant to arrive: microseconds after the run's start.
    pub offset_us: u64,
    /// The request's number within the run: what its random draws are seeded with.
    pub serial: u64,
}

/// A digit of an attempt's number: a policy makes at most 20 attempts.
const ATTEMPT_BITS: u32 = 5;
/// The digits that a client keeps of the number that it is given: three clients before it.
pub(crate) const OUTER_ATTEMPTS: u32 = (1 << (3 * ATTEMPT_BITS)) - 1;

/// The number of an attempt on the wire. In a chain each client adds its own number to that of the attempt that it received
/// (0: none), as a digit to base 32: no two attempts of a request have the same, and none draws as another did.
pub const fn nested_attempt(outer: u32, number: u32) -> u32 {
    (outer & OUTER_ATTEMPTS) << ATTEMPT_BITS | number
}

impl fmt::Display for RunTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};{};{}", self.run, self.offset_us, self.serial)
    }
}

/// The value is no run tag.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not of the form RUN;OFFSET_US;SERIAL")]
pub struct NotATag;

impl FromStr for RunTag {
    type Err = NotATag;

    fn from_str(value: &str) -> Result<Self, NotATag> {
        let mut parts = value.split(';');
        let (Some(run), Some(offset), Some(serial), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotATag);
        };
        let number = |text: &str| text.parse().map_err(|_| NotATag);
        Ok(Self { run: run.to_owned(), offset_us: number(offset)?, serial: number(serial)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_reads_back_as_it_was_written() {
        let tag = RunTag { run: "a1-0".into(), offset_us: 12_345_678, serial: 7 };
        assert_eq!(tag.to_string().parse(), Ok(tag));
    }

    #[test]
    fn no_two_attempts_of_a_request_have_the_same_number_in_a_chain_of_four() {
        let next = |outer: u32| (1..=20).map(move |number| nested_attempt(outer, number));
        let first = next(0);
        let all: std::collections::BTreeSet<u32> = first.flat_map(next).flat_map(next).flat_map(next).collect();
        assert_eq!(all.len(), 160_000);
        assert_eq!(nested_attempt(0, 7), 7, "with a single client it is its own number");
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for value in ["", "a", "a;1", "a;1;2;3", "a;x;1", "a;1;-1"] {
            assert_eq!(value.parse::<RunTag>(), Err(NotATag), "{value}");
        }
    }
}
