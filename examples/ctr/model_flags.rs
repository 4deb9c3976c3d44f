//! The flags that change a model and its training.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use salient::tasks::ctr::{CtrConfig, PRESETS};
use salient::tasks::tabular::HistoryUse;

use crate::flags::Calibration;
use crate::shared::flags::RunFlags;
use crate::shared::settings::{self, set};

/// The model and its training.
#[derive(Args, Debug)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelFlags {
    /// Published model to start from
    #[arg(long, default_value = "autoint_plus", value_parser = PRESETS)]
    pub(crate) preset: String,
    /// Settings as JSON, as the artifact and --json have them; the flags below change them
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    pub(crate) config: Option<PathBuf>,
    /// Any setting by its place in that JSON, such as `network.interaction.mlp.dropout=0.2`
    #[arg(long, value_name = "SETTING=VALUE")]
    pub(crate) set: Vec<String>,
    /// Width of the vector of a field
    #[arg(long, value_name = "WIDTH")]
    pub(crate) d_embedding: Option<usize>,
    /// Pull of the vectors of values towards zero, against overfitting
    #[arg(long, value_name = "STRENGTH")]
    pub(crate) embedding_penalty: Option<f64>,
    /// Leave histories out
    #[arg(long)]
    pub(crate) no_history: bool,
    /// Train the same model without histories too, and say what they gain
    #[arg(long, conflicts_with = "no_history")]
    pub(crate) against_no_history: bool,
    /// Learning rate
    #[arg(long, value_name = "RATE")]
    pub(crate) learning_rate: Option<f64>,
    /// Rows in a batch
    #[arg(long, value_name = "ROWS")]
    pub(crate) batch_size: Option<usize>,
    /// Most passes over the training rows
    #[arg(long, value_name = "EPOCHS")]
    pub(crate) epochs: Option<usize>,
    /// Validations without improvement after which training ends
    #[arg(long, value_name = "VALIDATIONS")]
    pub(crate) patience: Option<usize>,
    /// How logits become probabilities, fitted on the validation rows [default: none]
    #[arg(long, value_enum)]
    pub(crate) calibration: Option<Calibration>,
    /// Judge the model alone
    #[arg(long)]
    pub(crate) no_baselines: bool,
}

impl ModelFlags {
    /// The settings.
    pub(crate) fn config(&self, run: &RunFlags) -> Result<CtrConfig, Box<dyn Error>> {
        let mut config = match &self.config {
            None => CtrConfig::preset(&self.preset)?,
            Some(path) => settings::read(path)?,
        };
        config.training.seed = run.seed;
        set(
            &mut config.calibration,
            self.calibration.map(Calibration::kind),
        );
        config.training.checkpoint_every_steps = run.checkpoint_every;
        set(&mut config.network.d_embedding, self.d_embedding);
        set(
            &mut config.network.embedding_penalty,
            self.embedding_penalty,
        );
        set(&mut config.training.learning_rate, self.learning_rate);
        set(&mut config.training.batch_size, self.batch_size);
        set(&mut config.training.max_epochs, self.epochs);
        set(&mut config.training.patience, self.patience.map(Some));
        if self.no_history {
            config.network.history = HistoryUse::Ignored;
        }
        settings::assigned(&config, &self.set)
    }
}
