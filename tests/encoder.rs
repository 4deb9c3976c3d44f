//! The encoder computes what PyTorch's does, keeps its promises about order and visibility, and refuses bad configs.

use burn::tensor::{Device, Tensor};
use salient::device;
use salient::model::ModelError;
use salient::model::attention::{
    AttentionInput, AttentionPoolingConfig, MultiHeadAttentionConfig, RelativePositionBiasConfig,
    TargetAttentionConfig, TimeIntervalBiasConfig, mask,
};
use salient::model::embedding::{
    LearnedPositionsConfig, PositionOrigin, RotaryConfig, SinusoidalPositionsConfig,
};
use salient::model::encoder::{
    Activation, DepthRamp, Encoder, EncoderBlockConfig, EncoderConfig, FeedForwardConfig, NormOrder,
};
use salient::model::norm::{NormConfig, NormKind};
use salient::ops::attention::Direction;
use salient::parameters::{self, Parameters};
use salient::random::{Mode, RandomKey};
use salient::sequence::{Offsets, PackedSequences};

use crate::support::{
    assert_close, assert_differ, block_weights, check_gradients, golden, golden_tensor,
    golden_values, golden_weights, lengths, norm_weights, tensor, values,
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
            assert_visible(&values(output), &expected, &lengths(&case["lengths"]), 7, 10);
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
        let after = before.rows().slice_assign([changed..changed + 1, 0..6], row);
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
        encoder.blocks.iter().map(|block| block.stochastic_depth()).collect::<Vec<f64>>()
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
            let n_seen = if sequence == 0 && query >= 2 { 0 } else { query + 1 };
            let expected = if n_seen == 0 { 0.0 } else { 1.0 };
            assert!((weights.iter().sum::<f64>() - expected).abs() < 1e-6);
            assert!(weights[n_seen..].iter().all(|&weight| weight == 0.0));
        }
    }
}

/// Every module once, on one device, with equal weights.
fn outputs(device: &Device) -> Vec<(&'static str, Vec<f64>)> {
    let input = || packed(1, &[2, 0, 5], 6, device);
    let timed = || AttentionInput::with_times(input(), [0, 9_000, 5, 1_000, 70_000, 70_001, 9_000_000]);
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
    let pooling = AttentionPoolingConfig::new(6, 3).init(key(), device).unwrap();
    let target = TargetAttentionConfig::new(6, 3).init(key(), device).unwrap();
    let learned = LearnedPositionsConfig::new(5, 6).init(key(), device).unwrap();
    let waves = SinusoidalPositionsConfig::new(6).init().unwrap();
    let targets = tensor(4, [3, 6], device);
    vec![
        ("encoder", encode(block(), Mode::Inference)),
        ("relu", encode(block().with_activation(Activation::Relu), Mode::Inference)),
        ("silu", encode(block().with_activation(Activation::Silu), Mode::Inference)),
        ("swiglu and rms", encode(swiglu, Mode::Inference)),
        ("biases", encode(biased, Mode::Inference)),
        ("training", encode(dropped, training)),
        ("pooling", values(pooling.forward(input(), Mode::Inference))),
        ("target", values(target.forward(targets, input(), Mode::Inference))),
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

/// Asserts an error with its fields and its message.
#[track_caller]
fn refused<T>(result: Result<T, ModelError>, expected: ModelError, message: &str) {
    match result {
        Ok(_) => panic!("accepted, not refused with: {message}"),
        Err(error) => {
            assert_eq!(error.to_string(), message);
            assert_eq!(error, expected);
        }
    }
}

/// Asserts that a size of 0 is refused under its name and a size of 1 is taken.
#[track_caller]
fn refuses_zero<T>(field: &'static str, init: impl Fn(usize) -> Result<T, ModelError>) {
    let message = format!("{field} is 0: use at least 1");
    refused(init(0), ModelError::ZeroSize { field }, &message);
    assert!(init(1).is_ok(), "{field} of 1");
}

#[test]
fn a_size_of_zero_is_refused() {
    let device = Device::flex();
    let d = &device;
    refuses_zero("d_model", |n| MultiHeadAttentionConfig::new(n, 1).init(key(), d));
    refuses_zero("n_heads", |n| MultiHeadAttentionConfig::new(6, n).init(key(), d));
    refuses_zero("d_context", |n| {
        let config = MultiHeadAttentionConfig::new(6, 3).with_d_context(Some(n));
        config.init(key(), d)
    });
    refuses_zero("d_history", |n| {
        let config = TargetAttentionConfig::new(6, 3).with_d_history(Some(n));
        config.init(key(), d)
    });
    refuses_zero("d_model", |n| AttentionPoolingConfig::new(n, 1).init(key(), d));
    refuses_zero("d_model", |n| NormConfig::new(n).init(d));
    refuses_zero("d_model", |n| FeedForwardConfig::new(n, 5).init(key(), d));
    refuses_zero("d_ff", |n| FeedForwardConfig::new(6, n).init(key(), d));
    refuses_zero("d_ff", |n| EncoderBlockConfig::new(6, 3, n).init(key(), d));
    refuses_zero("n_layers", |n| EncoderConfig::new(block(), n).init(key(), d));
    refuses_zero("max_len", |n| LearnedPositionsConfig::new(n, 6).init(key(), d));
    refuses_zero("d_model", |n| LearnedPositionsConfig::new(5, n).init(key(), d));
    refuses_zero("d_model", |n| SinusoidalPositionsConfig::new(n).init());
    refuses_zero("time_interval.unit_millis", |n| {
        let config = TimeIntervalBiasConfig::new().with_unit_millis(n as u64);
        config.init(3, key(), d)
    });
}

#[test]
fn heads_must_divide_the_width() {
    let device = Device::flex();
    let message = "d_model 10 is no multiple of n_heads 3: every head needs an equal share of the width";
    let expected = ModelError::HeadsDoNotDivideModel {
        d_model: 10,
        n_heads: 3,
    };
    let attention = MultiHeadAttentionConfig::new(10, 3).init(key(), &device);
    refused(attention, expected.clone(), message);
    let block = EncoderBlockConfig::new(10, 3, 5).init(key(), &device);
    refused(block, expected, message);
    assert!(MultiHeadAttentionConfig::new(9, 3).init(key(), &device).is_ok());
}

#[test]
fn a_dropout_outside_its_range_is_refused() {
    let device = Device::flex();
    let least_above = f64::from_bits(0.0f64.to_bits() + 1);
    let init = |field: &str, value: f64| {
        let config = match field {
            "residual_dropout" => block().with_residual_dropout(value),
            "feed_forward_dropout" => block().with_feed_forward_dropout(value),
            "attention_dropout" => block().with_attention_dropout(value),
            _ => block().with_stochastic_depth(value),
        };
        EncoderConfig::new(config, 2).init(key(), &device)
    };
    for field in [
        "residual_dropout",
        "feed_forward_dropout",
        "attention_dropout",
        "stochastic_depth",
    ] {
        for value in [-least_above, 1.0, f64::INFINITY] {
            let message = format!("{field} is {value}: use a number of at least 0 and below 1");
            let expected = ModelError::DropoutOutOfRange { field, value };
            refused(init(field, value), expected, &message);
        }
        let message = format!("{field} is NaN: use a number of at least 0 and below 1");
        assert_eq!(init(field, f64::NAN).unwrap_err().to_string(), message);
        for value in [0.0, 1.0 - f64::EPSILON] {
            assert!(init(field, value).is_ok(), "{field} of {value}");
        }
    }
    let attention = MultiHeadAttentionConfig::new(6, 3).with_dropout(1.0);
    let feed_forward = FeedForwardConfig::new(6, 5).with_dropout(1.0);
    let expected = ModelError::DropoutOutOfRange {
        field: "dropout",
        value: 1.0,
    };
    let message = "dropout is 1: use a number of at least 0 and below 1";
    refused(attention.init(key(), &device), expected.clone(), message);
    refused(feed_forward.init(key(), &device), expected, message);
}

#[test]
fn a_window_of_zero_is_refused() {
    let device = Device::flex();
    let message = "a window of 0 hides every token: use at least 1, or none to see all";
    let block = |window| block().with_window(Some(window)).init(key(), &device);
    refused(block(0), ModelError::WindowOfZero, message);
    assert!(block(1).is_ok());
    let mask = mask::sliding_window_mask(5, 0, &device);
    refused(mask, ModelError::WindowOfZero, message);
}

#[test]
fn rotary_positions_need_an_even_head() {
    let device = Device::flex();
    let init = |d_model| {
        let config = EncoderBlockConfig::new(d_model, 2, 5).with_rotary(Some(RotaryConfig::new()));
        config.init(key(), &device)
    };
    let message = "rotary positions turn pairs of coordinates but a head has 3: make d_model / n_heads even";
    refused(init(6), ModelError::OddRotaryWidth { d_head: 3 }, message);
    assert!(init(8).is_ok());
}

#[test]
fn a_number_that_must_be_positive_is_checked() {
    let device = Device::flex();
    let least = f64::from_bits(1);
    let check = |field: &'static str, init: &dyn Fn(f64) -> Result<(), ModelError>| {
        for value in [0.0, -1.0, f64::INFINITY] {
            let message = format!("{field} is {value}: use a positive finite number");
            refused(init(value), ModelError::NotPositive { field, value }, &message);
        }
        assert!(init(f64::NAN).is_err(), "{field} of NaN");
        assert!(init(least).is_ok(), "{field} of {least}");
    };
    check("epsilon", &|value| {
        let config = NormConfig::new(6).with_epsilon(value);
        config.init(&device).map(drop)
    });
    check("base", &|value| RotaryConfig::new().with_base(value).init(6).map(drop));
    check("base", &|value| {
        let config = SinusoidalPositionsConfig::new(6).with_base(value);
        config.init().map(drop)
    });
    check("standard_deviation", &|value| {
        let config = LearnedPositionsConfig::new(5, 6).with_standard_deviation(value);
        config.init(key(), &device).map(drop)
    });
}

#[test]
fn a_bias_with_too_few_buckets_is_refused() {
    let device = Device::flex();
    let too_small = |field, value, least| ModelError::TooSmall {
        field,
        value,
        least,
    };
    let position = |n_buckets, max_distance, direction| {
        let config = RelativePositionBiasConfig::new()
            .with_n_buckets(n_buckets)
            .with_max_distance(max_distance);
        config.init(3, direction, key(), &device)
    };
    let field = "relative_position.n_buckets";
    let message = "relative_position.n_buckets is 1: use at least 2";
    refused(position(1, None, Direction::Causal), too_small(field, 1, 2), message);
    assert!(position(2, None, Direction::Causal).is_ok());
    let field = "relative_position.max_distance";
    for (direction, least) in [(Direction::Causal, 17), (Direction::Bidirectional, 9)] {
        let message = format!("{field} is {}: use at least {least}", least - 1);
        let expected = too_small(field, least - 1, least);
        refused(position(32, Some(least - 1), direction), expected, &message);
        assert!(position(32, Some(least), direction).is_ok());
    }
    let time = |n_buckets| {
        let config = TimeIntervalBiasConfig::new().with_n_buckets(n_buckets);
        config.init(3, key(), &device)
    };
    let message = "time_interval.n_buckets is 1: use at least 2";
    refused(time(1), too_small("time_interval.n_buckets", 1, 2), message);
    assert!(time(2).is_ok());
}

#[test]
fn a_sequence_beyond_the_learned_positions_is_refused() {
    let device = Device::flex();
    for origin in [PositionOrigin::Start, PositionOrigin::End] {
        let config = LearnedPositionsConfig::new(5, 6).with_origin(origin);
        let positions = config.init(key(), &device).unwrap();
        let message = "sequence 1 has 6 rows but there are 5 learned positions: shorten it, or raise max_len";
        let expected = ModelError::SequenceTooLong {
            sequence: 1,
            seq_len: 6,
            max_len: 5,
        };
        let long = positions.forward(packed(1, &[2, 6], 6, &device));
        refused(long, expected, message);
        assert!(positions.forward(packed(1, &[2, 5], 6, &device)).is_ok());
        assert!(positions.forward(packed(1, &[0], 6, &device)).is_ok());
    }
}

#[test]
fn masks_and_lengths_describe_the_same() {
    let device = Device::flex();
    let lengths = vec![0, 2, 5];
    let padding = mask::padding_mask(&lengths, 5, &device).unwrap();
    assert_eq!(mask::lengths(padding.clone()).unwrap(), lengths);
    let kept = padding.clone().bool_not();
    let converted = mask::from_keep_mask(kept).into_data();
    converted.assert_eq(&padding.into_data(), true);

    let message = "length 6 of sequence 1 exceeds seq_len 5";
    let expected = ModelError::LengthExceedsSequence {
        sequence: 1,
        length: 6,
        seq_len: 5,
    };
    refused(mask::padding_mask(&[5, 6], 5, &device), expected, message);
    let left = Tensor::from_data([[false, true, true], [true, true, false]], &device);
    let message = "the padding mask of sequence 1 shows position 2 after a hidden one: padding must come last";
    let expected = ModelError::PaddingBeforeToken {
        sequence: 1,
        position: 2,
    };
    refused(mask::lengths(left), expected, message);
}

#[test]
fn a_causal_mask_hides_what_comes_after() {
    let hidden = mask::causal_mask(3, &Device::flex()).into_data();
    let hidden: Vec<bool> = hidden.iter().collect();
    let (show, hide) = (false, true);
    let expected = [show, hide, hide, show, show, hide, show, show, show];
    assert_eq!(hidden, expected);
}
