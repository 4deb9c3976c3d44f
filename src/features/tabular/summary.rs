//! What was learnt of a table.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::hashing::Collisions;
use crate::data::{ReadSummary, TableRole};

/// What was learnt of a table. Prints one line a field, and then the warnings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TabularSummary {
    /// Rows learnt from.
    pub n_rows: u64,
    /// The file they were read from, if there is one.
    pub read: Option<ReadSummary>,
    /// What is to be predicted.
    pub labels: Vec<LabelSummary>,
    /// The fields that it is predicted from, in the order of their columns.
    pub fields: Vec<FieldSummary>,
}

/// What was seen of a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelSummary {
    /// Its name.
    pub name: String,
    /// Rows where it is 1.
    pub n_positive: u64,
}

/// What was learnt of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldSummary {
    /// Its name.
    pub name: String,
    /// What its column is for.
    pub role: TableRole,
    /// Share of the rows where it is missing, in `[0, 1]`.
    pub missing: f64,
    /// What was learnt.
    pub facts: FieldFacts,
}

/// What was learnt of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FieldFacts {
    /// Values with an id each.
    Values {
        /// Different values seen.
        n_values: usize,
        /// Those seen often enough to be known.
        n_known: usize,
    },
    /// Values with an id by their hash.
    Hashed(Collisions),
    /// The values of a category.
    Shared {
        /// The category.
        of: String,
    },
    /// Numbers.
    Numbers {
        /// What becomes of them; `never seen` where there are none.
        encoding: String,
        /// Whether all are equal.
        is_constant: bool,
    },
    /// The time, of which the calendar makes categories.
    Time,
}

impl FieldFacts {
    fn is_constant(&self) -> bool {
        match self {
            Self::Values { n_values, .. } => *n_values == 1,
            Self::Hashed(collisions) => collisions.n_values == 1,
            Self::Numbers { is_constant, .. } => *is_constant,
            Self::Shared { .. } | Self::Time => false,
        }
    }
}

impl fmt::Display for FieldFacts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Values { n_values, n_known } => {
                write!(formatter, "{n_known} of {n_values} values are known")
            }
            Self::Hashed(collisions) => {
                let Collisions {
                    n_buckets,
                    n_values,
                    expected,
                    measured,
                } = collisions;
                let expected = 100.0 * expected;
                match measured {
                    Some(measured) => write!(
                        formatter,
                        "{n_values} values in {n_buckets} buckets: {:.2} % share theirs, {expected:.2} % expected",
                        100.0 * measured
                    ),
                    None => write!(
                        formatter,
                        "about {n_values} values in {n_buckets} buckets: {expected:.2} % are expected to share theirs"
                    ),
                }
            }
            Self::Shared { of } => write!(formatter, "the values of {of}"),
            Self::Numbers { encoding, .. } => write!(formatter, "numbers, {encoding}"),
            Self::Time => formatter.write_str("by the calendar"),
        }
    }
}

impl TabularSummary {
    /// What may be wrong with the fields: a sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let warning = |field: &FieldSummary| {
            let name = &field.name;
            if field.missing >= 1.0 {
                Some(match field.facts {
                    FieldFacts::Numbers { .. } => format!(
                        "field {name:?} has no value in any row: there is no scale, so its numbers are missing ever after"
                    ),
                    _ => format!(
                        "field {name:?} has no value in any row: whatever value comes is unknown or untrained"
                    ),
                })
            } else if field.facts.is_constant() {
                Some(format!(
                    "field {name:?} has one value in all rows: it says nothing where it is there"
                ))
            } else {
                None
            }
        };
        self.fields.iter().filter_map(warning).collect()
    }
}

impl fmt::Display for TabularSummary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} rows", self.n_rows)?;
        for LabelSummary { name, n_positive } in &self.labels {
            let share = 100.0 * *n_positive as f64 / self.n_rows.max(1) as f64;
            write!(formatter, "\n  {name}: {n_positive} yes, {share:.2} %")?;
        }
        for field in &self.fields {
            write!(
                formatter,
                "\n  {} ({}): {}; {:.1} % missing",
                field.name,
                field.role,
                field.facts,
                100.0 * field.missing
            )?;
        }
        for warning in self.warnings() {
            write!(formatter, "\n  {warning}")?;
        }
        Ok(())
    }
}
