//! What kubectl refuses, told apart by its words: each kind has its sentence, what to do about it, and its exit code.

use anyhow::anyhow;

use super::Kubectl;
use crate::exit::Unanswered;

/// How kubectl's lines begin when it got no answer.
const UNREACHABLE: [&str; 5] = [
    "The connection to the server",
    "Unable to connect to the server",
    "unable to decode an event from the watch stream",
    "Get \"",
    "Post \"",
];

/// Why kubectl did not do it, with its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The API server does not answer.
    Unreachable(String),
    /// The API server answers that it can't do it now.
    Unwell(String),
    /// The user is not known, or may not do that.
    NotAllowed(String),
    /// There is no such object.
    NoObject(String),
    /// The cluster does not know the kind.
    NoKind(String),
    /// Something else.
    Other(String),
}

impl Refusal {
    /// What kubectl's words on its standard error mean. The API server gives a reason with each refusal, and kubectl shows it; what
    /// kubectl says by itself is told by how it begins.
    pub fn of(stderr: &str) -> Self {
        let line = error_line(stderr);
        let words = line.to_owned();
        if let Some(reason) = line.strip_prefix("Error from server") {
            Self::by_reason(reason, words)
        } else if starts_any(line, &UNREACHABLE) {
            Self::Unreachable(words)
        } else if line.starts_with("You must be logged in to the server") {
            Self::NotAllowed(words)
        } else if line.starts_with("the server doesn't have a resource type") || line.contains("no matches for kind") {
            Self::NoKind(words)
        } else {
            Self::Other(words)
        }
    }

    /// `reason` is " (Forbidden): …", as `metav1.StatusReason` has them, or ": …" where the API server gives none.
    fn by_reason(reason: &str, words: String) -> Self {
        let named = reason.strip_prefix(" (").and_then(|rest| rest.split_once(')'));
        match named.map(|(reason, _)| reason) {
            Some("Forbidden" | "Unauthorized") => Self::NotAllowed(words),
            Some("NotFound") if words.contains("could not find the requested resource") => Self::NoKind(words),
            Some("NotFound") => Self::NoObject(words),
            None | Some("InternalError" | "ServiceUnavailable" | "ServerTimeout" | "Timeout" | "TooManyRequests") => {
                Self::Unwell(words)
            }
            Some(_) => Self::Other(words),
        }
    }

    /// Whether it may be over by itself before long.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unwell(_))
    }

    /// kubectl's own words.
    pub fn words(&self) -> &str {
        match self {
            Self::Unreachable(words)
            | Self::Unwell(words)
            | Self::NotAllowed(words)
            | Self::NoObject(words)
            | Self::NoKind(words)
            | Self::Other(words) => words,
        }
    }

    /// The error, with what to do about it. What is asked of an object that isn't there, or in words that kubectl doesn't know,
    /// is wrong usage; the rest is nobody's answer.
    pub fn error(self, kubectl: &Kubectl) -> anyhow::Error {
        let namespace = kubectl.namespace.as_ref().map_or_else(String::new, |name| format!(" in the namespace {name}"));
        let cluster = kubectl.cluster_in_words();
        match self {
            Self::NoObject(words) => {
                anyhow!(
                    "there is no such experiment{namespace}: {words}\n`kubectl get rx -A{cluster}` lists all; -n says another namespace"
                )
            }
            Self::Other(words) => anyhow!("kubectl says: {words}"),
            Self::Unreachable(words) => unanswered(format!(
                "the cluster does not answer: {words}\nis it up, and is this the right context? `kubectl config current-context` and `kubectl cluster-info{cluster}` tell"
            )),
            Self::Unwell(words) => unanswered(format!("the cluster can't do that now: {words}\ntry again in a moment")),
            Self::NotAllowed(words) => unanswered(format!(
                "the cluster does not allow that: {words}\n`kubectl auth can-i --list{}` says what you may do; whoever runs the cluster can grant it",
                kubectl.place_in_words()
            )),
            Self::NoKind(words) if words.to_lowercase().contains("retryexperiment") => unanswered(format!(
                "the cluster knows no RetryExperiment: {words}\n`retrylab crd | kubectl apply --server-side -f -{cluster}` defines it, and the operator must run: `retrylab doctor`"
            )),
            Self::NoKind(words) => unanswered(format!("the cluster does not know that kind: {words}")),
        }
    }
}

fn unanswered(text: String) -> anyhow::Error {
    anyhow::Error::new(Unanswered(text))
}

/// The line that is the error: before it may come warnings and a log, after it advice.
fn error_line(stderr: &str) -> &str {
    let lines = || stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let known =
        |line: &&str| line.starts_with("error: ") || line.starts_with("Error") || starts_any(line, &UNREACHABLE);
    let line = lines().find(known).or_else(|| lines().next_back()).unwrap_or("nothing at all");
    line.strip_prefix("error: ").or_else(|| line.strip_prefix("Error: ")).unwrap_or(line)
}

fn starts_any(line: &str, any: &[&str]) -> bool {
    any.iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Ending;

    fn check(words: &str, expected: &str, ending: Ending) {
        let error = Refusal::of(words).error(&Kubectl::default());
        assert!(error.to_string().starts_with(expected), "{error}");
        assert_eq!(Ending::of_error(&error), ending, "{words}");
    }

    /// As kubectl 1.34 says it.
    #[test]
    fn each_refusal_has_its_sentence_and_its_code() {
        check(
            "E1124 15:00:00.000000 1 memcache.go:265] \"Unhandled Error\"\nThe connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?\n",
            "the cluster does not answer: The connection to the server 127.0.0.1:6443 was refused",
            Ending::Inconclusive,
        );
        check(
            "Unable to connect to the server: dial tcp: lookup nowhere.invalid: no such host\n",
            "the cluster does not answer: Unable to connect",
            Ending::Inconclusive,
        );
        check(
            "Error from server (Forbidden): retryexperiments.retrylab.dev \"x\" is forbidden: User \"u\" cannot get resource\n",
            "the cluster does not allow that: Error from server (Forbidden)",
            Ending::Inconclusive,
        );
        check(
            "error: You must be logged in to the server (Unauthorized)\n",
            "the cluster does not allow that: You must be logged in",
            Ending::Inconclusive,
        );
        check(
            "error: the server doesn't have a resource type \"retryexperiments\"\n",
            "the cluster knows no RetryExperiment: the server doesn't have",
            Ending::Inconclusive,
        );
        check(
            "error: the server doesn't have a resource type \"prometheuses\"\n",
            "the cluster does not know that kind: the server doesn't have",
            Ending::Inconclusive,
        );
        check(
            "Error from server (NotFound): retryexperiments.retrylab.dev \"x\" not found\n",
            "there is no such experiment: Error from server (NotFound)",
            Ending::Misused,
        );
        check(
            "Error from server (NotFound): Unable to list \"retrylab.dev/v1alpha1, Resource=retryexperiments\": the server could not find the requested resource\n",
            "the cluster knows no RetryExperiment",
            Ending::Inconclusive,
        );
        check("error: context \"x\" does not exist\n", "kubectl says: context \"x\" does not exist", Ending::Misused);
    }

    /// Words of one kind of refusal may be quoted in another.
    #[test]
    fn what_a_refusal_quotes_is_not_what_it_is() {
        check(
            "Warning: unknown field: connection was refused\nError from server (NotFound): retryexperiments.retrylab.dev \"was-refused\" not found\n",
            "there is no such experiment: Error from server (NotFound)",
            Ending::Misused,
        );
        check(
            "Error from server (InternalError): Internal error occurred: failed calling webhook \"w\": dial tcp 10.0.0.1:443: connection was refused\n",
            "the cluster can't do that now: Error from server (InternalError)",
            Ending::Inconclusive,
        );
        check(
            "Error from server (Invalid): spec.load: the server is forbidden (Forbidden)\n",
            "kubectl says: Error from server (Invalid)",
            Ending::Misused,
        );
        check(
            "Unable to connect to the server: dial tcp 10.0.0.1:443: i/o timeout\nhint: is the VPN up?\n",
            "the cluster does not answer: Unable to connect to the server: dial tcp",
            Ending::Inconclusive,
        );
    }
}
