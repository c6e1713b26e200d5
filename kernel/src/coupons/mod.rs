//! Coupons that are counted.
//!
//! The kernel owns what must be counted: when a code is valid, how often it may be redeemed in all and by one buyer. What it
//! is worth is the pricing plugin's affair, under the same code. A code that the kernel does not know goes to the plugin
//! uncounted; one that it knows and that is not valid now does not go there at all.
//!
//! A cart only looks ([`judge`]). A code is redeemed by guarded updates in the transaction that makes the order, or the one that edits it
//! ([`redeem`]), and given back in the one that cancels it ([`give_back`]).
//!
//! Locks: a coupon's row holds its number and what each buyer redeemed. Several are taken in the order of their ids, after the stock.

pub mod http;
mod store;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::accounts::Email;
use crate::clock::{self, Moment};
use crate::db::{self, Conn, Tx};
use crate::{Shop, id};

/// A code that the shop counts.
#[derive(Debug, Clone)]
pub struct Coupon {
    pub id: Uuid,
    /// As the merchant wrote it; shoppers type it in any case.
    pub code: String,
    pub terms: Terms,
    /// Redemptions that were not given back.
    pub redeemed: i64,
    pub version: i64,
    pub created_at: Moment,
    pub updated_at: Moment,
}

/// When a coupon is good, and how often.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// For the shop's own records.
    pub description: String,
    pub active: bool,
    pub starts_at: Option<Moment>,
    /// The first moment at which it is not valid any more.
    pub ends_at: Option<Moment>,
    /// None: as often as it is wanted.
    pub limit_total: Option<i64>,
    pub limit_per_customer: Option<i64>,
}

/// What is to change of a coupon.
#[derive(Debug, Clone, Default)]
pub struct Patch {
    pub description: Option<String>,
    pub active: Option<bool>,
    /// `Some(None)` takes it away, as with the others.
    pub starts_at: Option<Option<Moment>>,
    pub ends_at: Option<Option<Moment>>,
    pub limit_total: Option<Option<i64>>,
    pub limit_per_customer: Option<Option<i64>>,
}

/// An order that redeemed a coupon.
#[derive(Debug, Clone)]
pub struct Redemption {
    pub id: Uuid,
    /// Not the order's id, which for a guest is the right to see it.
    pub order_number: i64,
    pub redeemed_at: Moment,
    /// When the order came to nothing.
    pub returned_at: Option<Moment>,
}

/// Why a code that the shop knows is not good now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Switched off.
    Inactive,
    NotStarted,
    Expired,
    UsedUp,
    /// By this buyer, as often as one may.
    UsedBefore,
}

impl Refusal {
    pub fn name(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::NotStarted => "not-started",
            Self::Expired => "expired",
            Self::UsedUp => "used-up",
            Self::UsedBefore => "used-before",
        }
    }
}

/// A code of a cart that the shop knows.
#[derive(Debug, Clone)]
pub struct Judged {
    pub coupon_id: Uuid,
    /// As the shopper typed it.
    pub code: String,
    pub refusal: Option<Refusal>,
}

/// Who redeems: what the limit for one customer counts by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buyer(String);

impl Buyer {
    /// The account or, of a guest, the e-mail address, of which only a digest is kept; none while neither is known.
    pub fn of(customer_id: Option<Uuid>, email: Option<&str>) -> Option<Self> {
        match (customer_id, email) {
            (Some(id), _) => Some(Self(id.to_string())),
            (None, Some(email)) => {
                let digest = digest(&SHA256, Email::key_of(email).as_bytes());
                Some(Self(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()))
            }
            (None, None) => None,
        }
    }
}

/// Why something about coupons cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such coupon")]
    NotFound,
    #[error("there is a coupon with this code")]
    CodeTaken,
    #[error("it ends before it starts")]
    EndsBeforeStart,
    #[error("the coupon has changed: its version is {current}")]
    VersionMismatch { current: i64 },
    #[error(transparent)]
    Database(#[from] db::Error),
}

pub async fn create(shop: &Shop, code: &str, terms: Terms) -> Result<Coupon, Error> {
    terms.check()?;
    let now = clock::now();
    let coupon = Coupon {
        id: id::sequential(),
        code: code.to_owned(),
        terms,
        redeemed: 0,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let mut tx = shop.db().write().await?;
    if !store::insert(&mut tx, &coupon, &folded(code)).await? {
        return Err(Error::CodeTaken);
    }
    tx.commit().await?;
    Ok(coupon)
}

pub async fn get(shop: &Shop, id: Uuid) -> Result<Coupon, Error> {
    store::find(&mut shop.db().read().await?, id).await?.ok_or(Error::NotFound)
}

/// The newest first, behind `before`; one more than `limit`, to know whether there are more.
pub async fn list(shop: &Shop, before: Option<Uuid>, limit: u32) -> Result<Vec<Coupon>, Error> {
    let before = before.unwrap_or(Uuid::max());
    Ok(store::list(&mut shop.db().read().await?, before, i64::from(limit) + 1).await?)
}

/// The coupon with this code, in whatever case.
pub async fn find_by_code(shop: &Shop, code: &str) -> Result<Option<Coupon>, Error> {
    Ok(store::find_by_key(&mut shop.db().read().await?, &folded(code)).await?)
}

/// Changes a coupon; where `expected` is some, only if that is its version. A limit below what was redeemed means used up.
pub async fn patch(shop: &Shop, id: Uuid, patch: Patch, expected: Option<i64>) -> Result<Coupon, Error> {
    let mut tx = shop.db().write().await?;
    let mut coupon = store::lock(&mut tx, id, clock::now()).await?.ok_or(Error::NotFound)?;
    expect(&coupon, expected)?;
    let terms = &mut coupon.terms;
    if let Some(description) = patch.description {
        terms.description = description;
    }
    terms.active = patch.active.unwrap_or(terms.active);
    terms.starts_at = patch.starts_at.unwrap_or(terms.starts_at);
    terms.ends_at = patch.ends_at.unwrap_or(terms.ends_at);
    terms.limit_total = patch.limit_total.unwrap_or(terms.limit_total);
    terms.limit_per_customer = patch.limit_per_customer.unwrap_or(terms.limit_per_customer);
    terms.check()?;
    store::update(&mut tx, &coupon).await?;
    tx.commit().await?;
    Ok(coupon)
}

/// Forgets a coupon and what was redeemed of it. Orders keep their discounts.
pub async fn delete(shop: &Shop, id: Uuid, expected: Option<i64>) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    let coupon = store::lock(&mut tx, id, clock::now()).await?.ok_or(Error::NotFound)?;
    expect(&coupon, expected)?;
    store::delete(&mut tx, id).await?;
    Ok(tx.commit().await?)
}

/// The row was locked by counting its version up.
fn expect(coupon: &Coupon, expected: Option<i64>) -> Result<(), Error> {
    let current = coupon.version - 1;
    match expected.is_none_or(|expected| expected == current) {
        true => Ok(()),
        false => Err(Error::VersionMismatch { current }),
    }
}

/// Who redeemed it, the newest first, behind `before`; one more than `limit`.
pub async fn redemptions(shop: &Shop, id: Uuid, before: Option<Uuid>, limit: u32) -> Result<Vec<Redemption>, Error> {
    let mut conn = shop.db().read().await?;
    store::find(&mut conn, id).await?.ok_or(Error::NotFound)?;
    Ok(store::redemptions(&mut conn, id, before.unwrap_or(Uuid::max()), i64::from(limit) + 1).await?)
}

/// Which of these codes the shop knows, and what is to be said against each now: nothing, if `order_id` holds it.
pub async fn judge(
    conn: &mut Conn,
    codes: &[String],
    buyer: Option<&Buyer>,
    order_id: Option<Uuid>,
) -> Result<Vec<Judged>, db::Error> {
    let now = clock::now();
    let held = match order_id {
        Some(order_id) => store::redeemed_by(conn, order_id).await?,
        None => Vec::new(),
    };
    let mut judged = Vec::new();
    for code in codes {
        let Some(coupon) = store::find_by_key(conn, &folded(code)).await? else { continue };
        if held.contains(&coupon.id) {
            judged.push(Judged { coupon_id: coupon.id, code: code.clone(), refusal: None });
            continue;
        }
        let mut refusal = coupon.refusal(now);
        if let (None, Some(limit), Some(buyer)) = (refusal, coupon.terms.limit_per_customer, buyer)
            && store::count_of_buyer(conn, coupon.id, &buyer.0).await? >= limit
        {
            refusal = Some(Refusal::UsedBefore);
        }
        judged.push(Judged { coupon_id: coupon.id, code: code.clone(), refusal });
    }
    Ok(judged)
}

/// Counts coupons for an order, in the transaction that makes or edits it; those that it holds already stay counted once. False where
/// one of them is not good any more: nothing of the transaction may stay then.
pub async fn redeem(tx: &mut Tx, order_id: Uuid, coupon_ids: &[Uuid], buyer: &Buyer) -> Result<bool, db::Error> {
    if coupon_ids.is_empty() {
        return Ok(true);
    }
    let now = clock::now();
    let held = store::redeemed_by(tx, order_id).await?;
    let mut ids = coupon_ids.to_vec();
    ids.retain(|id| !held.contains(id));
    ids.sort_unstable();
    // Typed twice, it is one coupon.
    ids.dedup();
    for coupon_id in ids {
        let Some(limit) = store::count_up(tx, coupon_id, now).await? else { return Ok(false) };
        // The coupon's row is locked by now: nobody else of this buyer is between these two.
        if let Some(limit) = limit
            && store::count_of_buyer(tx, coupon_id, &buyer.0).await? >= limit
        {
            return Ok(false);
        }
        store::insert_redemption(tx, id::sequential(), coupon_id, order_id, &buyer.0, now).await?;
    }
    Ok(true)
}

/// Gives back what an order redeemed, in the transaction that cancels it and holds its lock. A second time it does nothing.
pub async fn give_back(tx: &mut Tx, order_id: Uuid) -> Result<(), db::Error> {
    let now = clock::now();
    for coupon_id in store::redeemed_by(tx, order_id).await? {
        // The coupon first: whoever deletes it goes from there to its redemptions, too.
        store::count_down(tx, coupon_id).await?;
        store::return_redemption(tx, coupon_id, order_id, now).await?;
    }
    Ok(())
}

/// A code as it is compared: as pricing-standard does.
fn folded(code: &str) -> String {
    code.trim().to_lowercase()
}

impl Coupon {
    fn refusal(&self, now: Moment) -> Option<Refusal> {
        let terms = &self.terms;
        if !terms.active {
            Some(Refusal::Inactive)
        } else if terms.starts_at.is_some_and(|starts_at| now < starts_at) {
            Some(Refusal::NotStarted)
        } else if terms.ends_at.is_some_and(|ends_at| now >= ends_at) {
            Some(Refusal::Expired)
        } else if terms.limit_total.is_some_and(|limit| self.redeemed >= limit) {
            Some(Refusal::UsedUp)
        } else {
            None
        }
    }
}

impl Terms {
    fn check(&self) -> Result<(), Error> {
        match (self.starts_at, self.ends_at) {
            (Some(starts_at), Some(ends_at)) if ends_at <= starts_at => Err(Error::EndsBeforeStart),
            _ => Ok(()),
        }
    }
}

/// The coupons that were redeemed for these orders.
pub async fn export(conn: &mut Conn, order_ids: &[Uuid]) -> Result<Vec<Value>, db::Error> {
    let mut exported = Vec::new();
    for order_id in order_ids {
        for (code, redeemed_at, returned_at) in store::redeemed_for(conn, *order_id).await? {
            exported.push(json!({
                "order_id": order_id,
                "code": code,
                "redeemed_at": redeemed_at,
                "returned_at": returned_at,
            }));
        }
    }
    Ok(exported)
}

/// Forgets who redeemed coupons for these orders: of a guest there is a hash of the address, which can be guessed.
pub async fn forget_buyers(tx: &mut Tx, order_ids: &[Uuid]) -> Result<(), db::Error> {
    for order_id in order_ids {
        store::forget_buyer(tx, *order_id).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_coupon_is_good_between_its_moments_and_below_its_limit() {
        let now = clock::now();
        let second = TimeDelta::seconds(1);
        let good = || Terms { active: true, limit_total: Some(3), ..Terms::default() };
        for (terms, redeemed, expected) in [
            (good(), 2, None),
            (good(), 3, Some(Refusal::UsedUp)),
            (Terms { limit_total: None, ..good() }, 1_000_000, None),
            (Terms { active: false, ..good() }, 0, Some(Refusal::Inactive)),
            (Terms { starts_at: Some(now), ..good() }, 0, None),
            (Terms { starts_at: Some(now + second), ..good() }, 0, Some(Refusal::NotStarted)),
            (Terms { ends_at: Some(now + second), ..good() }, 0, None),
            (Terms { ends_at: Some(now), ..good() }, 0, Some(Refusal::Expired)),
        ] {
            let shown = format!("{terms:?} {redeemed}");
            let (id, code) = (Uuid::nil(), String::new());
            let coupon = Coupon { id, code, terms, redeemed, version: 1, created_at: now, updated_at: now };
            assert_eq!(coupon.refusal(now), expected, "{shown}");
        }
    }

    #[test]
    fn a_buyer_is_the_account_or_the_folded_address() {
        let guest = |email| Buyer::of(None, Some(email)).expect("an address");
        assert_eq!(guest("Ada@Example.org "), guest("ada@example.org"));
        assert_ne!(guest("ada@example.org"), guest("eve@example.org"));
        assert!(!guest("ada@example.org").0.contains("ada"), "only a digest is kept");
        let account = Some(Uuid::from_u128(7));
        assert_eq!(Buyer::of(account, Some("ada@example.org")), Buyer::of(account, None));
        assert_eq!(Buyer::of(None, None), None);
    }
}
