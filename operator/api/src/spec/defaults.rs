//! Defaults that several parts of a spec share.

use crate::Span;

pub(super) const fn one() -> u32 {
    1
}

pub(super) const fn three() -> u32 {
    3
}

pub(super) const fn one_second() -> Span {
    Span::from_millis(1_000)
}

pub(super) const fn one_minute() -> Span {
    Span::from_millis(60_000)
}
