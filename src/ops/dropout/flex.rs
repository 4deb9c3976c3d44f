//! The CPU kernels as operations of Burn, with gradients of their own.

use burn::backend::autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use super::{Dropout, kernel};
use crate::ops::cpu;

/// The operations; only called on the Flex backend, in 32 bits.
#[backend_extension(Flex, Autodiff)]
pub(super) trait DropSome: Backend {
    /// `x` with some elements dropped.
    fn drop_some(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self>;

    /// The same, plus the residual, which has the same shape.
    fn drop_some_and_add(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        dropout: Dropout,
    ) -> FloatTensor<Self>;
}

/// As the composite of the same name.
pub(super) fn dropout<const D: usize>(x: Tensor<D>, dropout: &Dropout) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as DropSome>::drop_some(
        x.into_dispatch(),
        *dropout,
    ))
}

/// As the composite of the same name.
pub(super) fn dropout_add<const D: usize>(
    x: Tensor<D>,
    residual: Tensor<D>,
    dropout: &Dropout,
) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as DropSome>::drop_some_and_add(
        x.into_dispatch(),
        residual.into_dispatch(),
        *dropout,
    ))
}

impl DropSome for Flex {
    fn drop_some(x: FlexTensor, dropout: Dropout) -> FlexTensor {
        let drop_some = |start, numbers: &mut [f32]| kernel::drop_some(&dropout, start, numbers);
        cpu::changed(x, cpu::chunk_len(1), drop_some).0
    }

    fn drop_some_and_add(x: FlexTensor, residual: FlexTensor, dropout: Dropout) -> FlexTensor {
        let residual = residual.to_contiguous();
        let residual = cpu::numbers(&residual);
        let drop_some_and_add = |start, numbers: &mut [f32]| {
            kernel::drop_some_and_add(&dropout, start, numbers, residual);
        };
        cpu::changed(x, cpu::chunk_len(1), drop_some_and_add).0
    }
}

/// Drops of the gradient what was dropped of `x`, and passes it on whole to the residual if there is one.
///
/// The mask is made again from the key.
#[derive(Debug)]
struct DropGradients;

impl<const N: usize> Backward<Flex, N> for DropGradients {
    type State = Dropout;

    fn backward(
        self,
        ops: Ops<Dropout, N>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let outer = gradients.consume::<Flex>(&ops.node);
        let mut parents = ops.parents.into_iter();
        let (x, residual) = (parents.next().flatten(), parents.next().flatten());
        if let Some(residual) = residual {
            gradients.register::<Flex>(residual.id, outer.clone());
        }
        if let Some(x) = x {
            gradients.register::<Flex>(x.id, Flex::drop_some(outer, ops.state));
        }
    }
}

impl<C: CheckpointStrategy> DropSome for Autodiff<Flex, C> {
    fn drop_some(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self> {
        let preparation = DropGradients.prepare::<C>([x.node()]);
        let y = Flex::drop_some(x.into_primitive(), dropout);
        match preparation.compute_bound().stateful() {
            OpsKind::Tracked(preparation) => preparation.finish(dropout, y),
            OpsKind::UnTracked(preparation) => preparation.finish(y),
        }
    }

    fn drop_some_and_add(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        dropout: Dropout,
    ) -> FloatTensor<Self> {
        let preparation = DropGradients.prepare::<C>([x.node(), residual.node()]);
        let y = Flex::drop_some_and_add(x.into_primitive(), residual.into_primitive(), dropout);
        match preparation.compute_bound().stateful() {
            OpsKind::Tracked(preparation) => preparation.finish(dropout, y),
            OpsKind::UnTracked(preparation) => preparation.finish(y),
        }
    }
}
