//! Where the values of each field lie in one table.

use crate::features::tabular::{EncodedRows, ListField, MISSING, TabularShape};
use crate::model::ModelError;
use crate::sequence::Offsets;

/// Where the values of each field lie in one table: those of the categories, then those of the lists that share none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FieldLayout {
    categories: Vec<Place>,
    lists: Vec<Place>,
    /// The category whose values each list has.
    shares: Vec<Option<usize>>,
    is_history: Vec<bool>,
    /// Numbers of each field with numbers.
    pub(super) number_widths: Vec<usize>,
    /// Values of all fields.
    pub(super) n_values: usize,
}

/// The rows of a field.
#[derive(Clone, Debug, PartialEq)]
struct Place {
    name: String,
    first_row: u32,
    n_values: usize,
}

/// A batch with the rows of the table that it names.
pub(super) struct FieldRows<'a> {
    pub(super) n_rows: usize,
    /// `[n_rows, n_categories]`
    pub(super) categories: Vec<u32>,
    /// `[n_rows, n_numbers]`
    pub(super) numbers: &'a [f32],
    pub(super) lists: Vec<ListRows<'a>>,
}

/// The values of a list.
pub(super) struct ListRows<'a> {
    pub(super) ids: Vec<u32>,
    pub(super) offsets: Offsets,
    pub(super) ages_millis: &'a [i64],
    /// What stands for no value.
    missing: u32,
}

impl FieldLayout {
    pub(super) fn new(shape: &TabularShape) -> Result<Self, ModelError> {
        let mut n_values = 0;
        let mut place = |name: &str, n: usize| -> Result<Place, ModelError> {
            let least = MISSING as usize + 1;
            if n < least {
                let field = "values of a field";
                let value = n;
                return Err(ModelError::TooSmall {
                    field,
                    value,
                    least,
                });
            }
            let first_row = n_values;
            n_values += n;
            let most = u32::MAX as usize;
            if n_values > most {
                return Err(ModelError::TooManyValues { n_values, most });
            }
            Ok(Place {
                name: name.to_owned(),
                first_row: first_row as u32,
                n_values: n,
            })
        };
        let categories = shape.categories.iter();
        let categories: Vec<Place> = categories
            .map(|field| place(&field.name, field.n_values))
            .collect::<Result<_, _>>()?;
        let list = |list: &ListField| match list.shares {
            None => place(&list.name, list.n_values),
            Some(category) => shared(list, category, &categories),
        };
        let lists = shape.lists.iter().map(list);
        Ok(Self {
            lists: lists.collect::<Result<_, _>>()?,
            categories,
            shares: shape.lists.iter().map(|list| list.shares).collect(),
            is_history: shape.lists.iter().map(|list| list.is_history).collect(),
            number_widths: shape.numbers.iter().map(|field| field.width).collect(),
            n_values,
        })
    }

    pub(super) fn n_categories(&self) -> usize {
        self.categories.len()
    }

    pub(super) fn n_lists(&self) -> usize {
        self.lists.len()
    }

    pub(super) fn is_history(&self, list: usize) -> bool {
        self.is_history[list]
    }

    /// The histories.
    pub(super) fn histories(&self) -> impl Iterator<Item = usize> {
        (0..self.n_lists()).filter(|&list| self.is_history[list])
    }

    /// The histories whose values are those of a category, each with that category.
    pub(super) fn attended(&self) -> Vec<(usize, usize)> {
        self.histories()
            .filter_map(|list| Some((list, self.shares[list]?)))
            .collect()
    }

    /// The rows that a batch names.
    pub(super) fn rows<'a>(&self, batch: &'a EncodedRows) -> FieldRows<'a> {
        let (n_rows, n_categories) = (batch.n_rows, self.n_categories());
        assert_eq!(
            [
                batch.categories.len(),
                batch.numbers.len(),
                batch.lists.len()
            ],
            [
                n_rows * n_categories,
                n_rows * self.number_widths.iter().sum::<usize>(),
                self.n_lists()
            ],
            "rows must have the fields that the network was made for"
        );
        let mut categories = Vec::with_capacity(batch.categories.len());
        for row in batch.categories.chunks(n_categories.max(1)) {
            let fields = row.iter().zip(&self.categories);
            categories.extend(fields.map(|(&id, place)| place.row(id)));
        }
        let lists = batch.lists.iter().zip(&self.lists).map(|(list, place)| {
            assert_eq!(
                (list.offsets.len(), list.offsets.last()),
                (n_rows + 1, Some(&list.ids.len())),
                "offsets of list {:?} must bound the values of each row",
                place.name
            );
            ListRows {
                ids: list.ids.iter().map(|&id| place.row(id)).collect(),
                offsets: Offsets::from_lengths(
                    list.offsets.windows(2).map(|pair| pair[1] - pair[0]),
                ),
                ages_millis: &list.ages_millis,
                missing: place.first_row + MISSING,
            }
        });
        FieldRows {
            n_rows,
            categories,
            numbers: &batch.numbers,
            lists: lists.collect(),
        }
    }
}

/// The place of a list in that of the category whose values it has.
fn shared(list: &ListField, category: usize, categories: &[Place]) -> Result<Place, ModelError> {
    let Some(place) = categories.get(category) else {
        return Err(ModelError::NoSuchCategory {
            list: list.name.clone(),
            category,
            n_categories: categories.len(),
        });
    };
    if list.n_values > place.n_values {
        return Err(ModelError::MoreValuesThanShared {
            list: list.name.clone(),
            n_values: list.n_values,
            category: place.name.clone(),
            n_shared: place.n_values,
        });
    }
    Ok(Place {
        name: list.name.clone(),
        ..place.clone()
    })
}

impl Place {
    /// The row of an id, which would else be that of another field.
    fn row(&self, id: u32) -> u32 {
        assert!(
            (id as usize) < self.n_values,
            "id {id} of field {:?} is outside its {} values",
            self.name,
            self.n_values
        );
        self.first_row + id
    }
}

impl FieldRows<'_> {
    /// The rows of one category.
    pub(super) fn category(&self, category: usize) -> Vec<u32> {
        let Some(n_categories) = self.categories.len().checked_div(self.n_rows) else {
            return Vec::new();
        };
        let column = self.categories.iter().skip(category);
        column.step_by(n_categories).copied().collect()
    }

    /// Every row of a table of `n_values` that is named, once each, in ascending order; `lists` are those that are read.
    pub(super) fn distinct(&self, n_values: usize, lists: &[usize]) -> Vec<u32> {
        let mut is_named = vec![false; n_values];
        for &row in &self.categories {
            is_named[row as usize] = true;
        }
        for list in lists.iter().map(|&list| &self.lists[list]) {
            for &row in &list.ids {
                is_named[row as usize] = true;
            }
            if list.offsets.lengths().any(|length| length == 0) {
                is_named[list.missing as usize] = true;
            }
        }
        let rows = is_named.iter().enumerate();
        rows.filter_map(|(row, &named)| named.then_some(row as u32))
            .collect()
    }
}

impl ListRows<'_> {
    /// The values, with one that stands for none where there are none.
    pub(super) fn filled(&self) -> (Vec<u32>, Offsets) {
        let mut ids = Vec::with_capacity(self.ids.len());
        for range in self.offsets.ranges() {
            if range.is_empty() {
                ids.push(self.missing);
            }
            ids.extend_from_slice(&self.ids[range]);
        }
        let lengths = self.offsets.lengths().map(|length| length.max(1));
        (ids, Offsets::from_lengths(lengths))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::tabular::{CategoryField, EncodedList};

    fn list(name: &str, n_values: usize, shares: Option<usize>) -> ListField {
        ListField {
            name: name.to_owned(),
            n_values,
            shares,
            is_history: true,
        }
    }

    fn shape(lists: Vec<ListField>) -> TabularShape {
        let category = |name: &str, n_values| CategoryField {
            name: name.to_owned(),
            n_values,
        };
        TabularShape {
            categories: vec![category("shop", 3), category("item", 5)],
            lists,
            ..TabularShape::default()
        }
    }

    #[test]
    fn each_field_has_rows_of_its_own_unless_it_shares_them() {
        let layout = FieldLayout::new(&shape(vec![
            list("tags", 7, None),
            list("clicks", 5, Some(1)),
        ]))
        .unwrap();
        assert_eq!(layout.n_values, 3 + 5 + 7);
        assert_eq!(layout.attended(), [(1, 1)]);
        let batch = EncodedRows {
            n_rows: 2,
            categories: vec![2, 4, 0, 1],
            lists: vec![
                EncodedList {
                    offsets: vec![0, 0, 2],
                    ids: vec![6, 2],
                    ages_millis: Vec::new(),
                },
                EncodedList {
                    offsets: vec![0, 1, 1],
                    ids: vec![4],
                    ages_millis: vec![9],
                },
            ],
            ..EncodedRows::default()
        };
        let rows = layout.rows(&batch);
        assert_eq!(rows.categories, [2, 7, 0, 4]);
        assert_eq!(rows.category(1), [7, 4]);
        assert_eq!(
            (&rows.lists[0].ids[..], &rows.lists[1].ids[..]),
            (&[14, 10][..], &[7][..])
        );
        // The first row has no tags: MISSING is id 1 of the tags, which begin at row 8.
        assert_eq!(
            rows.lists[0].filled(),
            (vec![9, 14, 10], Offsets::from_lengths([1, 2]))
        );
        assert_eq!(rows.distinct(15, &[0]), [0, 2, 4, 7, 9, 10, 14]);
        assert_eq!(rows.distinct(15, &[]), [0, 2, 4, 7]);
    }

    #[test]
    fn lists_that_share_what_is_not_there_are_refused() {
        let refused = |lists| FieldLayout::new(&shape(lists)).err();
        let expected = ModelError::NoSuchCategory {
            list: "clicks".to_owned(),
            category: 2,
            n_categories: 2,
        };
        assert_eq!(refused(vec![list("clicks", 5, Some(2))]), Some(expected));
        let expected = ModelError::MoreValuesThanShared {
            list: "clicks".to_owned(),
            n_values: 6,
            category: "item".to_owned(),
            n_shared: 5,
        };
        assert_eq!(refused(vec![list("clicks", 6, Some(1))]), Some(expected));
        let most = u32::MAX as usize;
        let expected = ModelError::TooManyValues {
            n_values: most + 8,
            most,
        };
        assert_eq!(refused(vec![list("tags", most, None)]), Some(expected));
        let expected = ModelError::TooSmall {
            field: "values of a field",
            value: 1,
            least: 2,
        };
        assert_eq!(refused(vec![list("tags", 1, None)]), Some(expected));
    }

    #[test]
    #[should_panic(expected = "id 3 of field \"shop\" is outside its 3 values")]
    fn an_id_of_the_next_field_is_refused() {
        let layout = FieldLayout::new(&shape(Vec::new())).unwrap();
        layout.rows(&EncodedRows {
            n_rows: 1,
            categories: vec![3, 0],
            ..EncodedRows::default()
        });
    }
}
