//! How a ranking is judged.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::evaluation::{DataOrigin, IntervalSettings};

/// How [`evaluate_ranking`](super::evaluate_ranking) and [`evaluate_lists`](super::evaluate_lists) judge.
#[derive(Clone, Debug, PartialEq)]
pub struct RankingSettings {
    /// The `k` of every metric at `k`; each in `1..=n_items`. Default 5, 10 and 20.
    pub cutoffs: Vec<usize>,
    /// Whether items of the history can be recommended again. Default [`SeenItems::Filtered`].
    pub seen_items: SeenItems,
    /// The items to choose from. Default all.
    pub candidates: Candidates,
    /// Cases scored at once, at least 1; memory is `batch_size * n_items` scores, results do not depend on it. Default 256.
    pub batch_size: usize,
    /// How sure the means are; `None` spares the time where a mean is enough. Default 1000 resamples, 95 %.
    pub interval: Option<IntervalSettings>,
    /// Where the cases come from; carried into the protocol.
    pub origin: DataOrigin,
}

impl Default for RankingSettings {
    fn default() -> Self {
        Self {
            cutoffs: vec![5, 10, 20],
            seen_items: SeenItems::Filtered,
            candidates: Candidates::All,
            batch_size: 256,
            interval: Some(IntervalSettings::default()),
            origin: DataOrigin::default(),
        }
    }
}

/// Whether items of the history take part in the ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenItems {
    /// Items of the history are left out, except targets: what was chosen again stays rankable. A list,
    /// which is made without a look at the targets, leaves these out too.
    Filtered,
    /// Items of the history compete like any other.
    Kept,
}

impl std::fmt::Display for SeenItems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Filtered => "filtered",
            Self::Kept => "kept",
        })
    }
}

/// The items that a ranking is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Candidates {
    /// The whole catalogue.
    #[default]
    All,
    /// These catalogue indices alone, such as what is in stock; a target outside them counts as a miss.
    AllowList(Arc<[u32]>),
}
