//! How many connections a process may have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the process's soft limit of descriptors, which is 1,024 on many systems, to the hard one; gives the limit. A
/// storm of retries holds a connection for each request in backoff.
pub fn raised_descriptor_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    if let Err(e) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::warn!("cannot raise the limit of open files: {e}");
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
