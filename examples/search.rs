//! Searches for settings on the validation part of a log, then trains with the best of them and judges that once.
//!
//!     cargo run --release --example search
//!     cargo run --release --example search -- --data events.csv --user-column user --item-column item --time-column time
#![expect(
    clippy::print_stdout,
    reason = "an example talks to the person who runs it"
)]

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use salient::data::{Split, SplitRule};
use salient::evaluation::DataOrigin;
use salient::evaluation::ranking::{RankingSettings, evaluate_ranking};
use salient::tasks::next_item::{
    LossChoice, Negatives, NextItemConfig, NextItemData, NextItemLoss, SearchRun, SearchSettings,
    SearchSpace, SearchStrategy, batch_size, fit, search,
};
use salient::training::{CancelToken, ProgressBar, StopReason, Trainer};

#[path = "shared/mod.rs"]
#[expect(dead_code, reason = "shared with examples that need more of it")]
mod shared;

use shared::data_flags::DataFlags;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Searches for learning rate, dropout, width and loss.
#[derive(Parser, Debug)]
struct Flags {
    #[command(flatten)]
    data: DataFlags,
    /// Where all random numbers start
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// What computes: auto, flex, ndarray, wgpu or cuda
    #[arg(long, default_value = "auto")]
    device: String,
    /// Directory for the trials, their plot and the best model; the same command goes on where it was interrupted
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Recipe to start from: sasrec, bert4rec, esasrec or hstu
    #[arg(long, default_value = "sasrec")]
    preset: String,
    /// Settings to try
    #[arg(long, default_value_t = 9)]
    trials: usize,
    /// Draw at random and train each to the end, instead of halving
    #[arg(long)]
    random: bool,
    /// Epochs of the first round of halving, or of every random trial
    #[arg(long, default_value_t = 2)]
    epochs: usize,
    /// Halving keeps one in so many after each round, and trains it so many times as long
    #[arg(long, default_value_t = 3)]
    factor: usize,
    /// Histories in a batch [default: 128; simulated shop: 16]
    #[arg(long)]
    batch_size: Option<usize>,
}

fn main() -> ExitCode {
    shared::failure::exit_code(run(&Flags::parse()))
}

fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let device = salient::device::pick(&flags.device)?;
    let log = shared::log::load(&flags.data, &Default::default())?;
    let split = Split::new(&log.interactions, SplitRule::LeaveOneOut)?;
    let data = NextItemData::new(&log.interactions, &split)?;
    let mut base = NextItemConfig::preset(&flags.preset)?;
    base.training.seed = flags.seed;
    if flags.data.data.is_none() {
        base.training.batch_size = 16;
    }
    base.training.batch_size = flags.batch_size.unwrap_or(base.training.batch_size);

    let settings = SearchSettings {
        strategy: strategy(flags),
        seed: flags.seed,
        directory: flags.out.as_ref().map(|out| out.join("search")),
    };
    let token = CancelToken::new();
    let handler = token.clone();
    ctrlc::set_handler(move || handler.cancel())?;
    let progress = SearchRun::on(&device)
        .cancel(token.clone())
        .observe(|trial| {
            let value = trial
                .measured
                .as_ref()
                .map(|found| format!("{:.4}", found.value));
            let value = value.unwrap_or_else(|| "diverged".to_owned());
            eprintln!(
                "trial {} after {} epochs: {value}",
                trial.number, trial.epochs
            );
            Ok(())
        });
    let outcome = search(&base, &data, &space(), &settings, progress)?;
    println!("{outcome}\n");
    if let Some(out) = &flags.out {
        outcome.write_svg(out.join("search.svg"))?;
        println!("plot in {}\n", out.join("search.svg").display());
    }
    if !outcome.is_complete {
        return Err("interrupted; with --out the same command goes on from there".into());
    }
    let Some(best) = outcome.best() else {
        return Err("training diverged in every trial".into());
    };
    let trainer = Trainer::new(best.config.training.clone())
        .observe(ProgressBar::new())
        .cancel(token);
    let trained = fit(&best.config, &data, trainer, &device)?;
    if trained.stopped == StopReason::Cancelled {
        return Err("interrupted while training with the best settings".into());
    }
    let settings = RankingSettings {
        batch_size: batch_size(data.n_items()),
        cutoffs: shared::log::usual_cutoffs(data.n_items()),
        origin: DataOrigin {
            data_sha256: Some(log.sha256),
            split: Some(format!("{}, test", split.rule)),
            ..DataOrigin::default()
        },
        ..RankingSettings::default()
    };
    println!(
        "The best settings of the validation part, on the test part:\n{}",
        evaluate_ranking(&data.test, &trained.model.scorer(), &settings)?
    );
    if let Some(out) = &flags.out {
        trained.model.save(out.join("model"), &())?;
    }
    Ok(())
}

fn strategy(flags: &Flags) -> SearchStrategy {
    if flags.random {
        return SearchStrategy::Random {
            n_trials: flags.trials,
            max_epochs: flags.epochs,
        };
    }
    SearchStrategy::SuccessiveHalving {
        n_trials: flags.trials,
        first_epochs: flags.epochs,
        factor: flags.factor,
    }
}

fn space() -> SearchSpace {
    let choice = |label: &str, loss| LossChoice {
        label: label.to_owned(),
        loss,
    };
    SearchSpace {
        learning_rate: Some(3e-4..=5e-3),
        dropout: Some(0.0..=0.5),
        d_model: vec![32, 64],
        loss: vec![
            choice("softmax", NextItemLoss::softmax()),
            choice(
                "sampled softmax",
                NextItemLoss::SampledSoftmax {
                    negatives: Negatives::many(),
                    log_q: true,
                },
            ),
        ],
    }
}
