//! What predicted survival was judged by.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What decides measures of predicted survival besides the cases and the curves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SurvivalProtocol {
    /// The times over whose range the Brier score is integrated.
    pub times: Vec<f64>,
    /// How many more were asked for, which have no censoring support.
    pub n_times_left_out: usize,
    /// The times judged by themselves.
    pub horizons: Vec<f64>,
    /// Number of parts of the calibration.
    pub n_bins: usize,
}

impl SurvivalProtocol {
    /// The name and the text of each part.
    pub(in crate::evaluation) fn parts(&self) -> Vec<(&'static str, String)> {
        let horizons: Vec<String> = self.horizons.iter().map(f64::to_string).collect();
        vec![
            ("times", self.times_text()),
            ("times left out", self.n_times_left_out.to_string()),
            (
                "horizons",
                match horizons.is_empty() {
                    true => "none".to_owned(),
                    false => horizons.join(", "),
                },
            ),
            ("bins", format!("{} of equal mass", self.n_bins)),
            ("censoring", "Kaplan-Meier of the cases".to_owned()),
        ]
    }

    /// Ends and number of the times, and what tells them from others of the same.
    fn times_text(&self) -> String {
        let (Some(first), Some(last)) = (self.times.first(), self.times.last()) else {
            return "none".to_owned();
        };
        let mut digest = Sha256::new();
        (self.times.iter()).for_each(|time| digest.update(time.to_le_bytes()));
        let digest = digest.finalize();
        let start: String = (digest.iter().take(4))
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!(
            "{} from {first} to {last}, sha256 {start}",
            self.times.len()
        )
    }
}
