//! The file: a `RetryExperiment` in YAML, under the rules that the cluster has for it.

use std::{fmt, sync::LazyLock};

use anyhow::bail;
use retrylab_api::{Caps, GROUP, RetryExperiment, RetryExperimentSpec, crd, validate_name, violations};
use serde_json::{Value, json};

use crate::input::{Document, Place, Problem, Source, documents, problems};

/// The kind that is looked for.
pub const KIND: &str = "RetryExperiment";

/// An experiment that has passed every rule.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Its name; a prefix of it, where the rest is left to the API server.
    pub name: String,
    /// Its spec.
    pub spec: RetryExperimentSpec,
    /// The whole object.
    pub object: RetryExperiment,
}

/// One document of a file.
#[derive(Debug)]
pub enum Found {
    /// An experiment that has passed every rule.
    Good(Box<Experiment>),
    /// One that has not: all that is wrong with it.
    Bad(Vec<Mistake>),
    /// Something else: its kind and name.
    Other(String),
}

/// What is wrong, and where in the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where; nothing is known where the field is missing altogether.
    pub place: Option<Place>,
    /// What.
    pub problem: Problem,
}

/// `file:line:column: field: what`, as compilers write it, so that editors and pipelines find the place.
pub struct At<'m>(pub &'m Source, pub &'m Mistake);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(source, Mistake { place, problem }) = self;
        match place {
            Some(Place { line, column }) => write!(f, "{source}:{line}:{column}: {problem}"),
            None => write!(f, "{source}: {problem}"),
        }
    }
}

/// Reads the one experiment of a file; other kinds in it are passed over.
///
/// # Errors
/// When it can't be read, has none or several, or breaks a rule: with every field that does, what was given and what is allowed.
pub fn read(source: &Source) -> anyhow::Result<Experiment> {
    let mut good = Vec::new();
    let mut mistakes = Vec::new();
    for found in all(source, &source.read()?)? {
        match found {
            Found::Good(experiment) => good.push(*experiment),
            Found::Bad(of_one) => mistakes.extend(of_one.iter().map(|mistake| At(source, mistake).to_string())),
            Found::Other(_) => {}
        }
    }
    if !mistakes.is_empty() {
        bail!("cannot use {source}\n{}", mistakes.join("\n"));
    }
    let many = good.len();
    match good.pop().filter(|_| many == 1) {
        Some(experiment) => Ok(experiment),
        None if many == 0 => bail!("cannot use {source}: there is no {KIND} in it"),
        None => bail!("cannot use {source}: there are {many} experiments in it, and one is needed"),
    }
}

/// Everything that a file has.
///
/// # Errors
/// When it is no YAML.
pub fn all(source: &Source, text: &str) -> anyhow::Result<Vec<Found>> {
    match documents(text) {
        Ok(documents) => Ok(documents.into_iter().map(judged).collect()),
        Err(error) => {
            let mistake = Mistake { place: error.place, problem: Problem::of_the_whole(error.to_string()) };
            bail!("{}", At(source, &mistake))
        }
    }
}

fn judged(mut document: Document) -> Found {
    let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
    let (kind, metadata) = (text(&document.value["kind"]), &document.value["metadata"]);
    let name = text(metadata.get("name").unwrap_or(&metadata["generateName"]));
    if kind != KIND && !looks_like_one(&document.value) {
        let kind = if kind.is_empty() { "a document without a kind" } else { kind.as_str() };
        return Found::Other(format!("{kind} {name}").trim_end().to_owned());
    }
    let mut found = header(&document.value);
    let mut value = document.value.take();
    found.extend(problems(&SCHEMA, &mut value));
    match serde_path_to_error::deserialize::<_, RetryExperiment>(value) {
        Ok(object) => {
            found.extend(validate_name(&object.metadata).err().map(Problem::from));
            found.extend(violations(&object.spec, Caps::default()).into_iter().map(Problem::from));
            if found.is_empty() {
                return Found::Good(Box::new(Experiment { name, spec: object.spec.clone(), object }));
            }
        }
        // What doesn't fit the types has been named, unless it is in a part that the schema leaves open.
        Err(error) if found.is_empty() => found.push(Problem::of_the_whole(error.to_string())),
        Err(_) => {}
    }
    let place = |problem: Problem| Mistake { place: document.place(&problem.field), problem };
    let mut mistakes: Vec<Mistake> = found.into_iter().map(place).collect();
    mistakes.sort_by_key(|mistake| mistake.place);
    Found::Bad(mistakes)
}

/// What is wrong with a strategy that stands by itself, by the schema that it has in an experiment.
///
/// # Errors
/// When it is no YAML.
pub fn strategy_problems(text: &str) -> anyhow::Result<Vec<String>> {
    let schema = &SCHEMA["properties"]["spec"]["properties"]["arms"]["items"]["properties"]["strategy"];
    let mut documents = documents(text)?;
    let found = documents.iter_mut().flat_map(|document| problems(schema, &mut document.value));
    Ok(found.map(|problem| problem.to_string()).collect())
}

/// A misspelt kind is no reason to pass an experiment over in silence.
fn looks_like_one(document: &Value) -> bool {
    document["apiVersion"].as_str().is_some_and(|version| version.starts_with(GROUP))
        && document["spec"]["arms"].is_array()
}

fn header(document: &Value) -> Vec<Problem> {
    let api_version = format!("{GROUP}/v1alpha1");
    let wrong = |(field, expected): (&str, &str)| {
        let given = &document[field];
        let is_so = given.as_str() == Some(expected);
        let given = if given.is_null() { "nothing".to_owned() } else { given.to_string() };
        (!is_so).then(|| retrylab_core::wire::FieldError::new(field, given, expected).into())
    };
    [("apiVersion", api_version.as_str()), ("kind", KIND)].into_iter().filter_map(wrong).collect()
}

/// The definition's schema, with what every object has beside it; a status is the operator's matter.
static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let definition = serde_json::to_value(crd()).unwrap_or_default();
    let spec = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let open = json!({});
    json!({
        "type": "object",
        "properties": {"apiVersion": open, "kind": open, "metadata": open, "spec": spec, "status": open},
        "required": ["spec"],
    })
});

#[cfg(test)]
pub mod tests {
    use super::*;

    const COMPARISON: &str = include_str!("../../../deploy/samples/comparison.yaml");

    /// The sample.
    pub fn comparison() -> Experiment {
        match all(&Source::Stdin, COMPARISON).unwrap().pop() {
            Some(Found::Good(experiment)) => *experiment,
            other => panic!("{other:?}"),
        }
    }

    fn mistakes(text: &str) -> Vec<String> {
        match all(&Source::Stdin, text).unwrap().pop() {
            Some(Found::Bad(mistakes)) => mistakes.iter().map(|m| At(&Source::Stdin, m).to_string()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_sample_is_read() {
        let experiment = comparison();
        assert_eq!((experiment.name.as_str(), experiment.spec.arms.len()), ("comparison", 3));
    }

    fn check(from: &str, to: &str, expected: &str) {
        assert!(COMPARISON.contains(from));
        let found = mistakes(&COMPARISON.replace(from, to));
        assert_eq!(found.len(), 1, "{found:#?}");
        let line = 1 + COMPARISON[..COMPARISON.find(from).unwrap()].matches('\n').count();
        assert!(found[0].contains(expected), "{found:?}");
        assert!(found[0].starts_with(&format!("standard input:{line}:")), "{} is not of line {line}", found[0]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_field_and_its_place() {
        check("rate: 50", "rate: 0", "spec.load.rate: 0 is not allowed; allowed: 1 to 20000");
        check("rate: 50", "rate: fast", "spec.load.rate: \"fast\" is not allowed; allowed: a whole number");
        check(
            "kind: RetryExperiment",
            "kind: RetryExperment",
            "kind: \"RetryExperment\" is not allowed; allowed: RetryExperiment",
        );
        check(
            "name: comparison",
            "name: Comparison_1",
            "metadata.name: \"Comparison_1\" is not allowed; allowed: at most 48 ",
        );
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once_in_the_order_of_the_file() {
        let text =
            COMPARISON.replace("rate: 50", "rate: 0\n    pace: 5").replace("at: 5s, for: 5s", "at: 50s, for: 5050ms");
        let found = mistakes(&text.replace("name: comparison", "name: Comparison"));
        let fields: Vec<&str> =
            found.iter().map(|m| m.splitn(4, ':').nth(3).unwrap().split(": ").next().unwrap().trim()).collect();
        assert_eq!(fields, ["metadata.name", "spec.load.rate", "spec.load.pace", "spec.faults[0].for"], "{found:#?}");
    }

    #[test]
    fn other_kinds_are_other_kinds() {
        let other = "kind: Namespace\nmetadata: {name: demo}\n";
        let found = all(&Source::Stdin, &format!("{other}---\n{COMPARISON}---\na: 1\n")).unwrap();
        assert!(matches!(&found[..], [Found::Other(first), Found::Good(_), Found::Other(last)]
            if first == "Namespace demo" && last == "a document without a kind"));
    }
}
