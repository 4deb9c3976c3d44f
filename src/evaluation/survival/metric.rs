//! The measures of a report.

/// A measure of predicted survival over a range of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SurvivalMetric {
    /// [`time_dependent_concordance`](super::time_dependent_concordance); the higher the better.
    Concordance,
    /// [`integrated_brier_score`](super::integrated_brier_score); the lower the better.
    IntegratedBrierScore,
    /// The integrated Brier score of the Kaplan-Meier curve of the same customers.
    KaplanMeierBrierScore,
    /// [`brier_skill`](super::brier_skill); the higher the better.
    BrierSkill,
}

impl SurvivalMetric {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 4] = [
        Self::Concordance,
        Self::IntegratedBrierScore,
        Self::KaplanMeierBrierScore,
        Self::BrierSkill,
    ];

    /// The name in stored reports, such as `concordance`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Concordance => "concordance",
            Self::IntegratedBrierScore => "integrated_brier_score",
            Self::KaplanMeierBrierScore => "kaplan_meier_brier_score",
            Self::BrierSkill => "brier_skill",
        }
    }

    /// The name in print.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Concordance => "time-dependent concordance",
            Self::IntegratedBrierScore => "integrated Brier score",
            Self::KaplanMeierBrierScore => "integrated Brier score of Kaplan-Meier",
            Self::BrierSkill => "Brier skill over Kaplan-Meier",
        }
    }
}
