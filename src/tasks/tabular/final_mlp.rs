//! Two gated MLPs whose answers are multiplied.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, activation::sigmoid};
use serde::{Deserialize, Serialize};

use super::deep::{flat, head};
use crate::model::linear::{linear, mapped};
use crate::model::mlp::{Mlp, MlpConfig};
use crate::model::{ModelError, check};
use crate::parameters;
use crate::random::{Mode, RandomKey};

/// Settings of a `FinalMlp`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FinalMlpConfig {
    /// The first MLP. Default two layers of 400.
    pub mlp_1: MlpConfig,
    /// The second MLP. Default two layers of 400.
    pub mlp_2: MlpConfig,
    /// Heads of the product of the two, of which the last width of each MLP must be a multiple; at least 1. Default 1. More of
    /// them cost less.
    pub n_heads: usize,
    /// Whether each MLP weighs the numbers that it reads first. Default true.
    pub gates: bool,
    /// Width of the inner layer of a gate; at least 1. Default 800.
    pub d_gate: usize,
    /// Names of the fields that the first gate looks at; with none it looks at nothing and is the same for all rows. Default
    /// none.
    pub context_1: Vec<String>,
    /// Names of the fields that the second gate looks at. Default none.
    pub context_2: Vec<String>,
}

impl Default for FinalMlpConfig {
    fn default() -> Self {
        Self {
            mlp_1: MlpConfig::default(),
            mlp_2: MlpConfig::default(),
            n_heads: 1,
            gates: true,
            d_gate: 800,
            context_1: Vec::new(),
            context_2: Vec::new(),
        }
    }
}

/// Reads the vectors of a row by two MLPs, each through a gate of its own, and fuses them by products of their numbers.
///
/// # Source
/// Mao et al. 2023, <https://arxiv.org/abs/2304.00902>. Differences: a gate looks at the vectors that the MLPs read, where
/// the authors' code has a second table of vectors for it.
#[derive(Module, Debug)]
pub struct FinalMlp {
    /// The first stream.
    pub stream_1: Stream,
    /// The second stream.
    pub stream_2: Stream,
    /// Logits of the first stream alone, `[d_1, n_labels]`.
    pub linear_1: Linear,
    /// Logits of the second stream alone, `[d_2, n_labels]`.
    pub linear_2: Linear,
    /// Products of the two streams, `[n_heads, d_1 / n_heads, n_labels * d_2 / n_heads]`.
    pub products: Param<Tensor<3>>,
}

/// A gate and an MLP.
#[derive(Module, Debug)]
pub struct Stream {
    /// What weighs the numbers that the MLP reads.
    pub gate: Option<Gate>,
    /// The MLP.
    pub mlp: Mlp,
}

/// `2 sigmoid(relu(context Up + b) Down + c)`: 1 for each number at first, nearly.
#[derive(Module, Debug)]
pub struct Gate {
    /// What a gate looks at that looks at no field, `[1, d_token]`.
    pub constant: Option<Param<Tensor<2>>>,
    /// To the inner layer.
    pub up: Linear,
    /// From the inner layer to a number for each that is weighed.
    pub down: Linear,
    /// The tokens that it looks at.
    #[module(skip)]
    context: Vec<usize>,
}

impl FinalMlpConfig {
    /// `token` finds the token of a field by its name.
    pub(super) fn init(
        &self,
        token: impl Fn(&str) -> Option<usize>,
        [n_tokens, d_token, n_labels]: [usize; 3],
        key: RandomKey,
        device: &Device,
    ) -> Result<FinalMlp, ModelError> {
        let d_in = n_tokens * d_token;
        let (d_1, d_2) = (self.mlp_1.d_out(d_in), self.mlp_2.d_out(d_in));
        let d_head = check::head_width(d_1, self.n_heads)?;
        let d_other = check::head_width(d_2, self.n_heads)?;
        let stream = |mlp: &MlpConfig, names: &[String], setting, part| {
            let key = key.child(part);
            let gate = self.gates.then(|| {
                let find = |name: &String| {
                    let name = name.clone();
                    token(&name).ok_or(ModelError::UnknownField { setting, name })
                };
                let context = names.iter().map(find).collect::<Result<_, _>>()?;
                Gate::init(context, [d_token, self.d_gate, d_in], key.child(0), device)
            });
            Ok::<_, ModelError>(Stream {
                gate: gate.transpose()?,
                mlp: mlp.init(d_in, key.child(1), device)?,
            })
        };
        let bound = parameters::glorot_bound(d_head, n_labels * d_other);
        let shape = [self.n_heads, d_head, n_labels * d_other];
        Ok(FinalMlp {
            stream_1: stream(&self.mlp_1, &self.context_1, "context_1", 0)?,
            stream_2: stream(&self.mlp_2, &self.context_2, "context_2", 1)?,
            linear_1: head(d_1, n_labels, key.child(2), device),
            linear_2: head(d_2, n_labels, key.child(3), device),
            products: parameters::uniform(shape, bound, key.child(4), device),
        })
    }
}

impl FinalMlp {
    pub(super) fn forward(&self, tokens: Tensor<3>, mode: Mode) -> Tensor<2> {
        let x = self.stream_1.forward(tokens.clone(), mode.child(0));
        let y = self.stream_2.forward(tokens, mode.child(1));
        let linear = mapped(x.clone(), &self.linear_1) + mapped(y.clone(), &self.linear_2);
        linear + fused(x, y, self.products.val())
    }
}

/// `sum_h x_hᵀ W_hl y_h` for each label `l`, over heads `h`, which are slices of `x` and `y`.
///
/// # Shapes
/// - `x`: `[n_rows, n_heads * d_x]`
/// - `y`: `[n_rows, n_heads * d_y]`
/// - `weight`: `[n_heads, d_x, n_labels * d_y]`
/// - returns `[n_rows, n_labels]`
fn fused(x: Tensor<2>, y: Tensor<2>, weight: Tensor<3>) -> Tensor<2> {
    let ([n_rows, width], [n_heads, d_x, n_columns]) = (y.dims(), weight.dims());
    let d_y = width / n_heads;
    let n_labels = n_columns / d_y;
    let x = x.reshape([n_rows, n_heads, d_x]).swap_dims(0, 1);
    let y = y.reshape([n_rows, n_heads, d_y]).swap_dims(0, 1);
    let seen = x.matmul(weight).reshape([n_heads, n_rows, n_labels, d_y]);
    let products = seen * y.reshape([n_heads, n_rows, 1, d_y]);
    products.sum_dim(3).sum_dim(0).reshape([n_rows, n_labels])
}

impl Stream {
    fn forward(&self, tokens: Tensor<3>, mode: Mode) -> Tensor<2> {
        let read = match &self.gate {
            Some(gate) => flat(tokens.clone()) * gate.forward(tokens),
            None => flat(tokens),
        };
        self.mlp.forward(read, mode)
    }
}

impl Gate {
    fn init(
        context: Vec<usize>,
        [d_token, d_gate, d_out]: [usize; 3],
        key: RandomKey,
        device: &Device,
    ) -> Result<Self, ModelError> {
        check::positive_size("d_gate", d_gate)?;
        let d_in = context.len().max(1) * d_token;
        Ok(Self {
            constant: context
                .is_empty()
                .then(|| parameters::zeros([1, d_token], device)),
            up: linear(d_in, d_gate, true, key.child(0), device),
            down: linear(d_gate, d_out, true, key.child(1), device),
            context,
        })
    }

    /// One factor a number of a row, or the same for all rows.
    fn forward(&self, tokens: Tensor<3>) -> Tensor<2> {
        let context = match &self.constant {
            Some(constant) => constant.val(),
            None => {
                let [n_rows, _, d_token] = tokens.dims();
                let token = |&token: &usize| {
                    let vectors = tokens.clone().narrow(1, token, 1);
                    vectors.reshape([n_rows, d_token])
                };
                Tensor::cat(self.context.iter().map(token).collect(), 1)
            }
        };
        let inner = crate::ops::activation::relu(mapped(context, &self.up));
        sigmoid(mapped(inner, &self.down)) * 2.0
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    fn numbers(seed: usize, n: usize) -> Vec<f64> {
        (0..n)
            .map(|i| ((seed + i * i + 3 * i) % 17) as f64 / 8.0 - 1.0)
            .collect()
    }

    #[test]
    fn fusion_is_the_sum_over_heads_of_bilinear_products() {
        let (n_rows, n_heads, d_x, d_y, n_labels) = (2, 3, 5, 7, 2);
        let x = numbers(1, n_rows * n_heads * d_x);
        let y = numbers(2, n_rows * n_heads * d_y);
        let weight = numbers(3, n_heads * d_x * n_labels * d_y);
        let device = Device::flex();
        let matrix = |numbers: &[f64], width| {
            let data = TensorData::new(numbers.to_vec(), [n_rows, width]);
            Tensor::<2>::from_data(data, &device)
        };
        let data = TensorData::new(weight.clone(), [n_heads, d_x, n_labels * d_y]);
        let found = fused(
            matrix(&x, n_heads * d_x),
            matrix(&y, n_heads * d_y),
            Tensor::from_data(data, &device),
        );
        for (index, found) in found.into_data().iter::<f64>().enumerate() {
            let (row, label) = (index / n_labels, index % n_labels);
            let mut expected = 0.0;
            for head in 0..n_heads {
                for from in 0..d_x {
                    for to in 0..d_y {
                        expected += x[(row * n_heads + head) * d_x + from]
                            * weight[((head * d_x + from) * n_labels + label) * d_y + to]
                            * y[(row * n_heads + head) * d_y + to];
                    }
                }
            }
            assert!((found - expected).abs() < 1e-4, "{found} and {expected}");
        }
    }
}
