//! Where a row stands in its sequence: vectors added to the rows, or turns of the query and key heads.

mod learned;
mod origin;
mod rotary;
mod sinusoidal;

pub use learned::{LearnedPositions, LearnedPositionsConfig};
pub use origin::PositionOrigin;
pub use rotary::{Rotary, RotaryConfig};
pub use sinusoidal::{SinusoidalPositions, SinusoidalPositionsConfig};
