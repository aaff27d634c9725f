//! The pinned tools, and the charts with what they depend on, in a folder of the tests' own.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::LazyLock,
};

use serde_json::{Value, json};

/// The release's name and namespace, as the README has them.
pub const RELEASE: &str = "retrylab";
pub const NAMESPACE: &str = "retrylab-system";

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The charts, whole: with the dependency in its place.
static CHARTS: LazyLock<PathBuf> = LazyLock::new(|| copy_of_the_charts("charts", |_| {}));

/// A copy of the folder `charts`, changed and then made whole.
pub fn copy_of_the_charts(name: &str, change: impl FnOnce(&Path)) -> PathBuf {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if copy.exists() {
        fs::remove_dir_all(&copy).unwrap();
    }
    let copied = Command::new("cp").arg("-R").arg(root().join("charts")).arg(&copy).status().unwrap();
    assert!(copied.success());
    change(&copy);
    let chart = copy.join("retrylab");
    run("helm", &["dependency", "build", chart.to_str().unwrap()], "").unwrap();
    copy
}

/// Where a chart is.
pub fn chart(name: &str) -> String {
    CHARTS.join(name).to_str().unwrap().to_owned()
}

/// The file with a tool, or with what tools need.
pub fn tool(name: &str) -> PathBuf {
    let tools = env::var_os("RETRYLAB_TOOLS").expect("RETRYLAB_TOOLS must have the tools: run `make test-chart`");
    PathBuf::from(tools).join(name)
}

/// Runs a tool and gives what it printed, or what it complained about.
pub fn run(name: &str, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut command = Command::new(tool(name));
    // Nobody's kubeconfig, cache or settings.
    command.env_clear().env("HOME", env!("CARGO_TARGET_TMPDIR")).args(arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("cannot run {name}: {e}"));
    // One that ends without reading has nothing to say about its input.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    if status.success() { Ok(stdout) } else { Err(format!("{stdout}{stderr}")) }
}

/// `helm template` of a chart with these values, as text.
pub fn render(chart: &str, values: &Value, more: &[&str]) -> Result<String, String> {
    let arguments = [&["template", RELEASE, chart, "--namespace", NAMESPACE, "--values", "-"], more].concat();
    run("helm", &arguments, &values.to_string())
}

/// The objects that the chart `retrylab` makes with these values.
pub fn objects(values: &Value) -> Vec<Value> {
    parse(&render(&chart("retrylab"), values, &[]).unwrap_or_else(|said| panic!("{values}: {said}")))
}

/// The notes that people see after an installation with these values.
pub fn notes(values: &Value) -> String {
    let arguments =
        ["install", RELEASE, &chart("retrylab"), "--namespace", NAMESPACE, "--dry-run=client", "--values=-"];
    let shown = run("helm", &arguments, &values.to_string()).unwrap();
    shown.split_once("NOTES:\n").unwrap().1.to_owned()
}

/// The objects of a text of several.
pub fn parse(text: &str) -> Vec<Value> {
    let mut objects: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    objects.retain(|object| !object.is_null());
    objects
}

/// The one object of a kind and name.
pub fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    try_find(objects, kind, name).unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

/// The same, if it is there.
pub fn try_find<'a>(objects: &'a [Value], kind: &str, name: &str) -> Option<&'a Value> {
    objects.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
}

/// The pods that a chart makes: the operator's, and that of `helm test`.
pub fn pods(objects: &[Value]) -> [(Value, Value); 2] {
    let template = &find(objects, "Deployment", "retrylab-operator")["spec"]["template"];
    let test = find(objects, "Pod", "retrylab-test");
    [template, test].map(|pod| (pod["metadata"].clone(), pod["spec"].clone()))
}

/// Whether a selector of labels selects what has these.
pub fn selects(match_labels: &Value, labels: &Value) -> bool {
    match_labels.as_object().unwrap().iter().all(|(key, value)| labels[key] == *value)
}

/// Values with others over them.
pub fn merged(values: &Value, over: &Value) -> Value {
    let (Value::Object(values), Value::Object(over)) = (values, over) else { return over.clone() };
    let mut merged = values.clone();
    for (key, value) in over {
        let below = merged.get(key).map_or_else(|| value.clone(), |below| self::merged(below, value));
        merged.insert(key.clone(), below);
    }
    Value::Object(merged)
}

/// Every switch on.
pub fn everything() -> Value {
    json!({
        "crds": {"enabled": true},
        "rbac": {"create": true, "aggregate": true},
        "serviceAccount": {"create": true},
        "podDisruptionBudget": {"enabled": true},
        "networkPolicy": {"enabled": true},
        "monitoring": {
            "serviceMonitor": {"enabled": true},
            "podMonitor": {"enabled": true},
            "prometheusRule": {"enabled": true},
            "dashboards": {"enabled": true},
        },
    })
}
