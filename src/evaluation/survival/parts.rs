//! Parts of the customers of similar predictions.

/// The rows of each of `n_parts` parts of as nearly equal size as equal values, which stay together, allow; the lowest values
/// first, empty parts left out. A block of equal values belongs to the part in which its middle lies.
pub(super) fn equal_parts(values: &[f64], n_parts: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut parts = vec![Vec::new(); n_parts];
    let mut n_before = 0;
    for block in order.chunk_by(|&a, &b| values[a] == values[b]) {
        // In halves of rows, so that it is exact.
        let part = (2 * n_before + block.len()) * n_parts / (2 * values.len());
        parts[part.min(n_parts - 1)].extend_from_slice(block);
        n_before += block.len();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_equal_but_for_ties() {
        let parts = equal_parts(&[5.0, 1.0, 4.0, 2.0, 3.0, 6.0], 3);
        assert_eq!(parts, [vec![1, 3], vec![4, 2], vec![0, 5]]);
        let parts = equal_parts(&[1.0, 1.0, 1.0, 0.0], 2);
        assert_eq!(parts, [vec![3], vec![0, 1, 2]]);
        assert_eq!(equal_parts(&[1.0; 3], 10), [vec![0, 1, 2]]);
    }
}
