//! Whole branches left out in training.

use burn::tensor::{Tensor, TensorData};
use rand::RngExt;

use crate::random::{Mode, RandomKey};
use crate::sequence::Offsets;

/// Leaves a branch out for whole sequences, by chance, and enlarges it for the others so that expectations stay.
pub(super) fn stochastic_depth(
    branch: Tensor<2>,
    offsets: &Offsets,
    probability: f64,
    mode: Mode,
) -> Tensor<2> {
    let Some(key) = mode.key().filter(|_| probability > 0.0) else {
        return branch;
    };
    let factors: Vec<f32> = offsets
        .lengths()
        .enumerate()
        .flat_map(|(sequence, length)| {
            std::iter::repeat_n(factor(key.child(sequence as u64), probability), length)
        })
        .collect();
    if factors.is_empty() {
        return branch;
    }
    let data = TensorData::new(factors, [offsets.n_rows(), 1]);
    let factors = Tensor::<2>::from_data(data, (&branch.device(), branch.dtype()));
    branch * factors
}

/// 0 with the given probability, else what keeps the mean at 1.
fn factor(key: RandomKey, probability: f64) -> f32 {
    if key.generator().random::<f64>() < probability {
        0.0
    } else {
        (1.0 / (1.0 - probability)) as f32
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    fn dropped(offsets: &Offsets, mode: Mode) -> Vec<f32> {
        let branch = Tensor::ones([offsets.n_rows(), 1], &Device::flex());
        let rows = stochastic_depth(branch, offsets, 0.25, mode);
        rows.into_data().to_vec().unwrap()
    }

    #[test]
    fn a_sequence_is_dropped_or_enlarged_as_a_whole() {
        let offsets = Offsets::uniform(1_000, 3);
        let rows = dropped(&offsets, Mode::Training(RandomKey::new(5)));
        let mut n_dropped = 0;
        for range in offsets.ranges() {
            let value = rows[range.start];
            assert!(value == 0.0 || value == 1.0 / 0.75, "{value}");
            assert!(rows[range].iter().all(|&row| row == value));
            n_dropped += usize::from(value == 0.0);
        }
        // Four standard errors of 1,000 draws around 250.
        assert!((195..=305).contains(&n_dropped), "{n_dropped}");
    }

    #[test]
    fn nothing_is_dropped_at_inference() {
        assert_eq!(dropped(&Offsets::uniform(2, 3), Mode::Inference), [1.0; 6]);
    }
}
