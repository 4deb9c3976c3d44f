//! What the simulated shop knows of its items and users, as tables.

use super::shop::Shop;
use super::users::{AgeGroup, DeviceKind, ProtectedGroup, Region, User};
use crate::data::{Attribute, AttributeCells, AttributeTable};

impl Shop {
    /// The items, in the order of [`Self::items`], with their `category`, `style` and `price`. Categories and styles are
    /// numbers as text.
    ///
    /// ```
    /// use salient::data::synthetic::{Shop, ShopConfig};
    ///
    /// let shop = Shop::simulate(&ShopConfig { n_users: 20, ..ShopConfig::default() }, 7)?;
    /// let items = shop.item_attributes();
    /// assert_eq!(items.n_rows(), shop.items().len());
    /// assert_eq!(items.index_of(&shop.items()[3].id), Some(3));
    /// # Ok::<(), salient::data::synthetic::SyntheticError>(())
    /// ```
    pub fn item_attributes(&self) -> AttributeTable {
        let items = self.items();
        let categories = items.iter().map(|item| Some(item.category.to_string()));
        let styles = items.iter().map(|item| Some(item.style.to_string()));
        let prices = items.iter().map(|item| Some(item.price)).collect();
        AttributeTable::from_sound_columns(
            items.iter().map(|item| item.id.clone()).collect(),
            vec![
                Attribute::new("category", AttributeCells::category(categories)),
                Attribute::new("style", AttributeCells::category(styles)),
                Attribute::new("price", AttributeCells::Number(prices)),
            ],
        )
    }

    /// The users, in the order of [`Self::users`], with their `age_group`, `region`, `device` and `tenure_days`. The protected
    /// group is not among them: a model that is to be fair does not read it.
    pub fn user_attributes(&self) -> AttributeTable {
        let users = self.users();
        let category = |name: &str, value: fn(&User) -> &'static str| {
            let cells = users.iter().map(|user| Some(value(user)));
            Attribute::new(name, AttributeCells::category(cells))
        };
        let tenures = users.iter().map(|user| Some(f64::from(user.tenure_days)));
        AttributeTable::from_sound_columns(
            users.iter().map(|user| user.id.clone()).collect(),
            vec![
                category("age_group", |user| age_group(user.age_group)),
                category("region", |user| region(user.region)),
                category("device", |user| device(user.device)),
                Attribute::new("tenure_days", AttributeCells::Number(tenures.collect())),
            ],
        )
    }
}

pub(super) const fn protected_group(group: ProtectedGroup) -> &'static str {
    match group {
        ProtectedGroup::First => "first",
        ProtectedGroup::Second => "second",
    }
}

pub(super) const fn age_group(age_group: AgeGroup) -> &'static str {
    match age_group {
        AgeGroup::Young => "young",
        AgeGroup::Middle => "middle",
        AgeGroup::Older => "older",
    }
}

pub(super) const fn region(region: Region) -> &'static str {
    match region {
        Region::North => "north",
        Region::East => "east",
        Region::South => "south",
        Region::West => "west",
    }
}

pub(super) const fn device(device: DeviceKind) -> &'static str {
    match device {
        DeviceKind::Desktop => "desktop",
        DeviceKind::Mobile => "mobile",
        DeviceKind::Tablet => "tablet",
    }
}
