//! SASRec as one would write it with the modules of `burn-nn`.

use burn::module::{Module, Param};
use burn::nn::activation::ActivationConfig;
use burn::nn::attention::generate_autoregressive_mask;
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig};
use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{
    Dropout, DropoutConfig, Embedding, EmbeddingConfig, Initializer, LayerNorm, LayerNormConfig,
};
use burn::tensor::{Device, Int, Tensor, TensorData};

/// Standard deviation of the first item and position vectors, as in `salient`.
const STANDARD_DEVIATION: f64 = 0.02;

/// Sizes of the model.
pub(crate) struct Settings {
    pub(crate) n_items: usize,
    pub(crate) seq_len: usize,
    pub(crate) d_model: usize,
    pub(crate) d_ff: usize,
    pub(crate) n_heads: usize,
    pub(crate) n_layers: usize,
    pub(crate) dropout: f64,
}

/// Item and position vectors through a causal encoder; items are scored by the vectors that they are read by.
#[derive(Module, Debug)]
pub(crate) struct StockSasRec {
    items: Embedding,
    positions: Param<Tensor<2>>,
    input_norm: LayerNorm,
    dropout: Dropout,
    encoder: TransformerEncoder,
    final_norm: LayerNorm,
}

/// Histories of one length.
pub(crate) struct Batch {
    items: Tensor<2, Int>,
    targets: Tensor<1, Int>,
    loss: CrossEntropyLoss,
}

impl Batch {
    /// Item numbers, and the catalogue index after each.
    pub(crate) fn new(items: &[u32], targets: &[u32], batch_size: usize, device: &Device) -> Self {
        let rows = |ids: &[u32], offset: i64| {
            let ids: Vec<i64> = ids.iter().map(|&id| i64::from(id) + offset).collect();
            let length = ids.len();
            Tensor::<1, Int>::from_data(TensorData::new(ids, [length]), device)
        };
        Self {
            items: rows(items, 0).reshape([batch_size, items.len() / batch_size]),
            // The table that scores is the whole one, so targets are item numbers as well.
            targets: rows(targets, i64::from(salient::features::FIRST_REAL_ID)),
            loss: CrossEntropyLossConfig::new().init(device),
        }
    }
}

impl StockSasRec {
    /// Draws the weights from the device's generator.
    pub(crate) fn init(settings: &Settings, device: &Device) -> Self {
        let drawn = Initializer::Normal {
            mean: 0.0,
            std: STANDARD_DEVIATION,
        };
        let n_numbers = settings.n_items + salient::features::FIRST_REAL_ID as usize;
        let norm = || LayerNormConfig::new(settings.d_model).init(device);
        let encoder = TransformerEncoderConfig::new(
            settings.d_model,
            settings.d_ff,
            settings.n_heads,
            settings.n_layers,
        )
        .with_dropout(settings.dropout)
        .with_norm_first(true)
        .with_activation(ActivationConfig::Relu);
        Self {
            items: EmbeddingConfig::new(n_numbers, settings.d_model)
                .with_initializer(drawn.clone())
                .init(device),
            positions: drawn.init([settings.seq_len, settings.d_model], device),
            input_norm: norm(),
            dropout: DropoutConfig::new(settings.dropout).init(),
            encoder: encoder.init(device),
            final_norm: norm(),
        }
    }

    /// Mean cross-entropy of the next item at every position.
    pub(crate) fn loss(&self, batch: &Batch) -> Tensor<1> {
        let [batch_size, seq_len] = batch.items.dims();
        let table = self.items.weight.val();
        let [_, d_model] = table.dims();
        let rows = self.items.forward(batch.items.clone()) + self.positions.val().unsqueeze();
        let rows = self.dropout.forward(self.input_norm.forward(rows));
        let mask = generate_autoregressive_mask(batch_size, seq_len, &rows.device());
        let rows = self
            .encoder
            .forward(TransformerEncoderInput::new(rows).mask_attn(mask));
        let hidden = self
            .final_norm
            .forward(rows)
            .reshape([batch_size * seq_len, d_model]);
        let logits = hidden.matmul(table.transpose());
        batch.loss.forward(logits, batch.targets.clone())
    }
}
