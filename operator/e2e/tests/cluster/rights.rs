//! The operator's rights: each is needed. For every verb of its role as the chart renders it there is a namespace in which just
//! that one is lacking, and an experiment in it to which something happens that happens to none where all are granted.

use std::{collections::BTreeSet, process::Command, rc::Rc, sync::Arc, time::Duration};

use k8s_openapi::{
    api::{
        core::v1::{ConfigMap, Namespace},
        events::v1::Event,
        rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject},
    },
    apimachinery::pkg::apis::meta::v1::Condition,
};
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use retrylab_api::{ConditionType, Verdict};
use serde_json::{Value, json};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, LocalSet},
};

use crate::harness::{
    Experiment, Lab, Restored, SOON, eventually, kill_operator, kubectl, kubectl_with_input, manifest, operator_role,
    try_kubectl, upgrade, without_right,
};

/// Experiments that run at one time, of three pods each: the node has two cores.
const AT_A_TIME: usize = 6;
/// Some stay, and the others must have room beside them.
const SMALL: &str = "workloads.resources.requests.cpu=10m";
const OPERATOR_LOG: [&str; 4] = ["logs", "deployment/retrylab-operator", "--namespace", "retrylab-system"];
const ARMS: [&str; 2] = ["one", "two"];

/// What is seen of an experiment, and of none whose operator has every right.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Symptom {
    /// It has no status, and no workloads.
    NotTakenUp,
    /// It waits, and its status says what is refused.
    NotDeployed,
    /// It is over, and of its workloads this kind is still there.
    Remains(&'static str),
    /// It is over, and its status names no report.
    NoReport,
    /// It is over, and of this arm no timeline is kept.
    NoTimeline(&'static str),
    /// It is over, and nobody was told of anything.
    NoEvents,
    /// It is over, and what happened twice was told once.
    NoSecondEvent,
}

use Symptom::{NoEvents, NoReport, NoSecondEvent, NoTimeline, NotDeployed, NotTakenUp, Remains};

/// How it shows that a right is lacking. One that nobody has thought of here is one that nobody has shown to be needed.
fn symptoms(verb: &str, resource: &str) -> BTreeSet<Symptom> {
    let symptoms = match (resource, verb) {
        ("retryexperiments", "get" | "list" | "watch")
        | ("retryexperiments/status", "update")
        | ("pods", "list")
        | ("deployments" | "services" | "secrets", "get") => vec![NotTakenUp],
        // An operator that can't list Deployments in a namespace doesn't know what it has there.
        ("deployments", "list" | "create" | "patch") | ("services", "create" | "patch") | ("secrets", "create") => {
            vec![NotDeployed]
        }
        // Services go first. And all go after ttlSecondsAfterFinished only if the operator knows that there are Deployments.
        ("services", "delete") | ("deployments", "watch") => {
            vec![Remains("deployment"), Remains("secret"), Remains("service")]
        }
        ("secrets", "delete") => vec![Remains("deployment"), Remains("secret")],
        ("deployments", "delete") => vec![Remains("deployment")],
        ("configmaps", "get" | "create") => vec![NoReport, NoTimeline("one"), NoTimeline("two")],
        ("configmaps", "patch") => vec![NoTimeline("two")],
        ("events", "create") => vec![NoEvents, NoSecondEvent],
        ("events", "patch") => vec![NoSecondEvent],
        _ => panic!("{verb} {resource} is granted, and nothing here says what happens without it"),
    };
    symptoms.into_iter().collect()
}

/// Two arms, each with two faults: a second timeline is a patch, and so is the event of a fault that begins again.
fn spec() -> Value {
    let fault = |name, at| json!({"name": name, "at": at, "for": "1200ms", "type": "Error"});
    json!({
        "arms": ARMS.map(|name| json!({"name": name, "strategy": {"type": "None"}})),
        "load": {"rate": 10},
        "faults": [fault("first", "400ms"), fault("second", "2800ms")],
        "duration": "4s",
        "ttlSecondsAfterFinished": 1,
    })
}

/// An experiment in a namespace in which the operator lacks a right.
struct Bereft {
    /// The verb and the resource; `None`: nothing is lacking.
    right: Option<(String, String)>,
    experiment: Experiment,
}

impl Bereft {
    /// What is expected to be seen of it.
    fn symptoms(&self) -> BTreeSet<Symptom> {
        self.right.iter().flat_map(|(verb, resource)| symptoms(verb, resource)).collect()
    }

    /// Whether it gets as far as to its end.
    fn ends(&self) -> bool {
        self.symptoms().is_disjoint(&[NotTakenUp, NotDeployed].into())
    }

    /// Whether the API server's refusal is handed on in this text.
    fn is_named_in(&self, text: &str) -> bool {
        let Some((verb, resource)) = &self.right else { return true };
        let said = format!("cannot {verb} resource \"{resource}\" in API group ");
        let here = format!(" in the namespace \"{}\"", self.experiment.namespace);
        let text = text.replace('\\', "");
        text.split(&said).skip(1).any(|rest| rest.splitn(3, '"').nth(2).is_some_and(|rest| rest.starts_with(&here)))
    }

    async fn begin(&self) {
        let (namespace, manifest) = (&self.experiment.namespace, manifest(&self.experiment.name, &spec()).to_string());
        kubectl_with_input(&["apply", "--namespace", namespace, "--filename", "-"], &manifest).await;
    }

    /// Waits until it is over, with figures; that a busy node spoils the evidence is nothing to this test.
    async fn end(&self) {
        let status = self.experiment.complete(Duration::from_secs(90)).await;
        let has_figures = matches!(status.verdict, Some(Verdict::Passed | Verdict::Inconclusive));
        assert!(has_figures, "without {:?}: {:?}", self.right, status.message);
    }

    /// What is seen of it by now.
    async fn seen(&self, client: &Client) -> BTreeSet<Symptom> {
        let (status, remains) = (self.experiment.status().await, self.experiment.remains().await);
        if status.conditions.is_empty() && remains.is_empty() {
            return [NotTakenUp].into();
        }
        let says_so = |c: &Condition| c.type_ == ConditionType::WorkloadsReady.as_str() && self.is_named_in(&c.message);
        if status.verdict.is_none() && status.conditions.iter().any(says_so) {
            return [NotDeployed].into();
        }
        let kinds = ["deployment", "secret", "service"];
        let mut seen: BTreeSet<_> = kinds
            .into_iter()
            .filter(|kind| remains.lines().any(|line| line.split(['.', '/']).next() == Some(kind)))
            .map(Remains)
            .collect();
        seen.extend(status.report_ref.is_none().then_some(NoReport));
        let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &self.experiment.namespace);
        let report = maps.get_opt(&format!("{}-report", self.experiment.name)).await.unwrap();
        let kept = report.and_then(|report| report.data).unwrap_or_default();
        seen.extend(ARMS.into_iter().filter(|arm| !kept.contains_key(&format!("{arm}.json"))).map(NoTimeline));
        seen.extend(self.untold(client).await);
        seen
    }

    /// What people were not told.
    async fn untold(&self, client: &Client) -> Vec<Symptom> {
        let events: Api<Event> = Api::namespaced(client.clone(), &self.experiment.namespace);
        let mut events = events.list(&ListParams::default()).await.unwrap().items;
        events.retain(|event| event.reporting_controller.as_deref() == Some("retrylab-operator"));
        let twice = |arm| {
            let begins = |event: &&Event| {
                event.reason.as_deref() == Some("FaultStarted") && event.action == Some(format!("Break {arm}"))
            };
            events.iter().find(begins).is_some_and(|event| event.series.is_some())
        };
        let mut untold = Vec::new();
        untold.extend(events.is_empty().then_some(NoEvents));
        // A busy operator may miss a window of one of the arms.
        untold.extend((!ARMS.into_iter().any(twice)).then_some(NoSecondEvent));
        untold
    }
}

#[tokio::test]
async fn without_any_one_of_its_rights_something_fails() {
    let lab = Lab::alone().await;
    let role = operator_role(&lab.client).await;
    assert_eq!(roles_of_operator(&lab.client).await, [role.name_any()], "it has rights by other roles");
    // The one that lacks nothing comes last.
    let rights: Vec<_> = role.rules.iter().flatten().flat_map(rights).map(Some).chain([None]).collect();
    let places = Places::new(&lab.client, rights.len()).await;
    let _restored = Restored;
    upgrade(&["--set", &format!("watchNamespaces={{{}}}", places.0.join(",")), "--set", SMALL]).await;
    let mut all = Vec::new();
    for (right, namespace) in rights.into_iter().zip(&places.0) {
        if let Some((verb, resource)) = &right {
            grant(&lab.client, namespace, &without_right(&role, verb, resource)).await;
        }
        all.push(Rc::new(Bereft { right, experiment: Experiment::within(&lab.client, namespace, "bereft") }));
    }
    watch_anew(&lab.client, &all).await;
    run(&all).await;
    check(&lab.client, &all).await;
    go_on(&lab.client, &all, &role).await;
}

/// Lists are made and watches begin when an operator begins, and it must have, or it would list what is not to be seen.
async fn watch_anew(client: &Client, all: &[Rc<Bereft>]) {
    kill_operator(client).await;
    let unwatched: Vec<_> = all.iter().filter(|b| b.right.as_ref().is_some_and(|(verb, _)| verb == "watch")).collect();
    let begun = async || {
        let log = try_kubectl(&OPERATOR_LOG).await.ok()?;
        unwatched.iter().all(|bereft| bereft.is_named_in(&log)).then_some(())
    };
    eventually("the watches have begun", SOON, begun).await;
}

/// Each as far as it gets. When the last one is over and gone, every other one has had its time.
async fn run(all: &[Rc<Bereft>]) {
    let (ending, others): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|bereft| bereft.ends());
    for bereft in others {
        bereft.begin().await; // it gets no pods
    }
    let (turns, mut running) = (Arc::new(Semaphore::new(AT_A_TIME)), JoinSet::new());
    let run_all = async {
        for bereft in ending {
            let turn = Arc::clone(&turns).acquire_owned().await.unwrap();
            running.spawn_local(async move {
                bereft.begin().await;
                bereft.end().await;
                if !bereft.symptoms().iter().any(|symptom| matches!(symptom, Remains(_))) {
                    bereft.experiment.until_nothing_remains(SOON).await;
                }
                drop(turn);
            });
        }
        while let Some(run) = running.join_next().await {
            run.unwrap();
        }
    };
    LocalSet::new().run_until(run_all).await;
}

/// Of each one, exactly what is expected is seen, and the operator's log or the status says what is refused.
async fn check(client: &Client, all: &[Rc<Bereft>]) {
    let log = kubectl(&OPERATOR_LOG).await;
    let mut wrong = Vec::new();
    for bereft in all {
        let (seen, expected) = (bereft.seen(client).await, bereft.symptoms());
        let is_named = expected.contains(&NotDeployed) || bereft.is_named_in(&log);
        println!("without {:?}: {seen:?}", bereft.right);
        if seen != expected || !is_named {
            wrong.push(format!("without {:?}: {seen:?}, expected {expected:?}; logged: {is_named}", bereft.right));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What waits for a right that its status names goes on when it is granted.
async fn go_on(client: &Client, all: &[Rc<Bereft>], role: &ClusterRole) {
    let waiting: Vec<_> = all.iter().filter(|bereft| bereft.symptoms().contains(&NotDeployed)).collect();
    for bereft in &waiting {
        grant(client, &bereft.experiment.namespace, role).await;
    }
    for bereft in &waiting {
        bereft.end().await;
    }
}

/// Every right of a rule.
fn rights(rule: &PolicyRule) -> Vec<(String, String)> {
    let resources = rule.resources.as_ref().unwrap();
    rule.verbs.iter().flat_map(|verb| resources.iter().map(|resource| (verb.clone(), resource.clone()))).collect()
}

/// The roles that are the operator's by any binding.
async fn roles_of_operator(client: &Client) -> Vec<String> {
    let is_operator = |subject: &Subject| {
        (&*subject.name, subject.namespace.as_deref()) == ("retrylab-operator", Some("retrylab-system"))
    };
    let of_operator = |subjects: &Option<Vec<Subject>>| subjects.iter().flatten().any(is_operator);
    let (of_cluster, of_namespaces) =
        (Api::<ClusterRoleBinding>::all(client.clone()), Api::<RoleBinding>::all(client.clone()));
    let of_cluster = of_cluster.list(&ListParams::default()).await.unwrap().items;
    let of_namespaces = of_namespaces.list(&ListParams::default()).await.unwrap().items;
    let of_cluster = of_cluster.into_iter().filter(|binding| of_operator(&binding.subjects)).map(|b| b.role_ref.name);
    let of_namespaces =
        of_namespaces.into_iter().filter(|binding| of_operator(&binding.subjects)).map(|b| b.role_ref.name);
    of_cluster.chain(of_namespaces).collect()
}

/// Lets the operator do this in a namespace and nothing else.
async fn grant(client: &Client, namespace: &str, role: &ClusterRole) {
    let roles: Api<Role> = Api::namespaced(client.clone(), namespace);
    let granted = Patch::Merge(json!({"rules": role.rules}));
    roles.patch("retrylab-operator", &PatchParams::default(), &granted).await.unwrap();
}

/// Namespaces, which go when this goes.
struct Places(Vec<String>);

impl Places {
    async fn new(client: &Client, count: usize) -> Self {
        let (namespaces, mut places) = (Api::<Namespace>::all(client.clone()), Self(Vec::new()));
        let namespace = serde_json::from_value(json!({"metadata": {"generateName": "e2e-without-"}})).unwrap();
        for _ in 0..count {
            places.0.push(namespaces.create(&PostParams::default(), &namespace).await.unwrap().name_any());
        }
        places
    }
}

/// Blocking, since it also happens while a test panics.
impl Drop for Places {
    fn drop(&mut self) {
        let delete = ["delete", "namespace", "--wait=false"].into_iter();
        Command::new("kubectl").args(delete.chain(self.0.iter().map(String::as_str))).output().ok();
    }
}
