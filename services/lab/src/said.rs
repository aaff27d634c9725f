//! What people are told. Whoever stops listening ends nothing with a panic: neither a closed pipe nor a full disk may.

use std::io::{self, ErrorKind, Write};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    stdio,
};

/// Writes on the standard output, at once. Who reads may stop reading (`| head`): that is no error.
///
/// # Errors
/// When it can't be written.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Whether anybody can still read what is printed: of a pipe without a reader one hears only when asking, or writing.
pub fn is_read() -> bool {
    let stdout = stdio::stdout();
    let mut ends = [PollFd::new(&stdout, PollFlags::empty())];
    let asked = poll(&mut ends, Some(&Timespec::default()));
    asked.is_err() || !ends[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
}

/// Says a line, or several, on the standard error, beside the answer.
pub fn say(text: &str) {
    writeln!(io::stderr(), "{text}").ok();
}
