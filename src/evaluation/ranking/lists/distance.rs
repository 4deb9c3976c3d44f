//! How far apart two items are.

use super::ItemContent;

/// Distances of items by their content.
#[derive(Debug)]
pub(super) enum Distances<'a> {
    /// Ascending and distinct for each item.
    Categories(Vec<Vec<u32>>),
    Vectors {
        values: &'a [f32],
        width: usize,
        norms: Vec<f64>,
    },
}

impl<'a> Distances<'a> {
    /// `n_items` agrees with the content, which has been checked.
    pub(super) fn new(content: ItemContent<'a>, n_items: usize) -> Self {
        match content {
            ItemContent::Categories(categories) => {
                let mut sets = categories.to_vec();
                for set in &mut sets {
                    set.sort_unstable();
                    set.dedup();
                }
                Self::Categories(sets)
            }
            ItemContent::Vectors { values, width } => {
                let row = |item| &values[item * width..(item + 1) * width];
                let norm = |item| dot(row(item), row(item)).sqrt();
                Self::Vectors {
                    values,
                    width,
                    norms: (0..n_items).map(norm).collect(),
                }
            }
        }
    }

    pub(super) fn between(&self, left: u32, right: u32) -> f64 {
        let (left, right) = (left as usize, right as usize);
        match self {
            Self::Categories(sets) => jaccard(&sets[left], &sets[right]),
            Self::Vectors {
                values,
                width,
                norms,
            } => {
                let row = |item: usize| &values[item * width..(item + 1) * width];
                match (norms[left] > 0.0, norms[right] > 0.0) {
                    (true, true) => {
                        let cosine = dot(row(left), row(right)) / (norms[left] * norms[right]);
                        // Rounding must not make a distance negative.
                        (1.0 - cosine).clamp(0.0, 2.0)
                    }
                    (false, false) => 0.0,
                    _ => 1.0,
                }
            }
        }
    }
}

/// The Jaccard distance of two ascending sets; 0 if both are empty.
fn jaccard(left: &[u32], right: &[u32]) -> f64 {
    let shared = left.iter().filter(|item| right.binary_search(item).is_ok());
    let n_shared = shared.count();
    let n_either = left.len() + right.len() - n_shared;
    if n_either == 0 {
        return 0.0;
    }
    1.0 - n_shared as f64 / n_either as f64
}

fn dot(left: &[f32], right: &[f32]) -> f64 {
    let products = left.iter().zip(right);
    products.map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_compared_as_sets() {
        let categories = [
            vec![7, 1, 7],
            vec![1, 7],
            vec![1, 2, 3],
            vec![9],
            vec![],
            vec![],
        ];
        let distances = Distances::new(ItemContent::Categories(&categories), 6);
        assert_eq!(distances.between(0, 1), 0.0);
        assert_eq!(distances.between(0, 2), 0.75);
        assert_eq!(distances.between(2, 0), 0.75);
        assert_eq!(distances.between(0, 3), 1.0);
        assert_eq!(distances.between(0, 4), 1.0);
        assert_eq!(distances.between(4, 5), 0.0);
    }

    #[test]
    fn vectors_are_compared_by_their_angle() {
        let values = [
            3.0, 4.0, 6.0, 8.0, -3.0, -4.0, -4.0, 3.0, 0.0, 0.0, 1.0, 0.0,
        ];
        let content = ItemContent::Vectors {
            values: &values,
            width: 2,
        };
        let distances = Distances::new(content, 6);
        let close = |left, right, expected: f64| {
            let found = distances.between(left, right);
            assert!((found - expected).abs() < 1e-12, "{left} {right} {found}");
        };
        close(0, 1, 0.0);
        close(0, 2, 2.0);
        close(0, 3, 1.0);
        close(0, 5, 0.4);
        close(4, 4, 0.0);
        close(4, 5, 1.0);
        assert!(distances.between(0, 1) >= 0.0);
    }
}
