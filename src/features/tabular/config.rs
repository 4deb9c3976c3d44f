//! How a table becomes numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::calendar::CalendarPart;
use super::error::TabularError;
use super::sketch::MAX_SAMPLE;
use super::values::MAX_VALUES;
use crate::data::{SchemaColumn, TableRole, TableSchema};

/// What becomes of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberEncoding {
    /// `(x - mean) / deviation` over the training rows. The default.
    #[default]
    Standard,
    /// The same of `sign(x) ln(1 + |x|)`, for numbers a few of which are far greater than the rest.
    Log,
    /// The normal deviate of the share of training numbers below `x`: whatever their distribution was, it is normal then.
    ///
    /// # Source
    /// `QuantileTransformer(output_distribution="normal")` of scikit-learn. Difference: a number that several quantiles are
    /// equal to has the middle of their levels, at both ends too, so that many zeros are not all at the far end.
    Quantile {
        /// Quantiles that are kept; from 2 to 131,072. As many as 1,000 are scikit-learn's default.
        n_quantiles: usize,
    },
    /// `n_bins` numbers that fill one after the other as `x` grows. Bins that would have no width are left out.
    ///
    /// # Source
    /// Gorishniy et al. 2022, section 3.2.1, with the bins of section 3.2.2 (quantiles),
    /// <https://arxiv.org/abs/2203.05556>. Differences: none.
    PiecewiseLinear {
        /// Bins; from 1 to 131,071.
        n_bins: usize,
    },
}

impl NumberEncoding {
    /// Whether it needs a sample of the numbers.
    pub(super) const fn needs_sample(self) -> bool {
        matches!(self, Self::Quantile { .. } | Self::PiecewiseLinear { .. })
    }
}

/// How one field becomes numbers. What is for fields of another kind does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FieldConfig {
    /// The least number of times that training must see a value for it to be known; at least 1. Default 1. What is seen less
    /// is [`UNKNOWN`](super::UNKNOWN), as a value never seen is.
    pub min_count: u64,
    /// Instead of a vocabulary, hash the values to so many ids, in which different values may collide: for fields with too
    /// many values to keep. Default none.
    pub n_buckets: Option<usize>,
    /// What becomes of a number. Default [`NumberEncoding::Standard`].
    pub encoding: NumberEncoding,
}

impl Default for FieldConfig {
    fn default() -> Self {
        Self {
            min_count: 1,
            n_buckets: None,
            encoding: NumberEncoding::default(),
        }
    }
}

/// How a table becomes numbers.
///
/// ```
/// use salient::features::tabular::{FieldConfig, NumberEncoding, TabularConfig};
///
/// let price = FieldConfig {
///     encoding: NumberEncoding::Log,
///     ..FieldConfig::default()
/// };
/// let config = TabularConfig {
///     fields: [("price".to_owned(), price)].into(),
///     ..TabularConfig::default()
/// };
/// assert_eq!(config.field("brand").min_count, 1);
/// assert_eq!(config.field("price").encoding, NumberEncoding::Log);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TabularConfig {
    /// Settings of fields that have none of their own.
    pub defaults: FieldConfig,
    /// Settings of single fields, by name. A history of a category's values has those of the category.
    pub fields: BTreeMap<String, FieldConfig>,
    /// Values of a history that are kept, the last ones; at least 1. Default 50.
    pub max_history: usize,
    /// Categories made of the time of a row. Default the hour and the weekday.
    pub calendar: Vec<CalendarPart>,
    /// Minutes from UTC to the clock that the calendar goes by, above -1440 and below 1440. Default 0.
    pub utc_offset_minutes: i32,
}

impl Default for TabularConfig {
    fn default() -> Self {
        Self {
            defaults: FieldConfig::default(),
            fields: BTreeMap::new(),
            max_history: 50,
            calendar: vec![CalendarPart::Hour, CalendarPart::Weekday],
            utc_offset_minutes: 0,
        }
    }
}

impl TabularConfig {
    /// The settings of a field.
    pub fn field(&self, name: &str) -> &FieldConfig {
        self.fields.get(name).unwrap_or(&self.defaults)
    }

    /// Checks the settings for a table.
    pub(super) fn check(&self, table: &TableSchema) -> Result<(), TabularError> {
        check_times(self.max_history, self.utc_offset_minutes, &self.calendar)?;
        let inputs = || {
            table
                .columns()
                .iter()
                .filter(|column| column.role.is_input())
        };
        let is_field = |name: &String| inputs().any(|column| column.name == *name);
        if let Some(name) = self.fields.keys().find(|name| !is_field(name)) {
            return Err(TabularError::UnknownField {
                name: name.clone(),
                present: inputs().map(|column| column.name.clone()).collect(),
            });
        }
        inputs().try_for_each(|column| self.field(&column.name).check(column))
    }
}

impl FieldConfig {
    fn check(&self, column: &SchemaColumn) -> Result<(), TabularError> {
        let name = || column.name.clone();
        if column.role != TableRole::Number {
            if self.min_count == 0 {
                return Err(TabularError::ZeroMinCount { name: name() });
            }
            return match self.n_buckets {
                Some(n_buckets) => check_buckets(&column.name, n_buckets),
                None => Ok(()),
            };
        }
        match self.encoding {
            NumberEncoding::Quantile { n_quantiles }
                if !(2..=MAX_SAMPLE).contains(&n_quantiles) =>
            {
                Err(TabularError::InvalidQuantiles {
                    name: name(),
                    n_quantiles,
                    limit: MAX_SAMPLE,
                })
            }
            NumberEncoding::PiecewiseLinear { n_bins } if !(1..MAX_SAMPLE).contains(&n_bins) => {
                Err(TabularError::InvalidBins {
                    name: name(),
                    n_bins,
                    limit: MAX_SAMPLE - 1,
                })
            }
            _ => Ok(()),
        }
    }
}

/// Checks what is for all fields.
pub(super) fn check_times(
    max_history: usize,
    utc_offset_minutes: i32,
    calendar: &[CalendarPart],
) -> Result<(), TabularError> {
    if max_history == 0 {
        return Err(TabularError::ZeroMaxHistory);
    }
    if !(-1439..=1439).contains(&utc_offset_minutes) {
        return Err(TabularError::InvalidOffset {
            minutes: utc_offset_minutes,
        });
    }
    for (index, part) in calendar.iter().enumerate() {
        if calendar[..index].contains(part) {
            return Err(TabularError::RepeatedCalendarPart { part: part.name() });
        }
    }
    Ok(())
}

/// Checks a number of buckets.
pub(super) fn check_buckets(name: &str, n_buckets: usize) -> Result<(), TabularError> {
    if (1..=MAX_VALUES).contains(&n_buckets) {
        return Ok(());
    }
    Err(TabularError::InvalidBuckets {
        name: name.into(),
        n_buckets,
        limit: MAX_VALUES,
    })
}
