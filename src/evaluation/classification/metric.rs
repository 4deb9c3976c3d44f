//! What is measured of probabilities.

use std::fmt;

/// What is measured of probabilities; each is defined at its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClassificationMetric {
    /// [`roc_auc`](super::roc_auc).
    RocAuc,
    /// [`group_auc`](super::group_auc).
    GroupAuc,
    /// [`average_precision`](super::average_precision).
    AveragePrecision,
    /// [`log_loss`](super::log_loss).
    LogLoss,
    /// [`normalised_entropy`](super::normalised_entropy).
    NormalisedEntropy,
    /// [`brier_score`](super::brier_score).
    BrierScore,
    /// [`expected_calibration_error`](super::expected_calibration_error).
    ExpectedCalibrationError,
    /// [`Confusion::accuracy`](super::Confusion::accuracy).
    Accuracy,
    /// [`Confusion::precision`](super::Confusion::precision).
    Precision,
    /// [`Confusion::recall`](super::Confusion::recall).
    Recall,
    /// [`Confusion::f1`](super::Confusion::f1).
    F1,
    /// The mean prediction.
    MeanPrediction,
    /// The share of positives, which the mean prediction should be near.
    PositiveShare,
}

impl ClassificationMetric {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 13] = [
        Self::RocAuc,
        Self::GroupAuc,
        Self::AveragePrecision,
        Self::LogLoss,
        Self::NormalisedEntropy,
        Self::BrierScore,
        Self::ExpectedCalibrationError,
        Self::Accuracy,
        Self::Precision,
        Self::Recall,
        Self::F1,
        Self::MeanPrediction,
        Self::PositiveShare,
    ];

    /// The name in stored reports, such as `roc_auc`.
    pub fn name(self) -> &'static str {
        match self {
            Self::RocAuc => "roc_auc",
            Self::GroupAuc => "group_auc",
            Self::AveragePrecision => "average_precision",
            Self::LogLoss => "log_loss",
            Self::NormalisedEntropy => "normalised_entropy",
            Self::BrierScore => "brier_score",
            Self::ExpectedCalibrationError => "expected_calibration_error",
            Self::Accuracy => "accuracy",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1 => "f1",
            Self::MeanPrediction => "mean_prediction",
            Self::PositiveShare => "positive_share",
        }
    }

    /// The name in printed reports, such as `ROC AUC`.
    pub fn title(self) -> &'static str {
        match self {
            Self::RocAuc => "ROC AUC",
            Self::GroupAuc => "group AUC",
            Self::AveragePrecision => "average precision",
            Self::LogLoss => "log loss",
            Self::NormalisedEntropy => "normalised entropy",
            Self::BrierScore => "Brier score",
            Self::ExpectedCalibrationError => "calibration error",
            Self::Accuracy => "accuracy",
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1 => "F1",
            Self::MeanPrediction => "mean prediction",
            Self::PositiveShare => "share of positives",
        }
    }
}

impl fmt::Display for ClassificationMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
