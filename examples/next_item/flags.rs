//! The flags of this example, and the settings that they stand for.

use clap::{Args, Parser, ValueEnum};
use salient::data::{InteractionFilter, Repeats, SplitRule};
use salient::evaluation::ranking::SeenItems;
use salient::model::encoder::Activation;
use salient::tasks::next_item::{ItemTable, NextItemConfig, NextItemLoss};
use salient::training::{NegativeSampling, Schedule};

use crate::shared::flags::{DataFlags, RunFlags};

/// Trains a recommender on an event log and says how good it is: what will this person want next?
#[derive(Parser, Debug)]
pub(crate) struct Flags {
    #[command(flatten)]
    pub(crate) data: DataFlags,
    #[command(flatten)]
    pub(crate) filter: FilterFlags,
    #[command(flatten)]
    pub(crate) evaluation: EvaluationFlags,
    #[command(flatten)]
    pub(crate) model: ModelFlags,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

/// Which events count.
#[derive(Args, Debug)]
#[command(next_help_heading = "Filter")]
pub(crate) struct FilterFlags {
    /// Leave out users with fewer events, and items with fewer, until none is left
    #[arg(long, default_value_t = 1)]
    min_user_events: usize,
    /// Leave out items with fewer events
    #[arg(long, default_value_t = 1)]
    min_item_events: usize,
    /// Types of event to keep, such as view,buy [default: all]
    #[arg(long, value_delimiter = ',', requires = "event_column")]
    events: Option<Vec<String>>,
    /// Leave out events of a lower weight
    #[arg(long, requires = "weight_column")]
    min_weight: Option<f32>,
    /// What to do with repeated items of a user
    #[arg(long, value_enum, default_value_t = RepeatsFlag::Keep)]
    repeats: RepeatsFlag,
}

/// What to do with repeated items of a user.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RepeatsFlag {
    /// Keep all events
    Keep,
    /// Of a run of the same item keep the first event
    Collapse,
    /// Keep the first event of each item
    First,
    /// Keep the last event of each item
    Last,
}

impl FilterFlags {
    pub(crate) fn filter(&self) -> InteractionFilter {
        InteractionFilter {
            min_user_events: self.min_user_events,
            min_item_events: self.min_item_events,
            events: self.events.clone(),
            min_weight: self.min_weight,
            repeats: match self.repeats {
                RepeatsFlag::Keep => Repeats::Keep,
                RepeatsFlag::Collapse => Repeats::CollapseConsecutive,
                RepeatsFlag::First => Repeats::FirstOnly,
                RepeatsFlag::Last => Repeats::LastOnly,
            },
        }
    }
}

/// How to judge.
#[derive(Args, Debug)]
#[command(next_help_heading = "Evaluation")]
pub(crate) struct EvaluationFlags {
    /// Which events are held out
    #[arg(long, value_enum, default_value_t = SplitFlag::LeaveOneOut)]
    split: SplitFlag,
    /// Share held out for testing, and as much for validation, by `global-time` and `by-user`
    #[arg(long, default_value_t = 0.1)]
    holdout: f64,
    /// Let items of the history be recommended again
    #[arg(long)]
    keep_seen: bool,
    /// The k of every metric at k
    #[arg(long, value_delimiter = ',', default_value = "5,10,20")]
    pub(crate) cutoffs: Vec<usize>,
}

/// Which events are held out.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitFlag {
    /// The last event of each user for testing, the one before for validation
    LeaveOneOut,
    /// The latest events of the whole log
    GlobalTime,
    /// The last event of users that training does not see
    ByUser,
}

impl EvaluationFlags {
    pub(crate) fn split_rule(&self, seed: u64) -> SplitRule {
        let (validation_fraction, test_fraction) = (self.holdout, self.holdout);
        match self.split {
            SplitFlag::LeaveOneOut => SplitRule::LeaveOneOut,
            SplitFlag::GlobalTime => SplitRule::GlobalTime {
                validation_fraction,
                test_fraction,
            },
            SplitFlag::ByUser => SplitRule::ByUser {
                validation_fraction,
                test_fraction,
                seed,
            },
        }
    }

    pub(crate) fn seen_items(&self) -> SeenItems {
        if self.keep_seen {
            SeenItems::Kept
        } else {
            SeenItems::Filtered
        }
    }
}

/// What to train. A flag that is not given leaves the setting of the preset.
#[derive(Args, Debug)]
#[command(next_help_heading = "Model and training")]
pub(crate) struct ModelFlags {
    /// Recipe to start from: sasrec
    #[arg(long, default_value = "sasrec")]
    pub(crate) preset: String,
    /// Most epochs to train
    #[arg(long)]
    epochs: Option<usize>,
    /// Histories in a batch
    #[arg(long)]
    batch_size: Option<usize>,
    /// Step size of the optimiser
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Weight decay on matrices
    #[arg(long)]
    weight_decay: Option<f64>,
    /// Steps over which the learning rate rises
    #[arg(long)]
    warmup_steps: Option<u64>,
    /// How the learning rate falls afterwards
    #[arg(long, value_enum)]
    schedule: Option<ScheduleFlag>,
    /// Validations without improvement before training stops
    #[arg(long)]
    patience: Option<usize>,
    /// Epochs between validations
    #[arg(long)]
    validate_every: Option<usize>,
    /// Width of a token vector
    #[arg(long)]
    d_model: Option<usize>,
    /// Encoder blocks
    #[arg(long)]
    n_layers: Option<usize>,
    /// Attention heads a block
    #[arg(long)]
    n_heads: Option<usize>,
    /// Width inside the feed-forward part
    #[arg(long)]
    d_ff: Option<usize>,
    /// Between the two layers of the feed-forward part
    #[arg(long, value_enum)]
    activation: Option<ActivationFlag>,
    /// Chance that training zeroes an entry
    #[arg(long)]
    dropout: Option<f64>,
    /// Most recent events that the model reads
    #[arg(long)]
    max_len: Option<usize>,
    /// What training minimises
    #[arg(long, value_enum)]
    loss: Option<LossFlag>,
    /// Negatives for each target of --loss bce
    #[arg(long, default_value_t = 1)]
    n_negatives: usize,
    /// How negatives of --loss bce are drawn
    #[arg(long, value_enum, default_value_t = NegativesFlag::Uniform)]
    negatives: NegativesFlag,
    /// Score items by a table of their own
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
