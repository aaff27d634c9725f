//! The header that carries a request's deadline from service to service.

/// The header's name. Its value is what is left of the request's time when it is sent, in whole microseconds: a span, not a
/// moment, since no two services share a clock.
pub const DEADLINE_HEADER: &str = "x-retrylab-deadline-us";
