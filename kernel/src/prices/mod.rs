//! Which price applies: one of a price list, or the variant's own.
//!
//! Of the lists that are in force for the shopper and hold the variant, the one with the highest priority counts; among equals,
//! one for the shopper's group before one for everyone; then the one with the lowest amount; then the older. Where there is none,
//! the variant's own price counts, which is in the shop's own currency: in any other currency the variant then has no price.
//! Nothing is converted: a rate would make prices that the merchant has not seen.
//!
//! `store/applying.rs` has the clause that finds it, which stands in every statement that shows, finds or charges a price. A period
//! begins and ends by that clause alone: no worker switches lists on, and none can be late.

mod entries;
pub mod http;
mod lists;
mod store;

use serde::Deserialize;
use uuid::Uuid;

use crate::clock::{self, Moment};
use crate::db::{self, Conn};
use crate::money::{Amount, Currency};
use crate::{Shop, accounts};

pub use entries::{
    Entry, KnownEntry, MAX_ENTRIES_AT_ONCE, NewEntry, VariantEntry, VariantPrices, delete_entry, entries_of_skus,
    list_entries, prices_of_variant, put_entries, put_entries_in,
};
pub use lists::{
    List, ListPatch, ListStatus, MAX_LIST_NAME, MAX_LIST_PRIORITY, NewList, create_list, create_list_in, delete_list,
    find_list_by_code, get_list, is_moment_of_list, lists, patch_list, patch_list_in,
};
pub(crate) use store::{PriceRow, applying_entry, bind_context, in_force, price_columns};

/// `[prices]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PricesConfig {
    /// Price lists that the shop may have.
    pub max_lists: u32,
}

impl Default for PricesConfig {
    fn default() -> Self {
        Self { max_lists: 1_000 }
    }
}

/// In which currency, for whom and when a price is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceContext {
    pub currency: Currency,
    /// The code of the shopper's customer group.
    pub group: Option<String>,
    pub at: Moment,
    /// Whether `currency` is the shop's own, in which variants have prices of their own.
    is_own: bool,
}

/// The price that applies to a variant. Minor units of the currency of its context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    pub amount: Amount,
    /// What it cost before; more than `amount`.
    pub compare_at: Option<Amount>,
    /// The code of the price list that it is from; none for the variant's own.
    pub list: Option<String>,
}

/// Why prices cannot be shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such price list, variant or price")]
    NotFound,
    #[error("the code {0} is taken")]
    CodeTaken(String),
    /// The customer group that a list is to be for.
    #[error("there is no such customer group")]
    GroupUnknown,
    #[error("it would end before it begins")]
    PeriodEmpty,
    #[error("a shop has at most {0} price lists")]
    TooManyLists(u32),
    /// Which of the prices, by position.
    #[error("there are no such variants")]
    VariantsUnknown(Vec<usize>),
    #[error("it has changed: it is version {current} now")]
    VersionMismatch { current: i64 },
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl PriceContext {
    /// As it is now.
    pub fn now(shop: &Shop, currency: Currency, group: Option<String>) -> Self {
        Self::at(shop, currency, group, clock::now())
    }

    pub fn at(shop: &Shop, currency: Currency, group: Option<String>, at: Moment) -> Self {
        Self { currency, group, at, is_own: currency == shop.config().shop.currency }
    }

    /// The shop's own currency and no group: what a guest sees who asked for nothing else.
    pub fn of_guest(shop: &Shop) -> Self {
        Self::now(shop, shop.config().shop.currency, None)
    }

    /// What this customer is asked now; a guest where there is none.
    pub async fn of_customer(
        shop: &Shop,
        conn: &mut Conn,
        currency: Currency,
        customer_id: Option<Uuid>,
    ) -> db::Result<Self> {
        let group = match customer_id {
            Some(id) => accounts::group_of(conn, id).await?,
            None => None,
        };
        Ok(Self::now(shop, currency, group))
    }

    /// As statements name it: empty for none.
    pub(crate) fn group_code(&self) -> &str {
        self.group.as_deref().unwrap_or_default()
    }

    /// Whether variants have prices of their own in this currency.
    pub fn is_own(&self) -> bool {
        self.is_own
    }
}

impl Price {
    /// A price that was stated as higher before is shown; what is not higher would be no reduction.
    fn new(amount: Amount, compare_at: Option<Amount>, list: Option<String>) -> Self {
        Self { amount, compare_at: compare_at.filter(|before| *before > amount), list }
    }
}

/// Whether the variants' own prices are all that can apply: no list is in force for this shopper.
pub async fn are_own(conn: &mut Conn, context: &PriceContext) -> db::Result<bool> {
    Ok(context.is_own && !store::is_any_in_force(conn, context).await?)
}

/// Call after the commit of a change: shoppers see it.
fn announce(shop: &Shop) {
    shop.cache().clear();
}
