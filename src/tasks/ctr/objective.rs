//! What CTR prediction asks of the trainer.

use burn::tensor::{Tensor, TensorData};

use super::config::CtrConfig;
use super::data::CtrData;
use super::score::{cases, logits};
use crate::evaluation::calibration::Calibrator;
use crate::evaluation::classification::{log_loss, roc_auc};
use crate::features::tabular::EncodedRows;
use crate::random::{Mode, RandomKey};
use crate::tasks::tabular::cross_entropy;
use crate::tasks::tabular::{Deciding, TabularNetwork};
use crate::training::{BoxedError, Loss, Objective, Shuffle, Validation};

/// Cross-entropy of the labels of rows.
pub(super) struct CtrObjective<'a> {
    config: &'a CtrConfig,
    data: &'a CtrData,
}

impl<'a> CtrObjective<'a> {
    pub(super) fn new(config: &'a CtrConfig, data: &'a CtrData) -> Self {
        Self { config, data }
    }
}

impl Objective for CtrObjective<'_> {
    type Model = TabularNetwork;
    type Batch = EncodedRows;

    fn n_examples(&self) -> usize {
        self.data.train.n_rows()
    }

    fn shuffle(&self) -> Shuffle {
        self.data
            .train
            .blocks()
            .map_or(Shuffle::All, |(block_size, n_blocks)| Shuffle::Blocks {
                block_size,
                n_blocks,
            })
    }

    fn batch(&self, examples: &[usize], _key: RandomKey) -> Result<EncodedRows, BoxedError> {
        Ok(self.data.train.select(examples)?)
    }

    fn loss(
        &self,
        model: &TabularNetwork,
        batch: &EncodedRows,
        mode: Mode,
    ) -> Result<Loss, BoxedError> {
        let logits = model.forward(batch, mode);
        let [n_rows, n_labels] = logits.dims();
        let device = logits.device();
        let labels = TensorData::new(batch.labels.clone(), [n_rows, n_labels]);
        let each = cross_entropy(logits, Tensor::from_data(labels, &device));
        let (sum, weight) = if batch.weights.is_empty() {
            (each.sum(), n_rows as f64)
        } else {
            let weights = TensorData::new(batch.weights.clone(), [n_rows, 1]);
            let total = batch.weights.iter().map(|&weight| f64::from(weight)).sum();
            ((each * Tensor::from_data(weights, &device)).sum(), total)
        };
        let mean = sum / (weight * n_labels as f64);
        let mean = match model.penalty(batch) {
            Some(penalty) => mean + penalty,
            None => mean,
        };
        Ok(Loss { mean, weight })
    }

    fn validate(&self, model: &TabularNetwork) -> Result<Option<Validation>, BoxedError> {
        let Some(rows) = &self.data.valid else {
            return Ok(None);
        };
        let scored = logits(model, rows)?;
        let shift = self.data.prior_shift()?;
        let n_labels = self.data.schema.shape().labels.len();
        let (mut auc, mut loss) = (0.0, 0.0);
        for label in 0..n_labels {
            let cases = cases(&scored, label, shift, &Calibrator::Identity)?;
            match roc_auc(&cases) {
                Ok(value) => auc += value / n_labels as f64,
                // Validation goes by the other, which one class does not leave undefined.
                Err(_) if self.config.deciding == Deciding::LogLoss => auc = f64::NAN,
                Err(error) => return Err(error.into()),
            }
            loss += log_loss(&cases)? / n_labels as f64;
        }
        let deciding = match self.config.deciding {
            Deciding::RocAuc => "roc_auc",
            Deciding::LogLoss => "negative_log_loss",
        };
        let metrics = [
            ("roc_auc", auc),
            ("log_loss", loss),
            ("negative_log_loss", -loss),
        ];
        let defined = metrics.into_iter().filter(|(_, value)| !value.is_nan());
        Ok(Some(Validation::new(deciding, defined)))
    }
}
