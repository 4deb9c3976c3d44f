//! What one can ask of this example.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, ValueEnum};
use salient::data::{ColumnRef, ImpressionRule, OpenWindows};

use crate::parts::Moment;
use crate::shared::data_flags::DataFlags;

/// Makes labelled impressions out of an event log: files to train, to validate and to test on, with what each user did before.
///
/// Without a file it takes the events of a simulated shop.
#[derive(Parser, Debug)]
pub(crate) struct Flags {
    #[command(flatten)]
    pub(crate) data: DataFlags,
    #[command(flatten)]
    pub(crate) rule: RuleFlags,
    #[command(flatten)]
    pub(crate) parts: PartFlags,
    /// Directory for the files
    #[arg(long, value_name = "DIR", default_value = "target/impressions")]
    pub(crate) out: PathBuf,
}

/// What an impression is, and what makes it positive.
#[derive(Args, Debug)]
#[command(next_help_heading = "Impressions")]
pub(crate) struct RuleFlags {
    /// Types of events that are impressions
    #[arg(
        long,
        value_name = "EVENT,...",
        value_delimiter = ',',
        default_value = "view"
    )]
    impressions: Vec<String>,
    /// Types of events that make an impression of the same user and item positive
    #[arg(
        long,
        value_name = "EVENT,...",
        value_delimiter = ',',
        default_value = "like,cart,buy"
    )]
    successes: Vec<String>,
    /// Hours after an impression in which a success counts
    #[arg(long, value_name = "HOURS", default_value_t = 24.0)]
    window_hours: f64,
    /// What to do with impressions whose window the log does not hold to its end
    #[arg(long, value_enum, default_value_t = Open::LeaveOut)]
    open_windows: Open,
    /// Events of a history, the last ones
    #[arg(long, value_name = "EVENTS", default_value_t = 50)]
    max_history: usize,
    /// Columns of the log that tell of the item, such as its category
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',', value_parser = ColumnRef::from_str, requires = "data")]
    pub(crate) item_columns: Vec<ColumnRef>,
}

/// What to do with an impression whose window the log does not hold to its end.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Open {
    /// Leave it out and count it
    LeaveOut,
    /// Label it by what the log has; some will be called negative that are not
    Keep,
}

/// When each part begins. A part ends a window before the next begins, so that no label of one comes from events of the next.
#[derive(Args, Debug)]
#[command(next_help_heading = "Parts")]
pub(crate) struct PartFlags {
    /// First moment to train on, such as 2017-11-25 (UTC) or 2017-11-25T00:00:00+08:00 [default: that of the log]
    #[arg(long, value_name = "TIME")]
    pub(crate) train_from: Option<Moment>,
    /// First moment to validate on [default: a tenth of the log before the test part]
    #[arg(long, value_name = "TIME")]
    pub(crate) valid_from: Option<Moment>,
    /// First moment to test on [default: the last tenth of the log whose windows it holds]
    #[arg(long, value_name = "TIME")]
    pub(crate) test_from: Option<Moment>,
    /// First moment after those to test on [default: the end of the log]
    #[arg(long, value_name = "TIME")]
    pub(crate) test_until: Option<Moment>,
}

impl Flags {
    /// The rule that makes impressions.
    pub(crate) fn rule(&self) -> Result<ImpressionRule, String> {
        let RuleFlags {
            impressions,
            successes,
            window_hours,
            ..
        } = &self.rule;
        let window = Duration::try_from_secs_f64(window_hours * 3600.0)
            .map_err(|error| format!("--window-hours {window_hours}: {error}"))?;
        Ok(ImpressionRule {
            max_history: self.rule.max_history,
            open_windows: match self.rule.open_windows {
                Open::LeaveOut => OpenWindows::LeaveOut,
                Open::Keep => OpenWindows::Keep,
            },
            ..ImpressionRule::new(impressions, successes, window)
        })
    }
}
