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

/// Rows of numbers, in plain Rust.
type Matrix = Vec<Vec<f64>>;

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn silu(x: f64) -> f64 {
    x * sigmoid(x)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn map(matrix: &Matrix, f: impl Fn(f64) -> f64) -> Matrix {
    let row = |row: &Vec<f64>| row.iter().map(|&x| f(x)).collect();
    matrix.iter().map(row).collect()
}

fn zip(a: &Matrix, b: &Matrix, f: impl Fn(f64, f64) -> f64) -> Matrix {
    let row = |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect();
    a.iter().zip(b).map(row).collect()
}

/// A block of width 6 with three heads, by its definition.
struct ByHand {
    weights: Parameters,
    config: EncoderBlockConfig,
}

impl ByHand {
    fn new(block: &EncoderBlock, config: EncoderBlockConfig) -> Self {
        Self {
            weights: parameters::read(block),
            config,
        }
    }

    fn vector(&self, name: &str) -> Vec<f64> {
        let tensor = &self.weights[name];
        tensor.values.iter().map(|&x| f64::from(x)).collect()
    }

    fn linear(&self, name: &str, x: &Matrix) -> Matrix {
        let [weight, bias] = ["weight", "bias"].map(|part| self.vector(&format!("{name}.{part}")));
        let column = |row: &Vec<f64>, at: usize| {
            let products = row.iter().enumerate();
            bias[at]
                + products
                    .map(|(i, x)| x * weight[i * bias.len() + at])
                    .sum::<f64>()
        };
        let row = |row: &Vec<f64>| (0..bias.len()).map(|at| column(row, at)).collect();
        x.iter().map(row).collect()
    }

    fn norm(&self, name: &str, x: &Matrix, epsilon: f64) -> Matrix {
        let [gamma, beta] = ["gamma", "beta"].map(|part| self.vector(&format!("{name}.{part}")));
        let row = |row: &Vec<f64>| {
            let n = row.len() as f64;
            let mean = row.iter().sum::<f64>() / n;
            let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            let normed = row.iter().map(|x| (x - mean) / (variance + epsilon).sqrt());
            let scaled = normed.zip(&gamma).zip(&beta);
            scaled.map(|((x, gamma), beta)| x * gamma + beta).collect()
        };
        x.iter().map(row).collect()
    }

    fn heads(&self, name: &str, x: &Matrix) -> Matrix {
        let projected = self.linear(&format!("attention.{name}"), x);
        match self.config.pointwise {
            Some(_) => map(&projected, silu),
            None => projected,
        }
    }

    /// What is added to the score of a key: distances of two and more share a bucket, seconds double five times.
    fn bias(&self, head: usize, [query, key]: [usize; 2], times: &[i64]) -> f64 {
        let mut bias = 0.0;
        if self.config.relative_position.is_some() {
            let table = self.vector("attention.relative_position.table");
            bias += table[(query - key).min(2) * 3 + head];
        }
        if self.config.time_interval.is_some() {
            let seconds = (times[query] - times[key]).abs() / 1000;
            let bucket = [1, 2, 4, 8]
                .iter()
                .filter(|&&bound| seconds >= bound)
                .count();
            bias += self.vector("attention.time_interval.table")[bucket * 3 + head];
        }
        bias
    }

    /// The weights of each head and query over the keys that it sees, head by head.
    fn weights(&self, x: &Matrix, times: &[i64]) -> Vec<Matrix> {
        let [query, key] = ["query", "key"].map(|name| self.heads(name, x));
        let of_query = |head: usize, at: usize| -> Vec<f64> {
            let columns = head * 2..head * 2 + 2;
            let n_seen = match self.config.direction {
                Direction::Causal => at + 1,
                Direction::Bidirectional => x.len(),
            };
            let score =
                |other: usize| dot(&query[at][columns.clone()], &key[other][columns.clone()]);
            let scores = (0..n_seen).map(|other| match &self.config.pointwise {
                Some(_) => score(other) + self.bias(head, [at, other], times),
                None => (score(other) / 2f64.sqrt()).exp(),
            });
            let scores: Vec<f64> = scores.collect();
            match &self.config.pointwise {
                Some(pointwise) => scores
                    .iter()
                    .map(|&x| silu(x) / pointwise.divisor as f64)
                    .collect(),
                None => scores
                    .iter()
                    .map(|x| x / scores.iter().sum::<f64>())
                    .collect(),
            }
        };
        (0..3)
            .map(|head| (0..x.len()).map(|at| of_query(head, at)).collect())
            .collect()
    }

    fn attention(&self, x: &Matrix, times: &[i64]) -> Matrix {
        let (weights, value) = (self.weights(x, times), self.heads("value", x));
        let number = |at: usize, column: usize| {
            let weights = weights[column / 2][at].iter().enumerate();
            weights
                .map(|(other, weight)| weight * value[other][column])
                .sum()
        };
        let row = |at: usize| (0..6).map(|column| number(at, column)).collect();
        let mut context: Matrix = (0..x.len()).map(row).collect();
        if self.config.pointwise.is_some() {
            let gate = self.heads("pointwise.gate", x);
            context = self.norm("attention.pointwise.norm", &context, 1e-6);
            context = zip(&context, &gate, |a, b| a * b);
        }
        self.linear("attention.output", &context)
    }

    /// The rows after a branch.
    fn joined(&self, x: &Matrix, part: &str, branch: impl Fn(&Matrix) -> Matrix) -> Matrix {
        let norm = |x: &Matrix| self.norm(&format!("{part}_norm"), x, 1e-5);
        let pre = self.config.norm_order == NormOrder::Pre;
        let mut made = branch(&if pre { norm(x) } else { x.clone() });
        if self.config.residual_gate {
            let gate = map(&self.linear(&format!("{part}_gate"), x), sigmoid);
            made = zip(&made, &gate, |a, b| a * b);
        }
        let sum = zip(x, &made, |a, b| a + b);
        if pre { sum } else { norm(&sum) }
    }

    fn forward(&self, x: &Matrix, times: &[i64]) -> Matrix {
        let x = self.joined(x, "attention", |x| self.attention(x, times));
        if !self.config.feed_forward {
            return x;
        }
        self.joined(&x, "feed_forward", |x| {
            let inner = map(&self.linear("feed_forward.up", x), |x| x.max(0.0));
            self.linear("feed_forward.down", &inner)
        })
    }
}

#[test]
fn blocks_are_what_the_definition_says() {
    let device = Device::flex();
    let bidirectional = gated().with_direction(Direction::Bidirectional);
    let more = [("gated, both sides", bidirectional)];
    for (name, config) in configs().into_iter().chain(more) {
        let config = config.with_activation(Activation::Relu);
        let block = disturbed(&config, &device);
        let output = block.forward_with_weights(batch(&device), Mode::Inference);
        let by_hand = ByHand::new(&block, config.clone());
        let input = rows(&batch(&device).sequences);
        let weights = values(output.weights);
        let found = rows(&output.sequences);
        for (sequence, range) in [(0, 0..2), (2, 2..7)] {
            let x: Matrix = input[range.start * 6..range.end * 6]
                .chunks(6)
                .map(<[f64]>::to_vec)
                .collect();
            let times = &TIMES[range.clone()];
            let expected = by_hand.forward(&x, times).concat();
            assert!(expected.iter().all(|x| x.is_finite()), "{name}");
            assert_close(&found[range.start * 6..range.end * 6], &expected, TOLERANCE);
            let inside = match config.norm_order {
                NormOrder::Pre => by_hand.norm("attention_norm", &x, 1e-5),
                NormOrder::Post => x,
            };
            for (head, of_head) in by_hand.weights(&inside, times).iter().enumerate() {
                for (query, expected) in of_head.iter().enumerate() {
                    let start = ((sequence * 3 + head) * 5 + query) * 5;
                    let (seen, hidden) = weights[start..start + 5].split_at(expected.len());
                    assert_close(seen, expected, TOLERANCE);
                    assert!(hidden.iter().all(|&weight| weight == 0.0), "{name}");
                }
            }
        }
    }
}

#[test]
fn gated_blocks_equal_pytorch() {
    let device = Device::flex();
    let golden = golden("gated_block");
    let torch = golden_weights(&golden["weights"]);
    let mut weights = Parameters::new();
    attention_weights(&torch, "self_attn.", "attention.", &mut weights);
    for (theirs, ours) in [
        ("norm1.", "attention_norm."),
        ("norm2.", "feed_forward_norm."),
    ] {
        norm_weights(&torch, theirs, ours, &mut weights);
    }
    for (theirs, ours) in [
        ("linear1.", "feed_forward.up."),
        ("linear2.", "feed_forward.down."),
        ("gate1.", "attention_gate."),
        ("gate2.", "feed_forward_gate."),
    ] {
        linear_weights(&torch, theirs, ours, &mut weights);
    }
    let config = EncoderBlockConfig::new(10, 2, 13)
        .with_residual_gate(true)
        .with_direction(Direction::Causal)
        .with_activation(Activation::Swiglu);
    let block = parameters::write(config.init(key(), &device).unwrap(), weights).unwrap();
    let output = block.forward_dense(
        golden_tensor(&golden["input"], &device),
        &lengths(&golden["lengths"]),
        Mode::Inference,
    );
    assert_visible(&values(output), &golden);
}

/// Compares the first 7 and 3 rows of two sequences of 7 rows of width 10.
#[track_caller]
fn assert_visible(found: &[f64], golden: &serde_json::Value) {
    let expected = golden_values(&golden["output"]);
    assert_eq!(lengths(&golden["lengths"]), [7, 3]);
    assert_eq!(found.len(), expected.len());
    assert_close(&found[..100], &expected[..100], TOLERANCE);
    assert!(found[100..].iter().all(|&value| value == 0.0));
}

#[test]
fn pointwise_blocks_equal_pytorch() {
    let device = Device::flex();
    let golden = golden("pointwise_block");
    let torch = golden_weights(&golden["weights"]);
    let config = EncoderBlockConfig::new(10, 2, 0)
        .with_feed_forward(false)
        .with_direction(Direction::Causal)
        .with_bias(false)
        .with_norm_epsilon(1e-6)
        .with_pointwise(Some(PointwiseConfig::new(20)))
        .with_relative_position(Some(RelativePositionBiasConfig::new().with_n_buckets(4)));
    let block = config.init(key(), &device).unwrap();
    // The norms of the paper's code have no weights: ours stay at ones and zeros.
    let mut weights = parameters::read(&block);
    let parts = ["pointwise.gate", "value", "query", "key"];
    for (index, name) in parts.into_iter().enumerate() {
        let part = joined_part(&torch["uvqk.weight"], index, 4);
        weights.insert(format!("attention.{name}.weight"), part);
    }
    let output = transposed(&torch["out.weight"]);
    weights.insert("attention.output.weight".to_owned(), output);
    let table = torch["distance"].clone();
    weights.insert("attention.relative_position.table".to_owned(), table);
    let block = parameters::write(block, weights).unwrap();
    let lengths = lengths(&golden["lengths"]);
    let input: Tensor<3> = golden_tensor(&golden["input"], &device);
    let dense = block.forward_dense(input.clone(), &lengths, Mode::Inference);
    assert_visible(&values(dense), &golden);
    let packed = PackedSequences::from_dense(input, &lengths);
    let output = block.forward_with_weights(packed, Mode::Inference);
    let theirs = golden_values(&golden["attention_weights"]);
    for (index, (found, theirs)) in values(output.weights).iter().zip(&theirs).enumerate() {
        // Padded queries look at something in PyTorch; here they do not exist.
        let hidden = index / (2 * 7 * 7) == 1 && index / 7 % 7 >= 3;
        let expected = if hidden { 0.0 } else { *theirs };
        assert!((found - expected).abs() <= TOLERANCE, "weight {index}");
    }
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
