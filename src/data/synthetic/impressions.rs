//! Impressions on the home page.

use rand::RngExt;

use super::config::ShopConfig;
use super::distribution::draw_index;
use super::events::Event;
use super::next_item::NextItemLaw;
use crate::random::{CounterGenerator, RandomKey};

/// One item shown to one user on the home page, before the first event of a session.
///
/// A click opens an advertisement and leaves the event log alone. Its log-odds are an intercept that sets the click rate, plus
///
/// | column | log-odds | reference when removed |
/// |---|---|---|
/// | category | 3 times the decayed share of the item's category in the user's earlier events | share `1 / n_categories` |
/// | style | 1.5 times the decayed share of the item's style | share `1 / n_styles` |
/// | price | -0.8 times the distance of the item's relative price from the decayed mean of the history | distance 0.4 |
/// | position | -0.25 for each position after the first | position 1 |
/// | time | 0.3 cos of the hour's distance from 20:00 on the 24-hour circle, UTC | no such term |
/// | device | -0.2 on a phone, 0.1 on a tablet; 0.5 on a phone from 18:00 to midnight | a desktop |
/// | exposures | 0.3 at the second exposure, then 0.35 less with each further one, at least -1.2 | none before |
/// | creative | 0, 0.25, -0.25 | creative 0 |
/// | protected group | `-protected_effect` in the second group | the first group |
///
/// Shares and means weigh events as a taste does (see [`NextItemConfig`](super::NextItemConfig)); a user without earlier
/// events has the reference values.
#[derive(Clone, Debug, PartialEq)]
pub struct Impression {
    /// Position of the user in [`Shop::users`](super::Shop::users).
    pub user: u32,
    /// Position of the item in [`Shop::items`](super::Shop::items).
    pub item: u32,
    /// Which of three designs the advertisement had, `0..3`.
    pub creative: u8,
    /// Place on the page, from 1 at the top.
    pub position: u8,
    /// Moment in milliseconds since 1970, UTC.
    pub time_utc_millis: i64,
    /// Number of earlier impressions of the item to the user.
    pub exposures_before: u32,
    /// Whether the user clicked.
    pub clicked: bool,
    /// True probability of the click.
    pub click_probability: f64,
}

/// Draws what one user is shown, a page a session. Clicks come later, when the intercept is known.
pub(super) fn draw_impressions(
    config: &ShopConfig,
    law: &NextItemLaw,
    events: &[Event],
    key: RandomKey,
) -> Vec<Impression> {
    let mut generator = key.generator();
    let mut impressions: Vec<Impression> = Vec::new();
    for (first, event) in events.iter().enumerate() {
        if first > 0 && events[first - 1].session == event.session {
            continue;
        }
        let page_start = impressions.len();
        let taste = law.taste(events[..first].iter());
        for position in 1..=config.impressions_per_session as u8 {
            let item = loop {
                let item = draw_shown(law, &taste, &impressions[..page_start], &mut generator);
                if impressions[page_start..]
                    .iter()
                    .all(|shown| shown.item != item)
                {
                    break item;
                }
            };
            let exposures_before = impressions
                .iter()
                .filter(|shown| shown.item == item)
                .count() as u32;
            impressions.push(Impression {
                user: event.user,
                item,
                creative: generator.random_range(0..3),
                position,
                time_utc_millis: event.time_utc_millis - PAGE_LEAD_MILLIS,
                exposures_before,
                clicked: false,
                click_probability: 0.0,
            });
        }
    }
    impressions
}

/// The home page opens this long before the first event of the session.
const PAGE_LEAD_MILLIS: i64 = 5_000;

/// The shop's policy: something popular, something of the user's taste or something shown before.
fn draw_shown(
    law: &NextItemLaw,
    taste: &[f64],
    before: &[Impression],
    generator: &mut CounterGenerator,
) -> u32 {
    let has_taste = taste.iter().any(|&share| share > 0.0);
    match draw_index(&[0.4, 0.4, 0.2], generator) {
        1 if has_taste => law
            .catalogue
            .draw_in_category(draw_index(taste, generator), generator),
        2 if !before.is_empty() => before[generator.random_range(0..before.len())].item,
        _ => law.catalogue.popularity.draw(generator) as u32,
    }
}
