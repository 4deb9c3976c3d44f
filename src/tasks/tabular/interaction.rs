//! How the vectors of a row become its logits.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::auto_int::AutoInt;
use super::bst::Bst;
use super::config::{HistoryUse, InteractionConfig, TabularNetworkConfig};
use super::cross::DcnV2;
use super::deep::{Deep, flat};
use super::din::Din;
use super::event_transformer::EventTransformer;
use super::factorisation_machine::pairwise_products;
use super::fields::FieldEmbeddings;
use super::final_mlp::FinalMlp;
use super::ft_transformer::FtTransformer;
use super::layout::{FieldLayout, FieldRows};
use crate::features::tabular::TabularShape;
use crate::model::ModelError;
use crate::random::{Mode, RandomKey};

/// How the vectors of a row become its logits.
#[derive(Module, Debug)]
pub enum Interaction {
    /// The sum of products of all pairs.
    Fm(PairwiseProducts),
    /// An MLP.
    Mlp(Deep),
    /// Attention between the fields.
    Autoint(AutoInt),
    /// A transformer over the fields.
    FtTransformer(FtTransformer),
    /// Explicit products.
    DcnV2(DcnV2),
    /// Two gated MLPs.
    FinalMlp(FinalMlp),
    /// Attention to histories.
    Din(Din),
    /// A transformer over histories.
    Bst(Bst),
    /// A transformer over fields and events.
    EventTransformer(EventTransformer),
}

/// The sum of products of all pairs, which has no weights beside the vectors.
#[derive(Module, Debug)]
pub struct PairwiseProducts {
    n_labels: usize,
}

/// What a network is made for.
pub(super) struct Purpose<'a> {
    pub(super) config: &'a TabularNetworkConfig,
    pub(super) shape: &'a TabularShape,
    pub(super) layout: &'a FieldLayout,
    /// Lists that have a token.
    pub(super) lists: &'a [usize],
}

impl Purpose<'_> {
    /// Number of tokens, width of each, and number of labels.
    fn sizes(&self) -> [usize; 3] {
        let n_tokens =
            self.layout.n_categories() + self.layout.number_widths.len() + self.lists.len();
        [n_tokens, self.config.d_embedding, self.shape.labels.len()]
    }

    /// The histories to attend to.
    fn attended(&self) -> Result<Vec<(usize, usize)>, ModelError> {
        match self.config.history {
            HistoryUse::Ignored => Ok(Vec::new()),
            HistoryUse::Read => {
                let attended = self.layout.attended();
                if attended.is_empty() {
                    let network = self.config.interaction.name();
                    return Err(ModelError::NoHistory { network });
                }
                Ok(attended)
            }
        }
    }

    /// The histories that tell of events; empty where they are not read.
    fn events(&self) -> Result<Vec<usize>, ModelError> {
        let histories: Vec<usize> = self.layout.histories().collect();
        match self.config.history {
            HistoryUse::Ignored => Ok(Vec::new()),
            HistoryUse::Read if histories.is_empty() => {
                let network = self.config.interaction.name();
                Err(ModelError::NoEvents { network })
            }
            HistoryUse::Read => Ok(histories),
        }
    }

    /// The token of a field.
    fn token(&self, name: &str) -> Option<usize> {
        let categories = self.shape.categories.iter().map(|field| &field.name);
        let numbers = self.shape.numbers.iter().map(|field| &field.name);
        let lists = self.lists.iter().map(|&list| &self.shape.lists[list].name);
        categories
            .chain(numbers)
            .chain(lists)
            .position(|field| field == name)
    }
}

impl Interaction {
    /// Draws the weights; `None` for logistic regression, which has no vectors.
    pub(super) fn init(
        purpose: &Purpose<'_>,
        key: RandomKey,
        device: &Device,
    ) -> Result<Option<Self>, ModelError> {
        let sizes = purpose.sizes();
        let [n_tokens, d_token, n_labels] = sizes;
        Ok(Some(match &purpose.config.interaction {
            InteractionConfig::Lr {} => return Ok(None),
            InteractionConfig::Fm {} => Self::Fm(PairwiseProducts { n_labels }),
            InteractionConfig::Mlp(config) => Self::Mlp(Deep::init(
                config,
                n_tokens * d_token,
                n_labels,
                key,
                device,
            )?),
            InteractionConfig::Autoint(config) => Self::Autoint(config.init(sizes, key, device)?),
            InteractionConfig::FtTransformer(config) => {
                Self::FtTransformer(config.init(d_token, n_labels, key, device)?)
            }
            InteractionConfig::DcnV2(config) => Self::DcnV2(config.init(sizes, key, device)?),
            InteractionConfig::FinalMlp(config) => {
                let token = |name: &str| purpose.token(name);
                Self::FinalMlp(config.init(token, sizes, key, device)?)
            }
            InteractionConfig::Din(config) => {
                Self::Din(config.init(purpose.attended()?, sizes, key, device)?)
            }
            InteractionConfig::Bst(config) => {
                Self::Bst(config.init(purpose.attended()?, sizes, key, device)?)
            }
            InteractionConfig::EventTransformer(config) => {
                let events = purpose.events()?;
                Self::EventTransformer(config.init(events, d_token, n_labels, key, device)?)
            }
        }))
    }

    /// The logits without their bias, `[n_rows, n_labels]`.
    pub(super) fn forward(
        &self,
        rows: &FieldRows<'_>,
        fields: &FieldEmbeddings,
        mode: Mode,
    ) -> Tensor<2> {
        let tokens = || fields.tokens(rows);
        match self {
            Self::Fm(network) => pairwise_products(tokens(), network.n_labels),
            Self::Mlp(network) => network.forward(flat(tokens()), mode),
            Self::Autoint(network) => network.forward(tokens(), mode),
            Self::FtTransformer(network) => network.forward(network.sequences(rows, fields), mode),
            Self::DcnV2(network) => network.forward(tokens(), mode),
            Self::FinalMlp(network) => network.forward(tokens(), mode),
            Self::Din(network) => network.forward(tokens(), rows, fields, mode),
            Self::Bst(network) => network.forward(tokens(), rows, fields, mode),
            Self::EventTransformer(network) => {
                let sequences = network.sequences(rows, fields);
                network.transformer.forward(sequences, mode)
            }
        }
    }

    /// The vector of each row before its logits, `[n_rows, d_token]`, where there is one.
    pub(super) fn embeddings(
        &self,
        rows: &FieldRows<'_>,
        fields: &FieldEmbeddings,
    ) -> Option<Tensor<2>> {
        let (transformer, sequences) = match self {
            Self::FtTransformer(network) => (network, network.sequences(rows, fields)),
            Self::EventTransformer(network) => {
                (&network.transformer, network.sequences(rows, fields))
            }
            _ => return None,
        };
        Some(transformer.pooled(sequences, Mode::Inference))
    }

    /// What looked at what; empty where nothing looks.
    pub(super) fn weights(&self, rows: &FieldRows<'_>, fields: &FieldEmbeddings) -> Vec<Tensor<4>> {
        match self {
            Self::Autoint(network) => network.weights(fields.tokens(rows)),
            Self::Bst(network) => network.weights(rows, fields),
            Self::FtTransformer(network) => network.weights(network.sequences(rows, fields)),
            Self::EventTransformer(network) => {
                network.transformer.weights(network.sequences(rows, fields))
            }
            Self::Fm(_) | Self::Mlp(_) | Self::DcnV2(_) | Self::FinalMlp(_) | Self::Din(_) => {
                Vec::new()
            }
        }
    }

    /// The weight of each event of each history, where events are weighed one by one.
    pub(super) fn history_weights(
        &self,
        rows: &FieldRows<'_>,
        fields: &FieldEmbeddings,
    ) -> Vec<Tensor<2>> {
        match self {
            Self::Din(network) => network.weights(rows, fields),
            _ => Vec::new(),
        }
    }
}
