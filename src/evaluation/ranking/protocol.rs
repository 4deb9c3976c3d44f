//! What a ranking was judged by.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::SeenItems;

/// What decides a ranking besides the cases and the scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankingProtocol {
    /// Size of the catalogue.
    pub n_items: usize,
    /// The items to choose from.
    pub candidates: CandidateSet,
    /// Whether items of the history can be recommended again.
    pub seen_items: SeenItems,
    /// Who wins among equal scores.
    pub tie_rule: TieRule,
    /// The `k` of every metric at `k`, ascending.
    pub cutoffs: Vec<usize>,
}

/// The items to choose from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CandidateSet {
    /// The whole catalogue.
    All,
    /// A part of it.
    AllowList {
        /// Number of items.
        n_candidates: usize,
        /// SHA-256 of their indices in ascending order, each as four bytes, little-endian.
        sha256: String,
    },
}

/// Who wins among equal scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TieRule {
    /// A target comes after every other item of the same score, so a scorer gains nothing by giving one score to all.
    AgainstTarget,
    /// The item of the lower catalogue index comes first: lists are made without a look at the targets.
    LowerIndex,
}

impl RankingProtocol {
    /// The name and the text of each part.
    pub(in crate::evaluation) fn parts(&self) -> Vec<(&'static str, String)> {
        let cutoffs: Vec<String> = self.cutoffs.iter().map(ToString::to_string).collect();
        vec![
            ("items", self.n_items.to_string()),
            ("candidates", self.candidates.to_string()),
            ("seen items", self.seen_items.to_string()),
            ("ties", self.tie_rule.to_string()),
            ("cutoffs", cutoffs.join(", ")),
        ]
    }
}

impl fmt::Display for CandidateSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all items"),
            Self::AllowList {
                n_candidates,
                sha256,
            } => write!(f, "allow-list of {n_candidates}, sha256 {sha256}"),
        }
    }
}

impl fmt::Display for TieRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgainstTarget => f.write_str("against the target"),
            Self::LowerIndex => f.write_str("to the lower index"),
        }
    }
}
