//! The CPU kernel on tensors of the Flex backend.

use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;

use super::TopK;
use super::kernel::Problem;
use crate::ops::cpu;

/// The best items of each query; tensors must be of the Flex backend in 32 bits.
pub(super) fn top_k(
    queries: Tensor<2>,
    table: Tensor<2>,
    k: usize,
    excluded: &[Vec<u32>],
    allowed: Option<&[bool]>,
) -> Vec<TopK> {
    let [_, d_model] = queries.dims();
    let numbers = |tensor: Tensor<2>| cpu::primitive(tensor.without_autodiff()).to_contiguous();
    let (queries, table): (FlexTensor, FlexTensor) = (numbers(queries), numbers(table));
    let problem = Problem {
        queries: cpu::numbers(&queries),
        table: cpu::numbers(&table),
        d_model,
        k,
        excluded,
        allowed,
    };
    problem.solve().into_iter().map(TopK::from).collect()
}
