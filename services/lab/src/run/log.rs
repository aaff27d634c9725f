//! What the services log: what is wrong with them, on the standard error, above whatever is shown at its foot.

use std::io::{self, Write};

use indicatif::ProgressBar;
use tracing_subscriber::EnvFilter;

/// Shows warnings, or what `RUST_LOG` asks for, from now on.
pub fn show(bar: ProgressBar) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).without_time().compact();
    // Somebody else's subscriber, of a test, will do as well.
    subscriber.with_writer(move || Above(bar.clone())).try_init().ok();
}

/// Writes to the standard error while the bar is away.
struct Above(ProgressBar);

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write_all(bytes).map(|()| bytes.len()))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
