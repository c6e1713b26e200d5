//! What those who work for the shop may do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One area of `/v1/admin`. Who has it may look there and change things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// Products, categories, prices, stock, promotions, reviews.
    Catalog,
    /// Orders and what is shipped of them.
    Orders,
    /// Giving money back, and changing what somebody owes.
    Refunds,
    /// Uploading plugins and putting them in force.
    Plugins,
    /// Personal data of customers.
    Customers,
    /// Figures, and the audit log.
    Reports,
    /// Staff, API keys, webhooks, messages.
    Settings,
}

impl Permission {
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Catalog, "catalog"),
        (Self::Orders, "orders"),
        (Self::Refunds, "refunds"),
        (Self::Plugins, "plugins"),
        (Self::Customers, "customers"),
        (Self::Reports, "reports"),
        (Self::Settings, "settings"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(permission, _)| *permission == self).map_or("", |(_, name)| name)
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(permission, _)| *permission)
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u16);

impl Permissions {
    pub fn none() -> Self {
        Self::default()
    }

    pub fn all() -> Self {
        Permission::ALL.iter().map(|(permission, _)| *permission).collect()
    }

    pub fn has(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().map(|(permission, _)| permission).filter(move |permission| self.has(*permission))
    }

    /// As it stands in the database: names with spaces between them.
    pub fn to_text(self) -> String {
        self.iter().map(Permission::name).collect::<Vec<_>>().join(" ")
    }

    /// A name that this version does not know gives nothing.
    pub fn of_text(text: &str) -> Self {
        text.split_whitespace().filter_map(Permission::parse).collect()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | permission.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_survives_its_text() {
        for set in
            [Permissions::none(), Permissions::all(), [Permission::Orders, Permission::Refunds].into_iter().collect()]
        {
            assert_eq!(Permissions::of_text(&set.to_text()), set);
        }
        let some = Permissions::of_text("orders  everything refunds");
        assert_eq!(some.to_text(), "orders refunds");
        assert!(some.has(Permission::Orders) && !some.has(Permission::Catalog));
    }
}
