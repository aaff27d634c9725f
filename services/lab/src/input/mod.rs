//! What the command is given: files, or the standard input under the name `-`, with YAML or JSON in them.

mod schema;
mod yaml;

pub use schema::{Problem, problems};
pub use yaml::{Document, Place, documents};

use std::{
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::Context;

/// A file, or the standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `-`.
    Stdin,
    /// A file by its path.
    File(PathBuf),
}

impl Source {
    /// All of its text.
    ///
    /// # Errors
    /// When it can't be read, or is no text.
    pub fn read(&self) -> anyhow::Result<String> {
        match self {
            Self::Stdin => {
                let mut text = String::new();
                io::stdin().lock().read_to_string(&mut text).map(|_| text).context("cannot read the standard input")
            }
            Self::File(path) => fs::read_to_string(path).with_context(|| format!("cannot read {self}")),
        }
    }
}

impl FromStr for Source {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "-" { Self::Stdin } else { Self::File(Path::new(text).to_owned()) })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
