//! Where a row stands in its sequence, as vectors added to the rows or turns of the query and key heads; and numbers as
//! vectors.

mod learned;
mod numbers;
mod origin;
mod periodic;
mod rotary;
mod sinusoidal;

pub use learned::{LearnedPositions, LearnedPositionsConfig};
pub use numbers::{NumberTokens, NumberTokensConfig};
pub use origin::PositionOrigin;
pub use periodic::{PeriodicNumbers, PeriodicNumbersConfig};
pub use rotary::{Rotary, RotaryConfig};
pub use sinusoidal::{SinusoidalPositions, SinusoidalPositionsConfig};
