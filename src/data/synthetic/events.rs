//! The event log: when users come, what they look at and how much they like it.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::config::ShopConfig;
use super::distribution::{draw_index, exponential, logistic, normal};
use super::next_item::{Context, NextItemLaw};
use super::users::Temper;
use crate::random::{CounterGenerator, RandomKey};

pub(super) const DAY_MILLIS: i64 = 86_400_000;
const HOUR_MILLIS: i64 = 3_600_000;
/// A pause this long opens a session; the half hour that web analytics goes by.
pub(super) const SESSION_GAP_MILLIS: i64 = 1_800_000;

/// The most that a user did with an item at one visit to its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Looked at it.
    View,
    /// Marked it as liked.
    Like,
    /// Put it into the cart.
    Cart,
    /// Bought it.
    Buy,
}

impl EventKind {
    /// Name in the event log: `view`, `like`, `cart` or `buy`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Like => "like",
            Self::Cart => "cart",
            Self::Buy => "buy",
        }
    }

    /// How many views the event counts for in a user's taste: 1, 2, 3, 4.
    pub const fn engagement(self) -> f64 {
        match self {
            Self::View => 1.0,
            Self::Like => 2.0,
            Self::Cart => 3.0,
            Self::Buy => 4.0,
        }
    }
}

/// One visit of a user to the page of an item. No user visits the same page twice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Position of the user in [`Shop::users`](super::Shop::users).
    pub user: u32,
    /// Position of the item in [`Shop::items`](super::Shop::items).
    pub item: u32,
    /// Moment in milliseconds since 1970, UTC; rises strictly within a user.
    pub time_utc_millis: i64,
    /// The most that the user did.
    pub kind: EventKind,
    /// Time on the page in seconds, 2 to 1,200.
    pub dwell_seconds: f32,
    /// Number of the session, from 0 for each user. A pause of half an hour opens a new one.
    pub session: u32,
}

/// Draws the events of one user, oldest first; at least one.
pub(super) fn draw_events(
    config: &ShopConfig,
    law: &NextItemLaw,
    (user, tenure_days, temper): (u32, u32, Temper),
    key: RandomKey,
) -> Vec<Event> {
    let mut generator = key.generator();
    let generator = &mut generator;
    let n_wanted = draw_n_events(config, generator);
    let sizes = draw_session_sizes(n_wanted, config.mean_session_events, generator);
    let starts = draw_session_starts(config, tenure_days, sizes.len(), generator);
    let end = config.start_utc_millis + config.n_days as i64 * DAY_MILLIS;
    let mut events: Vec<Event> = Vec::with_capacity(n_wanted);
    let mut free_from = config.start_utc_millis;
    for (session, (size, start)) in sizes.into_iter().zip(starts).enumerate() {
        let mut time = start.max(free_from);
        for _ in 0..size {
            if time >= end {
                return events;
            }
            let context = law.context(events.iter(), time);
            let item = law.draw_item(&context, generator);
            let (kind, dwell_seconds) = draw_response(law, &context, item, temper, generator);
            events.push(Event {
                user,
                item,
                time_utc_millis: time,
                kind,
                dwell_seconds,
                session: session as u32,
            });
            let pause_seconds = exponential(40.0, generator).min(300.0);
            time += ((f64::from(dwell_seconds) + pause_seconds) * 1_000.0) as i64;
        }
        free_from = time + SESSION_GAP_MILLIS;
    }
    events
}

/// Log-normal with the asked mean, so that few users are very active; then held within the bounds.
fn draw_n_events(config: &ShopConfig, generator: &mut CounterGenerator) -> usize {
    const SPREAD: f64 = 0.6;
    let median = config.mean_events * (-0.5 * SPREAD * SPREAD).exp();
    let n_events = median * (SPREAD * normal(generator)).exp();
    (n_events.round() as usize).clamp(config.min_events, config.max_events)
}

/// Geometric sizes of at least one that sum to `n_events`.
fn draw_session_sizes(n_events: usize, mean: f64, generator: &mut CounterGenerator) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut left = n_events;
    while left > 0 {
        let mut size = 1;
        while size < left && generator.random::<f64>() >= 1.0 / mean {
            size += 1;
        }
        sizes.push(size);
        left -= size;
    }
    sizes
}

/// Sorted openings of sessions, mostly in the evening, between the day the user registered and the day of the last visit.
fn draw_session_starts(
    config: &ShopConfig,
    tenure_days: u32,
    n_sessions: usize,
    generator: &mut CounterGenerator,
) -> Vec<i64> {
    // Relative traffic of the hours of a day: a quiet night, a small peak at noon, a large one in the evening.
    const TRAFFIC: [f64; 24] = [
        1.0, 0.5, 0.3, 0.2, 0.2, 0.4, 1.0, 2.0, 3.0, 3.5, 4.0, 4.5, 5.0, 4.5, 4.0, 4.0, 4.5, 5.5,
        7.0, 8.0, 8.5, 7.5, 5.0, 2.5,
    ];
    let n_days = config.n_days as f64;
    let first_day = (n_days - f64::from(tenure_days)).max(0.0);
    let idle_days = exponential(20.0, generator).min(0.6 * (n_days - first_day));
    let mut starts: Vec<i64> = (0..n_sessions)
        .map(|_| {
            let day = first_day + generator.random::<f64>() * (n_days - first_day - idle_days);
            let hour = draw_index(&TRAFFIC, generator) as f64 + generator.random::<f64>();
            config.start_utc_millis + day as i64 * DAY_MILLIS + (hour * HOUR_MILLIS as f64) as i64
        })
        .collect();
    starts.sort_unstable();
    starts
}

/// What the user does on the page, and for how long: more where the item meets the taste and the budget.
fn draw_response(
    law: &NextItemLaw,
    context: &Context,
    item: u32,
    temper: Temper,
    generator: &mut CounterGenerator,
) -> (EventKind, f32) {
    let facts = law.catalogue.item(item);
    let affinity = context.taste(facts.category);
    let misfit = (facts.relative_price - temper.budget).abs();
    let log_dwell =
        3.6 + 0.35 * temper.satisfaction + affinity - 0.4 * misfit + 0.6 * normal(generator);
    let lingering = log_dwell - 3.6;
    let draw = |probability: f64, generator: &mut CounterGenerator| {
        generator.random::<f64>() < probability
    };
    let likes = draw(
        logistic(-1.9 + 0.8 * temper.satisfaction + 0.6 * lingering + affinity),
        generator,
    );
    let carts = draw(logistic(-1.6 - 1.5 * misfit + 0.5 * lingering), generator);
    let buys = draw(0.45, generator);
    let kind = match (carts, buys, likes) {
        (true, true, _) => EventKind::Buy,
        (true, false, _) => EventKind::Cart,
        (false, _, true) => EventKind::Like,
        (false, _, false) => EventKind::View,
    };
    (kind, log_dwell.exp().clamp(2.0, 1_200.0) as f32)
}
