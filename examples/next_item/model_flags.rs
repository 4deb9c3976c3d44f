//! The flags that decide what is trained.

use std::error::Error;

use clap::{Args, ValueEnum};
use salient::model::encoder::Activation;
use salient::tasks::next_item::{
    ContentConfig, ContentFusion, EncoderLayer, ItemTable, Learning, NegativeSharing, Negatives,
    NextItemConfig, NextItemLoss, Similarity,
};
use salient::training::{NegativeSampling, Schedule};

use crate::shared::flags::RunFlags;

/// What to train. A flag that is not given leaves the setting of the preset.
#[derive(Args, Debug)]
#[command(next_help_heading = "Model and training")]
pub(crate) struct ModelFlags {
    /// Recipe to start from: sasrec, bert4rec, esasrec or hstu
    #[arg(long, default_value = "sasrec")]
    pub(crate) preset: String,
    /// Most epochs to train [default: that of the preset; simulated shop: 8]
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
    /// Validations without improvement before training stops [default: that of the preset]
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
    /// Attention heads a block [default: that of the preset]
    #[arg(long, value_name = "N")]
    n_heads: Option<usize>,
    /// Width inside the feed-forward part [default: that of the preset, whatever --d-model is]
    #[arg(long, value_name = "N")]
    d_ff: Option<usize>,
    /// Between the two layers of the feed-forward part [default: that of the preset]
    #[arg(long, value_enum)]
    activation: Option<ActivationFlag>,
    /// Chance that training zeroes an entry [default: that of the preset]
    #[arg(long, value_name = "CHANCE")]
    dropout: Option<f64>,
    /// Most recent events that the model reads [default: 200]
    #[arg(long, value_name = "N")]
    max_len: Option<usize>,
    /// What a layer is made of [default: that of the preset]
    #[arg(long, value_enum)]
    layer: Option<LayerFlag>,
    /// Learn by hiding this share of the events, read from both sides [bert4rec: 0.2]
    #[arg(long, value_name = "SHARE")]
    masked: Option<f64>,
    /// Bias attention by how many events lie between two [default: that of the preset]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    relative_position: Option<bool>,
    /// Bias attention by how much time lies between two events [default: that of the preset]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    time_intervals: Option<bool>,
    /// Let the model know when the next event happens, with --time-intervals [default: that of the preset]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    query_time: Option<bool>,
    /// Read the type of each event, by --event-column
    #[arg(long)]
    event_types: bool,
    /// Read the weight of each event, by --weight-column
    #[arg(long)]
    event_weights: bool,
    /// How much events of a type count as targets, such as view=0.2,buy=1; those of weight 0 are only read
    #[arg(long, value_name = "TYPE=WEIGHT", value_delimiter = ',', value_parser = type_and_weight)]
    target_weights: Vec<(String, f32)>,
    /// How --items, or those of the simulated shop, join the ids [default: sum]
    #[arg(long, value_enum)]
    content: Option<ContentFlag>,
    /// Chance that training takes an item's content without its id [default: 0.1]
    #[arg(long, value_name = "CHANCE")]
    id_dropout: Option<f64>,
    /// How a history is compared with an item [default: that of the preset]
    #[arg(long, value_enum)]
    similarity: Option<SimilarityFlag>,
    /// What scores are divided by [default: that of the preset]
    #[arg(long, value_name = "T")]
    temperature: Option<f64>,
    /// What training minimises [default: that of the preset]
    #[arg(long, value_enum)]
    loss: Option<LossFlag>,
    /// Share of each target's certainty that --loss softmax spreads over all items [default: 0]
    #[arg(long, value_name = "SHARE")]
    label_smoothing: Option<f64>,
    /// Negatives for each target of a sampled loss [default: that of the preset; with --loss sampled-softmax 256, others 1]
    #[arg(long, value_name = "N")]
    n_negatives: Option<usize>,
    /// How negatives are drawn [default: uniform]
    #[arg(long, value_enum)]
    negatives: Option<NegativesFlag>,
    /// Which targets compete with the same negatives [default: sampled softmax history, others target]
    #[arg(long, value_enum)]
    share_negatives: Option<SharingFlag>,
    /// Take the chance to be drawn from logits of --loss sampled-softmax [default: true]
    #[arg(long, value_name = "BOOL")]
    log_q: Option<bool>,
    /// How much overconfidence --loss bce takes back, from 0 to 1: gBCE's t [default: 0]
    #[arg(long, value_name = "T")]
    calibration: Option<f64>,
    /// Score items by a table of their own, not by the vectors that they are read by
    #[arg(long)]
    separate_item_table: bool,
    /// Weigh each target by --weight-column
    #[arg(long, requires = "weight_column")]
    weighted_targets: bool,
}

/// What a layer is made of.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LayerFlag {
    /// Attention and feed-forward
    Transformer,
    /// The same with gates
    Ligr,
    /// Pointwise attention with a gate
    Hstu,
}

/// How content joins ids.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ContentFlag {
    /// Their vectors are added
    Sum,
    /// Side by side, then mapped
    Concatenation,
    /// The id attends to the attributes
    CrossAttention,
}

/// How a history is compared with an item.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SimilarityFlag {
    /// By the product of their vectors
    DotProduct,
    /// By the angle between them
    Cosine,
}

/// Which targets compete with the same negatives.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SharingFlag {
    /// Each has its own
    Target,
    /// Those of a history
    History,
    /// Those of a batch
    Batch,
}

fn type_and_weight(text: &str) -> Result<(String, f32), String> {
    let (name, weight) = text
        .split_once('=')
        .ok_or("write TYPE=WEIGHT, such as buy=1")?;
    let weight = weight
        .parse()
        .map_err(|error| format!("{weight:?}: {error}"))?;
    Ok((name.to_owned(), weight))
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
    /// Cross-entropy over the target and sampled negatives
    SampledSoftmax,
    /// Binary cross-entropy against sampled negatives
    Bce,
    /// Bayesian personalised ranking against sampled negatives
    Bpr,
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
    ) -> Result<NextItemConfig, Box<dyn Error>> {
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
        self.set_model(&mut config);
        self.set_loss(&mut config.loss)?;
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

    fn set_model(&self, config: &mut NextItemConfig) {
        set(
            &mut config.layer,
            self.layer.map(|layer| match layer {
                LayerFlag::Transformer => EncoderLayer::Transformer,
                LayerFlag::Ligr => EncoderLayer::Ligr,
                LayerFlag::Hstu => EncoderLayer::Hstu,
            }),
        );
        set(
            &mut config.learning,
            self.masked.map(|share| Learning::Masked { share }),
        );
        set(&mut config.relative_position, self.relative_position);
        set(&mut config.time_intervals, self.time_intervals);
        set(&mut config.query_time, self.query_time);
        // Without the bias nothing reads the time of the query, whatever the preset says.
        config.query_time &= config.time_intervals || self.query_time.is_some();
        config.event_types = self.event_types;
        config.event_weights = self.event_weights;
        config.target_weights = self.target_weights.iter().cloned().collect();
        set(
            &mut config.similarity,
            self.similarity.map(|similarity| match similarity {
                SimilarityFlag::DotProduct => Similarity::DotProduct,
                SimilarityFlag::Cosine => Similarity::Cosine,
            }),
        );
        set(&mut config.temperature, self.temperature);
    }

    /// Whether a flag asks for the content of items.
    pub(crate) fn wants_content(&self) -> bool {
        self.content.is_some() || self.id_dropout.is_some()
    }

    /// The content of items, where there is a table of them.
    pub(crate) fn content(&self) -> ContentConfig {
        let mut content = ContentConfig::default();
        set(
            &mut content.fusion,
            self.content.map(|content| match content {
                ContentFlag::Sum => ContentFusion::Sum,
                ContentFlag::Concatenation => ContentFusion::Concatenation,
                ContentFlag::CrossAttention => ContentFusion::CrossAttention,
            }),
        );
        set(&mut content.id_dropout, self.id_dropout);
        content
    }

    /// The loss of the preset or of `--loss`, changed by the flags that it knows; a flag that it does not know is an error.
    fn set_loss(&self, loss: &mut NextItemLoss) -> Result<(), String> {
        set(
            loss,
            self.loss.map(|loss| match loss {
                LossFlag::Softmax => NextItemLoss::softmax(),
                LossFlag::SampledSoftmax => NextItemLoss::SampledSoftmax {
                    negatives: Negatives::many(),
                    log_q: true,
                },
                LossFlag::Bce => NextItemLoss::BinaryCrossEntropy {
                    negatives: Negatives::default(),
                    calibration: 0.0,
                },
                LossFlag::Bpr => NextItemLoss::BayesianRanking {
                    negatives: Negatives::default(),
                },
            }),
        );
        let (mut smoothing, mut log_q, mut calibration) =
            (self.label_smoothing, self.log_q, self.calibration);
        match loss {
            NextItemLoss::Softmax { label_smoothing } => set(label_smoothing, smoothing.take()),
            NextItemLoss::SampledSoftmax {
                log_q: corrected, ..
            } => set(corrected, log_q.take()),
            NextItemLoss::BinaryCrossEntropy { calibration: t, .. } => set(t, calibration.take()),
            _ => {}
        }
        let mut of_negatives = [
            ("--n-negatives", self.n_negatives.is_some()),
            ("--negatives", self.negatives.is_some()),
            ("--share-negatives", self.share_negatives.is_some()),
        ];
        if let Some(negatives) = loss.negatives_mut() {
            self.set_negatives(negatives);
            of_negatives
                .iter_mut()
                .for_each(|(_, given)| *given = false);
        }
        let others = [
            ("--label-smoothing", smoothing.is_some()),
            ("--log-q", log_q.is_some()),
            ("--calibration", calibration.is_some()),
        ];
        let idle = others
            .into_iter()
            .chain(of_negatives)
            .find(|(_, given)| *given);
        idle.map_or(Ok(()), |(flag, _)| {
            Err(format!(
                "{flag} does nothing for this loss: name the loss that it belongs to by --loss"
            ))
        })
    }

    fn set_negatives(&self, negatives: &mut Negatives) {
        set(&mut negatives.count, self.n_negatives);
        set(
            &mut negatives.sampling,
            self.negatives.map(|negatives| match negatives {
                NegativesFlag::Uniform => NegativeSampling::Uniform,
                NegativesFlag::Popularity => NegativeSampling::Popularity { power: 0.5 },
                NegativesFlag::InBatch => NegativeSampling::InBatch,
            }),
        );
        set(
            &mut negatives.sharing,
            self.share_negatives.map(|sharing| match sharing {
                SharingFlag::Target => NegativeSharing::PerTarget,
                SharingFlag::History => NegativeSharing::PerHistory,
                SharingFlag::Batch => NegativeSharing::PerBatch,
            }),
        );
    }
}

fn set<T>(setting: &mut T, flag: Option<T>) {
    if let Some(value) = flag {
        *setting = value;
    }
}
