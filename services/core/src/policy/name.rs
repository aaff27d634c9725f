//! The strategies by name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A retry strategy's name, as `curl` users write it (in any case) and as the metrics' `strategy` label shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StrategyName {
    /// One attempt, no retry.
    None,
    /// Three attempts with no delay.
    Naive,
    /// Three attempts, 500 ms apart.
    Fixed,
    /// Four attempts after exponential delays.
    Backoff,
    /// The delays of `Backoff`, each with a random part.
    Jitter,
    /// The AWS SDKs' standard mode.
    AwsStandard,
    /// gRPC's retries with their throttling.
    Grpc,
    /// Finagle's retry budget.
    Finagle,
    /// Linkerd's retry budget.
    Linkerd,
    /// Envoy's back-off and retry budget.
    Envoy,
    /// The SRE book's per-client budget with adaptive throttling.
    Sre,
}

impl StrategyName {
    /// Every name, in the order in which they are documented.
    pub const ALL: [Self; 11] = [
        Self::None,
        Self::Naive,
        Self::Fixed,
        Self::Backoff,
        Self::Jitter,
        Self::AwsStandard,
        Self::Grpc,
        Self::Finagle,
        Self::Linkerd,
        Self::Envoy,
        Self::Sre,
    ];

    /// The name as it stands in JSON, in logs and in metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Naive => "naive",
            Self::Fixed => "fixed",
            Self::Backoff => "backoff",
            Self::Jitter => "jitter",
            Self::AwsStandard => "awsStandard",
            Self::Grpc => "grpc",
            Self::Finagle => "finagle",
            Self::Linkerd => "linkerd",
            Self::Envoy => "envoy",
            Self::Sre => "sre",
        }
    }
}

/// The text is no strategy's name.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownStrategy;

/// What is allowed: the names.
impl fmt::Display for UnknownStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&StrategyName::ALL.map(StrategyName::as_str).join(", "))
    }
}

impl std::error::Error for UnknownStrategy {}

impl FromStr for StrategyName {
    type Err = UnknownStrategy;

    fn from_str(text: &str) -> Result<Self, UnknownStrategy> {
        Self::ALL.into_iter().find(|name| name.as_str().eq_ignore_ascii_case(text)).ok_or(UnknownStrategy)
    }
}

impl Serialize for StrategyName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for StrategyName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_in_any_case_and_written_in_one() {
        for name in StrategyName::ALL {
            let text = name.as_str();
            for given in [text.to_owned(), text.to_uppercase(), text.to_lowercase()] {
                assert_eq!(given.parse(), Ok(name));
                assert_eq!(serde_json::from_str::<StrategyName>(&format!("{given:?}")).unwrap(), name);
            }
            assert_eq!(serde_json::to_string(&name).unwrap(), format!("{text:?}"));
        }
    }

    #[test]
    fn what_is_no_name_is_told_what_is_allowed_once() {
        let said = serde_json::from_str::<StrategyName>(r#""hope""#).unwrap_err().to_string();
        assert_eq!(said.matches("awsStandard").count(), 1, "{said}");
    }
}
