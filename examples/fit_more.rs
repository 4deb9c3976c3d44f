//! Keeps a recommender up to date: trains on the first part of a log, goes on with the rest, and compares that with training
//! on the whole log anew, in figures and in cost.
//!
//!     cargo run --release --example fit_more
//!     cargo run --release --example fit_more -- --data events.csv --user-column user --item-column item --time-column time
#![expect(
    clippy::print_stdout,
    reason = "an example talks to the person who runs it"
)]

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use salient::data::{Holdout, InteractionRow, Interactions, Split, SplitRule};
use salient::evaluation::DataOrigin;
use salient::evaluation::ranking::{
    RankingMetric, RankingReport, RankingSettings, evaluate_ranking,
};
use salient::features::FIRST_REAL_ID;
use salient::tasks::next_item::{
    NextItemConfig, NextItemData, NextItemSources, Recommender, batch_size, fit,
};
use salient::training::{ProgressBar, Trained, Trainer, TrainingConfig};
use serde_json::json;

#[path = "shared/mod.rs"]
#[expect(dead_code, reason = "shared with examples that need more of it")]
mod shared;

use shared::data_flags::DataFlags;
use shared::resources;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Compares training on with training anew.
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
    /// File for the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Recipe to start from: sasrec, bert4rec, esasrec or hstu
    #[arg(long, default_value = "sasrec")]
    preset: String,
    /// Share of the events, the latest ones, that come after the first training
    #[arg(long, default_value_t = 0.2)]
    new_share: f64,
    /// Most epochs to train [default: that of the preset; simulated shop: 8]
    #[arg(long)]
    epochs: Option<usize>,
    /// Histories in a batch [default: 128; simulated shop: 16]
    #[arg(long)]
    batch_size: Option<usize>,
    /// Dropout [default: that of the preset]
    #[arg(long)]
    dropout: Option<f64>,
    /// Parts that stay as they are when training goes on, such as encoder.,positions.
    #[arg(long, value_delimiter = ',')]
    freeze: Vec<String>,
}

fn main() -> ExitCode {
    shared::failure::exit_code(run(&Flags::parse()))
}

fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let device = salient::device::pick(&flags.device)?;
    let config = config(flags)?;
    if flags.data.data.is_some() && flags.data.time_column.is_none() {
        return Err("--data needs --time-column: which events are new?".into());
    }
    let log = shared::log::load(&flags.data, &Default::default())?;
    let (log, data_sha256) = (log.interactions, log.sha256);
    let split = Split::new(&log, SplitRule::LeaveOneOut)?;
    let since = since(&log, &split, flags.new_share)?;

    // What was known at that time: the training events before it, the last of each user to stop by.
    let early = before(&log, &split, since)?;
    let early_data = NextItemData::new(&early, &last_for_validation(&early))?;
    let trainer =
        |training: &TrainingConfig| Trainer::new(training.clone()).observe(ProgressBar::new());
    let (first, first_cost) = cost(|| {
        Ok(fit(
            &config,
            &early_data,
            trainer(&config.training),
            &device,
        )?)
    })?;

    let new = NextItemSources {
        known: Some(&first.model),
        learn_since_utc_millis: Some(since),
        ..NextItemSources::default()
    };
    let new_data = NextItemData::with_sources(&log, &split, &new)?;
    let (more, more_cost) = cost(|| {
        let trainer = trainer(&config.training).freeze(flags.freeze.iter().cloned());
        Ok(first.model.fit_more(&new_data, trainer, &device)?)
    })?;

    // The same numbers for items, so that the figures can be compared, but every event is learned.
    let whole = NextItemSources {
        learn_since_utc_millis: None,
        ..new
    };
    let mut whole_data = NextItemData::with_sources(&log, &split, &whole)?;
    // The model that is known must not count here.
    whole_data.item_counts = counts(&whole_data);
    let (anew, anew_cost) = cost(|| {
        Ok(fit(
            &config,
            &whole_data,
            trainer(&config.training),
            &device,
        )?)
    })?;

    let settings = RankingSettings {
        batch_size: batch_size(new_data.n_items()),
        cutoffs: shared::log::usual_cutoffs(new_data.n_items()),
        origin: DataOrigin {
            split: Some(format!("{}, test", split.rule)),
            data_sha256: Some(data_sha256),
            ..DataOrigin::default()
        },
        ..RankingSettings::default()
    };
    let report = |trained: &Trained<Recommender>| -> Result<RankingReport, Box<dyn Error>> {
        Ok(evaluate_ranking(
            &new_data.test,
            &trained.model.scorer(),
            &settings,
        )?)
    };
    let (more_report, anew_report) = (report(&more)?, report(&anew)?);
    println!(
        "items: {} known, {} new",
        early_data.n_items(),
        new_data.n_items() - early_data.n_items()
    );
    let ndcg = |report: &RankingReport| {
        report
            .estimate(RankingMetric::Ndcg, 10)
            .map(|ndcg| ndcg.to_string())
    };
    let line = |name: &str, ndcg: String, cost: f64, epochs: usize| {
        println!("{name:<28} {ndcg:<28} {cost:>10.1} {epochs:>8}")
    };
    println!(
        "{:<28} {:<28} {:>10} {:>8}",
        "", "NDCG at 10", "CPU s", "epochs"
    );
    line(
        "first training",
        "-".to_owned(),
        first_cost,
        first.history.len(),
    );
    line(
        "training on",
        ndcg(&more_report).unwrap_or_default(),
        more_cost,
        more.history.len(),
    );
    line(
        "training anew",
        ndcg(&anew_report).unwrap_or_default(),
        anew_cost,
        anew.history.len(),
    );
    println!("\n{}", more_report.protocol);
    if let Some(path) = &flags.json {
        let figures = json!({
            "task": "fit_more",
            "items": { "known": early_data.n_items(), "all": new_data.n_items() },
            "training_on": { "metrics": more_report.means(), "cpu_seconds": more_cost },
            "training_anew": { "metrics": anew_report.means(), "cpu_seconds": anew_cost },
            "first_training": { "cpu_seconds": first_cost },
        });
        std::fs::write(path, serde_json::to_string_pretty(&figures)? + "\n")?;
    }
    Ok(())
}

fn config(flags: &Flags) -> Result<NextItemConfig, Box<dyn Error>> {
    let mut config = NextItemConfig::preset(&flags.preset)?;
    let training = &mut config.training;
    training.seed = flags.seed;
    if flags.data.data.is_none() {
        training.batch_size = 16;
        training.learning_rate = 2e-3;
        training.max_epochs = 8;
    }
    training.max_epochs = flags.epochs.unwrap_or(training.max_epochs);
    training.batch_size = flags.batch_size.unwrap_or(training.batch_size);
    config.dropout = flags.dropout.unwrap_or(config.dropout);
    config.validate()?;
    Ok(config)
}

/// The time from which on events are new.
fn since(log: &Interactions, split: &Split, new_share: f64) -> Result<i64, String> {
    if !(new_share > 0.0 && new_share < 1.0) {
        return Err(format!("--new-share is {new_share}: it must lie in (0, 1)"));
    }
    let rows = split.train.iter().cloned().flatten();
    let mut times: Vec<i64> = rows.map(|row| log.times_utc_millis()[row]).collect();
    times.sort_unstable();
    Ok(times[((times.len() - 1) as f64 * (1.0 - new_share)) as usize])
}

/// The training events of a log before a time.
fn before(log: &Interactions, split: &Split, since: i64) -> Result<Interactions, Box<dyn Error>> {
    let rows = split.train.iter().cloned().flatten();
    let rows = rows.filter(|&row| log.times_utc_millis()[row] < since);
    let rows = rows.map(|row| InteractionRow {
        user: log.user_id(log.users()[row]).to_owned(),
        item: log.item_id(log.items()[row]).to_owned(),
        time_utc_millis: log.times_utc_millis()[row],
        ..InteractionRow::default()
    });
    Ok(Interactions::from_rows(rows)?)
}

/// Keeps the last event of each user with three or more for validation, and nothing for testing.
fn last_for_validation(log: &Interactions) -> Split {
    let ranges = (0..log.n_users() as u32).map(|user| (user, log.user_range(user)));
    let (mut train, mut validation) = (Vec::new(), Vec::new());
    for (user, range) in ranges {
        let last = range.end - 1;
        if range.len() < 3 {
            train.push(range);
            continue;
        }
        train.push(range.start..last);
        validation.push(Holdout {
            user,
            history: range.start..last,
            targets: last..range.end,
        });
    }
    Split {
        rule: SplitRule::LeaveOneOut,
        n_train_only_users: train.len() - validation.len(),
        train,
        validation,
        test: Vec::new(),
        cuts: None,
    }
}

/// Training events of each item.
fn counts(data: &NextItemData) -> Vec<u32> {
    let mut counts = vec![0; data.n_items()];
    for number in &data.train.items {
        counts[(number - FIRST_REAL_ID) as usize] += 1;
    }
    counts
}

/// What some work gives, and the processor seconds that it takes.
fn cost<T>(work: impl FnOnce() -> Result<T, Box<dyn Error>>) -> Result<(T, f64), Box<dyn Error>> {
    let start = resources::cpu_seconds();
    let done = work()?;
    Ok((done, resources::cpu_seconds() - start))
}
