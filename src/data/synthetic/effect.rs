//! What a past event or a column does to a probability.

/// The change of a true probability that one past event or one column makes: with it, less without it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effect {
    /// Change of the probability, in `[-1, 1]`. Positive where the event or column makes the outcome likelier.
    pub probability: f64,
    /// Change of the natural logarithm of the probability.
    pub log_probability: f64,
}

impl Effect {
    pub(super) fn between(with: f64, without: f64) -> Self {
        Self {
            probability: with - without,
            log_probability: with.ln() - without.ln(),
        }
    }
}
