//! The chunked body (RFC 9112, section 7.1), read and thrown away.

use super::BadAnswer;

/// Where in a chunked body the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunks {
    /// In a chunk's size; `digits` of it have been read.
    Size { size: u64, digits: u8 },
    /// Behind the size, before the end of its line.
    Extension { size: u64 },
    /// In a chunk's data.
    Data { left: u64 },
    /// Behind a chunk's data, before the end of its line.
    DataEnd,
    /// In a line after the last chunk; an empty one ends the body.
    Trailer { empty: bool },
    /// Behind the body.
    End,
}

impl Chunks {
    /// The beginning of a body.
    pub const START: Self = Self::Size { size: 0, digits: 0 };

    /// Reads on; gives how many of the bytes belong to the body.
    ///
    /// # Errors
    /// When the bytes are no chunks.
    pub fn read(&mut self, bytes: &[u8]) -> Result<usize, BadAnswer> {
        let mut at = 0;
        while at < bytes.len() && *self != Self::End {
            if let Self::Data { left } = self {
                let step = (bytes.len() - at).min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= step as u64;
                at += step;
                if *left == 0 {
                    *self = Self::DataEnd;
                }
            } else {
                *self = self.after(bytes[at])?;
                at += 1;
            }
        }
        Ok(at)
    }

    /// The place behind one byte that isn't data.
    fn after(self, byte: u8) -> Result<Self, BadAnswer> {
        Ok(match (self, byte) {
            (Self::Size { size, digits }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if digits < 15 => {
                let digit = char::from(byte).to_digit(16).unwrap_or(0);
                Self::Size { size: size * 16 + u64::from(digit), digits: digits + 1 }
            }
            (Self::Size { size, digits: 1.. } | Self::Extension { size }, b'\n') => match size {
                0 => Self::Trailer { empty: true },
                left => Self::Data { left },
            },
            (Self::Size { size, digits: 1.. }, b'\r' | b';' | b' ' | b'\t') | (Self::Extension { size }, _) => {
                Self::Extension { size }
            }
            (Self::DataEnd, b'\r') => Self::DataEnd,
            (Self::DataEnd, b'\n') => Self::START,
            (Self::Trailer { empty: true }, b'\n') => Self::End,
            (Self::Trailer { empty: false }, b'\n') => Self::Trailer { empty: true },
            (Self::Trailer { empty }, b'\r') => Self::Trailer { empty },
            (Self::Trailer { .. }, _) => Self::Trailer { empty: false },
            _ => return Err(BadAnswer::Chunk),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, behind: &str) {
        let mut chunks = Chunks::START;
        assert_eq!(chunks.read(format!("{body}{behind}").as_bytes()), Ok(body.len()), "{body:?}");
        assert_eq!(chunks, Chunks::End, "{body:?}");
    }

    #[test]
    fn a_body_ends_with_its_last_chunk_and_what_follows_is_not_its_own() {
        check("5\r\nhello\r\n0\r\n\r\n", "HTTP/1.1");
        check("0\r\n\r\n", "0\r\n\r\n");
        check("1;a=b\r\nx\r\nA\r\n0123456789\r\n0\r\n\r\n", "");
    }

    #[test]
    fn trailers_belong_to_the_body() {
        check("1\r\nx\r\n0\r\nserver-timing: x\r\netag: y\r\n\r\n", "x");
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["\r\n", "x\r\n", "5\r\nhello5\r\n", "1234567890abcdef0\r\n", "-1\r\n"] {
            let mut chunks = Chunks::START;
            assert_eq!(chunks.read(text.as_bytes()), Err(BadAnswer::Chunk), "{text:?}");
        }
    }
}
