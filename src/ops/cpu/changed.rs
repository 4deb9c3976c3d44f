//! Tensors whose numbers are changed chunk by chunk.

use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;

use super::{chunks, storage};

/// Changes the numbers of a tensor as [`chunks::change`](chunks::change()) does: in place if nobody else holds them, else
/// in a copy.
pub(in crate::ops) fn changed<R: Send>(
    tensor: FlexTensor,
    chunk_len: usize,
    change: impl Fn(usize, &mut [f32]) -> R + Sync,
) -> (FlexTensor, Vec<R>) {
    let mut contiguous = tensor.to_contiguous();
    // Else there are two holders of the numbers.
    drop(tensor);
    let start = contiguous.layout().start_offset();
    let n = contiguous.shape().num_elements();
    if let Some(numbers) = contiguous.try_storage_mut::<f32>() {
        let found = chunks::change(&mut numbers[start..start + n], chunk_len, change);
        return (contiguous, found);
    }
    let (numbers, found) = chunks::change_copy(storage::numbers(&contiguous), chunk_len, change);
    (storage::tensor(numbers, contiguous.shape()), found)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Shape;

    use super::*;

    fn doubled(tensor: FlexTensor) -> FlexTensor {
        let double = |_, chunk: &mut [f32]| chunk.iter_mut().for_each(|number| *number *= 2.0);
        changed(tensor, 2, double).0
    }

    #[test]
    fn numbers_that_others_hold_are_left_alone() {
        let tensor = storage::tensor(vec![1.0, 2.0, 3.0], Shape::new([3]));
        let held = tensor.clone();
        assert_eq!(storage::numbers(&doubled(tensor)), [2.0, 4.0, 6.0]);
        assert_eq!(storage::numbers(&held), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn numbers_that_nobody_else_holds_are_changed_in_place() {
        let tensor = storage::tensor(vec![1.0, 2.0, 3.0], Shape::new([3]));
        let place = storage::numbers(&tensor).as_ptr();
        let tensor = doubled(tensor);
        assert_eq!(storage::numbers(&tensor), [2.0, 4.0, 6.0]);
        assert_eq!(storage::numbers(&tensor).as_ptr(), place);
    }
}
