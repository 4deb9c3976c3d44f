//! The checks that several configs share.

use super::ModelError;

/// A size must be at least 1.
pub(crate) fn positive_size(field: &'static str, value: usize) -> Result<(), ModelError> {
    match value {
        0 => Err(ModelError::ZeroSize { field }),
        _ => Ok(()),
    }
}

/// A chance of dropping something must lie in `[0, 1)`.
pub(crate) fn dropout(field: &'static str, value: f64) -> Result<(), ModelError> {
    if (0.0..1.0).contains(&value) {
        Ok(())
    } else {
        Err(ModelError::DropoutOutOfRange { field, value })
    }
}

/// A number must be positive and finite.
pub(crate) fn positive(field: &'static str, value: f64) -> Result<(), ModelError> {
    if value > 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(ModelError::NotPositive { field, value })
    }
}

/// A number must be at least 0 and finite.
pub(crate) fn not_negative(field: &'static str, value: f64) -> Result<(), ModelError> {
    if value >= 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(ModelError::Negative { field, value })
    }
}

/// A window must show at least the token itself.
pub(crate) fn window(window: Option<usize>) -> Result<(), ModelError> {
    match window {
        Some(0) => Err(ModelError::WindowOfZero),
        _ => Ok(()),
    }
}

/// The width of one head.
pub(crate) fn head_width(d_model: usize, n_heads: usize) -> Result<usize, ModelError> {
    positive_size("d_model", d_model)?;
    positive_size("n_heads", n_heads)?;
    if d_model.is_multiple_of(n_heads) {
        Ok(d_model / n_heads)
    } else {
        Err(ModelError::HeadsDoNotDivideModel { d_model, n_heads })
    }
}

/// A count must reach what its use needs.
pub(crate) fn at_least(field: &'static str, value: usize, least: usize) -> Result<(), ModelError> {
    if value >= least {
        Ok(())
    } else {
        Err(ModelError::TooSmall {
            field,
            value,
            least,
        })
    }
}
