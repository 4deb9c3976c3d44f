//! Symmetric positive definite matrices: their inverse, and equations with them.
//!
//! Matrices are `n * n` numbers of which the lower triangle by columns counts (which is the upper one by rows).

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::{factor, solve};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::linalg::triangular_inverse::invert_lower_triangular;
use faer::{Accum, MatMut, MatRef, Par, Spec};

/// The matrix is not positive definite, as far as its numbers can tell.
#[derive(Debug)]
pub(super) struct NotPositiveDefinite;

/// Replaces the lower triangle of a matrix by that of its inverse, on all threads.
///
/// A second matrix of the same size is held meanwhile: faer's own inverse would hold a third.
pub(super) fn invert(matrix: &mut [f64], n: usize) -> Result<(), NotPositiveDefinite> {
    let par = Par::rayon(0);
    factorise(matrix, n, par)?;
    let mut inverse_factor = vec![0.0; n * n];
    invert_lower_triangular(
        MatMut::from_column_major_slice_mut(&mut inverse_factor, n, n),
        MatRef::from_column_major_slice(matrix, n, n),
        par,
    );
    // The inverse of L Lᵀ is the product of the inverse of Lᵀ and that of L.
    let inverse_factor = MatRef::from_column_major_slice(&inverse_factor, n, n);
    matmul(
        MatMut::from_column_major_slice_mut(matrix, n, n),
        BlockStructure::TriangularLower,
        Accum::Replace,
        inverse_factor.transpose(),
        BlockStructure::TriangularUpper,
        inverse_factor,
        BlockStructure::TriangularLower,
        1.0,
        par,
    );
    Ok(())
}

/// Replaces the right-hand side of `matrix x = right` by `x`, on this thread; the matrix is lost.
pub(super) fn solve(matrix: &mut [f64], right: &mut [f64]) -> Result<(), NotPositiveDefinite> {
    let n = right.len();
    factorise(matrix, n, Par::Seq)?;
    let scratch = solve::solve_in_place_scratch::<f64>(n, 1, Par::Seq);
    solve::solve_in_place(
        MatRef::from_column_major_slice(matrix, n, n),
        MatMut::from_column_major_slice_mut(right, n, 1),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
    );
    Ok(())
}

/// Replaces the lower triangle by the `L` of `L Lᵀ`.
fn factorise(matrix: &mut [f64], n: usize, par: Par) -> Result<(), NotPositiveDefinite> {
    let params: Spec<factor::LltParams, f64> = Spec::default();
    let scratch = factor::cholesky_in_place_scratch::<f64>(n, par, params);
    factor::cholesky_in_place(
        MatMut::from_column_major_slice_mut(matrix, n, n),
        factor::LltRegularization::default(),
        par,
        MemStack::new(&mut MemBuffer::new(scratch)),
        params,
    )
    .map(|_| ())
    .map_err(|_| NotPositiveDefinite)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Symmetric, with a heavy diagonal.
    fn matrix(n: usize) -> Vec<f64> {
        let entry = |i: usize, j: usize| {
            let (low, high) = (i.min(j), i.max(j));
            let off = ((low * 7 + high * 13) % 11) as f64 / 11.0 - 0.4;
            if i == j { n as f64 } else { off }
        };
        (0..n * n).map(|at| entry(at / n, at % n)).collect()
    }

    #[test]
    fn a_matrix_times_its_inverse_is_one() {
        // Beyond the block sizes of the factorisation, too.
        for n in [1, 2, 3, 67, 301] {
            let given = matrix(n);
            let mut inverse = given.clone();
            invert(&mut inverse, n).unwrap();
            let inverse = |i: usize, j: usize| inverse[i.min(j) * n + i.max(j)];
            for i in 0..n {
                for j in 0..n {
                    let product: f64 = (0..n).map(|k| given[i * n + k] * inverse(k, j)).sum();
                    let expected = f64::from(u8::from(i == j));
                    assert!((product - expected).abs() < 1e-10, "{n}: {i} {j} {product}");
                }
            }
        }
    }

    #[test]
    fn a_solution_fulfils_its_equations() {
        for n in [1, 5, 67] {
            let given = matrix(n);
            let right: Vec<f64> = (0..n).map(|i| i as f64 - 2.5).collect();
            let mut solution = right.clone();
            solve(&mut given.clone(), &mut solution).unwrap();
            for i in 0..n {
                let left: f64 = (0..n).map(|k| given[i * n + k] * solution[k]).sum();
                assert!((left - right[i]).abs() < 1e-10, "{n}: {i} {left}");
            }
        }
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_is_refused() {
        let indefinite = [1.0, 2.0, 2.0, 1.0];
        assert!(invert(&mut indefinite.to_vec(), 2).is_err());
        assert!(solve(&mut indefinite.to_vec(), &mut [1.0, 1.0]).is_err());
        assert!(invert(&mut [0.0], 1).is_err());
    }
}
