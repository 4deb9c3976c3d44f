//! The law of a click; see [`Impression`] for its terms.

use serde::{Deserialize, Serialize};

use super::distribution::logistic;
use super::events::{DAY_MILLIS, Event};
use super::impressions::Impression;
use super::next_item::NextItemLaw;
use super::users::{DeviceKind, ProtectedGroup, User};

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
