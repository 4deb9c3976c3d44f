//! Blocks by their definition, in plain Rust.

use super::*;

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
