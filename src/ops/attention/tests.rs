//! The public functions against loops in plain Rust.

use std::sync::Arc;

use burn::tensor::{DType, Device, Tensor};

use super::*;
use crate::ops::testing::{assert_gradients, assert_near, doubles, read, singles, values};
use crate::random::RandomKey;
use crate::sequence::Offsets;

const N_HEADS: usize = 3;
const D_HEAD: usize = 5;
const WIDTH: usize = N_HEADS * D_HEAD;

/// Numbers of a batch, packed.
struct Case {
    layout: AttentionLayout,
    query: Vec<f64>,
    key: Vec<f64>,
    value: Vec<f64>,
}

impl Case {
    fn new(query_lengths: &[usize], key_lengths: &[usize]) -> Self {
        let offsets = |lengths: &[usize]| Offsets::from_lengths(lengths.iter().copied());
        let layout = AttentionLayout {
            query: offsets(query_lengths),
            key: offsets(key_lengths),
        };
        let (query_rows, key_rows) = (layout.query.n_rows(), layout.key.n_rows());
        let spread = |seed, n_rows| {
            let numbers = values(seed, n_rows * WIDTH);
            numbers.into_iter().map(|number| 3.0 * number).collect()
        };
        Self {
            layout,
            query: spread(1, query_rows),
            key: spread(2, key_rows),
            value: spread(3, key_rows),
        }
    }

    fn self_attention(lengths: &[usize]) -> Self {
        Self::new(lengths, lengths)
    }

    fn run(&self, options: &AttentionOptions) -> Vec<f64> {
        self.run_on(&Device::flex(), options)
    }

    fn run_on(&self, device: &Device, options: &AttentionOptions) -> Vec<f64> {
        let [query, key, value] = self.tensors(device);
        read(attention(query, key, value, &self.layout, options))
    }

    fn tensors(&self, device: &Device) -> [Tensor<3>; 3] {
        [&self.query, &self.key, &self.value]
            .map(|numbers| singles(numbers, [numbers.len() / WIDTH, N_HEADS, D_HEAD], device))
    }

    /// Context and weights by the definition; `bias(query_row, key_row, i, j, head)` is added to the scores.
    fn by_definition(
        &self,
        visibility: Visibility,
        bias: impl Fn(usize, usize, i64, usize) -> f64,
        dropout: Option<Dropout>,
    ) -> (Vec<f64>, Vec<f64>) {
        let (max_query, max_key) = (self.layout.query.max_len(), self.layout.key.max_len());
        let n_sequences = self.layout.n_sequences();
        let mut context = vec![0.0; self.query.len()];
        let mut weights = vec![0.0; n_sequences * N_HEADS * max_query * max_key];
        for sequence in 0..n_sequences {
            let (queries, keys) = (
                self.layout.query.range(sequence),
                self.layout.key.range(sequence),
            );
            for (head, i) in
                (0..N_HEADS).flat_map(|head| (0..queries.len()).map(move |i| (head, i)))
            {
                let at = |row: usize| row * WIDTH + head * D_HEAD;
                let query_row = queries.start + i;
                let distance = |j: usize| (i + keys.len()) as i64 - queries.len() as i64 - j as i64;
                let visible: Vec<usize> = (0..keys.len())
                    .filter(|&j| {
                        (visibility.direction == Direction::Bidirectional || distance(j) >= 0)
                            && visibility
                                .window
                                .is_none_or(|window| distance(j).abs() < window as i64)
                    })
                    .collect();
                let score = |j: usize| {
                    let (a, b) = (at(query_row), at(keys.start + j));
                    let product: f64 = (0..D_HEAD)
                        .map(|x| self.query[a + x] * self.key[b + x])
                        .sum();
                    product / (D_HEAD as f64).sqrt()
                        + bias(query_row, keys.start + j, distance(j), head)
                };
                let highest = visible
                    .iter()
                    .map(|&j| score(j))
                    .fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = visible.iter().map(|&j| (score(j) - highest).exp()).sum();
                for &j in &visible {
                    let weight = (score(j) - highest).exp() / total;
                    weights[((sequence * N_HEADS + head) * max_query + i) * max_key + j] = weight;
                    let factor = dropout.map_or(1.0, |dropout| {
                        let row = (head * queries.len() + i) as u64;
                        let key = dropout.key.child(sequence as u64).child(row);
                        let number = key.bits_at(j as u64 / 4)[j % 4];
                        let kept =
                            f64::from(number) >= (dropout.probability * 2f64.powi(32)).round();
                        f64::from(u8::from(kept)) / (1.0 - dropout.probability)
                    });
                    for x in 0..D_HEAD {
                        context[at(query_row) + x] +=
                            weight * factor * self.value[at(keys.start + j) + x];
                    }
                }
            }
        }
        (context, weights)
    }
}

fn options(visibility: Visibility) -> AttentionOptions {
    AttentionOptions {
        visibility,
        ..AttentionOptions::default()
    }
}

fn visibilities() -> Vec<Visibility> {
    let directions = [Visibility::bidirectional(), Visibility::causal()];
    directions
        .into_iter()
        .flat_map(|v| [v, v.within(1), v.within(3), v.within(64)])
        .collect()
}

/// Lengths of the queries' and keys' sequences.
fn layouts() -> Vec<(Vec<usize>, Vec<usize>)> {
    vec![
        (vec![0, 1, 2, 3, 7, 64, 65], vec![0, 1, 2, 3, 7, 64, 65]),
        (vec![7, 7], vec![7, 7]),
        (vec![3, 3], vec![7, 7]),
        (vec![1, 0, 3, 2, 1], vec![5, 3, 0, 1, 65]),
        (vec![1, 1, 1], vec![2, 0, 7]),
        (vec![4, 1], vec![2, 3]),
    ]
}

#[test]
fn packed_rows_give_what_the_definition_says() {
    for (queries, keys) in layouts() {
        let case = Case::new(&queries, &keys);
        for visibility in visibilities() {
            let (expected, _) = case.by_definition(visibility, |_, _, _, _| 0.0, None);
            assert_near(&case.run(&options(visibility)), &expected, 1e-5);
        }
    }
}

#[test]
fn weights_are_what_the_definition_says_and_zero_elsewhere() {
    for (queries, keys) in layouts() {
        let case = Case::new(&queries, &keys);
        for visibility in visibilities() {
            let (_, expected) = case.by_definition(visibility, |_, _, _, _| 0.0, None);
            let [query, key, _] = case.tensors(&Device::flex());
            let found = attention_weights(query, key, &case.layout, &options(visibility));
            let longest = |lengths: &[usize]| lengths.iter().copied().max().unwrap();
            let shape = [queries.len(), N_HEADS, longest(&queries), longest(&keys)];
            assert_eq!(found.dims(), shape);
            assert_near(&read(found), &expected, 1e-6);
        }
    }
}

#[test]
fn a_sequence_alone_gives_what_it_gives_in_a_batch() {
    let lengths = [7, 0, 1, 65, 3];
    let case = Case::self_attention(&lengths);
    let together = case.run(&options(Visibility::causal()));
    let mut alone = Vec::new();
    for range in case.layout.query.ranges() {
        let cut = |numbers: &[f64]| numbers[range.start * WIDTH..range.end * WIDTH].to_vec();
        let single = Case {
            layout: AttentionLayout::self_attention(Offsets::from_lengths([range.len()])),
            query: cut(&case.query),
            key: cut(&case.key),
            value: cut(&case.value),
        };
        alone.extend(single.run(&options(Visibility::causal())));
    }
    assert_near(&together, &alone, 1e-6);
}

#[test]
fn a_causal_query_is_blind_to_its_future() {
    let mut case = Case::self_attention(&[7, 3]);
    let before = case.run(&options(Visibility::causal()));
    for number in &mut case.key[4 * WIDTH..5 * WIDTH] {
        *number += 5.0;
    }
    for number in &mut case.value[4 * WIDTH..5 * WIDTH] {
        *number -= 5.0;
    }
    let after = case.run(&options(Visibility::causal()));
    assert_eq!(before[..4 * WIDTH], after[..4 * WIDTH]);
    assert_eq!(before[7 * WIDTH..], after[7 * WIDTH..]);
    let moved = |row: usize| before[row * WIDTH] != after[row * WIDTH];
    assert!(moved(4) && moved(5) && moved(6));
}

#[test]
fn a_query_that_sees_nothing_gives_zero_and_takes_no_part_in_gradients() {
    // Query 0 of the first sequence lies before its only key; the second sequence has no keys at all.
    let case = Case::new(&[2, 2, 1], &[1, 0, 3]);
    let device = Device::flex().autodiff();
    let [query, key, value] = case.tensors(&device).map(Tensor::require_grad);
    let context = attention(
        query.clone(),
        key.clone(),
        value.clone(),
        &case.layout,
        &options(Visibility::causal()),
    );
    let context_numbers = read(context.clone());
    let blind = [0, 2, 3];
    for row in blind {
        assert_eq!(
            context_numbers[row * WIDTH..(row + 1) * WIDTH],
            [0.0; WIDTH]
        );
    }
    let weights = singles(&values(4, 5 * WIDTH), [5, N_HEADS, D_HEAD], &device);
    let gradients = (context * weights).sum().backward();
    let gradient = |tensor: &Tensor<3>| read(tensor.grad(&gradients).unwrap());
    let of_query = gradient(&query);
    for row in blind {
        assert_eq!(of_query[row * WIDTH..(row + 1) * WIDTH], [0.0; WIDTH]);
    }
    assert!(of_query[4 * WIDTH..].iter().any(|number| *number != 0.0));
    for tensor in [&query, &key, &value] {
        assert!(gradient(tensor).iter().all(|number| number.is_finite()));
    }
}

#[test]
fn nothing_to_see_anywhere_gives_zeros() {
    let case = Case::new(&[2, 1], &[0, 0]);
    assert_eq!(case.run(&options(Visibility::causal())), [0.0; 3 * WIDTH]);
    let case = Case::self_attention(&[3, 1]);
    assert_eq!(
        case.run(&options(Visibility::causal().within(0))),
        [0.0; 4 * WIDTH]
    );
    let case = Case::new(&[0, 0], &[2, 3]);
    assert!(case.run(&options(Visibility::causal())).is_empty());
    let case = Case::new(&[], &[]);
    assert!(case.run(&options(Visibility::bidirectional())).is_empty());
    let [query, key, _] = case.tensors(&Device::flex());
    let weights = attention_weights(query, key, &case.layout, &options(Visibility::causal()));
    assert_eq!(weights.dims(), [0, N_HEADS, 0, 0]);
}

#[test]
fn extreme_scores_stay_finite() {
    let mut case = Case::self_attention(&[7, 2]);
    for number in &mut case.query {
        *number *= 2e3;
    }
    let device = Device::flex().autodiff();
    let [query, key, value] = case.tensors(&device).map(Tensor::require_grad);
    let context = attention(
        query.clone(),
        key.clone(),
        value,
        &case.layout,
        &options(Visibility::causal()),
    );
    let (expected, _) = case.by_definition(Visibility::causal(), |_, _, _, _| 0.0, None);
    assert_near(&read(context.clone()), &expected, 1e-2);
    let gradients = context.sum().backward();
    for tensor in [query, key] {
        let gradient = read(tensor.grad(&gradients).unwrap());
        assert!(gradient.iter().all(|number| number.is_finite()));
    }
}

#[test]
fn a_scale_of_ones_own_replaces_the_default() {
    let case = Case::self_attention(&[3, 7]);
    let mut doubled = Case::self_attention(&[3, 7]);
    for number in &mut doubled.query {
        *number *= 2.0;
    }
    let scaled = AttentionOptions {
        scale: Some(2.0 / (D_HEAD as f64).sqrt()),
        ..AttentionOptions::default()
    };
    assert_near(
        &case.run(&scaled),
        &doubled.run(&AttentionOptions::default()),
        1e-6,
    );
}

#[test]
fn pointwise_weights_are_silu_of_the_scores() {
    let case = Case::self_attention(&[3, 0, 7]);
    let options = AttentionOptions {
        form: AttentionForm::Pointwise { divisor: 7.0 },
        ..options(Visibility::causal())
    };
    let mut expected = vec![0.0; case.query.len()];
    for range in case.layout.query.ranges() {
        for (head, query) in (0..N_HEADS).flat_map(|h| range.clone().map(move |q| (h, q))) {
            let at = |row: usize, x: usize| row * WIDTH + head * D_HEAD + x;
            for key in range.start..=query {
                let products = (0..D_HEAD).map(|x| case.query[at(query, x)] * case.key[at(key, x)]);
                let score = products.sum::<f64>() / (D_HEAD as f64).sqrt();
                let weight = score / (1.0 + (-score).exp()) / 7.0;
                for x in 0..D_HEAD {
                    expected[at(query, x)] += weight * case.value[at(key, x)];
                }
            }
        }
    }
    assert_near(&case.run(&options), &expected, 1e-5);
}

const N_BUCKETS: usize = 4;

fn table_numbers(seed: u64) -> Vec<f64> {
    values(seed, N_BUCKETS * N_HEADS)
}

fn times(n_rows: usize, seed: u64) -> Arc<[i64]> {
    let numbers = values(seed, n_rows);
    numbers
        .iter()
        .map(|number| (number * 9000.0) as i64)
        .collect()
}

/// One bias by position, one by time, with tables made by `table(seed)`.
fn biases(
    case: &Case,
    buckets: DistanceBuckets,
    table: impl Fn(u64) -> Tensor<2>,
) -> Vec<AttentionBias> {
    vec![
        AttentionBias {
            table: table(5),
            rule: BiasRule::RelativePosition {
                direction: Direction::Bidirectional,
                buckets,
            },
        },
        AttentionBias {
            table: table(6),
            rule: BiasRule::TimeInterval {
                query_times: times(case.layout.query.n_rows(), 7),
                key_times: times(case.layout.key.n_rows(), 8),
                unit_millis: 1000,
            },
        },
    ]
}

#[test]
fn biases_are_looked_up_by_position_and_by_time() {
    let logarithmic = DistanceBuckets::Logarithmic { max_distance: 8 };
    for (queries, keys) in layouts() {
        for (buckets, visibility) in [
            (DistanceBuckets::Clipped, Visibility::causal()),
            (logarithmic, Visibility::bidirectional().within(5)),
        ] {
            let case = Case::new(&queries, &keys);
            let table = |seed| singles(&table_numbers(seed), [N_BUCKETS, N_HEADS], &Device::flex());
            let options = AttentionOptions {
                visibility,
                biases: biases(&case, buckets, table),
                ..AttentionOptions::default()
            };
            let (by_position, by_time) = (table_numbers(5), table_numbers(6));
            let query_times = times(case.layout.query.n_rows(), 7);
            let key_times = times(case.layout.key.n_rows(), 8);
            let bias = |query: usize, key: usize, distance: i64, head: usize| {
                let position = buckets.bucket(distance, Direction::Bidirectional, N_BUCKETS);
                let time = time_bucket(query_times[query] - key_times[key], 1000, N_BUCKETS);
                by_position[position * N_HEADS + head] + by_time[time * N_HEADS + head]
            };
            let (expected, _) = case.by_definition(visibility, bias, None);
            assert_near(&case.run(&options), &expected, 1e-5);
        }
    }
}

fn dropout() -> Dropout {
    Dropout {
        probability: 0.4,
        key: RandomKey::new(11),
    }
}

#[test]
fn dropout_is_that_of_sequence_head_query_and_key() {
    for (queries, keys) in layouts() {
        let case = Case::new(&queries, &keys);
        for visibility in visibilities() {
            let options = AttentionOptions {
                visibility,
                dropout: Some(dropout()),
                ..AttentionOptions::default()
            };
            let (expected, _) = case.by_definition(visibility, |_, _, _, _| 0.0, Some(dropout()));
            assert_near(&case.run(&options), &expected, 2e-5);
        }
    }
}

/// Gradients of all inputs and tables, in 64 bits.
#[track_caller]
fn assert_case_gradients(case: &Case, dropout: Option<Dropout>, visibility: Visibility) {
    let pointwise = AttentionForm::Pointwise { divisor: 3.0 };
    for form in [AttentionForm::Softmax, pointwise] {
        assert_form_gradients(case, dropout, visibility, form);
    }
}

#[track_caller]
fn assert_form_gradients(
    case: &Case,
    dropout: Option<Dropout>,
    visibility: Visibility,
    form: AttentionForm,
) {
    let rows = |numbers: &Tensor<1>| {
        let [n] = numbers.dims();
        numbers.clone().reshape([n / WIDTH, N_HEADS, D_HEAD])
    };
    let inputs = [
        case.query.clone(),
        case.key.clone(),
        case.value.clone(),
        table_numbers(5),
        table_numbers(6),
    ];
    assert_gradients(&inputs, |inputs| {
        let table = |seed: u64| {
            let numbers = &inputs[seed as usize - 2];
            numbers.clone().reshape([N_BUCKETS, N_HEADS])
        };
        let options = AttentionOptions {
            form,
            visibility,
            scale: Some(0.3),
            biases: biases(case, DistanceBuckets::Clipped, table),
            dropout,
        };
        let [query, key, value] = [0, 1, 2].map(|which| rows(&inputs[which]));
        attention(query, key, value, &case.layout, &options)
    });
}

#[test]
fn gradients_are_those_of_differences() {
    let packed = Case::self_attention(&[3, 0, 1, 4]);
    assert_case_gradients(&packed, None, Visibility::causal());
    let blind = Case::new(&[3, 1, 2], &[2, 5, 0]);
    assert_case_gradients(&blind, None, Visibility::causal().within(2));
    let dense = Case::self_attention(&[3, 3]);
    assert_case_gradients(&dense, None, Visibility::bidirectional());
}

#[test]
fn gradients_pass_through_fixed_dropout() {
    let case = Case::self_attention(&[3, 0, 1, 4]);
    assert_case_gradients(&case, Some(dropout()), Visibility::causal());
}

#[test]
fn gradients_without_biases_are_those_of_differences() {
    let case = Case::self_attention(&[3, 0, 1, 4]);
    let inputs = [case.query.clone(), case.key.clone(), case.value.clone()];
    for visibility in [Visibility::causal(), Visibility::bidirectional()] {
        assert_gradients(&inputs, |inputs| {
            let [query, key, value] =
                [0, 1, 2].map(|which| inputs[which].clone().reshape([8, N_HEADS, D_HEAD]));
            attention(query, key, value, &case.layout, &options(visibility))
        });
    }
}

#[test]
fn precision_is_that_of_the_rows() {
    let case = Case::self_attention(&[2, 3]);
    let rows = |numbers: &[f64]| doubles(numbers, [5, N_HEADS, D_HEAD], &Device::flex());
    let [query, key, value] = [&case.query, &case.key, &case.value].map(|numbers| rows(numbers));
    let context = attention(
        query,
        key,
        value,
        &case.layout,
        &options(Visibility::causal()),
    );
    assert_eq!(context.dtype(), DType::F64);
    let (expected, _) = case.by_definition(Visibility::causal(), |_, _, _, _| 0.0, None);
    assert_near(&read(context), &expected, 1e-12);
}

#[test]
fn queries_keys_and_values_may_be_views_of_one_projection() {
    let device = Device::flex().autodiff();
    let lengths = [3, 0, 65, 1];
    let layout = AttentionLayout::self_attention(Offsets::from_lengths(lengths));
    let options = options(Visibility::causal());
    let run = |f: &dyn Fn([Tensor<3>; 3]) -> Tensor<3>| {
        let projection =
            singles(&values(1, 69 * 3 * WIDTH), [69, 3 * WIDTH], &device).require_grad();
        let part = |which: usize| {
            let columns = projection.clone().narrow(1, which * WIDTH, WIDTH);
            columns.reshape([69, N_HEADS, D_HEAD])
        };
        let context = f([part(0), part(1), part(1)]);
        let gradients = context.clone().square().sum().backward();
        (read(context), read(projection.grad(&gradients).unwrap()))
    };
    let public = run(&|[q, k, v]| attention(q, k, v, &layout, &options));
    let composite = run(&|[q, k, v]| composite::attention(q, k, v, &layout, &options));
    assert_near(&public.0, &composite.0, 1e-5);
    assert_near(&public.1, &composite.1, 1e-5);
}

#[cfg(feature = "ndarray")]
#[test]
fn backends_agree() {
    let device = crate::device::pick("ndarray").unwrap();
    for (queries, keys) in layouts() {
        let case = Case::new(&queries, &keys);
        for visibility in visibilities() {
            let table =
                |device: &Device, seed| singles(&table_numbers(seed), [N_BUCKETS, N_HEADS], device);
            let options = |device: &Device| AttentionOptions {
                visibility,
                biases: biases(&case, DistanceBuckets::Clipped, |seed| table(device, seed)),
                dropout: Some(dropout()),
                ..AttentionOptions::default()
            };
            let flex = case.run(&options(&Device::flex()));
            assert_near(&case.run_on(&device, &options(&device)), &flex, 1e-5);
        }
    }
}

#[test]
#[should_panic(expected = "query rows must number layout.query.n_rows()")]
fn rows_that_do_not_fit_the_layout_are_refused() {
    let mut case = Case::self_attention(&[2, 3]);
    case.layout = AttentionLayout::self_attention(Offsets::from_lengths([2, 2]));
    case.run(&options(Visibility::causal()));
}

#[test]
#[should_panic(expected = "a bias table needs one column a head")]
fn a_bias_table_of_other_heads_is_refused() {
    let case = Case::self_attention(&[2]);
    let table = |_| Tensor::zeros([N_BUCKETS, N_HEADS + 1], &Device::flex());
    let options = AttentionOptions {
        biases: biases(&case, DistanceBuckets::Clipped, table),
        ..AttentionOptions::default()
    };
    case.run(&options);
}
