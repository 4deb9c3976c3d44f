//! Customers at cut-offs, out of the event log that the flags name.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use salient::data::{
    ChurnRule, ChurnSplit, ColumnRef, InteractionSchema, OtherColumns, ReadOptions, TableOptions,
    TableSource, TimeFormat, read_interactions,
};
use salient::tasks::churn::{ChurnData, ChurnDataOptions};

use crate::shared::table_flags::TableFlags;

/// Where the log is, and when customers are looked at. How the file is written is told by the flags of tables.
#[derive(Args, Debug)]
#[command(next_help_heading = "Event log")]
pub(crate) struct EventFlags {
    /// Event log instead of a table of customers: CSV or Parquet, plain or gzip
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data", "folds_file"], requires_all = ["user_column", "item_column", "time_column"])]
    pub(crate) events: Option<PathBuf>,
    /// Column of the customer
    #[arg(long, value_name = "COLUMN", requires = "events")]
    pub(crate) user_column: Option<ColumnRef>,
    /// Column of what was bought or seen, which a log has; it is not read
    #[arg(long, value_name = "COLUMN", requires = "events")]
    pub(crate) item_column: Option<ColumnRef>,
    /// Column of the time
    #[arg(long, value_name = "COLUMN", requires = "events")]
    pub(crate) time_column: Option<ColumnRef>,
    /// Column of the type of event
    #[arg(long, value_name = "COLUMN", requires = "events")]
    pub(crate) event_column: Option<ColumnRef>,
    /// Column of an amount, such as the money spent
    #[arg(long, value_name = "COLUMN", requires = "events")]
    pub(crate) weight_column: Option<ColumnRef>,
    /// Days without an event that make a customer churn
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    pub(crate) horizon_days: u64,
    /// Cut-offs to learn from, besides the one a horizon before the test
    #[arg(long, value_name = "CUT-OFFS", default_value_t = 4)]
    pub(crate) cut_offs: usize,
    /// Days between these
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    pub(crate) step_days: u64,
    /// Leave out customers without an event for so many days before a cut-off
    #[arg(long, value_name = "DAYS", requires = "events")]
    pub(crate) active_days: Option<u64>,
}

/// Customers to learn from, and the same some time later.
pub(crate) struct CutOffs {
    pub(crate) train: ChurnData,
    pub(crate) test: ChurnData,
    pub(crate) sha256: Option<String>,
}

/// Reads the log and looks at its customers.
pub(crate) fn read(
    path: &Path,
    flags: &EventFlags,
    table: &TableFlags,
) -> Result<CutOffs, Box<dyn Error>> {
    let column = |column: &Option<ColumnRef>, flag: &str| {
        let column = column.clone();
        column.ok_or_else(|| format!("--events needs {flag}: which column is it?"))
    };
    let user = column(&flags.user_column, "--user-column")?;
    let item = column(&flags.item_column, "--item-column")?;
    let mut schema = InteractionSchema::new(user, item);
    schema.time = Some(column(&flags.time_column, "--time-column")?);
    schema.time_format = table.time_format.clone();
    schema.event = flags.event_column.clone();
    schema.weight = flags.weight_column.clone();
    let options = table.options(Vec::new());
    let (log, read) = read_interactions(path, &schema, &options.file)?;
    let (Some(first), Some(last)) = (
        log.times_utc_millis().iter().min(),
        log.times_utc_millis().iter().max(),
    ) else {
        return Err(format!("{} has no events", path.display()).into());
    };
    let days = |n: u64| Duration::from_secs(n * 86_400);
    let horizon = days(flags.horizon_days);
    let split = ChurnSplit::new(
        *first..=*last,
        horizon,
        days(flags.step_days),
        flags.cut_offs,
    )?;
    let mut rule = ChurnRule::new(horizon, split.train);
    rule.active_within = flags.active_days.map(days);
    rule.cut_offs_utc_millis.extend(split.validation);
    // Nothing of the time of the test is known to training.
    rule.known_until_utc_millis = split.test.first().copied();
    let train = rule.apply(&log, None)?;
    println!("{}\n", train.summary);
    rule.cut_offs_utc_millis = split.test;
    rule.known_until_utc_millis = None;
    let test = rule.apply(&log, None)?;
    println!("{}\n", test.summary);
    let data = |churn: salient::data::ChurnTable| {
        let table = TableOptions {
            columns: churn.columns,
            others: OtherColumns::Ignore,
            time_format: TimeFormat::UnixMillis,
            file: ReadOptions::default(),
            ..TableOptions::default()
        };
        let options = ChurnDataOptions {
            repeated_ids: true,
            ..ChurnDataOptions::new(table)
        };
        ChurnData::read(&TableSource::Batch(churn.table), &options)
    };
    Ok(CutOffs {
        train: data(train)?,
        test: data(test)?,
        sha256: read.sha256,
    })
}
