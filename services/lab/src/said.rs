//! What people are told. Whoever stops listening ends nothing with a panic: neither a closed pipe nor a full disk may.

use std::io::{self, ErrorKind, Write};

/// Writes on the standard output, at once; gives whether anybody reads it. Who reads may stop reading (`| head`): that is no error.
///
/// # Errors
/// When it can't be written.
pub fn print(text: &str) -> io::Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        printed => printed.map(|()| true),
    }
}

/// Says a line, or several, on the standard error, beside the answer.
pub fn say(text: &str) {
    writeln!(io::stderr(), "{text}").ok();
}
