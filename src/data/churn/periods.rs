//! The periods of a rule, checked.

use std::time::Duration;

use super::error::ChurnError;
use super::rule::ChurnRule;

/// The periods of a rule in milliseconds, each at least 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Periods {
    pub(super) horizon: i64,
    pub(super) lookback: Option<i64>,
    pub(super) active_within: Option<i64>,
}

impl Periods {
    pub(super) fn new(rule: &ChurnRule) -> Result<Self, ChurnError> {
        let optional = |name, period: Option<Duration>| {
            let period = period.map(|period| millis(name, period));
            period.transpose()
        };
        Ok(Self {
            horizon: millis("horizon", rule.horizon)?,
            lookback: optional("lookback", rule.lookback)?,
            active_within: optional("period of activity", rule.active_within)?,
        })
    }
}

/// A period in milliseconds.
pub(super) fn millis(name: &'static str, period: Duration) -> Result<i64, ChurnError> {
    match i64::try_from(period.as_millis()) {
        Ok(millis) if millis > 0 => Ok(millis),
        _ => Err(ChurnError::InvalidPeriod { name, period }),
    }
}
