//! The flags that decide what is trained.

use clap::{Args, ValueEnum};
use salient::model::encoder::Activation;
use salient::tasks::next_item::{ItemTable, NextItemConfig, NextItemLoss};
use salient::training::{NegativeSampling, Schedule};

use crate::shared::flags::RunFlags;

/// What to train. A flag that is not given leaves the setting of the preset.
#[derive(Args, Debug)]
#[command(next_help_heading = "Model and training")]
pub(crate) struct ModelFlags {
    /// Recipe to start from: sasrec
    #[arg(long, default_value = "sasrec")]
    pub(crate) preset: String,
    /// Most epochs to train [default: 100; simulated shop: 8]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Histories in a batch [default: 128; simulated shop: 16]
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Step size of the optimiser [default: 0.001; simulated shop: 0.002]
    #[arg(long, value_name = "RATE")]
    learning_rate: Option<f64>,
    /// Weight decay on matrices [default: 0]
    #[arg(long, value_name = "RATE")]
    weight_decay: Option<f64>,
    /// Steps over which the learning rate rises [default: 0]
    #[arg(long, value_name = "N")]
    warmup_steps: Option<u64>,
    /// How the learning rate falls afterwards [default: constant]
    #[arg(long, value_enum)]
    schedule: Option<ScheduleFlag>,
    /// Validations without improvement before training stops [default: 10]
    #[arg(long, value_name = "N")]
    patience: Option<usize>,
    /// Epochs between validations [default: 1]
    #[arg(long, value_name = "N")]
    validate_every: Option<usize>,
    /// Width of a token vector, a multiple of --n-heads [default: 64]
    #[arg(long, value_name = "N")]
    d_model: Option<usize>,
    /// Encoder blocks [default: 2]
    #[arg(long, value_name = "N")]
    n_layers: Option<usize>,
    /// Attention heads a block [default: 1]
    #[arg(long, value_name = "N")]
    n_heads: Option<usize>,
    /// Width inside the feed-forward part [default: 64, whatever --d-model is]
    #[arg(long, value_name = "N")]
    d_ff: Option<usize>,
    /// Between the two layers of the feed-forward part [default: relu]
    #[arg(long, value_enum)]
    activation: Option<ActivationFlag>,
    /// Chance that training zeroes an entry [default: 0.1]
    #[arg(long, value_name = "CHANCE")]
    dropout: Option<f64>,
    /// Most recent events that the model reads [default: 200]
    #[arg(long, value_name = "N")]
    max_len: Option<usize>,
    /// What training minimises [default: softmax]
    #[arg(long, value_enum)]
    loss: Option<LossFlag>,
    /// Negatives for each target of --loss bce
    #[arg(long, value_name = "N", default_value_t = 1)]
    n_negatives: usize,
    /// How negatives of --loss bce are drawn
    #[arg(long, value_enum, default_value_t = NegativesFlag::Uniform)]
    negatives: NegativesFlag,
    /// Score items by a table of their own, not by the vectors that they are read by
    #[arg(long)]
    separate_item_table: bool,
    /// Weigh each target by --weight-column
    #[arg(long, requires = "weight_column")]
    weighted_targets: bool,
}

/// Between the two layers of the feed-forward part.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ActivationFlag {
    Relu,
    Gelu,
    Silu,
    Swiglu,
}

/// How the learning rate falls after warm-up.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScheduleFlag {
    /// Not at all
    Constant,
    /// Along half a cosine to a hundredth
    Cosine,
    /// By half when validation stalls for 5 rounds
    Plateau,
}

/// What training minimises.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LossFlag {
    /// Cross-entropy over the whole catalogue
    Softmax,
    /// Binary cross-entropy against sampled negatives
    Bce,
}

/// How negatives are drawn.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum NegativesFlag {
    /// Every item alike
    Uniform,
    /// By the square root of their events
    Popularity,
    /// Among the targets of the batch
    InBatch,
}

impl ModelFlags {
    /// The preset, changed by the flags. For the simulated shop it starts from smaller batches and fewer epochs, which
    /// learn it in half a minute.
    pub(crate) fn config(
        &self,
        run: &RunFlags,
        simulated: bool,
    ) -> Result<NextItemConfig, salient::Error> {
        let mut config = NextItemConfig::preset(&self.preset)?;
        if simulated {
            config.training.batch_size = 16;
            config.training.learning_rate = 2e-3;
            config.training.max_epochs = 8;
        }
        set(&mut config.d_model, self.d_model);
        set(&mut config.n_layers, self.n_layers);
        set(&mut config.n_heads, self.n_heads);
        set(&mut config.d_ff, self.d_ff);
        set(
            &mut config.activation,
            self.activation.map(|activation| match activation {
                ActivationFlag::Relu => Activation::Relu,
                ActivationFlag::Gelu => Activation::Gelu,
                ActivationFlag::Silu => Activation::Silu,
                ActivationFlag::Swiglu => Activation::Swiglu,
            }),
        );
        set(&mut config.dropout, self.dropout);
        set(&mut config.max_len, self.max_len);
        config.weighted_targets = self.weighted_targets;
        if self.separate_item_table {
            config.item_table = ItemTable::Separate;
        }
        set(&mut config.loss, self.loss.map(|loss| self.loss(loss)));
        let training = &mut config.training;
        training.seed = run.seed;
        training.checkpoint_every_steps = run.checkpoint_every;
        set(&mut training.max_epochs, self.epochs);
        set(&mut training.batch_size, self.batch_size);
        set(&mut training.learning_rate, self.learning_rate);
        set(&mut training.weight_decay, self.weight_decay);
        set(&mut training.warmup_steps, self.warmup_steps);
        set(&mut training.validate_every_epochs, self.validate_every);
        set(&mut training.patience, self.patience.map(Some));
        set(
            &mut training.schedule,
            self.schedule.map(|schedule| match schedule {
                ScheduleFlag::Constant => Schedule::Constant,
                ScheduleFlag::Cosine => Schedule::Cosine {
                    final_fraction: 0.01,
                },
                ScheduleFlag::Plateau => Schedule::Plateau {
                    factor: 0.5,
                    patience: 5,
                },
            }),
        );
        config.validate()?;
        config.training.validate()?;
        Ok(config)
    }

    fn loss(&self, loss: LossFlag) -> NextItemLoss {
        let sampling = match self.negatives {
            NegativesFlag::Uniform => NegativeSampling::Uniform,
            NegativesFlag::Popularity => NegativeSampling::Popularity { power: 0.5 },
            NegativesFlag::InBatch => NegativeSampling::InBatch,
        };
        match loss {
            LossFlag::Softmax => NextItemLoss::Softmax,
            LossFlag::Bce => NextItemLoss::BinaryCrossEntropy {
                n_negatives: self.n_negatives,
                sampling,
            },
        }
    }
}

fn set<T>(setting: &mut T, flag: Option<T>) {
    if let Some(value) = flag {
        *setting = value;
    }
}
