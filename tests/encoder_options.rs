//! Residual gates and pointwise attention compute what their definitions and PyTorch do, and keep the encoder's promises.

use burn::tensor::{Device, Tensor};
use salient::device;
use salient::model::attention::{
    AttentionInput, MultiHeadAttentionConfig, PointwiseConfig, RelativePositionBiasConfig,
    TimeIntervalBiasConfig,
};
use salient::model::encoder::{
    Activation, EncoderBlock, EncoderBlockConfig, EncoderConfig, NormOrder,
};
use salient::ops::attention::Direction;
use salient::parameters::{self, NamedTensor, Parameters};
use salient::random::{Mode, RandomKey};
use salient::sequence::{Offsets, PackedSequences};

use crate::support::{
    assert_close, assert_differ, attention_weights, check_gradients, golden, golden_tensor,
    golden_values, golden_weights, joined_part, lengths, linear_weights, norm_weights, numbers,
    tensor, transposed, values,
};

/// Blocks by their definition, in plain Rust.
mod definition;

/// Golden values from PyTorch.
mod pytorch;

/// f32 forward passes; products are summed in another order than PyTorch's.
const TOLERANCE: f64 = 1e-5;

/// When the rows of [`batch`] happened.
const TIMES: [i64; 7] = [0, 9_000, 5, 1_000, 70_000, 70_001, 9_000_000];

fn key() -> RandomKey {
    RandomKey::new(5)
}

/// Small and without dropout.
fn block() -> EncoderBlockConfig {
    EncoderBlockConfig::new(6, 3, 5).with_dropout(0.0)
}

fn gated() -> EncoderBlockConfig {
    block().with_residual_gate(true)
}

/// A layer of HSTU with biases by position and time.
fn hstu() -> EncoderBlockConfig {
    block()
        .with_feed_forward(false)
        .with_direction(Direction::Causal)
        .with_pointwise(Some(PointwiseConfig::new(4)))
        .with_relative_position(Some(RelativePositionBiasConfig::new().with_n_buckets(3)))
        .with_time_interval(Some(TimeIntervalBiasConfig::new().with_n_buckets(5)))
}

/// Every option, alone and together.
fn configs() -> Vec<(&'static str, EncoderBlockConfig)> {
    let gated = gated().with_direction(Direction::Causal);
    vec![
        ("gated", gated.clone()),
        ("gated post", gated.with_norm_order(NormOrder::Post)),
        ("hstu", hstu()),
        ("gated hstu", hstu().with_residual_gate(true)),
        ("hstu and feed-forward", hstu().with_feed_forward(true)),
        (
            "attention alone",
            block()
                .with_feed_forward(false)
                .with_direction(Direction::Causal),
        ),
    ]
}

/// Seven rows in three sequences, the second of them empty.
fn batch(device: &Device) -> AttentionInput {
    let offsets = Offsets::from_lengths([2, 0, 5]);
    let rows = tensor(1, [7, 6], device);
    AttentionInput::with_times(PackedSequences::new(rows, offsets), TIMES)
}

fn rows(sequences: &PackedSequences) -> Vec<f64> {
    values(sequences.rows())
}

/// A block with no weight left at one or zero.
fn disturbed(config: &EncoderBlockConfig, device: &Device) -> EncoderBlock {
    let block = config.init(key(), device).unwrap();
    let mut weights = parameters::read(&block);
    for (seed, tensor) in (200..).zip(weights.values_mut()) {
        let moves = numbers(seed, tensor.values.len());
        for (value, by) in tensor.values.iter_mut().zip(moves) {
            *value += by as f32 * 0.4;
        }
    }
    parameters::write(block, weights).unwrap()
}

#[test]
fn a_closed_gate_lets_nothing_through_and_an_open_one_all() {
    let device = Device::flex();
    let with_gates_at = |bias: f32| {
        let block = gated().init(key(), &device).unwrap();
        let mut weights = parameters::read(&block);
        for part in ["attention_gate", "feed_forward_gate"] {
            weights.get_mut(&format!("{part}.bias")).unwrap().values = vec![bias; 6];
        }
        let block = parameters::write(block, weights).unwrap();
        rows(&block.forward(batch(&device), Mode::Inference))
    };
    let input = rows(&batch(&device).sequences);
    assert_close(&with_gates_at(-50.0), &input, TOLERANCE);
    let plain = block().init(key(), &device).unwrap();
    let plain = rows(&plain.forward(batch(&device), Mode::Inference));
    assert_close(&with_gates_at(50.0), &plain, TOLERANCE);
    assert_differ(&with_gates_at(0.0), &plain);
}

#[test]
fn weights_are_named_by_the_job_of_their_part() {
    let names = |config: EncoderBlockConfig| -> Vec<String> {
        let block = config.with_bias(false).init(key(), &Device::flex());
        parameters::read(&block.unwrap()).into_keys().collect()
    };
    let expected = [
        "attention.key.weight",
        "attention.output.weight",
        "attention.pointwise.gate.weight",
        "attention.pointwise.norm.beta",
        "attention.pointwise.norm.gamma",
        "attention.query.weight",
        "attention.relative_position.table",
        "attention.time_interval.table",
        "attention.value.weight",
        "attention_gate.weight",
        "attention_norm.beta",
        "attention_norm.gamma",
    ];
    assert_eq!(names(hstu().with_residual_gate(true)), expected);
    let both = names(gated());
    assert!(
        both.contains(&"feed_forward_gate.weight".to_owned()),
        "{both:?}"
    );
}

#[test]
fn options_that_are_off_change_no_weight() {
    let weights = |config: EncoderBlockConfig| {
        parameters::read(&config.init(key(), &Device::flex()).unwrap())
    };
    let plain = weights(block());
    for (name, NamedTensor { values, .. }) in weights(gated()) {
        if !name.contains("gate") {
            assert_eq!(plain[&name].values, values, "{name}");
        }
    }
    for (name, NamedTensor { values, .. }) in weights(block().with_feed_forward(false)) {
        assert_eq!(plain[&name].values, values, "{name}");
    }
}

#[test]
fn a_config_survives_json() {
    let config = EncoderConfig::new(hstu().with_residual_gate(true), 3);
    let text = serde_json::to_string(&config).unwrap();
    assert!(text.contains("\"pointwise\":{\"divisor\":4}"), "{text}");
    let back: EncoderConfig = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
}

fn encode(
    config: &EncoderBlockConfig,
    input: AttentionInput,
    mode: Mode,
    device: &Device,
) -> Vec<f64> {
    let encoder = EncoderConfig::new(config.clone(), 2).init(key(), device);
    rows(&encoder.unwrap().forward(input, mode))
}

#[test]
fn a_sequence_alone_equals_itself_in_a_batch() {
    let device = Device::flex();
    for (_, config) in configs() {
        let together = encode(&config, batch(&device), Mode::Inference, &device);
        for range in [0..2, 2..2, 2..7] {
            let alone = PackedSequences::new(
                batch(&device).sequences.rows().slice([range.clone()]),
                Offsets::from_lengths([range.len()]),
            );
            let alone = AttentionInput::with_times(alone, &TIMES[range.clone()]);
            let alone = encode(&config, alone, Mode::Inference, &device);
            assert_close(&alone, &together[range.start * 6..range.end * 6], 1e-6);
        }
    }
}

#[test]
fn padding_changes_nothing() {
    let device = Device::flex();
    let untimed = configs()
        .into_iter()
        .map(|(_, config)| config.with_time_interval(None));
    for config in untimed {
        let encoder = EncoderConfig::new(config, 2).init(key(), &device).unwrap();
        let packed =
            PackedSequences::new(tensor(1, [7, 6], &device), Offsets::from_lengths([2, 5]));
        let expected = rows(&encoder.forward(packed.clone(), Mode::Inference));
        for garbage in [0.0, 1e6, f32::NAN] {
            let padding = Tensor::full([2, 4, 6], garbage, &device);
            let dense = Tensor::cat(vec![packed.to_dense(), padding], 1);
            let dense = dense.slice_assign([0..1, 2..5], Tensor::full([1, 3, 6], garbage, &device));
            let found = values(encoder.forward_dense(dense, &[2, 5], Mode::Inference));
            assert_close(&found[..12], &expected[..12], 1e-6);
            assert!(found[12..54].iter().all(|&value| value == 0.0));
            assert_close(&found[54..84], &expected[12..], 1e-6);
        }
    }
}

#[test]
fn no_position_sees_its_future() {
    let device = Device::flex();
    for (_, config) in configs() {
        let expected = encode(&config, batch(&device), Mode::Inference, &device);
        let mut changed = batch(&device);
        let row = tensor::<2>(9, [1, 6], &device);
        let after = changed.sequences.rows().slice_assign([5..6, 0..6], row);
        changed.sequences = changed.sequences.with_rows(after);
        let found = encode(&config, changed, Mode::Inference, &device);
        assert_close(&found[..30], &expected[..30], 0.0);
        assert_differ(&found[30..36], &expected[30..36]);
        assert_differ(&found[36..], &expected[36..]);
    }
}

#[test]
fn dropout_is_off_at_inference_and_repeatable_in_training() {
    let device = Device::flex();
    for (name, none) in configs() {
        let expected = encode(&none, batch(&device), Mode::Inference, &device);
        for config in [
            none.clone().with_residual_dropout(0.5),
            none.clone().with_attention_dropout(0.5),
            none.clone().with_stochastic_depth(0.5),
            none.clone().with_dropout(0.5),
        ] {
            let run = |mode| encode(&config, batch(&device), mode, &device);
            let training = |seed| run(Mode::Training(RandomKey::new(seed)));
            assert_close(&run(Mode::Inference), &expected, 0.0);
            assert_close(&training(1), &training(1), 0.0);
            let others = (2..12).filter(|&seed| training(seed) != training(1));
            assert!(others.count() >= 5, "{name}: other keys drop the same");
        }
    }
}

#[test]
fn training_drops_numbers_of_the_gated_context() {
    let device = Device::flex();
    let config = MultiHeadAttentionConfig::new(64, 1)
        .with_bias(false)
        .with_dropout(0.5)
        .with_pointwise(Some(PointwiseConfig::new(1)));
    let attention = config.init(key(), &device).unwrap();
    let mut weights = parameters::read(&attention);
    let identity = (0..64 * 64).map(|index| f32::from(u8::from(index % 65 == 0)));
    weights.get_mut("output.weight").unwrap().values = identity.collect();
    let attention = parameters::write(attention, weights).unwrap();
    let run = |mode| {
        let row = PackedSequences::new(tensor(1, [1, 64], &device), Offsets::from_lengths([1]));
        rows(&attention.forward(row, mode))
    };
    let expected = run(Mode::Inference);
    let (mut n_empty, mut n_zeros) = (0, Vec::new());
    for seed in 0..40 {
        let found = run(Mode::Training(RandomKey::new(seed)));
        if found.iter().all(|&value| value == 0.0) {
            // The only weight was dropped.
            n_empty += 1;
            continue;
        }
        n_zeros.push(found.iter().filter(|&&value| value == 0.0).count());
        for (found, expected) in found.iter().zip(&expected) {
            // The norm undoes what a kept weight was enlarged by.
            let kept = (found - 2.0 * expected).abs() < 1e-3;
            assert!(*found == 0.0 || kept, "{found} from {expected}");
        }
    }
    // Four standard deviations around 20 of 40, and around 32 of 64.
    assert!((8..=32).contains(&n_empty), "{n_empty}");
    assert!(n_zeros.iter().all(|n| (16..=48).contains(n)), "{n_zeros:?}");
}

#[test]
fn a_last_row_asked_alone_gets_its_answer_in_the_sequence() {
    let device = Device::flex();
    let config = MultiHeadAttentionConfig::new(6, 3)
        .with_direction(Direction::Causal)
        .with_pointwise(Some(PointwiseConfig::new(5)))
        .with_relative_position(Some(RelativePositionBiasConfig::new().with_n_buckets(3)));
    let attention = config.init(key(), &device).unwrap();
    let sequences = batch(&device).sequences;
    let all = rows(&attention.forward(sequences.clone(), Mode::Inference));
    let ask = |row: usize| sequences.rows().narrow(0, row, 1);
    let queries = Tensor::cat(vec![ask(1), ask(0), ask(6)], 0);
    let queries = PackedSequences::new(queries, Offsets::uniform(3, 1));
    let alone = rows(&attention.forward_cross(queries, sequences, Mode::Inference));
    assert_close(&alone[..6], &all[6..12], TOLERANCE);
    assert_eq!(alone[6..12], [0.0; 6], "nothing to see");
    assert_close(&alone[12..], &all[36..], TOLERANCE);
}

#[test]
fn flex_and_ndarray_agree() {
    let run = |name: &str| {
        let device = device::pick(name).unwrap();
        let training = Mode::Training(RandomKey::new(8));
        let all = configs().into_iter().flat_map(|(_, config)| {
            let dropped = config.clone().with_dropout(0.3).with_stochastic_depth(0.3);
            [
                encode(&config, batch(&device), Mode::Inference, &device),
                encode(&dropped, batch(&device), training, &device),
            ]
        });
        all.collect::<Vec<_>>()
    };
    for (flex, ndarray) in run("flex").iter().zip(&run("ndarray")) {
        assert!(flex.iter().all(|value| value.is_finite()));
        assert_close(flex, ndarray, 5e-5);
    }
}

#[test]
fn an_empty_batch_gives_an_empty_one() {
    let device = Device::flex();
    for (_, config) in configs() {
        let none = PackedSequences::new(Tensor::zeros([0, 6], &device), Offsets::uniform(2, 0));
        let none = AttentionInput::with_times(none, []);
        assert_eq!(encode(&config, none, Mode::Inference, &device), [0.0; 0]);
    }
}

#[test]
fn gradients_of_every_option_are_right() {
    let device = Device::flex().autodiff();
    let offsets = Offsets::from_lengths([3, 1]);
    for (_, config) in configs() {
        let block = disturbed(&config, &device);
        check_gradients(block, [4, 6], |block, x: Tensor<2>| {
            let sequences = PackedSequences::new(x, offsets.clone());
            let input = AttentionInput::with_times(sequences, &TIMES[..4]);
            block.forward(input, Mode::Inference).rows()
        });
    }
}
