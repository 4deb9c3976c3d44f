//! Settings of a simulated shop.

use serde::{Deserialize, Serialize};

use super::error::SyntheticError;

/// Settings of a simulated [`Shop`](super::Shop). The defaults are a shop of about 100,000 events whose structure a small
/// sequence model can learn in well under a minute and a first-order one cannot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShopConfig {
    /// Number of users, 1 to 10,000,000. Default 2,500.
    pub n_users: usize,
    /// Number of items, 20 to 1,000,000. Default 1,000.
    pub n_items: usize,
    /// Number of categories that the items fall into, 2 to `n_items / 2` and at most 10,000. Default 20.
    pub n_categories: usize,
    /// Number of styles (collections that run through all categories), 1 to `n_items / n_categories`, so that every
    /// category has items of every style. Default 10.
    pub n_styles: usize,
    /// First moment of the log in milliseconds since 1970, UTC, within 10,000 years of 1970. Default 2024-01-01.
    pub start_utc_millis: i64,
    /// Length of the log in days, 28 to 3,650. Default 364.
    pub n_days: usize,
    /// Mean number of events that a user sets out to have, `min_events` to `max_events`. Default 40.
    pub mean_events: f64,
    /// Least number of events of a user, 1 to `max_events`. Default 8.
    pub min_events: usize,
    /// Greatest number of events of a user, at most half of `n_items`, because no user meets an item twice. Default 160.
    pub max_events: usize,
    /// Mean number of events in a session, 1 to 100. Default 7.
    pub mean_session_events: f64,
    /// The law of the next item.
    pub next_item: NextItemConfig,
    /// Number of impressions shown when a session opens, 0 to 20 and at most a tenth of `n_items`. Default 4.
    pub impressions_per_session: usize,
    /// Share of the impressions that are clicked in the mean, 0.001 to 0.5. Default 0.07.
    pub click_rate: f64,
    /// Share of the customers who leave within the horizon in the mean, 0.001 to 0.9. Default 0.25.
    pub churn_rate: f64,
    /// Number of weeks after the log in which a customer may leave, 1 to 104. Default 13.
    pub churn_horizon_weeks: usize,
    /// Log-odds by which members of the second protected group click less and leave more, -5 to 5. Set it to give an
    /// audit of fairness something to find. Default 0: the attribute has no effect.
    pub protected_effect: f64,
}

/// The law of the next item: a mixture of four parts, then restricted to the items that the user has not met.
///
/// With probability proportional to its weight, the next item comes from
/// - the routine, of order three: one of the last three categories, mostly the one before last, leads to its successor
///   category, and the item is mostly one of the last item's style there;
/// - the taste: a category by its exponentially decayed count in the user's history, where a like, cart or purchase counts
///   for more than a view, then an item by popularity;
/// - the season: a category by the day of the year, then an item by popularity;
/// - popularity alone, which also takes the weight of parts that the history is too short for.
///
/// # Source
/// The routine is a mixture transition distribution: Raftery 1985, "A model for high-order Markov chains",
/// <https://doi.org/10.1111/j.2517-6161.1985.tb01383.x>. Differences: one successor a category and lag, styles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NextItemConfig {
    /// Weight of the routine, 0 to 1,000. Default 0.76.
    pub routine_weight: f64,
    /// Weight of the taste, 0 to 1,000. Default 0.12.
    pub taste_weight: f64,
    /// Weight of the season, 0 to 1,000. Default 0.06.
    pub season_weight: f64,
    /// Weight of popularity, 0 to 1,000 and at least a thousandth of the sum of the weights, because a user may have met
    /// all items that the other parts lead to. Default 0.06.
    pub popularity_weight: f64,
    /// Share of the routine's weight that it keeps at the first event of a session, 0 to 1; the taste gets the rest.
    /// Default 0.5.
    pub session_start_routine: f64,
    /// Weights, 0 to 1,000 and not all 0, with which the last category, the one before and the one before that lead the
    /// routine. Default 0.05, 0.8, 0.15.
    pub routine_lag_weights: [f64; 3],
    /// Share of the routine in which the item has the style of the last item, 0 to 1. Default 0.9.
    pub style_share: f64,
    /// Number of events after which an event counts half for the taste, 0.5 to 10,000. Smaller makes tastes drift faster.
    /// Default 8.
    pub taste_half_life_events: f64,
    /// Log-weight by which a category's season lifts it at its peak and lowers it half a year later, 0 to 10. Default 2.
    pub season_strength: f64,
    /// Exponent of Zipf's law of the items' popularity, 0 to 3. Default 0.9.
    pub popularity_exponent: f64,
}

impl Default for ShopConfig {
    fn default() -> Self {
        Self {
            n_users: 2_500,
            n_items: 1_000,
            n_categories: 20,
            n_styles: 10,
            start_utc_millis: 1_704_067_200_000,
            n_days: 364,
            mean_events: 40.0,
            min_events: 8,
            max_events: 160,
            mean_session_events: 7.0,
            next_item: NextItemConfig::default(),
            impressions_per_session: 4,
            click_rate: 0.07,
            churn_rate: 0.25,
            churn_horizon_weeks: 13,
            protected_effect: 0.0,
        }
    }
}

impl Default for NextItemConfig {
    fn default() -> Self {
        Self {
            routine_weight: 0.76,
            taste_weight: 0.12,
            season_weight: 0.06,
            popularity_weight: 0.06,
            session_start_routine: 0.5,
            routine_lag_weights: [0.05, 0.8, 0.15],
            style_share: 0.9,
            taste_half_life_events: 8.0,
            season_strength: 2.0,
            popularity_exponent: 0.9,
        }
    }
}

/// Least share of popularity in the weights of the next-item law.
const LEAST_POPULARITY_SHARE: f64 = 0.001;
/// 10,000 years.
const FARTHEST_START_MILLIS: u64 = 315_576_000_000_000;

impl ShopConfig {
    /// Checks every setting against its documented range.
    ///
    /// # Errors
    /// [`SyntheticError::CountOutOfRange`], [`SyntheticError::NumberOutOfRange`], [`SyntheticError::StartOutOfRange`] and
    /// those of [`NextItemConfig::validate`].
    pub fn validate(&self) -> Result<(), SyntheticError> {
        count("n_users", self.n_users, 1, 10_000_000)?;
        count("n_items", self.n_items, 20, 1_000_000)?;
        count(
            "n_categories",
            self.n_categories,
            2,
            10_000.min(self.n_items / 2),
        )?;
        count(
            "n_styles",
            self.n_styles,
            1,
            self.n_items / self.n_categories,
        )?;
        if self.start_utc_millis.unsigned_abs() > FARTHEST_START_MILLIS {
            return Err(SyntheticError::StartOutOfRange {
                value: self.start_utc_millis,
            });
        }
        count("n_days", self.n_days, 28, 3_650)?;
        count("max_events", self.max_events, 1, self.n_items / 2)?;
        count("min_events", self.min_events, 1, self.max_events)?;
        let (fewest, most) = (self.min_events as f64, self.max_events as f64);
        number("mean_events", self.mean_events, fewest, most)?;
        number("mean_session_events", self.mean_session_events, 1.0, 100.0)?;
        let most_shown = 20.min(self.n_items / 10);
        count(
            "impressions_per_session",
            self.impressions_per_session,
            0,
            most_shown,
        )?;
        number("click_rate", self.click_rate, 0.001, 0.5)?;
        number("churn_rate", self.churn_rate, 0.001, 0.9)?;
        count("churn_horizon_weeks", self.churn_horizon_weeks, 1, 104)?;
        number("protected_effect", self.protected_effect, -5.0, 5.0)?;
        self.next_item.validate()
    }
}

impl NextItemConfig {
    /// Checks every setting against its documented range.
    ///
    /// # Errors
    /// [`SyntheticError::NumberOutOfRange`], [`SyntheticError::PopularityTooLight`], [`SyntheticError::NoRoutineLag`].
    pub fn validate(&self) -> Result<(), SyntheticError> {
        number("routine_weight", self.routine_weight, 0.0, 1_000.0)?;
        number("taste_weight", self.taste_weight, 0.0, 1_000.0)?;
        number("season_weight", self.season_weight, 0.0, 1_000.0)?;
        number("popularity_weight", self.popularity_weight, 0.0, 1_000.0)?;
        let sum =
            self.routine_weight + self.taste_weight + self.season_weight + self.popularity_weight;
        if self.popularity_weight == 0.0 || self.popularity_weight < LEAST_POPULARITY_SHARE * sum {
            return Err(SyntheticError::PopularityTooLight {
                weight: self.popularity_weight,
                sum,
            });
        }
        number(
            "session_start_routine",
            self.session_start_routine,
            0.0,
            1.0,
        )?;
        for weight in self.routine_lag_weights {
            number("routine_lag_weights", weight, 0.0, 1_000.0)?;
        }
        if self.routine_lag_weights == [0.0; 3] {
            return Err(SyntheticError::NoRoutineLag);
        }
        number("style_share", self.style_share, 0.0, 1.0)?;
        number(
            "taste_half_life_events",
            self.taste_half_life_events,
            0.5,
            10_000.0,
        )?;
        number("season_strength", self.season_strength, 0.0, 10.0)?;
        number("popularity_exponent", self.popularity_exponent, 0.0, 3.0)
    }
}

fn count(
    field: &'static str,
    value: usize,
    minimum: usize,
    maximum: usize,
) -> Result<(), SyntheticError> {
    if (minimum..=maximum).contains(&value) {
        return Ok(());
    }
    Err(SyntheticError::CountOutOfRange {
        field,
        value,
        minimum,
        maximum,
    })
}

fn number(
    field: &'static str,
    value: f64,
    minimum: f64,
    maximum: f64,
) -> Result<(), SyntheticError> {
    if (minimum..=maximum).contains(&value) {
        return Ok(());
    }
    Err(SyntheticError::NumberOutOfRange {
        field,
        value,
        minimum,
        maximum,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut ShopConfig)) -> SyntheticError {
        let mut config = ShopConfig::default();
        change(&mut config);
        config.validate().unwrap_err()
    }

    #[test]
    fn the_default_is_valid() {
        ShopConfig::default().validate().unwrap();
    }

    #[test]
    fn a_count_out_of_range_is_refused_with_its_range() {
        let error = refused(|config| config.n_items = 19);
        assert_eq!(
            error,
            SyntheticError::CountOutOfRange {
                field: "n_items",
                value: 19,
                minimum: 20,
                maximum: 1_000_000
            }
        );
        assert_eq!(
            error.to_string(),
            "n_items is 19, but must lie in 20 to 1000000; choose a count in that range"
        );
    }

    #[test]
    fn every_count_is_held_to_both_ends_of_its_range() {
        type Setting = (
            &'static str,
            fn(&mut ShopConfig) -> &mut usize,
            usize,
            usize,
        );
        let settings: [Setting; 9] = [
            ("n_users", |config| &mut config.n_users, 1, 10_000_000),
            ("n_items", |config| &mut config.n_items, 320, 1_000_000),
            ("n_categories", |config| &mut config.n_categories, 2, 100),
            ("n_styles", |config| &mut config.n_styles, 1, 50),
            ("n_days", |config| &mut config.n_days, 28, 3_650),
            ("max_events", |config| &mut config.max_events, 40, 500),
            ("min_events", |config| &mut config.min_events, 1, 40),
            (
                "impressions_per_session",
                |config| &mut config.impressions_per_session,
                0,
                20,
            ),
            (
                "churn_horizon_weeks",
                |config| &mut config.churn_horizon_weeks,
                1,
                104,
            ),
        ];
        for (field, setting, minimum, maximum) in settings {
            for allowed in [minimum, maximum] {
                let mut config = ShopConfig::default();
                *setting(&mut config) = allowed;
                assert_eq!(config.validate(), Ok(()), "{field} {allowed}");
            }
            for refused_value in [minimum.checked_sub(1), Some(maximum + 1)]
                .into_iter()
                .flatten()
            {
                refused(|config| *setting(config) = refused_value);
            }
        }
    }

    #[test]
    fn every_number_is_held_to_both_ends_of_its_range() {
        type Setting = (&'static str, fn(&mut ShopConfig) -> &mut f64, f64, f64);
        let settings: [Setting; 14] = [
            ("mean_events", |config| &mut config.mean_events, 8.0, 160.0),
            (
                "mean_session_events",
                |config| &mut config.mean_session_events,
                1.0,
                100.0,
            ),
            ("click_rate", |config| &mut config.click_rate, 0.001, 0.5),
            ("churn_rate", |config| &mut config.churn_rate, 0.001, 0.9),
            (
                "protected_effect",
                |config| &mut config.protected_effect,
                -5.0,
                5.0,
            ),
            (
                "routine_weight",
                |config| &mut config.next_item.routine_weight,
                0.0,
                1_000.0,
            ),
            (
                "taste_weight",
                |config| &mut config.next_item.taste_weight,
                0.0,
                1_000.0,
            ),
            (
                "season_weight",
                |config| &mut config.next_item.season_weight,
                0.0,
                1_000.0,
            ),
            (
                "session_start_routine",
                |config| &mut config.next_item.session_start_routine,
                0.0,
                1.0,
            ),
            (
                "routine_lag_weights",
                |config| &mut config.next_item.routine_lag_weights[2],
                0.0,
                1_000.0,
            ),
            (
                "style_share",
                |config| &mut config.next_item.style_share,
                0.0,
                1.0,
            ),
            (
                "taste_half_life_events",
                |config| &mut config.next_item.taste_half_life_events,
                0.5,
                10_000.0,
            ),
            (
                "season_strength",
                |config| &mut config.next_item.season_strength,
                0.0,
                10.0,
            ),
            (
                "popularity_exponent",
                |config| &mut config.next_item.popularity_exponent,
                0.0,
                3.0,
            ),
        ];
        for (name, setting, minimum, maximum) in settings {
            for allowed in [minimum, maximum] {
                let mut config = ShopConfig::default();
                config.next_item.popularity_weight = 10.0;
                *setting(&mut config) = allowed;
                assert_eq!(config.validate(), Ok(()), "{name} {allowed}");
            }
            for value in [minimum.next_down(), maximum.next_up(), f64::INFINITY] {
                let error = refused(|config| *setting(config) = value);
                let expected = SyntheticError::NumberOutOfRange {
                    field: name,
                    value,
                    minimum,
                    maximum,
                };
                assert_eq!(error, expected);
            }
            let error = refused(|config| *setting(config) = f64::NAN);
            assert!(
                matches!(error, SyntheticError::NumberOutOfRange { field, .. } if field == name)
            );
        }
    }

    #[test]
    fn a_number_out_of_range_is_refused_with_its_range() {
        assert_eq!(
            refused(|config| config.click_rate = 0.6).to_string(),
            "click_rate is 0.6, but must lie in 0.001 to 0.5; choose a number in that range"
        );
    }

    #[test]
    fn popularity_needs_a_thousandth_of_the_weights() {
        let change = |popularity_weight: f64| {
            move |config: &mut ShopConfig| {
                config.next_item = NextItemConfig {
                    routine_weight: 999.0,
                    taste_weight: 0.0,
                    season_weight: 0.0,
                    popularity_weight,
                    ..NextItemConfig::default()
                };
            }
        };
        let mut config = ShopConfig::default();
        change(1.0)(&mut config);
        assert_eq!(config.validate(), Ok(()));
        let error = refused(change(0.5));
        assert_eq!(
            error,
            SyntheticError::PopularityTooLight {
                weight: 0.5,
                sum: 999.5
            }
        );
        assert_eq!(
            error.to_string(),
            "popularity_weight is 0.5 of weights that sum to 999.5, but must be above 0 and at least a thousandth of the sum; raise it"
        );
        let all_zero = refused(|config| {
            change(0.0)(config);
            config.next_item.routine_weight = 0.0;
        });
        assert_eq!(
            all_zero,
            SyntheticError::PopularityTooLight {
                weight: 0.0,
                sum: 0.0
            }
        );
    }

    #[test]
    fn a_routine_without_lags_is_refused() {
        let error = refused(|config| config.next_item.routine_lag_weights = [0.0; 3]);
        assert_eq!(error, SyntheticError::NoRoutineLag);
        assert_eq!(
            error.to_string(),
            "routine_lag_weights are all 0, but one of them must be positive; set routine_weight to 0 to go without the routine"
        );
    }

    #[test]
    fn a_start_too_far_away_is_refused() {
        let error = refused(|config| config.start_utc_millis = i64::MIN);
        assert_eq!(error, SyntheticError::StartOutOfRange { value: i64::MIN });
        assert_eq!(
            error.to_string(),
            "start_utc_millis is -9223372036854775808, but must lie within 10,000 years of 1970; choose a nearer start"
        );
    }

    #[test]
    fn missing_fields_take_their_defaults_and_unknown_ones_are_refused() {
        let config: ShopConfig = serde_json::from_str(r#"{"n_users": 3}"#).unwrap();
        assert_eq!(
            config,
            ShopConfig {
                n_users: 3,
                ..ShopConfig::default()
            }
        );
        let error = serde_json::from_str::<ShopConfig>(r#"{"n_user": 3}"#).unwrap_err();
        assert!(
            error.to_string().contains("unknown field `n_user`"),
            "{error}"
        );
        let text = serde_json::to_string(&ShopConfig::default()).unwrap();
        assert_eq!(
            serde_json::from_str::<ShopConfig>(&text).unwrap(),
            ShopConfig::default()
        );
    }
}
