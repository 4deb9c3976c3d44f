//! Impressions on the home page, and the law of their clicks.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::config::ShopConfig;
use super::distribution::{draw_index, logistic};
use super::events::{DAY_MILLIS, Event};
use super::next_item::NextItemLaw;
use super::users::{DeviceKind, ProtectedGroup, User};
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

/// A column that the probability of a click depends on; see [`Impression`] for what removing each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClickColumn {
    /// Category of the item, against the user's history.
    Category,
    /// Style of the item, against the user's history.
    Style,
    /// Price of the item, against the user's history.
    Price,
    /// Place on the page.
    Position,
    /// Hour of the day.
    Time,
    /// Device of the user.
    Device,
    /// Earlier exposures.
    Exposures,
    /// Design of the advertisement.
    Creative,
    /// Protected attribute of the user.
    ProtectedGroup,
}

impl ClickColumn {
    /// All columns.
    pub const ALL: [Self; 9] = [
        Self::Category,
        Self::Style,
        Self::Price,
        Self::Position,
        Self::Time,
        Self::Device,
        Self::Exposures,
        Self::Creative,
        Self::ProtectedGroup,
    ];
}

const REFERENCE_PRICE_DISTANCE: f64 = 0.4;

/// What the law of a click reads.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ClickInputs {
    category_share: f64,
    style_share: f64,
    price_distance: f64,
    position: u8,
    hour: Option<u32>,
    device: DeviceKind,
    exposures_before: u32,
    creative: u8,
    protected_group: ProtectedGroup,
}

impl ClickInputs {
    /// Reads an impression and the user's events before it, oldest first.
    pub(super) fn read<'a>(
        law: &NextItemLaw,
        user: &User,
        impression: &Impression,
        history: impl DoubleEndedIterator<Item = &'a Event>,
    ) -> Self {
        let shown = law.catalogue.item(impression.item);
        let (mut category, mut style, mut price, mut total) = (0.0, 0.0, 0.0, 0.0);
        law.decayed(history, |event, weight| {
            let met = law.catalogue.item(event.item);
            total += weight;
            price += weight * met.relative_price;
            category += if met.category == shown.category {
                weight
            } else {
                0.0
            };
            style += if met.style == shown.style {
                weight
            } else {
                0.0
            };
        });
        let mut inputs = Self {
            category_share: category / total,
            style_share: style / total,
            price_distance: (shown.relative_price - price / total).abs(),
            position: impression.position,
            hour: Some((impression.time_utc_millis.rem_euclid(DAY_MILLIS) / 3_600_000) as u32),
            device: user.device,
            exposures_before: impression.exposures_before,
            creative: impression.creative,
            protected_group: user.protected_group,
        };
        if total == 0.0 {
            for column in [
                ClickColumn::Category,
                ClickColumn::Style,
                ClickColumn::Price,
            ] {
                inputs = inputs.without(column, law);
            }
        }
        inputs
    }

    /// With one column at its reference.
    pub(super) fn without(mut self, column: ClickColumn, law: &NextItemLaw) -> Self {
        match column {
            ClickColumn::Category => self.category_share = 1.0 / law.catalogue.n_categories as f64,
            ClickColumn::Style => self.style_share = 1.0 / law.catalogue.n_styles as f64,
            ClickColumn::Price => self.price_distance = REFERENCE_PRICE_DISTANCE,
            ClickColumn::Position => self.position = 1,
            ClickColumn::Time => self.hour = None,
            ClickColumn::Device => self.device = DeviceKind::Desktop,
            ClickColumn::Exposures => self.exposures_before = 0,
            ClickColumn::Creative => self.creative = 0,
            ClickColumn::ProtectedGroup => self.protected_group = ProtectedGroup::First,
        }
        self
    }

    /// Log-odds of a click without the intercept.
    pub(super) fn logit(&self, protected_effect: f64) -> f64 {
        let hour = self.hour.map_or(0.0, |hour| {
            0.3 * (std::f64::consts::TAU * (f64::from(hour) - 20.0) / 24.0).cos()
        });
        let device = match (self.device, self.hour) {
            (DeviceKind::Desktop, _) => 0.0,
            (DeviceKind::Tablet, _) => 0.1,
            (DeviceKind::Mobile, Some(18..)) => 0.3,
            (DeviceKind::Mobile, _) => -0.2,
        };
        let exposures = match self.exposures_before {
            0 => 0.0,
            n => (0.3 - 0.35 * f64::from(n - 1)).max(-1.2),
        };
        let protected = match self.protected_group {
            ProtectedGroup::First => 0.0,
            ProtectedGroup::Second => -protected_effect,
        };
        let creative = [0.0, 0.25, -0.25][usize::from(self.creative)];
        let position = -0.25 * f64::from(self.position - 1);
        3.0 * self.category_share + 1.5 * self.style_share - 0.8 * self.price_distance
            + position
            + hour
            + device
            + exposures
            + creative
            + protected
    }

    pub(super) fn probability(&self, intercept: f64, protected_effect: f64) -> f64 {
        logistic(intercept + self.logit(protected_effect))
    }
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
