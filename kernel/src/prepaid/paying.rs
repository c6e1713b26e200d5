//! Paying orders with gift cards and store credit, and getting it back.

use uuid::Uuid;

use super::{Cause, Error, Kind, NewEntry, store};
use crate::clock::{self, Moment};
use crate::db::{self, Conn, Tx};
use crate::id;
use crate::ledger::{self, Account, Posting};
use crate::money::{Amount, Currency};

/// What is prepaid of a total, as things stand: a cart shows it, a checkout takes it.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In the order in which they pay.
    pub gift_cards: Vec<Share>,
    /// None where it is not to be used.
    pub store_credit: Option<Share>,
    /// What is left for a payment.
    pub due: Amount,
}

/// An account's part.
#[derive(Debug, Clone)]
pub struct Share {
    pub account_id: Uuid,
    pub kind: Kind,
    /// Of a gift card.
    pub last_four: String,
    pub currency: String,
    pub balance: Amount,
    /// In the currency of the total, and neither switched off nor expired.
    pub usable: bool,
    pub pays: Amount,
}

impl Plan {
    /// Everything is paid otherwise.
    pub fn nothing(total: Amount) -> Self {
        Self { due: total, ..Self::default() }
    }

    /// Those that pay something, in the order in which they are locked.
    fn paying(&self) -> Vec<&Share> {
        let mut paying: Vec<_> =
            self.gift_cards.iter().chain(&self.store_credit).filter(|share| share.pays > 0).collect();
        paying.sort_by_key(|share| share.account_id);
        paying
    }
}

/// What an account paid of an order and has not got back.
#[derive(Debug, Clone)]
pub struct Taken {
    pub account_id: Uuid,
    pub kind: Kind,
    pub amount: Amount,
}

/// An account as a plan sees it.
pub(super) struct Standing {
    pub account_id: Uuid,
    pub last_four: String,
    pub currency: String,
    pub active: bool,
    pub expires_at: Option<Moment>,
    pub balance: Amount,
}

/// What these cards, in their order, and then the customer's credit pay of a total in `currency`. A card in another one pays nothing:
/// there are no rates.
pub async fn plan(
    conn: &mut Conn,
    currency: Currency,
    gift_cards: &[Uuid],
    credit_of: Option<Uuid>,
    total: Amount,
) -> Result<Plan, db::Error> {
    let now = clock::now();
    let mut plan = Plan::nothing(total);
    for id in gift_cards {
        if let Some(standing) = store::standing(conn, *id).await? {
            let share = share(standing, Kind::GiftCard, currency, plan.due, now);
            plan.due -= share.pays;
            plan.gift_cards.push(share);
        }
    }
    if let Some(customer_id) = credit_of {
        let standing = match store::find_credit(conn, customer_id, currency.code()).await? {
            Some(account_id) => store::standing(conn, account_id).await?,
            None => None,
        };
        let nothing = Standing {
            account_id: Uuid::nil(),
            last_four: String::new(),
            currency: currency.code().to_owned(),
            active: true,
            expires_at: None,
            balance: 0,
        };
        let share = share(standing.unwrap_or(nothing), Kind::StoreCredit, currency, plan.due, now);
        plan.due -= share.pays;
        plan.store_credit = Some(share);
    }
    Ok(plan)
}

fn share(standing: Standing, kind: Kind, currency: Currency, due: Amount, now: Moment) -> Share {
    let Standing { account_id, last_four, currency: own, active, expires_at, balance } = standing;
    let usable = own == currency.code() && active && expires_at.is_none_or(|expires_at| now < expires_at);
    let pays = if usable { balance.min(due).max(0) } else { 0 };
    Share { account_id, kind, last_four, currency: own, balance, usable, pays }
}

/// Takes what a plan says, in the transaction that makes the order and after the order was charged. False where an account has
/// not enough any more, or may not pay: nothing of the transaction may stay then.
pub async fn take(tx: &mut Tx, order_id: Uuid, plan: &Plan) -> Result<bool, Error> {
    let now = clock::now();
    let (mut entries, mut sum) = (Vec::new(), 0);
    for share in plan.paying() {
        // Locked first, summed afterwards.
        if !store::lock_usable(tx, share.account_id, now).await?
            || store::balance(tx, share.account_id).await? < share.pays
        {
            return Ok(false);
        }
        let entry = NewEntry {
            account_id: share.account_id,
            cause: Cause::Redeemed,
            amount: -share.pays,
            order_id: Some(order_id),
            reason: "",
            actor: "",
        };
        store::insert_entry(tx, &entry, now).await?;
        entries.push((share.kind.in_ledger(), share.pays));
        sum += share.pays;
    }
    entries.push((Account::Receivable, -sum));
    post(tx, order_id, "paid by gift cards and store credit", &entries).await?;
    Ok(true)
}

/// What the accounts paid of an order and have not got back: gift cards first.
pub async fn taken(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Taken>, db::Error> {
    store::taken(conn, order_id).await
}

/// Gives accounts back what they paid of an order, `amount` in all, in a transaction that holds the order's lock. `taken` says
/// who gets how much; the first of it first.
pub async fn give_back(
    tx: &mut Tx,
    order_id: Uuid,
    taken: &[Taken],
    amount: Amount,
    reason: &str,
    actor: &str,
) -> Result<(), Error> {
    let now = clock::now();
    let (mut entries, mut rest) = (Vec::new(), amount);
    for taken in taken {
        let part = taken.amount.min(rest);
        if part <= 0 {
            continue;
        }
        rest -= part;
        let entry = NewEntry {
            account_id: taken.account_id,
            cause: Cause::Returned,
            amount: part,
            order_id: Some(order_id),
            reason,
            actor,
        };
        store::insert_entry(tx, &entry, now).await?;
        entries.push((taken.kind.in_ledger(), -part));
    }
    entries.push((Account::Receivable, amount - rest));
    post(tx, order_id, reason, &entries).await
}

/// Gives a customer back as store credit what an order was paid with, whatever that was. As [`give_back`] otherwise.
pub async fn grant(
    tx: &mut Tx,
    order_id: Uuid,
    customer_id: Uuid,
    currency: &str,
    amount: Amount,
    reason: &str,
    actor: &str,
) -> Result<(), Error> {
    let now = clock::now();
    let account_id = store::credit_account(tx, customer_id, currency, now).await?;
    let entry = NewEntry { account_id, cause: Cause::Refunded, amount, order_id: Some(order_id), reason, actor };
    store::insert_entry(tx, &entry, now).await?;
    post(tx, order_id, reason, &[(Account::StoreCredit, -amount), (Account::Receivable, amount)]).await
}

async fn post(tx: &mut Tx, order_id: Uuid, cause: &str, entries: &[ledger::Entry]) -> Result<(), Error> {
    let reference = format!("redeemed-{}", id::sequential());
    let kind = ledger::Kind::Redeemed;
    ledger::post(tx, &Posting { order_id, payment_id: None, kind, reference: &reference, cause, entries }).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_pays_what_it_has_and_may() {
        let now = clock::now();
        let card = |active, expires_at, balance| Standing {
            account_id: Uuid::nil(),
            last_four: String::new(),
            currency: "EUR".to_owned(),
            active,
            expires_at,
            balance,
        };
        for (standing, due, pays) in [
            (card(true, None, 500), 2_000, 500),
            (card(true, None, 5_000), 2_000, 2_000),
            (card(true, None, 0), 2_000, 0),
            (card(true, None, 500), 0, 0),
            (card(false, None, 500), 2_000, 0),
            (card(true, Some(now), 500), 2_000, 0),
            (card(true, Some(now + chrono::TimeDelta::seconds(1)), 500), 2_000, 500),
        ] {
            let shown = (standing.active, standing.expires_at, standing.balance, due);
            assert_eq!(share(standing, Kind::GiftCard, Currency::EUR, due, now).pays, pays, "{shown:?}");
        }
        let foreign = Standing { currency: "USD".to_owned(), ..card(true, None, 500) };
        let share = share(foreign, Kind::GiftCard, Currency::EUR, 2_000, now);
        assert_eq!((share.usable, share.pays), (false, 0));
    }
}
