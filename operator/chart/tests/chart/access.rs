//! Who may do what.

use serde_json::{Value, json};

use crate::harness::{find, objects, try_find};

const CLUSTER_WIDE: [&str; 3] = ["ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"];

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

#[test]
fn an_operator_for_some_namespaces_has_roles_there_and_nowhere_else() {
    let made = objects(&json!({"watchNamespaces": ["lab", "lab-2"]}));
    let everywhere = objects(&json!({}));
    let rules = &find(&everywhere, "ClusterRole", "retrylab-operator")["rules"];
    let (roles, bindings) = (of_kind(&made, "Role"), of_kind(&made, "RoleBinding"));
    for namespace in ["lab", "lab-2"] {
        let here = |object: &&&Value| {
            object["metadata"]["namespace"] == namespace && object["metadata"]["name"] == "retrylab-operator"
        };
        assert_eq!(&roles.iter().find(here).unwrap()["rules"], rules);
        let binding = bindings.iter().find(here).unwrap();
        assert_eq!(binding["roleRef"]["kind"], "Role");
        assert_eq!(
            binding["subjects"],
            json!([{"kind": "ServiceAccount", "name": "retrylab-operator", "namespace": "retrylab-system"}])
        );
    }
    assert_eq!(try_find(&made, "ClusterRole", "retrylab-operator"), None);
    assert_eq!(of_kind(&made, "ClusterRoleBinding"), Vec::<&Value>::new());
}

#[test]
fn whoever_installs_it_for_some_namespaces_needs_no_rights_in_the_cluster() {
    let made = objects(&json!({"watchNamespaces": ["lab"], "crds": {"enabled": false}, "rbac": {"aggregate": false}}));
    for object in made {
        assert!(!CLUSTER_WIDE.iter().any(|kind| object["kind"] == *kind), "{object}");
        assert!(object["metadata"]["namespace"].is_string(), "{object}");
    }
}

#[test]
fn nobody_is_given_a_wildcard_or_a_verb_that_lists_secrets() {
    for object in objects(&json!({})) {
        for rule in object["rules"].as_array().into_iter().flatten() {
            let has = |field: &str, value: &str| rule[field].as_array().unwrap().iter().any(|v| v == value);
            for field in ["apiGroups", "resources", "verbs"] {
                assert!(!has(field, "*"), "{rule}");
            }
            assert!(!has("resources", "secrets") || !(has("verbs", "list") || has("verbs", "watch")), "{rule}");
        }
    }
}

#[test]
fn viewers_may_look_at_experiments_and_editors_may_change_them() {
    let made = objects(&json!({}));
    for (name, roles, verbs) in [
        ("retrylab-view", vec!["view", "edit", "admin"], json!(["get", "list", "watch"])),
        ("retrylab-edit", vec!["edit", "admin"], json!(["create", "update", "patch", "delete", "deletecollection"])),
    ] {
        let role = find(&made, "ClusterRole", name);
        assert_eq!(
            role["rules"],
            json!([{"apiGroups": ["retrylab.dev"], "resources": ["retryexperiments"], "verbs": verbs}])
        );
        for to in ["view", "edit", "admin"] {
            let label = &role["metadata"]["labels"][format!("rbac.authorization.k8s.io/aggregate-to-{to}")];
            assert_eq!(label == "true", roles.contains(&to), "{name} to {to}");
        }
    }
}

#[test]
fn the_account_of_the_operator_is_the_one_that_has_the_rights() {
    for (values, account) in [
        (json!({}), "retrylab-operator"),
        (json!({"serviceAccount": {"name": "mine"}}), "mine"),
        (json!({"serviceAccount": {"create": false, "name": "theirs"}}), "theirs"),
        (json!({"serviceAccount": {"create": false}}), "default"),
    ] {
        let made = objects(&values);
        let pod = &find(&made, "Deployment", "retrylab-operator")["spec"]["template"]["spec"];
        assert_eq!(pod["serviceAccountName"], account);
        let binding = find(&made, "ClusterRoleBinding", "retrylab-operator");
        assert_eq!(binding["subjects"][0]["name"], account);
        assert_eq!(binding["roleRef"]["name"], "retrylab-operator");
    }
}
