//! The CPU kernel as an operation of Burn, with a gradient of its own.

use burn::backend::autodiff::{
    NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Shape, Tensor};

use super::kernel::{Rule, Statistics};
use crate::ops::cpu;

/// The operation; only called on the Flex backend, in 32 bits, with rows that are not empty.
#[backend_extension(Flex, Autodiff)]
pub(super) trait NormRows: Backend {
    /// The normed rows.
    fn norm_rows(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        rule: Rule,
    ) -> FloatTensor<Self>;
}

/// As the composite of the same name.
pub(super) fn layer_norm(
    x: Tensor<2>,
    gamma: Tensor<1>,
    beta: Option<Tensor<1>>,
    epsilon: f64,
) -> Tensor<2> {
    let rule = Rule {
        centred: true,
        epsilon: epsilon as f32,
    };
    norm_rows(x, gamma, beta, rule)
}

/// As the composite of the same name.
pub(super) fn rms_norm(x: Tensor<2>, gamma: Tensor<1>, epsilon: f64) -> Tensor<2> {
    let rule = Rule {
        centred: false,
        epsilon: epsilon as f32,
    };
    norm_rows(x, gamma, None, rule)
}

fn norm_rows(x: Tensor<2>, gamma: Tensor<1>, beta: Option<Tensor<1>>, rule: Rule) -> Tensor<2> {
    // A constant; nothing is tracked for it.
    let beta = beta.unwrap_or_else(|| Tensor::zeros(gamma.dims(), &gamma.device()));
    Tensor::from_dispatch(<Dispatch as NormRows>::norm_rows(
        x.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        rule,
    ))
}

fn forward(
    x: FlexTensor,
    gamma: &FlexTensor,
    beta: &FlexTensor,
    rule: Rule,
) -> (FlexTensor, Vec<Statistics>) {
    let (gamma, beta) = (gamma.to_contiguous(), beta.to_contiguous());
    let (gamma, beta) = (cpu::numbers(&gamma), cpu::numbers(&beta));
    let norm = |_, rows: &mut [f32]| rule.norm(rows, gamma, beta);
    let (y, statistics) = cpu::changed(x, cpu::chunk_len(gamma.len()), norm);
    (y, statistics.concat())
}

impl NormRows for Flex {
    fn norm_rows(x: FlexTensor, gamma: FlexTensor, beta: FlexTensor, rule: Rule) -> FlexTensor {
        forward(x, &gamma, &beta, rule).0
    }
}

#[derive(Debug)]
struct NormRowsBackward;

/// What backward needs: `x` and `gamma`, which others may share, and two numbers a row.
#[derive(Clone, Debug)]
struct State {
    x: NodeId,
    gamma: NodeId,
    statistics: Vec<Statistics>,
    rule: Rule,
}

impl Backward<Flex, 3> for NormRowsBackward {
    type State = State;

    fn backward(
        self,
        ops: Ops<State, 3>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let outer = gradients.consume::<Flex>(&ops.node);
        let State {
            x,
            gamma,
            statistics,
            rule,
        } = ops.state;
        let [x, gamma] = [x, gamma].map(|node| {
            let tensor: FlexTensor = checkpointer.retrieve_node_output(node);
            tensor.to_contiguous()
        });
        let (x, gamma) = (cpu::numbers(&x), cpu::numbers(&gamma));
        let d_model = gamma.len();
        let backward = |start, gradients: &mut [f32]| {
            let rows = &x[start..start + gradients.len()];
            let statistics = &statistics[start / d_model..][..rows.len() / d_model];
            rule.backward(gradients, rows, statistics, gamma)
        };
        let (d_x, columns) = cpu::changed(outer, cpu::chunk_len(d_model), backward);
        let mut sums = vec![0.0; 2 * d_model];
        // In the order of the rows, so that the number of threads does not matter.
        for columns in columns {
            for (sum, number) in sums.iter_mut().zip(columns) {
                *sum += number;
            }
        }
        let d_beta = cpu::tensor(sums.split_off(d_model), Shape::new([d_model]));
        let d_gamma = cpu::tensor(sums, Shape::new([d_model]));
        for (parent, gradient) in ops.parents.into_iter().zip([d_x, d_gamma, d_beta]) {
            if let Some(parent) = parent {
                gradients.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

impl<C: CheckpointStrategy> NormRows for Autodiff<Flex, C> {
    fn norm_rows(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        rule: Rule,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), gamma.node(), beta.node()];
        let beta = beta.into_primitive();
        match NormRowsBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(mut preparation) => {
                let nodes = [&x, &gamma].map(|tensor| preparation.checkpoint(tensor));
                let gamma = gamma.into_primitive();
                let (y, statistics) = forward(x.into_primitive(), &gamma, &beta, rule);
                let [x, gamma] = nodes;
                let state = State {
                    x,
                    gamma,
                    statistics,
                    rule,
                };
                preparation.finish(state, y)
            }
            OpsKind::UnTracked(preparation) => {
                let gamma = gamma.into_primitive();
                preparation.finish(forward(x.into_primitive(), &gamma, &beta, rule).0)
            }
        }
    }
}
