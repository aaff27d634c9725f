//! How results are shown: as a table for people, as JSON or YAML for programs; and the forms of a whole report.

mod junit;
mod report;
mod tables;

pub use report::ReportForm;
pub use tables::{criteria_table, report_table, windows_table};

use anyhow::Context;
use clap::ValueEnum;
use retrylab_report::Source;
use serde::Serialize;

/// The form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
}

impl Form {
    /// The document in this form; `table` makes it for people.
    ///
    /// # Errors
    /// When it can't be serialised.
    pub fn show<T: Serialize>(self, document: &T, table: impl FnOnce(&T) -> String) -> anyhow::Result<String> {
        match self {
            Self::Table => Ok(table(document)),
            Self::Json => Ok(serde_json::to_string_pretty(document).context("cannot write JSON")? + "\n"),
            Self::Yaml => serde_saphyr::to_string(document).context("cannot write YAML"),
        }
    }
}

/// Columns as wide as they must be: numbers to the right, all else to the left.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&header).chain(rows).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let is_number = |column: usize| {
        let mut cells = rows.iter().map(|row| &row[column]).filter(|cell| *cell != NOTHING).peekable();
        cells.peek().is_some() && cells.all(|cell| cell.starts_with(|c: char| c.is_ascii_digit()))
    };
    let numbers: Vec<bool> = (0..header.len()).map(is_number).collect();
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().enumerate().map(|(column, cell)| match (numbers[column], widths[column]) {
            (true, width) => format!("{cell:>width$}"),
            (false, width) => format!("{cell:<width$}"),
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Where figures come from: what was simulated must not look as if it had been measured.
pub const fn source_in_words(source: Source) -> &'static str {
    match source {
        Source::Cluster => "in a cluster",
        Source::Process => "in one process",
        Source::Simulation => "simulated",
    }
}

/// What stands where there is no figure.
pub const NOTHING: &str = "-";

/// A figure, or that there is none.
pub fn shown(figure: Option<&String>) -> String {
    figure.map_or_else(|| NOTHING.to_owned(), Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_numbers_to_the_right() {
        let rows = [vec!["naive".into(), "30".into()], vec!["x".into(), "1530".into()], vec!["y".into(), "-".into()]];
        assert_eq!(table(&["ARM", "N"], &rows), "ARM       N\nnaive    30\nx      1530\ny         -\n");
    }
}
