//! What an evaluation of a policy found.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::PolicySettings;
use crate::evaluation::Estimate;
use crate::evaluation::text_table::TextTable;

/// What an evaluation of a policy found. Prints as an aligned table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyReport {
    /// Number of decisions.
    pub n_rows: usize,
    /// Number of decisions whose weight was lowered to `max_weight`.
    pub n_clipped: usize,
    /// The mean weight: near 1 if the propensities are right, nothing is clipped, and the running policy could take every
    /// action that the target may.
    pub mean_weight: f64,
    /// The largest weight.
    pub largest_weight: f64,
    /// How many decisions of equal weight would say as much, `(sum w)² / sum w²` (Kish 1965).
    pub effective_sample_size: f64,
    /// The mean reward of the running policy.
    pub logged_value: Estimate,
    /// The value of the target policy by inverse propensity.
    pub inverse_propensity: Estimate,
    /// The value of the target policy by self-normalised inverse propensity.
    pub self_normalised: Estimate,
    /// The doubly robust value of the target policy; `None` without predictions.
    pub doubly_robust: Option<Estimate>,
    /// How it was judged.
    pub settings: PolicySettings,
}

impl fmt::Display for PolicyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = TextTable::new(["mean reward", "value"].map(str::to_owned));
        let rows = [
            ("running policy", Some(self.logged_value)),
            ("inverse propensity", Some(self.inverse_propensity)),
            ("self-normalised", Some(self.self_normalised)),
            ("doubly robust", self.doubly_robust),
        ];
        for (name, estimate) in rows {
            if let Some(estimate) = estimate {
                table.push([name.to_owned(), estimate.to_string()]);
            }
        }
        let limit = self.settings.max_weight;
        let clipping = limit.map_or_else(
            || "none".to_owned(),
            |limit| format!("at {limit}, {} decisions", self.n_clipped),
        );
        writeln!(f, "{} decisions\n\n{table}\n", self.n_rows)?;
        writeln!(f, "effective decisions  {:.1}", self.effective_sample_size)?;
        writeln!(f, "mean weight          {:.4}", self.mean_weight)?;
        writeln!(f, "largest weight       {:.4}", self.largest_weight)?;
        writeln!(f, "clipping             {clipping}")?;
        write!(f, "interval             {}", self.settings.interval)
    }
}
