//! A trained model with the ids of its catalogue: histories in, items out.

use std::collections::HashSet;

use super::ask::UserHistory;
use super::config::NextItemConfig;
use super::dataset::{Attributes, NextItemData};
use super::histories::Histories;
use super::model::NextItemModel;
use super::scorer::ModelScorer;
use crate::Error;
use crate::evaluation::ranking::RankingCase;
use crate::features::{AttributeSchema, EncodedAttributes, Vocabulary};
use crate::random::Mode;
use crate::tasks::TaskError;

/// A trained model with the ids of its catalogue.
///
/// ```no_run
/// use salient::tasks::next_item::{RecommendOptions, Recommender};
///
/// let recommender = Recommender::load("model")?;
/// let answer = recommender.recommend(&["tea", "cup"], 10, &RecommendOptions::default())?;
/// for item in &answer.items {
///     println!("{} {:.3}", item.id, item.score);
/// }
/// # Ok::<(), salient::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Recommender {
    pub(super) config: NextItemConfig,
    pub(super) model: NextItemModel,
    pub(super) catalogue: Vocabulary,
    pub(super) item_counts: Vec<u32>,
    pub(super) event_names: Vec<String>,
    pub(super) item_content: Option<Attributes>,
    pub(super) user_schema: Option<AttributeSchema>,
}

/// What a recommendation may hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecommendOptions {
    /// Recommend items of the history again. Default false.
    pub keep_seen: bool,
    /// Recommend these items alone, such as what is in stock. Default: the whole catalogue.
    pub allow: Option<Vec<String>>,
    /// Never recommend these items. Default: none.
    pub deny: Vec<String>,
}

/// The answer to one history.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
    /// Best first. Fewer than asked for where the options leave fewer.
    pub items: Vec<RecommendedItem>,
    /// Events of the history that the catalogue does not hold and that were skipped.
    pub n_unknown_events: usize,
    /// What the scores come from.
    pub source: ScoreSource,
}

/// An item and how well it fits.
#[derive(Clone, Debug, PartialEq)]
pub struct RecommendedItem {
    /// The item.
    pub id: String,
    /// A logit of the model, or a number of training events; comparable within one recommendation.
    pub score: f32,
}

/// What the scores of a recommendation come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScoreSource {
    /// The model, from the history.
    Model,
    /// Popularity, because the history holds no event that the model knows.
    Popularity,
}

impl Recommender {
    /// Joins a model with the ids of its catalogue and their training events.
    pub(super) fn new(
        config: NextItemConfig,
        model: NextItemModel,
        catalogue: Vocabulary,
        item_counts: Vec<u32>,
    ) -> Self {
        Self {
            config,
            model,
            catalogue,
            item_counts,
            event_names: Vec::new(),
            item_content: None,
            user_schema: None,
        }
    }

    /// The settings that the model was made by.
    pub fn config(&self) -> &NextItemConfig {
        &self.config
    }

    /// The model alone.
    pub fn model(&self) -> &NextItemModel {
        &self.model
    }

    /// The items that can be recommended.
    pub fn catalogue(&self) -> &Vocabulary {
        &self.catalogue
    }

    /// The names of the types of event that the model knows.
    pub fn event_names(&self) -> &[String] {
        &self.event_names
    }

    /// The model as evaluations see it. One that reads attributes of users needs [`scorer_for`](Self::scorer_for).
    pub fn scorer(&self) -> ModelScorer<'_> {
        ModelScorer::new(&self.config.preset, &self.model, &self.item_counts, None)
    }

    /// The model as evaluations see it, with what `data` knows of the users of its cases.
    ///
    /// # Errors
    /// [`TaskError::OtherSchema`] if `data` brings attributes of users into other numbers than the model reads.
    pub fn scorer_for<'a>(&'a self, data: &'a NextItemData) -> Result<ModelScorer<'a>, TaskError> {
        let users = data.user_attributes.as_ref();
        if let (Some(users), Some(schema)) = (users, &self.user_schema)
            && users.schema != *schema
        {
            return Err(TaskError::OtherSchema { what: "users" });
        }
        let users = users.map(|users| &users.rows);
        Ok(ModelScorer::new(
            &self.config.preset,
            &self.model,
            &self.item_counts,
            users,
        ))
    }

    /// The `k` items that fit best after a history of item ids, oldest event first.
    ///
    /// # Errors
    /// As [`recommend_to`](Self::recommend_to).
    pub fn recommend<S: AsRef<str>>(
        &self,
        history: &[S],
        k: usize,
        options: &RecommendOptions,
    ) -> Result<Recommendation, Error> {
        self.recommend_to(&UserHistory::of_items(history), k, options)
    }

    /// The `k` items that fit best after a history with all that the model reads of its events and its user.
    ///
    /// # Errors
    /// [`TaskError::TooSmall`] for `k` = 0, [`TaskError::CutoffExceedsItems`], [`TaskError::UnknownListedItem`],
    /// [`TaskError::MissingColumn`] for what the model reads and the history does not have, [`Error::Feature`] for the
    /// user's attributes.
    pub fn recommend_to(
        &self,
        history: &UserHistory,
        k: usize,
        options: &RecommendOptions,
    ) -> Result<Recommendation, Error> {
        let n_items = self.catalogue.n_real();
        if k == 0 {
            return Err(TaskError::TooSmall {
                setting: "k",
                value: 0,
                least: 1,
            }
            .into());
        }
        if k > n_items {
            return Err(TaskError::CutoffExceedsItems { k, n_items }.into());
        }
        let (case, attributes) = self.question(history)?;
        let allowed = self.allowed(&case.history, options)?;
        let (scores, source) = self.scores(&case, attributes.as_ref())?;
        let mut ranked: Vec<usize> = (0..n_items).filter(|&index| allowed[index]).collect();
        // Best first; of equal scores, the item that training saw first.
        let better = |&a: &usize, &b: &usize| scores[b].total_cmp(&scores[a]).then(a.cmp(&b));
        if ranked.len() > k {
            ranked.select_nth_unstable_by(k - 1, better);
            ranked.truncate(k);
        }
        ranked.sort_unstable_by(better);
        let item = |index: usize| RecommendedItem {
            id: self.catalogue.ids()[index].clone(),
            score: scores[index],
        };
        Ok(Recommendation {
            items: ranked.into_iter().map(item).collect(),
            n_unknown_events: history.events.len() - case.history.len(),
            source,
        })
    }

    /// The score of every item after a history of catalogue indices.
    fn scores(
        &self,
        case: &RankingCase,
        attributes: Option<&EncodedAttributes>,
    ) -> Result<(Vec<f32>, ScoreSource), Error> {
        if case.history.is_empty() {
            let counts = self.item_counts.iter().map(|&count| count as f32).collect();
            return Ok((counts, ScoreSource::Popularity));
        }
        let logits = self.model.logits(&self.histories(case, attributes)?)?;
        let mut scores: Vec<f32> = logits.into_data().iter::<f32>().collect();
        self.model.put_unknown_last(&mut scores);
        Ok((scores, ScoreSource::Model))
    }

    fn histories(
        &self,
        case: &RankingCase,
        attributes: Option<&EncodedAttributes>,
    ) -> Result<Histories, TaskError> {
        let (reading, max_len) = (self.model.reading(), self.model.max_len());
        Histories::of_cases(std::slice::from_ref(case), reading, max_len, attributes)
    }

    /// Whether each item of the catalogue may be recommended.
    fn allowed(&self, seen: &[u32], options: &RecommendOptions) -> Result<Vec<bool>, Error> {
        let n_items = self.catalogue.n_real();
        let index = |id: &String, list| {
            let unknown = || TaskError::UnknownListedItem {
                id: id.clone(),
                list,
                n_items,
            };
            self.catalogue
                .catalogue_index(id)
                .map(|index| index as usize)
                .ok_or_else(unknown)
        };
        let mut allowed = vec![options.allow.is_none(); n_items];
        for id in options.allow.iter().flatten() {
            allowed[index(id, "allow")?] = true;
        }
        for id in &options.deny {
            allowed[index(id, "deny")?] = false;
        }
        if !options.keep_seen {
            seen.iter()
                .collect::<HashSet<_>>()
                .into_iter()
                .for_each(|&item| allowed[item as usize] = false);
        }
        Ok(allowed)
    }

    /// The vector of a history, by which its owner can be compared with others: `d_model` numbers, `None` if the model
    /// knows none of its events.
    ///
    /// # Errors
    /// As [`embed_user`](Self::embed_user).
    pub fn embed<S: AsRef<str>>(&self, history: &[S]) -> Result<Option<Vec<f32>>, Error> {
        self.embed_user(&UserHistory::of_items(history))
    }

    /// The vector of a history with all that the model reads of its events and its user.
    ///
    /// # Errors
    /// [`TaskError::MissingColumn`], [`Error::Feature`] for the user's attributes.
    pub fn embed_user(&self, history: &UserHistory) -> Result<Option<Vec<f32>>, Error> {
        let (case, attributes) = self.question(history)?;
        if case.history.is_empty() {
            return Ok(None);
        }
        let histories = self.histories(&case, attributes.as_ref())?;
        let rows = self.model.forward(&histories, Mode::Inference)?;
        Ok(Some(rows.last_rows().into_data().iter::<f32>().collect()))
    }
}
