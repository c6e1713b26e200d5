//! What is paid in advance: gift cards, and the store credit of customers.
//!
//! Both are accounts of what the shop owes somebody. No balance stands anywhere: it is the sum of an account's entries, which are
//! never changed. Whoever takes from an account locks its row first and reads the sum afterwards, so that two who do wait for each
//! other, and it never falls below zero. Several are locked in the order of their ids, after order, stock and coupons; giving back
//! needs no lock.
//!
//! What an account pays of an order, or gets back of it, also stands in the ledger of that order, in the same transaction.

mod code;
mod credit;
mod gift_cards;
pub mod http;
mod paying;
mod privacy;
mod store;

use uuid::Uuid;

use crate::clock::Moment;
use crate::money::{Amount, OutOfRange};
use crate::{accounts, db, ledger};

pub use code::{Code, MAX_TYPED};
pub use credit::{credit_entries, credit_of, post_credit};
pub use gift_cards::{GiftCard, NewGiftCard, Patch, adjust, find_by_code, get, issue, list, list_entries, patch};
pub use paying::{Plan, Share, Taken, give_back, grant, plan, take, taken};
pub use privacy::{export_credit, export_gift_cards, forget, forget_person};

/// What an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    GiftCard,
    StoreCredit,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::GiftCard => "gift-card",
            Self::StoreCredit => "store-credit",
        }
    }

    /// Its account in the ledger of an order.
    fn in_ledger(self) -> ledger::Account {
        match self {
            Self::GiftCard => ledger::Account::GiftCard,
            Self::StoreCredit => ledger::Account::StoreCredit,
        }
    }
}

/// Why a balance changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// A gift card was made.
    Issued,
    /// Staff put it right.
    Adjusted,
    /// It paid an order.
    Redeemed,
    /// What it paid came back.
    Returned,
    /// What an order was paid with otherwise came back as store credit.
    Refunded,
}

impl Cause {
    fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Adjusted => "adjusted",
            Self::Redeemed => "redeemed",
            Self::Returned => "returned",
            Self::Refunded => "refunded",
        }
    }
}

/// An entry to be written.
struct NewEntry<'a> {
    account_id: Uuid,
    cause: Cause,
    /// Above zero, the shop owes more.
    amount: Amount,
    order_id: Option<Uuid>,
    /// For the shop's own records.
    reason: &'a str,
    /// Empty where the shop did by itself.
    actor: &'a str,
}

/// A change of a balance.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: Uuid,
    pub cause: String,
    pub amount: Amount,
    /// Not the order's id, which for a guest is the right to see it.
    pub order_number: Option<i64>,
    pub reason: String,
    pub actor: String,
    pub posted_at: Moment,
}

/// Why something about gift cards or store credit cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such gift card or customer")]
    NotFound,
    #[error("there is a gift card with this code")]
    CodeTaken,
    #[error("there is not more than {available}")]
    Exceeded { available: Amount },
    #[error("the balance would be more than an amount can say")]
    TooMuch,
    #[error("the gift card has changed: its version is {current}")]
    VersionMismatch { current: i64 },
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    #[error(transparent)]
    Account(#[from] accounts::Error),
    #[error(transparent)]
    Database(#[from] db::Error),
}
