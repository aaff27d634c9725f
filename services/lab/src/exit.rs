//! How the command ends: with one of four exit codes, the same for every verb, so that a pipeline can tell them apart. Only who
//! interrupts it a second time gets another.

use std::{fmt, process::ExitCode};

use retrylab_api::Verdict;

/// What a shell gives for a command that Ctrl-C has ended.
pub const INTERRUPTED: i32 = 130;
/// What that code means, for the reference.
#[cfg(test)]
pub const INTERRUPTED_MEANING: &str = "a second Ctrl-C ended `run` at once, without a report";

/// How a verb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// It did what it was asked to, and what it was asked about is as it should be.
    Passed,
    /// What it was asked about is not as it should be.
    Failed,
    /// Nobody knows: the evidence carries no verdict, a figure is missing, or the cluster doesn't answer.
    Inconclusive,
    /// It was used wrongly, or given something that can't be used.
    Misused,
}

impl Ending {
    /// Every ending, in the order of the codes.
    pub const ALL: [Self; 4] = [Self::Passed, Self::Failed, Self::Inconclusive, Self::Misused];

    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Inconclusive => 2,
            Self::Misused => 3,
        }
    }

    /// What the code means, for the reference.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Passed => {
                "the verdict is Passed, what was asserted holds, nothing is wrong; or there was nothing to judge"
            }
            Self::Failed => "the verdict is Failed, what was asserted does not hold, or `doctor` found a problem",
            Self::Inconclusive => {
                "the verdict is Inconclusive, Aborted or Error, a figure is missing, the answer could not be written, or the cluster did not answer"
            }
            Self::Misused => "wrong usage, or a file, an object or a value that can't be used",
        }
    }

    /// How a verb ends that can't go on because of this error.
    pub fn of_error(error: &anyhow::Error) -> Self {
        if error.chain().any(<dyn std::error::Error>::is::<Unanswered>) { Self::Inconclusive } else { Self::Misused }
    }
}

impl From<Verdict> for Ending {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Passed => Self::Passed,
            Verdict::Failed => Self::Failed,
            Verdict::Inconclusive | Verdict::Aborted | Verdict::Error => Self::Inconclusive,
        }
    }
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(ending.code())
    }
}

/// What a verb answers: the text that it prints, and how it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// For the standard output.
    pub text: String,
    /// How the verb ends.
    pub ending: Ending,
}

impl Answer {
    /// An answer to a question that no verdict is asked in.
    pub const fn told(text: String) -> Self {
        Self { text, ending: Ending::Passed }
    }
}

/// There is no answer to be had now, which is nobody's wrong usage: the error that ends a verb as Inconclusive.
#[derive(Debug)]
pub struct Unanswered(pub String);

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unanswered {}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn each_verdict_has_its_code() {
        let codes = [Verdict::Passed, Verdict::Failed, Verdict::Inconclusive, Verdict::Aborted, Verdict::Error]
            .map(|verdict| Ending::from(verdict).code());
        assert_eq!(codes, [0, 1, 2, 2, 2]);
    }

    #[test]
    fn an_error_is_wrong_usage_unless_nobody_answered() {
        let unanswered = anyhow::Error::new(Unanswered("no cluster".into()));
        assert_eq!(Ending::of_error(&Err::<(), _>(unanswered).context("watch").unwrap_err()), Ending::Inconclusive);
        assert_eq!(Ending::of_error(&anyhow!("no such file")), Ending::Misused);
    }
}
