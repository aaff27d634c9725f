//! `retrylab explain`: a policy in words, with its delays, attempt by attempt.

mod delays;
mod words;

use anyhow::{Context, bail};
use clap::Args;
use retrylab_api::{Span, Strategy, setting, validate_strategy};
use retrylab_core::policy::{Policy, StrategyName};
use serde::Serialize;

use crate::{
    exit::Answer,
    experiment,
    input::Source,
    output::{Form, table},
};

/// Says what a policy does: attempt by attempt with its delays, and what caps them
#[derive(Debug, Args)]
pub struct Options {
    /// A type of strategy (Jitter, Sre, …), a strategy as a spec has it ('{type: Backoff, backoff: {base: 100ms}}'), or a
    /// file with an experiment, whose arms are explained; - reads the standard input
    policy: String,
    /// How long one attempt may take; of an experiment it is its spec.client.timeout
    #[arg(long, default_value_t = Span::from_millis(5_000))]
    timeout: Span,
    /// The form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

/// What is said of a policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Explained {
    /// The arm, or the strategy's type.
    name: String,
    max_attempts: u32,
    /// How long a request takes at most.
    longest_request: String,
    attempts: Vec<delays::Attempt>,
    /// What else there is to say, a sentence each.
    rules: Vec<String>,
}

/// Runs the verb; gives what it prints.
///
/// # Errors
/// When there is no such policy, or it breaks a rule.
pub fn run(options: &Options) -> anyhow::Result<Answer> {
    let explained: Vec<Explained> =
        policies(options)?.into_iter().map(|(name, policy, timeout)| Explained::of(name, &policy, timeout)).collect();
    options
        .output
        .show(&explained, |all| all.iter().map(Explained::text).collect::<Vec<_>>().join("\n"))
        .map(Answer::told)
}

/// The policies in question, each with its name and how long an attempt may take.
fn policies(options: &Options) -> anyhow::Result<Vec<(String, Policy, Span)>> {
    let text = options.policy.as_str();
    if text.trim_start().starts_with('{') {
        let strategy = inline(text)?;
        return Ok(vec![(format!("{:?}", strategy.kind), setting(&strategy).policy, options.timeout)]);
    }
    if let Ok(name) = text.parse::<StrategyName>() {
        return Ok(vec![(name.as_str().to_owned(), name.preset(), options.timeout)]);
    }
    let source: Source = text.parse()?;
    if let Source::File(path) = &source
        && !path.exists()
    {
        let names: Vec<String> = StrategyName::ALL.iter().map(|name| name.as_str().to_owned()).collect();
        bail!("{text} is no file and no type of strategy; the types are: {}", names.join(", "));
    }
    let spec = experiment::read(&source)?.spec;
    let arm = |arm: &retrylab_api::Arm| (arm.name.clone(), setting(&arm.strategy).policy, spec.client.timeout);
    Ok(spec.arms.iter().map(arm).collect())
}

fn inline(text: &str) -> anyhow::Result<Strategy> {
    let problems = experiment::strategy_problems(text)?;
    if !problems.is_empty() {
        bail!("cannot use the strategy\n{}", problems.join("\n"));
    }
    let strategy: Strategy = serde_saphyr::from_str(text).context("cannot use the strategy")?;
    validate_strategy(&strategy)?;
    Ok(strategy)
}

impl Explained {
    fn of(name: String, policy: &Policy, timeout: Span) -> Self {
        Self {
            name,
            max_attempts: policy.max_attempts,
            longest_request: delays::shown(policy.longest_request(timeout.as_duration())),
            attempts: delays::attempts(policy),
            rules: words::rules(policy),
        }
    }

    fn text(&self) -> String {
        let attempts = match self.max_attempts {
            1 => "one attempt for a request, no retry".to_owned(),
            n => format!("up to {n} attempts for a request"),
        };
        let row = |attempt: &delays::Attempt| {
            let delays::Attempt { number, wait, wait_mean, at, at_mean } = attempt.clone();
            vec![number.to_string(), wait, wait_mean, at, at_mean]
        };
        let rows: Vec<_> = self.attempts.iter().map(row).collect();
        let header = ["ATTEMPT", "WAIT BEFORE IT", "MEAN", "SENT AT", "MEAN"];
        let rules = self.rules.iter().map(|rule| format!("* {rule}\n")).collect::<Vec<_>>().concat();
        format!(
            "{}: {attempts}; a request takes {} at most\n{}(times of attempts that all fail at once)\n{rules}",
            self.name,
            self.longest_request,
            table(&header, &rows),
        )
    }
}

#[cfg(test)]
mod tests {
    use retrylab_api::StrategyType;

    use super::*;

    fn explained(policy: &str) -> anyhow::Result<Vec<(String, Policy, Span)>> {
        let (timeout, output) = (Span::from_millis(5_000), Form::Table);
        policies(&Options { policy: policy.into(), timeout, output })
    }

    #[test]
    fn a_preset_an_inline_strategy_and_a_file_are_told_apart() {
        assert_eq!(explained("AWSStandard").unwrap()[0].1, StrategyName::AwsStandard.preset());
        assert_eq!(explained("{type: Naive, naive: {maxAttempts: 7}}").unwrap()[0].1.max_attempts, 7);
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/samples/comparison.yaml");
        assert_eq!(explained(sample).unwrap().len(), 3);
        let refused = |policy: &str| explained(policy).unwrap_err().to_string();
        assert!(refused("jiter").contains("the types are: none, naive, "), "{}", refused("jiter"));
        assert!(refused("{type: Naiv}").contains("did you mean Naive?"), "{}", refused("{type: Naiv}"));
        assert!(refused("{type: Naive, naive: {maxAttempts: 70}}").contains("1 to 20"));
    }

    #[test]
    fn every_type_of_the_spec_is_a_preset() {
        let definition = serde_json::to_value(retrylab_api::crd()).unwrap();
        let types = definition.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/arms/items/properties/strategy/properties/type/enum");
        let types: Vec<StrategyType> = serde_json::from_value(types.unwrap().clone()).unwrap();
        assert!(types.iter().all(|kind| format!("{kind:?}").parse::<StrategyName>().is_ok()));
    }
}
