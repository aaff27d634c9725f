//! An answer's head: its status, where its body ends, whether the connection can be used again.

use std::mem::MaybeUninit;

use super::BadAnswer;

/// Most header lines of an answer.
const MAX_HEADERS: usize = 64;

/// What matters of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// Where the body ends.
    pub framing: Framing,
    /// Whether the server keeps the connection open after the answer.
    pub keep_alive: bool,
}

/// How the end of a body is told (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// After so many bytes.
    Length(u64),
    /// With the last chunk.
    Chunked,
    /// With the connection.
    UntilClose,
}

impl Head {
    /// Parses a head at the beginning of `bytes`; gives it with its length, or `None` while it isn't whole.
    ///
    /// # Errors
    /// When the bytes are no head of an HTTP/1 answer.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, BadAnswer> {
        let mut lines = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut []);
        let parsed = httparse::ParserConfig::default()
            .parse_response_with_uninit_headers(&mut response, bytes, &mut lines)
            .map_err(|_| BadAnswer::Head)?;
        let httparse::Status::Complete(length) = parsed else { return Ok(None) };
        let status = response.code.ok_or(BadAnswer::Head)?;
        let mut head = Self { status, framing: Framing::UntilClose, keep_alive: response.version == Some(1) };
        let (mut chunked, mut content_length) = (None, None);
        for line in response.headers.iter() {
            if line.name.eq_ignore_ascii_case("content-length") {
                content_length = Some(same_length(content_length, line.value)?);
            } else if line.name.eq_ignore_ascii_case("transfer-encoding") {
                // Whatever is last frames the body; only `chunked` tells where it ends.
                chunked = Some(tokens(line.value).last().is_some_and(|t| t.eq_ignore_ascii_case(b"chunked")));
            } else if line.name.eq_ignore_ascii_case("connection") {
                for token in tokens(line.value) {
                    head.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
                    head.keep_alive &= !token.eq_ignore_ascii_case(b"close");
                }
            }
        }
        head.framing = match (status, chunked, content_length) {
            (100..=199 | 204 | 304, _, _) => Framing::Length(0),
            (_, Some(true), _) => Framing::Chunked,
            (_, None, Some(length)) => Framing::Length(length),
            (_, Some(false), _) | (_, None, None) => Framing::UntilClose,
        };
        Ok(Some((head, length)))
    }
}

/// A list's elements.
fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&b| b == b',').map(<[u8]>::trim_ascii)
}

/// A `content-length`; said twice it must be the same.
fn same_length(before: Option<u64>, value: &[u8]) -> Result<u64, BadAnswer> {
    let length = std::str::from_utf8(value).ok().filter(|v| v.bytes().all(|b| b.is_ascii_digit()));
    let length = length.and_then(|v| v.parse().ok()).ok_or(BadAnswer::Length)?;
    if before.is_some_and(|b| b != length) { Err(BadAnswer::Length) } else { Ok(length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, status: u16, framing: Framing, keep_alive: bool) {
        let expected = Head { status, framing, keep_alive };
        assert_eq!(Head::parse(text.as_bytes()), Ok(Some((expected, text.len()))), "{text}");
    }

    #[test]
    fn a_body_ends_by_its_length_its_last_chunk_or_the_connection() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 35\r\n\r\n", 200, Framing::Length(35), true);
        check("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, Chunked\r\n\r\n", 200, Framing::Chunked, true);
        check("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", 200, Framing::UntilClose, true);
        check("HTTP/1.1 200 OK\r\n\r\n", 200, Framing::UntilClose, true);
    }

    #[test]
    fn chunks_go_before_a_length() {
        let both = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n";
        check(both, 200, Framing::Chunked, true);
    }

    #[test]
    fn some_statuses_have_no_body_whatever_the_head_says() {
        for status in [100, 103, 204, 304] {
            let text = format!("HTTP/1.1 {status} x\r\ncontent-length: 9\r\n\r\n");
            check(&text, status, Framing::Length(0), true);
        }
    }

    #[test]
    fn a_connection_is_kept_by_default_from_http_1_1_on() {
        check("HTTP/1.1 503 x\r\nconnection: x, Close\r\ncontent-length: 0\r\n\r\n", 503, Framing::Length(0), false);
        check("HTTP/1.0 200 x\r\ncontent-length: 0\r\n\r\n", 200, Framing::Length(0), false);
        check("HTTP/1.0 200 x\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n", 200, Framing::Length(0), true);
    }

    #[test]
    fn a_head_that_is_not_whole_is_none_yet() {
        assert_eq!(Head::parse(b"HTTP/1.1 200 OK\r\ncontent-le"), Ok(None));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert_eq!(Head::parse(b"SSH-2.0-OpenSSH\r\n\r\n"), Err(BadAnswer::Head));
        for value in ["-1", "+1", "x", "1\r\ncontent-length: 2", "99999999999999999999"] {
            let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {value}\r\n\r\n");
            assert_eq!(Head::parse(text.as_bytes()), Err(BadAnswer::Length), "{value}");
        }
    }
}
