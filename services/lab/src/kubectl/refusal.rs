//! What kubectl refuses, told apart by its words: each kind has its sentence, what to do about it, and its exit code.

use anyhow::anyhow;

use super::Kubectl;
use crate::exit::Unanswered;

/// Why kubectl did not do it, with its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The API server does not answer.
    Unreachable(String),
    /// The user is not known, or may not do that.
    NotAllowed(String),
    /// There is no such object.
    NoObject(String),
    /// The cluster does not know the kind.
    NoKind(String),
    /// Something else.
    Other(String),
}

/// Words of kubectl, and of the API server, by which a refusal is told.
const UNREACHABLE: [&str; 7] = [
    "was refused",
    "Unable to connect",
    "no such host",
    "i/o timeout",
    "TLS handshake timeout",
    "connection reset",
    "Client.Timeout exceeded",
];
const NOT_ALLOWED: [&str; 4] = ["(Forbidden)", "(Unauthorized)", "is forbidden", "You must be logged in"];
const NO_KIND: [&str; 3] =
    ["doesn't have a resource type", "could not find the requested resource", "no matches for kind"];

impl Refusal {
    /// What kubectl's words mean.
    pub fn of(words: &str) -> Self {
        let line = last_line(words);
        let says = |any: &[&str]| any.iter().any(|phrase| words.contains(phrase));
        if says(&UNREACHABLE) {
            Self::Unreachable(line)
        } else if says(&NOT_ALLOWED) {
            Self::NotAllowed(line)
        } else if says(&NO_KIND) {
            Self::NoKind(line)
        } else if says(&["(NotFound)"]) {
            Self::NoObject(line)
        } else {
            Self::Other(line)
        }
    }

    /// The error, with what to do about it. What is asked of an object that isn't there, or in words that kubectl doesn't know,
    /// is wrong usage; the rest is nobody's answer.
    pub fn error(self, kubectl: &Kubectl) -> anyhow::Error {
        let namespace = kubectl.namespace.as_ref().map_or_else(String::new, |name| format!(" in the namespace {name}"));
        match self {
            Self::NoObject(words) => {
                anyhow!(
                    "there is no such experiment{namespace}: {words}\n`kubectl get rx -A` lists all; -n says another namespace"
                )
            }
            Self::Other(words) => anyhow!("kubectl says: {words}"),
            Self::Unreachable(words) => unanswered(format!(
                "the cluster does not answer: {words}\nis it up, and is this the right context? `kubectl config current-context` and `kubectl cluster-info` tell"
            )),
            Self::NotAllowed(words) => unanswered(format!(
                "the cluster does not allow that: {words}\n`kubectl auth can-i --list{}` says what you may do; whoever runs the cluster can grant it",
                kubectl.namespace.as_ref().map_or_else(String::new, |name| format!(" -n {name}"))
            )),
            Self::NoKind(words) if words.to_lowercase().contains("retryexperiment") => unanswered(format!(
                "the cluster knows no RetryExperiment: {words}\n`retrylab crd | kubectl apply --server-side -f -` defines it, and the operator must run: `retrylab doctor`"
            )),
            Self::NoKind(words) => unanswered(format!("the cluster does not know that kind: {words}")),
        }
    }
}

fn unanswered(text: String) -> anyhow::Error {
    anyhow::Error::new(Unanswered(text))
}

/// The last line that kubectl writes is its error; before it may come warnings, and attempts of its own.
fn last_line(words: &str) -> String {
    let line = words.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("nothing at all");
    line.strip_prefix("error: ").or_else(|| line.strip_prefix("Error: ")).unwrap_or(line).to_owned()
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
        check("error: context \"x\" does not exist\n", "kubectl says: context \"x\" does not exist", Ending::Misused);
    }
}
