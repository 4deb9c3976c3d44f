//! What is visible of a customer at a cut-off.

use super::periods::Periods;
use super::summary::CutOffSummary;
use crate::data::interactions::Interactions;
use crate::data::time::MILLIS_PER_DAY;

/// What is visible of a customer at a cut-off: at least one event, the oldest first, and none after it. All columns that a
/// model may read are made of this alone, so that they cannot know what came later.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Snapshot<'a> {
    pub(super) customer: u32,
    pub(super) cut_off: i64,
    pub(super) times: &'a [i64],
    pub(super) items: &'a [u32],
    pub(super) events: Option<&'a [u16]>,
    pub(super) amounts: Option<&'a [f32]>,
}

/// The customers that a rule looks at at a cut-off, and what became of the others.
pub(super) fn snapshots<'a>(
    log: &'a Interactions,
    cut_off: i64,
    periods: &Periods,
) -> (Vec<Snapshot<'a>>, CutOffSummary) {
    let mut found = Vec::new();
    let mut summary = CutOffSummary::new(cut_off);
    let is_within = |time: i64, period: Option<i64>| {
        period.is_none_or(|period| time > cut_off.saturating_sub(period))
    };
    for customer in 0..log.n_users() as u32 {
        let rows = log.user_range(customer);
        let times = &log.times_utc_millis()[rows.clone()];
        let end = times.partition_point(|&time| time <= cut_off);
        let start = times[..end].partition_point(|&time| !is_within(time, periods.lookback));
        match times[..end].last() {
            None => summary.n_not_yet += 1,
            Some(&last) if start == end || !is_within(last, periods.active_within) => {
                summary.n_inactive += 1;
            }
            Some(_) => {
                let visible = rows.start + start..rows.start + end;
                found.push(Snapshot {
                    customer,
                    cut_off,
                    times: &log.times_utc_millis()[visible.clone()],
                    items: &log.items()[visible.clone()],
                    events: log.events().map(|events| &events[visible.clone()]),
                    amounts: log.weights().map(|weights| &weights[visible.clone()]),
                });
            }
        }
    }
    summary.n_rows = found.len();
    (found, summary)
}

impl Snapshot<'_> {
    pub(super) fn recency_days(&self) -> Option<f64> {
        self.times
            .last()
            .map(|last| days(self.cut_off.saturating_sub(*last)))
    }

    pub(super) fn tenure_days(&self) -> Option<f64> {
        self.times
            .first()
            .map(|first| days(self.cut_off.saturating_sub(*first)))
    }

    /// Events of the last `period` before the cut-off, its last moment included, its first one not.
    pub(super) fn n_within(&self, period: i64) -> usize {
        let start = self.cut_off.saturating_sub(period);
        self.times.len() - self.times.partition_point(|&time| time <= start)
    }

    pub(super) fn mean_gap_days(&self) -> Option<f64> {
        let n_gaps = self.times.len() - 1;
        let between = self.times[n_gaps] - self.times[0];
        (n_gaps > 0).then(|| days(between) / n_gaps as f64)
    }

    /// Sample standard deviation, which needs two gaps.
    pub(super) fn deviation_gap_days(&self) -> Option<f64> {
        let mean = self.mean_gap_days()?;
        let gaps = self.times.windows(2).map(|pair| days(pair[1] - pair[0]));
        let squares: f64 = gaps.map(|gap| (gap - mean).powi(2)).sum();
        let n_gaps = self.times.len() - 1;
        (n_gaps > 1).then(|| (squares / (n_gaps - 1) as f64).sqrt())
    }

    /// Sum of the amounts of the last `n_events`.
    pub(super) fn amount(&self, n_events: usize) -> Option<f64> {
        let amounts = self.amounts?;
        let last = &amounts[amounts.len() - n_events..];
        Some(last.iter().map(|&amount| f64::from(amount)).sum())
    }

    /// Time from the event before to this one, if there is one before.
    pub(super) fn gap_millis(&self, event: usize) -> Option<i64> {
        let before = event.checked_sub(1)?;
        Some(self.times[event] - self.times[before])
    }
}

fn days(millis: i64) -> f64 {
    millis as f64 / MILLIS_PER_DAY as f64
}
