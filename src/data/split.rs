//! Which events a model learns from, and which ones it is judged by.

use std::fmt;
use std::ops::Range;

use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::error::DataError;
use super::interactions::Interactions;
use crate::random::{RandomKey, Stream};

/// The fewest events with which leave-one-out holds out any of a user's: one to learn from, one to validate, one to test.
const MIN_EVENTS_TO_LEAVE_OUT: usize = 3;
/// The fewest events with which a held-out user has both a history and a target.
const MIN_EVENTS_TO_HOLD_OUT: usize = 2;

/// A rule that says which events are held out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitRule {
    /// Of each user with at least 3 events, the last is for testing and the one before for validation; the others, and all
    /// events of the other users, are for training.
    ///
    /// No event of a user's training is later than the user's held-out ones. Other users' training events can be: where that
    /// matters, take [`GlobalTime`](Self::GlobalTime).
    LeaveOneOut,
    /// The latest events of the whole log are for testing, those before them for validation, the earliest for training. Events
    /// of the same time are never parted: they all go to the later side.
    GlobalTime {
        /// Share of events for validation, in `[0, 1)`.
        validation_fraction: f64,
        /// Share of events for testing, in `(0, 1)`; with the other below 1.
        test_fraction: f64,
    },
    /// Users drawn at random, among those with at least 2 events, are for testing and for validation by their last event; they
    /// are absent from training.
    ByUser {
        /// Share of users for validation, in `[0, 1)`.
        validation_fraction: f64,
        /// Share of users for testing, in `(0, 1)`; with the other below 1.
        test_fraction: f64,
        /// Seed of the draw.
        seed: u64,
    },
}

impl fmt::Display for SplitRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeaveOneOut => formatter.write_str("leave-one-out"),
            Self::GlobalTime {
                validation_fraction,
                test_fraction,
            } => write!(
                formatter,
                "global-time (validation {validation_fraction}, test {test_fraction})"
            ),
            Self::ByUser {
                validation_fraction,
                test_fraction,
                seed,
            } => write!(
                formatter,
                "by-user (validation {validation_fraction}, test {test_fraction}, seed {seed})"
            ),
        }
    }
}

/// A user's events that a model is judged by. Ranges are rows of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holdout {
    /// The user.
    pub user: u32,
    /// What the model may see: the user's events before the targets. Empty for a user who first appears in a time window.
    pub history: Range<usize>,
    /// What it shall predict; never empty.
    pub targets: Range<usize>,
}

/// The moments at which a split by time cuts, in milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeCuts {
    /// Training ends before it, validation begins at it.
    pub validation_utc_millis: i64,
    /// Validation ends before it, testing begins at it.
    pub test_utc_millis: i64,
}

/// Which events of a log are for training, validation and testing.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The rule it follows.
    pub rule: SplitRule,
    /// Rows to learn from, one range a user, by user index; empty for a user who has none.
    pub train: Vec<Range<usize>>,
    /// What to choose settings by, in order of user.
    pub validation: Vec<Holdout>,
    /// What to judge by, in order of user.
    pub test: Vec<Holdout>,
    /// Number of users of whom nothing is held out.
    pub n_train_only_users: usize,
    /// Where a split by time cuts.
    pub cuts: Option<TimeCuts>,
}

impl Split {
    /// Splits a log by `rule`.
    ///
    /// A log whose users are too few or have too few events gives empty holdouts, not an error.
    ///
    /// # Errors
    /// [`DataError::InvalidSplitFractions`], [`DataError::SplitNeedsTimes`], [`DataError::NothingLeftToTrain`].
    pub fn new(log: &Interactions, rule: SplitRule) -> Result<Self, DataError> {
        check_fractions(rule)?;
        let mut split = match rule {
            SplitRule::LeaveOneOut => leave_one_out(log),
            SplitRule::GlobalTime {
                validation_fraction,
                test_fraction,
            } => global_time(log, validation_fraction, test_fraction)?,
            SplitRule::ByUser {
                validation_fraction,
                test_fraction,
                seed,
            } => by_user(log, validation_fraction, test_fraction, seed),
        };
        split.rule = rule;
        split.n_train_only_users = n_train_only_users(&split);
        if split.train.iter().all(Range::is_empty) {
            return Err(DataError::NothingLeftToTrain {
                rule: rule.to_string(),
                n_rows: log.n_rows(),
                n_users: log.n_users(),
            });
        }
        Ok(split)
    }

    /// Number of events to learn from.
    pub fn n_train_rows(&self) -> usize {
        self.train.iter().map(Range::len).sum()
    }
}

fn check_fractions(rule: SplitRule) -> Result<(), DataError> {
    let (SplitRule::GlobalTime {
        validation_fraction,
        test_fraction,
    }
    | SplitRule::ByUser {
        validation_fraction,
        test_fraction,
        ..
    }) = rule
    else {
        return Ok(());
    };
    let valid = (0.0..1.0).contains(&validation_fraction)
        && test_fraction > 0.0
        && validation_fraction + test_fraction < 1.0;
    if valid {
        Ok(())
    } else {
        Err(DataError::InvalidSplitFractions {
            validation_fraction,
            test_fraction,
        })
    }
}

/// A split that trains on everything.
fn all_for_training(log: &Interactions) -> Split {
    Split {
        rule: SplitRule::LeaveOneOut,
        train: (0..log.n_users())
            .map(|user| log.user_range(user as u32))
            .collect(),
        validation: Vec::new(),
        test: Vec::new(),
        n_train_only_users: 0,
        cuts: None,
    }
}

fn leave_one_out(log: &Interactions) -> Split {
    let mut split = all_for_training(log);
    for (user, train) in split.train.iter_mut().enumerate() {
        let Range { start, end } = train.clone();
        if end - start < MIN_EVENTS_TO_LEAVE_OUT {
            continue;
        }
        split.validation.push(Holdout {
            user: user as u32,
            history: start..end - 2,
            targets: end - 2..end - 1,
        });
        split.test.push(Holdout {
            user: user as u32,
            history: start..end - 1,
            targets: end - 1..end,
        });
        *train = start..end - 2;
    }
    split
}

fn global_time(
    log: &Interactions,
    validation_fraction: f64,
    test_fraction: f64,
) -> Result<Split, DataError> {
    if !log.has_times() {
        return Err(DataError::SplitNeedsTimes);
    }
    let times = log.times_utc_millis();
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let cut_after = |train_share: f64| {
        let n_before = (sorted.len() as f64 * train_share).floor() as usize;
        sorted[n_before.min(sorted.len() - 1)]
    };
    let cuts = TimeCuts {
        validation_utc_millis: cut_after(1.0 - test_fraction - validation_fraction),
        test_utc_millis: cut_after(1.0 - test_fraction),
    };
    let mut split = all_for_training(log);
    for (user, train) in split.train.iter_mut().enumerate() {
        let Range { start, end } = train.clone();
        let first_at = |cut: i64| start + times[start..end].partition_point(|&time| time < cut);
        let validation = first_at(cuts.validation_utc_millis);
        let test = first_at(cuts.test_utc_millis);
        for (holdouts, targets) in [
            (&mut split.validation, validation..test),
            (&mut split.test, test..end),
        ] {
            if !targets.is_empty() {
                holdouts.push(Holdout {
                    user: user as u32,
                    history: start..targets.start,
                    targets,
                });
            }
        }
        *train = start..validation;
    }
    split.cuts = Some(cuts);
    Ok(split)
}

fn by_user(log: &Interactions, validation_fraction: f64, test_fraction: f64, seed: u64) -> Split {
    let mut split = all_for_training(log);
    let mut eligible: Vec<u32> = (0..log.n_users() as u32)
        .filter(|&user| log.user_range(user).len() >= MIN_EVENTS_TO_HOLD_OUT)
        .collect();
    let share = |fraction: f64| (eligible.len() as f64 * fraction).round() as usize;
    let (n_test, n_validation) = (share(test_fraction), share(validation_fraction));
    let mut generator = RandomKey::new(seed).stream(Stream::Split).generator();
    eligible.shuffle(&mut generator);

    let mut drawn = eligible.into_iter();
    let mut hold_out = |n_users: usize, train: &mut [Range<usize>]| {
        let mut users: Vec<u32> = drawn.by_ref().take(n_users).collect();
        users.sort_unstable();
        users
            .into_iter()
            .map(|user| {
                let rows = &mut train[user as usize];
                let holdout = Holdout {
                    user,
                    history: rows.start..rows.end - 1,
                    targets: rows.end - 1..rows.end,
                };
                *rows = rows.start..rows.start;
                holdout
            })
            .collect()
    };
    split.test = hold_out(n_test, &mut split.train);
    split.validation = hold_out(n_validation, &mut split.train);
    split
}

fn n_train_only_users(split: &Split) -> usize {
    let mut held_out: Vec<u32> = split
        .validation
        .iter()
        .chain(&split.test)
        .map(|holdout| holdout.user)
        .collect();
    held_out.sort_unstable();
    held_out.dedup();
    split.train.len() - held_out.len()
}
