//! A seeded shop whose truth is known: users, items, an event log, impressions and churn, with the probability that
//! each of them was drawn from.
//!
//! [`Shop::simulate`] writes a year of a shop from a [`ShopConfig`] and a seed. The same two give the same shop on any
//! number of threads. What was drawn can then be asked for its true probability, and for the effect of every past event and
//! every column on it, so that a model is measured against the best that any model could do, and an explanation against
//! what is so.
//!
//! The law of the next item reads the observable history alone; see [`NextItemConfig`]. The law of a click is described at
//! [`Impression`], that of churn at [`Customer`].

mod attributes;
mod churn;
mod clicks;
mod config;
mod customer_table;
mod distribution;
mod effect;
mod error;
mod events;
mod impression_table;
mod impressions;
mod items;
mod next_item;
mod oracle;
mod shop;
mod users;

pub use churn::{Customer, CustomerColumn};
pub use clicks::ClickColumn;
pub use config::{NextItemConfig, ShopConfig};
pub use effect::Effect;
pub use error::SyntheticError;
pub use events::{Event, EventKind};
pub use impressions::Impression;
pub use items::Item;
pub use shop::Shop;
pub use users::{AgeGroup, DeviceKind, ProtectedGroup, Region, User};
