//! A document held against the schema of its kind, the very one that the API server has: everything that is wrong with it at
//! once, and not the first thing only. What the server would drop in silence, a field that it doesn't know, is wrong here.

use std::fmt;

use regex_lite::Regex;
use retrylab_core::wire::FieldError;
use serde_json::{Map, Value};

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field, such as `spec.arms[0].name`.
    pub field: String,
    what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() { f.write_str(&self.what) } else { write!(f, "{}: {}", self.field, self.what) }
    }
}

impl From<FieldError> for Problem {
    fn from(FieldError { field, given, allowed }: FieldError) -> Self {
        Self { field, what: format!("{given} is not allowed; allowed: {allowed}") }
    }
}

impl Problem {
    fn new(field: &str, what: impl Into<String>) -> Self {
        Self { field: field.to_owned(), what: what.into() }
    }

    fn not_allowed(field: &str, given: &Value, allowed: &str) -> Self {
        Self::new(field, format!("{given} is not allowed; allowed: {allowed}"))
    }

    /// What can't be put down to one field.
    pub fn of_the_whole(what: impl Into<String>) -> Self {
        Self::new("", what)
    }
}

/// Holds a document against a structural schema. Unknown fields, and empty ones that the API server drops, are taken out of
/// it, so that the rest can be looked at.
pub fn problems(schema: &Value, document: &mut Value) -> Vec<Problem> {
    let mut found = Vec::new();
    check(schema, document, "", &mut found);
    found
}

fn check(schema: &Value, value: &mut Value, path: &str, found: &mut Vec<Problem>) {
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    match (schema["type"].as_str().unwrap_or_default(), &mut *value) {
        ("object", Value::Object(fields)) => object(schema, fields, path, found),
        ("array", Value::Array(items)) => {
            for (i, item) in items.iter_mut().enumerate() {
                check(&schema["items"], item, &format!("{path}[{i}]"), found);
            }
        }
        ("string", Value::String(_)) | ("boolean", Value::Bool(_)) => {}
        ("integer", Value::Number(number)) if number.is_u64() || number.is_i64() => {}
        ("", _) => return,
        (expected, _) => return found.push(Problem::not_allowed(path, value, &kind(expected, schema, value))),
    }
    found.extend(one_of(schema, value, path).or_else(|| pattern(schema, value, path)));
}

fn object(schema: &Value, fields: &mut Map<String, Value>, path: &str, found: &mut Vec<Problem>) {
    let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let Some(known) = schema["properties"].as_object() else { return };
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    // The server drops what is empty, unless that means something.
    fields.retain(|name, value| !value.is_null() || known.get(name).is_none_or(|field| field["nullable"] == true));
    let unknown: Vec<String> = fields.keys().filter(|name| !known.contains_key(*name)).cloned().collect();
    for name in unknown {
        fields.remove(&name);
        found.push(Problem::new(&inner(&name), format!("there is no such field; {}", instead(&name, known.keys()))));
    }
    for name in required.into_iter().filter(|name| !fields.contains_key(*name)) {
        found.push(Problem::new(&inner(name), "is missing, and is needed"));
    }
    for (name, value) in fields {
        if let Some(schema) = known.get(name) {
            check(schema, value, &inner(name), found);
        }
    }
}

fn one_of(schema: &Value, value: &Value, path: &str) -> Option<Problem> {
    let allowed = schema["enum"].as_array()?;
    if allowed.contains(value) {
        return None;
    }
    let names: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
    let meant = nearest(value.as_str().unwrap_or_default(), names.iter().copied());
    let meant = meant.map_or_else(String::new, |name| format!("did you mean {name}? "));
    Some(Problem::new(path, format!("{value} is not allowed; {meant}allowed: {}", names.join(", "))))
}

fn pattern(schema: &Value, value: &Value, path: &str) -> Option<Problem> {
    let (pattern, text) = (schema["pattern"].as_str()?, value.as_str()?);
    let is_allowed = Regex::new(pattern).ok()?.is_match(text);
    (!is_allowed).then(|| Problem::not_allowed(path, value, &in_words(pattern, schema)))
}

/// What a type is called.
fn kind(expected: &str, schema: &Value, given: &Value) -> String {
    match (expected, schema["pattern"].as_str()) {
        ("object", _) => "fields of its own".to_owned(),
        ("array", _) => "a list".to_owned(),
        ("integer", _) => "a whole number".to_owned(),
        ("boolean", _) => "true or false".to_owned(),
        (_, Some(pattern)) if given.is_number() && is_decimal(pattern) => format!("a decimal in quotes, \"{given}\""),
        (_, Some(pattern)) => in_words(pattern, schema),
        _ => "a text".to_owned(),
    }
}

/// What the patterns of the definition stand for.
fn in_words(pattern: &str, schema: &Value) -> String {
    let most = schema["maxLength"].as_u64().unwrap_or(30);
    if pattern.contains("ms|s|m|h") {
        "a length of time such as 500ms, 10s or 1m30s".to_owned()
    } else if pattern.contains("a-z0-9") {
        format!("1 to {most} small letters, digits and inner hyphens")
    } else if is_decimal(pattern) {
        "a decimal such as \"3.2\"".to_owned()
    } else {
        format!("what matches {pattern}")
    }
}

fn is_decimal(pattern: &str) -> bool {
    pattern.starts_with("^[0-9]{") && pattern.contains(r"\.")
}

/// What may have been meant, or what there is.
fn instead<'a>(given: &str, known: impl Iterator<Item = &'a String> + Clone) -> String {
    match nearest(given, known.clone().map(String::as_str)) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("there are: {}", known.map(String::as_str).collect::<Vec<_>>().join(", ")),
    }
}

/// The most similar name, where one is similar at all: the measure and the limit that clap has for its options.
fn nearest<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |name: &str| strsim::jaro(&given.to_lowercase(), &name.to_lowercase());
    let rated = names.map(|name| (likeness(name), name)).filter(|(likeness, _)| *likeness > 0.7);
    rated.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(document: &str, expected: &[&str]) -> Value {
        let definition = serde_json::to_value(retrylab_api::crd()).unwrap();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
        let mut value: Value = serde_saphyr::from_str(document).unwrap();
        let found: Vec<String> = problems(schema, &mut value).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for text in expected {
            assert!(found.iter().any(|problem| problem.contains(text)), "{text} is not in {found:#?}");
        }
        value
    }

    const GOOD: &str = "{arms: [{name: a, strategy: {type: Naive}}], load: {rate: 5}, duration: 10s}";

    #[test]
    fn a_good_document_has_no_problem() {
        check(GOOD, &[]);
    }

    #[test]
    fn an_unknown_field_is_named_with_the_nearest_and_taken_out() {
        let given = GOOD.replace("rate: 5", "rate: 5, brusts: [], xyz: 1");
        let rest = check(
            &given,
            &["brusts: there is no such field; did you mean bursts?", "xyz: there is no such field; there are: "],
        );
        assert_eq!(rest["load"], json!({"rate": 5}));
    }

    #[test]
    fn everything_that_is_wrong_is_found_at_once() {
        let given =
            "{arms: [{name: Naive!, strategy: {type: naive}}, {strategy: []}], load: {rate: fast}, duration: 10}";
        check(
            given,
            &[
                "arms[0].name: \"Naive!\" is not allowed; allowed: 1 to 30 small letters",
                "arms[0].strategy.type: \"naive\" is not allowed; did you mean Naive? allowed: None, Naive, ",
                "arms[1].name: is missing",
                "arms[1].strategy: [] is not allowed; allowed: fields of its own",
                "load.rate: \"fast\" is not allowed; allowed: a whole number",
                "duration: 10 is not allowed; allowed: a length of time such as",
            ],
        );
    }

    #[test]
    fn a_bound_without_quotes_is_told_to_be_put_in_quotes() {
        let given = GOOD.replace("duration", "criteria: [{name: a, metric: Amplification, max: 3.2}], duration");
        check(&given, &["criteria[0].max: 3.2 is not allowed; allowed: a decimal in quotes, \"3.2\""]);
    }

    /// As the API server does; `null` where it means something stays.
    #[test]
    fn empty_fields_are_dropped_as_the_api_server_does() {
        let rest = check(&GOOD.replace("duration", "faults: null, client: null, duration"), &[]);
        assert_eq!((rest.get("faults"), rest.get("client")), (None, None));
    }
}
