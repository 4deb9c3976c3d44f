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
        let n_before = (sorted.len() as f64 * train_share).round() as usize;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::InteractionRow;

    fn log(rows: &[(u8, u8, i64)]) -> Interactions {
        Interactions::from_rows(rows.iter().map(|&(user, item, time)| InteractionRow {
            user: format!("u{user}"),
            item: format!("i{item}"),
            time_utc_millis: time,
            ..InteractionRow::default()
        }))
        .unwrap()
    }

    #[test]
    fn leave_one_out_tests_the_last_and_validates_the_one_before() {
        // User 0 has four events, user 1 two, user 2 three.
        let log = log(&[
            (0, 0, 4),
            (0, 1, 3),
            (0, 2, 2),
            (0, 3, 1),
            (1, 0, 1),
            (1, 1, 2),
            (2, 0, 1),
            (2, 1, 2),
            (2, 2, 3),
        ]);
        let split = Split::new(&log, SplitRule::LeaveOneOut).unwrap();
        assert_eq!(split.train, [0..2, 4..6, 6..7]);
        let holdout = |user, history, targets| Holdout {
            user,
            history,
            targets,
        };
        assert_eq!(
            split.validation,
            [holdout(0, 0..2, 2..3), holdout(2, 6..7, 7..8)]
        );
        assert_eq!(split.test, [holdout(0, 0..3, 3..4), holdout(2, 6..8, 8..9)]);
        assert_eq!(split.n_train_only_users, 1);
        assert_eq!(log.item_id(log.items()[3]), "i0");
        assert_eq!(split.n_train_rows(), 5);
    }

    #[test]
    fn global_time_cuts_the_whole_log_at_two_moments() {
        // Ten events at times 0 to 9 of two users, who alternate.
        let rows: Vec<(u8, u8, i64)> = (0..10).map(|time| ((time % 2) as u8, 0, time)).collect();
        let log = log(&rows);
        let rule = SplitRule::GlobalTime {
            validation_fraction: 0.2,
            test_fraction: 0.3,
        };
        let split = Split::new(&log, rule).unwrap();
        let cuts = split.cuts.unwrap();
        assert_eq!((cuts.validation_utc_millis, cuts.test_utc_millis), (5, 7));
        // User 0 has times 0 2 4 6 8, user 1 has times 1 3 5 7 9.
        assert_eq!(split.train, [0..3, 5..7]);
        let holdout = |user, history, targets| Holdout {
            user,
            history,
            targets,
        };
        assert_eq!(
            split.validation,
            [holdout(0, 0..3, 3..4), holdout(1, 5..7, 7..8)]
        );
        assert_eq!(
            split.test,
            [holdout(0, 0..4, 4..5), holdout(1, 5..8, 8..10)]
        );
    }

    #[test]
    fn one_user_with_one_event_is_for_training_alone() {
        let log = log(&[(0, 0, 0)]);
        for rule in [
            SplitRule::LeaveOneOut,
            SplitRule::ByUser {
                validation_fraction: 0.4,
                test_fraction: 0.5,
                seed: 0,
            },
        ] {
            let split = Split::new(&log, rule).unwrap();
            assert_eq!(split.train, vec![0..1]);
            assert_eq!((split.validation.len(), split.test.len()), (0, 0));
            assert_eq!(split.n_train_only_users, 1);
        }
        let rule = SplitRule::GlobalTime {
            validation_fraction: 0.1,
            test_fraction: 0.1,
        };
        let error = Split::new(&log, rule).unwrap_err();
        assert!(matches!(
            &error,
            DataError::NothingLeftToTrain {
                n_rows: 1,
                n_users: 1,
                ..
            }
        ));
        assert_eq!(
            error.to_string(),
            "the split global-time (validation 0.1, test 0.1) leaves none of 1 events of 1 users to train on; take smaller fractions or more data"
        );
    }

    #[test]
    fn fractions_outside_their_range_are_refused() {
        let log = log(&[(0, 0, 0), (0, 1, 1)]);
        for (validation_fraction, test_fraction) in [
            (0.0, 0.0),
            (-0.1, 0.5),
            (0.5, 0.5),
            (0.1, 1.0),
            (f64::NAN, 0.1),
            (0.1, f64::NAN),
            (0.1, f64::INFINITY),
        ] {
            let rule = SplitRule::GlobalTime {
                validation_fraction,
                test_fraction,
            };
            let error = Split::new(&log, rule).unwrap_err();
            assert!(
                matches!(&error, DataError::InvalidSplitFractions { .. }),
                "{error:?}"
            );
            assert_eq!(
                error.to_string(),
                format!(
                    "validation_fraction {validation_fraction} and test_fraction {test_fraction} are not valid: validation in [0, 1), test in (0, 1), and their sum below 1"
                )
            );
        }
        let valid = SplitRule::ByUser {
            validation_fraction: 0.0,
            test_fraction: 0.999,
            seed: 1,
        };
        assert!(!matches!(
            Split::new(&log, valid),
            Err(DataError::InvalidSplitFractions { .. })
        ));
    }

    #[test]
    fn a_split_rule_reads_from_json() {
        let rule: SplitRule = serde_json::from_str(
            r#"{"global_time": {"validation_fraction": 0.1, "test_fraction": 0.2}}"#,
        )
        .unwrap();
        assert_eq!(rule.to_string(), "global-time (validation 0.1, test 0.2)");
        assert_eq!(
            serde_json::to_string(&SplitRule::LeaveOneOut).unwrap(),
            "\"leave_one_out\""
        );
    }

    fn rules() -> impl Strategy<Value = SplitRule> {
        let fractions = (0.0..0.5, 0.01..0.5);
        prop_oneof![
            Just(SplitRule::LeaveOneOut),
            fractions
                .clone()
                .prop_map(|(validation_fraction, test_fraction)| {
                    SplitRule::GlobalTime {
                        validation_fraction,
                        test_fraction,
                    }
                }),
            (fractions, any::<u64>()).prop_map(|((validation_fraction, test_fraction), seed)| {
                SplitRule::ByUser {
                    validation_fraction,
                    test_fraction,
                    seed,
                }
            }),
        ]
    }

    proptest! {
        #[test]
        fn no_split_trains_on_what_it_holds_out_or_on_later_events(
            rows in prop::collection::vec((0_u8..12, 0_u8..9, 0_i64..30), 1..120),
            rule in rules(),
        ) {
            let log = log(&rows);
            let split = match Split::new(&log, rule) {
                Err(DataError::NothingLeftToTrain { .. }) => return Ok(()),
                split => split.unwrap(),
            };
            let times = log.times_utc_millis();
            prop_assert_eq!(split.train.len(), log.n_users());
            for (user, train) in split.train.iter().enumerate() {
                let all = log.user_range(user as u32);
                prop_assert!(all.start == train.start && train.end <= all.end);
            }
            for holdout in split.validation.iter().chain(&split.test) {
                let all = log.user_range(holdout.user);
                let train = &split.train[holdout.user as usize];
                prop_assert!(!holdout.targets.is_empty());
                prop_assert_eq!(holdout.history.start, all.start);
                prop_assert_eq!(holdout.history.end, holdout.targets.start);
                prop_assert!(holdout.targets.end <= all.end);
                prop_assert!(train.end <= holdout.targets.start);
                let first_target = times[holdout.targets.start];
                prop_assert!(times[train.clone()].iter().all(|&time| time <= first_target));
            }
            // No row is judged by twice, and no validation history reaches the test's target.
            for (validation, test) in split.validation.iter().flat_map(|validation| {
                split.test.iter().filter(|test| test.user == validation.user).map(move |test| (validation, test))
            }) {
                prop_assert!(validation.targets.end <= test.targets.start);
            }
            match rule {
                SplitRule::LeaveOneOut => {
                    let n_held_out = split.validation.len() + split.test.len();
                    prop_assert_eq!(split.n_train_rows() + n_held_out, log.n_rows());
                }
                SplitRule::GlobalTime { .. } => {
                    let cuts = split.cuts.unwrap();
                    let train = split.train.iter().cloned().flatten();
                    prop_assert!(train.into_iter().all(|row| times[row] < cuts.validation_utc_millis));
                    let n_rows: usize = split.validation.iter().chain(&split.test).map(|holdout| holdout.targets.len()).sum();
                    prop_assert_eq!(split.n_train_rows() + n_rows, log.n_rows());
                    for holdout in &split.validation {
                        prop_assert!(holdout.targets.clone().all(|row| (cuts.validation_utc_millis..cuts.test_utc_millis).contains(&times[row])));
                    }
                    for holdout in &split.test {
                        prop_assert!(holdout.targets.clone().all(|row| times[row] >= cuts.test_utc_millis));
                    }
                }
                SplitRule::ByUser { .. } => {
                    let mut held_out: Vec<u32> = split.validation.iter().chain(&split.test).map(|holdout| holdout.user).collect();
                    prop_assert!(held_out.iter().all(|&user| split.train[user as usize].is_empty()));
                    held_out.sort_unstable();
                    held_out.dedup();
                    prop_assert_eq!(held_out.len(), split.validation.len() + split.test.len());
                    prop_assert_eq!(split.n_train_only_users + held_out.len(), log.n_users());
                }
            }
        }
    }

    #[test]
    fn the_draw_of_users_follows_the_seed_alone() {
        let rows: Vec<(u8, u8, i64)> = (0..200).map(|row| ((row / 2) as u8, 0, row)).collect();
        let log = log(&rows);
        let split = |seed| {
            let rule = SplitRule::ByUser {
                validation_fraction: 0.1,
                test_fraction: 0.2,
                seed,
            };
            Split::new(&log, rule).unwrap()
        };
        assert_eq!(split(1), split(1));
        assert_ne!(split(1).test, split(2).test);
        assert_eq!((split(1).validation.len(), split(1).test.len()), (10, 20));
    }
}
