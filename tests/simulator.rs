//! The simulated shop is repeatable, and its stated probabilities are those it was drawn from.

use salient::data::synthetic::{
    AgeGroup, ClickColumn, CustomerColumn, DeviceKind, EventKind, NextItemConfig, ProtectedGroup,
    Shop, ShopConfig, SyntheticError,
};

fn small() -> ShopConfig {
    ShopConfig {
        n_users: 300,
        n_items: 200,
        n_categories: 10,
        n_styles: 4,
        mean_events: 25.0,
        max_events: 80,
        ..ShopConfig::default()
    }
}

fn assert_same(left: &Shop, right: &Shop) {
    assert_eq!(left.items(), right.items());
    assert_eq!(left.users(), right.users());
    assert_eq!(left.events(), right.events());
    assert_eq!(left.impressions(), right.impressions());
    assert_eq!(left.customers(), right.customers());
}

#[test]
fn the_same_seed_gives_the_same_shop_on_any_number_of_threads() {
    let simulate = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        pool.install(|| Shop::simulate(&small(), 3).unwrap())
    };
    let one = simulate(1);
    assert_same(&one, &simulate(1));
    assert_same(&one, &simulate(2));
    assert_same(&one, &simulate(7));
}

#[test]
fn another_seed_gives_another_shop() {
    let (one, other) = (
        Shop::simulate(&small(), 3).unwrap(),
        Shop::simulate(&small(), 4).unwrap(),
    );
    assert_ne!(one.items(), other.items());
    assert_ne!(one.users(), other.users());
    assert_ne!(one.events(), other.events());
    assert_ne!(one.impressions(), other.impressions());
    assert_ne!(one.customers(), other.customers());
}

#[test]
fn a_bad_setting_is_refused() {
    let config = ShopConfig {
        n_users: 0,
        ..ShopConfig::default()
    };
    let error = Shop::simulate(&config, 1).unwrap_err();
    let expected = SyntheticError::CountOutOfRange {
        field: "n_users",
        value: 0,
        minimum: 1,
        maximum: 10_000_000,
    };
    assert_eq!(error, expected);
}

#[test]
fn the_default_shop_has_the_promised_size_and_shape() {
    let config = ShopConfig::default();
    let shop = Shop::simulate(&config, 1).unwrap();
    assert!(shop.users().len() >= 2_000);
    assert!(shop.items().len() >= 1_000);
    assert!(
        (90_000..110_000).contains(&shop.events().len()),
        "{}",
        shop.events().len()
    );
    assert!(
        (50_000..80_000).contains(&shop.impressions().len()),
        "{}",
        shop.impressions().len()
    );
    let end = config.start_utc_millis + config.n_days as i64 * 86_400_000;
    for user in 0..shop.users().len() as u32 {
        let events = shop.user_events(user);
        assert!(!events.is_empty());
        assert!(events[0].time_utc_millis >= config.start_utc_millis);
        assert!(events[events.len() - 1].time_utc_millis < end);
        let mut items: Vec<u32> = events.iter().map(|event| event.item).collect();
        items.sort_unstable();
        items.dedup();
        assert_eq!(items.len(), events.len(), "user {user} met an item twice");
        for pair in events.windows(2) {
            let pause = pair[1].time_utc_millis - pair[0].time_utc_millis;
            assert!(pause > 0);
            assert_eq!(pause >= 1_800_000, pair[1].session == pair[0].session + 1);
            assert_eq!(pause < 1_800_000, pair[1].session == pair[0].session);
        }
    }
    for kind in [
        EventKind::View,
        EventKind::Like,
        EventKind::Cart,
        EventKind::Buy,
    ] {
        let share = shop
            .events()
            .iter()
            .filter(|event| event.kind == kind)
            .count() as f64
            / shop.events().len() as f64;
        assert!((0.02..0.9).contains(&share), "{} {share}", kind.name());
    }
    let popularity: f64 = shop.items().iter().map(|item| item.popularity).sum();
    assert!((popularity - 1.0).abs() < 1e-12);
    assert!(shop.items().iter().all(|item| item.price > 0.0));
    let churned = shop
        .customers()
        .iter()
        .filter(|customer| customer.churned())
        .count() as f64;
    let share = churned / shop.customers().len() as f64;
    assert!((0.2..0.3).contains(&share), "{share}");
}

#[test]
fn the_rows_name_what_the_log_holds() {
    let shop = Shop::simulate(&small(), 3).unwrap();
    assert_eq!(shop.interactions().len(), shop.events().len());
    for (row, event) in shop.interactions().zip(shop.events()) {
        assert_eq!(shop.user_index(&row.user), Some(event.user as usize));
        assert_eq!(shop.item_index(&row.item), Some(event.item as usize));
        assert_eq!(row.time_utc_millis, event.time_utc_millis);
        assert_eq!(row.event.as_deref(), Some(event.kind.name()));
        assert_eq!(row.weight, Some(event.dwell_seconds));
    }
    assert_eq!(shop.item_index("item-200"), None);
    assert_eq!(shop.user_index(""), None);
}

#[test]
fn true_distributions_sum_to_one_and_are_calibrated() {
    let shop = Shop::simulate(&small(), 3).unwrap();
    // The log-probability of what happened, less its expectation, is a sum of martingale differences.
    let (mut excess, mut variance) = (0.0, 0.0);
    for user in 0..shop.users().len() as u32 {
        let events = shop.user_events(user);
        for (index, event) in events.iter().enumerate() {
            let probabilities = shop.next_item_probabilities(user, index);
            assert_eq!(probabilities.len(), shop.items().len());
            assert!(probabilities.iter().all(|probability| *probability >= 0.0));
            assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(
                events[..index]
                    .iter()
                    .all(|seen| probabilities[seen.item as usize] == 0.0)
            );
            let realised = probabilities[event.item as usize].ln();
            assert!((shop.next_item_log_probability(user, index) - realised).abs() < 1e-9);
            let terms = probabilities
                .iter()
                .filter(|probability| **probability > 0.0);
            let mean: f64 = terms.clone().map(|p| p * p.ln()).sum();
            let square: f64 = terms.map(|p| p * p.ln() * p.ln()).sum();
            excess += realised - mean;
            variance += square - mean * mean;
        }
    }
    let z = excess / variance.sqrt();
    assert!(z.abs() < 3.5, "{z}");
}

#[test]
fn the_oracle_tells_whose_next_item_is_likely() {
    // Sharpness, beside calibration: shuffled oracles would pass the sums but not this.
    let shop = Shop::simulate(&small(), 3).unwrap();
    let n_users = shop.users().len() as u32;
    let (mut own, mut other) = (0.0, 0.0);
    for user in 0..n_users {
        let last = shop.user_events(user).len() - 1;
        own += shop.next_item_log_probability(user, last);
        let neighbour = (user + 1) % n_users;
        let foreign =
            shop.next_item_probabilities(neighbour, shop.user_events(neighbour).len() - 1);
        other += foreign[shop.user_events(user)[last].item as usize]
            .max(1e-9)
            .ln();
    }
    assert!((own - other) / f64::from(n_users) > 1.0, "{own} {other}");
}

/// Sum over ten groups of equal size by probability of the squared, standardised excess of the outcomes.
fn chi_square_by_decile(mut outcomes: Vec<(f64, bool)>) -> f64 {
    outcomes.sort_by(|left, right| left.0.total_cmp(&right.0));
    let n_group = outcomes.len().div_ceil(10);
    outcomes
        .chunks(n_group)
        .map(|group| {
            let expected: f64 = group.iter().map(|(probability, _)| probability).sum();
            let variance: f64 = group
                .iter()
                .map(|(probability, _)| probability * (1.0 - probability))
                .sum();
            let observed = group.iter().filter(|(_, outcome)| *outcome).count() as f64;
            (observed - expected).powi(2) / variance
        })
        .sum()
}

/// The 0.001 and 0.999 quantiles of chi-square with ten degrees of freedom.
const CHI_SQUARE_BOUNDS: std::ops::Range<f64> = 1.48..29.6;

#[test]
fn clicks_happen_as_often_as_their_probabilities_say() {
    let shop = Shop::simulate(&ShopConfig::default(), 2).unwrap();
    let outcomes: Vec<_> = shop
        .impressions()
        .iter()
        .map(|x| (x.click_probability, x.clicked))
        .collect();
    let mean = outcomes
        .iter()
        .map(|(probability, _)| probability)
        .sum::<f64>()
        / outcomes.len() as f64;
    assert!((mean - 0.07).abs() < 1e-9, "{mean}");
    let chi_square = chi_square_by_decile(outcomes);
    assert!(CHI_SQUARE_BOUNDS.contains(&chi_square), "{chi_square}");
}

#[test]
fn customers_leave_as_often_as_their_probabilities_say() {
    let shop = Shop::simulate(&ShopConfig::default(), 2).unwrap();
    let outcomes: Vec<_> = shop
        .customers()
        .iter()
        .map(|x| (x.churn_probability, x.churned()))
        .collect();
    let mean = outcomes
        .iter()
        .map(|(probability, _)| probability)
        .sum::<f64>()
        / outcomes.len() as f64;
    assert!((mean - 0.25).abs() < 1e-9, "{mean}");
    let chi_square = chi_square_by_decile(outcomes);
    assert!(CHI_SQUARE_BOUNDS.contains(&chi_square), "{chi_square}");
}

#[test]
fn weekly_hazards_make_up_the_probability_of_leaving() {
    let config = small();
    let shop = Shop::simulate(&config, 3).unwrap();
    for customer in shop.customers() {
        let hazards = shop.weekly_churn_hazards(customer.user);
        assert_eq!(hazards.len(), config.churn_horizon_weeks);
        let stays: f64 = hazards.iter().map(|hazard| 1.0 - hazard).product();
        assert!((1.0 - stays - customer.churn_probability).abs() < 1e-12);
        assert!(
            customer
                .churn_week
                .is_none_or(|week| (week as usize) < config.churn_horizon_weeks)
        );
    }
}

#[test]
fn a_column_at_its_reference_or_without_effect_changes_nothing() {
    let shop = Shop::simulate(&small(), 3).unwrap();
    for customer in shop.customers() {
        for (column, effect) in shop.churn_column_effects(customer.user) {
            let idle = match column {
                CustomerColumn::Events | CustomerColumn::Spend | CustomerColumn::Region => true,
                CustomerColumn::ProtectedGroup => true,
                CustomerColumn::AgeGroup => customer.age_group == AgeGroup::Middle,
                CustomerColumn::Device => customer.device != DeviceKind::Mobile,
                _ => false,
            };
            let unchanged = customer.clone().without(column) == *customer;
            assert_eq!(
                effect.probability == 0.0,
                idle || unchanged,
                "{column:?} {customer:?}"
            );
        }
    }
    for (index, impression) in shop.impressions().iter().enumerate().take(2_000) {
        for (column, effect) in shop.click_column_effects(index) {
            match column {
                ClickColumn::Position => {
                    assert_eq!(effect.probability < 0.0, impression.position > 1)
                }
                ClickColumn::Exposures => {
                    assert_eq!(effect.probability == 0.0, impression.exposures_before == 0)
                }
                ClickColumn::Creative => {
                    assert_eq!(effect.probability == 0.0, impression.creative == 0)
                }
                ClickColumn::ProtectedGroup => assert_eq!(effect.probability, 0.0),
                _ => assert!(effect.probability.abs() < 1.0 && effect.log_probability.is_finite()),
            }
        }
    }
}

#[test]
fn a_column_effect_is_the_stated_share_of_the_log_odds() {
    let shop = Shop::simulate(&small(), 3).unwrap();
    let log_odds = |probability: f64| (probability / (1.0 - probability)).ln();
    for (index, impression) in shop.impressions().iter().enumerate().take(500) {
        for (column, effect) in shop.click_column_effects(index) {
            if column == ClickColumn::Position {
                let with = impression.click_probability;
                let change = log_odds(with) - log_odds(with - effect.probability);
                assert!((change + 0.25 * f64::from(impression.position - 1)).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn the_protected_attribute_acts_only_when_asked_to() {
    let config = ShopConfig {
        protected_effect: 1.0,
        ..ShopConfig::default()
    };
    let mean_churn = |shop: &Shop, group: ProtectedGroup| {
        let members = shop
            .customers()
            .iter()
            .filter(|customer| customer.protected_group == group);
        members
            .clone()
            .map(|customer| customer.churn_probability)
            .sum::<f64>()
            / members.count() as f64
    };
    let gap = |shop: &Shop| {
        mean_churn(shop, ProtectedGroup::Second) - mean_churn(shop, ProtectedGroup::First)
    };
    let fair = gap(&Shop::simulate(&ShopConfig::default(), 2).unwrap());
    let unfair = gap(&Shop::simulate(&config, 2).unwrap());
    assert!(fair.abs() < 0.03, "{fair}");
    assert!((0.1..0.3).contains(&unfair), "{unfair}");
}

#[test]
fn two_categories_predict_the_next_better_than_one() {
    let config = ShopConfig::default();
    let shop = Shop::simulate(&config, 2).unwrap();
    let n_categories = config.n_categories;
    let category = |item: u32| shop.items()[item as usize].category as usize;
    let mut first_order = vec![0.1; n_categories * n_categories];
    let mut second_order = vec![0.1; n_categories * n_categories * n_categories];
    let (mut log_first, mut log_second, mut n_held_out) = (0.0, 0.0, 0);
    for user in 0..shop.users().len() as u32 {
        // The last fifth of the users is held out.
        let held_out = user as usize >= shop.users().len() * 4 / 5;
        for events in shop.user_events(user).windows(3) {
            let [before, last, next] = [0, 1, 2].map(|index| category(events[index].item));
            let one = last * n_categories;
            let two = (before * n_categories + last) * n_categories;
            if held_out {
                let share = |counts: &[f64]| (counts[next] / counts.iter().sum::<f64>()).ln();
                log_first += share(&first_order[one..one + n_categories]);
                log_second += share(&second_order[two..two + n_categories]);
                n_held_out += 1;
            } else {
                first_order[one + next] += 1.0;
                second_order[two + next] += 1.0;
            }
        }
    }
    let gain = (log_second - log_first) / f64::from(n_held_out);
    assert!((0.3..2.0).contains(&gain), "{gain}");
}

#[test]
fn a_shop_at_the_edge_of_its_settings_is_still_a_shop() {
    let config = ShopConfig {
        n_users: 5,
        n_items: 20,
        n_categories: 2,
        n_styles: 10,
        n_days: 28,
        min_events: 10,
        max_events: 10,
        mean_events: 10.0,
        mean_session_events: 1.0,
        impressions_per_session: 2,
        churn_horizon_weeks: 1,
        next_item: NextItemConfig {
            routine_weight: 999.0,
            taste_weight: 0.0,
            season_weight: 0.0,
            popularity_weight: 1.0,
            popularity_exponent: 3.0,
            style_share: 1.0,
            ..NextItemConfig::default()
        },
        ..ShopConfig::default()
    };
    let shop = Shop::simulate(&config, 1).unwrap();
    for user in 0..5 {
        for index in 0..shop.user_events(user).len() {
            let probabilities = shop.next_item_probabilities(user, index);
            assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(
                shop.event_effects(user, index)
                    .iter()
                    .all(|effect| effect.probability.is_finite())
            );
        }
    }
    let silent = ShopConfig {
        impressions_per_session: 0,
        ..config
    };
    assert!(Shop::simulate(&silent, 1).unwrap().impressions().is_empty());
}

#[test]
#[should_panic(expected = "user 300 of 300 users")]
fn a_user_out_of_range_is_a_callers_bug() {
    Shop::simulate(&small(), 3).unwrap().user_events(300);
}
