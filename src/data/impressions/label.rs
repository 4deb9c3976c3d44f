//! Which events are followed by a success.

use std::collections::HashMap;

use super::rule::EventUse;
use crate::data::interactions::Interactions;

/// Whether each event is followed by a success of its user on its item: at its own time or up to `window_millis` later.
pub(super) fn labels(log: &Interactions, uses: &[EventUse], window_millis: i64) -> Vec<bool> {
    let times = log.times_utc_millis();
    let mut labels = vec![false; log.n_rows()];
    // When the next success on each item is.
    let mut next = HashMap::new();
    for user in 0..log.n_users() as u32 {
        next.clear();
        let rows = log.user_range(user);
        let mut end = rows.end;
        for at_one_time in times[rows].chunk_by(|a, b| a == b).rev() {
            let group = end - at_one_time.len()..end;
            end = group.start;
            for row in group.clone() {
                if uses[row] == EventUse::Success {
                    next.insert(log.items()[row], times[row]);
                }
            }
            for row in group {
                let success = next.get(&log.items()[row]);
                labels[row] = success.is_some_and(|at| at - times[row] <= window_millis);
            }
        }
    }
    labels
}
