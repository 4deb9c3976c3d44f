//! Customers at the end of the log, and the law by which they leave.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::config::ShopConfig;
use super::distribution::logistic;
use super::events::{DAY_MILLIS, Event, EventKind};
use super::items::Catalogue;
use super::users::{AgeGroup, DeviceKind, ProtectedGroup, Region, User};
use crate::random::RandomKey;

/// What is known of a user at the end of the log, and whether the user leaves in the weeks after it.
///
/// In each week `w = 0, 1, ..` of the horizon a customer who is still there leaves with a probability (the hazard) whose
/// log-odds are an intercept that sets the churn rate, `-0.03 w`, plus
///
/// | column | log-odds | reference when removed |
/// |---|---|---|
/// | tenure | -0.4 ln((1 + days) / 366) | 365 days |
/// | recency | 0.6 ln((1 + days) / 15) | 14 days |
/// | recent sessions | -0.5 ln((1 + sessions) / 3) | 2 sessions |
/// | mean dwell | -1.0 ln(seconds / 40) | 40 seconds |
/// | like share | -2.5 (share - 0.25) | 0.25 |
/// | relative price | 1.5 times it, and again for the young | 0 |
/// | age group | 0.3 for the young, -0.3 for the older, and the above | the middle |
/// | device | -0.2 on a phone | a desktop |
/// | spend, events, region | none | 0, 0, north |
/// | protected group | `protected_effect` in the second group | the first group |
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    /// Position of the user in [`Shop::users`](super::Shop::users).
    pub user: u32,
    /// Days since the user registered.
    pub tenure_days: f64,
    /// Days since the user's last event, not negative.
    pub recency_days: f64,
    /// Number of sessions in the last 90 days.
    pub n_recent_sessions: u32,
    /// Number of events in the log.
    pub n_events: u32,
    /// Mean time on a page in seconds.
    pub mean_dwell_seconds: f64,
    /// Share of the events that were more than a view, in `[0, 1]`.
    pub like_share: f64,
    /// Mean relative price of the items met, those bought or carted counting for more.
    pub mean_relative_price: f64,
    /// Sum of the prices of the items bought.
    pub spend: f64,
    /// Age.
    pub age_group: AgeGroup,
    /// Home.
    pub region: Region,
    /// Device.
    pub device: DeviceKind,
    /// Protected attribute.
    pub protected_group: ProtectedGroup,
    /// Week of the horizon, from 0, in which the customer leaves; `None` where the customer stays through it.
    pub churn_week: Option<u32>,
    /// True probability of leaving within the horizon.
    pub churn_probability: f64,
}

/// A column of [`Customer`], which says what removing each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomerColumn {
    /// Days since registration.
    TenureDays,
    /// Days since the last event.
    RecencyDays,
    /// Sessions in the last 90 days.
    RecentSessions,
    /// Number of events; no effect.
    Events,
    /// Mean time on a page.
    MeanDwellSeconds,
    /// Share of likes, carts and purchases.
    LikeShare,
    /// Mean relative price.
    MeanRelativePrice,
    /// Money spent; no effect.
    Spend,
    /// Age.
    AgeGroup,
    /// Home; no effect.
    Region,
    /// Device.
    Device,
    /// Protected attribute; no effect by default.
    ProtectedGroup,
}

impl CustomerColumn {
    /// All columns.
    pub const ALL: [Self; 12] = [
        Self::TenureDays,
        Self::RecencyDays,
        Self::RecentSessions,
        Self::Events,
        Self::MeanDwellSeconds,
        Self::LikeShare,
        Self::MeanRelativePrice,
        Self::Spend,
        Self::AgeGroup,
        Self::Region,
        Self::Device,
        Self::ProtectedGroup,
    ];
}

impl Customer {
    /// Whether the customer leaves within the horizon.
    pub const fn churned(&self) -> bool {
        self.churn_week.is_some()
    }

    /// The customer with one column at its reference. Label and probability stay those of the customer as it was.
    pub fn without(mut self, column: CustomerColumn) -> Self {
        match column {
            CustomerColumn::TenureDays => self.tenure_days = 365.0,
            CustomerColumn::RecencyDays => self.recency_days = 14.0,
            CustomerColumn::RecentSessions => self.n_recent_sessions = 2,
            CustomerColumn::Events => self.n_events = 0,
            CustomerColumn::MeanDwellSeconds => self.mean_dwell_seconds = 40.0,
            CustomerColumn::LikeShare => self.like_share = 0.25,
            CustomerColumn::MeanRelativePrice => self.mean_relative_price = 0.0,
            CustomerColumn::Spend => self.spend = 0.0,
            CustomerColumn::AgeGroup => self.age_group = AgeGroup::Middle,
            CustomerColumn::Region => self.region = Region::North,
            CustomerColumn::Device => self.device = DeviceKind::Desktop,
            CustomerColumn::ProtectedGroup => self.protected_group = ProtectedGroup::First,
        }
        self
    }

    /// Reads a user and the user's events, of which there is at least one.
    pub(super) fn read(
        config: &ShopConfig,
        catalogue: &Catalogue,
        user: &User,
        events: &[Event],
    ) -> Self {
        let end = config.start_utc_millis + config.n_days as i64 * DAY_MILLIS;
        let n_events = events.len() as f64;
        let recent = |event: &&Event| event.time_utc_millis >= end - 90 * DAY_MILLIS;
        let mut recent_sessions: Vec<u32> = events
            .iter()
            .filter(recent)
            .map(|event| event.session)
            .collect();
        recent_sessions.dedup();
        let engagement: f64 = events.iter().map(|event| event.kind.engagement()).sum();
        let relative_price: f64 = events
            .iter()
            .map(|event| event.kind.engagement() * catalogue.item(event.item).relative_price)
            .sum();
        let bought = events.iter().filter(|event| event.kind == EventKind::Buy);
        let last = events.last().map_or(end, |event| event.time_utc_millis);
        Self {
            user: events.first().map_or(0, |event| event.user),
            tenure_days: f64::from(user.tenure_days),
            recency_days: (end - last) as f64 / DAY_MILLIS as f64,
            n_recent_sessions: recent_sessions.len() as u32,
            n_events: events.len() as u32,
            mean_dwell_seconds: events
                .iter()
                .map(|event| f64::from(event.dwell_seconds))
                .sum::<f64>()
                / n_events,
            like_share: events
                .iter()
                .filter(|event| event.kind != EventKind::View)
                .count() as f64
                / n_events,
            mean_relative_price: relative_price / engagement,
            spend: bought.map(|event| catalogue.item(event.item).price).sum(),
            age_group: user.age_group,
            region: user.region,
            device: user.device,
            protected_group: user.protected_group,
            churn_week: None,
            churn_probability: 0.0,
        }
    }

    /// Log-odds of leaving in the first week, without the intercept.
    fn logit(&self, protected_effect: f64) -> f64 {
        let price_weight = if self.age_group == AgeGroup::Young {
            3.0
        } else {
            1.5
        };
        let age = match self.age_group {
            AgeGroup::Young => 0.3,
            AgeGroup::Middle => 0.0,
            AgeGroup::Older => -0.3,
        };
        let device = if self.device == DeviceKind::Mobile {
            -0.2
        } else {
            0.0
        };
        let protected = match self.protected_group {
            ProtectedGroup::First => 0.0,
            ProtectedGroup::Second => protected_effect,
        };
        -0.4 * ((1.0 + self.tenure_days) / 366.0).ln()
            + 0.6 * ((1.0 + self.recency_days) / 15.0).ln()
            - 0.5 * ((1.0 + f64::from(self.n_recent_sessions)) / 3.0).ln()
            - (self.mean_dwell_seconds / 40.0).ln()
            - 2.5 * (self.like_share - 0.25)
            + price_weight * self.mean_relative_price
            + age
            + device
            + protected
    }

    /// Probability of leaving in each week of the horizon, given that the customer is still there.
    pub(super) fn hazards(
        &self,
        config: &ShopConfig,
        intercept: f64,
    ) -> impl Iterator<Item = f64> + use<> {
        let logit = intercept + self.logit(config.protected_effect);
        (0..config.churn_horizon_weeks).map(move |week| logistic(logit - 0.03 * week as f64))
    }

    /// Probability of leaving within the horizon.
    pub(super) fn probability(&self, config: &ShopConfig, intercept: f64) -> f64 {
        1.0 - self
            .hazards(config, intercept)
            .map(|hazard| 1.0 - hazard)
            .product::<f64>()
    }

    /// Draws the week of leaving.
    pub(super) fn draw_churn(&mut self, config: &ShopConfig, intercept: f64, key: RandomKey) {
        let mut generator = key.generator();
        self.churn_probability = self.probability(config, intercept);
        self.churn_week = self
            .hazards(config, intercept)
            .position(|hazard| generator.random::<f64>() < hazard)
            .map(|week| week as u32);
    }
}
