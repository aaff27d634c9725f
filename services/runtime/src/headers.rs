//! The headers that travel with a request from service to service: the run's tag, the attempt's number, what is left of its
//! time, W3C's trace context. Nothing here keeps a part of the request: a header value would hold on to the connection's whole buffer.

use std::time::Duration;

use axum::http::HeaderMap;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use retrylab_core::wire::{DEADLINE_HEADER, RUN_HEADER, RunTag, TIMEOUT_HEADER};

/// Says which attempt of its request this is; the first is 1. In a chain of clients each adds its own number to that of the
/// attempt that it received, as a digit to base 32: no two attempts of a request have the same.
pub const ATTEMPT_HEADER: &str = "x-retrylab-attempt";
/// W3C Trace Context, level 1.
pub const TRACE_HEADER: &str = "traceparent";

/// What tracing systems add to it for themselves.
pub const TRACE_STATE_HEADER: &str = "tracestate";
/// Longest that is passed on: what the standard asks for at least.
const TRACE_STATE_MAX: usize = 512;

/// Bit of the flags: the caller records this trace.
const SAMPLED: u8 = 1;

/// The run's tag, if the request has a valid one.
pub fn run_tag(headers: &HeaderMap) -> Option<RunTag> {
    headers.get(RUN_HEADER)?.to_str().ok()?.parse().ok()
}

/// The attempt's number, if the request has one.
pub fn attempt_number(headers: &HeaderMap) -> Option<u32> {
    headers.get(ATTEMPT_HEADER)?.to_str().ok()?.parse().ok()
}

/// What is left of the request's time, if it has a deadline.
pub fn time_left(headers: &HeaderMap) -> Option<Duration> {
    micros(headers, DEADLINE_HEADER)
}

/// How long the sender of the request waits for the answer, if it says so: its timeout, or less if its time is up before.
pub fn patience(headers: &HeaderMap) -> Option<Duration> {
    micros(headers, TIMEOUT_HEADER).into_iter().chain(time_left(headers)).min()
}

fn micros(headers: &HeaderMap, name: &str) -> Option<Duration> {
    headers.get(name)?.to_str().ok()?.parse().ok().map(Duration::from_micros)
}

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Which trace a request belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    /// The span that the request was sent under; 0: it came with none.
    parent_id: u64,
    flags: u8,
    /// Empty: it came with none.
    state: Box<str>,
}

impl TraceContext {
    /// The trace that the request came with, or a new one when it came with none or with an invalid one.
    pub fn of(headers: &HeaderMap, draw: impl FnOnce() -> u128) -> Self {
        // An id of all zeros is invalid.
        Self::given(headers).unwrap_or_else(|| Self {
            trace_id: draw().max(1),
            parent_id: 0,
            flags: SAMPLED,
            state: Box::default(),
        })
    }

    /// The trace that the request came with, if it is a valid one.
    pub(crate) fn given(headers: &HeaderMap) -> Option<Self> {
        let given = headers.get(TRACE_HEADER).and_then(|value| parse(value.as_bytes()))?;
        let lines = headers.get_all(TRACE_STATE_HEADER).iter().filter_map(|value| value.to_str().ok());
        let state = lines.collect::<Vec<_>>().join(",");
        let state = if state.len() > TRACE_STATE_MAX { Box::default() } else { state.into() };
        Some(Self { state, ..given })
    }

    /// The trace's id: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        String::from_utf8(hex(self.trace_id).to_vec()).unwrap_or_default()
    }

    /// The `tracestate` header of such a call, if there is one.
    pub fn tracestate(&self) -> Option<&str> {
        Some(&*self.state).filter(|state| !state.is_empty())
    }

    /// The `traceparent` header of a call made on behalf of the request, as the span `span_id`.
    pub fn traceparent(&self, span_id: u64) -> String {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        text[3..35].copy_from_slice(&hex(self.trace_id));
        text[36..52].copy_from_slice(&hex(u128::from(span_id.max(1)))[16..]);
        text[53..55].copy_from_slice(&hex(u128::from(self.flags))[30..]);
        String::from_utf8(text.to_vec()).unwrap_or_default()
    }
}

/// The trace's id.
impl std::fmt::Display for TraceContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.trace_id)
    }
}

/// What OpenTelemetry has for it: of a caller.
impl From<TraceContext> for SpanContext {
    fn from(TraceContext { trace_id, parent_id, flags, state }: TraceContext) -> Self {
        let (trace_id, parent_id) = (TraceId::from(trace_id), SpanId::from(parent_id));
        // One that is not as the standard has it goes no further.
        let state = state.parse().unwrap_or(TraceState::NONE);
        Self::new(trace_id, parent_id, TraceFlags::new(flags), true, state)
    }
}

impl From<&SpanContext> for TraceContext {
    fn from(span: &SpanContext) -> Self {
        Self {
            trace_id: u128::from_be_bytes(span.trace_id().to_bytes()),
            parent_id: u64::from_be_bytes(span.span_id().to_bytes()),
            flags: span.trace_flags().to_u8(),
            state: span.trace_state().header().into(),
        }
    }
}

/// By hand, since every answer and every attempt has one and `format!` takes several times as long.
fn hex(number: u128) -> [u8; 32] {
    let mut text = [0; 32];
    for (digits, byte) in text.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        digits[0] = HEX_DIGITS[usize::from(byte >> 4)];
        digits[1] = HEX_DIGITS[usize::from(byte & 15)];
    }
    text
}

/// `VERSION-TRACE_ID-PARENT_ID-FLAGS`; versions after 00 may go on after another hyphen.
fn parse(value: &[u8]) -> Option<TraceContext> {
    let (known, rest) = value.split_at_checked(55)?;
    let known = std::str::from_utf8(known).ok()?;
    let mut parts = known.split('-');
    let mut part = |digits: usize| parts.next().filter(|p| p.len() == digits && is_lower_hex(p));
    let (version, trace_id, parent_id, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    let rest_is_allowed = if version == "00" { rest.is_empty() } else { rest.is_empty() || rest[0] == b'-' };
    let trace_id = u128::from_str_radix(trace_id, 16).ok().filter(|&id| id != 0)?;
    let parent_id = u64::from_str_radix(parent_id, 16).ok().filter(|&id| id != 0)?;
    if version == "ff" || !rest_is_allowed {
        return None;
    }
    let flags = u8::from_str_radix(flags, 16).ok()?;
    Some(TraceContext { trace_id, parent_id, flags, state: Box::default() })
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn trace_of(traceparent: &str) -> String {
        let headers = [(TRACE_HEADER.parse().unwrap(), traceparent.parse().unwrap())].into_iter().collect();
        TraceContext::of(&headers, || 7).trace_id()
    }

    #[test]
    fn a_valid_trace_goes_on_with_its_flags_under_a_new_span() {
        let headers = [(TRACE_HEADER.parse().unwrap(), GIVEN.parse().unwrap())].into_iter().collect();
        let context = TraceContext::of(&headers, || 7);
        assert_eq!(context.traceparent(0x1f), "00-0af7651916cd43dd8448eb211c80319c-000000000000001f-01");
    }

    #[test]
    fn what_tracing_systems_add_goes_on_with_the_trace_and_only_with_it() {
        let check = |traceparent: &str, states: &[&str], expected: Option<&str>| {
            let mut headers: HeaderMap =
                states.iter().map(|state| (TRACE_STATE_HEADER.parse().unwrap(), state.parse().unwrap())).collect();
            headers.append(TRACE_HEADER, traceparent.parse().unwrap());
            assert_eq!(TraceContext::of(&headers, || 7).tracestate(), expected, "{states:?}");
        };
        check(GIVEN, &[], None);
        check(GIVEN, &["a=1"], Some("a=1"));
        check(GIVEN, &["a=1,b=2", "c=3"], Some("a=1,b=2,c=3"));
        check(GIVEN, &[&format!("a={}", "x".repeat(511))], None);
        check("none", &["a=1"], None);
    }

    #[test]
    fn a_later_version_may_say_more() {
        assert_eq!(trace_of(&GIVEN.replacen("00", "cc", 1)), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(trace_of(&format!("{}-what", GIVEN.replacen("00", "cc", 1))), "0af7651916cd43dd8448eb211c80319c");
    }

    #[test]
    fn whoever_waits_waits_for_the_timeout_or_until_the_deadline_whichever_is_sooner() {
        let check = |pairs: &[(&'static str, &'static str)], expected: Option<u64>| {
            let header =
                |&(name, value): &(&'static str, &'static str)| (name.parse().unwrap(), value.parse().unwrap());
            let headers: HeaderMap = pairs.iter().map(header).collect();
            assert_eq!(patience(&headers), expected.map(Duration::from_micros), "{pairs:?}");
        };
        check(&[], None);
        check(&[(TIMEOUT_HEADER, "7000")], Some(7_000));
        check(&[(TIMEOUT_HEADER, "7000"), (DEADLINE_HEADER, "500")], Some(500));
        check(&[(TIMEOUT_HEADER, "7000"), (DEADLINE_HEADER, "9000")], Some(7_000));
        check(&[(TIMEOUT_HEADER, "soon")], None);
    }

    #[test]
    fn what_is_no_trace_is_replaced_by_a_new_one() {
        let zeros = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        let no_parent = "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01";
        let longer = format!("{GIVEN}-what");
        let (upper, version) = (GIVEN.to_uppercase(), GIVEN.replacen("00", "ff", 1));
        for invalid in ["", "x", zeros, no_parent, &longer, &upper, &version, &GIVEN[1..], &GIVEN.replace('-', "_")] {
            assert_eq!(trace_of(invalid), format!("{:032x}", 7), "{invalid}");
        }
    }
}
