//! Who may do what.

use serde_json::{Value, json};

use crate::harness::{chart, find, objects, parse, render, try_find};

const CLUSTER_WIDE: [&str; 3] = ["ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"];
/// The operator's role in the cluster, and its binding.
const CLUSTER_ROLE: &str = "retrylab-system:retrylab-operator";

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

#[test]
fn an_operator_for_some_namespaces_has_roles_there_and_nowhere_else() {
    let made = objects(&json!({"watchNamespaces": ["lab", "lab-2"]}));
    let everywhere = objects(&json!({}));
    let rules = &find(&everywhere, "ClusterRole", CLUSTER_ROLE)["rules"];
    let (local, bindings) = (of_kind(&made, "Role"), of_kind(&made, "RoleBinding"));
    for namespace in ["lab", "lab-2"] {
        let here = |object: &&&Value| {
            object["metadata"]["namespace"] == namespace && object["metadata"]["name"] == "retrylab-operator"
        };
        assert_eq!(&local.iter().find(here).unwrap()["rules"], rules);
        let binding = bindings.iter().find(here).unwrap();
        assert_eq!(binding["roleRef"]["kind"], "Role");
        assert_eq!(
            binding["subjects"],
            json!([{"kind": "ServiceAccount", "name": "retrylab-operator", "namespace": "retrylab-system"}])
        );
    }
    assert_eq!(try_find(&made, "ClusterRole", CLUSTER_ROLE), None);
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
        ("retrylab-system:retrylab-view", vec!["view", "edit", "admin"], json!(["get", "list", "watch"])),
        (
            "retrylab-system:retrylab-edit",
            vec!["edit", "admin"],
            json!(["create", "update", "patch", "delete", "deletecollection"]),
        ),
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
        let binding = find(&made, "ClusterRoleBinding", CLUSTER_ROLE);
        assert_eq!(binding["subjects"][0]["name"], account);
        assert_eq!(binding["roleRef"]["name"], CLUSTER_ROLE);
    }
}

/// What a release of the usual name has in a namespace: kinds, namespaces and names, by which Helm tells objects apart.
fn of_release_in(namespace: &str, values: &Value) -> Vec<String> {
    let made = parse(&render(&chart("retrylab"), values, &["--namespace", namespace]).unwrap());
    let name = |object: &Value| {
        let (kind, metadata) = (&object["kind"], &object["metadata"]);
        format!("{kind} {} {}", metadata["namespace"], metadata["name"])
    };
    made.iter().map(name).collect()
}

#[test]
fn releases_of_one_name_in_two_namespaces_share_nothing_but_the_definition_which_can_be_left_to_one() {
    for watched in [json!([]), json!(["lab"])] {
        let values = |watched: &Value, crds: bool| json!({"watchNamespaces": watched, "crds": {"enabled": crds}});
        let one = of_release_in("team-a", &values(&watched, true));
        let shared =
            |other: &[String]| -> Vec<String> { one.iter().filter(|object| other.contains(object)).cloned().collect() };
        let definition = r#""CustomResourceDefinition" null "retryexperiments.retrylab.dev""#;
        assert_eq!(shared(&of_release_in("team-b", &values(&json!(["lab-2"]), true))), [definition]);
        assert_eq!(shared(&of_release_in("team-b", &values(&json!(["lab-2"]), false))), Vec::<String>::new());
    }
}

#[test]
fn helm_refuses_a_second_operator_of_its_name_for_a_namespace_that_has_one() {
    let (one, other) = (json!({"watchNamespaces": ["lab"]}), json!({"watchNamespaces": ["lab", "lab-2"]}));
    let (one, other) = (of_release_in("team-a", &one), of_release_in("team-b", &other));
    let role = r#""Role" "lab" "retrylab-operator""#.to_owned();
    assert!(one.contains(&role) && other.contains(&role));
}
