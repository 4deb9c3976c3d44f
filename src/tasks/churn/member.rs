//! One network of an ensemble.

use burn::tensor::{Device, Tensor, TensorData};

use super::config::ChurnConfig;
use super::imbalance::Balance;
use crate::Error;
use crate::evaluation::EvaluationError;
use crate::evaluation::classification::{ClassificationCases, log_loss, roc_auc};
use crate::features::tabular::{EncodedRows, TabularShape};
use crate::random::{Mode, RandomKey, Stream};
use crate::tasks::TaskError;
use crate::tasks::tabular::{Deciding, TabularNetwork};
use crate::training::{
    BoxedError, CancelToken, EpochRecord, Loss, Objective, StopReason, Trainer, TrainingConfig,
    Validation,
};

/// Rows that are scored at once.
const ROWS_AT_ONCE: usize = 4_096;

/// How the training of one network went.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberRecord {
    /// Which network, from 0.
    pub member: usize,
    /// Every epoch.
    pub history: Vec<EpochRecord>,
    /// Epoch that the weights are from.
    pub best_epoch: Option<usize>,
    /// Why it ended.
    pub stopped: StopReason,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// What all members share.
pub(super) struct Members<'a> {
    pub(super) config: &'a ChurnConfig,
    pub(super) shape: &'a TabularShape,
    pub(super) rows: &'a EncodedRows,
    /// The part of each row.
    pub(super) parts: &'a [usize],
    pub(super) balance: Balance,
    pub(super) rate: f64,
    pub(super) cancel: &'a CancelToken,
    pub(super) device: &'a Device,
}

/// A trained network, and its answers about the rows that it has not seen.
pub(super) struct Member {
    pub(super) network: TabularNetwork,
    pub(super) unseen: Vec<usize>,
    /// Logits of the probabilities among all customers, one for each unseen row.
    pub(super) logits: Vec<f64>,
    pub(super) record: MemberRecord,
}

impl Members<'_> {
    /// Trains a member, of which there are [`ChurnConfig::n_parts`] of each kind, kind by kind.
    pub(super) fn train(&self, member: usize) -> Result<Member, Error> {
        let (kind, part) = (member / self.config.n_parts, member % self.config.n_parts);
        let (train, unseen): (Vec<usize>, Vec<usize>) =
            (0..self.rows.n_rows).partition(|&row| self.parts[row] != part);
        let objective = MemberObjective {
            members: self,
            valid: self.rows.select(&unseen),
            train,
        };
        let key = RandomKey::new(self.config.training.seed).child(member as u64);
        let network = TabularNetwork::init(
            &self.config.networks[kind],
            self.shape,
            key.stream(Stream::Weights),
            self.device,
        )?
        .set_base_rate(&[self.balanced_rate()])?;
        // Members draw other numbers, since their seeds differ.
        let [low, high, ..] = key.bits_at(0);
        let training = TrainingConfig {
            seed: u64::from(low) | u64::from(high) << 32,
            ..self.config.training.clone()
        };
        let trainer = Trainer::new(training).cancel(self.cancel.clone());
        let trained = trainer.fit(network, &objective)?;
        let logits = logits(&trained.model, &objective.valid)?;
        let restored = logits.iter().map(|&logit| self.balance.restored(logit));
        Ok(Member {
            logits: restored.collect(),
            network: trained.model,
            unseen,
            record: MemberRecord {
                member,
                history: trained.history,
                best_epoch: trained.best_epoch,
                stopped: trained.stopped,
                seconds: trained.timing.wall_seconds,
            },
        })
    }

    /// The churn rate as training sees it.
    fn balanced_rate(&self) -> f64 {
        let positive = f64::from(self.balance.weight(1.0)) * self.rate;
        positive / (positive + 1.0 - self.rate)
    }
}

struct MemberObjective<'a> {
    members: &'a Members<'a>,
    train: Vec<usize>,
    valid: EncodedRows,
}

impl Objective for MemberObjective<'_> {
    type Model = TabularNetwork;
    type Batch = EncodedRows;

    fn n_examples(&self) -> usize {
        self.train.len()
    }

    fn batch(&self, examples: &[usize], _key: RandomKey) -> Result<EncodedRows, BoxedError> {
        let rows: Vec<usize> = examples.iter().map(|&index| self.train[index]).collect();
        Ok(self.members.rows.select(&rows))
    }

    fn loss(
        &self,
        model: &TabularNetwork,
        batch: &EncodedRows,
        mode: Mode,
    ) -> Result<Loss, BoxedError> {
        let balance = self.members.balance;
        let logits = model.forward(batch, mode);
        let device = logits.device();
        let column = |values: Vec<f32>| {
            Tensor::<2>::from_data(TensorData::new(values, [batch.n_rows, 1]), &device)
        };
        let each = balance.loss(logits, column(batch.labels.clone()));
        let weights = batch.labels.iter().enumerate().map(|(row, &label)| {
            balance.weight(label) * batch.weights.get(row).copied().unwrap_or(1.0)
        });
        let weights: Vec<f32> = weights.collect();
        let weight: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
        let mean = (each * column(weights)).sum() / weight;
        Ok(Loss {
            mean: match model.penalty(batch) {
                Some(penalty) => mean + penalty,
                None => mean,
            },
            weight,
        })
    }

    fn validate(&self, model: &TabularNetwork) -> Result<Option<Validation>, BoxedError> {
        let logits = logits(model, &self.valid)?;
        let probabilities = logits
            .iter()
            .map(|&logit| logistic(self.members.balance.restored(logit)));
        let cases = cases(probabilities.collect(), &self.valid)?;
        let (auc, loss) = (roc_auc(&cases)?, log_loss(&cases)?);
        let deciding = match self.members.config.deciding {
            Deciding::RocAuc => "roc_auc",
            Deciding::LogLoss => "negative_log_loss",
        };
        let metrics = [
            ("roc_auc", auc),
            ("log_loss", loss),
            ("negative_log_loss", -loss),
        ];
        Ok(Some(Validation::new(deciding, metrics)))
    }
}

/// Probabilities beside the truth.
pub(super) fn cases(
    probabilities: Vec<f64>,
    rows: &EncodedRows,
) -> Result<ClassificationCases, EvaluationError> {
    let labels = rows.labels.iter().map(|&label| label > 0.5).collect();
    let cases = ClassificationCases::new(probabilities, labels)?;
    match rows.weights.is_empty() {
        true => Ok(cases),
        false => cases.with_weights(rows.weights.iter().map(|&w| f64::from(w)).collect()),
    }
}

/// What a network answers about rows, one logit each.
pub(super) fn logits(network: &TabularNetwork, rows: &EncodedRows) -> Result<Vec<f64>, Error> {
    let mut logits = Vec::with_capacity(rows.n_rows);
    for start in (0..rows.n_rows).step_by(ROWS_AT_ONCE) {
        let end = rows.n_rows.min(start + ROWS_AT_ONCE);
        let part = network.forward(&rows.range(start..end), Mode::Inference);
        let unreadable = |source| TaskError::Unreadable {
            reason: format!("{source:?}"),
        };
        let part = part.into_data().try_into_vec::<f32>().map_err(unreadable)?;
        if let Some(place) = part.iter().position(|logit| !logit.is_finite()) {
            return Err(TaskError::NonFiniteLogit {
                row: start + place,
                value: part[place],
            }
            .into());
        }
        logits.extend(part.into_iter().map(f64::from));
    }
    Ok(logits)
}

/// `1 / (1 + exp(-logit))`.
pub(super) fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}
