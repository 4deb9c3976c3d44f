//! The public function.

use burn::tensor::Tensor;

use super::{Dropout, composite};

/// Zeroes elements at random and enlarges the others, so that expectations stay.
///
/// Element `i`, in row-major order, depends on `(dropout.key, i)` alone; see [`Dropout`]. At probability 0 the input is
/// returned as it is. For inference, do not call it.
///
/// # Shapes
/// - `x`: any
/// - returns the shape of `x`
///
/// # Panics
/// If the probability lies outside `[0, 1)`.
///
/// # Source
/// Srivastava et al. 2014, <https://jmlr.org/papers/v15/srivastava14a.html>.
pub fn dropout<const D: usize>(x: Tensor<D>, dropout: &Dropout) -> Tensor<D> {
    dropout.assert_valid();
    if dropout.is_none() || x.dims().contains(&0) {
        return x;
    }
    composite::dropout(x, dropout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, values};
    use crate::random::RandomKey;

    fn half() -> Dropout {
        Dropout {
            probability: 0.5,
            key: RandomKey::new(3),
        }
    }

    #[test]
    fn the_mask_is_that_of_the_numbers() {
        let device = burn::tensor::Device::flex();
        let x = Tensor::<3>::ones([2, 3, 5], &device);
        let y = dropout(x, &half()).into_data().to_vec::<f32>().unwrap();
        assert_eq!(y, half().factors(30));
        assert!(y.contains(&0.0) && y.contains(&2.0));
    }

    #[test]
    fn nothing_is_dropped_at_probability_zero() {
        let device = burn::tensor::Device::flex();
        let none = Dropout {
            probability: 0.0,
            ..half()
        };
        let y = dropout(Tensor::<2>::ones([7, 11], &device), &none);
        assert_eq!(y.into_data().to_vec::<f32>().unwrap(), vec![1.0; 77]);
    }

    #[test]
    fn the_gradient_is_the_mask() {
        assert_gradients(&[values(1, 35)], |inputs| {
            dropout(inputs[0].clone(), &half())
        });
    }

    #[test]
    #[should_panic(expected = "dropout probability 1 lies outside [0, 1)")]
    fn a_probability_of_one_is_refused() {
        let device = burn::tensor::Device::flex();
        let all = Dropout {
            probability: 1.0,
            ..half()
        };
        dropout(Tensor::<1>::ones([2], &device), &all);
    }
}
