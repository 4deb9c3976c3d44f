//! When to look at customers, for training and for judging.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::ChurnError;
use super::periods::millis;
use super::rule::ChurnRule;
use crate::data::error::DataError;
use crate::data::table::RowUse;
use crate::data::time::MILLIS_PER_DAY;

impl ChurnRule {
    /// A rule with `n` cut-offs, `step` apart, the last as late as its horizon closes within `times`, which are the first and the
    /// last moment of the log, in milliseconds since 1970, UTC.
    ///
    /// Several cut-offs show a model each customer at several times. Their rows are not independent of each other, least of all
    /// if the step is shorter than the horizon.
    ///
    /// # Errors
    /// [`ChurnError::InvalidPeriod`]; [`ChurnError::NoCutOffs`]; [`ChurnError::LogTooShort`].
    pub fn spaced(
        times: RangeInclusive<i64>,
        horizon: Duration,
        step: Duration,
        n: usize,
    ) -> Result<Self, DataError> {
        let horizon_millis = millis("horizon", horizon)?;
        let last = times.end().saturating_sub(horizon_millis);
        let cut_offs = spaced(&times, last, millis("step", step)?, n)?;
        Ok(Self {
            log_end_utc_millis: Some(*times.end()),
            ..Self::new(horizon, cut_offs)
        })
    }
}

/// Cut-offs to train, validate and test by, in the order of time: none begins before all labels of the part before it are known,
/// so that nothing that a part is judged by is learnt from.
///
/// ```
/// use std::time::Duration;
/// use salient::data::{ChurnRule, ChurnSplit, RowUse};
///
/// let day: i64 = 86_400_000;
/// let days = |n: u64| Duration::from_secs(n * 86_400);
/// let split = ChurnSplit::new(0..=365 * day, days(90), days(30), 3)?;
/// assert_eq!(split.train, [35 * day, 65 * day, 95 * day]);
/// assert_eq!((&split.validation[..], &split.test[..]), (&[185 * day][..], &[275 * day][..]));
/// let rule = ChurnRule::new(days(90), Vec::new());
/// let train = split.rule_of(RowUse::Train, &rule)?;
/// // What training is told of how long customers stay ends where validation begins.
/// assert_eq!(train.known_until_utc_millis, Some(185 * day));
/// # Ok::<(), salient::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChurnSplit {
    /// Cut-offs to learn from, in milliseconds since 1970, UTC, increasing.
    pub train: Vec<i64>,
    /// Those to stop and calibrate by.
    pub validation: Vec<i64>,
    /// Those to judge by.
    pub test: Vec<i64>,
}

impl ChurnSplit {
    /// One cut-off to test by, as late as its horizon closes within `times`, the first and the last moment of the log; one to
    /// validate by, a horizon before; and `n_train` to learn from, a horizon before that and then each a `step` before the other.
    ///
    /// # Errors
    /// Those of [`ChurnRule::spaced`].
    pub fn new(
        times: RangeInclusive<i64>,
        horizon: Duration,
        step: Duration,
        n_train: usize,
    ) -> Result<Self, DataError> {
        let horizon = millis("horizon", horizon)?;
        let test = times.end().saturating_sub(horizon);
        let validation = test.saturating_sub(horizon);
        let last = validation.saturating_sub(horizon);
        Ok(Self {
            train: spaced(&times, last, millis("step", step)?, n_train)?,
            validation: vec![validation],
            test: vec![test],
        })
    }

    /// The rule for a part: `rule` with the cut-offs of the part. What happens after the first cut-off of the next part is not
    /// known to it, so that durations ([`ChurnTable::outcomes`](super::ChurnTable::outcomes)) do not tell it either.
    ///
    /// # Errors
    /// [`ChurnError::NoCutOffs`], [`ChurnError::CutOffsNotIncreasing`], [`ChurnError::InvalidPeriod`];
    /// [`ChurnError::PartsOverlap`] for parts that are not a horizon apart.
    pub fn rule_of(&self, part: RowUse, rule: &ChurnRule) -> Result<ChurnRule, DataError> {
        self.check(millis("horizon", rule.horizon)?)?;
        let (cut_offs, next) = match part {
            RowUse::Train => (&self.train, self.validation.first()),
            RowUse::Validation => (&self.validation, self.test.first()),
            RowUse::Test => (&self.test, rule.known_until_utc_millis.as_ref()),
        };
        Ok(ChurnRule {
            cut_offs_utc_millis: cut_offs.clone(),
            known_until_utc_millis: next.copied(),
            ..rule.clone()
        })
    }

    fn check(&self, horizon: i64) -> Result<(), ChurnError> {
        let mut before: Option<i64> = None;
        for (part, cut_offs) in [
            ("training", &self.train),
            ("validation", &self.validation),
            ("test", &self.test),
        ] {
            check_increasing(part, cut_offs)?;
            if let (Some(before), Some(&cut_off)) = (before, cut_offs.first()) {
                let closes = before.saturating_add(horizon);
                if closes > cut_off {
                    return Err(ChurnError::PartsOverlap {
                        part,
                        cut_off,
                        before,
                        closes,
                    });
                }
            }
            before = cut_offs.last().copied();
        }
        Ok(())
    }
}

/// Refuses cut-offs out of order.
pub(super) fn check_increasing(part: &'static str, cut_offs: &[i64]) -> Result<(), ChurnError> {
    if cut_offs.is_empty() {
        return Err(ChurnError::NoCutOffs { part });
    }
    match cut_offs.windows(2).find(|pair| pair[0] >= pair[1]) {
        None => Ok(()),
        Some(pair) => Err(ChurnError::CutOffsNotIncreasing {
            first: pair[0],
            second: pair[1],
        }),
    }
}

/// `n` cut-offs, the last at `last`, the first within `times`.
fn spaced(
    times: &RangeInclusive<i64>,
    last: i64,
    step: i64,
    n: usize,
) -> Result<Vec<i64>, ChurnError> {
    let Some(n_steps) = n.checked_sub(1) else {
        let part = "training";
        return Err(ChurnError::NoCutOffs { part });
    };
    let (begin, end) = (*times.start(), *times.end());
    // In 128 bits, as any times and steps may be given.
    let first = i128::from(last) - n_steps as i128 * i128::from(step);
    if first < i128::from(begin) {
        let days = |millis: i128| millis as f64 / MILLIS_PER_DAY as f64;
        return Err(ChurnError::LogTooShort {
            first: begin,
            last: end,
            has_days: days(i128::from(end) - i128::from(begin)),
            needs_days: days(i128::from(end) - first),
        });
    }
    Ok((0..n as i64)
        .rev()
        .map(|place| last - place * step)
        .collect())
}
