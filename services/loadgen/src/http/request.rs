//! The one request that is ever sent, with its run's tag.

use std::io::Write;

use retrylab_core::wire::{RUN_HEADER, RunTag};

/// Writes `GET /process` for one request after the other into the same memory.
#[derive(Debug)]
pub struct RequestTemplate {
    tag: RunTag,
    bytes: Vec<u8>,
    /// Up to here the bytes are the same for all requests: everything but the tag's value.
    fixed: usize,
}

impl RequestTemplate {
    /// The requests of a run to `target` (`host:port`).
    pub fn new(target: &str, run: &str) -> Self {
        let bytes = format!(
            "GET /process HTTP/1.1\r\nhost: {target}\r\nuser-agent: retrylab-loadgen\r\naccept: */*\r\n{RUN_HEADER}: "
        )
        .into_bytes();
        let tag = RunTag { run: run.to_owned(), offset_us: 0, serial: 0 };
        Self { tag, fixed: bytes.len(), bytes }
    }

    /// The bytes of one request.
    pub fn request(&mut self, offset_us: u64, serial: u64) -> &[u8] {
        (self.tag.offset_us, self.tag.serial) = (offset_us, serial);
        self.bytes.truncate(self.fixed);
        // Writing to a Vec cannot fail.
        let _ = write!(self.bytes, "{}\r\n\r\n", self.tag);
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_and_carries_its_tag() {
        let mut template = RequestTemplate::new("client:8000", "a1-0");
        template.request(999_999_999, 123_456); // a longer one before leaves nothing behind
        let text = std::str::from_utf8(template.request(1_500, 7)).unwrap();
        assert!(text.starts_with("GET /process HTTP/1.1\r\nhost: client:8000\r\n"), "{text}");
        assert!(text.ends_with("\r\nx-retrylab-run: a1-0;1500;7\r\n\r\n"), "{text}");
    }
}
