//! How decisions are judged.

use super::{ContactRule, Costs};
use crate::evaluation::{DataOrigin, IntervalSettings};

/// How [`evaluate_decisions`](super::evaluate_decisions) judges.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionSettings {
    /// What contacting is worth.
    pub costs: Costs,
    /// Whom to contact. Default whoever's contact is expected to gain something.
    pub rule: ContactRule,
    /// How sure the values are; `None` spares the time where a value is enough. Default 1000 resamples, 95 %.
    pub interval: Option<IntervalSettings>,
    /// Where the cases come from; carried into the protocol.
    pub origin: DataOrigin,
}

impl DecisionSettings {
    /// The defaults under these costs.
    pub fn new(costs: Costs) -> Self {
        Self {
            costs,
            rule: ContactRule::default(),
            interval: Some(IntervalSettings::default()),
            origin: DataOrigin::default(),
        }
    }
}
