//! Rows and outcomes by looking at all events, however slow.

use std::time::Duration;

use salient::data::ChurnRule;

use super::{Event, MAX_HISTORY, NUMBERS, Row, STEP, TYPES};

/// The amounts of the tests, which are halves of small numbers.
fn amount_name(amount: f64) -> &'static str {
    match amount.abs() {
        0.0 => "0",
        0.5 if amount > 0.0 => "0.5..0.75",
        0.5 => "-0.75..-0.5",
        1.0 if amount > 0.0 => "1..1.5",
        1.0 => "-1.5..-1",
        1.5 => "1.5..2",
        2.0 | 2.5 => "2..3",
        _ => panic!("{amount}"),
    }
}

fn gap_name(before: Option<i64>, time: i64) -> &'static str {
    match before.map(|before| time - before) {
        None => "first",
        Some(0) => "0",
        Some(1) => "6h..12h",
        Some(2..4) => "12h..1d",
        Some(4..8) => "1d..2d",
        Some(8..16) => "2d..4d",
        Some(16..32) => "4d..8d",
        Some(32..64) => "8d..16d",
        Some(64..=120) => "16d..32d",
        other => panic!("{other:?}"),
    }
}

/// The rows by looking at all events for each customer and cut-off; those who are left out are counted: not yet, inactive.
pub(super) fn expected(events: &[Event], rule: &ChurnRule) -> (Vec<Row>, usize, usize) {
    let mut events = events.to_vec();
    events.sort_by_key(|event| event.3);
    let mut users: Vec<u8> = Vec::new();
    for event in &events {
        if !users.contains(&event.0) {
            users.push(event.0);
        }
    }
    let in_steps = |period: Duration| period.as_millis() as i64 / STEP;
    let horizon = in_steps(rule.horizon);
    let (mut rows, mut n_not_yet, mut n_inactive) = (Vec::new(), 0, 0);
    for cut_off in rule.cut_offs_utc_millis.iter().map(|at| at / STEP) {
        for &user in &users {
            let own = || events.iter().filter(|event| event.0 == user);
            let ago = |event: &Event| cut_off - event.3;
            let past: Vec<Event> = own().filter(|event| ago(event) >= 0).copied().collect();
            let is_seen = |event: &&Event| rule.lookback.is_none_or(|d| ago(event) < in_steps(d));
            let seen: Vec<Event> = past.iter().filter(is_seen).copied().collect();
            if past.is_empty() {
                n_not_yet += 1;
                continue;
            }
            let is_active = |event: &Event| {
                rule.active_within
                    .is_none_or(|period| ago(event) < in_steps(period))
            };
            if !seen.iter().any(is_active) {
                n_inactive += 1;
                continue;
            }
            rows.push(Row {
                label: !own().any(|event| ago(event) < 0 && -ago(event) <= horizon),
                customer: format!("u{user}"),
                cut_off,
                numbers: numbers(&seen, cut_off, horizon),
                history: history(&seen),
            });
        }
    }
    (rows, n_not_yet, n_inactive)
}

fn numbers(seen: &[Event], cut_off: i64, horizon: i64) -> Vec<(&'static str, Option<f64>)> {
    let n = seen.len() as f64;
    let times: Vec<f64> = seen.iter().map(|event| event.3 as f64 / 4.0).collect();
    let gaps: Vec<f64> = (1..times.len())
        .map(|at| times[at] - times[at - 1])
        .collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let squares: f64 = gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum();
    let deviation = (squares / (gaps.len() as f64 - 1.0)).sqrt();
    // A third of a horizon need not be a whole number of steps.
    let within = |of: f64| -> Vec<f64> {
        let last = seen
            .iter()
            .filter(|event| (cut_off - event.3) as f64 * 3.0 < of * horizon as f64);
        last.map(|event| f64::from(event.2) / 2.0).collect()
    };
    let all: f64 = seen.iter().map(|event| f64::from(event.2) / 2.0).sum();
    let now = cut_off as f64 / 4.0;
    let values = [
        Some(now - times[times.len() - 1]),
        Some(now - times[0]),
        Some(n),
        Some(within(3.0).len() as f64),
        Some(within(1.0).len() as f64),
        (!gaps.is_empty()).then_some(mean),
        (gaps.len() > 1).then_some(deviation),
        Some(all),
        Some(all / n),
        Some(within(3.0).iter().sum()),
        Some(within(1.0).iter().sum()),
    ];
    NUMBERS.into_iter().zip(values).collect()
}

fn history(seen: &[Event]) -> Vec<([String; 4], i64)> {
    let of = |at: usize| {
        let (_, event, amount, time) = seen[at];
        let before = at.checked_sub(1).map(|before| seen[before].3);
        let amount_name = amount_name(f64::from(amount) / 2.0).to_owned();
        let gap = gap_name(before, time).to_owned();
        (
            [
                TYPES[event].to_owned(),
                format!("i{amount}"),
                amount_name,
                gap,
            ],
            time,
        )
    };
    (seen.len().saturating_sub(MAX_HISTORY)..seen.len())
        .map(of)
        .collect()
}

/// The outcome by asking of each moment of the future whether a silence begins there.
pub(super) fn expected_outcome(
    times: &[i64],
    cut_off: i64,
    horizon: i64,
    known_until: i64,
) -> (i64, bool) {
    let is_event = |at| at == cut_off || times.contains(&at);
    let is_silent = |from: i64| !times.iter().any(|&at| from < at && at <= from + horizon);
    let moments = cut_off..=known_until - horizon;
    match moments.clone().find(|&at| is_event(at) && is_silent(at)) {
        Some(at) => (at - cut_off, true),
        None => (moments.end() - cut_off, false),
    }
}
