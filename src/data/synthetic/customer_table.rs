//! The customers of a shop as a table.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use arrow_schema::ArrowError;

use super::attributes::{age_group, device, protected_group, region};
use super::churn::Customer;
use super::shop::Shop;

impl Shop {
    /// The customers at the end of the log, one row each, as a company would have them: the columns of
    /// [`Customer`](super::Customer) that can be known then, and what became of them.
    ///
    /// `customer` names them; `churned` says who left within the horizon, and `weeks` how long the customer stayed in it, the
    /// week of leaving included.
    ///
    /// # Errors
    /// [`ArrowError`], which no shop gives.
    pub fn customer_table(&self) -> Result<RecordBatch, ArrowError> {
        let customers = self.customers();
        let numbers = |number: &dyn Fn(&Customer) -> f64| -> ArrayRef {
            let numbers = customers.iter().map(number);
            Arc::new(numbers.collect::<Float64Array>())
        };
        let texts = |text: &dyn Fn(&Customer) -> String| -> ArrayRef {
            let texts = customers.iter().map(text).map(Some);
            Arc::new(texts.collect::<StringArray>())
        };
        let horizon = self.config.churn_horizon_weeks as f64;
        let churned: BooleanArray = customers.iter().map(|who| Some(who.churned())).collect();
        RecordBatch::try_from_iter([
            (
                "customer",
                texts(&|who| self.users()[who.user as usize].id.clone()),
            ),
            ("tenure_days", numbers(&|who| who.tenure_days)),
            ("recency_days", numbers(&|who| who.recency_days)),
            (
                "n_recent_sessions",
                numbers(&|who| f64::from(who.n_recent_sessions)),
            ),
            ("n_events", numbers(&|who| f64::from(who.n_events))),
            ("mean_dwell_seconds", numbers(&|who| who.mean_dwell_seconds)),
            ("like_share", numbers(&|who| who.like_share)),
            (
                "mean_relative_price",
                numbers(&|who| who.mean_relative_price),
            ),
            ("spend", numbers(&|who| who.spend)),
            (
                "age_group",
                texts(&|who| age_group(who.age_group).to_owned()),
            ),
            ("region", texts(&|who| region(who.region).to_owned())),
            ("device", texts(&|who| device(who.device).to_owned())),
            (
                "protected_group",
                texts(&|who| protected_group(who.protected_group).to_owned()),
            ),
            ("churned", Arc::new(churned)),
            (
                "weeks",
                numbers(&|who| who.churn_week.map_or(horizon, |week| f64::from(week) + 1.0)),
            ),
        ])
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Float64Type;

    use super::*;
    use crate::data::synthetic::ShopConfig;

    #[test]
    fn each_customer_has_a_row_and_nobody_outlasts_the_horizon() {
        let config = ShopConfig {
            n_users: 200,
            ..ShopConfig::default()
        };
        let shop = Shop::simulate(&config, 5).unwrap();
        let table = shop.customer_table().unwrap();
        assert_eq!(table.num_rows(), shop.customers().len());
        let column = |name| table.column_by_name(name).unwrap();
        let weeks = column("weeks").as_primitive::<Float64Type>();
        let churned = column("churned").as_boolean();
        for (row, customer) in shop.customers().iter().enumerate() {
            assert_eq!(churned.value(row), customer.churned());
            let expected = customer.churn_week.map_or(13.0, |week| f64::from(week + 1));
            assert_eq!(weeks.value(row), expected);
            let id = &shop.users()[customer.user as usize].id;
            assert_eq!(column("customer").as_string::<i32>().value(row), id);
        }
    }
}
