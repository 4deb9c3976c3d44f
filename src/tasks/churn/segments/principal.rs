//! Two numbers for each row that keep most of what many say.

use faer::{Mat, MatRef, Side};

/// Rows on the two directions in which they differ most.
pub(super) struct Principal {
    /// One a row.
    pub(super) points: Vec<(f64, f64)>,
    /// Shares of the variance that the two directions hold.
    pub(super) shares: (f64, f64),
}

/// The first two principal components of rows `[n_rows, width]` whose columns have mean 0; nought where there is no second
/// column. The entry of a direction that is largest in size is positive. None where no directions are found.
pub(super) fn principal(rows: &[f64], width: usize) -> Option<Principal> {
    let n_rows = rows.len() / width;
    let matrix = MatRef::from_row_major_slice(rows, n_rows, width);
    let products: Mat<f64> = matrix.transpose() * matrix;
    let found = products.self_adjoint_eigen(Side::Lower).ok()?;
    let (values, vectors) = (found.S().column_vector(), found.U());
    let total: f64 = (0..width).map(|place| values[place]).sum();
    // Values rise.
    let direction = |from_last: usize| -> Option<(Vec<f64>, f64)> {
        let column = width.checked_sub(from_last + 1)?;
        let entries = (0..width).map(|row| vectors[(row, column)]);
        let largest = entries.clone().max_by(|l, r| l.abs().total_cmp(&r.abs()))?;
        let share = values[column] / total;
        Some((
            entries.map(|entry| entry * largest.signum()).collect(),
            share,
        ))
    };
    let (first, second) = (
        direction(0)?,
        direction(1).unwrap_or((vec![0.0; width], 0.0)),
    );
    let on = |row: &[f64], direction: &[f64]| -> f64 {
        row.iter()
            .zip(direction)
            .map(|(value, entry)| value * entry)
            .sum()
    };
    let points = rows.chunks_exact(width);
    Some(Principal {
        points: points
            .map(|row| (on(row, &first.0), on(row, &second.0)))
            .collect(),
        shares: (first.1, second.1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_on_a_line_have_one_component_that_keeps_their_distances() {
        // Along (3, -4) / 5, with a little across.
        let along = [-2.0, -1.0, 0.0, 1.0, 2.0];
        let across = [0.01, -0.02, 0.02, -0.02, 0.01];
        let pairs = along.iter().zip(across);
        let rows: Vec<f64> = pairs
            .flat_map(|(a, b)| [0.6 * a + 0.8 * b, -0.8 * a + 0.6 * b])
            .collect();
        let found = principal(&rows, 2).unwrap();
        for ((point, a), b) in found.points.iter().zip(along).zip(across) {
            // The larger entry of either direction, -0.8 and 0.8, is positive.
            assert!(
                (point.0 + a).abs() < 1e-9 && (point.1 - b).abs() < 1e-9,
                "{point:?}"
            );
        }
        let squares = (10.0, 0.0014);
        assert!((found.shares.1 - squares.1 / (squares.0 + squares.1)).abs() < 1e-9);
        assert!((found.shares.0 + found.shares.1 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn one_column_is_its_own_component() {
        let found = principal(&[-1.0, 3.0, -2.0], 1).unwrap();
        assert_eq!(found.points, [(-1.0, 0.0), (3.0, 0.0), (-2.0, 0.0)]);
    }
}
