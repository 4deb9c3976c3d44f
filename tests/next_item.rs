//! A recommender learns what follows what, the same way every time, and answers or refuses as it says.

use burn::tensor::Device;
use salient::data::synthetic::{Shop, ShopConfig};
use salient::data::{InteractionRow, Interactions, Split, SplitRule};
use salient::parameters::{self, Parameters};
use salient::tasks::next_item::{NextItemConfig, NextItemData, Recommender, fit};
use salient::training::{EpochRecord, Trained, Trainer, TrainingConfig};

/// What a recommender answers, and how it says what it could not use.
mod answers;

/// It is fine-tuned in some of its parts.
mod frozen;

/// What it learns, by every loss, from every kind of data.
mod learning;

/// Weights that were trained in PyTorch give PyTorch's numbers.
mod pytorch;

/// The published recipes, their losses and what they read of an event.
mod recipes;

/// What they refuse to read, by name.
mod recipe_refusals;

/// What is known of items and users beside their ids.
mod side_tables;

/// Training that goes on where another ended.
mod updates;

/// What it refuses, by name.
mod refusals;

/// The same seed, an interruption and a file change nothing.
mod repeatable;

/// A search is repeatable, goes on where it was interrupted, and never reads the test part.
mod search;

/// A shop so small that a run takes about a second.
fn shop() -> Interactions {
    let config = ShopConfig {
        n_users: 240,
        n_items: 60,
        n_categories: 6,
        n_styles: 2,
        mean_events: 14.0,
        max_events: 30,
        ..ShopConfig::default()
    };
    let shop = Shop::simulate(&config, 3).unwrap();
    Interactions::from_rows(shop.interactions()).unwrap()
}

/// The events of each user in turn, a second apart.
fn log_of(users: &[Vec<u32>]) -> Interactions {
    let rows = users.iter().enumerate().flat_map(|(user, items)| {
        items
            .iter()
            .enumerate()
            .map(move |(time, item)| InteractionRow {
                user: format!("user {user}"),
                item: format!("item {item}"),
                time_utc_millis: 1_000 * time as i64,
                ..InteractionRow::default()
            })
    });
    Interactions::from_rows(rows).unwrap()
}

/// The last event of each user for testing, the one before for validation.
fn leave_one_out(log: &Interactions) -> NextItemData {
    let split = Split::new(log, SplitRule::LeaveOneOut).unwrap();
    NextItemData::new(log, &split).unwrap()
}

fn shop_data() -> NextItemData {
    leave_one_out(&shop())
}

/// A small model that trains for so many epochs.
fn config(max_epochs: usize) -> NextItemConfig {
    NextItemConfig {
        d_model: 16,
        n_heads: 2,
        d_ff: 16,
        max_len: 20,
        training: TrainingConfig {
            seed: 11,
            max_epochs,
            batch_size: 32,
            learning_rate: 0.01,
            patience: None,
            ..NextItemConfig::default().training
        },
        ..NextItemConfig::default()
    }
}

fn run(config: &NextItemConfig, data: &NextItemData) -> Trained<Recommender> {
    let trainer = Trainer::new(config.training.clone());
    fit(config, data, trainer, &Device::flex()).unwrap()
}

/// A recommender for the shop.
fn recommender(max_epochs: usize) -> Recommender {
    run(&config(max_epochs), &shop_data()).model
}

/// Everything about a run that must not depend on time or threads.
fn result(trained: &Trained<Recommender>) -> (Parameters, Vec<EpochRecord>, Option<usize>, u64) {
    let untimed = |record: &EpochRecord| EpochRecord {
        seconds: None,
        ..record.clone()
    };
    (
        parameters::read(trained.model.model()),
        trained.history.iter().map(untimed).collect(),
        trained.best_epoch,
        trained.steps,
    )
}

/// Mean training loss of the first and of the last epoch.
fn first_and_last_loss(trained: &Trained<Recommender>) -> (f64, f64) {
    let loss = |record: Option<&EpochRecord>| record.unwrap().train_loss;
    (loss(trained.history.first()), loss(trained.history.last()))
}

/// The ids of the first `n` items of the catalogue.
fn first_items(recommender: &Recommender, n: usize) -> Vec<String> {
    recommender.catalogue().ids()[..n].to_vec()
}
