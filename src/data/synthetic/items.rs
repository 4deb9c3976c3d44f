//! Items, their categories, styles, prices and popularity.

use super::config::ShopConfig;
use super::distribution::{Choice, normal, permutation};
use crate::random::{CounterGenerator, RandomKey};

/// An item of the shop. All of it is public: a model may read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Name in the event log, such as `item-0042`.
    pub id: String,
    /// Category, `0..n_categories`.
    pub category: u32,
    /// Style (collection), `0..n_styles`.
    pub style: u32,
    /// Price in the shop's currency, positive.
    pub price: f64,
    /// Natural logarithm of the price over the typical price of the category.
    pub relative_price: f64,
    /// Probability of the item where nothing but popularity decides; sums to one over the items.
    pub popularity: f64,
}

/// The items with the tables to draw from them.
#[derive(Clone, Debug)]
pub(super) struct Catalogue {
    pub(super) items: Vec<Item>,
    pub(super) n_categories: usize,
    pub(super) n_styles: usize,
    /// All items by popularity.
    pub(super) popularity: Choice,
    /// One shelf a category.
    categories: Vec<Shelf>,
    /// One shelf a category and style, `category * n_styles + style`.
    cells: Vec<Shelf>,
    /// Probability of each item among those of its category, and of its category and style.
    within_category: Vec<f64>,
    within_cell: Vec<f64>,
}

/// Some of the items, to be drawn by popularity.
#[derive(Clone, Debug)]
struct Shelf {
    items: Vec<u32>,
    choice: Choice,
}

impl Shelf {
    fn new(items: Vec<u32>, all: &[Item]) -> Self {
        let weights: Vec<f64> = items
            .iter()
            .map(|&item| all[item as usize].popularity)
            .collect();
        Self {
            items,
            choice: Choice::new(&weights),
        }
    }

    fn write_probabilities(&self, probabilities: &mut [f64]) {
        for (index, &item) in self.items.iter().enumerate() {
            probabilities[item as usize] = self.choice.probability(index);
        }
    }

    fn draw(&self, generator: &mut CounterGenerator) -> u32 {
        self.items[self.choice.draw(generator)]
    }
}

impl Catalogue {
    /// Draws the items of a valid `config`.
    pub(super) fn draw(config: &ShopConfig, key: RandomKey) -> Self {
        let items = draw_items(config, &mut key.generator());
        let (n_categories, n_styles) = (config.n_categories, config.n_styles);
        let mut by_category = vec![Vec::new(); n_categories];
        let mut by_cell = vec![Vec::new(); n_categories * n_styles];
        for (index, item) in items.iter().enumerate() {
            by_category[item.category as usize].push(index as u32);
            by_cell[item.category as usize * n_styles + item.style as usize].push(index as u32);
        }
        let shelves = |lists: Vec<Vec<u32>>| -> Vec<Shelf> {
            lists
                .into_iter()
                .map(|list| Shelf::new(list, &items))
                .collect()
        };
        let (categories, cells) = (shelves(by_category), shelves(by_cell));
        let mut within_category = vec![0.0; items.len()];
        let mut within_cell = vec![0.0; items.len()];
        categories
            .iter()
            .for_each(|shelf| shelf.write_probabilities(&mut within_category));
        cells
            .iter()
            .for_each(|shelf| shelf.write_probabilities(&mut within_cell));
        let popularity: Vec<f64> = items.iter().map(|item| item.popularity).collect();
        Self {
            popularity: Choice::new(&popularity),
            items,
            n_categories,
            n_styles,
            categories,
            cells,
            within_category,
            within_cell,
        }
    }

    pub(super) fn item(&self, item: u32) -> &Item {
        &self.items[item as usize]
    }

    /// Probability of `item` among the items of its category.
    pub(super) fn within_category(&self, item: u32) -> f64 {
        self.within_category[item as usize]
    }

    pub(super) fn draw_in_category(
        &self,
        category: usize,
        generator: &mut CounterGenerator,
    ) -> u32 {
        self.categories[category].draw(generator)
    }

    /// Probability of `item` among the items of its category that have `style`.
    pub(super) fn within_style(&self, item: u32, style: u32) -> f64 {
        if self.item(item).style == style {
            self.within_cell[item as usize]
        } else {
            0.0
        }
    }

    pub(super) fn draw_in_style(
        &self,
        category: usize,
        style: u32,
        generator: &mut CounterGenerator,
    ) -> u32 {
        self.cells[category * self.n_styles + style as usize].draw(generator)
    }
}

/// Categories and styles are dealt evenly, so that every pair of them has items; ranks of popularity are dealt at random.
fn draw_items(config: &ShopConfig, generator: &mut CounterGenerator) -> Vec<Item> {
    let (n_items, n_categories) = (config.n_items, config.n_categories);
    let digits = (n_items - 1).to_string().len();
    // Log-normal price levels around 30, half of them within a factor of two.
    let levels: Vec<f64> = (0..n_categories).map(|_| 3.4 + normal(generator)).collect();
    let places = permutation(n_items, generator);
    let ranks = permutation(n_items, generator);
    let weights: Vec<f64> = ranks
        .iter()
        .map(|&rank| ((rank + 1) as f64).powf(-config.next_item.popularity_exponent))
        .collect();
    let total: f64 = weights.iter().sum();
    (0..n_items)
        .map(|index| {
            let category = places[index] % n_categories;
            let style = places[index] / n_categories % config.n_styles;
            let relative_price = 0.5 * normal(generator);
            Item {
                id: format!("item-{index:0digits$}"),
                category: category as u32,
                style: style as u32,
                price: ((levels[category] + relative_price).exp() * 100.0)
                    .round()
                    .max(1.0)
                    / 100.0,
                relative_price,
                popularity: weights[index] / total,
            }
        })
        .collect()
}
