//! The flags of this example, and the settings that they stand for.

use clap::{Args, Parser, ValueEnum};
use salient::data::{InteractionFilter, Repeats, SplitRule};
use salient::evaluation::EvaluationError;
use salient::evaluation::ranking::SeenItems;
use salient::tasks::next_item::HiddenItems;

use crate::model_flags::ModelFlags;
use crate::shared::attributes::AttributeFlags;
use crate::shared::data_flags::DataFlags;
use crate::shared::flags::RunFlags;
use crate::shared::log::usual_cutoffs;

/// Trains a recommender on an event log and says how good it is: what will this person want next?
#[derive(Parser, Debug)]
pub(crate) struct Flags {
    #[command(flatten)]
    pub(crate) data: DataFlags,
    #[command(flatten)]
    pub(crate) filter: FilterFlags,
    #[command(flatten)]
    pub(crate) attributes: AttributeFlags,
    #[command(flatten)]
    pub(crate) evaluation: EvaluationFlags,
    #[command(flatten)]
    pub(crate) model: ModelFlags,
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

/// Which events count.
#[derive(Args, Debug)]
#[command(next_help_heading = "Filter")]
pub(crate) struct FilterFlags {
    /// Leave out users with fewer events; with --min-item-events in turn, until both hold
    #[arg(long, value_name = "N", default_value_t = 1)]
    min_user_events: usize,
    /// Leave out items with fewer events
    #[arg(long, value_name = "N", default_value_t = 1)]
    min_item_events: usize,
    /// Types of event to keep, such as view,buy [default: all]
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        requires = "event_column"
    )]
    events: Option<Vec<String>>,
    /// Leave out events of a lower weight
    #[arg(long, value_name = "W", requires = "weight_column")]
    min_weight: Option<f32>,
    /// What to do with repeated items of a user
    #[arg(long, value_enum, default_value_t = RepeatsFlag::Keep)]
    repeats: RepeatsFlag,
}

/// What to do with repeated items of a user.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RepeatsFlag {
    /// Keep all events
    Keep,
    /// Of a run of the same item keep the first event
    Collapse,
    /// Keep the first event of each item
    First,
    /// Keep the last event of each item
    Last,
}

impl FilterFlags {
    pub(crate) fn filter(&self) -> InteractionFilter {
        InteractionFilter {
            min_user_events: self.min_user_events,
            min_item_events: self.min_item_events,
            events: self.events.clone(),
            min_weight: self.min_weight,
            repeats: match self.repeats {
                RepeatsFlag::Keep => Repeats::Keep,
                RepeatsFlag::Collapse => Repeats::CollapseConsecutive,
                RepeatsFlag::First => Repeats::FirstOnly,
                RepeatsFlag::Last => Repeats::LastOnly,
            },
        }
    }
}

/// How to judge.
#[derive(Args, Debug)]
#[command(next_help_heading = "Evaluation")]
pub(crate) struct EvaluationFlags {
    /// Which events are held out
    #[arg(long, value_enum, default_value_t = SplitFlag::LeaveOneOut)]
    split: SplitFlag,
    /// Share held out for testing, and as much for validation, by `global-time` and `by-user` [default: 0.1]
    #[arg(long, value_name = "SHARE")]
    holdout: Option<f64>,
    /// Let items of the history be recommended again
    #[arg(long)]
    keep_seen: bool,
    /// Hide this share of the items from training, and say how well their content ranks them
    #[arg(long, value_name = "SHARE")]
    hide_items: Option<f64>,
    /// Judge beside popularity alone
    #[arg(long)]
    pub(crate) no_baselines: bool,
    /// The k of every metric at k [default: 5,10,20, as far as there are that many items]
    #[arg(long, value_name = "K", value_delimiter = ',')]
    cutoffs: Option<Vec<usize>>,
}

/// Which events are held out.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitFlag {
    /// The last event of each user for testing, the one before for validation
    LeaveOneOut,
    /// The latest events of the whole log
    GlobalTime,
    /// The last event of users that training does not see
    ByUser,
}

impl EvaluationFlags {
    /// The rule, unless a flag says what it has no use for.
    pub(crate) fn split_rule(&self, seed: u64) -> Result<SplitRule, String> {
        let holdout = self.holdout.unwrap_or(0.1);
        let (validation_fraction, test_fraction) = (holdout, holdout);
        Ok(match self.split {
            SplitFlag::LeaveOneOut if self.holdout.is_some() => {
                return Err(
                    "--holdout is a share of the events or users, but --split leave-one-out holds out one event of each user: \
                     leave --holdout away, or give --split global-time or by-user"
                        .to_owned(),
                );
            }
            SplitFlag::LeaveOneOut => SplitRule::LeaveOneOut,
            SplitFlag::GlobalTime => SplitRule::GlobalTime {
                validation_fraction,
                test_fraction,
            },
            SplitFlag::ByUser => SplitRule::ByUser {
                validation_fraction,
                test_fraction,
                seed,
            },
        })
    }

    /// The cutoffs, checked before time is spent on training.
    pub(crate) fn cutoffs(&self, n_items: usize) -> Result<Vec<usize>, EvaluationError> {
        let Some(cutoffs) = &self.cutoffs else {
            return Ok(usual_cutoffs(n_items));
        };
        match cutoffs.iter().copied().find(|&k| k == 0 || k > n_items) {
            None => Ok(cutoffs.clone()),
            Some(0) => Err(EvaluationError::ZeroCutoff),
            Some(k) => Err(EvaluationError::CutoffExceedsItems { k, n_items }),
        }
    }

    pub(crate) fn hides_items(&self) -> bool {
        self.hide_items.is_some()
    }

    pub(crate) fn hidden_items(&self, seed: u64) -> Option<HiddenItems> {
        self.hide_items
            .map(|fraction| HiddenItems { fraction, seed })
    }

    pub(crate) fn seen_items(&self) -> SeenItems {
        if self.keep_seen {
            SeenItems::Kept
        } else {
            SeenItems::Filtered
        }
    }
}
