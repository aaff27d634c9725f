//! YAML documents (JSON is YAML), each with the place in the text at which every field of it stands.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

/// A line and a column, both from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

/// One YAML document.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it says.
    pub value: Value,
    places: BTreeMap<String, Place>,
}

impl Document {
    /// Where a field stands, as `spec.arms[0].name`; of one that isn't there, where the innermost one around it stands.
    pub fn place(&self, field: &str) -> Option<Place> {
        // What a rule says in brackets behind a field ("their number") belongs to no path.
        let mut path = field.split(" (").next().unwrap_or(field);
        loop {
            if let Some(place) = self.places.get(path) {
                return Some(*place);
            }
            path = path.rfind(['.', '[']).map(|end| &path[..end])?;
        }
    }
}

/// The text is no YAML.
#[derive(Debug)]
pub struct NotYaml {
    /// Where that shows.
    pub place: Option<Place>,
    what: String,
}

impl fmt::Display for NotYaml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not YAML: {}", self.what)
    }
}

impl std::error::Error for NotYaml {}

/// The documents of a text; empty ones don't count.
///
/// # Errors
/// When it is no YAML: where, and why.
pub fn documents(text: &str) -> Result<Vec<Document>, NotYaml> {
    let trees: Vec<Spanned<Tree>> = serde_saphyr::from_multiple(text).map_err(|error| {
        let error = error.without_snippet();
        let place = error.location().map(|at| Place { line: at.line(), column: at.column() });
        NotYaml { place, what: plain_words(&error.to_string()) }
    })?;
    let document = |tree: Spanned<Tree>| {
        let mut places = BTreeMap::new();
        let value = plain(tree, "", &mut places);
        Document { value, places }
    };
    Ok(trees.into_iter().map(document).collect())
}

/// The parser's words, without what it says to whoever calls it, and without the place, which is told anyway.
fn plain_words(words: &str) -> String {
    let until = |text: &str, end: &str| text.split(end).next().unwrap_or_default().to_owned();
    until(&until(words, " at line "), ", set DuplicateKeyPolicy")
}

/// What a document says, with the places of what it is made of.
enum Tree {
    Scalar(Value),
    List(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<String>, Spanned<Tree>)>),
}

/// Takes the places out of a tree. An entry of a map stands where its key does.
fn plain(tree: Spanned<Tree>, path: &str, places: &mut BTreeMap<String, Place>) -> Value {
    let place = Place { line: tree.referenced.line(), column: tree.referenced.column() };
    places.entry(path.to_owned()).or_insert(place);
    match tree.value {
        Tree::Scalar(value) => value,
        Tree::List(items) => {
            let item = |(i, item)| plain(item, &format!("{path}[{i}]"), places);
            items.into_iter().enumerate().map(item).collect()
        }
        Tree::Map(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let inner = if path.is_empty() { key.value.clone() } else { format!("{path}.{}", key.value) };
                let place = Place { line: key.referenced.line(), column: key.referenced.column() };
                places.insert(inner.clone(), place);
                map.insert(key.value, plain(value, &inner, places));
            }
            Value::Object(map)
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        // JSON has no number for infinities and the like; as texts they are refused wherever a number is due.
        Ok(Tree::Scalar(Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Tree::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_has_its_place() {
        let text = "# a comment\nspec:\n  rate: 5\n  arms:\n  - {name: a, on: true}\n  - name: b\n";
        let documents = documents(text).unwrap();
        assert_eq!(documents.len(), 1);
        assert_eq!(
            documents[0].value,
            json!({"spec": {"rate": 5, "arms": [{"name": "a", "on": true}, {"name": "b"}]}})
        );
        let check = |field: &str, line, column| {
            assert_eq!(documents[0].place(field), Some(Place { line, column }), "{field}");
        };
        check("spec.rate", 3, 3);
        check("spec.arms[0].on", 5, 15);
        check("spec.arms[1]", 6, 5);
        check("spec.arms (their number)", 4, 3);
        check("spec.arms[1].strategy.type", 6, 5);
        check("spec.load.rate", 2, 1);
    }

    #[test]
    fn a_file_has_as_many_documents_as_it_has_and_places_are_the_file_s() {
        let documents = documents("a: 1\n---\nb: 2.5\n---\n# nothing\n---\nc: null\nd: \"3\"\n").unwrap();
        let values: Vec<_> = documents.iter().map(|d| d.value.clone()).collect();
        assert_eq!(values, [json!({"a": 1}), json!({"b": 2.5}), json!({"c": null, "d": "3"})]);
        assert_eq!(documents[1].place("b").map(|place| place.line), Some(3));
    }

    #[test]
    fn what_is_no_yaml_says_where() {
        let error = documents("spec:\n  arms: [a\n  load: {}\n").unwrap_err();
        assert!(error.place.is_some_and(|place| place.line >= 2), "{error:?}");
        assert!(error.to_string().starts_with("not YAML: "), "{error}");
        let error = documents("a: 1\na: 2\n").unwrap_err();
        assert_eq!(error.to_string(), "not YAML: duplicate mapping key: a");
        assert_eq!(error.place, Some(Place { line: 2, column: 1 }));
    }
}
