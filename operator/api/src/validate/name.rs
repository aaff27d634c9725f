//! `metadata.name`: a rule of the CRD's own, since names of Services are made from it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use retrylab_core::wire::FieldError;

/// Most characters of a name: `-backend` and the like are appended, and a Service's name has room for 63.
const NAME_MAX: usize = 48;
/// What the API server appends to `generateName`.
const GENERATED: usize = 5;
/// Most characters of a namespace's name: it is a DNS label.
const NAMESPACE_MAX: usize = 63;

const NAME: &str =
    "at most 48 small letters, digits and inner hyphens, a letter first, since names of Services are made from it";
const NAMESPACE: &str = "at most 63 small letters, digits and inner hyphens";

/// Checks the names of an object.
///
/// # Errors
/// Names the field that is not allowed, with its value and what is allowed.
pub fn validate_name(metadata: &ObjectMeta) -> Result<(), FieldError> {
    if let Some(namespace) = metadata.namespace.as_deref()
        && !is_label(namespace, NAMESPACE_MAX)
    {
        return Err(FieldError::new("metadata.namespace", quoted(namespace), NAMESPACE));
    }
    let begins = |text: &str| text.starts_with(|c: char| c.is_ascii_lowercase());
    match (metadata.name.as_deref(), metadata.generate_name.as_deref()) {
        (Some(name), _) if is_label(name, NAME_MAX) && begins(name) => Ok(()),
        (Some(name), _) => Err(FieldError::new("metadata.name", quoted(name), NAME)),
        // The API server cuts what is too long, and puts letters and digits behind it.
        (None, Some(prefix)) if is_label(&format!("{prefix}x"), NAME_MAX - GENERATED + 1) && begins(prefix) => Ok(()),
        (None, Some(prefix)) => Err(FieldError::new("metadata.generateName", quoted(prefix), NAME)),
        (None, None) => Err(FieldError::new("metadata.name", "nothing", NAME)),
    }
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn is_label(text: &str, most: usize) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.len() <= most && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, namespace: Option<&str>, refused: Option<&str>) {
        let namespace = namespace.map(str::to_owned);
        let metadata = ObjectMeta { name: Some(name.to_owned()), namespace, ..ObjectMeta::default() };
        assert_eq!(
            validate_name(&metadata).err().map(|e| e.field).as_deref(),
            refused,
            "{name} in {:?}",
            metadata.namespace
        );
    }

    #[test]
    fn names_that_the_cluster_takes_are_allowed_and_others_are_not() {
        for name in ["a", "comparison", "a-1", &"a".repeat(48)] {
            check(name, Some("default"), None);
        }
        for name in ["", "Comparison", "1a", "-a", "a-", "a.b", "a_b", &"a".repeat(49)] {
            check(name, None, Some("metadata.name"));
        }
        for namespace in ["", "Team", "a.b", "a-", &"a".repeat(64)] {
            check("a", Some(namespace), Some("metadata.namespace"));
        }
        check("a", Some("1st-team"), None);
    }

    #[test]
    fn a_name_may_be_left_to_the_api_server_but_not_out() {
        let field = |metadata: ObjectMeta| validate_name(&metadata).err().map(|e| e.field);
        let prefix = |text: &str| ObjectMeta { generate_name: Some(text.into()), ..ObjectMeta::default() };
        assert_eq!(field(prefix("nightly-")), None);
        assert_eq!(field(prefix("Nightly-")).as_deref(), Some("metadata.generateName"));
        assert_eq!(field(ObjectMeta::default()).as_deref(), Some("metadata.name"));
    }
}
