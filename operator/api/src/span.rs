//! A length of time as users write it: Go-style, `500ms`, `10s`, `1m30s`.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(u64);

impl Span {
    /// So many milliseconds.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Its length in milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Its length for timers.
    pub const fn as_duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1_000) { write!(f, "{}s", self.0 / 1_000) } else { write!(f, "{}ms", self.0) }
    }
}

/// The text is no length of time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no length of time such as 500ms, 10s or 1m30s")]
pub struct NotASpan(String);

impl FromStr for Span {
    type Err = NotASpan;

    /// As `kube`'s Go-style durations, less what the CRD's pattern refuses: signs, fractions, grains below 1 ms, and more than
    /// three numbers or one of more than seven digits.
    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let refused = || NotASpan(text.to_owned());
        let numbers = || text.split(|c| "hms".contains(c)).filter(|number| !number.is_empty());
        let plain = text.len() <= 16 && text.chars().all(|c| c.is_ascii_digit() || "hms".contains(c));
        let plain = plain && numbers().count() <= 3 && numbers().all(|number| number.len() <= 7);
        let parsed: kube::core::Duration =
            if plain { text.parse().map_err(|_| refused())? } else { return Err(refused()) };
        let millis = Duration::from(parsed).as_millis();
        if text.is_empty() || text.ends_with(|c: char| c.is_ascii_digit()) {
            return Err(refused());
        }
        u64::try_from(millis).map(Self).map_err(|_| refused())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": 16, "pattern": "^([0-9]{1,7}(ms|s|m|h)){1,3}$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected_ms: Option<u64>) {
        assert_eq!(text.parse::<Span>().ok().map(Span::as_millis), expected_ms, "{text}");
    }

    #[test]
    fn go_style_lengths_are_read() {
        check("500ms", Some(500));
        check("10s", Some(10_000));
        check("1m30s", Some(90_000));
        check("1h", Some(3_600_000));
        check("0s", Some(0));
    }

    #[test]
    fn signs_fractions_and_bare_numbers_are_refused() {
        for text in [
            "",
            "10",
            "0",
            "-1s",
            "+1s",
            "1.5s",
            "1us",
            "5d",
            "s",
            "1s2",
            "tens",
            "99999999999999999s",
            "00000010s",
            "1m1m1m1m",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_length_is_shown_in_the_largest_whole_unit() {
        assert_eq!(Span::from_millis(90_000).to_string(), "90s");
        assert_eq!(Span::from_millis(1_500).to_string(), "1500ms");
    }
}
