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

/// The serial number of an attempt when it is the request of the next client in a chain. An attempt that comes again must not
/// draw as it did before, neither its waits nor whether a fault strikes it: so it has a number of its own, which two attempts
/// share as good as never.
pub const fn nested_serial(serial: u64, attempt: u32) -> u64 {
    crate::mixed(serial.wrapping_mul(32).wrapping_add(attempt as u64)) >> 8
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
    fn attempts_that_are_requests_of_the_next_client_have_serials_of_their_own() {
        let nested = |serial| (1..=20).map(move |attempt| nested_serial(serial, attempt));
        let all: std::collections::BTreeSet<u64> = (0..1_000).flat_map(nested).collect();
        assert_eq!(all.len(), 20_000);
        assert!(all.iter().all(|&serial| serial < 1 << 56));
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for value in ["", "a", "a;1", "a;1;2;3", "a;x;1", "a;1;-1"] {
            assert_eq!(value.parse::<RunTag>(), Err(NotATag), "{value}");
        }
    }
}
