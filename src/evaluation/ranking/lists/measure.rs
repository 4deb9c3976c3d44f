//! The measures of lists.

use serde::{Deserialize, Serialize};

/// A measure of the list that one user is shown, of the first `k` places or of as many as there are.
///
/// None is a quality by itself: random lists are novel and diverse. They are read beside accuracy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ListMeasure {
    /// Mean self-information of the items in bits, `-log2 p`, with `p = (events + 1) / (all events + n_items)`.
    ///
    /// # Source
    /// Zhou et al. 2010, <https://doi.org/10.1073/pnas.1000488107>. Differences: the share is of events, not of users, and
    /// one event is added to each item, so that an item without events is the most novel instead of undefined.
    Novelty,
    /// Mean number of training events of the items.
    ///
    /// # Source
    /// ARP of Yin et al. 2012, <https://doi.org/10.14778/2311906.2311916>.
    Popularity,
    /// Share of the items that are in the tail: that of
    /// [`segment_by_popularity`](crate::evaluation::ranking::segment_by_popularity), beyond two thirds of all events.
    ///
    /// # Source
    /// APLT of Abdollahpouri et al. 2019, <https://arxiv.org/abs/1901.07555>. Difference: where the tail begins.
    LongTail,
    /// Mean distance of two items of the list; 0 for a list of fewer than 2.
    ///
    /// Two items without content, that is without a category or with a vector of zeros, are at distance 0: nothing tells
    /// them apart. One with and one without content are at distance 1.
    ///
    /// # Source
    /// Ziegler et al. 2005, <https://doi.org/10.1145/1060745.1060754>. Difference: a mean of distances, not a sum of similarities.
    Diversity,
    /// Targets among the first `k` places that the `k` most popular items this user could be shown do not hold, divided by `k`.
    ///
    /// # Source
    /// Ge et al. 2010, <https://doi.org/10.1145/1864708.1864761>, with popularity as the primitive model and a target as
    /// what is useful.
    Serendipity,
}

impl ListMeasure {
    /// All measures, in the order of reports.
    pub const ALL: [Self; 5] = [
        Self::Novelty,
        Self::Popularity,
        Self::LongTail,
        Self::Diversity,
        Self::Serendipity,
    ];

    /// Its name at a cutoff, such as `novelty_at_10`.
    ///
    /// ```
    /// use salient::evaluation::ranking::ListMeasure;
    ///
    /// assert_eq!(ListMeasure::LongTail.name_at(5), "long_tail_at_5");
    /// ```
    pub fn name_at(self, k: usize) -> String {
        let stem = match self {
            Self::Novelty => "novelty",
            Self::Popularity => "popularity",
            Self::LongTail => "long_tail",
            Self::Diversity => "diversity",
            Self::Serendipity => "serendipity",
        };
        format!("{stem}_at_{k}")
    }

    /// How tables head its column.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Novelty => "novelty",
            Self::Popularity => "popularity",
            Self::LongTail => "long tail",
            Self::Diversity => "diversity",
            Self::Serendipity => "serendipity",
        }
    }
}

/// A measure of all users' lists together, of the first `k` places of each.
///
/// All depend on the number of users: compare them for the same cases only, which the protocol sees to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExposureMeasure {
    /// Share of the candidates that at least one list holds.
    ///
    /// # Source
    /// Catalogue coverage of Ge et al. 2010, <https://doi.org/10.1145/1864708.1864761>.
    Coverage,
    /// How unequally often the candidates are recommended: 0 if all are as often, `1 - 1 / n` if all places of all lists go to
    /// one of `n`.
    ///
    /// `sum over i of (2 i - n - 1) x_i / (n sum of x_i)`, with `x_1 <= x_2 <= ...` the number of lists that hold each.
    ///
    /// # Source
    /// Gini 1912; Fleder and Hosanagar 2009, <https://doi.org/10.1287/mnsc.1080.0974>, for recommenders.
    Gini,
    /// Shannon entropy in bits of which item a random place of a random list holds: `log2` of the number of candidates if
    /// all are as often.
    Entropy,
    /// `1 -` the mean cosine similarity of two users' lists, `|A ∩ B| / sqrt(|A| |B|)`: 0 if all are shown the same items, 1 if
    /// no two lists share one. Not there with one user.
    ///
    /// # Source
    /// Zhou et al. 2010, <https://doi.org/10.1073/pnas.1000488107>, which divides by `k`; this is the same for lists of `k`.
    Personalisation,
}

impl ExposureMeasure {
    /// All measures, in the order of reports.
    pub const ALL: [Self; 4] = [
        Self::Coverage,
        Self::Gini,
        Self::Entropy,
        Self::Personalisation,
    ];

    /// Its name at a cutoff, such as `coverage_at_10`.
    ///
    /// ```
    /// use salient::evaluation::ranking::ExposureMeasure;
    ///
    /// assert_eq!(ExposureMeasure::Gini.name_at(5), "gini_at_5");
    /// ```
    pub fn name_at(self, k: usize) -> String {
        format!("{}_at_{k}", self.title().to_lowercase())
    }

    /// How tables head its column.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Coverage => "coverage",
            Self::Gini => "Gini",
            Self::Entropy => "entropy",
            Self::Personalisation => "personalisation",
        }
    }
}
