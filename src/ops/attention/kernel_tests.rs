//! The CPU kernel against the composite: outputs and all gradients, on sizes around its tiles and vectors.

use std::sync::Arc;

use burn::tensor::{Device, Tensor};

use super::*;
use crate::ops::testing::{assert_near, read, singles, values};
use crate::random::RandomKey;
use crate::sequence::Offsets;

const N_BUCKETS: usize = 9;

/// A batch of random rows.
struct Batch {
    layout: AttentionLayout,
    n_heads: usize,
    d_head: usize,
    /// How large scores are, roughly.
    size: f64,
}

impl Batch {
    fn new(queries: &[usize], keys: &[usize], n_heads: usize, d_head: usize) -> Self {
        let offsets = |lengths: &[usize]| Offsets::from_lengths(lengths.iter().copied());
        Self {
            layout: AttentionLayout {
                query: offsets(queries),
                key: offsets(keys),
            },
            n_heads,
            d_head,
            size: 3.0,
        }
    }

    fn rows(&self, seed: u64, offsets: &Offsets, size: f64) -> Tensor<3> {
        let shape = [offsets.n_rows(), self.n_heads, self.d_head];
        let numbers = values(seed, shape.iter().product());
        let numbers: Vec<f64> = numbers.iter().map(|number| number * size).collect();
        singles(&numbers, shape, &Device::flex().autodiff()).require_grad()
    }

    /// Queries, keys and values.
    fn inputs(&self) -> [Tensor<3>; 3] {
        [
            self.rows(1, &self.layout.query, self.size),
            self.rows(2, &self.layout.key, self.size),
            self.rows(3, &self.layout.key, 1.0),
        ]
    }

    fn biases(&self) -> Vec<AttentionBias> {
        let times = |offsets: &Offsets, seed| -> Arc<[i64]> {
            let numbers = values(seed, offsets.n_rows());
            numbers.iter().map(|x| (x * 5e4) as i64).collect()
        };
        let position = |direction, buckets| BiasRule::RelativePosition { direction, buckets };
        let logarithmic = DistanceBuckets::Logarithmic { max_distance: 50 };
        let rules = [
            position(Direction::Bidirectional, DistanceBuckets::Clipped),
            BiasRule::TimeInterval {
                query_times: times(&self.layout.query, 7),
                key_times: times(&self.layout.key, 8),
                unit_millis: 100,
            },
            position(Direction::Causal, logarithmic),
        ];
        let biases = rules.into_iter().zip(11..);
        biases
            .map(|(rule, seed)| {
                let numbers = values(seed, N_BUCKETS * self.n_heads);
                let device = Device::flex().autodiff();
                let table = singles(&numbers, [N_BUCKETS, self.n_heads], &device);
                AttentionBias {
                    table: table.require_grad(),
                    rule,
                }
            })
            .collect()
    }

    /// The mixed values and the gradients of queries, keys, values and tables.
    fn run(&self, f: Attention, options: &AttentionOptions) -> Vec<Vec<f64>> {
        let (inputs, tables) = (self.inputs(), self.biases());
        let options = AttentionOptions {
            biases: tables[..options.biases.len()].to_vec(),
            ..options.clone()
        };
        let [query, key, value] = inputs.clone();
        let context = f(query, key, value, &self.layout, &options);
        let numbers = values(9, context.dims().iter().product());
        let direction = singles(&numbers, context.dims(), &Device::flex());
        let gradients = (context.clone() * direction).sum().backward();
        let mut found = vec![read(context)];
        found.extend(inputs.map(|input| read(input.grad(&gradients).unwrap())));
        let tables = options.biases.iter().map(|bias| &bias.table);
        found.extend(tables.map(|table| read(table.grad(&gradients).unwrap())));
        found
    }

    #[track_caller]
    fn check(&self, options: &AttentionOptions) {
        self.check_within(3e-5, options);
    }

    /// Compares to a share of the greatest number.
    #[track_caller]
    fn check_within(&self, tolerance: f64, options: &AttentionOptions) {
        let (kernel, composite) = (
            self.run(attention, options),
            self.run(composite::attention, options),
        );
        assert_eq!(kernel.len(), composite.len());
        for (kernel, composite) in kernel.iter().zip(&composite) {
            let greatest = composite.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
            assert_near(kernel, composite, tolerance * greatest);
        }
    }
}

type Attention =
    fn(Tensor<3>, Tensor<3>, Tensor<3>, &AttentionLayout, &AttentionOptions) -> Tensor<3>;

fn dropout() -> Option<Dropout> {
    Some(Dropout {
        probability: 0.3,
        key: RandomKey::new(5),
    })
}

const POINTWISE: AttentionForm = AttentionForm::Pointwise { divisor: 10.0 };

#[test]
fn odd_lengths_and_widths_agree() {
    let lengths = [1, 2, 3, 0, 63, 64, 65, 127];
    for (n_heads, d_head) in [(1, 1), (3, 2), (2, 3), (2, 16), (1, 63), (1, 65)] {
        let batch = Batch::new(&lengths, &lengths, n_heads, d_head);
        let causal = AttentionOptions {
            visibility: Visibility::causal(),
            dropout: dropout(),
            ..AttentionOptions::default()
        };
        batch.check(&causal);
        batch.check(&AttentionOptions::default());
    }
}

#[test]
fn many_sequences_of_one_short_length_agree() {
    for (n_sequences, length) in [
        (1, 1),
        (3, 5),
        (16, 10),
        (17, 4),
        (40, 39),
        (5, 64),
        (5, 65),
    ] {
        for (n_heads, d_head) in [(1, 1), (3, 2), (2, 8), (1, 32), (1, 33)] {
            let lengths = vec![length; n_sequences];
            let batch = Batch::new(&lengths, &lengths, n_heads, d_head);
            batch.check(&AttentionOptions::default());
            batch.check(&AttentionOptions {
                scale: Some(-0.7),
                ..AttentionOptions::default()
            });
            batch.check(&AttentionOptions {
                dropout: dropout(),
                ..AttentionOptions::default()
            });
        }
    }
}

#[test]
fn a_short_sequence_alone_equals_itself_among_others() {
    let run = |n_sequences: usize| {
        let batch = Batch::new(&vec![10; n_sequences], &vec![10; n_sequences], 2, 8);
        batch.run(attention, &AttentionOptions::default())
    };
    let (one, many) = (run(1), run(40));
    for (one, many) in one.iter().zip(&many) {
        assert_eq!(one[..], many[..one.len()]);
    }
}

#[test]
fn lengths_beyond_a_tile_agree() {
    let batch = Batch::new(&[1000, 0, 257, 300], &[1000, 5, 255, 513], 2, 8);
    for visibility in [
        Visibility::bidirectional(),
        Visibility::causal(),
        Visibility::causal().within(70),
        Visibility::bidirectional().within(300),
    ] {
        for form in [AttentionForm::Softmax, POINTWISE] {
            let options = AttentionOptions {
                visibility,
                form,
                dropout: dropout(),
                ..AttentionOptions::default()
            };
            batch.check(&options);
        }
    }
}

#[test]
fn biases_and_their_gradients_agree() {
    for (queries, keys) in [
        ([3, 0, 65, 300], [3, 4, 65, 300]),
        ([1, 9, 2, 70], [8, 0, 5, 290]),
    ] {
        let batch = Batch::new(&queries, &keys, 3, 5);
        for (visibility, form, dropout) in [
            (Visibility::causal(), AttentionForm::Softmax, None),
            (Visibility::bidirectional().within(90), POINTWISE, dropout()),
            (
                Visibility::causal().within(17),
                AttentionForm::Softmax,
                dropout(),
            ),
        ] {
            let options = AttentionOptions {
                visibility,
                form,
                dropout,
                ..AttentionOptions::default()
            };
            for n_biases in 0..=3 {
                batch.check(&AttentionOptions {
                    biases: batch.biases()[..n_biases].to_vec(),
                    ..options.clone()
                });
            }
        }
    }
}

/// With many sequences a task works on all heads of one, side by side.
#[test]
fn many_sequences_agree() {
    let lengths: Vec<usize> = (0..40).map(|sequence| (sequence * 7) % 23).collect();
    let batch = Batch::new(&lengths, &lengths, 3, 5);
    let options = AttentionOptions {
        visibility: Visibility::causal(),
        biases: batch.biases(),
        dropout: dropout(),
        ..AttentionOptions::default()
    };
    batch.check(&options);
}

#[test]
fn extreme_scores_agree() {
    for size in [1e2, -1e2] {
        let batch = Batch {
            size,
            ..Batch::new(&[300, 2], &[300, 2], 2, 4)
        };
        for form in [AttentionForm::Softmax, POINTWISE] {
            let options = AttentionOptions {
                form,
                visibility: Visibility::causal(),
                ..AttentionOptions::default()
            };
            // Scores near 1e4 are rounded to a thousandth, and so is the logarithm of a weight.
            batch.check_within(3e-3, &options);
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let lengths = [[5, 300].as_slice(), &[7; 40]];
    for lengths in lengths {
        let batch = Batch::new(lengths, lengths, 2, 8);
        let options = AttentionOptions {
            visibility: Visibility::causal(),
            biases: batch.biases(),
            dropout: dropout(),
            ..AttentionOptions::default()
        };
        let on = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads);
            let pool = pool.build().unwrap();
            pool.install(|| batch.run(attention, &options))
        };
        assert_eq!(on(1), on(2));
    }
}
