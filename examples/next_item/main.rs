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
use salient::data::Split;
use salient::data::synthetic::Shop;
use salient::evaluation::DataOrigin;
use salient::evaluation::ranking::{
    Catalogue, HistoryBins, RankingSettings, Scorer, compare, compare_lists,
    segment_by_history_length, segment_by_popularity,
};
use salient::features::AttributeSchema;
use salient::tasks::next_item::{
    NextItemData, NextItemSources, RecommendOptions, Recommender, batch_size, fit,
};
use salient::training::{StopReason, Trained};
use serde_json::json;

mod baselines;
mod cold;
mod flags;
mod judge;
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
    flags.run.check()?;
    let device = salient::device::pick(&flags.run.device)?;
    let mut config = flags.model.config(&flags.run, flags.data.data.is_none())?;
    let rule = flags.evaluation.split_rule(flags.run.seed)?;
    let log = shared::log::load(&flags.data, &flags.filter.filter())?;
    println!("{}\n", log.audit);

    let split = Split::new(&log.interactions, rule)?;
    let users = flags.attributes.users(&flags.data.options())?;
    let wants_content = flags.model.wants_content() || flags.evaluation.hides_items();
    let of_shop = log.shop.as_ref().map(Shop::item_attributes);
    let items = match flags.attributes.items(&flags.data.options())? {
        None if wants_content => of_shop.clone(),
        items => items,
    };
    if items.is_none() && wants_content {
        return Err("--content, --id-dropout and --hide-items need --items".into());
    }
    config.content = items.as_ref().map(|_| flags.model.content());
    config.user_attributes = users.is_some();
    let sources = NextItemSources {
        items: items.as_ref(),
        users: users.as_ref(),
        hidden_items: flags.evaluation.hidden_items(flags.run.seed),
        ..NextItemSources::default()
    };
    let mut data = NextItemData::with_sources(&log.interactions, &split, &sources)?;
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
        batch_size: batch_size(data.n_items()),
        seen_items: flags.evaluation.seen_items(),
        origin: DataOrigin {
            data_sha256: Some(log.sha256.clone()),
            split: Some(format!("{rule}, test")),
            ..DataOrigin::default()
        },
        ..RankingSettings::default()
    };
    let evaluate_start = Instant::now();
    let content = match (&data.item_content, &of_shop) {
        (Some(content), _) => Some(content.rows.clone()),
        (None, Some(table)) => {
            let ids = || data.catalogue.ids().iter().map(String::as_str);
            Some(AttributeSchema::fit(table, ids())?.encode(table, ids())?)
        }
        (None, None) => None,
    };
    let categories = judge::categories(content.as_ref());
    let catalogue = Catalogue {
        item_counts: &data.item_counts,
        content: judge::item_content(categories.as_ref()),
    };
    let judge = |scorer: &dyn Scorer| judge::judge(&data.test, scorer, &settings, &catalogue);
    let (report, lists) = judge(&trained.model.scorer_for(&data)?)?;
    let evaluate_seconds = evaluate_start.elapsed().as_secs_f64();
    let baselines = baselines::Baselines::fit(&data, !flags.evaluation.no_baselines)?;
    let (reports, lists_of_others): (Vec<_>, Vec<_>) = baselines
        .scorers()
        .map(judge)
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .unzip();
    println!(
        "{report}\n\n{}\n",
        compare(std::iter::once(&report).chain(&reports))?
    );
    if let Some(lists) = &lists {
        let all = std::iter::once(lists).chain(lists_of_others.iter().flatten());
        println!("{}\n", compare_lists(all)?);
    }
    let k = settings.cutoffs.iter().copied().find(|&k| k == 10);
    let k = k.unwrap_or(settings.cutoffs[0]);
    let significance = judge::significance(&report, &reports, k)?;
    if let Some((best, test)) = &significance {
        println!("NDCG at {k}, model less {best}: {test}\n");
    }
    if let Some(shop) = &log.shop {
        let oracle = oracle::Oracle::new(shop, &log.interactions, &split, &data);
        println!(
            "{}\n",
            oracle.gap_closed(&report, &reports, &data.test, &settings, k)?
        );
    }
    let hidden = match data.hidden_items.is_empty() {
        true => None,
        false => Some(cold::evaluate(
            &data,
            &trained.model.scorer_for(&data)?,
            baselines.popularity(),
            &settings,
        )?),
    };
    if users.is_none() && !config.time_intervals && !config.event_types && !config.event_weights {
        show_one(&trained, &data)?;
    }

    let mut outcome = outcome::outcome(
        flags,
        &log,
        &trained,
        report,
        &reports,
        (train_cpu_seconds, evaluate_seconds),
    );
    outcome.timing.baseline_cpu_seconds = baselines.cpu_seconds;
    outcome.hidden_items = hidden;
    outcome.lists = lists;
    outcome.significance =
        significance.map(|(best, test)| json!({ "against": best, "test": test }));
    if let Some(directory) = &flags.run.out {
        trained.model.save(directory, &outcome.quality())?;
        println!("saved to {}", directory.display());
    }
    if let Some(path) = &flags.run.json {
        outcome.write(path)?;
    }
    Ok(())
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
