//! What rendered objects are held against: schemas of Kubernetes' kinds, and of those that a definition adds.

use std::{env, fs, path::Path, sync::LazyLock};

use serde_json::{Value, json};

use crate::harness::{find, objects, parse, run, tool};

/// How kubeconform names a kind's file.
const FILE: &str = "{{ .ResourceKind }}{{ .KindSuffix }}.json";

/// Where those of Kubernetes' own kinds are.
pub fn kubernetes_s() -> String {
    format!("{}/{FILE}", tool("schemas").display())
}

/// Where those of the kinds are that the chart uses and a definition adds: prometheus-operator's, and our own.
pub fn defined() -> String {
    static FOLDER: LazyLock<String> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemas");
        fs::create_dir_all(&folder).unwrap();
        let ours = find(&objects(&json!({})), "CustomResourceDefinition", "retryexperiments.retrylab.dev").clone();
        for definition in [ours].into_iter().chain(prometheus_operator_s()) {
            let (group, names) = (&definition["spec"]["group"], &definition["spec"]["names"]);
            let group = group.as_str().unwrap().split('.').next().unwrap();
            for version in definition["spec"]["versions"].as_array().unwrap() {
                let file = format!(
                    "{}-{group}-{}.json",
                    names["singular"].as_str().unwrap(),
                    version["name"].as_str().unwrap()
                );
                fs::write(folder.join(file), whole(&version["schema"]["openAPIV3Schema"]).to_string()).unwrap();
            }
        }
        format!("{}/{FILE}", folder.display())
    });
    FOLDER.clone()
}

/// The definitions of the three kinds that the chart has objects of, from the release's manifests.
fn prometheus_operator_s() -> Vec<Value> {
    let cache = env::var_os("RETRYLAB_CACHE").expect("RETRYLAB_CACHE must have the manifests: run `make test-chart`");
    let bundle = fs::read_to_string(Path::new(&cache).join("monitoring/bundle.yaml")).unwrap();
    let wanted = ["PodMonitor", "PrometheusRule", "ServiceMonitor"];
    let is_wanted = |text: &&str| wanted.iter().any(|kind| text.contains(&format!("\n    kind: {kind}\n")));
    let definitions: Vec<Value> = bundle.split("\n---\n").filter(is_wanted).flat_map(parse).collect();
    assert_eq!(definitions.len(), wanted.len());
    definitions
}

/// The schema of a whole object: the API server adds to each definition what every object has.
fn whole(schema: &Value) -> Value {
    let mut schema = strict(schema);
    for field in ["apiVersion", "kind", "metadata"] {
        schema["properties"][field] = json!({});
    }
    schema
}

/// A schema by which a field that it doesn't have is an error, as the API server drops it in silence.
fn strict(schema: &Value) -> Value {
    let Value::Object(schema) = schema else { return schema.clone() };
    let mut strict_one = schema.clone();
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let properties = properties.iter().map(|(name, schema)| (name.clone(), strict(schema))).collect();
        strict_one.insert("properties".into(), Value::Object(properties));
        if schema.get("x-kubernetes-preserve-unknown-fields") != Some(&json!(true)) {
            strict_one.insert("additionalProperties".into(), json!(false));
        }
    }
    for below in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(below).filter(|inner| inner.is_object()) {
            strict_one.insert(below.into(), strict(inner));
        }
    }
    Value::Object(strict_one)
}

#[test]
fn a_field_that_a_defined_kind_does_not_have_is_refused() {
    let monitor = |field: &str| {
        let endpoint = json!({"port": "http", field: "5s"});
        let spec = json!({"selector": {}, "endpoints": [endpoint]});
        json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": {"name": "x"}, "spec": spec})
    };
    let check = |object: Value| run("kubeconform", &["-strict", "-schema-location", &defined()], &object.to_string());
    check(monitor("interval")).unwrap();
    let said = check(monitor("intervall")).unwrap_err();
    assert!(said.contains("intervall"), "{said}");
    let mut experiment = find(&objects(&json!({})), "RetryExperiment", "retrylab-test").clone();
    check(experiment.clone()).unwrap();
    experiment["spec"]["laod"] = json!({});
    assert!(check(experiment).unwrap_err().contains("laod"));
}
