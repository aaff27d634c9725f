//! What can go wrong in a pass, with the thing that it went wrong with.

/// An error of one pass; the pass is made again after a while.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call to the API server failed.
    #[error("cannot {action} {object}: {source}")]
    Kubernetes {
        /// What was tried: get, list, create, apply, delete, write the status of.
        action: &'static str,
        /// With what: `Deployment lab/client`.
        object: String,
        /// What the API server, or the way to it, said.
        #[source]
        source: Box<kube::Error>,
    },
    /// A call to the API server took too long.
    #[error("cannot {action} {object}: no answer within {seconds} s")]
    TimedOut {
        /// What was tried.
        action: &'static str,
        /// With what.
        object: String,
        /// How long the call could take.
        seconds: u64,
    },
    /// An object of the name that is needed is there, and belongs to somebody else.
    #[error("{0} is there and is not this experiment's")]
    Foreign(String),
    /// A timeline can't be written as JSON.
    #[error("cannot write a timeline: {0}")]
    Json(#[from] serde_json::Error),
    /// The operating system gave no random numbers for a token.
    #[error("cannot make a token: {0}")]
    Token(String),
}

/// How long a call to the API server may take.
const CALL_SECONDS: u64 = 10;

/// Bounds a call to the API server, and says on failure what it was.
pub async fn call<T>(
    action: &'static str,
    object: impl FnOnce() -> String,
    call: impl Future<Output = kube::Result<T>>,
) -> Result<T, Error> {
    match tokio::time::timeout(std::time::Duration::from_secs(CALL_SECONDS), call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(source)) => Err(Error::Kubernetes { action, object: object(), source: Box::new(source) }),
        Err(_) => Err(Error::TimedOut { action, object: object(), seconds: CALL_SECONDS }),
    }
}

impl Error {
    /// Whether the write met a newer version of the object: no error, but a reason to look again.
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    /// Whether the object is not there any more, or is another one by now.
    pub fn is_gone(&self) -> bool {
        self.code().is_some_and(|code| code == 404 || code == 409)
    }

    /// Whether the API server understood the write and refuses it: invalid, forbidden, over a quota. Or the name is taken.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Foreign(_)) || self.code().is_some_and(|code| code == 403 || code == 422)
    }

    fn code(&self) -> Option<u16> {
        match self {
            Self::Kubernetes { source, .. } => match source.as_ref() {
                kube::Error::Api(status) => Some(status.code),
                _ => None,
            },
            Self::TimedOut { .. } | Self::Foreign(_) | Self::Json(_) | Self::Token(_) => None,
        }
    }

    /// Every word for metrics.
    pub const LABELS: [&'static str; 5] = ["foreign", "json", "kubernetes", "timeout", "token"];

    /// A word for metrics.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Kubernetes { .. } => "kubernetes",
            Self::TimedOut { .. } => "timeout",
            Self::Foreign(_) => "foreign",
            Self::Json(_) => "json",
            Self::Token(_) => "token",
        }
    }
}
