//! The CPU kernel as an operation of Burn, with a gradient of its own: rows where somebody collects them, else a table.

use std::cell::RefCell;

use burn::backend::autodiff::{
    NodeId,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind},
};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, Backend, BackendTensor, Dispatch, DispatchTensorKind, Flex, TensorMetadata,
    backend_extension,
};
use burn::tensor::{Shape, Tensor};

use super::kernel::{self, IdsAndRows, Table};
use super::row_gradient::RowGradient;
use crate::ops::cpu;

/// The operation; only called on the Flex backend, in 32 bits.
#[backend_extension(Flex, Autodiff)]
pub(super) trait Embedding: Backend {
    /// The row of each id.
    fn embedding(table: FloatTensor<Self>, ids: Vec<u32>) -> FloatTensor<Self>;
}

/// As the composite of the same name.
pub(super) fn embedding(table: Tensor<2>, ids: &[u32]) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as Embedding>::embedding(
        table.into_dispatch(),
        ids.to_vec(),
    ))
}

impl Embedding for Flex {
    fn embedding(table: FlexTensor, ids: Vec<u32>) -> FlexTensor {
        let [_, width] = table.shape().dims();
        let rows = with_rows(&table, |table| table.gather(&ids));
        cpu::tensor(rows, Shape::new([ids.len(), width]))
    }
}

/// Hands over the rows of a table where they lie: part of a larger table is not worth a copy.
fn with_rows<R>(table: &FlexTensor, work: impl FnOnce(Table<'_>) -> R) -> R {
    let [_, width] = table.shape().dims();
    if let [stride, 1] = *table.layout().strides()
        && let Ok(stride) = usize::try_from(stride)
    {
        let numbers = &table.storage()[table.layout().start_offset()..];
        return work(Table {
            numbers,
            stride,
            width,
        });
    }
    let table = table.to_contiguous();
    work(Table {
        numbers: cpu::numbers(&table),
        stride: width,
        width,
    })
}

#[derive(Debug)]
struct EmbeddingBackward;

/// What backward needs; the table itself is not part of it, so that a step may update it in place.
#[derive(Clone, Debug)]
struct State {
    ids: Vec<u32>,
    shape: Shape,
}

impl Backward<Flex, 1> for EmbeddingBackward {
    type State = State;

    fn backward(
        self,
        ops: Ops<State, 1>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let rows = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let [Some(table)] = ops.parents else {
            return;
        };
        let State { ids, shape } = ops.state;
        // A table that was computed needs its gradient as a tensor, to pass it on.
        let is_leaf = table.parents.is_empty();
        let node = table.id;
        let found = Found { node, ids, rows };
        let Some(found) = (if is_leaf { offer(found) } else { Some(found) }) else {
            return;
        };
        let [n_rows, width] = shape.dims();
        let sums = RowGradient::sum(&[found], width);
        let mut dense = vec![0.0; n_rows * width];
        kernel::add_rows(&mut dense, width, (&sums.ids, &sums.rows));
        gradients.register::<Flex>(node, cpu::tensor(dense, shape));
    }
}

impl<C: CheckpointStrategy> Embedding for Autodiff<Flex, C> {
    fn embedding(table: FloatTensor<Self>, ids: Vec<u32>) -> FloatTensor<Self> {
        let (table, node) = table.into_parts();
        let preparation = EmbeddingBackward.prepare::<C>([node]).compute_bound();
        let shape = table.shape();
        let rows = <Flex as Embedding>::embedding(table, ids.clone());
        match preparation.stateful() {
            OpsKind::Tracked(preparation) => preparation.finish(State { ids, shape }, rows),
            OpsKind::UnTracked(preparation) => preparation.finish(rows),
        }
    }
}

/// The gradient of one look-up: which table, which rows, and how each row changes the loss.
#[derive(Debug)]
pub(super) struct Found {
    node: NodeId,
    ids: Vec<u32>,
    rows: FlexTensor,
}

impl Found {
    pub(super) fn ids_and_rows(&self) -> IdsAndRows<'_> {
        (&self.ids, cpu::numbers(&self.rows))
    }

    /// Whether this is a gradient of `table`.
    pub(super) fn is_of<const D: usize>(&self, table: &Tensor<D>) -> bool {
        let DispatchTensorKind::Autodiff(inner) = table.clone().into_dispatch().kind else {
            return false;
        };
        match *inner {
            DispatchTensorKind::Flex(BackendTensor::Autodiff(table)) => table.id() == self.node,
            _ => false,
        }
    }
}

thread_local! {
    /// What backward leaves here for whoever called it; none where nobody collects.
    static COLLECTION: RefCell<Option<Vec<Found>>> = const { RefCell::new(None) };
}

/// Gives a gradient to whoever collects them, or back.
fn offer(found: Found) -> Option<Found> {
    COLLECTION.with_borrow_mut(|collection| match collection {
        Some(collection) => {
            collection.push(found);
            None
        }
        None => Some(found),
    })
}

/// Collects the row gradients of a backward pass, which runs its steps on the thread that calls it.
pub(super) fn collect<R>(backward: impl FnOnce() -> R) -> (R, Vec<Found>) {
    let collecting = Collecting::start();
    let result = backward();
    (result, collecting.finish())
}

/// While it lives, row gradients of this thread are collected; a panic ends that too.
struct Collecting {
    outer: Option<Vec<Found>>,
}

impl Collecting {
    fn start() -> Self {
        Self {
            outer: COLLECTION.replace(Some(Vec::new())),
        }
    }

    fn finish(self) -> Vec<Found> {
        COLLECTION.take().unwrap_or_default()
    }
}

impl Drop for Collecting {
    fn drop(&mut self) {
        COLLECTION.set(self.outer.take());
    }
}
