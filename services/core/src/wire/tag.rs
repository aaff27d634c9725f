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
    fn what_is_no_tag_is_refused() {
        for value in ["", "a", "a;1", "a;1;2;3", "a;x;1", "a;1;-1"] {
            assert_eq!(value.parse::<RunTag>(), Err(NotATag), "{value}");
        }
    }
}
