//! The encoder computes what PyTorch's does and keeps its promises about order, visibility and dropout.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors};
use salient::device;
use salient::model::attention::{
    AttentionInput, AttentionPoolingConfig, RelativePositionBiasConfig, TargetAttentionConfig,
    TimeIntervalBiasConfig, mask,
};
use salient::model::embedding::{LearnedPositionsConfig, RotaryConfig, SinusoidalPositionsConfig};
use salient::model::encoder::{
    Activation, DepthRamp, Encoder, EncoderBlockConfig, EncoderConfig, FeedForwardConfig, NormOrder,
};
use salient::model::norm::{NormConfig, NormKind};
use salient::ops::attention::Direction;
use salient::ops::embedding::embedding;
use salient::parameters::{self, NamedTensor, Parameters};
use salient::random::{Mode, RandomKey};
use salient::sequence::{Offsets, PackedSequences};

use crate::support::{
    assert_close, assert_differ, block_weights, check_gradients, golden, golden_tensor,
    golden_values, golden_weights, joined_part, lengths, linear_weights, norm_weights, tensor,
    values,
};

/// f32 forward passes; products are summed in another order than PyTorch's.
const TOLERANCE: f64 = 1e-5;

fn key() -> RandomKey {
    RandomKey::new(5)
}

fn packed(seed: u64, lengths: &[usize], width: usize, device: &Device) -> PackedSequences {
    let offsets = Offsets::from_lengths(lengths.iter().copied());
    let rows = tensor(seed, [offsets.n_rows(), width], device);
    PackedSequences::new(rows, offsets)
}

fn rows(sequences: &PackedSequences) -> Vec<f64> {
    values(sequences.rows())
}

/// Small and without dropout.
fn block() -> EncoderBlockConfig {
    EncoderBlockConfig::new(6, 3, 5).with_dropout(0.0)
}

fn encoder(block: EncoderBlockConfig) -> Encoder {
    EncoderConfig::new(block, 2)
        .init(key(), &Device::flex())
        .unwrap()
}

#[test]
fn blocks_equal_pytorch_in_both_orders_and_activations() {
    let device = Device::flex();
    let golden = golden("blocks");
    let orders = [("pre", NormOrder::Pre), ("post", NormOrder::Post)];
    let activations = [("relu", Activation::Relu), ("gelu", Activation::Gelu)];
    for (order_name, order) in orders {
        for (activation_name, activation) in activations {
            let case = &golden[format!("{order_name}_{activation_name}")];
            let config = EncoderBlockConfig::new(10, 2, 13)
                .with_norm_order(order)
                .with_activation(activation);
            let mut weights = Parameters::new();
            block_weights(&golden_weights(&case["weights"]), "", "", &mut weights);
            let block = config.init(key(), &device).unwrap();
            let block = parameters::write(block, weights).unwrap();
            let input = golden_tensor(&case["input"], &device);
            let output = block.forward_dense(input, &lengths(&case["lengths"]), Mode::Inference);
            let expected = golden_values(&case["output"]);
            assert_visible(
                &values(output),
                &expected,
                &lengths(&case["lengths"]),
                7,
                10,
            );
        }
    }
}

#[test]
fn a_causal_stack_with_final_norm_equals_pytorch() {
    let device = Device::flex();
    let golden = golden("stack");
    let block = EncoderBlockConfig::new(10, 2, 13).with_direction(Direction::Causal);
    let torch = golden_weights(&golden["weights"]);
    let mut weights = Parameters::new();
    for layer in 0..2 {
        let (theirs, ours) = (format!("layers.{layer}."), format!("blocks.{layer}."));
        block_weights(&torch, &theirs, &ours, &mut weights);
    }
    norm_weights(&torch, "norm.", "final_norm.", &mut weights);
    let encoder = EncoderConfig::new(block, 2).init(key(), &device).unwrap();
    let encoder = parameters::write(encoder, weights).unwrap();
    let input = golden_tensor(&golden["input"], &device);
    let lengths = lengths(&golden["lengths"]);
    let output = encoder.forward_dense(input, &lengths, Mode::Inference);
    let expected = golden_values(&golden["output_causal"]);
    assert_visible(&values(output), &expected, &lengths, 7, 10);
}

#[test]
fn feed_forward_layers_equal_pytorch() {
    let device = Device::flex();
    let golden = golden("feed_forward");
    for (name, activation) in [("swiglu", Activation::Swiglu), ("silu", Activation::Silu)] {
        let case = &golden[name];
        let torch = golden_weights(&case["weights"]);
        let mut weights = Parameters::new();
        linear_weights(&torch, "up.", "up.", &mut weights);
        linear_weights(&torch, "down.", "down.", &mut weights);
        let config = FeedForwardConfig::new(7, 11).with_activation(activation);
        let layer = config.init(key(), &device).unwrap();
        let layer = parameters::write(layer, weights).unwrap();
        let output = layer.forward(golden_tensor(&case["input"], &device), Mode::Inference);
        assert_close(&values(output), &golden_values(&case["output"]), TOLERANCE);
    }
}

/// The weights of the recommender of `generate.py`, under its names; masks saved beside them are no weights.
fn recommender_weights() -> Parameters {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sasrec.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let floats = file.iter().filter(|(_, view)| view.dtype() == Dtype::F32);
    floats
        .map(|(name, view)| {
            let words = view.data().chunks_exact(4);
            let values = words.map(|word| f32::from_le_bytes(word.try_into().unwrap()));
            let tensor = NamedTensor {
                shape: view.shape().to_vec(),
                values: values.collect(),
            };
            (name.to_owned(), tensor)
        })
        .collect()
}

/// The weights of its blocks and last norm, as an [`Encoder`] has them.
fn recommender_encoder_weights(torch: &Parameters) -> Parameters {
    let mut weights = Parameters::new();
    for layer in 0..2 {
        let (theirs, ours) = (format!("blocks.{layer}."), format!("blocks.{layer}."));
        for (index, name) in ["query", "key", "value"].into_iter().enumerate() {
            for part in ["weight", "bias"] {
                let joined = &torch[&format!("{theirs}qkv.{part}")];
                let own = joined_part(joined, index, 3);
                weights.insert(format!("{ours}attention.{name}.{part}"), own);
            }
        }
        for (their, our) in [
            ("out", "attention.output"),
            ("up", "feed_forward.up"),
            ("down", "feed_forward.down"),
        ] {
            let (their, our) = (format!("{theirs}{their}."), format!("{ours}{our}."));
            linear_weights(torch, &their, &our, &mut weights);
        }
        for (their, our) in [("n1", "attention_norm"), ("n2", "feed_forward_norm")] {
            let (their, our) = (format!("{theirs}{their}."), format!("{ours}{our}."));
            norm_weights(torch, &their, &our, &mut weights);
        }
    }
    norm_weights(torch, "norm.", "final_norm.", &mut weights);
    weights
}

#[test]
fn a_recommender_that_pads_on_the_left_equals_pytorch() {
    let device = Device::flex();
    let golden = golden("sasrec");
    let torch = recommender_weights();
    let weights = recommender_encoder_weights(&torch);
    let block = EncoderBlockConfig::new(8, 2, 32).with_direction(Direction::Causal);
    let encoder = EncoderConfig::new(block, 2).init(key(), &device).unwrap();
    let encoder = parameters::write(encoder, weights).unwrap();

    let mut first = Parameters::new();
    norm_weights(&torch, "first.", "", &mut first);
    let first = parameters::write(NormConfig::new(8).init(&device).unwrap(), first).unwrap();
    let positions = LearnedPositionsConfig::new(7, 8)
        .init(key(), &device)
        .unwrap();
    let table = Parameters::from([("table".to_owned(), torch["pos"].clone())]);
    let positions = parameters::write(positions, table).unwrap();

    let counts = lengths(&golden["lengths"]);
    let items = golden["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(lengths)
        .zip(&counts);
    let items: Vec<u32> = items
        .flat_map(|(items, &n)| items[items.len() - n..].to_vec())
        .map(|item| item as u32)
        .collect();
    let NamedTensor {
        shape,
        values: table,
    } = torch["item.weight"].clone();
    let table = Tensor::<2>::from_data(TensorData::new(table, shape), &device);
    let vectors = embedding(table, &items);
    let histories = PackedSequences::new(vectors, Offsets::from_lengths(counts.clone()));
    let histories = positions.forward(histories).unwrap();
    let hidden = encoder.forward(
        histories.map_rows(|rows| first.forward(rows)),
        Mode::Inference,
    );
    let expected = golden_values(&golden["hidden"]);
    let expected: Vec<f64> = expected
        .chunks(7 * 8)
        .zip(&counts)
        .flat_map(|(sequence, &n)| sequence[(7 - n) * 8..].to_vec())
        .collect();
    assert_close(&rows(&hidden), &expected, TOLERANCE);
}

/// Compares what is there, and asserts zeros where there is padding.
#[track_caller]
fn assert_visible(
    found: &[f64],
    expected: &[f64],
    lengths: &[usize],
    seq_len: usize,
    width: usize,
) {
    assert_eq!(found.len(), lengths.len() * seq_len * width);
    let size = seq_len * width;
    for ((found, expected), &length) in found.chunks(size).zip(expected.chunks(size)).zip(lengths) {
        let visible = length * width;
        assert_close(&found[..visible], &expected[..visible], TOLERANCE);
        assert!(found[visible..].iter().all(|&value| value == 0.0));
    }
}

#[test]
fn weights_are_named_by_the_job_of_their_part() {
    let time = TimeIntervalBiasConfig::new();
    let block = block()
        .with_time_interval(Some(time))
        .with_relative_position(Some(RelativePositionBiasConfig::new()));
    let encoder = EncoderConfig::new(block, 1).init(key(), &Device::flex());
    let names: Vec<String> = parameters::read(&encoder.unwrap()).into_keys().collect();
    let expected = [
        "blocks.0.attention.key.bias",
        "blocks.0.attention.key.weight",
        "blocks.0.attention.output.bias",
        "blocks.0.attention.output.weight",
        "blocks.0.attention.query.bias",
        "blocks.0.attention.query.weight",
        "blocks.0.attention.relative_position.table",
        "blocks.0.attention.time_interval.table",
        "blocks.0.attention.value.bias",
        "blocks.0.attention.value.weight",
        "blocks.0.attention_norm.beta",
        "blocks.0.attention_norm.gamma",
        "blocks.0.feed_forward.down.bias",
        "blocks.0.feed_forward.down.weight",
        "blocks.0.feed_forward.up.bias",
        "blocks.0.feed_forward.up.weight",
        "blocks.0.feed_forward_norm.beta",
        "blocks.0.feed_forward_norm.gamma",
        "final_norm.beta",
        "final_norm.gamma",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_config_survives_json() {
    let block = block()
        .with_direction(Direction::Causal)
        .with_norm(NormKind::Rms)
        .with_norm_order(NormOrder::Post)
        .with_activation(Activation::Swiglu)
        .with_window(Some(7))
        .with_rotary(Some(RotaryConfig::new()))
        .with_time_interval(Some(TimeIntervalBiasConfig::new()));
    let config = EncoderConfig::new(block, 3).with_depth_ramp(DepthRamp::Constant);
    let text = serde_json::to_string(&config).unwrap();
    for word in ["causal", "rms", "post", "swiglu", "constant"] {
        assert!(text.contains(&format!("\"{word}\"")), "{text}");
    }
    let back: EncoderConfig = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), text);
}

#[test]
fn hidden_tokens_never_change_visible_outputs() {
    let device = Device::flex();
    let encoder = encoder(block());
    let lengths = [2, 5];
    let dense = tensor::<3>(1, [2, 5, 6], &device);
    let run = |dense: Tensor<3>| values(encoder.forward_dense(dense, &lengths, Mode::Inference));
    let hidden = mask::padding_mask(&lengths, 5, &device).unwrap();
    let hidden = hidden.unsqueeze_dim::<3>(2).expand([2, 5, 6]);
    let expected = run(dense.clone());
    for garbage in [0.0, 1e6, f32::NAN] {
        let changed = dense.clone().mask_fill(hidden.clone(), garbage);
        assert_close(&run(changed), &expected, 0.0);
    }
    assert!(expected[..2 * 6].iter().all(|&value| value != 0.0));
}

#[test]
fn no_position_sees_its_future() {
    let device = Device::flex();
    let encoder = encoder(block().with_direction(Direction::Causal));
    let before = packed(1, &[7], 6, &device);
    for changed in 0..7 {
        let row = tensor::<2>(9, [1, 6], &device);
        let after = before
            .rows()
            .slice_assign([changed..changed + 1, 0..6], row);
        let after = encoder.forward(before.with_rows(after), Mode::Inference);
        let expected = rows(&encoder.forward(before.clone(), Mode::Inference));
        let (past, future) = (..changed * 6, changed * 6..);
        assert_close(&rows(&after)[past], &expected[past], 0.0);
        assert_differ(&rows(&after)[future.clone()], &expected[future]);
    }
}

#[test]
fn a_sequence_alone_equals_itself_in_a_batch() {
    let device = Device::flex();
    let encoder = encoder(block().with_direction(Direction::Causal));
    let batch = packed(1, &[3, 0, 1, 7], 6, &device);
    let together = rows(&encoder.forward(batch.clone(), Mode::Inference));
    for range in batch.offsets().ranges() {
        let alone = PackedSequences::new(
            batch.rows().slice([range.clone()]),
            Offsets::from_lengths([range.len()]),
        );
        let alone = rows(&encoder.forward(alone, Mode::Inference));
        assert_close(&alone, &together[range.start * 6..range.end * 6], 1e-6);
    }
}

#[test]
fn without_positions_the_encoder_commutes_with_reordering() {
    let device = Device::flex();
    let encoder = encoder(block());
    let order = [3, 0, 4, 1, 2];
    let sequence = packed(1, &[5], 6, &device);
    let reordered = |rows: Tensor<2>| {
        let rows = order.map(|row: usize| rows.clone().narrow(0, row, 1));
        Tensor::cat(rows.to_vec(), 0)
    };
    let after = reordered(encoder.forward(sequence.clone(), Mode::Inference).rows());
    let before = sequence.with_rows(reordered(sequence.rows()));
    let before = encoder.forward(before, Mode::Inference).rows();
    assert_close(&values(before), &values(after), TOLERANCE);
}

#[test]
fn dropout_is_off_at_inference_and_repeatable_in_training() {
    let device = Device::flex();
    let none = block();
    let cases = [
        ("residual", none.clone().with_residual_dropout(0.5)),
        ("feed-forward", none.clone().with_feed_forward_dropout(0.5)),
        ("attention", none.clone().with_attention_dropout(0.5)),
        ("depth", none.clone().with_stochastic_depth(0.5)),
        ("all", none.clone().with_dropout(0.5)),
    ];
    let expected = rows(&encoder(none).forward(packed(1, &[2, 5], 6, &device), Mode::Inference));
    for (name, config) in cases {
        let encoder = encoder(config);
        let run = |mode| rows(&encoder.forward(packed(1, &[2, 5], 6, &device), mode));
        let training = |seed| run(Mode::Training(RandomKey::new(seed)));
        assert_close(&run(Mode::Inference), &expected, 0.0);
        assert_close(&training(1), &training(1), 0.0);
        let others = (2..12).filter(|&seed| training(seed) != training(1));
        assert!(others.count() >= 5, "{name}: other keys drop the same");
        assert_differ(&training(1), &expected);
    }
}

#[test]
fn stochastic_depth_ramps_up_to_the_last_block() {
    let device = Device::flex();
    let config = EncoderConfig::new(block().with_stochastic_depth(0.8), 4);
    let shown = |config: &EncoderConfig| {
        let encoder = config.init(key(), &device).unwrap();
        encoder
            .blocks
            .iter()
            .map(|block| block.stochastic_depth())
            .collect::<Vec<f64>>()
    };
    assert_close(&shown(&config), &[0.2, 0.4, 0.6, 0.8], 1e-12);
    let constant = config.with_depth_ramp(DepthRamp::Constant);
    assert_close(&shown(&constant), &[0.8; 4], 0.0);
}

#[test]
fn weights_on_request_come_with_the_same_output() {
    let device = Device::flex();
    let encoder = encoder(block().with_direction(Direction::Causal));
    let input = packed(1, &[2, 5], 6, &device);
    let plain = encoder.forward(input.clone(), Mode::Inference);
    let output = encoder.forward_with_weights(input, Mode::Inference);
    assert_close(&rows(&output.sequences), &rows(&plain), 0.0);
    assert_eq!(output.weights.len(), 2);
    for weights in output.weights {
        assert_eq!(weights.dims(), [2, 3, 5, 5]);
        for (index, weights) in values(weights).chunks(5).enumerate() {
            let (sequence, query) = (index / 15, index % 5);
            let n_seen = if sequence == 0 && query >= 2 {
                0
            } else {
                query + 1
            };
            let expected = if n_seen == 0 { 0.0 } else { 1.0 };
            assert!((weights.iter().sum::<f64>() - expected).abs() < 1e-6);
            assert!(weights[n_seen..].iter().all(|&weight| weight == 0.0));
        }
    }
}

/// Every module once, on one device, with equal weights.
fn outputs(device: &Device) -> Vec<(&'static str, Vec<f64>)> {
    let input = || packed(1, &[2, 0, 5], 6, device);
    let timed =
        || AttentionInput::with_times(input(), [0, 9_000, 5, 1_000, 70_000, 70_001, 9_000_000]);
    let biased = block()
        .with_direction(Direction::Causal)
        .with_window(Some(3))
        .with_rotary(Some(RotaryConfig::new()))
        .with_relative_position(Some(RelativePositionBiasConfig::new()))
        .with_time_interval(Some(TimeIntervalBiasConfig::new()));
    let encode = |block: EncoderBlockConfig, mode| {
        let encoder = EncoderConfig::new(block, 2).init(key(), device).unwrap();
        rows(&encoder.forward(timed(), mode))
    };
    let swiglu = block()
        .with_activation(Activation::Swiglu)
        .with_norm(NormKind::Rms)
        .with_norm_order(NormOrder::Post);
    let training = Mode::Training(RandomKey::new(8));
    let dropped = block().with_dropout(0.3).with_stochastic_depth(0.3);
    let pooling = AttentionPoolingConfig::new(6, 3)
        .init(key(), device)
        .unwrap();
    let target = TargetAttentionConfig::new(6, 3)
        .init(key(), device)
        .unwrap();
    let learned = LearnedPositionsConfig::new(5, 6)
        .init(key(), device)
        .unwrap();
    let waves = SinusoidalPositionsConfig::new(6).init().unwrap();
    let targets = tensor(4, [3, 6], device);
    vec![
        ("encoder", encode(block(), Mode::Inference)),
        (
            "relu",
            encode(block().with_activation(Activation::Relu), Mode::Inference),
        ),
        (
            "silu",
            encode(block().with_activation(Activation::Silu), Mode::Inference),
        ),
        ("swiglu and rms", encode(swiglu, Mode::Inference)),
        ("biases", encode(biased, Mode::Inference)),
        ("training", encode(dropped, training)),
        ("pooling", values(pooling.forward(input(), Mode::Inference))),
        (
            "target",
            values(target.forward(targets, input(), Mode::Inference)),
        ),
        ("learned", rows(&learned.forward(input()).unwrap())),
        ("sinusoidal", rows(&waves.forward(input()))),
    ]
}

#[test]
fn flex_and_ndarray_agree_on_every_module() {
    let flex = outputs(&device::pick("flex").unwrap());
    let ndarray = outputs(&device::pick("ndarray").unwrap());
    for ((name, flex), (_, ndarray)) in flex.into_iter().zip(ndarray) {
        assert!(flex.iter().all(|value| value.is_finite()), "{name}");
        assert_close(&flex, &ndarray, TOLERANCE);
    }
}

#[test]
fn gradients_of_a_block_are_right() {
    let device = Device::flex().autodiff();
    let offsets = Offsets::from_lengths([3, 1]);
    let causal = EncoderBlockConfig::new(4, 2, 3)
        .with_dropout(0.0)
        .with_direction(Direction::Causal);
    let post = causal
        .clone()
        .with_norm_order(NormOrder::Post)
        .with_norm(NormKind::Rms)
        .with_activation(Activation::Swiglu);
    for config in [causal, post] {
        let block = config.init(key(), &device).unwrap();
        check_gradients(block, [4, 4], |block, x: Tensor<2>| {
            let sequences = PackedSequences::new(x, offsets.clone());
            block.forward(sequences, Mode::Inference).rows()
        });
    }
}

#[test]
fn gradients_flow_through_padding() {
    let device = Device::flex().autodiff();
    let config = EncoderBlockConfig::new(4, 2, 3).with_dropout(0.0);
    let block = config.init(key(), &device).unwrap();
    check_gradients(block, [2, 3, 4], |block, x: Tensor<3>| {
        block.forward_dense(x, &[1, 2], Mode::Inference)
    });
}
