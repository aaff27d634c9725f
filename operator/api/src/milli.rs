//! A number of thousandths as users write it: a decimal in a string, `0.1`, `5`, `1.25`.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number with three decimals, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Milli(u32);

impl Milli {
    /// So many thousandths.
    pub const fn new(thousandths: u32) -> Self {
        Self(thousandths)
    }

    /// Its thousandths.
    pub const fn thousandths(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000, self.0 % 1_000);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        f.write_str(format!("{whole}.{rest:03}").trim_end_matches('0'))
    }
}

/// The text is no decimal of at most five digits before the point and three after it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no decimal such as 0.1, 5 or 1.25")]
pub struct NotAMilli(String);

impl FromStr for Milli {
    type Err = NotAMilli;

    fn from_str(text: &str) -> Result<Self, NotAMilli> {
        let refused = || NotAMilli(text.to_owned());
        let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |s: &str, most| (1..=most).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole, 5) || !digits(rest, 3) {
            return Err(refused());
        }
        let number = |s: &str| s.parse::<u32>().map_err(|_| refused());
        Ok(Self(number(whole)? * 1_000 + number(&format!("{rest:0<3}"))?))
    }
}

impl Serialize for Milli {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Milli {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Milli {
    fn schema_name() -> Cow<'static, str> {
        "Milli".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": 9, "pattern": r"^[0-9]{1,5}(\.[0-9]{1,3})?$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<u32>, shown: &str) {
        let parsed = text.parse::<Milli>().ok();
        assert_eq!(parsed.map(Milli::thousandths), expected, "{text}");
        assert_eq!(parsed.map_or_else(String::new, |m| m.to_string()), shown, "{text}");
    }

    #[test]
    fn decimals_are_read_exactly_and_shown_without_zeros() {
        check("0.1", Some(100), "0.1");
        check("5", Some(5_000), "5");
        check("1.250", Some(1_250), "1.25");
        check("99999.999", Some(99_999_999), "99999.999");
        check("0", Some(0), "0");
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in ["", "-1", ".5", "1.", "1.2345", "1e3", "100000", "one"] {
            check(text, None, "");
        }
    }
}
