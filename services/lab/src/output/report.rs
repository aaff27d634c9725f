//! The forms of a report: every verb that has one shows it in these.

use clap::ValueEnum;
use retrylab_report::{Report, html, markdown};

use super::{Form, junit, tables};

/// The form of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportForm {
    /// For people, in a terminal.
    #[default]
    Table,
    /// The report itself, as JSON: what `report`, `compare` and `assert` read.
    Json,
    /// The same as YAML.
    Yaml,
    /// For a merge request or a wiki.
    Markdown,
    /// A test case for the verdict and for each check of a criterion, for a CI server.
    Junit,
    /// One file for a browser, with the timelines.
    Html,
}

impl ReportForm {
    /// The report in this form.
    ///
    /// # Errors
    /// When it can't be serialised.
    pub fn show(self, report: &Report) -> anyhow::Result<String> {
        match (self.plain(), self) {
            (Some(form), _) => form.show(report, tables::report_table),
            (None, Self::Junit) => junit::document(report),
            (None, Self::Html) => Ok(html(report)),
            (None, _) => Ok(markdown(report)),
        }
    }

    /// The form that results of every kind have; `None`: only a report has it.
    pub const fn plain(self) -> Option<Form> {
        match self {
            Self::Table => Some(Form::Table),
            Self::Json => Some(Form::Json),
            Self::Yaml => Some(Form::Yaml),
            Self::Markdown | Self::Junit | Self::Html => None,
        }
    }
}
