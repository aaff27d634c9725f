//! Reads an answer as it comes in, in pieces of any size, and keeps nothing of it but a head that is not whole yet.

use super::{
    chunks::Chunks,
    head::{Framing, Head},
};

/// Longest head of an answer, in bytes.
const MAX_HEAD: usize = 16_384;

/// An answer that has been read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status code.
    pub status: u16,
    /// Whether the connection can be used for another request.
    pub reusable: bool,
}

/// How far an answer has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to come.
    More,
    /// To its end.
    Whole(Answer),
}

/// The bytes are no answer, or not a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// The head can't be parsed, is too long or has too many lines.
    #[error("no HTTP/1 answer")]
    Head,
    /// The length of the body is no number, or there are two of them.
    #[error("no valid content-length")]
    Length,
    /// The chunks of the body can't be parsed.
    #[error("no valid chunks")]
    Chunk,
    /// The connection ended before the answer did.
    #[error("the connection ended before the answer")]
    Truncated,
}

/// Reads one answer after the other from one connection.
#[derive(Debug, Default)]
pub struct AnswerReader {
    /// The beginning of a head that is not whole yet; nearly always empty.
    partial: Vec<u8>,
    body: Option<Body>,
}

#[derive(Clone, Copy, Debug)]
struct Body {
    head: Head,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Left(u64),
    In(Chunks),
    UntilClose,
}

impl AnswerReader {
    /// Reads on.
    ///
    /// # Errors
    /// When the bytes are no answer; nothing more can be read from the connection then.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Progress, BadAnswer> {
        if self.body.is_some() {
            return self.read_body(bytes);
        }
        if self.partial.is_empty() {
            return self.read_head(bytes);
        }
        let mut whole = std::mem::take(&mut self.partial);
        whole.extend_from_slice(bytes);
        self.read_head(&whole)
    }

    /// The connection has ended: that may be the answer's end, too.
    ///
    /// # Errors
    /// When the answer isn't whole.
    pub fn end(&mut self) -> Result<Answer, BadAnswer> {
        match self.body.take() {
            Some(Body { head, place: Place::UntilClose }) => Ok(Answer { status: head.status, reusable: false }),
            _ => Err(BadAnswer::Truncated),
        }
    }

    fn read_head(&mut self, mut bytes: &[u8]) -> Result<Progress, BadAnswer> {
        // At most as often as there are interim answers (1xx) in the bytes.
        while let Some((head, length)) = Head::parse(bytes)? {
            bytes = &bytes[length..];
            if head.status == 101 {
                return Err(BadAnswer::Head); // nobody asked for another protocol
            }
            if head.status >= 200 {
                let place = match head.framing {
                    Framing::Length(length) => Place::Left(length),
                    Framing::Chunked => Place::In(Chunks::START),
                    Framing::UntilClose => Place::UntilClose,
                };
                self.body = Some(Body { head, place });
                return self.read_body(bytes);
            }
        }
        if bytes.len() > MAX_HEAD {
            return Err(BadAnswer::Head);
        }
        self.partial = bytes.to_vec();
        Ok(Progress::More)
    }

    fn read_body(&mut self, bytes: &[u8]) -> Result<Progress, BadAnswer> {
        let Some(body) = &mut self.body else { return Err(BadAnswer::Head) };
        let used = match &mut body.place {
            Place::Left(left) => {
                let step = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= step as u64;
                step
            }
            Place::In(chunks) => chunks.read(bytes)?,
            Place::UntilClose => bytes.len(),
        };
        if !matches!(body.place, Place::Left(0) | Place::In(Chunks::End)) {
            return Ok(Progress::More);
        }
        // Bytes behind the answer are one that nobody asked for: whatever they are, they would be taken for the next.
        let answer = Answer { status: body.head.status, reusable: body.head.keep_alive && used == bytes.len() };
        self.body = None;
        Ok(Progress::Whole(answer))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LENGTH: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    const CHUNKED: &str =
        "HTTP/1.1 502 x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
    const INTERIM: &str = "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 103 x\r\nlink: y\r\n\r\nHTTP/1.1 204 x\r\n\r\n";

    fn whole(text: &str) -> Result<Progress, BadAnswer> {
        AnswerReader::default().read(text.as_bytes())
    }

    fn check(text: &str, status: u16, reusable: bool) {
        assert_eq!(whole(text), Ok(Progress::Whole(Answer { status, reusable })), "{text}");
    }

    #[test]
    fn an_answer_is_whole_with_the_last_byte_of_its_body() {
        check(LENGTH, 200, true);
        check(CHUNKED, 502, true);
        assert_eq!(whole(&LENGTH[..LENGTH.len() - 1]), Ok(Progress::More));
    }

    #[test]
    fn interim_answers_are_passed_over() {
        check(INTERIM, 204, true);
    }

    #[test]
    fn a_connection_with_bytes_behind_the_answer_is_not_used_again() {
        check(&format!("{LENGTH}!"), 200, false);
    }

    #[test]
    fn a_body_without_a_length_ends_with_the_connection() {
        let mut reader = AnswerReader::default();
        assert_eq!(reader.read(b"HTTP/1.1 200 OK\r\n\r\nhello"), Ok(Progress::More));
        assert_eq!(reader.end(), Ok(Answer { status: 200, reusable: false }));
    }

    #[test]
    fn a_connection_that_ends_within_an_answer_leaves_none() {
        for text in ["", "HTTP/1.1 200 OK\r\n", &LENGTH[..LENGTH.len() - 1], &CHUNKED[..CHUNKED.len() - 1]] {
            let mut reader = AnswerReader::default();
            assert_eq!(reader.read(text.as_bytes()), Ok(Progress::More));
            assert_eq!(reader.end(), Err(BadAnswer::Truncated), "{text}");
        }
    }

    #[test]
    fn a_head_without_an_end_is_refused_before_it_fills_the_memory() {
        let mut reader = AnswerReader::default();
        let refused =
            (0..2 * MAX_HEAD).find(|&i| reader.read(if i == 0 { b"HTTP/1.1 200 OK\r\nx: " } else { b"x" }).is_err());
        assert!(refused.is_some_and(|i| i <= MAX_HEAD), "{refused:?}");
    }

    proptest! {
        #[test]
        fn answers_are_the_same_in_whatever_pieces_they_come(cuts in prop::collection::vec(1usize..30, 1..40), which in 0usize..3) {
            let text = [LENGTH, CHUNKED, INTERIM][which];
            let (mut reader, mut rest, mut progress) = (AnswerReader::default(), text.as_bytes(), Progress::More);
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                prop_assert_eq!(progress, Progress::More);
                let (piece, left) = rest.split_at(rest.len().min(*cut));
                progress = reader.read(piece).unwrap();
                rest = left;
            }
            prop_assert_eq!(Ok(progress), whole(text));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let mut reader = AnswerReader::default();
            let _ = reader.read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").and_then(|_| reader.read(&bytes));
            let _ = AnswerReader::default().read(&bytes);
        }
    }
}
