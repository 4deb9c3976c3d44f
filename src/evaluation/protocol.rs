//! What was measured, and how.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::classification::ClassificationProtocol;
use super::conformal::ConformalProtocol;
use super::decisions::DecisionProtocol;
use super::ranking::{ListProtocol, RankingProtocol};
use super::survival::SurvivalProtocol;
use super::{EvaluationError, IntervalSettings};

/// Where the cases of an evaluation come from, as far as the caller tells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DataOrigin {
    /// SHA-256 of the data file, in hexadecimal.
    pub data_sha256: Option<String>,
    /// How training and evaluation were split and which part this is, such as `leave-one-out, test`.
    pub split: Option<String>,
    /// Seeds that decide which cases there are, by purpose, such as `split`. The seed that a model was trained with belongs
    /// to the model: here it would keep a model from being compared with a baseline that has none.
    #[serde(default)]
    pub seeds: BTreeMap<String, u64>,
}

/// What was measured, and how; carried by every report.
///
/// Two results may stand side by side only if [`Protocol::same_as`] says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Protocol {
    /// Where the cases come from.
    #[serde(flatten)]
    pub origin: DataOrigin,
    /// Number of cases.
    pub n_cases: usize,
    /// SHA-256 of the cases themselves, in their order: a split that was made differently shows here.
    pub cases_sha256: String,
    /// How intervals were made, if they were.
    pub interval: Option<IntervalSettings>,
    /// What was measured.
    #[serde(flatten)]
    pub measurement: Measurement,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "measurement", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Measurement {
    /// Ranks of targets in the catalogue.
    Ranking(RankingProtocol),
    /// The lists of the best items, whatever the targets.
    Lists(ListProtocol),
    /// Probabilities beside labels.
    Classification(ClassificationProtocol),
    /// What contacting customers earns.
    Decisions(DecisionProtocol),
    /// How often prediction sets hold the label.
    Conformal(ConformalProtocol),
    /// Predicted survival beside durations.
    Survival(SurvivalProtocol),
}

impl Measurement {
    /// How items were ranked, if they were.
    fn ranking(&self) -> Option<&RankingProtocol> {
        match self {
            Self::Ranking(ranking) => Some(ranking),
            Self::Lists(lists) => Some(&lists.ranking),
            Self::Classification(_)
            | Self::Decisions(_)
            | Self::Conformal(_)
            | Self::Survival(_) => None,
        }
    }

    fn parts(&self) -> Vec<(&'static str, String)> {
        let (name, parts) = match self {
            Self::Ranking(ranking) => ("ranking", ranking.parts()),
            Self::Lists(lists) => ("lists", lists.parts()),
            Self::Classification(protocol) => ("classification", protocol.parts()),
            Self::Decisions(protocol) => ("decisions", protocol.parts()),
            Self::Conformal(protocol) => ("conformal", protocol.parts()),
            Self::Survival(protocol) => ("survival", protocol.parts()),
        };
        let mut named = vec![("measured", name.to_owned())];
        named.extend(parts);
        named
    }
}

impl Protocol {
    /// Whether results under this protocol and `other` can be compared.
    ///
    /// # Errors
    /// [`EvaluationError::ProtocolsDiffer`] with the first part that differs.
    pub fn same_as(&self, other: &Self) -> Result<(), EvaluationError> {
        let parts = self.parts().into_iter().zip(other.parts());
        for ((field, left), (other_field, right)) in parts {
            // Measurements of different kinds differ in their first part, so that the names agree up to there.
            debug_assert_eq!(field, other_field);
            if left != right {
                return Err(EvaluationError::ProtocolsDiffer { field, left, right });
            }
        }
        Ok(())
    }

    /// The cutoffs, ascending; none where nothing was ranked.
    pub(super) fn cutoffs(&self) -> &[usize] {
        let ranking = self.measurement.ranking();
        ranking.map_or(&[], |ranking| &ranking.cutoffs)
    }

    /// The cutoff that printed groups show: 10 where it is there, as in most papers, else the first.
    pub(super) fn segment_cutoff(&self) -> usize {
        let cutoffs = self.cutoffs();
        let usual = cutoffs.iter().copied().find(|&k| k == 10);
        usual.or(cutoffs.first().copied()).unwrap_or(10)
    }

    /// The name and the text of each part, in the order of reports.
    fn parts(&self) -> Vec<(&'static str, String)> {
        let seeds: Vec<String> = (self.origin.seeds.iter())
            .map(|(purpose, seed)| format!("{purpose} {seed}"))
            .collect();
        let mut parts = vec![
            ("data sha256", or_unknown(self.origin.data_sha256.as_ref())),
            ("split", or_unknown(self.origin.split.as_ref())),
        ];
        parts.extend(self.measurement.parts());
        let interval = self.interval.as_ref();
        parts.extend([
            ("cases", self.n_cases.to_string()),
            ("cases sha256", self.cases_sha256.clone()),
            (
                "seeds",
                if seeds.is_empty() {
                    "none".to_owned()
                } else {
                    seeds.join(", ")
                },
            ),
            (
                "interval",
                interval.map_or_else(|| "none".to_owned(), ToString::to_string),
            ),
        ]);
        parts
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts();
        let width = parts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let lines: Vec<String> = parts
            .iter()
            .map(|(name, text)| format!("{name:width$}  {text}"))
            .collect();
        f.write_str(&lines.join("\n"))
    }
}

/// Writes an optional value, or that it is not known.
fn or_unknown(value: Option<&impl fmt::Display>) -> String {
    value.map_or_else(|| "unknown".to_owned(), ToString::to_string)
}
