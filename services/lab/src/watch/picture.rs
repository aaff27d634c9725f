//! A few lines of the terminal, drawn over again and again.

use std::io;

use console::{Term, truncate_str};

/// What stands in the terminal now.
pub struct Picture {
    term: Term,
    drawn: usize,
}

impl Picture {
    /// Nothing yet.
    pub const fn new(term: Term) -> Self {
        Self { term, drawn: 0 }
    }

    /// Draws these lines over the last ones. What has no room in the terminal is cut off: it could not be cleared again.
    pub fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        let (height, width) = self.term.size();
        self.clear()?;
        for line in lines.iter().take(usize::from(height).saturating_sub(1)) {
            self.term.write_line(&truncate_str(line, usize::from(width), "…"))?;
            self.drawn += 1;
        }
        Ok(())
    }

    /// Takes the lines away.
    pub fn clear(&mut self) -> io::Result<()> {
        self.term.clear_last_lines(std::mem::take(&mut self.drawn))
    }
}
