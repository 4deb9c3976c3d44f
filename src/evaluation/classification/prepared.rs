//! Cases sorted once and measured for many resamples.

use super::blocks::{Blocks, ScoreBlock};
use super::discrimination::{auc_of, average_precision_of};
use super::group_auc::{GroupAucs, Groups};
use super::proper_scores::{
    brier_score_of, log_loss_of, mean_prediction_of, normalised_entropy_of, positive_share_of,
};
use super::reliability::calibration_error_of;
use super::{
    CalibrationBins, ClassificationCases, ClassificationMetric, ClassificationProtocol, Confusion,
    DrawnUnit, GroupAuc,
};
use crate::evaluation::interval::{Draws, percentile_interval, resamples};
use crate::evaluation::{Estimate, IntervalSettings};

/// The value of each metric in the order of [`ClassificationMetric::ALL`], where it is defined.
pub(super) type Values = [Option<f64>; ClassificationMetric::ALL.len()];

/// Cases sorted once, so that a resample costs one pass over them.
#[derive(Debug)]
pub(super) struct Prepared<'a> {
    pub(super) cases: &'a ClassificationCases,
    pub(super) blocks: Blocks,
    /// The bin of each block. It stays the same in resamples.
    bin_of: Vec<usize>,
    bins: CalibrationBins,
    threshold: f64,
    groups: Option<(Groups, GroupAucs)>,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(
        cases: &'a ClassificationCases,
        threshold: f64,
        bins: CalibrationBins,
    ) -> Self {
        let blocks = Blocks::new(cases);
        let bin_of = bins.assign(&blocks.tally(|row| cases.weight(row)));
        let groups = Groups::new(cases).map(|groups| {
            let aucs = GroupAucs::new(cases, &groups);
            (groups, aucs)
        });
        Self {
            cases,
            blocks,
            bin_of,
            bins,
            threshold,
            groups,
        }
    }

    pub(super) fn protocol(&self) -> ClassificationProtocol {
        ClassificationProtocol {
            threshold: self.threshold,
            bins: self.bins,
            weighted: self.cases.weights().is_some(),
            drawn: match self.groups {
                Some(_) => DrawnUnit::Groups,
                None => DrawnUnit::Rows,
            },
        }
    }

    /// How many rows or groups a resample draws.
    pub(super) fn n_units(&self) -> usize {
        let n_groups = self.groups.as_ref().map(|(groups, _)| groups.n_groups());
        n_groups.unwrap_or(self.cases.n_rows())
    }

    /// Group AUC with its numbers of groups; `None` where it is undefined.
    pub(super) fn group_auc(&self) -> Option<GroupAuc> {
        let (groups, aucs) = self.groups.as_ref()?;
        aucs.summary(groups.n_groups())
    }

    /// All metrics of the cases themselves.
    pub(super) fn values(&self) -> Values {
        self.measure(&self.blocks.tally(|row| self.cases.weight(row)), |_| 1.0)
    }

    /// All metrics of a resample that holds each row or group so often.
    pub(super) fn resampled(&self, counts: &[u32]) -> Values {
        let count = |unit: usize| f64::from(counts[unit]);
        let blocks = match &self.groups {
            Some((groups, _)) => {
                let count_of = |row: usize| count(groups.group_of[row]);
                self.blocks
                    .tally(|row| count_of(row) * self.cases.weight(row))
            }
            None => self.blocks.tally(|row| count(row) * self.cases.weight(row)),
        };
        self.measure(&blocks, count)
    }

    fn measure(&self, blocks: &[ScoreBlock], count_of: impl Fn(usize) -> f64) -> Values {
        use ClassificationMetric as Metric;
        let confusion = Confusion::of(blocks, self.threshold);
        let n_bins = self.bins.n_bins();
        Metric::ALL.map(|metric| match metric {
            Metric::RocAuc => auc_of(blocks),
            Metric::GroupAuc => self.groups.as_ref()?.1.mean(&count_of),
            Metric::AveragePrecision => average_precision_of(blocks),
            Metric::LogLoss => log_loss_of(blocks),
            Metric::NormalisedEntropy => normalised_entropy_of(blocks),
            Metric::BrierScore => brier_score_of(blocks),
            Metric::ExpectedCalibrationError => calibration_error_of(blocks, &self.bin_of, n_bins),
            Metric::Accuracy => confusion.accuracy(),
            Metric::Precision => confusion.precision(),
            Metric::Recall => confusion.recall(),
            Metric::F1 => confusion.f1(),
            Metric::MeanPrediction => mean_prediction_of(blocks),
            Metric::PositiveShare => positive_share_of(blocks),
        })
    }
}

/// Each metric with its interval over resamples of `n_units` rows or groups; `None` where it is undefined.
///
/// A metric that is undefined in a resample has no interval: the quantiles of the others would leave out just those resamples
/// in which it is least sure.
pub(in crate::evaluation) fn estimates<const N: usize>(
    values: [Option<f64>; N],
    n_units: usize,
    settings: Option<&IntervalSettings>,
    measure: impl Fn(&[u32]) -> [Option<f64>; N] + Sync,
) -> [Option<Estimate>; N] {
    let Some(settings) = settings.filter(|_| n_units > 1) else {
        return values.map(|value| value.map(Estimate::without_interval));
    };
    let drawn = resamples(n_units, settings, |draws: Draws| measure(&draws.counts()));
    let mut index = 0;
    values.map(|value| {
        let column: Option<Vec<f64>> = drawn.iter().map(|values| values[index]).collect();
        index += 1;
        Some(Estimate {
            mean: value?,
            interval: column.map(|column| percentile_interval(column, settings.level)),
        })
    })
}
