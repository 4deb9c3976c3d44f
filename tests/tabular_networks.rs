//! Networks of tables compute what their definitions and PyTorch say, for any rows, and keep the promises of a
//! classifier.

mod events;
mod pytorch;
mod refusals;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use salient::features::tabular::{
    CategoryField, EncodedList, EncodedRows, ListField, MISSING, NumberField, TabularShape, UNKNOWN,
};
use salient::parameters;
use salient::random::{Mode, RandomKey};
use salient::tasks::tabular::{
    AutoIntConfig, EventTransformerConfig, InteractionConfig, PenaltyRows, Pooling, TabularNetwork,
    TabularNetworkConfig,
};
use salient::training::{Optimiser, TrainingConfig};
use serde_json::json;

use crate::support::{assert_close, assert_differ, check_gradients, values};

/// Two categories, two fields of numbers, a list with values of its own and a history of the first category; two labels.
fn shape() -> TabularShape {
    let category = |name: &str, n_values| CategoryField {
        name: name.to_owned(),
        n_values,
    };
    let number = |name: &str, width| NumberField {
        name: name.to_owned(),
        width,
    };
    let list = |name: &str, n_values, shares: Option<usize>| ListField {
        name: name.to_owned(),
        n_values,
        shares,
        is_history: shares.is_some(),
    };
    TabularShape {
        categories: vec![category("item", 7), category("site", 3)],
        numbers: vec![number("age", 2), number("visits", 3)],
        lists: vec![list("tags", 5, None), list("clicks", 7, Some(0))],
        labels: vec!["clicked".to_owned(), "bought".to_owned()],
    }
}

/// Rows of that shape. The first has no values in its lists.
fn rows(seed: u64, n_rows: usize) -> EncodedRows {
    let mut generator = RandomKey::new(seed).generator();
    let mut batch = EncodedRows {
        n_rows,
        lists: vec![EncodedList::default(); 2],
        ..EncodedRows::default()
    };
    for row in 0..n_rows {
        batch.categories.push(generator.random_range(0..7));
        batch.categories.push(generator.random_range(0..3));
        for width in [2, 3] {
            let is_missing = generator.random_bool(0.3);
            for _ in 0..width - 1 {
                let number: f32 = generator.random::<f32>() * 4.0 - 2.0;
                batch.numbers.push(if is_missing { 0.0 } else { number });
            }
            batch.numbers.push(f32::from(is_missing));
        }
        for (list, n_values) in batch.lists.iter_mut().zip([5, 7]) {
            let length = generator.random_range(0..4) * usize::from(row > 0);
            for _ in 0..length {
                list.ids.push(generator.random_range(0..n_values));
                list.ages_millis.push(generator.random_range(0..10_000_000));
            }
            list.offsets.push(list.ids.len());
        }
        batch
            .labels
            .extend([(); 2].map(|()| f32::from(generator.random_bool(0.5))));
    }
    batch
}

/// One row of several.
fn row(batch: &EncodedRows, row: usize) -> EncodedRows {
    let lists = batch.lists.iter().map(|list| {
        let range = list.offsets[row]..list.offsets[row + 1];
        EncodedList {
            offsets: vec![0, range.len()],
            ids: list.ids[range.clone()].to_vec(),
            ages_millis: list.ages_millis[range].to_vec(),
        }
    });
    EncodedRows {
        n_rows: 1,
        categories: batch.categories[row * 2..row * 2 + 2].to_vec(),
        numbers: batch.numbers[row * 5..row * 5 + 5].to_vec(),
        lists: lists.collect(),
        ..EncodedRows::default()
    }
}

fn config(json: serde_json::Value) -> TabularNetworkConfig {
    serde_json::from_value(json).unwrap()
}

/// A small network of each kind, every option in one of them; no kinks, so that gradients exist everywhere.
fn configs() -> Vec<TabularNetworkConfig> {
    let mlp = json!({"widths": [5, 3], "activation": "silu"});
    let normed = json!({"widths": [5], "activation": "swiglu", "norm": "layer", "dropout": 0.2});
    let periodic = json!({"n_frequencies": 3, "standard_deviation": 0.5});
    let interactions = [
        json!({"kind": "lr"}),
        json!({"kind": "fm"}),
        json!({"kind": "mlp", "widths": [5], "activation": "gelu"}),
        json!({"kind": "autoint", "n_layers": 2, "n_heads": 3, "d_attention": 6}),
        json!({"kind": "autoint", "n_layers": 1, "d_attention": 4, "scaled": true, "dropout": 0.3, "mlp": normed}),
        json!({"kind": "ft_transformer", "n_layers": 2, "n_heads": 2, "d_ff": 5}),
        json!({"kind": "dcn_v2", "n_layers": 2, "mlp": mlp}),
        json!({"kind": "dcn_v2", "n_layers": 1, "rank": 3, "structure": "stacked", "mlp": mlp}),
        json!({"kind": "dcn_v2", "n_layers": 2, "mlp": null}),
        json!({"kind": "final_mlp", "mlp_1": {"widths": [6], "activation": "silu"},
            "mlp_2": {"widths": [4], "activation": "silu"}, "n_heads": 2, "d_gate": 3, "context_2": ["age", "item"]}),
        json!({"kind": "din", "attention": mlp, "mlp": mlp}),
        json!({"kind": "bst", "n_heads": 2, "d_ff": 5, "activation": "gelu", "mlp": mlp}),
        json!({"kind": "bst", "n_heads": 1, "d_ff": 3, "activation": "silu", "positions": "age", "n_positions": 5,
            "mlp": mlp}),
        json!({"kind": "ft_transformer", "n_layers": 1, "n_heads": 2, "d_ff": 5, "pooling": "attention"}),
        json!({"kind": "event_transformer", "n_positions": 3,
            "transformer": {"n_layers": 1, "n_heads": 2, "d_ff": 5}}),
    ];
    let with_all = |(index, interaction): (usize, serde_json::Value)| {
        config(json!({
            "d_embedding": 4,
            "embedding_standard_deviation": 0.5,
            "first_order": index % 2 == 0,
            "periodic": if index % 3 == 2 { periodic.clone() } else { json!(null) },
            "interaction": interaction,
        }))
    };
    interactions.into_iter().enumerate().map(with_all).collect()
}

fn network(config: &TabularNetworkConfig) -> TabularNetwork {
    network_on(config, &Device::flex())
}

fn network_on(config: &TabularNetworkConfig, device: &Device) -> TabularNetwork {
    TabularNetwork::init(config, &shape(), RandomKey::new(11), device).unwrap()
}

fn logits(network: &TabularNetwork, rows: &EncodedRows) -> Vec<f64> {
    values(network.forward(rows, Mode::Inference))
}

/// A row with values in every list.
fn full_row() -> EncodedRows {
    let mut candidates = (0..20).map(|index| row(&rows(4, 20), index));
    let is_full = |row: &EncodedRows| row.lists.iter().all(|list| !list.ids.is_empty());
    candidates.find(is_full).unwrap()
}

/// Enlarges what `head` draws small, so that every part of a network shows in its logits.
fn loud(network: TabularNetwork) -> TabularNetwork {
    let mut weights = parameters::read(&network);
    for (name, weight) in &mut weights {
        if name.contains("output") || name.contains("linear_") || name.ends_with("bias") {
            for (index, number) in weight.values.iter_mut().enumerate() {
                *number = *number * 50.0 + (index % 5) as f32 * 0.1 - 0.17;
            }
        }
    }
    parameters::write(network, weights).unwrap()
}

#[test]
fn each_row_gets_a_logit_for_each_label() {
    let batch = rows(1, 11);
    for config in configs() {
        let network = network(&config);
        let logits = network.forward(&batch, Mode::Inference);
        assert_eq!(logits.dims(), [11, 2], "{}", config.interaction.name());
        assert!(values(logits).iter().all(|logit| logit.is_finite()));
        let none = network.forward(&rows(1, 0), Mode::Inference);
        assert_eq!(none.dims(), [0, 2]);
    }
}

#[test]
fn gradients_of_every_weight_are_those_of_differences() {
    let mut batch = rows(2, 5);
    // Large numbers make fast waves, of which differences are too coarse a measure.
    batch.numbers.iter_mut().for_each(|number| *number *= 0.25);
    for mut config in configs() {
        config.embedding_penalty = 0.3;
        let network = loud(network_on(&config, &Device::flex().autodiff()));
        check_gradients(network, [5, 2], |network, shift: Tensor<2>| {
            let penalty = network.penalty(&batch).unwrap();
            let [_, n_labels] = shift.dims();
            network.forward(&batch, Mode::Inference)
                + shift
                + penalty.reshape([1, 1]).repeat_dim(1, n_labels)
        });
    }
}

#[test]
fn a_row_alone_has_the_logits_that_it_has_in_a_batch() {
    let batch = rows(3, 7);
    for config in configs() {
        let network = loud(network(&config));
        let together = logits(&network, &batch);
        for (index, expected) in together.chunks(2).enumerate() {
            assert_close(&logits(&network, &row(&batch, index)), expected, 1e-5);
        }
        assert_differ(&together[..2], &together[4..6]);
    }
}

#[test]
fn every_field_is_read() {
    let batch = full_row();
    let change = |number: &mut u32| *number = (*number + 1) % 3;
    for config in configs() {
        let name = config.interaction.name();
        let network = loud(network(&config));
        let before = logits(&network, &batch);
        let mut changed = vec![batch.clone(); 5];
        changed[0].categories[0] = (batch.categories[0] + 1) % 7;
        change(&mut changed[1].categories[1]);
        changed[2].numbers[3] += 1.0;
        change(&mut changed[3].lists[0].ids[0]);
        changed[4].lists[1].ids[0] = (batch.lists[1].ids[0] + 1) % 7;
        for (field, changed) in changed.iter().enumerate() {
            let apart = logits(&network, changed)
                .iter()
                .zip(&before)
                .any(|(a, b)| (a - b).abs() > 1e-5);
            assert!(apart, "{name} does not read field {field}");
        }
    }
}

#[test]
fn the_order_of_a_history_counts_where_positions_do() {
    let mut batch = full_row();
    batch.lists[1] = EncodedList {
        offsets: vec![0, 3],
        ids: vec![2, 5, 3],
        ages_millis: vec![9_000_000, 100_000, 20],
    };
    let mut turned = batch.clone();
    turned.lists[1].ids.reverse();
    for config in configs() {
        let network = loud(network(&config));
        let found = [&batch, &turned].map(|rows| logits(&network, rows));
        if ["bst", "event_transformer"].contains(&config.interaction.name()) {
            let apart = found[0]
                .iter()
                .zip(&found[1])
                .any(|(a, b)| (a - b).abs() > 1e-5);
            assert!(apart);
        } else {
            assert_close(&found[0], &found[1], 1e-5);
        }
    }
}

#[test]
fn a_history_that_is_ignored_changes_nothing() {
    let batch = rows(5, 7);
    let mut other = batch.clone();
    for id in &mut other.lists[1].ids {
        *id = (*id + 1) % 7;
    }
    for mut config in configs() {
        config.history = serde_json::from_value(json!("ignored")).unwrap();
        let network = loud(network(&config));
        assert_eq!(logits(&network, &batch), logits(&network, &other));
    }
}

#[test]
fn no_values_are_read_as_missing_and_strange_ones_as_unknown() {
    let mut empty = row(&rows(6, 1), 0);
    empty.categories = vec![UNKNOWN, UNKNOWN];
    empty.numbers = vec![0.0, 1.0, 0.0, 0.0, 1.0];
    let mut missing = empty.clone();
    for list in &mut missing.lists {
        (list.offsets, list.ids, list.ages_millis) = (vec![0, 1], vec![MISSING], vec![0]);
    }
    for config in configs() {
        let network = loud(network(&config));
        let found = [&empty, &missing].map(|rows| logits(&network, rows));
        assert!(found[0].iter().all(|logit| logit.is_finite()));
        match config.interaction.name() {
            // An event of a missing item is an event; an empty history has none.
            "din" | "bst" => assert!(
                network
                    .history_weights(&empty)
                    .iter()
                    .all(|w| w.dims() == [0, 1])
            ),
            "event_transformer" => assert_differ(&found[0], &found[1]),
            _ => assert_close(&found[0], &found[1], 1e-6),
        }
    }
}

/// Cross-entropy of labels, the mean over all.
fn loss(logits: Tensor<2>, labels: &[f32]) -> Tensor<1> {
    let labels = TensorData::new(labels.to_vec(), logits.dims());
    let labels = Tensor::<2>::from_data(labels, &logits.device());
    let softplus = logits.clone().clamp_min(0.0) + logits.clone().abs().neg().exp().log1p();
    (softplus - logits * labels).mean()
}

#[test]
fn a_batch_can_be_learnt_by_heart() {
    let batch = rows(7, 32);
    let device = Device::flex().autodiff();
    for mut config in configs() {
        config.d_embedding = 12;
        let name = config.interaction.name();
        let mut network = network_on(&config, &device).train();
        let mut optimiser = Optimiser::new(&TrainingConfig::default());
        for _ in 0..300 {
            let logits = network.forward(&batch, Mode::Inference);
            let loss = loss(logits, &batch.labels);
            network = optimiser.step(network, &loss, 0.02).unwrap();
        }
        let found = values(loss(
            network.forward(&batch, Mode::Inference),
            &batch.labels,
        ))[0];
        // A sum of weights cannot tell all rows apart.
        let bound = if name == "lr" { 0.6 } else { 0.1 };
        assert!(found < bound, "{name} has a loss of {found}");
    }
}

#[test]
fn dropout_acts_in_training_alone() {
    let batch = rows(8, 7);
    let kinds = [
        json!({"kind": "mlp", "dropout": 0.5}),
        json!({"kind": "autoint", "dropout": 0.5}),
        json!({"kind": "ft_transformer", "n_heads": 2}),
        json!({"kind": "event_transformer", "transformer": {"n_heads": 2}}),
        json!({"kind": "dcn_v2", "mlp": {"dropout": 0.5}}),
        json!({"kind": "final_mlp", "mlp_2": {"dropout": 0.5}}),
        json!({"kind": "din", "attention": {"dropout": 0.5}}),
        json!({"kind": "din", "mlp": {"dropout": 0.5}}),
        json!({"kind": "bst", "n_heads": 2}),
    ];
    for interaction in kinds {
        let config = config(json!({
            "d_embedding": 4, "embedding_standard_deviation": 0.5, "interaction": interaction,
        }));
        let network = loud(network(&config));
        let trained = |seed| values(network.forward(&batch, Mode::Training(RandomKey::new(seed))));
        assert_eq!(logits(&network, &batch), logits(&network, &batch));
        assert_eq!(trained(1), trained(1));
        assert_differ(&trained(1), &trained(2));
        assert_differ(&trained(1), &logits(&network, &batch));
    }
}

#[test]
fn a_fresh_network_answers_with_the_base_rate() {
    let batch = rows(9, 7);
    for mut config in configs() {
        config.embedding_standard_deviation = None;
        let network = network(&config).set_base_rate(&[0.03, 0.4]).unwrap();
        for (index, logit) in logits(&network, &batch).into_iter().enumerate() {
            let (rate, expected) = (1.0 / (1.0 + (-logit).exp()), [0.03, 0.4][index % 2]);
            let name = config.interaction.name();
            assert!((rate / expected - 1.0).abs() < 0.2, "{name} answers {rate}");
        }
    }
}

#[test]
fn the_penalty_is_half_the_sum_of_squares_of_the_vectors_that_a_batch_names() {
    // Item, site and tags lie one after the other; clicks have the rows of items. The first row of a batch has no values in
    // its lists.
    let batch = rows(4, 3);
    let mut named = vec![MISSING, 10 + MISSING];
    for items_and_site in batch.categories.chunks(2) {
        named.extend([items_and_site[0], 7 + items_and_site[1]]);
    }
    named.extend(&batch.lists[1].ids);
    named.extend(batch.lists[0].ids.iter().map(|id| 10 + id));
    for list in &batch.lists {
        assert!(!list.ids.is_empty());
    }
    named.sort_unstable();
    named.dedup();
    assert!(named.len() < 15);
    let all: Vec<u32> = (0..15).collect();
    for mut config in configs() {
        assert!(network(&config).penalty(&batch).is_none());
        config.embedding_penalty = 0.01;
        for (rows, named) in [(PenaltyRows::Touched, &named), (PenaltyRows::All, &all)] {
            config.penalty_rows = rows;
            let network = network(&config);
            let weights = parameters::read(&network);
            let tables = ["fields.table", "first_order.table"];
            let squares = tables
                .into_iter()
                .filter_map(|table| weights.get(table))
                .flat_map(|table| {
                    let width = table.shape[1];
                    assert_eq!(table.shape[0], 15);
                    let row = move |&row: &u32| &table.values[row as usize * width..][..width];
                    named
                        .iter()
                        .flat_map(row)
                        .map(|number| f64::from(number * number))
                });
            let expected = 0.005 * squares.sum::<f64>();
            let found = values(network.penalty(&batch).unwrap());
            assert!(expected > 0.0);
            assert_close(&found, &[expected], 1e-6);
        }
    }
}

#[test]
fn attention_weights_sum_to_one_where_there_is_attention() {
    let batch = rows(10, 5);
    let longest = batch.lists[1]
        .offsets
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap();
    for config in configs() {
        let weights = network(&config).attention_weights(&batch);
        let expected = match &config.interaction {
            InteractionConfig::Autoint(AutoIntConfig {
                n_layers, n_heads, ..
            }) => Some((*n_layers, *n_heads, 6)),
            InteractionConfig::FtTransformer(config) => {
                let asks = usize::from(config.pooling == Pooling::Question);
                Some((config.n_layers, config.n_heads, 6 + asks))
            }
            InteractionConfig::EventTransformer(EventTransformerConfig { transformer, .. }) => {
                // The vector that asks and five fields.
                Some((transformer.n_layers, transformer.n_heads, 6 + longest))
            }
            InteractionConfig::Bst(config) => Some((config.n_layers, config.n_heads, longest + 1)),
            _ => None,
        };
        let Some((n_layers, n_heads, n_tokens)) = expected else {
            assert!(weights.is_empty());
            continue;
        };
        assert_eq!(weights.len(), n_layers);
        for weights in weights {
            assert_eq!(weights.dims(), [5, n_heads, n_tokens, n_tokens]);
            for sum in values(weights.sum_dim(3)) {
                assert!(
                    (sum - 1.0).abs() < 1e-5 || sum == 0.0,
                    "weights sum to {sum}"
                );
            }
        }
    }
}
