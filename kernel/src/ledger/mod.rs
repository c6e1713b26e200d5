//! The ledger: the money of each order by double entry.
//!
//! Whatever changes what an order owes, or where its money is, posts a transaction here, in the very database transaction
//! of the change. A transaction's entries sum to zero, nothing is ever changed or deleted, and every balance is a sum:
//! there is no field that could say otherwise.
//!
//! Debits are positive, credits negative. What the shopper still has to pay is the balance of `receivable`; below zero
//! it is what they get back.

pub mod http;
mod store;

use uuid::Uuid;

use crate::clock::{self, Moment};
use crate::db::{self, Conn, Tx};
use crate::id;
use crate::money::{self, Amount, OutOfRange};

macro_rules! names {
    ($(#[doc = $outer:literal])+ $enum:ident: $($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        $(#[doc = $outer])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $enum { $($(#[doc = $doc])+ $variant),+ }

        impl $enum {
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

names! {
    /// Where money is, or why it is owed.
    Account:
    /// What the shopper owes the shop.
    Receivable = "receivable",
    /// Earned with goods: net of discounts and of the tax in their prices, with fees.
    Sales = "sales",
    /// Earned with the delivery, net of discounts and of the tax in its price.
    Delivery = "delivery",
    /// Tax that the shop owes the state.
    Tax = "tax",
    /// What was earned once and is given back.
    Refunds = "refunds",
    /// Reserved at a provider, and not taken yet. Not the shop's money: `hold` stands against it.
    Authorized = "authorized",
    /// The other side of `authorized`.
    Hold = "hold",
    /// Taken by a payment provider for the shop.
    Provider = "provider",
    /// Redeemed from gift cards, which the shop owes.
    GiftCard = "gift-card",
    /// Redeemed from store credit, which the shop owes.
    StoreCredit = "store-credit",
    /// Given to the shop, or by it, in another way than by a provider: cash, bank transfers.
    ByHand = "by-hand",
    /// The other side of what staff corrected: what the order costs more or less for it.
    Correction = "correction",
}

names! {
    /// What a transaction tells of.
    Kind:
    /// The order was placed: the shopper owes its total.
    Placed = "placed",
    /// The order's contents changed, and with them what is owed.
    Edited = "edited",
    /// The order was called off: nothing is owed for it any more.
    Cancelled = "cancelled",
    /// A provider has reserved money.
    Authorized = "authorized",
    /// A reservation ended without being taken.
    Released = "released",
    /// A provider has taken money.
    Captured = "captured",
    /// The shop owes the shopper something back.
    Credited = "credited",
    /// A provider has given money back.
    Refunded = "refunded",
    /// A gift card or store credit pays, or is given back.
    Redeemed = "redeemed",
    /// Staff gave the order another price.
    Corrected = "corrected",
    /// Money moved that no provider saw.
    ByHand = "by-hand",
}

/// One side of a transaction: above zero a debit, below zero a credit.
pub type Entry = (Account, Amount);

/// A transaction to be posted.
pub struct Posting<'a> {
    pub order_id: Uuid,
    /// Whose money it is, where a payment moves it.
    pub payment_id: Option<Uuid>,
    pub kind: Kind,
    /// What it tells of; posted again under the same, it changes nothing.
    pub reference: &'a str,
    /// Who or what caused it, for people.
    pub cause: &'a str,
    pub entries: &'a [Entry],
}

/// A transaction as it was posted.
#[derive(Debug, Clone)]
pub struct Transaction {
    pub id: Uuid,
    pub payment_id: Option<Uuid>,
    pub kind: String,
    pub reference: String,
    pub cause: String,
    pub posted_at: Moment,
    pub entries: Vec<(String, Amount)>,
}

/// The money of an order: sums over its entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// What was charged for it, and not called off again.
    pub total: Amount,
    /// Reserved at providers, and not taken.
    pub authorized: Amount,
    /// Taken by providers, before refunds.
    pub captured: Amount,
    /// Given back by providers.
    pub refunded: Amount,
    pub gift_cards: Amount,
    pub store_credit: Amount,
    /// Paid in another way than through a provider, and not given back so.
    pub by_hand: Amount,
    /// What staff corrected: above zero, the shopper owes more for it.
    pub corrected: Amount,
    /// What the shopper has still to pay; below zero, what they have still to get back.
    pub outstanding: Amount,
}

impl Balance {
    /// What the shop holds of what was paid, in whatever way: never more than that goes back.
    pub fn held(&self) -> Amount {
        self.captured - self.refunded + self.gift_cards + self.store_credit + self.by_hand
    }
}

/// The money of one payment: sums over its entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    pub authorized: Amount,
    pub captured: Amount,
    pub refunded: Amount,
}

/// What an order is made up of: what is posted when it is placed, and what an edit changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Charge {
    pub sales: Amount,
    pub delivery: Amount,
    pub tax: Amount,
}

impl Charge {
    /// As it is posted: the shopper owes the sum. To charge less than before, post the difference.
    pub fn entries(self) -> Result<[Entry; 4], OutOfRange> {
        let total = money::sum([self.sales, self.delivery, self.tax])?;
        Ok([
            (Account::Receivable, total),
            (Account::Sales, -self.sales),
            (Account::Delivery, -self.delivery),
            (Account::Tax, -self.tax),
        ])
    }
}

/// Why nothing was posted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A fault of the caller's code: it must not reach the books.
    #[error("the entries of {0} sum to {1}")]
    Unbalanced(String, i128),
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Posts a transaction; entries of zero are left out. True where it is new: one with the same reference stays as it is.
pub async fn post(tx: &mut Tx, posting: &Posting<'_>) -> Result<bool, Error> {
    let sum: i128 = posting.entries.iter().map(|(_, amount)| i128::from(*amount)).sum();
    if sum != 0 {
        return Err(Error::Unbalanced(posting.reference.to_owned(), sum));
    }
    let entries: Vec<Entry> = posting.entries.iter().copied().filter(|(_, amount)| *amount != 0).collect();
    if entries.is_empty() {
        return Ok(false);
    }
    for (_, amount) in &entries {
        money::checked(i128::from(*amount))?;
    }
    let id = id::sequential();
    if !store::insert_transaction(tx, id, posting, clock::now()).await? {
        return Ok(false);
    }
    store::insert_entries(tx, id, &entries).await?;
    Ok(true)
}

/// Takes what staff wrote out of the causes of an order's transactions: it may name a person.
pub async fn forget_words(tx: &mut Tx, order_id: Uuid) -> db::Result<()> {
    store::forget_words(tx, order_id).await
}

/// An order is called off: whatever was charged, credited or corrected for it is turned back, so that what is left
/// outstanding is what was paid.
pub async fn call_off(tx: &mut Tx, order_id: Uuid, cause: &str) -> Result<(), Error> {
    let earned = store::earned(tx, order_id).await?;
    let mut entries: Vec<Entry> = earned.into_iter().map(|(account, amount)| (account, -amount)).collect();
    entries.push((Account::Receivable, -money::sum(entries.iter().map(|(_, amount)| *amount))?));
    let reference = cancelled(order_id);
    let posting =
        Posting { order_id, payment_id: None, kind: Kind::Cancelled, reference: &reference, cause, entries: &entries };
    post(tx, &posting).await?;
    Ok(())
}

/// A refund gives back so much that was not owed before: the order costs so much less.
pub async fn credit(tx: &mut Tx, order_id: Uuid, refund_id: Uuid, amount: Amount, cause: &str) -> Result<(), Error> {
    let reference = credited_by(refund_id);
    let entries = [(Account::Refunds, amount), (Account::Receivable, -amount)];
    let posting =
        Posting { order_id, payment_id: None, kind: Kind::Credited, reference: &reference, cause, entries: &entries };
    post(tx, &posting).await?;
    Ok(())
}

/// How much less an order costs for a refund: nothing where it gave back what was owed anyway, or was begun after the call-off.
pub async fn credited(conn: &mut Conn, refund_id: Uuid) -> db::Result<Amount> {
    store::credited(conn, &credited_by(refund_id)).await
}

fn credited_by(refund_id: Uuid) -> String {
    format!("credited-{refund_id}")
}

/// How often staff corrected what an order costs, and by how much in all; a call-off leaves that as it was.
pub async fn corrections(conn: &mut Conn, order_id: Uuid) -> db::Result<(i64, Amount)> {
    store::corrections(conn, order_id).await
}

/// When an order was called off.
pub async fn called_off_at(conn: &mut Conn, order_id: Uuid) -> db::Result<Option<Moment>> {
    store::posted_at(conn, &cancelled(order_id)).await
}

fn cancelled(order_id: Uuid) -> String {
    format!("cancelled-{order_id}")
}

/// What staff corrects: above zero, the order costs so much more; below, so much less. A call-off turns it back with the rest of the price.
pub async fn correct(tx: &mut Tx, order_id: Uuid, amount: Amount, cause: &str) -> Result<(), Error> {
    let reference = format!("correction-{}", id::sequential());
    let entries = [(Account::Receivable, amount), (Account::Correction, -amount)];
    let posting =
        Posting { order_id, payment_id: None, kind: Kind::Corrected, reference: &reference, cause, entries: &entries };
    post(tx, &posting).await?;
    Ok(())
}

/// Money that no provider saw: above zero the shopper gave it, below it was given to them. Nothing turns that back but money that moves again.
pub async fn move_by_hand(tx: &mut Tx, order_id: Uuid, amount: Amount, cause: &str) -> Result<(), Error> {
    let reference = format!("by-hand-{}", id::sequential());
    let entries = [(Account::ByHand, amount), (Account::Receivable, -amount)];
    let posting =
        Posting { order_id, payment_id: None, kind: Kind::ByHand, reference: &reference, cause, entries: &entries };
    post(tx, &posting).await?;
    Ok(())
}

/// The money of an order.
pub async fn balance(conn: &mut Conn, order_id: Uuid) -> Result<Balance, db::Error> {
    store::balance(conn, order_id).await
}

/// By currency, what a customer paid for their orders and did not get back.
pub async fn spent_by(conn: &mut Conn, customer_id: Uuid) -> Result<Vec<(String, Amount)>, db::Error> {
    store::spent_by(conn, customer_id).await
}

/// The money of a payment.
pub async fn moved(conn: &mut Conn, payment_id: Uuid) -> Result<Moved, db::Error> {
    store::moved(conn, payment_id).await
}

/// Every transaction of an order, in the order of posting.
pub async fn transactions(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Transaction>, db::Error> {
    store::transactions(conn, order_id).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_sums_to_zero() {
        let charge = Charge { sales: 8_40, delivery: 4_12, tax: 2_38 };
        let entries = charge.entries().unwrap();
        assert_eq!(entries[0], (Account::Receivable, 14_90));
        assert_eq!(entries.iter().map(|(_, amount)| amount).sum::<i64>(), 0);
        let too_much = Charge { sales: money::MAX_AMOUNT, delivery: 1, tax: 0 };
        assert!(too_much.entries().is_err());
    }
}
