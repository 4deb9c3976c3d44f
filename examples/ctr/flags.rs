//! What one can ask of this example.

use std::error::Error;
use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};
use salient::data::{TableColumn, TableSplit, TimeFormat};
use salient::evaluation::calibration::{CalibrationKind, PlattTargets};
use salient::features::tabular::{CalendarPart, FieldConfig, NumberEncoding, TabularConfig};
use salient::tasks::ctr::CtrDataOptions;

use crate::model_flags::ModelFlags;
use crate::shared::flags::RunFlags;
use crate::shared::table_flags::{TableFlags, label_column};

/// Will this person click this? Trains on a table of impressions, judges and calibrates it beside simple baselines, saves it and
/// asks it.
///
/// Without a file it takes the impressions of a simulated shop, and says how close to the best possible it comes.
#[derive(Parser, Debug)]
pub(crate) struct Flags {
    #[command(flatten)]
    pub(crate) data: ImpressionFlags,
    #[command(flatten)]
    pub(crate) split: SplitFlags,
    #[command(flatten)]
    pub(crate) model: ModelFlags,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

/// Where the data is and how to read it.
#[derive(Args, Debug)]
#[command(next_help_heading = "Data")]
pub(crate) struct ImpressionFlags {
    /// One table, which is split: CSV or Parquet, plain or gzip [default: a simulated shop]
    #[arg(long, value_name = "FILE", conflicts_with = "train")]
    pub(crate) data: Option<PathBuf>,
    /// Table to learn from
    #[arg(long, value_name = "FILE")]
    pub(crate) train: Option<PathBuf>,
    /// Table to stop and calibrate by
    #[arg(long, value_name = "FILE", requires = "train")]
    pub(crate) valid: Option<PathBuf>,
    /// Table to judge by
    #[arg(long, value_name = "FILE", requires = "train")]
    pub(crate) test: Option<PathBuf>,
    /// Column of the label: its name, or its number as `#1`; `click=yes` says which text means yes
    #[arg(long, value_name = "COLUMN")]
    pub(crate) label: Vec<String>,
    #[command(flatten)]
    pub(crate) table: TableFlags,
    /// Times that training must see a value for it to be known
    #[arg(long, value_name = "TIMES", default_value_t = 1)]
    pub(crate) min_count: u64,
    /// Hash the values of each field to so many ids instead of keeping a vocabulary
    #[arg(long, value_name = "IDS")]
    pub(crate) hash_to: Option<usize>,
    /// What becomes of numbers
    #[arg(long, value_enum, default_value_t = Encoding::Standard)]
    pub(crate) numbers: Encoding,
    /// Bins or quantiles of an encoding that has them
    #[arg(long, value_name = "BINS", default_value_t = 32)]
    pub(crate) n_bins: usize,
    /// Values of a history that are read, the last ones
    #[arg(long, value_name = "VALUES", default_value_t = 50)]
    pub(crate) max_history: usize,
    /// What the time of a row is made into
    #[arg(
        long,
        value_enum,
        value_delimiter = ',',
        default_value = "hour,weekday"
    )]
    pub(crate) calendar: Vec<Calendar>,
    /// Minutes from UTC to the clock that the calendar goes by
    #[arg(
        long,
        value_name = "MINUTES",
        default_value_t = 0,
        allow_hyphen_values = true
    )]
    pub(crate) utc_offset: i32,
    /// Share of training rows without a positive label that are kept; the probabilities are those before
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    pub(crate) negatives_kept: f64,
    /// MiB that the rows may take in memory; what does not fit goes to a temporary file
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    pub(crate) memory_mib: usize,
    /// Categories to report apart
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub(crate) segments: Vec<String>,
}

/// What becomes of numbers.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Encoding {
    /// Less the mean, over the deviation
    Standard,
    /// The same of the logarithm
    Log,
    /// The normal deviate of the share below
    Quantile,
    /// Bins that fill one after the other
    PiecewiseLinear,
}

/// A part of a time.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Calendar {
    /// The hour of the day
    Hour,
    /// The day of the week
    Weekday,
    /// The month
    Month,
    /// The season
    Season,
}

/// Which rows are for what.
#[derive(Args, Debug)]
#[command(next_help_heading = "Split")]
pub(crate) struct SplitFlags {
    /// How the one table is split [default: by time if there is a time, else at random]
    #[arg(long, value_enum, conflicts_with = "train")]
    pub(crate) split: Option<SplitKind>,
    /// Share of rows to stop and calibrate by
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub(crate) validation_share: f64,
    /// Share of rows to judge by
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    pub(crate) test_share: f64,
    /// Train so many times, each row being tested once, and judge all test rows together
    #[arg(long, value_name = "FOLDS", conflicts_with_all = ["split", "train", "test_share", "out", "resume"])]
    pub(crate) folds: Option<usize>,
}

/// How a table is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitKind {
    /// Rows at random
    Random,
    /// Groups at random, such as users
    Group,
    /// The latest rows are held out
    Time,
    /// The last rows of the file are held out
    Order,
}

impl ImpressionFlags {
    /// How tables become rows of numbers; `shop_columns` are those of the simulated shop, whose times are milliseconds.
    pub(crate) fn options(
        &self,
        seed: u64,
        shop_columns: &str,
    ) -> Result<CtrDataOptions, Box<dyn Error>> {
        let mut labels = Vec::new();
        for label in &self.label {
            labels.push(label_column(label)?);
        }
        let mut table = self.table.options(labels);
        if self.data.is_none() && self.train.is_none() {
            if !table.columns.is_empty() {
                return Err("--label and --columns need --data or --train".into());
            }
            table.columns = TableColumn::list(shop_columns)?;
            table.time_format = TimeFormat::UnixMillis;
        }
        Ok(CtrDataOptions {
            table,
            features: self.features(),
            negatives_kept: self.negatives_kept,
            seed,
            max_bytes_in_memory: self.memory_mib.saturating_mul(1 << 20),
        })
    }

    fn features(&self) -> TabularConfig {
        TabularConfig {
            defaults: FieldConfig {
                min_count: self.min_count,
                n_buckets: self.hash_to,
                encoding: match self.numbers {
                    Encoding::Standard => NumberEncoding::Standard,
                    Encoding::Log => NumberEncoding::Log,
                    Encoding::Quantile => NumberEncoding::Quantile {
                        n_quantiles: self.n_bins,
                    },
                    Encoding::PiecewiseLinear => NumberEncoding::PiecewiseLinear {
                        n_bins: self.n_bins,
                    },
                },
            },
            max_history: self.max_history,
            calendar: self
                .calendar
                .iter()
                .map(|part| match part {
                    Calendar::Hour => CalendarPart::Hour,
                    Calendar::Weekday => CalendarPart::Weekday,
                    Calendar::Month => CalendarPart::Month,
                    Calendar::Season => CalendarPart::Season,
                })
                .collect(),
            utc_offset_minutes: self.utc_offset,
            ..TabularConfig::default()
        }
    }
}

impl SplitFlags {
    /// The rules, one a fold.
    pub(crate) fn rules(&self, has_time: bool, seed: u64) -> Vec<TableSplit> {
        let (validation, test) = (self.validation_share, self.test_share);
        if let Some(n_folds) = self.folds {
            let fold = |fold| TableSplit::Fold {
                n_folds,
                fold,
                validation,
                seed: 0,
            };
            return (0..n_folds).map(fold).collect();
        }
        let usual = match has_time {
            true => SplitKind::Time,
            false => SplitKind::Random,
        };
        vec![match self.split.unwrap_or(usual) {
            SplitKind::Random => TableSplit::Random {
                validation,
                test,
                seed,
            },
            SplitKind::Group => TableSplit::ByGroup {
                validation,
                test,
                seed,
            },
            SplitKind::Time => TableSplit::ByTime { validation, test },
            SplitKind::Order => TableSplit::ByOrder { validation, test },
        }]
    }
}

/// How logits become probabilities.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Calibration {
    /// As training left them
    None,
    /// By one number
    Temperature,
    /// By two numbers
    Platt,
    /// By a rising line
    Isotonic,
}

impl Calibration {
    pub(crate) fn kind(self) -> CalibrationKind {
        match self {
            Self::None => CalibrationKind::Identity,
            Self::Temperature => CalibrationKind::Temperature,
            Self::Platt => CalibrationKind::Platt(PlattTargets::Smoothed),
            Self::Isotonic => CalibrationKind::Isotonic,
        }
    }
}
