//! Gift cards for the merchant.

use uuid::Uuid;

use super::{Cause, Code, Entry, Error, NewEntry, store};
use crate::clock::{self, Moment};
use crate::money::{self, Amount, Currency};
use crate::once::Once;
use crate::{Shop, id};

/// A gift card. Its code is known to its holder only.
#[derive(Debug, Clone)]
pub struct GiftCard {
    pub id: Uuid,
    pub last_four: String,
    pub currency: String,
    /// The sum of its entries.
    pub balance: Amount,
    /// Switched off, it pays nothing.
    pub active: bool,
    /// The first moment at which it pays nothing any more.
    pub expires_at: Option<Moment>,
    pub note: String,
    pub created_by: String,
    pub version: i64,
    pub created_at: Moment,
    pub updated_at: Moment,
}

impl GiftCard {
    /// May it pay?
    pub fn is_usable(&self, now: Moment) -> bool {
        self.active && self.expires_at.is_none_or(|expires_at| now < expires_at)
    }
}

/// A gift card to be made.
#[derive(Debug, Clone)]
pub struct NewGiftCard {
    /// One of another shop's cards; a random one where there is none.
    pub code: Option<Code>,
    pub amount: Amount,
    /// It pays in this one alone.
    pub currency: Currency,
    pub expires_at: Option<Moment>,
    pub note: String,
}

/// What is to change of a gift card.
#[derive(Debug, Clone, Default)]
pub struct Patch {
    pub active: Option<bool>,
    /// `Some(None)`: it never expires.
    pub expires_at: Option<Option<Moment>>,
    pub note: Option<String>,
}

/// Makes a gift card. The code is told here and never again.
pub async fn issue(shop: &Shop, new: NewGiftCard, actor: &str) -> Result<(GiftCard, Code), Error> {
    let code = new.code.unwrap_or_else(Code::random);
    let now = clock::now();
    let card = GiftCard {
        id: id::sequential(),
        last_four: code.last_four(),
        currency: new.currency.code().to_owned(),
        balance: new.amount,
        active: true,
        expires_at: new.expires_at,
        note: new.note,
        created_by: actor.to_owned(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let mut tx = shop.db().write().await?;
    if !store::insert_gift_card(&mut tx, &card, &code.hash()).await? {
        return Err(Error::CodeTaken);
    }
    let entry = NewEntry {
        account_id: card.id,
        cause: Cause::Issued,
        amount: new.amount,
        order_id: None,
        reason: &card.note,
        actor,
    };
    store::insert_entry(&mut tx, &entry, now).await?;
    tx.commit().await?;
    Ok((card, code))
}

pub async fn get(shop: &Shop, id: Uuid) -> Result<GiftCard, Error> {
    store::find_gift_card(&mut shop.db().read().await?, id).await?.ok_or(Error::NotFound)
}

/// The newest first, behind `before`, those that end in `last_four` or all; one more than `limit`.
pub async fn list(
    shop: &Shop,
    last_four: Option<&str>,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<GiftCard>, Error> {
    let mut conn = shop.db().read().await?;
    let (before, limit) = (before.unwrap_or(Uuid::max()), i64::from(limit) + 1);
    Ok(match last_four {
        Some(last_four) => store::gift_cards_ending_in(&mut conn, last_four, before, limit).await?,
        None => store::gift_cards(&mut conn, before, limit).await?,
    })
}

/// The card with this code.
pub async fn find_by_code(shop: &Shop, code: &Code) -> Result<Option<GiftCard>, Error> {
    Ok(store::find_by_hash(&mut shop.db().read().await?, &code.hash()).await?)
}

/// Changes a card; where `expected` is some, only if that is its version.
pub async fn patch(shop: &Shop, id: Uuid, patch: Patch, expected: Option<i64>) -> Result<GiftCard, Error> {
    let mut tx = shop.db().write().await?;
    store::count_version(&mut tx, id, clock::now()).await?;
    let mut card = store::find_gift_card(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let current = card.version - 1;
    if expected.is_some_and(|expected| expected != current) {
        return Err(Error::VersionMismatch { current });
    }
    card.active = patch.active.unwrap_or(card.active);
    card.expires_at = patch.expires_at.unwrap_or(card.expires_at);
    card.note = patch.note.unwrap_or(card.note);
    store::update_gift_card(&mut tx, &card).await?;
    tx.commit().await?;
    Ok(card)
}

/// Puts the balance right: above zero it has so much more, below so much less, but never less than nothing.
pub async fn adjust(
    shop: &Shop,
    once: Once,
    id: Uuid,
    amount: Amount,
    reason: &str,
    actor: &str,
) -> Result<GiftCard, Error> {
    let mut tx = shop.db().write().await?;
    store::lock(&mut tx, id).await?;
    let mut card = store::find_gift_card(&mut tx, id).await?.ok_or(Error::NotFound)?;
    if once.done(&mut tx).await?.is_some() {
        return Ok(card);
    }
    card.balance = after(card.balance, amount)?;
    let entry = NewEntry { account_id: id, cause: Cause::Adjusted, amount, order_id: None, reason, actor };
    store::insert_entry(&mut tx, &entry, clock::now()).await?;
    once.keep(&mut tx, id).await?;
    tx.commit().await?;
    Ok(card)
}

/// Every change of the balance, the newest first, behind `before`; one more than `limit`.
pub async fn list_entries(shop: &Shop, id: Uuid, before: Option<Uuid>, limit: u32) -> Result<Vec<Entry>, Error> {
    let mut conn = shop.db().read().await?;
    store::find_gift_card(&mut conn, id).await?.ok_or(Error::NotFound)?;
    Ok(store::entries(&mut conn, id, before.unwrap_or(Uuid::max()), i64::from(limit) + 1).await?)
}

/// What a balance is after a change by staff.
pub(super) fn after(balance: Amount, amount: Amount) -> Result<Amount, Error> {
    match money::sum([balance, amount]) {
        Ok(after) if after < 0 => Err(Error::Exceeded { available: balance }),
        Ok(after) => Ok(after),
        Err(_) => Err(Error::TooMuch),
    }
}
