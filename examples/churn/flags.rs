//! What one can ask of this example.

use std::path::PathBuf;

use clap::{Args, Parser};
use salient::data::{ColumnRef, TableColumn, TableRole};
use salient::tasks::churn::ChurnDataOptions;

use crate::events::EventFlags;
use crate::model_flags::ModelFlags;
use crate::shared::flags::RunFlags;
use crate::shared::table_flags::{TableFlags, label_column};

/// Who is about to leave? Trains on a table of customers, judges it by cross-validation beside logistic regression, says
/// whom to contact, saves it and asks it.
///
/// Without a file it takes the customers of a simulated shop, and says how close to the best possible it comes.
#[derive(Parser, Debug)]
pub(crate) struct Flags {
    #[command(flatten)]
    pub(crate) data: CustomerFlags,
    #[command(flatten)]
    pub(crate) events: EventFlags,
    #[command(flatten)]
    pub(crate) folds: FoldFlags,
    #[command(flatten)]
    pub(crate) contacts: ContactFlags,
    #[command(flatten)]
    pub(crate) model: ModelFlags,
    #[command(flatten)]
    pub(crate) run: RunFlags,
    /// Networks trained at once [default: as many as there are processors]
    #[arg(long, value_name = "THREADS", help_heading = "Run")]
    pub(crate) threads: Option<usize>,
}

/// Where the customers are and how to read them.
#[derive(Args, Debug)]
#[command(next_help_heading = "Data")]
pub(crate) struct CustomerFlags {
    /// Table of customers: CSV or Parquet, plain or gzip [default: a simulated shop]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Column that says who left: its name, or its number as `#1`
    #[arg(long, value_name = "COLUMN", requires = "data")]
    pub(crate) label_column: Option<String>,
    /// Text in that column that means that the customer left [default: 1, true or yes]
    #[arg(long, value_name = "TEXT", requires = "label_column")]
    pub(crate) positive: Option<String>,
    /// Column that names the customer; each may have one row
    #[arg(long, value_name = "COLUMN", requires = "data")]
    pub(crate) id_column: Option<ColumnRef>,
    /// A customer may have several rows, which stay together
    #[arg(long, requires = "id_column")]
    pub(crate) repeated_ids: bool,
    #[command(flatten)]
    pub(crate) table: TableFlags,
}

/// On which rows the model is judged.
#[derive(Args, Debug)]
#[command(next_help_heading = "Folds")]
pub(crate) struct FoldFlags {
    /// Parts of the table, each tested by a model that learnt from the others; 0 judges nothing
    #[arg(long, value_name = "FOLDS", default_value_t = 5)]
    pub(crate) folds: usize,
    /// Times that the table is dealt into parts
    #[arg(long, value_name = "TIMES", default_value_t = 1)]
    pub(crate) repeats: usize,
    /// CSV with the id of each customer and, in each further column, the fold that tests it, from 0
    #[arg(long, value_name = "FILE", conflicts_with_all = ["folds", "repeats"], requires = "id_column")]
    pub(crate) folds_file: Option<PathBuf>,
    /// Results of another run on the same folds, to be compared fold by fold
    #[arg(long, value_name = "FILE")]
    pub(crate) against: Option<PathBuf>,
}

/// What contacting customers is worth.
#[derive(Args, Debug)]
#[command(next_help_heading = "Contacts")]
pub(crate) struct ContactFlags {
    /// What contacting a customer costs
    #[arg(long, value_name = "MONEY", default_value_t = 5.0)]
    pub(crate) contact_cost: f64,
    /// What a customer who stays is worth
    #[arg(long, value_name = "MONEY", default_value_t = 100.0)]
    pub(crate) customer_value: f64,
    /// Share of those about to leave whom a contact keeps
    #[arg(long, value_name = "SHARE", default_value_t = 0.3)]
    pub(crate) success_rate: f64,
    /// Most customers to contact [default: whoever's contact is expected to gain something]
    #[arg(long, value_name = "CUSTOMERS")]
    pub(crate) budget: Option<usize>,
    /// Share of prediction sets that may miss what happens
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub(crate) alpha: f64,
}

impl CustomerFlags {
    /// How the table is read; `shop_columns` are those of the simulated shop.
    pub(crate) fn options(
        &self,
        shop_columns: &str,
    ) -> Result<ChurnDataOptions, Box<dyn std::error::Error>> {
        let mut columns = Vec::new();
        if let Some(label) = &self.label_column {
            let text = match &self.positive {
                Some(positive) => format!("{label}={positive}"),
                None => label.clone(),
            };
            columns.push(label_column(&text)?);
        }
        if let Some(id) = &self.id_column {
            columns.push(TableColumn::new(id.clone(), TableRole::Group));
        }
        let mut table = self.table.options(columns);
        if self.data.is_none() {
            if !table.columns.is_empty() {
                return Err("--columns needs --data".into());
            }
            table.columns = TableColumn::list(shop_columns)?;
        }
        Ok(ChurnDataOptions {
            repeated_ids: self.repeated_ids,
            ..ChurnDataOptions::new(table)
        })
    }
}
