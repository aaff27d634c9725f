//! What a sweep varies: one number of the spec, by the path that it has there.

use std::{fmt, str::FromStr};

use anyhow::{Context, bail};
use retrylab_api::{Burst, Fault, RetryExperimentSpec, Span};

/// A length of time is varied in steps of the grain on which the spec's lie.
const GRAIN_MS: u64 = 100;

/// A number of the spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `load.rate`, in requests per second.
    LoadRate,
    /// `load.bursts[NAME].requests`.
    BurstRequests(String),
    /// `load.bursts[NAME].rate`, in requests per second.
    BurstRate(String),
    /// `load.bursts[NAME].for`.
    BurstFor(String),
    /// `faults[NAME].for`.
    FaultFor(String),
    /// `backend.concurrency`.
    BackendConcurrency,
    /// `backend.queue`.
    BackendQueue,
    /// `client.timeout`.
    ClientTimeout,
}

/// A parameter with the range in which it is varied: `load.rate=50..400`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// What is varied.
    pub parameter: Parameter,
    /// The least value.
    pub low: u64,
    /// The greatest.
    pub high: u64,
}

/// What a sweep can vary, in the words of its option.
pub const PARAMETERS: &str = "load.rate, load.bursts[NAME].requests, load.bursts[NAME].rate, load.bursts[NAME].for, \
                              faults[NAME].for, backend.concurrency, backend.queue, client.timeout";

impl Parameter {
    /// The step in which it is varied.
    pub const fn grain(&self) -> u64 {
        if self.is_time() { GRAIN_MS } else { 1 }
    }

    /// A value of it as the spec writes it.
    pub fn show(&self, value: u64) -> String {
        if self.is_time() { Span::from_millis(value).to_string() } else { value.to_string() }
    }

    /// Puts a value into a spec. The schedule grows with what grows in it.
    ///
    /// # Errors
    /// When the spec has no such number.
    pub fn put(&self, spec: &mut RetryExperimentSpec, value: u64) -> anyhow::Result<()> {
        let number = u32::try_from(value).with_context(|| format!("{self}: {value} is too large"))?;
        match self {
            Self::LoadRate => match &mut spec.load.rate {
                Some(rate) => *rate = number,
                None => bail!("{self}: the load has no rate"),
            },
            Self::BurstRequests(name) => match &mut burst(spec, name)?.requests {
                Some(requests) => *requests = number,
                None => bail!("{self}: the burst has a rate, no number of requests"),
            },
            Self::BurstRate(name) => match &mut burst(spec, name)?.rate {
                Some(rate) => *rate = number,
                None => bail!("{self}: the burst has a number of requests, no rate"),
            },
            Self::BurstFor(name) => match &mut burst(spec, name)?.for_ {
                Some(length) => *length = Span::from_millis(value),
                None => bail!("{self}: the burst has no length"),
            },
            Self::FaultFor(name) => fault(spec, name)?.for_ = Span::from_millis(value),
            Self::BackendConcurrency => spec.backend.concurrency = number,
            Self::BackendQueue => spec.backend.queue = number,
            Self::ClientTimeout => spec.client.timeout = Span::from_millis(value),
        }
        Ok(())
    }

    const fn is_time(&self) -> bool {
        matches!(self, Self::FaultFor(_) | Self::BurstFor(_) | Self::ClientTimeout)
    }

    fn parse_value(&self, text: &str) -> anyhow::Result<u64> {
        if self.is_time() {
            return Ok(text.parse::<Span>()?.as_millis());
        }
        text.parse().with_context(|| format!("{text:?} is no whole number"))
    }
}

fn burst<'s>(spec: &'s mut RetryExperimentSpec, name: &str) -> anyhow::Result<&'s mut Burst> {
    let names = named(spec.load.bursts.iter().map(|burst| burst.name.as_str()));
    let found = spec.load.bursts.iter_mut().find(|burst| burst.name == name);
    found.with_context(|| format!("load.bursts[{name}] is not in the experiment; there are: {names}"))
}

fn fault<'s>(spec: &'s mut RetryExperimentSpec, name: &str) -> anyhow::Result<&'s mut Fault> {
    let names = named(spec.faults.iter().map(|fault| fault.name.as_str()));
    let found = spec.faults.iter_mut().find(|fault| fault.name == name);
    found.with_context(|| format!("faults[{name}] is not in the experiment; there are: {names}"))
}

fn named<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoadRate => f.write_str("load.rate"),
            Self::BurstRequests(name) => write!(f, "load.bursts[{name}].requests"),
            Self::BurstRate(name) => write!(f, "load.bursts[{name}].rate"),
            Self::BurstFor(name) => write!(f, "load.bursts[{name}].for"),
            Self::FaultFor(name) => write!(f, "faults[{name}].for"),
            Self::BackendConcurrency => f.write_str("backend.concurrency"),
            Self::BackendQueue => f.write_str("backend.queue"),
            Self::ClientTimeout => f.write_str("client.timeout"),
        }
    }
}

impl FromStr for Parameter {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let plain = text.strip_prefix("spec.").unwrap_or(text);
        let inner = |list: &str, field: &str| {
            let name = plain.strip_prefix(list)?.strip_prefix('[')?.strip_suffix(field)?.strip_suffix("].")?;
            Some(name.to_owned())
        };
        let named = [
            inner("load.bursts", "requests").map(Self::BurstRequests),
            inner("load.bursts", "rate").map(Self::BurstRate),
            inner("load.bursts", "for").map(Self::BurstFor),
            inner("faults", "for").map(Self::FaultFor),
        ];
        match plain {
            "load.rate" => Ok(Self::LoadRate),
            "backend.concurrency" => Ok(Self::BackendConcurrency),
            "backend.queue" => Ok(Self::BackendQueue),
            "client.timeout" => Ok(Self::ClientTimeout),
            _ => match named.into_iter().flatten().next() {
                Some(parameter) => Ok(parameter),
                None => bail!("{text} is not allowed; allowed: {PARAMETERS}"),
            },
        }
    }
}

impl FromStr for Range {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let parts = text.split_once('=').and_then(|(path, range)| Some((path, range.split_once("..")?)));
        let Some((path, (low, high))) = parts else { bail!("{text} is not of the form PATH=LOW..HIGH") };
        let parameter: Parameter = path.parse()?;
        let (low, high) = (parameter.parse_value(low)?, parameter.parse_value(high)?);
        if low >= high {
            bail!("{parameter}: {} to {} is no range", parameter.show(low), parameter.show(high));
        }
        let grain = parameter.grain();
        if let Some(off) = [low, high].into_iter().find(|value| value % grain != 0) {
            bail!(
                "{parameter}: {} is not allowed; allowed: multiples of {}",
                parameter.show(off),
                parameter.show(grain)
            );
        }
        Ok(Self { parameter, low, high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::tests::comparison;

    fn check(text: &str, low: u64, high: u64) {
        let range: Range = text.parse().unwrap();
        assert_eq!((range.low, range.high), (low, high), "{text}");
        let (path, values) = text.split_once('=').unwrap();
        assert_eq!(range.parameter.to_string(), path);
        let shown = format!("{}..{}", range.parameter.show(low), range.parameter.show(high));
        assert_eq!(shown, values);
    }

    #[test]
    fn every_parameter_reads_back_as_it_is_written() {
        check("load.rate=50..400", 50, 400);
        check("load.bursts[spike].requests=1..1000", 1, 1_000);
        check("load.bursts[spike].rate=1..1000", 1, 1_000);
        check("load.bursts[spike].for=1s..20s", 1_000, 20_000);
        check("faults[outage].for=500ms..20s", 500, 20_000);
        check("backend.concurrency=1..64", 1, 64);
        check("backend.queue=0..1000", 0, 1_000);
        check("client.timeout=100ms..5s", 100, 5_000);
    }

    #[test]
    fn an_unknown_parameter_is_refused_with_those_that_are_allowed() {
        for text in ["load.pace=1..2", "faults.for=1s..2s", "faults[a].at=1s..2s", "load.bursts[a]rate=1..2"] {
            let message = text.parse::<Range>().unwrap_err().to_string();
            assert!(message.ends_with(PARAMETERS), "{message}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["load.rate", "load.rate=5", "load.rate=a..b", "load.rate=5..5", "faults[a].for=1..2"] {
            assert!(text.parse::<Range>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_off_the_grain_is_refused() {
        let message = |text: &str| text.parse::<Range>().unwrap_err().to_string();
        assert_eq!(
            message("faults[a].for=1s..1050ms"),
            "faults[a].for: 1050ms is not allowed; allowed: multiples of 100ms"
        );
        assert!(message("client.timeout=10ms..1s").contains(": 10ms is not allowed"));
    }

    #[test]
    fn a_value_goes_where_its_path_says_and_what_is_not_there_is_named() {
        let mut spec = comparison().spec;
        Parameter::LoadRate.put(&mut spec, 70).unwrap();
        Parameter::BurstRequests("spike".into()).put(&mut spec, 71).unwrap();
        Parameter::FaultFor("outage".into()).put(&mut spec, 7_200).unwrap();
        assert_eq!((spec.load.rate, spec.load.bursts[0].requests), (Some(70), Some(71)));
        assert_eq!(spec.faults[0].for_, Span::from_millis(7_200));
        let message = |p: Parameter, spec: &mut _| p.put(spec, 1).unwrap_err().to_string();
        let error = message(Parameter::FaultFor("x".into()), &mut spec);
        assert_eq!(error, "faults[x] is not in the experiment; there are: outage");
        assert!(message(Parameter::BurstRate("spike".into()), &mut spec).contains("no rate"));
    }
}
