//! The flags that change a model and its training.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use salient::tasks::churn::{ChurnConfig, PRESETS};

use crate::shared::flags::RunFlags;
use crate::shared::settings::{self, set};

/// The model and its training.
#[derive(Args, Debug)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelFlags {
    /// Published model to start from
    #[arg(long, default_value = "ft_transformer", value_parser = PRESETS)]
    pub(crate) preset: String,
    /// Settings as JSON, as the artifact and --json have them; the flags below change them
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    pub(crate) config: Option<PathBuf>,
    /// Any setting by its place in that JSON, such as `networks.0.interaction.n_layers=3`
    #[arg(long, value_name = "SETTING=VALUE")]
    pub(crate) set: Vec<String>,
    /// Parts that the customers are dealt into, one network of each kind stopping by each
    #[arg(long, value_name = "PARTS")]
    pub(crate) parts: Option<usize>,
    /// Learning rate
    #[arg(long, value_name = "RATE")]
    pub(crate) learning_rate: Option<f64>,
    /// Rows in a batch
    #[arg(long, value_name = "ROWS")]
    pub(crate) batch_size: Option<usize>,
    /// Most passes over the training rows
    #[arg(long, value_name = "EPOCHS")]
    pub(crate) epochs: Option<usize>,
    /// Validations without improvement after which a network is done
    #[arg(long, value_name = "VALIDATIONS")]
    pub(crate) patience: Option<usize>,
    /// Judge the model alone
    #[arg(long)]
    pub(crate) no_baselines: bool,
}

impl ModelFlags {
    /// The settings.
    pub(crate) fn config(&self, run: &RunFlags) -> Result<ChurnConfig, Box<dyn Error>> {
        let mut config = match &self.config {
            None => ChurnConfig::preset(&self.preset)?,
            Some(path) => settings::read(path)?,
        };
        config.training.seed = run.seed;
        set(&mut config.n_parts, self.parts);
        set(&mut config.training.learning_rate, self.learning_rate);
        set(&mut config.training.batch_size, self.batch_size);
        set(&mut config.training.max_epochs, self.epochs);
        set(&mut config.training.patience, self.patience.map(Some));
        settings::assigned(&config, &self.set)
    }
}
