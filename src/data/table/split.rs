//! Which rows of a table a model learns from, and which ones it is judged by.

use std::fmt;

use rand::RngExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::TableError;
use super::time_counts::TimeCounts;
use crate::data::error::DataError;
use crate::random::{RandomKey, Stream};

/// A rule that says which rows of one table are held out.
///
/// Shares lie in `[0, 1)`; that for testing is above 0, and both together are below 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableSplit {
    /// Rows drawn at random.
    Random {
        /// Share for validation.
        validation: f64,
        /// Share for testing.
        test: f64,
        /// Seed of the draw.
        seed: u64,
    },
    /// Groups drawn at random, such as users: all rows of one are on the same side.
    ByGroup {
        /// Share for validation.
        validation: f64,
        /// Share for testing.
        test: f64,
        /// Seed of the draw.
        seed: u64,
    },
    /// The latest rows for testing, those before them for validation. Rows of the same time are never parted: they go to the
    /// later side. Among very many different times those that are close count as the same, see [`TimeCounts`].
    ByTime {
        /// Share for validation.
        validation: f64,
        /// Share for testing.
        test: f64,
    },
    /// The last rows of the file for testing, those before them for validation: for a file that is in order of time and does
    /// not hold it.
    ByOrder {
        /// Share for validation.
        validation: f64,
        /// Share for testing.
        test: f64,
    },
    /// One of several parts of rows drawn at random for testing, so that over all folds each row is tested once.
    Fold {
        /// Number of parts; at least 2.
        n_folds: usize,
        /// The part for testing, below `n_folds`.
        fold: usize,
        /// Share for validation among the rows of the other parts.
        validation: f64,
        /// Seed of the draw.
        seed: u64,
    },
}

impl fmt::Display for TableSplit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random {
                validation,
                test,
                seed,
            } => {
                write!(
                    formatter,
                    "random (validation {validation}, test {test}, seed {seed})"
                )
            }
            Self::ByGroup {
                validation,
                test,
                seed,
            } => {
                write!(
                    formatter,
                    "by-group (validation {validation}, test {test}, seed {seed})"
                )
            }
            Self::ByTime { validation, test } => {
                write!(formatter, "by-time (validation {validation}, test {test})")
            }
            Self::ByOrder { validation, test } => {
                write!(formatter, "by-order (validation {validation}, test {test})")
            }
            Self::Fold {
                n_folds,
                fold,
                validation,
                seed,
            } => write!(
                formatter,
                "fold {} of {n_folds} (validation {validation}, seed {seed})",
                fold + 1
            ),
        }
    }
}

/// What a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowUse {
    /// To learn from.
    Train,
    /// To stop and calibrate by.
    Validation,
    /// To judge by.
    Test,
}

/// What each row of a table is for, by a [`TableSplit`].
#[derive(Clone, Debug)]
pub struct TableSplitter {
    split: TableSplit,
    cuts: Cuts,
}

/// Where validation and test begin: at these times, or at these rows.
#[derive(Clone, Copy, Debug)]
struct Cuts {
    validation: i64,
    test: i64,
}

impl TableSplitter {
    /// A splitter of a table whose rows have these times, or, where the rule does not go by time, any of that number.
    ///
    /// # Errors
    /// [`TableError::InvalidSplit`].
    pub fn new(split: TableSplit, times: &TimeCounts, n_rows: usize) -> Result<Self, DataError> {
        split.check()?;
        let cuts = match split {
            TableSplit::ByTime { validation, test } => {
                if times.n_rows() != n_rows {
                    return Err(invalid(split, "it needs a column with the role time").into());
                }
                time_cuts(times, validation, test)
            }
            TableSplit::ByOrder { validation, test } => {
                let cut = |held_out: f64| n_rows as i64 - (n_rows as f64 * held_out).round() as i64;
                Cuts {
                    validation: cut(validation + test),
                    test: cut(test),
                }
            }
            _ => Cuts {
                validation: 0,
                test: 0,
            },
        };
        Ok(Self { split, cuts })
    }

    /// Whether the rule goes by time, or by the number of rows, so that the table must be read once before it can be split.
    pub fn needs_a_look(split: TableSplit) -> bool {
        matches!(
            split,
            TableSplit::ByTime { .. } | TableSplit::ByOrder { .. }
        )
    }

    /// What a row is for: the `index`-th of the table from 0, of this group and time.
    ///
    /// # Errors
    /// [`TableError::InvalidSplit`] for a split by group without one.
    pub fn use_of(
        &self,
        index: usize,
        group: Option<&str>,
        time_utc_millis: Option<i64>,
    ) -> Result<RowUse, DataError> {
        let draw = |seed: u64, row: u64| -> f64 {
            let key = RandomKey::new(seed).stream(Stream::Split);
            key.child(row).generator().random()
        };
        let of_share = |draw: f64, validation: f64, test: f64| match draw {
            draw if draw < test => RowUse::Test,
            draw if draw < test + validation => RowUse::Validation,
            _ => RowUse::Train,
        };
        let of_place = |place: i64| match place {
            place if place >= self.cuts.test => RowUse::Test,
            place if place >= self.cuts.validation => RowUse::Validation,
            _ => RowUse::Train,
        };
        Ok(match self.split {
            TableSplit::Random {
                validation,
                test,
                seed,
            } => of_share(draw(seed, index as u64), validation, test),
            TableSplit::ByGroup {
                validation,
                test,
                seed,
            } => {
                let rule = "it needs a column with the role group";
                let group = group.ok_or_else(|| invalid(self.split, rule))?;
                of_share(draw(seed, digest(group)), validation, test)
            }
            TableSplit::ByTime { .. } => {
                let rule = "it needs a column with the role time";
                of_place(time_utc_millis.ok_or_else(|| invalid(self.split, rule))?)
            }
            TableSplit::ByOrder { .. } => of_place(index as i64),
            TableSplit::Fold {
                n_folds,
                fold,
                validation,
                seed,
            } => {
                let drawn = (draw(seed, index as u64) * n_folds as f64) as usize;
                let of_rest = draw(seed ^ FOLD_SALT, index as u64);
                match drawn.min(n_folds - 1) == fold {
                    true => RowUse::Test,
                    false => of_share(of_rest, validation, 0.0),
                }
            }
        })
    }
}

/// Tells the draw of validation rows from that of folds.
const FOLD_SALT: u64 = 0x5bd1_e995;

impl TableSplit {
    fn check(self) -> Result<(), TableError> {
        let (validation, test) = match self {
            Self::Random {
                validation, test, ..
            }
            | Self::ByGroup {
                validation, test, ..
            }
            | Self::ByTime { validation, test }
            | Self::ByOrder { validation, test } => (validation, test),
            Self::Fold {
                n_folds,
                fold,
                validation,
                ..
            } => {
                if n_folds < 2 || fold >= n_folds {
                    return Err(invalid(
                        self,
                        "there must be at least 2 folds, and this one of them",
                    ));
                }
                (validation, 1.0 / n_folds as f64)
            }
        };
        let is_sound = (0.0..1.0).contains(&validation)
            && (0.0..1.0).contains(&test)
            && test > 0.0
            && (matches!(self, Self::Fold { .. }) || validation + test < 1.0);
        match is_sound {
            true => Ok(()),
            false => Err(invalid(
                self,
                "shares must lie in [0, 1), that for testing above 0, both together below 1",
            )),
        }
    }
}

fn invalid(split: TableSplit, rule: &'static str) -> TableError {
    TableError::InvalidSplit {
        split: split.to_string(),
        rule,
    }
}

/// A number of a text that does not depend on the process.
fn digest(text: &str) -> u64 {
    let bytes: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let mut first = [0; 8];
    first.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(first)
}

/// The times at which the held-out shares begin.
fn time_cuts(times: &TimeCounts, validation: f64, test: f64) -> Cuts {
    let n_before = |held_out: f64| ((1.0 - held_out) * times.n_rows() as f64).round() as usize;
    let starts = times.starts_after(&[n_before(validation + test), n_before(test)]);
    let test_from = starts[1];
    Cuts {
        validation: if validation > 0.0 {
            starts[0]
        } else {
            test_from
        },
        test: test_from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(split: TableSplit, times: &[i64], n_rows: usize) -> Vec<RowUse> {
        let splitter = TableSplitter::new(split, &times.iter().copied().collect(), n_rows).unwrap();
        (0..n_rows)
            .map(|row| {
                let group = (row % 100).to_string();
                splitter
                    .use_of(row, Some(&group), times.get(row).copied())
                    .unwrap()
            })
            .collect()
    }

    fn share(uses: &[RowUse], of: RowUse) -> f64 {
        uses.iter().filter(|&&found| found == of).count() as f64 / uses.len() as f64
    }

    #[test]
    fn random_shares_are_those_asked_for() {
        let split = |seed| TableSplit::Random {
            validation: 0.1,
            test: 0.3,
            seed,
        };
        let found = uses(split(1), &[], 20_000);
        assert!((share(&found, RowUse::Test) - 0.3).abs() < 0.015);
        assert!((share(&found, RowUse::Validation) - 0.1).abs() < 0.01);
        assert_eq!(found, uses(split(1), &[], 20_000));
        assert_ne!(found, uses(split(2), &[], 20_000));
    }

    #[test]
    fn rows_of_a_group_stay_together() {
        let split = TableSplit::ByGroup {
            validation: 0.2,
            test: 0.2,
            seed: 3,
        };
        let found = uses(split, &[], 1_000);
        for row in 100..1_000 {
            assert_eq!(found[row], found[row % 100]);
        }
        assert!(share(&found, RowUse::Test) > 0.05 && share(&found, RowUse::Train) > 0.3);
    }

    #[test]
    fn no_training_row_is_later_than_a_test_row() {
        let times: Vec<i64> = (0..1_000).map(|row| (row * 7919) % 997 / 3).collect();
        let found = uses(
            TableSplit::ByTime {
                validation: 0.1,
                test: 0.2,
            },
            &times,
            1_000,
        );
        let of = |part| {
            times
                .iter()
                .zip(&found)
                .filter(move |(_, u)| **u == part)
                .map(|(t, _)| *t)
        };
        let (train, valid) = (of(RowUse::Train), of(RowUse::Validation));
        assert!(train.max().unwrap() < valid.clone().min().unwrap());
        assert!(valid.max().unwrap() < of(RowUse::Test).min().unwrap());
        assert!((share(&found, RowUse::Test) - 0.2).abs() < 0.01);
    }

    #[test]
    fn the_last_rows_of_the_file_are_held_out() {
        let found = uses(
            TableSplit::ByOrder {
                validation: 0.2,
                test: 0.3,
            },
            &[],
            10,
        );
        use RowUse::{Test, Train, Validation};
        assert_eq!(found[..5], [Train; 5]);
        assert_eq!(found[5..], [Validation, Validation, Test, Test, Test]);
    }

    #[test]
    fn over_all_folds_each_row_is_tested_once() {
        let fold = |fold| TableSplit::Fold {
            n_folds: 5,
            fold,
            validation: 0.25,
            seed: 9,
        };
        let folds: Vec<Vec<RowUse>> = (0..5).map(|f| uses(fold(f), &[], 5_000)).collect();
        for row in 0..5_000 {
            let tested = folds
                .iter()
                .filter(|found| found[row] == RowUse::Test)
                .count();
            assert_eq!(tested, 1);
        }
        assert!((share(&folds[2], RowUse::Validation) - 0.2).abs() < 0.02);
    }

    #[test]
    fn what_cannot_be_split_is_refused() {
        let message = |split, n| {
            TableSplitter::new(split, &TimeCounts::default(), n)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            message(
                TableSplit::ByTime {
                    validation: 0.1,
                    test: 0.1
                },
                5
            ),
            "rows cannot be split by-time (validation 0.1, test 0.1): it needs a column with the role time"
        );
        for split in [
            TableSplit::ByOrder {
                validation: 0.5,
                test: 0.5,
            },
            TableSplit::ByOrder {
                validation: -0.1,
                test: 0.5,
            },
            TableSplit::Random {
                validation: 0.1,
                test: 0.0,
                seed: 0,
            },
            TableSplit::Random {
                validation: f64::NAN,
                test: 0.1,
                seed: 0,
            },
        ] {
            assert!(message(split, 5).ends_with("both together below 1"));
        }
        let fold = TableSplit::Fold {
            n_folds: 3,
            fold: 3,
            validation: 0.1,
            seed: 0,
        };
        assert!(message(fold, 5).ends_with("and this one of them"));
        let split = TableSplit::ByGroup {
            validation: 0.1,
            test: 0.1,
            seed: 0,
        };
        let splitter = TableSplitter::new(split, &TimeCounts::default(), 5).unwrap();
        assert!(splitter.use_of(0, None, None).is_err());
    }
}
