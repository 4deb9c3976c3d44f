//! Attention modules compute what PyTorch's do, show nothing that is hidden, and say what they looked at.

use burn::tensor::{Device, Tensor};
use salient::model::attention::{
    AttentionInput, AttentionPoolingConfig, MultiHeadAttention, MultiHeadAttentionConfig,
    RelativePositionBiasConfig, TargetAttentionConfig, TimeIntervalBiasConfig, mask,
    scaled_dot_product_attention,
};
use salient::model::embedding::{
    LearnedPositionsConfig, PositionOrigin, RotaryConfig, SinusoidalPositionsConfig,
};
use salient::model::norm::{NormConfig, NormKind};
use salient::ops::attention::{AttentionOptions, Direction, Visibility};
use salient::parameters::{self, Parameters};
use salient::random::{Mode, RandomKey};
use salient::sequence::{Offsets, PackedSequences};

use crate::support::{
    assert_close, assert_differ, attention_weights, check_gradients, golden, golden_tensor,
    golden_values, golden_weights, lengths, norm_weights, tensor, values,
};

/// f32 forward passes; products are summed in another order than PyTorch's.
const TOLERANCE: f64 = 1e-5;

fn key() -> RandomKey {
    RandomKey::new(3)
}

fn packed(seed: u64, lengths: &[usize], width: usize) -> PackedSequences {
    let offsets = Offsets::from_lengths(lengths.iter().copied());
    let rows = tensor(seed, [offsets.n_rows(), width], &Device::flex());
    PackedSequences::new(rows, offsets)
}

fn rows(sequences: &PackedSequences) -> Vec<f64> {
    values(sequences.rows())
}

/// The first `lengths[i]` positions of each sequence of a dense `[batch, seq_len, width]` list.
fn visible(dense: &[f64], lengths: &[usize], seq_len: usize, width: usize) -> Vec<f64> {
    let sequences = dense.chunks(seq_len * width).zip(lengths);
    sequences
        .flat_map(|(sequence, &length)| sequence[..length * width].to_vec())
        .collect()
}

#[test]
fn scaled_dot_product_attention_equals_pytorch() {
    let device = Device::flex();
    let golden = golden("scaled_dot_product");
    let take = |name: &str| golden_tensor::<4>(&golden[name], &device);
    let attend = |key: Tensor<4>, value, lengths, options: AttentionOptions| {
        values(scaled_dot_product_attention(
            take("query"),
            key,
            value,
            lengths,
            &options,
        ))
    };
    let plain = AttentionOptions::default();
    let expect = |name: &str, found: Vec<f64>| {
        assert_close(&found, &golden_values(&golden[name]), TOLERANCE);
    };
    expect(
        "output",
        attend(take("key"), take("value"), None, plain.clone()),
    );
    let key_lengths = lengths(&golden["key_lengths"]);
    let padded = attend(
        take("key"),
        take("value"),
        Some(&key_lengths),
        plain.clone(),
    );
    expect("output_padded", padded);
    let causal = AttentionOptions {
        visibility: Visibility::causal(),
        ..plain.clone()
    };
    let five = |name: &str| take(name).narrow(2, 0, 5);
    let found = attend(five("key"), five("value"), None, causal);
    expect("output_causal_first_five_keys", found);
    let scaled = AttentionOptions {
        scale: Some(2.0),
        ..plain
    };
    expect(
        "output_scale_2",
        attend(take("key"), take("value"), None, scaled),
    );
}

fn from_pytorch(config: &MultiHeadAttentionConfig, torch: &Parameters) -> MultiHeadAttention {
    let module = config.init(key(), &Device::flex()).unwrap();
    let mut weights = Parameters::new();
    attention_weights(torch, "", "", &mut weights);
    parameters::write(module, weights).unwrap()
}

#[test]
fn self_attention_equals_pytorch_under_padding_and_causal_masks() {
    let golden = golden("self_attention");
    let input = golden_tensor::<3>(&golden["input"], &Device::flex());
    let lengths = lengths(&golden["lengths"]);
    for (direction, name) in [
        (Direction::Bidirectional, "padded"),
        (Direction::Causal, "padded_causal"),
    ] {
        let config = MultiHeadAttentionConfig::new(15, 3).with_direction(direction);
        let module = from_pytorch(&config, &golden_weights(&golden["weights"]));
        let sequences = PackedSequences::from_dense(input.clone(), &lengths);
        let output = module.forward_with_weights(sequences, Mode::Inference);
        let expected = golden_values(&golden[format!("output_{name}")]);
        let expected = visible(&expected, &lengths, 7, 15);
        assert_close(&rows(&output.sequences), &expected, TOLERANCE);

        let dense = module.forward_dense(input.clone(), &lengths, Mode::Inference);
        let dense = values(dense);
        assert_close(&visible(&dense, &lengths, 7, 15), &expected, TOLERANCE);
        // The first sequence has 4 of 7 positions.
        assert!(dense[4 * 15..7 * 15].iter().all(|&value| value == 0.0));

        // Padded queries look at something in PyTorch; here they do not exist.
        let weights = values(output.weights);
        let theirs = golden_values(&golden[format!("weights_{name}")]);
        for (index, (&found, &theirs)) in weights.iter().zip(&theirs).enumerate() {
            let (sequence, query) = (index / (3 * 7 * 7), index / 7 % 7);
            let expected = if query < lengths[sequence] {
                theirs
            } else {
                0.0
            };
            assert!((found - expected).abs() <= TOLERANCE, "weight {index}");
        }
    }
}

#[test]
fn cross_attention_equals_pytorch() {
    let golden = golden("cross_attention");
    let device = Device::flex();
    let config = MultiHeadAttentionConfig::new(15, 3).with_d_context(Some(11));
    let module = from_pytorch(&config, &golden_weights(&golden["weights"]));
    let query = golden_tensor::<3>(&golden["query"], &device);
    let context = golden_tensor::<3>(&golden["context"], &device);
    let output = module.forward_cross_with_weights(
        PackedSequences::from_dense(query, &[5, 5]),
        PackedSequences::from_dense(context, &lengths(&golden["context_lengths"])),
        Mode::Inference,
    );
    let expected = golden_values(&golden["output"]);
    assert_close(&rows(&output.sequences), &expected, TOLERANCE);
    let expected = golden_values(&golden["attention_weights"]);
    assert_close(&values(output.weights), &expected, TOLERANCE);
}

#[test]
fn norms_equal_pytorch() {
    let golden = golden("norms");
    let device = Device::flex();
    for (name, kind) in [("layer", NormKind::Layer), ("rms", NormKind::Rms)] {
        let case = &golden[name];
        let config = NormConfig::new(7)
            .with_kind(kind)
            .with_epsilon(case["epsilon"].as_f64().unwrap());
        let mut weights = Parameters::new();
        norm_weights(&golden_weights(&case["weights"]), "", "", &mut weights);
        let norm = parameters::write(config.init(&device).unwrap(), weights).unwrap();
        let output = norm.forward(golden_tensor(&golden["input"], &device));
        assert_close(&values(output), &golden_values(&case["output"]), TOLERANCE);
    }
}

#[test]
fn rotary_and_sinusoidal_positions_equal_the_reference() {
    let golden = golden("positions");
    let device = Device::flex();
    let case = &golden["rotary"];
    let positions: Vec<i64> = lengths(&case["positions"])
        .into_iter()
        .map(|position| position as i64)
        .collect();
    let rotary = RotaryConfig::new().init(14).unwrap();
    let turned = rotary.forward(golden_tensor(&case["input"], &device), &positions);
    assert_close(&values(turned), &golden_values(&case["output"]), TOLERANCE);

    let case = &golden["sinusoidal"];
    let waves = SinusoidalPositionsConfig::new(7).init().unwrap();
    let vectors = values(waves.vectors(&Offsets::from_lengths([11]), &device));
    assert_close(&vectors, &golden_values(&case["output"]), TOLERANCE);
    let from_end = SinusoidalPositionsConfig::new(7)
        .with_origin(PositionOrigin::End)
        .init()
        .unwrap();
    let vectors = values(from_end.vectors(&Offsets::from_lengths([1, 11]), &device));
    let expected = golden_values(&case["output"]);
    assert_close(&vectors[..7], &expected[..7], TOLERANCE);
    assert_close(&vectors[7..14], &expected[70..], TOLERANCE);
    assert_close(&vectors[77..], &expected[..7], TOLERANCE);
}

#[test]
fn learned_positions_count_from_the_chosen_end() {
    let device = Device::flex();
    let offsets = Offsets::from_lengths([2, 0, 3]);
    for (origin, expected) in [
        (PositionOrigin::Start, [0, 1, 0, 1, 2]),
        (PositionOrigin::End, [3, 4, 2, 3, 4]),
    ] {
        let config = LearnedPositionsConfig::new(5, 1).with_origin(origin);
        let module = config.init(key(), &device).unwrap();
        let table = values(module.table.val());
        let expected: Vec<f64> = expected.iter().map(|&row: &usize| table[row]).collect();
        let ones = PackedSequences::new(Tensor::ones([5, 1], &device), offsets.clone());
        let found = rows(&module.forward(ones).unwrap());
        let expected: Vec<f64> = expected.iter().map(|value| value + 1.0).collect();
        assert_close(&found, &expected, 1e-6);
    }
}

#[test]
fn rotary_scores_depend_on_the_distance_alone() {
    let device = Device::flex();
    let rotary = RotaryConfig::new().init(6).unwrap();
    let (query, key) = (tensor(1, [1, 1, 6], &device), tensor(2, [1, 1, 6], &device));
    let score = |query_position, key_position| {
        let query = rotary.forward(query.clone(), &[query_position]);
        let key = rotary.forward(key.clone(), &[key_position]);
        values((query * key).sum())[0]
    };
    assert_close(
        &[score(3, 1), score(-5, -7)],
        &[score(102, 100); 2],
        TOLERANCE,
    );
    assert!((score(3, 1) - score(4, 1)).abs() > 1e-3);
}

/// A module with every kind of bias, and inputs with times.
fn all_biases(direction: Direction, dropout: f64) -> MultiHeadAttentionConfig {
    MultiHeadAttentionConfig::new(6, 3)
        .with_dropout(dropout)
        .with_direction(direction)
        .with_rotary(Some(RotaryConfig::new()))
        .with_relative_position(Some(RelativePositionBiasConfig::new().with_n_buckets(5)))
        .with_time_interval(Some(TimeIntervalBiasConfig::new().with_n_buckets(4)))
}

fn timed(sequences: PackedSequences) -> AttentionInput {
    let n_rows = sequences.offsets().n_rows() as i64;
    let times: Vec<i64> = (0..n_rows).map(|row| row * row * 700).collect();
    AttentionInput::with_times(sequences, times)
}

#[test]
fn a_sequence_alone_equals_itself_in_a_batch() {
    let module = all_biases(Direction::Bidirectional, 0.0)
        .init(key(), &Device::flex())
        .unwrap();
    let batch = packed(1, &[2, 3, 0, 5], 6);
    let together = module.forward(timed(batch.clone()), Mode::Inference);
    for range in batch.offsets().ranges() {
        let alone = PackedSequences::new(
            batch.rows().slice([range.clone()]),
            Offsets::from_lengths([range.len()]),
        );
        let times: Vec<i64> = range.clone().map(|row| (row * row * 700) as i64).collect();
        let input = AttentionInput::with_times(alone, times);
        let found = rows(&module.forward(input, Mode::Inference));
        let expected = &rows(&together)[range.start * 6..range.end * 6];
        assert_close(&found, expected, 1e-6);
    }
}

#[test]
fn a_last_row_asked_alone_gets_its_answer_in_the_sequence() {
    // Queries and keys of different lengths are aligned at their ends, in visibility, biases and rotary positions.
    let module = all_biases(Direction::Causal, 0.0)
        .init(key(), &Device::flex())
        .unwrap();
    let sequences = packed(1, &[2, 5], 6);
    let times: Vec<i64> = (0..7).map(|row| row * row * 700).collect();
    let last_times = vec![times[1], times[6]];
    let all = AttentionInput::with_times(sequences.clone(), times);
    let queries = PackedSequences::new(sequences.last_rows(), Offsets::uniform(2, 1));
    let queries = AttentionInput::with_times(queries, last_times);
    let alone = module.forward_cross(queries, all.clone(), Mode::Inference);
    let together = module.forward(all, Mode::Inference).last_rows();
    assert_close(&rows(&alone), &values(together), TOLERANCE);
}

#[test]
fn rotary_positions_tell_equal_rows_apart_by_distance() {
    let device = Device::flex();
    let config = MultiHeadAttentionConfig::new(6, 1).with_rotary(Some(RotaryConfig::new()));
    let module = config.init(key(), &device).unwrap();
    let row = tensor::<2>(1, [1, 6], &device).expand([5, 6]);
    let equal = PackedSequences::new(row, Offsets::from_lengths([5]));
    let weights = values(module.forward_with_weights(equal, Mode::Inference).weights);
    // The logarithm of a ratio of weights is a difference of scores.
    let score =
        |query: usize, key: usize| (weights[query * 5 + key] / weights[query * 5 + query]).ln();
    for distance in 1..4 {
        let expected = score(distance, 0);
        assert!(expected.abs() > 1e-3, "distance {distance}: {expected}");
        assert_close(&[score(4, 4 - distance)], &[expected], TOLERANCE);
    }
}

#[test]
fn biases_by_position_and_time_change_what_is_looked_at() {
    let device = Device::flex();
    let input = || timed(packed(1, &[5], 6));
    let plain = MultiHeadAttentionConfig::new(6, 3);
    let with_bias = |config: MultiHeadAttentionConfig, name: &str, scale: f32| {
        let module = config.init(key(), &device).unwrap();
        let mut weights = parameters::read(&module);
        for (index, value) in weights.get_mut(name).unwrap().values.iter_mut().enumerate() {
            *value = index as f32 * scale;
        }
        let module = parameters::write(module, weights).unwrap();
        rows(&module.forward(input(), Mode::Inference))
    };
    let module = plain.init(key(), &device).unwrap();
    let expected = rows(&module.forward(input(), Mode::Inference));
    let position = || {
        let bias = RelativePositionBiasConfig::new().with_n_buckets(5);
        plain.clone().with_relative_position(Some(bias))
    };
    let time = || {
        let bias = TimeIntervalBiasConfig::new().with_n_buckets(5);
        plain.clone().with_time_interval(Some(bias))
    };
    for (config, name) in [
        (position(), "relative_position.table"),
        (time(), "time_interval.table"),
    ] {
        assert_close(&with_bias(config.clone(), name, 0.0), &expected, 1e-6);
        assert_differ(&with_bias(config, name, 1.0), &expected);
    }
}

#[test]
fn no_position_sees_its_future() {
    let module = all_biases(Direction::Causal, 0.0)
        .init(key(), &Device::flex())
        .unwrap();
    let before = packed(1, &[5], 6);
    let last = before.rows().narrow(0, 0, 4);
    let changed = Tensor::cat(vec![last, tensor(9, [1, 6], &Device::flex())], 0);
    let after = before.with_rows(changed);
    let before = rows(&module.forward(timed(before), Mode::Inference));
    let after = rows(&module.forward(timed(after), Mode::Inference));
    assert_close(&after[..4 * 6], &before[..4 * 6], 0.0);
    assert_differ(&after[4 * 6..], &before[4 * 6..]);
}

#[test]
fn a_window_hides_what_is_far_away() {
    let config = MultiHeadAttentionConfig::new(6, 3).with_window(Some(2));
    let module = config.init(key(), &Device::flex()).unwrap();
    let output = module.forward_with_weights(packed(1, &[5], 6), Mode::Inference);
    let hidden = mask::sliding_window_mask(5, 2, &Device::flex()).unwrap();
    let hidden: Vec<bool> = hidden.into_data().iter().collect();
    for (index, weight) in values(output.weights).into_iter().enumerate() {
        assert_eq!(weight == 0.0, hidden[index % 25], "weight {index}");
    }
}

#[test]
fn a_query_that_may_see_nothing_gives_zeros() {
    let device = Device::flex();
    let one_sided = [0.0; 6];
    let config = MultiHeadAttentionConfig::new(6, 3);
    let mut module = config.init(key(), &device).unwrap();
    // A bias of the output projection must not show either.
    module.output.bias = Some(parameters::ones([6], &device));
    let queries = packed(1, &[1, 2], 6);
    let output = module.forward_cross_with_weights(queries, packed(2, &[0, 3], 6), Mode::Inference);
    let found = rows(&output.sequences);
    assert_eq!(found[..6], one_sided);
    assert!(
        found[6..]
            .iter()
            .all(|value| value.is_finite() && *value != 0.0)
    );
    assert!(
        values(output.weights)[..3 * 2 * 3]
            .iter()
            .all(|&weight| weight == 0.0)
    );

    // Three causal queries over two keys: the first stands before the first key.
    let causal = config.clone().with_direction(Direction::Causal);
    let mut module = causal.init(key(), &device).unwrap();
    module.output.bias = Some(parameters::ones([6], &device));
    let output = module.forward_cross(packed(1, &[3], 6), packed(2, &[2], 6), Mode::Inference);
    assert_eq!(rows(&output)[..6], one_sided);
    assert!(rows(&output)[6..].iter().all(|&value| value != 0.0));
}

#[test]
fn a_batch_of_empty_sequences_is_answered() {
    let device = Device::flex();
    let module = MultiHeadAttentionConfig::new(6, 3)
        .init(key(), &device)
        .unwrap();
    let output = module.forward_with_weights(packed(1, &[0, 0], 6), Mode::Inference);
    assert_eq!(output.sequences.rows().dims(), [0, 6]);
    assert_eq!(output.weights.dims(), [2, 3, 0, 0]);
    let pooling = AttentionPoolingConfig::new(6, 3)
        .init(key(), &device)
        .unwrap();
    let context = pooling.forward(packed(1, &[0, 0], 6), Mode::Inference);
    assert_eq!(values(context), [0.0; 12]);
    let dense = module.forward_dense(Tensor::ones([2, 5, 6], &device), &[0, 0], Mode::Inference);
    assert_eq!(values(dense), [0.0; 60]);
}

#[test]
fn target_attention_is_cross_attention_of_one_query() {
    let device = Device::flex();
    let config = TargetAttentionConfig::new(6, 3).with_d_history(Some(5));
    let module = config.init(key(), &device).unwrap();
    let targets = tensor::<2>(1, [3, 6], &device);
    let history = packed(2, &[2, 0, 7], 5);
    let output = module.forward_with_weights(targets.clone(), history.clone(), Mode::Inference);
    assert_eq!(output.context.dims(), [3, 6]);
    assert_eq!(output.weights.dims(), [3, 3, 7]);
    assert_weights(&values(output.weights), &[2, 0, 7], 3, 7);

    let queries = PackedSequences::new(targets.clone(), Offsets::uniform(3, 1));
    let cross = module
        .attention
        .forward_cross(queries, history.clone(), Mode::Inference);
    let found = values(output.context);
    assert_close(&found, &rows(&cross), 0.0);
    assert_eq!(found[6..12], [0.0; 6]);
    let plain = module.forward(targets.clone(), history.clone(), Mode::Inference);
    assert_close(&found, &values(plain), 0.0);
    let dense = module.forward_dense(targets, history.to_dense(), &[2, 0, 7], Mode::Inference);
    assert_close(&found, &values(dense), 1e-6);
}

#[test]
fn pooling_weighs_the_values_of_a_sequence() {
    let device = Device::flex();
    let module = AttentionPoolingConfig::new(6, 1)
        .init(key(), &device)
        .unwrap();
    let sequences = packed(2, &[2, 0, 5], 6);
    let output = module.forward_with_weights(sequences.clone(), Mode::Inference);
    let weights = values(output.weights);
    assert_weights(&weights, &[2, 0, 5], 1, 5);

    // By hand: the weighted mean of the projected values, then the output projection.
    let projected = module.attention.value.forward(sequences.rows());
    let by_hand = |first_row: usize, weights: &[f64]| {
        let weights: Vec<f32> = weights.iter().map(|&weight| weight as f32).collect();
        let weights = Tensor::<1>::from_floats(weights.as_slice(), &device).unsqueeze_dim::<2>(0);
        let [_, n] = weights.dims();
        let mean = weights.matmul(projected.clone().narrow(0, first_row, n));
        values(module.attention.output.forward(mean))
    };
    let found = values(output.context);
    assert_close(&found[..6], &by_hand(0, &weights[..2]), TOLERANCE);
    assert_eq!(found[6..12], [0.0; 6]);
    assert_close(&found[12..], &by_hand(2, &weights[10..]), TOLERANCE);
    let dense = module.forward_dense(sequences.to_dense(), &[2, 0, 5], Mode::Inference);
    assert_close(&found, &values(dense), 1e-6);
}

/// Weights of one query a sequence sum to 1 over its keys and are zero past them.
#[track_caller]
fn assert_weights(weights: &[f64], lengths: &[usize], n_heads: usize, max_len: usize) {
    for (index, weights) in weights.chunks(max_len).enumerate() {
        let length = lengths[index / n_heads];
        let expected = if length == 0 { 0.0 } else { 1.0 };
        assert!((weights.iter().sum::<f64>() - expected).abs() < 1e-6);
        assert!(weights[..length].iter().all(|&weight| weight > 0.0));
        assert!(weights[length..].iter().all(|&weight| weight == 0.0));
    }
}

#[test]
fn attention_drops_weights_in_training_alone_and_repeatably() {
    let module = all_biases(Direction::Causal, 0.5)
        .init(key(), &Device::flex())
        .unwrap();
    let run = |mode| rows(&module.forward(timed(packed(1, &[2, 5], 6)), mode));
    let training = |seed| run(Mode::Training(RandomKey::new(seed)));
    assert_close(&run(Mode::Inference), &run(Mode::Inference), 0.0);
    assert_close(&training(1), &training(1), 0.0);
    assert_differ(&training(1), &training(2));
    assert_differ(&training(1), &run(Mode::Inference));

    let without = all_biases(Direction::Causal, 0.0)
        .init(key(), &Device::flex())
        .unwrap();
    let same = without.forward(timed(packed(1, &[2, 5], 6)), Mode::Inference);
    assert_close(&run(Mode::Inference), &rows(&same), 0.0);
}

#[test]
fn gradients_of_attention_with_every_bias_are_right() {
    let device = Device::flex().autodiff();
    let offsets = Offsets::from_lengths([2, 3]);
    let module = all_biases(Direction::Causal, 0.0)
        .init(key(), &device)
        .unwrap();
    check_gradients(module, [5, 6], |module, x: Tensor<2>| {
        let sequences = PackedSequences::new(x, offsets.clone());
        module.forward(timed(sequences), Mode::Inference).rows()
    });
}

#[test]
fn gradients_of_pooling_are_right() {
    let device = Device::flex().autodiff();
    let offsets = Offsets::from_lengths([2, 0, 3]);
    let module = AttentionPoolingConfig::new(4, 2)
        .init(key(), &device)
        .unwrap();
    check_gradients(module, [5, 4], |module, x: Tensor<2>| {
        module.forward(PackedSequences::new(x, offsets.clone()), Mode::Inference)
    });
}

#[test]
#[should_panic(expected = "a bias by time needs inputs with times: use AttentionInput::with_times")]
fn a_bias_by_time_without_times_is_refused() {
    let module = all_biases(Direction::Causal, 0.0)
        .init(key(), &Device::flex())
        .unwrap();
    module.forward(packed(1, &[2], 6), Mode::Inference);
}

#[test]
#[should_panic(expected = "attention needs one time a row")]
fn times_must_number_the_rows() {
    AttentionInput::with_times(packed(1, &[2], 6), [1]);
}

#[test]
#[should_panic(expected = "attention needs rows of the configured width")]
fn rows_of_another_width_are_refused() {
    let module = MultiHeadAttentionConfig::new(6, 3)
        .init(key(), &Device::flex())
        .unwrap();
    module.forward(packed(1, &[2], 5), Mode::Inference);
}
