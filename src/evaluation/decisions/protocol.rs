//! What decisions were judged by.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ContactRule, CostMatrix, Costs};
use crate::evaluation::classification::DrawnUnit;

/// What decides the value of contacts besides the cases and the probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionProtocol {
    /// Whom to contact.
    pub rule: ContactRule,
    /// What contacting is worth.
    pub costs: CostsUsed,
    /// Whether rows have weights.
    pub weighted: bool,
    /// What intervals draw.
    pub drawn: DrawnUnit,
}

/// What contacting is worth, as reports name it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostsUsed {
    /// The same for all.
    Same(CostMatrix),
    /// One matrix a customer.
    ByRow {
        /// SHA-256 of all in their order.
        sha256: String,
    },
}

impl CostsUsed {
    pub(super) fn new(costs: &Costs) -> Self {
        let matrices = match costs {
            Costs::Same(matrix) => return Self::Same(*matrix),
            Costs::ByRow(matrices) => matrices,
        };
        let mut digest = Sha256::new();
        for matrix in matrices {
            digest.update(matrix.true_positive.to_le_bytes());
            digest.update(matrix.false_positive.to_le_bytes());
            digest.update(matrix.false_negative.to_le_bytes());
            digest.update(matrix.true_negative.to_le_bytes());
        }
        let bytes = digest.finalize();
        Self::ByRow {
            sha256: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

impl DecisionProtocol {
    /// The name and the text of each part.
    pub(in crate::evaluation) fn parts(&self) -> Vec<(&'static str, String)> {
        let weights = if self.weighted { "by row" } else { "equal" };
        vec![
            ("rule", self.rule.to_string()),
            ("costs", self.costs.to_string()),
            ("weights", weights.to_owned()),
            ("drawn", self.drawn.to_string()),
        ]
    }
}

impl fmt::Display for CostsUsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same(matrix) => write!(f, "{matrix}"),
            Self::ByRow { sha256 } => write!(f, "by row, sha256 {sha256}"),
        }
    }
}
