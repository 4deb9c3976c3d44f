//! Tensors of the Flex backend as slices.

use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{Bytes, DType, Device, Shape, Tensor};

/// Whether the kernels can take a tensor: 32-bit floats on the Flex backend.
pub(in crate::ops) fn runs_here<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && tensor.device() == Device::flex()
}

/// The numbers of a contiguous tensor.
pub(in crate::ops) fn numbers(tensor: &FlexTensor) -> &[f32] {
    let start = tensor.layout().start_offset();
    &tensor.storage()[start..start + tensor.shape().num_elements()]
}

/// Numbers as a tensor.
pub(in crate::ops) fn tensor(numbers: Vec<f32>, shape: Shape) -> FlexTensor {
    FlexTensor::new(
        Bytes::from_elems(numbers),
        Layout::contiguous(shape),
        DType::F32,
    )
}

/// The numbers of a tensor, to write on. They are copied first if the tensor is a view, or if another tensor shares them.
pub(in crate::ops) fn numbers_mut(tensor: &mut FlexTensor) -> &mut [f32] {
    if !tensor.is_contiguous() {
        *tensor = tensor.to_contiguous();
    }
    let start = tensor.layout().start_offset();
    let end = start + tensor.shape().num_elements();
    &mut tensor.storage_mut()[start..end]
}

/// The tensor of the backend inside one that [`runs_here`], without autodiff.
pub(in crate::ops) fn primitive<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    match tensor.try_into_primitive::<Flex>() {
        Ok(tensor) => tensor,
        Err(error) => unreachable!("callers ask runs_here first: {error:?}"),
    }
}

/// The way back from [`primitive`].
pub(in crate::ops) fn from_primitive<const D: usize>(tensor: FlexTensor) -> Tensor<D> {
    Tensor::from_primitive::<Flex>(tensor)
}
