//! Masks as tensors, where `true` HIDES a position, and their conversion from and to what others use.
//!
//! The modules of this crate need none of them: padding does not exist in packed rows, and causality and windows are
//! settings. They are for comparing with, and moving from, code that passes masks.

use burn::tensor::{Bool, Device, Tensor, TensorData};

use crate::model::{ModelError, check};

/// Hides what lies beyond the length of each sequence.
///
/// # Shapes
/// - returns `[batch, seq_len]`, `true` hides
///
/// # Errors
/// [`ModelError::LengthExceedsSequence`].
///
/// ```
/// use salient::model::attention::mask;
///
/// let device = burn::tensor::Device::flex();
/// let mask = mask::padding_mask(&[1, 3], 3, &device)?;
/// assert_eq!(mask.into_data().to_vec::<bool>()?, [false, true, true, false, false, false]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn padding_mask(
    lengths: &[usize],
    seq_len: usize,
    device: &Device,
) -> Result<Tensor<2, Bool>, ModelError> {
    if let Some(sequence) = lengths.iter().position(|&length| length > seq_len) {
        return Err(ModelError::LengthExceedsSequence {
            sequence,
            length: lengths[sequence],
            seq_len,
        });
    }
    let hidden = lengths
        .iter()
        .flat_map(|&length| (0..seq_len).map(move |position| position >= length));
    Ok(mask(hidden.collect(), [lengths.len(), seq_len], device))
}

/// Hides from each position what comes after it.
///
/// # Shapes
/// - returns `[seq_len, seq_len]`, query by key, `true` hides
pub fn causal_mask(seq_len: usize, device: &Device) -> Tensor<2, Bool> {
    pair_mask(seq_len, device, |query, key| key > query)
}

/// Hides from each position what is `window` or more positions away, on either side.
///
/// # Shapes
/// - returns `[seq_len, seq_len]`, query by key, `true` hides
///
/// # Errors
/// [`ModelError::WindowOfZero`].
pub fn sliding_window_mask(
    seq_len: usize,
    window: usize,
    device: &Device,
) -> Result<Tensor<2, Bool>, ModelError> {
    check::window(Some(window))?;
    Ok(pair_mask(seq_len, device, |query, key| {
        query.abs_diff(key) >= window
    }))
}

/// Turns a mask where `true` KEEPS a position, as other libraries have it, into one where `true` hides it.
pub fn from_keep_mask<const D: usize>(keep: Tensor<D, Bool>) -> Tensor<D, Bool> {
    keep.bool_not()
}

/// The length of each sequence, given a mask that hides its end.
///
/// # Shapes
/// - `padding_mask`: `[batch, seq_len]`, `true` hides
///
/// # Errors
/// [`ModelError::PaddingBeforeToken`] if a token comes after padding, so that no length describes the mask.
pub fn lengths(padding_mask: Tensor<2, Bool>) -> Result<Vec<usize>, ModelError> {
    let [batch, seq_len] = padding_mask.dims();
    let hidden: Vec<bool> = padding_mask.into_data().iter::<bool>().collect();
    (0..batch)
        .map(|sequence| {
            let row = &hidden[sequence * seq_len..(sequence + 1) * seq_len];
            let length = row.iter().position(|&hidden| hidden).unwrap_or(seq_len);
            match row[length..].iter().position(|&hidden| !hidden) {
                Some(later) => Err(ModelError::PaddingBeforeToken {
                    sequence,
                    position: length + later,
                }),
                None => Ok(length),
            }
        })
        .collect()
}

fn pair_mask(
    seq_len: usize,
    device: &Device,
    hides: impl Fn(usize, usize) -> bool,
) -> Tensor<2, Bool> {
    let hidden = (0..seq_len)
        .flat_map(|query| (0..seq_len).map(move |key| (query, key)))
        .map(|(query, key)| hides(query, key));
    mask(hidden.collect(), [seq_len, seq_len], device)
}

fn mask(hidden: Vec<bool>, shape: [usize; 2], device: &Device) -> Tensor<2, Bool> {
    Tensor::from_data(TensorData::new(hidden, shape), device)
}
