//! What will this person want next? Trains a recommender on an event log, judges it over the whole catalogue beside simple
//! baselines, saves it and asks it.
//!
//!     cargo run --release --example next_item
//!     cargo run --release --example next_item -- --data events.csv --user-column user --item-column item --time-column time
#![expect(
    clippy::print_stdout,
    reason = "an example talks to the person who runs it"
)]

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use salient::baselines::{
    Ease, EaseConfig, ItemKnn, ItemKnnConfig, Markov, MarkovConfig, MatrixFactorisation,
    MatrixFactorisationConfig, Popularity, PopularityConfig, TrainingHistory,
};
use salient::data::Split;
use salient::evaluation::DataOrigin;
use salient::evaluation::ranking::{
    HistoryBins, RankingReport, RankingSettings, Scorer, compare, evaluate_ranking,
    segment_by_history_length, segment_by_popularity,
};
use salient::tasks::next_item::{NextItemData, RecommendOptions, Recommender, fit};
use salient::training::{StopReason, Trained};

mod flags;
mod model_flags;
mod oracle;
mod outcome;
#[path = "../shared/mod.rs"]
mod shared;

use flags::Flags;
use shared::resources;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    shared::failure::exit_code(run(&Flags::parse()))
}

fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let device = salient::device::pick(&flags.run.device)?;
    let config = flags.model.config(&flags.run, flags.data.data.is_none())?;
    let log = shared::log::load(&flags.data, &flags.filter.filter())?;
    println!("{}\n", log.audit);

    let rule = flags.evaluation.split_rule(flags.run.seed);
    let split = Split::new(&log.interactions, rule)?;
    let mut data = NextItemData::new(&log.interactions, &split)?;
    let cutoffs = flags.evaluation.cutoffs(data.n_items())?;

    let cpu_before = resources::cpu_seconds();
    let trainer =
        shared::training::trainer(&flags.run, &config.training, data.fingerprint(&config))?;
    let trained = fit(&config, &data, trainer, &device)?;
    let train_cpu_seconds = resources::cpu_seconds() - cpu_before;
    if trained.stopped == StopReason::Cancelled {
        return Err(shared::training::interrupted(&flags.run, trained.steps).into());
    }

    segment_by_history_length(&mut data.test, &HistoryBins::Quantiles(4))?;
    let counts: Vec<u64> = data.item_counts.iter().map(|&count| count.into()).collect();
    segment_by_popularity(&mut data.test, &counts)?;
    let settings = RankingSettings {
        cutoffs,
        seen_items: flags.evaluation.seen_items(),
        origin: DataOrigin {
            data_sha256: Some(log.sha256.clone()),
            split: Some(format!("{rule}, test")),
            ..DataOrigin::default()
        },
        ..RankingSettings::default()
    };
    let evaluate_start = Instant::now();
    let report = evaluate_ranking(&data.test, &trained.model.scorer(), &settings)?;
    let evaluate_seconds = evaluate_start.elapsed().as_secs_f64();
    let baselines = baselines(&data, &settings)?;
    println!(
        "{report}\n\n{}\n",
        compare(std::iter::once(&report).chain(&baselines))?
    );
    if let Some(shop) = &log.shop {
        let oracle = oracle::Oracle::new(shop, &log.interactions, &split, &data);
        println!(
            "{}\n",
            oracle.gap_closed(&report, &baselines, &data.test, &settings)?
        );
    }
    show_one(&trained, &data)?;

    let outcome = outcome::outcome(
        flags,
        &log,
        &trained,
        report,
        &baselines,
        (train_cpu_seconds, evaluate_seconds),
    );
    if let Some(directory) = &flags.run.out {
        trained.model.save(directory, &outcome.quality())?;
        println!("saved to {}", directory.display());
    }
    if let Some(path) = &flags.run.json {
        outcome.write(path)?;
    }
    Ok(())
}

/// The figures of simple models under the same protocol; EASE is left out where the catalogue is too large for it.
fn baselines(
    data: &NextItemData,
    settings: &RankingSettings,
) -> Result<Vec<RankingReport>, Box<dyn Error>> {
    let sequences = data.train.catalogue_sequences();
    let histories: Vec<TrainingHistory<'_>> = sequences
        .iter()
        .map(|items| items.as_slice().into())
        .collect();
    let n_items = data.n_items();
    let mut scorers: Vec<Box<dyn Scorer>> = vec![
        Box::new(Popularity::fit(
            &histories,
            n_items,
            &PopularityConfig::default(),
        )?),
        Box::new(ItemKnn::fit(
            &histories,
            n_items,
            &ItemKnnConfig::default(),
        )?),
        Box::new(Markov::fit(&histories, n_items, &MarkovConfig::default())?),
        Box::new(MatrixFactorisation::fit(
            &histories,
            n_items,
            &MatrixFactorisationConfig::default(),
        )?),
    ];
    let ease = EaseConfig::default();
    if n_items <= ease.max_items {
        scorers.push(Box::new(Ease::fit(&histories, n_items, &ease)?));
    }
    Ok(scorers
        .iter()
        .map(|scorer| evaluate_ranking(&data.test, scorer.as_ref(), settings))
        .collect::<Result<_, _>>()?)
}

/// Asks the recommender about the first test user, as a service would.
fn show_one(trained: &Trained<Recommender>, data: &NextItemData) -> Result<(), Box<dyn Error>> {
    let Some(case) = data.test.first() else {
        return Ok(());
    };
    let id = |index: u32| data.catalogue.ids()[index as usize].as_str();
    let history: Vec<&str> = case.history.iter().map(|&index| id(index)).collect();
    let answer = trained.model.recommend(
        &history,
        5.min(data.n_items()),
        &RecommendOptions::default(),
    )?;
    let recommended: Vec<&str> = answer.items.iter().map(|item| item.id.as_str()).collect();
    let mut chosen: Vec<String> = case.targets.iter().map(|&index| id(index).into()).collect();
    if case.n_unknown_targets > 0 {
        chosen.push(format!(
            "{} that training never saw",
            case.n_unknown_targets
        ));
    }
    println!("The first test user");
    println!(
        "  latest events  {}",
        history[history.len().saturating_sub(5)..].join(", ")
    );
    println!("  recommended    {}", recommended.join(", "));
    println!("  chosen         {}\n", chosen.join(", "));
    Ok(())
}
