//! Drafts: orders that staff makes, for a shopper on the telephone or at the counter.
//!
//! A draft holds what was said, and no prices but those that staff gave; it is priced at every look, like a cart. Completed, it becomes
//! an order: paid by hand, or waiting to be paid by whoever it is for.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::basket::{Basket, Piece, Priced};
use super::by_hand::{self, ByHand};
use super::placing::{self, Made};
use super::{Details, Error, Order, StateError, Status, store};
use crate::address::Address;
use crate::carts::change::VariantRef;
use crate::carts::{self, Contents, DeliveryExplained, PriceExplained};
use crate::catalog::{self, SellableVariant};
use crate::clock::{self, Moment};
use crate::coupons::Buyer;
use crate::money::{Amount, Currency};
use crate::plugins::OptionId;
use crate::prices::PriceContext;
use crate::{Shop, accounts, audit, http, id, ledger};

/// A draft as it is stored.
#[derive(Debug, Clone)]
pub struct Draft {
    pub id: Uuid,
    pub wishes: Wishes,
    /// Who made it.
    pub actor: String,
    /// The order that it became.
    pub order_id: Option<Uuid>,
    pub version: i64,
    pub created_at: Moment,
    pub updated_at: Moment,
}

/// What the order is to be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Wishes {
    pub customer_id: Option<Uuid>,
    /// ISO 4217, fixed when the draft is made: prices that staff gave are in it.
    pub currency: String,
    pub locale: String,
    pub email: Option<String>,
    pub address: Option<Address>,
    pub billing_address: Option<Address>,
    pub delivery_option: Option<String>,
    pub coupons: Vec<String>,
    /// For the shop's own records.
    pub note: String,
    pub lines: Vec<DraftLine>,
}

/// So many of a variant, perhaps at a price of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DraftLine {
    pub variant_id: Uuid,
    pub sku: String,
    pub title: String,
    pub quantity: u32,
    /// Of one piece, instead of the catalog's.
    pub unit_price: Option<Amount>,
    /// Why it costs that.
    pub price_reason: String,
}

/// A line as staff asks for it.
#[derive(Debug, Clone)]
pub struct WantedLine {
    pub variant: VariantRef,
    pub quantity: u32,
    pub unit_price: Option<Amount>,
    pub price_reason: String,
}

/// A draft with what it comes to now.
#[derive(Debug)]
pub struct Shown {
    pub draft: Draft,
    /// What it lacks to become an order, by the names of the fields.
    pub missing: Vec<&'static str>,
    /// The order that it would be; none while something is missing.
    pub order: Option<Details>,
}

/// Behind which draft a page begins.
pub type Key = (Moment, Uuid);

/// Resolves the lines that staff names.
pub async fn lines_of(shop: &Shop, wanted: Vec<WantedLine>) -> Result<Vec<DraftLine>, Error> {
    let mut conn = shop.db().read().await?;
    // Which variant it is; what it costs is asked at each look.
    let context = PriceContext::of_guest(shop);
    let mut lines = Vec::with_capacity(wanted.len());
    for (index, line) in wanted.into_iter().enumerate() {
        let found = match &line.variant {
            VariantRef::Id(id) => catalog::find_variant(&mut conn, &context, *id).await?,
            VariantRef::Sku(sku) => catalog::find_variant_by_sku(&mut conn, &context, sku).await?,
        };
        let variant = found.filter(|variant| variant.sellable).ok_or(Error::UnknownDraftVariant(index))?;
        lines.push(DraftLine {
            variant_id: variant.id,
            sku: variant.sku,
            title: variant.title,
            quantity: line.quantity,
            unit_price: line.unit_price,
            price_reason: line.price_reason,
        });
    }
    Ok(lines)
}

/// Makes a draft.
pub async fn create(shop: &Shop, mut wishes: Wishes, actor: &str) -> Result<Shown, Error> {
    require_customer(shop, &wishes).await?;
    entitle(shop, &mut wishes).await?;
    let now = clock::now();
    let draft = Draft {
        id: id::unguessable(),
        wishes,
        actor: actor.to_owned(),
        order_id: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let mut tx = shop.db().write().await?;
    store::drafts::insert(&mut tx, &draft).await?;
    tx.commit().await?;
    show(shop, draft).await
}

/// The draft, priced now.
pub async fn get(shop: &Shop, id: Uuid) -> Result<Shown, Error> {
    let draft = store::drafts::find(&mut shop.db().read().await?, id).await?.ok_or(Error::NotFound)?;
    show(shop, draft).await
}

/// Drafts, the newest first; one more than `limit`, to know whether there are more.
pub async fn list(shop: &Shop, before: Option<Key>, limit: u32) -> Result<Vec<Draft>, Error> {
    let (moment, id) = before.unwrap_or((chrono::DateTime::<chrono::Utc>::MAX_UTC, Uuid::max()));
    // Both databases compare this text or time with real moments alike.
    let moment = moment.min(clock::now() + chrono::TimeDelta::days(3_650));
    Ok(store::drafts::list(&mut shop.db().read().await?, moment, id, i64::from(limit) + 1).await?)
}

/// Changes an open draft: `change` gets its wishes as they are.
pub async fn change(
    shop: &Shop,
    id: Uuid,
    expected_version: Option<i64>,
    change: impl FnOnce(&mut Wishes),
) -> Result<Shown, Error> {
    let mut draft = store::drafts::find(&mut shop.db().read().await?, id).await?.ok_or(Error::NotFound)?;
    require_open(&draft, expected_version)?;
    change(&mut draft.wishes);
    require_customer(shop, &draft.wishes).await?;
    entitle(shop, &mut draft.wishes).await?;
    draft.updated_at = clock::now();
    let mut tx = shop.db().write().await?;
    if !store::drafts::update(&mut tx, &draft).await? {
        return Err(StateError::Contended.into());
    }
    tx.commit().await?;
    draft.version += 1;
    show(shop, draft).await
}

/// Throws an open draft away.
pub async fn delete(shop: &Shop, id: Uuid) -> Result<(), Error> {
    let draft = store::drafts::find(&mut shop.db().read().await?, id).await?.ok_or(Error::NotFound)?;
    require_open(&draft, None)?;
    let mut tx = shop.db().write().await?;
    if !store::drafts::delete(&mut tx, draft.id, draft.version).await? {
        return Err(StateError::Contended.into());
    }
    // Whoever it was for could not be found in them any more.
    audit::forget_subject(&mut tx, &draft.id.to_string()).await?;
    http::idempotency::forget_subject(&mut tx, draft.id).await?;
    Ok(tx.commit().await?)
}

/// The ways to deliver it, in its currency, and why there are no others; none before there is an address.
pub async fn delivery_options(shop: &Shop, id: Uuid) -> Result<(Currency, DeliveryExplained), Error> {
    let contents = contents(shop, id).await?;
    Ok((contents.cart.currency, carts::explain(shop, &contents).await?))
}

/// What it costs now, and how that comes about.
pub async fn explain_price(shop: &Shop, id: Uuid) -> Result<PriceExplained, Error> {
    Ok(carts::explain_price(shop, &contents(shop, id).await?).await?)
}

/// The cart that it would be, without what is missing.
async fn contents(shop: &Shop, id: Uuid) -> Result<Contents, Error> {
    let draft = store::drafts::find(&mut shop.db().read().await?, id).await?.ok_or(Error::NotFound)?;
    let mut contents = basket(shop, &draft.wishes).await?.contents(shop).await?;
    contents.cart.delivery = chosen(&draft.wishes);
    contents.cart.address = draft.wishes.address;
    Ok(contents)
}

fn chosen(wishes: &Wishes) -> Option<OptionId> {
    wishes.delivery_option.as_deref().and_then(|id| id.parse().ok())
}

/// Makes the order, if it costs `expected_total`: paid by hand, or to be paid.
pub async fn complete(
    shop: &Shop,
    id: Uuid,
    expected_total: Amount,
    paid: Option<ByHand>,
    actor: String,
) -> Result<Details, Error> {
    let work = {
        let shop = shop.clone();
        async move {
            let order = complete_to_end(&shop, id, expected_total, paid.as_ref(), &actor).await?;
            shop.relay().wake();
            super::get_any(&shop, order.id).await
        }
    };
    shop.run_to_end(work).await?
}

async fn complete_to_end(
    shop: &Shop,
    id: Uuid,
    expected_total: Amount,
    paid: Option<&ByHand>,
    actor: &str,
) -> Result<Order, Error> {
    let draft = store::drafts::find(&mut shop.db().read().await?, id).await?.ok_or(Error::NotFound)?;
    require_open(&draft, None)?;
    let missing = missing(&draft.wishes);
    if !missing.is_empty() {
        return Err(carts::Error::Incomplete(missing).into());
    }
    let basket = basket(shop, &draft.wishes).await?;
    let priced = basket.price(shop).await?;
    if priced.totals.total != expected_total {
        return Err(Error::StaleDraft(Box::new(shown(draft, &basket, priced))));
    }
    let mut order = new_order(&draft, &basket, &priced);
    let buyer = Buyer::of(basket.customer_id, Some(&basket.email));
    let Priced { lines, adjustments, receipts, redeems, .. } = priced;
    let made = Made { lines, adjustments, receipts, redeems, buyer };
    let mut tx = shop.db().write().await?;
    if !store::drafts::close(&mut tx, draft.id, draft.version, order.id, clock::now()).await? {
        return Err(StateError::Contended.into());
    }
    placing::insert(shop, &mut tx, &mut order, &made, "made by the shop").await?;
    if let Some(how) = paid {
        by_hand::post(&mut tx, order.id, order.total, how, actor).await?;
    }
    if paid.is_some() || order.total == 0 {
        let cause = if paid.is_some() { by_hand::PAID } else { "nothing to pay" };
        super::mark_paid(&mut tx, order.id, cause).await?;
    }
    tx.commit().await?;
    Ok(order)
}

fn require_open(draft: &Draft, expected_version: Option<i64>) -> Result<(), Error> {
    if let Some(order_id) = draft.order_id {
        return Err(carts::Error::Closed(order_id).into());
    }
    match expected_version {
        Some(expected) if expected != draft.version => Err(Error::DraftChanged { current: draft.version }),
        _ => Ok(()),
    }
}

async fn require_customer(shop: &Shop, wishes: &Wishes) -> Result<(), Error> {
    let Some(customer_id) = wishes.customer_id else { return Ok(()) };
    let found = accounts::find_customer(shop, customer_id).await.map_err(Error::Accounts)?;
    found.map(drop).ok_or(Error::UnknownCustomer)
}

/// Lines are called as the catalog calls them in the language of the draft.
async fn entitle(shop: &Shop, wishes: &mut Wishes) -> Result<(), Error> {
    let ids: Vec<_> = wishes.lines.iter().map(|line| line.variant_id).collect();
    let mut conn = shop.db().read().await?;
    let titles = catalog::variant_titles(shop, &mut conn, &wishes.locale, &ids).await?;
    for line in &mut wishes.lines {
        if let Some(title) = titles.get(&line.variant_id) {
            line.title.clone_from(title);
        }
    }
    Ok(())
}

fn missing(wishes: &Wishes) -> Vec<&'static str> {
    let lacks = [
        ("lines", wishes.lines.is_empty()),
        ("email", wishes.email.is_none()),
        ("address", wishes.address.is_none()),
        ("delivery_option", wishes.delivery_option.is_none()),
    ];
    lacks.into_iter().filter(|(_, lacks)| *lacks).map(|(name, _)| name).collect()
}

async fn show(shop: &Shop, draft: Draft) -> Result<Shown, Error> {
    let missing = missing(&draft.wishes);
    if draft.order_id.is_some() || !missing.is_empty() {
        return Ok(Shown { draft, missing, order: None });
    }
    let basket = match basket(shop, &draft.wishes).await {
        // Staff can give it one.
        Err(Error::Cart(carts::Error::PriceMissing(_))) => {
            return Ok(Shown { draft, missing: vec!["unit_price"], order: None });
        }
        basket => basket?,
    };
    match basket.price(shop).await {
        Ok(priced) => Ok(shown(draft, &basket, priced)),
        // It is not offered for this address and these goods any more: to be chosen again.
        Err(Error::Cart(carts::Error::DeliveryUnavailable)) => {
            Ok(Shown { draft, missing: vec!["delivery_option"], order: None })
        }
        Err(error) => Err(error),
    }
}

fn shown(draft: Draft, basket: &Basket, priced: Priced) -> Shown {
    let order = new_order(&draft, basket, &priced);
    let amounts = ledger::Balance { total: order.total, outstanding: order.total, ..ledger::Balance::default() };
    let details = Details {
        lines: priced.lines,
        adjustments: priced.adjustments,
        history: Vec::new(),
        priced_by: Vec::new(),
        payments: Vec::new(),
        amounts,
        shipments: Vec::new(),
        pieces: Vec::new(),
        order,
    };
    Shown { draft, missing: Vec::new(), order: Some(details) }
}

/// Without what is missing: to be asked for first.
async fn basket(shop: &Shop, wishes: &Wishes) -> Result<Basket, Error> {
    let currency = Currency::try_from(wishes.currency.clone())?;
    let mut conn = shop.db().read().await?;
    let context = PriceContext::of_customer(shop, &mut conn, currency, wishes.customer_id).await?;
    let mut pieces = Vec::with_capacity(wishes.lines.len());
    for line in &wishes.lines {
        let found =
            catalog::find_variant(&mut conn, &context, line.variant_id).await?.filter(|variant| variant.sellable);
        let variant: SellableVariant = found.ok_or(carts::Error::UnknownVariant)?;
        pieces.push(Piece::of(variant, line.quantity, line.unit_price)?);
    }
    let ids: Vec<_> = pieces.iter().map(|piece| piece.variant_id).collect();
    let titles = catalog::variant_titles(shop, &mut conn, &wishes.locale, &ids).await?;
    for piece in &mut pieces {
        if let Some(title) = titles.get(&piece.variant_id) {
            piece.title.clone_from(title);
        }
    }
    Ok(Basket {
        customer_id: wishes.customer_id,
        currency,
        locale: wishes.locale.clone(),
        email: wishes.email.clone().unwrap_or_default(),
        address: wishes.address.clone().unwrap_or_default(),
        billing_address: wishes.billing_address.clone(),
        coupons: wishes.coupons.clone(),
        order_id: None,
        delivery: chosen(wishes).unwrap_or_else(|| OptionId { plugin: String::new(), code: String::new() }),
        attributes: carts::Attributes::new(),
        pieces,
    })
}

fn new_order(draft: &Draft, basket: &Basket, priced: &Priced) -> Order {
    let now = clock::now();
    let totals = &priced.totals;
    Order {
        id: id::unguessable(),
        number: 0,
        // There is no cart that could be opened again.
        cart_id: draft.id,
        customer_id: basket.customer_id,
        status: Status::New,
        currency: basket.currency.code().to_owned(),
        locale: basket.locale.clone(),
        email: basket.email.clone(),
        address: basket.address.clone(),
        billing_address: basket.billing_address.clone(),
        delivery: priced.delivery.clone(),
        note: String::new(),
        attributes: basket.attributes.clone(),
        goods_total: totals.goods,
        discount_total: totals.discounts,
        fee_total: totals.fees,
        delivery_total: totals.delivery,
        tax_total: totals.taxes_added,
        tax_included_total: totals.taxes_included,
        total: totals.total,
        revision: 1,
        version: 1,
        placed_at: now,
        updated_at: now,
    }
}
