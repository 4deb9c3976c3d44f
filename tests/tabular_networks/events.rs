//! A transformer over fields and events reads each event whole and in its order, and computes what its definition says.

mod definition;
mod learning;

use burn::tensor::{Device, Tensor};
use rand::RngExt;
use salient::features::tabular::{
    CategoryField, EncodedList, EncodedRows, ListField, NumberField, TabularShape,
};
use salient::model::ModelError;
use salient::parameters::{self, Parameters};
use salient::random::{Mode, RandomKey};
use salient::tasks::tabular::{TabularNetwork, TabularNetworkConfig};
use serde_json::{Value, json};

use self::definition::read_off;
use super::{config, logits, loud};
use crate::support::{assert_close, assert_differ, check_gradients, values};

const DAY: i64 = 86_400_000;
/// Name, number of values, and whether it tells of events.
const LISTS: [(&str, usize, bool); 4] = [
    ("tags", 5, false),
    ("types", 4, true),
    ("amounts", 6, true),
    ("gaps", 3, true),
];
const INSIDE: &str = "interaction.EventTransformer.";

/// A category, a number, a list, and three histories of the same events.
fn shape() -> TabularShape {
    let list = |(name, n_values, is_history): (&str, usize, bool)| ListField {
        name: name.to_owned(),
        n_values,
        shares: None,
        is_history,
    };
    TabularShape {
        categories: vec![CategoryField {
            name: "plan".to_owned(),
            n_values: 5,
        }],
        numbers: vec![NumberField {
            name: "tenure".to_owned(),
            width: 2,
        }],
        lists: LISTS.map(list).to_vec(),
        labels: vec!["left".to_owned()],
    }
}

/// Rows with this many events each.
fn rows(seed: u64, lengths: &[usize]) -> EncodedRows {
    let mut generator = RandomKey::new(seed).generator();
    let mut batch = EncodedRows {
        n_rows: lengths.len(),
        lists: vec![EncodedList::default(); LISTS.len()],
        ..EncodedRows::default()
    };
    for &length in lengths {
        batch.categories.push(generator.random_range(0..5));
        batch.numbers.extend([generator.random::<f32>(), 0.0]);
        let mut age = 0;
        let ages = (0..length).map(|_| {
            age += generator.random_range(0..30 * DAY);
            age
        });
        let mut ages: Vec<i64> = ages.collect();
        ages.reverse();
        for (list, (_, n_values, is_history)) in batch.lists.iter_mut().zip(LISTS) {
            let n = if is_history { length } else { length % 3 };
            for _ in 0..n {
                list.ids.push(generator.random_range(0..n_values as u32));
            }
            match is_history {
                true => list.ages_millis.extend(&ages),
                false => list.ages_millis.extend(vec![0; n]),
            }
            list.offsets.push(list.ids.len());
        }
    }
    batch
}

/// A small network; `with` are settings of its transformer.
fn settings(with: Value) -> TabularNetworkConfig {
    let mut transformer = json!({"n_layers": 2, "n_heads": 2, "d_ff": 5});
    for (setting, value) in with.as_object().unwrap() {
        transformer[setting] = value.clone();
    }
    config(json!({
        "d_embedding": 4,
        "embedding_standard_deviation": 0.5,
        "interaction": {"kind": "event_transformer", "n_positions": 3, "transformer": transformer},
    }))
}

fn init(config: &TabularNetworkConfig, shape: &TabularShape) -> TabularNetwork {
    TabularNetwork::init(config, shape, RandomKey::new(11), &Device::flex()).unwrap()
}

fn network(with: Value) -> TabularNetwork {
    loud(init(&settings(with), &shape()))
}

fn both_poolings() -> [TabularNetwork; 2] {
    ["question", "attention"].map(|pooling| network(json!({"pooling": pooling})))
}

#[test]
fn a_row_has_the_logits_that_it_has_alone_wherever_it_stands() {
    let lengths = [3, 0, 5, 1, 0, 7, 2];
    let batch = rows(1, &lengths);
    let order = [4, 6, 0, 5, 2, 1, 3];
    for network in both_poolings() {
        let together = logits(&network, &batch);
        let moved = logits(&network, &batch.select(&order));
        for (place, &row) in order.iter().enumerate() {
            let alone = logits(&network, &batch.select(&[row]));
            assert_close(&alone, &together[row..=row], 1e-5);
            assert_close(&moved[place..=place], &together[row..=row], 1e-5);
        }
        assert_differ(&together[..1], &together[2..3]);
    }
}

#[test]
fn what_an_event_was_when_it_was_and_which_it_was_all_count() {
    let batch = rows(2, &[4]);
    for network in both_poolings() {
        let before = logits(&network, &batch);
        let mut changed = Vec::new();
        for event in 0..4 {
            for (list, (_, n_values, _)) in LISTS.iter().enumerate().skip(1) {
                let mut other = batch.clone();
                let id = &mut other.lists[list].ids[event];
                *id = (*id + 1) % *n_values as u32;
                changed.push(other);
            }
            let mut older = batch.clone();
            for list in &mut older.lists[1..] {
                list.ages_millis[event] = list.ages_millis[event] * 64 + DAY;
            }
            changed.push(older);
        }
        // The same events at the same times, the last two the other way round.
        let mut turned = batch.clone();
        for list in &mut turned.lists[1..] {
            list.ids.swap(2, 3);
        }
        changed.push(turned);
        for (index, changed) in changed.iter().enumerate() {
            let moved = (logits(&network, changed)[0] - before[0]).abs();
            assert!(moved > 1e-4, "change {index} moves the logit by {moved:e}");
        }
    }
}

#[test]
fn order_counts_among_events_of_one_age() {
    let mut batch = rows(3, &[3]);
    for list in &mut batch.lists[1..] {
        list.ages_millis.fill(DAY);
    }
    let mut turned = batch.clone();
    for list in &mut turned.lists[1..] {
        list.ids.reverse();
    }
    for network in both_poolings() {
        assert_differ(&logits(&network, &batch), &logits(&network, &turned));
    }
}

#[test]
fn gradients_of_every_weight_are_those_of_differences() {
    let batch = rows(4, &[4, 0, 1]);
    let device = Device::flex().autodiff();
    for pooling in ["question", "attention"] {
        let config = settings(json!({"pooling": pooling, "n_layers": 1, "activation": "gelu"}));
        let network = TabularNetwork::init(&config, &shape(), RandomKey::new(11), &device);
        check_gradients(
            loud(network.unwrap()),
            [3, 1],
            |network, shift: Tensor<2>| network.forward(&batch, Mode::Inference) + shift,
        );
    }
}

#[test]
fn rows_without_events_are_read_as_by_a_transformer_over_fields() {
    let batch = rows(6, &[0, 0, 0]);
    for pooling in ["question", "attention"] {
        let settings = settings(json!({"pooling": pooling}));
        let mut ignored = settings.clone();
        ignored.history = serde_json::from_value(json!("ignored")).unwrap();
        let mut of_fields = ignored.clone();
        let transformer = json!({
            "kind": "ft_transformer", "pooling": pooling, "n_layers": 2, "n_heads": 2, "d_ff": 5,
        });
        of_fields.interaction = serde_json::from_value(transformer).unwrap();
        let network = loud(init(&settings, &shape()));
        let weights = parameters::read(&network);
        let without = weights
            .iter()
            .filter(|(name, _)| !name.contains(".events."))
            .map(|(name, weight)| (name.clone(), weight.clone()));
        let without: Parameters = without.collect();
        let renamed = without.iter().map(|(name, weight)| {
            let name = name.replace("EventTransformer.transformer", "FtTransformer");
            (name, weight.clone())
        });
        let of_fields = parameters::write(init(&of_fields, &shape()), renamed.collect()).unwrap();
        let ignored = parameters::write(init(&ignored, &shape()), without).unwrap();
        let expected = logits(&of_fields, &batch);
        assert_eq!(logits(&network, &batch), expected);
        // Where histories are ignored, so are events.
        let with_events = rows(6, &[2, 0, 4]);
        assert_close(
            &logits(&ignored, &with_events),
            &logits(&of_fields, &with_events),
            1e-6,
        );
        assert_differ(
            &logits(&network, &with_events),
            &logits(&ignored, &with_events),
        );
    }
}

#[test]
fn events_alone_are_enough_and_no_event_leaves_the_bias() {
    let mut shape = shape();
    shape.categories.clear();
    shape.numbers.clear();
    shape.lists.remove(0);
    let alone = |lengths: &[usize]| {
        let mut batch = rows(7, lengths);
        batch.categories.clear();
        batch.numbers.clear();
        batch.lists.remove(0);
        batch
    };
    let batch = alone(&[2, 0, 3]);
    for pooling in ["question", "attention"] {
        let network = loud(init(&settings(json!({"pooling": pooling})), &shape));
        let found = logits(&network, &batch);
        assert_differ(&found[..1], &found[2..]);
        let none = logits(&network, &alone(&[0]));
        assert_close(&none, &found[1..2], 1e-6);
        let bias = f64::from(parameters::read(&network)["bias"].values[0]);
        if pooling == "attention" {
            assert_close(&none, &[bias], 1e-6);
        }
    }
}

#[test]
fn embeddings_are_what_the_logits_are_read_from() {
    let batch = rows(8, &[2, 0, 5]);
    for network in both_poolings() {
        let embeddings = network.embeddings(&batch).unwrap();
        assert_eq!(embeddings.dims(), [3, 4]);
        let expected = read_off(&network, &values(embeddings));
        assert_close(&logits(&network, &batch), &expected, 1e-4);
        let none = network.embeddings(&batch.empty_like()).unwrap();
        assert_eq!(none.dims(), [0, 4]);
    }
    for config in super::configs() {
        let network = super::network(&config);
        let embeddings = network.embeddings(&super::rows(1, 5));
        let expected = matches!(
            config.interaction.name(),
            "ft_transformer" | "event_transformer"
        );
        assert_eq!(embeddings.map(|e| e.dims()), expected.then_some([5, 4]));
    }
}

#[test]
fn a_network_is_kept_by_the_names_of_its_weights() {
    let batch = rows(9, &[2, 0, 5]);
    for (network, pooling) in both_poolings().into_iter().zip(["question", "attention"]) {
        let weights = parameters::read(&network);
        let bytes = parameters::to_safetensors(&weights, None).unwrap();
        let read = parameters::from_safetensors(&bytes).unwrap();
        let other = init(&settings(json!({"pooling": pooling})), &shape());
        let loaded = parameters::write(other, read).unwrap();
        assert_eq!(logits(&loaded, &batch), logits(&network, &batch));
        let mut kept: Vec<&str> = weights
            .keys()
            .filter_map(|name| name.strip_prefix(INSIDE))
            .filter(|name| !name.starts_with("transformer.encoder."))
            .collect();
        kept.retain(|name| !name.starts_with("transformer.pooling.attention."));
        let own = match pooling {
            "question" => "transformer.question",
            _ => "transformer.pooling.question",
        };
        let mut expected = vec![
            "events.ages",
            "events.positions",
            "transformer.output.weight",
            own,
        ];
        expected.sort_unstable();
        assert_eq!(kept, expected);
    }
}

#[test]
fn stochastic_depth_leaves_out_branches_in_training_alone() {
    let batch = rows(10, &[2, 0, 5, 3, 3]);
    let still = json!({"attention_dropout": 0.0, "feed_forward_dropout": 0.0});
    let mut deep = still.clone();
    deep["stochastic_depth"] = json!(0.6);
    let (still, deep) = (network(still), network(deep));
    let trained = |network: &TabularNetwork, seed| {
        values(network.forward(&batch, Mode::Training(RandomKey::new(seed))))
    };
    assert_eq!(trained(&still, 1), logits(&still, &batch));
    assert_eq!(logits(&deep, &batch), logits(&still, &batch));
    assert_eq!(trained(&deep, 1), trained(&deep, 1));
    assert_differ(&trained(&deep, 1), &trained(&deep, 2));
    assert_differ(&trained(&deep, 1), &logits(&deep, &batch));
}

#[test]
fn settings_that_describe_no_network_are_refused() {
    let refused = |config: &TabularNetworkConfig, shape: &TabularShape| {
        TabularNetwork::init(config, shape, RandomKey::new(1), &Device::flex()).err()
    };
    let mut without = shape();
    without.lists.truncate(1);
    let network = "event_transformer";
    let error = refused(&settings(json!({})), &without).unwrap();
    assert_eq!(error, ModelError::NoEvents { network });
    assert_eq!(
        error.to_string(),
        "event_transformer reads events, but no list is a history: declare one, or choose another network"
    );
    let mut ignored = settings(json!({}));
    ignored.history = serde_json::from_value(json!("ignored")).unwrap();
    assert_eq!(refused(&ignored, &without), None);
    let (field, value) = ("stochastic_depth", 1.0);
    assert_eq!(
        refused(&settings(json!({"stochastic_depth": 1.0})), &shape()),
        Some(ModelError::DropoutOutOfRange { field, value })
    );
    let (d_model, n_heads) = (4, 3);
    for pooling in ["question", "attention"] {
        let three = settings(json!({"n_heads": 3, "pooling": pooling}));
        let expected = ModelError::HeadsDoNotDivideModel { d_model, n_heads };
        assert_eq!(refused(&three, &shape()), Some(expected));
    }
    let one = config(json!({"interaction": {"kind": network, "n_positions": 1}}));
    let (field, value, least) = ("n_positions", 1, 2);
    let expected = ModelError::TooSmall {
        field,
        value,
        least,
    };
    assert_eq!(refused(&one, &shape()), Some(expected));
    for wrong in [
        json!({"kind": network, "n_layers": 3}),
        json!({"kind": network, "transformer": {"pooling": "mean"}}),
        json!({"kind": "ft_transformer", "stochastic_dept": 0.1}),
    ] {
        let config = json!({"interaction": wrong});
        assert!(serde_json::from_value::<TabularNetworkConfig>(config).is_err());
    }
}

#[test]
#[should_panic(expected = "the histories of a row must be equally long")]
fn histories_of_different_lengths_are_refused() {
    let mut batch = rows(11, &[2, 1]);
    batch.lists[2].offsets = vec![0, 1, 3];
    logits(&network(json!({})), &batch);
}

#[test]
#[should_panic(expected = "positions by age need the age of each value of a history")]
fn histories_without_ages_are_refused() {
    let mut batch = rows(11, &[2, 1]);
    batch.lists[1].ages_millis.clear();
    logits(&network(json!({})), &batch);
}
