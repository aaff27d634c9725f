//! The headers that say how long somebody waits: a request's deadline, which travels from service to service, and the time
//! that one attempt may take, which is nobody's business but its receiver's.

/// The header's name. Its value is what is left of the request's time when it is sent, in whole microseconds: a span, not a
/// moment, since no two services share a clock.
pub const DEADLINE_HEADER: &str = "x-retrylab-deadline-us";

/// The header's name. Its value is how long the sender of this attempt waits for the answer, in whole microseconds.
pub const TIMEOUT_HEADER: &str = "x-retrylab-timeout-us";
