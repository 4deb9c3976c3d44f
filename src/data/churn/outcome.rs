//! How long customers stay.

use serde::{Deserialize, Serialize};

use super::periods::Periods;
use crate::data::time::MILLIS_PER_DAY;

/// How long a customer stayed after a cut-off, as survival models need it.
///
/// A customer leaves at the first moment that a silence begins: a time without an event for at least the horizon. That moment is
/// the cut-off itself, or an event after it; who then comes back has left all the same. So a churned customer has left after 0
/// days, and nobody else has. Whether a silence began can be told up to a horizon before the last moment that is known, and
/// whoever has not left by then is censored there, all customers of a cut-off alike, whatever they did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChurnOutcome {
    /// The cut-off, in milliseconds since 1970, UTC.
    pub cut_off_utc_millis: i64,
    /// Whether there was no event within the horizon: the label.
    pub churned: bool,
    /// Days from the cut-off to when the customer left, or to when it can last be told that the customer had not; not negative.
    pub duration_days: f64,
    /// Whether the customer left within that time; else the duration is censored.
    pub churned_ever: bool,
}

impl ChurnOutcome {
    /// The outcome of a customer with events at `times` after the cut-off, in order, as far as it is known at `known_until`,
    /// which the horizon of the cut-off does not exceed. Later events are as if they were not there.
    pub(super) fn new(
        cut_off_utc_millis: i64,
        times: &[i64],
        periods: &Periods,
        known_until: i64,
    ) -> Self {
        let horizon = periods.horizon;
        let known = &times[..times.partition_point(|&time| time <= known_until)];
        let last_told = known_until - horizon;
        let mut here = cut_off_utc_millis;
        let mut left = None;
        for &time in known {
            if time - here > horizon {
                left = Some(here);
                break;
            }
            here = time;
        }
        let left = left.or((here <= last_told).then_some(here));
        let stayed_millis = left.unwrap_or(last_told) - cut_off_utc_millis;
        Self {
            cut_off_utc_millis,
            churned: known
                .first()
                .is_none_or(|first| first - cut_off_utc_millis > horizon),
            duration_days: stayed_millis as f64 / MILLIS_PER_DAY as f64,
            churned_ever: left.is_some(),
        }
    }
}
