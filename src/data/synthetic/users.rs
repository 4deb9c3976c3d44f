//! Users and what is known of them.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::distribution::{draw_index, exponential, normal};
use crate::random::{CounterGenerator, RandomKey};

/// Age of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgeGroup {
    /// Younger than 30.
    Young,
    /// 30 to 54.
    Middle,
    /// 55 or older.
    Older,
}

/// Where a user lives. It has no effect on anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// The north.
    North,
    /// The east.
    East,
    /// The south.
    South,
    /// The west.
    West,
}

/// What a user mostly shops with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A computer.
    Desktop,
    /// A phone.
    Mobile,
    /// A tablet.
    Tablet,
}

/// A protected attribute. It has no effect unless [`ShopConfig::protected_effect`](super::ShopConfig) gives it one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProtectedGroup {
    /// About 65 % of the users.
    First,
    /// About 35 % of the users.
    Second,
}

/// A user of the shop, as a model may see one.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Name in the event log, such as `user-0007`.
    pub id: String,
    /// Age.
    pub age_group: AgeGroup,
    /// Home.
    pub region: Region,
    /// Device.
    pub device: DeviceKind,
    /// Days since the user registered, counted at the end of the log.
    pub tenure_days: u32,
    /// Protected attribute.
    pub protected_group: ProtectedGroup,
}

/// What moves a user and no table shows. It shapes dwell times, likes and purchases, never the choice of the next item.
#[derive(Clone, Copy, Debug)]
pub(super) struct Temper {
    /// How pleased the user is in general; standard normal.
    pub(super) satisfaction: f64,
    /// The relative price that suits the user best.
    pub(super) budget: f64,
}

impl User {
    /// Draws the `index`-th of `n_users` users.
    pub(super) fn draw(index: usize, n_users: usize, key: RandomKey) -> (Self, Temper) {
        let digits = (n_users - 1).to_string().len();
        let mut generator = key.generator();
        let generator = &mut generator;
        let user = Self {
            id: format!("user-{index:0digits$}"),
            age_group: pick(
                &[
                    (AgeGroup::Young, 0.35),
                    (AgeGroup::Middle, 0.45),
                    (AgeGroup::Older, 0.2),
                ],
                generator,
            ),
            region: pick(
                &[
                    (Region::North, 0.2),
                    (Region::East, 0.3),
                    (Region::South, 0.3),
                    (Region::West, 0.2),
                ],
                generator,
            ),
            device: pick(
                &[
                    (DeviceKind::Desktop, 0.35),
                    (DeviceKind::Mobile, 0.55),
                    (DeviceKind::Tablet, 0.1),
                ],
                generator,
            ),
            tenure_days: (60.0 + exponential(500.0, generator)).min(4_000.0) as u32,
            protected_group: if generator.random::<f64>() < 0.35 {
                ProtectedGroup::Second
            } else {
                ProtectedGroup::First
            },
        };
        let temper = Temper {
            satisfaction: normal(generator),
            budget: 0.4 * normal(generator),
        };
        (user, temper)
    }
}

fn pick<T: Copy>(shares: &[(T, f64)], generator: &mut CounterGenerator) -> T {
    let weights: Vec<f64> = shares.iter().map(|(_, share)| *share).collect();
    shares[draw_index(&weights, generator)].0
}
