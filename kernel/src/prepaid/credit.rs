//! Store credit: what the shop owes a customer, to be spent there. In each currency it is an account of its own.

use uuid::Uuid;

use super::gift_cards::after;
use super::{Cause, Entry, Error, NewEntry, store};
use crate::clock;
use crate::money::{Amount, Currency};
use crate::once::Once;
use crate::{Shop, accounts};

/// What a customer has in a currency.
pub async fn credit_of(shop: &Shop, customer_id: Uuid, currency: Currency) -> Result<Amount, Error> {
    let mut conn = shop.db().read().await?;
    Ok(match store::find_credit(&mut conn, customer_id, currency.code()).await? {
        Some(account_id) => store::balance(&mut conn, account_id).await?,
        None => 0,
    })
}

/// Every change of it, the newest first, behind `before`; one more than `limit`.
pub async fn credit_entries(
    shop: &Shop,
    customer_id: Uuid,
    currency: Currency,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Entry>, Error> {
    let mut conn = shop.db().read().await?;
    Ok(match store::find_credit(&mut conn, customer_id, currency.code()).await? {
        Some(id) => store::entries(&mut conn, id, before.unwrap_or(Uuid::max()), i64::from(limit) + 1).await?,
        None => Vec::new(),
    })
}

/// Gives a customer credit, or takes some away: never more than there is. Tells what they have then.
pub async fn post_credit(
    shop: &Shop,
    once: Once,
    customer_id: Uuid,
    currency: Currency,
    amount: Amount,
    reason: &str,
    actor: &str,
) -> Result<Amount, Error> {
    accounts::find_customer(shop, customer_id).await?.ok_or(Error::NotFound)?;
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    let account_id = store::credit_account(&mut tx, customer_id, currency.code(), now).await?;
    store::lock(&mut tx, account_id).await?;
    let before = store::balance(&mut tx, account_id).await?;
    if once.done(&mut tx).await?.is_some() {
        return Ok(before);
    }
    let balance = after(before, amount)?;
    let entry = NewEntry { account_id, cause: Cause::Adjusted, amount, order_id: None, reason, actor };
    store::insert_entry(&mut tx, &entry, now).await?;
    once.keep(&mut tx, account_id).await?;
    tx.commit().await?;
    Ok(balance)
}
