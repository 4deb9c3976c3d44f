//! The CPU kernels as an operation of Burn, with a gradient of its own.

use burn::backend::autodiff::{
    NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};

use super::{Activation, kernel};
use crate::ops::cpu;
use crate::ops::dropout::Dropout;

/// An activation and the dropout after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    activation: Activation,
    dropout: Option<Dropout>,
}

/// The operation; only called on the Flex backend, in 32 bits, with rows that are not empty.
#[backend_extension(Flex, Autodiff)]
pub(super) trait Activate: Backend {
    /// What dropout leaves of the activation of `x`.
    fn activate(x: FloatTensor<Self>, rule: Rule) -> FloatTensor<Self>;
}

/// As the composite of the same name.
pub(super) fn activate<const D: usize>(
    x: Tensor<D>,
    activation: Activation,
    dropout: Option<&Dropout>,
) -> Tensor<D> {
    let rule = Rule {
        activation,
        dropout: dropout.copied(),
    };
    Tensor::from_dispatch(<Dispatch as Activate>::activate(x.into_dispatch(), rule))
}

impl Activate for Flex {
    fn activate(x: FlexTensor, rule: Rule) -> FlexTensor {
        match rule.activation {
            Activation::Relu => rule.each(x, kernel::relu),
            Activation::Gelu => rule.each(x, kernel::gelu),
            Activation::Silu => rule.each(x, kernel::silu),
            Activation::Swiglu => rule.gated(&x),
        }
    }
}

impl Rule {
    /// The gradient of `x`, from that of the outcome and from what was saved.
    fn backward(&self, outer: FlexTensor, saved: FlexTensor) -> FlexTensor {
        match self.activation {
            Activation::Relu => self.d_each(outer, &saved, kernel::d_relu),
            Activation::Gelu => self.d_each(outer, &saved, kernel::d_gelu),
            Activation::Silu => self.d_each(outer, &saved, kernel::d_silu),
            Activation::Swiglu => self.d_gated(&outer, saved),
        }
    }

    fn each(&self, x: FlexTensor, forward: kernel::Forward) -> FlexTensor {
        let dropout = self.dropout.as_ref();
        let forward = |start, numbers: &mut [f32]| forward(dropout, start, numbers);
        cpu::changed(x, cpu::chunk_len(1), forward).0
    }

    fn d_each(
        &self,
        outer: FlexTensor,
        saved: &FlexTensor,
        backward: kernel::Backward,
    ) -> FlexTensor {
        let saved = saved.to_contiguous();
        let saved = cpu::numbers(&saved);
        let backward = |start, gradients: &mut [f32]| {
            let saved = &saved[start..start + gradients.len()];
            backward(self.dropout.as_ref(), start, gradients, saved);
        };
        cpu::changed(outer, cpu::chunk_len(1), backward).0
    }

    fn gated(&self, x: &FlexTensor) -> FlexTensor {
        let mut shape: Vec<usize> = x.shape().iter().copied().collect();
        let x = x.to_contiguous();
        let x = cpu::numbers(&x);
        let d_ff = match shape.last_mut() {
            Some(width) => {
                *width /= 2;
                *width
            }
            None => 1,
        };
        let forward = |start: usize, out: &mut [f32]| {
            let rows = &x[2 * start..2 * (start + out.len())];
            kernel::swiglu(self.dropout.as_ref(), d_ff, start, out, rows);
        };
        let (numbers, _) = cpu::change_zeros(x.len() / 2, cpu::chunk_len(d_ff), forward);
        cpu::tensor(numbers, Shape::from(shape))
    }

    fn d_gated(&self, outer: &FlexTensor, x: FlexTensor) -> FlexTensor {
        let width = x.shape().iter().last().copied().unwrap_or(1);
        let outer = outer.to_contiguous();
        let outer = cpu::numbers(&outer);
        let backward = |start: usize, rows: &mut [f32]| {
            let gradients = &outer[start / 2..(start + rows.len()) / 2];
            let dropout = self.dropout.as_ref();
            kernel::d_swiglu(dropout, width / 2, start / 2, rows, gradients);
        };
        cpu::changed(x, cpu::chunk_len(width), backward).0
    }
}

#[derive(Debug)]
struct ActivateBackward;

/// What backward needs: the input, which others may share; of the rectifier the outcome, which the next layer keeps anyway.
#[derive(Clone, Debug)]
enum Saved {
    Input(NodeId),
    Outcome(FlexTensor),
}

impl Backward<Flex, 1> for ActivateBackward {
    type State = (Rule, Saved);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        gradients: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let outer = gradients.consume::<Flex>(&ops.node);
        let (rule, saved) = ops.state;
        let saved = match saved {
            Saved::Input(node) => checkpointer.retrieve_node_output(node),
            Saved::Outcome(outcome) => outcome,
        };
        let [parent] = ops.parents;
        if let Some(parent) = parent {
            gradients.register::<Flex>(parent.id, rule.backward(outer, saved));
        }
    }
}

impl<C: CheckpointStrategy> Activate for Autodiff<Flex, C> {
    fn activate(x: FloatTensor<Self>, rule: Rule) -> FloatTensor<Self> {
        match ActivateBackward
            .prepare::<C>([x.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(mut preparation) if rule.activation != Activation::Relu => {
                let input = preparation.checkpoint(&x);
                let y = Flex::activate(x.into_primitive(), rule);
                preparation.finish((rule, Saved::Input(input)), y)
            }
            OpsKind::Tracked(preparation) => {
                let y = Flex::activate(x.into_primitive(), rule);
                preparation.finish((rule, Saved::Outcome(y.clone())), y)
            }
            OpsKind::UnTracked(preparation) => {
                preparation.finish(Flex::activate(x.into_primitive(), rule))
            }
        }
    }
}
