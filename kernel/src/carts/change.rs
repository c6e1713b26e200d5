//! Changing a cart: applied in memory, checked, priced, and only then written.

use chrono::TimeDelta;
use uuid::Uuid;

use super::line::{Attributes, Line, Promise};
use super::{Cart, Contents, DeliveryState, Error, Quoted, expiry, get, quote, store};
use crate::address::Address;
use crate::catalog::{self, SellableVariant};
use crate::clock::{self, Moment};
use crate::db::Tx;
use crate::money::Amount;
use crate::plugins::OptionId;
use crate::{Shop, id};

/// One change of a cart.
#[derive(Debug, Clone)]
pub enum Change {
    /// More of a variant; it joins the line that the cart has of it with the same attributes.
    AddLine {
        variant: VariantRef,
        quantity: u32,
        /// None leaves that of the line that it joins.
        note: Option<String>,
        attributes: Attributes,
    },
    /// What is none stays as it is.
    ChangeLine {
        line_id: Uuid,
        quantity: Option<u32>,
        note: Option<String>,
    },
    RemoveLine {
        line_id: Uuid,
    },
    SetCoupons(Vec<String>),
    SetGiftCards(Vec<Uuid>),
    SetStoreCredit(bool),
    SetAddress(Address),
    SetBillingAddress(Option<Address>),
    SetEmail(String),
    SetDelivery(OptionId),
    /// What is none stays as it is.
    SetWords {
        note: Option<String>,
        attributes: Option<Attributes>,
    },
}

/// How a request names a variant.
#[derive(Debug, Clone)]
pub enum VariantRef {
    Id(Uuid),
    Sku(String),
}

/// What must be written besides the cart's own row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LineWrite<'a> {
    Insert(&'a Line),
    /// All but what makes it the line that it is.
    Update(&'a Line),
    Delete(Uuid),
}

/// Someone else's change at the same moment makes us read again; more often than this in a row is not a shopper.
pub(super) const ATTEMPTS: usize = 8;

/// Applies `change` to the cart, and answers it priced.
pub async fn change(
    shop: &Shop,
    cart_id: Uuid,
    caller: Option<Uuid>,
    change: &Change,
) -> Result<(Contents, Quoted), Error> {
    for _ in 0..ATTEMPTS {
        let before = get(shop, cart_id, caller).await?;
        before.cart.require_open()?;
        let mut after = before.clone();
        apply(shop, &mut after, change).await?;
        if let Some(quoted) = write(shop, &before, &mut after, Some(change)).await? {
            return Ok((after, quoted));
        }
    }
    Err(Error::Contended)
}

/// Prices `after` and writes it; none where the cart has changed since `before` was read, and nothing is written.
pub(super) async fn write(
    shop: &Shop,
    before: &Contents,
    after: &mut Contents,
    change: Option<&Change>,
) -> Result<Option<Quoted>, Error> {
    let quoted = quote(shop, after).await?;
    if matches!(change, Some(Change::SetDelivery(_))) && !matches!(quoted.delivery, DeliveryState::Chosen(_)) {
        return Err(Error::DeliveryUnavailable);
    }
    after.keep_shown(shop, &quoted);
    let mut tx = shop.db().write().await?;
    if !save(shop, &mut tx, before, after).await? {
        return Ok(None);
    }
    tx.commit().await?;
    Ok(Some(quoted))
}

/// False, and nothing is written, where the cart has changed since `before` was read.
pub(super) async fn save(shop: &Shop, tx: &mut Tx, before: &Contents, after: &mut Contents) -> Result<bool, Error> {
    let writes = writes(before, after);
    let now = clock::now();
    let cart = Cart { updated_at: now, expires_at: expiry(shop, after.cart.customer_id, now), ..after.cart.clone() };
    if !store::update_cart(tx, &cart).await? {
        return Ok(false);
    }
    store::write_lines(tx, cart.id, &writes).await?;
    after.cart = Cart { version: cart.version + 1, ..cart };
    Ok(true)
}

/// What makes the lines of `before` those of `after`.
pub(super) fn writes<'a>(before: &Contents, after: &'a Contents) -> Vec<LineWrite<'a>> {
    let mut writes = Vec::new();
    for line in &after.lines {
        match before.lines.iter().find(|known| known.line_id == line.line_id) {
            None => writes.push(LineWrite::Insert(line)),
            Some(known) if known != line => writes.push(LineWrite::Update(line)),
            Some(_) => {}
        }
    }
    let stays = |id: Uuid| {
        after.lines.iter().any(|line| line.line_id == id) || after.gone.iter().any(|line| line.line_id == id)
    };
    let known = before.lines.iter().map(|line| line.line_id).chain(before.gone.iter().map(|line| line.line_id));
    writes.extend(known.filter(|id| !stays(*id)).map(LineWrite::Delete));
    writes
}

/// How long a price that was shown is held.
pub(super) fn hold(shop: &Shop) -> TimeDelta {
    TimeDelta::minutes(i64::from(shop.config().carts.price_hold_minutes.min(525_600)))
}

async fn apply(shop: &Shop, contents: &mut Contents, change: &Change) -> Result<(), Error> {
    match change {
        Change::AddLine { variant, quantity, note, attributes } => {
            let variant = find_variant(shop, contents, variant).await?;
            return add_line(shop, contents, variant, *quantity, note.as_ref(), attributes);
        }
        Change::ChangeLine { line_id, quantity, note } => {
            let index = contents.lines.iter().position(|line| line.line_id == *line_id);
            let index = index.ok_or(Error::LineNotFound)?;
            let line = &mut contents.lines[index];
            line.note = note.clone().unwrap_or_else(|| line.note.clone());
            // Asking for less is always allowed: it is how a shopper answers a shortage.
            let more = quantity.is_some_and(|quantity| quantity > line.quantity);
            line.quantity = quantity.unwrap_or(line.quantity);
            if more {
                check_quantity(shop, contents, index)?;
            }
        }
        Change::RemoveLine { line_id } => {
            let before = contents.lines.len() + contents.gone.len();
            contents.lines.retain(|line| line.line_id != *line_id);
            contents.gone.retain(|line| line.line_id != *line_id);
            if contents.lines.len() + contents.gone.len() == before {
                return Err(Error::LineNotFound);
            }
        }
        Change::SetCoupons(codes) => contents.cart.coupons = codes.clone(),
        Change::SetGiftCards(ids) => contents.cart.gift_cards = ids.clone(),
        // Whose it would be is not known of a guest's cart, whoever opens it.
        Change::SetStoreCredit(_) if contents.cart.customer_id.is_none() => return Err(Error::NotFound),
        Change::SetStoreCredit(wanted) => contents.cart.store_credit = *wanted,
        Change::SetAddress(address) => contents.cart.address = Some(address.clone()),
        Change::SetBillingAddress(address) => contents.cart.billing_address.clone_from(address),
        Change::SetEmail(email) => contents.cart.email = Some(email.clone()),
        Change::SetDelivery(option) => contents.cart.delivery = Some(option.clone()),
        Change::SetWords { note, attributes } => {
            let cart = &mut contents.cart;
            cart.note = note.clone().unwrap_or_else(|| cart.note.clone());
            cart.attributes = attributes.clone().unwrap_or_else(|| cart.attributes.clone());
        }
    }
    Ok(())
}

/// What a line of the variant would begin with.
async fn find_variant(shop: &Shop, contents: &Contents, variant: &VariantRef) -> Result<SellableVariant, Error> {
    let known = contents.lines.iter().find(|line| match variant {
        VariantRef::Id(id) => line.variant.id == *id,
        VariantRef::Sku(sku) => line.variant.sku == *sku,
    });
    if let Some(line) = known {
        return Ok(line.variant.clone());
    }
    let context = contents.price_context(shop);
    let mut conn = shop.db().read().await?;
    let found = match variant {
        VariantRef::Id(id) => catalog::find_variant(&mut conn, &context, *id).await?,
        VariantRef::Sku(sku) => catalog::find_variant_by_sku(&mut conn, &context, sku).await?,
    };
    let mut found = found.filter(|variant| variant.sellable).ok_or(Error::UnknownVariant)?;
    catalog::translate_variant(shop, &mut conn, &contents.cart.locale, &mut found).await?;
    Ok(found)
}

fn add_line(
    shop: &Shop,
    contents: &mut Contents,
    variant: SellableVariant,
    quantity: u32,
    note: Option<&String>,
    attributes: &Attributes,
) -> Result<(), Error> {
    if let Some(index) = contents.lines.iter().position(|line| line.is_of(variant.id, attributes)) {
        let line = &mut contents.lines[index];
        line.quantity = line.quantity.saturating_add(quantity);
        line.note = note.cloned().unwrap_or_else(|| line.note.clone());
        return check_quantity(shop, contents, index);
    }
    let max_lines = shop.config().carts.max_lines;
    if contents.lines.len() >= max_lines as usize {
        return Err(Error::Invalid("", format!("a cart holds at most {max_lines} lines")));
    }
    let price = variant.price.as_ref().ok_or_else(|| Error::PriceMissing(vec![variant.sku.clone()]))?.amount;
    let line = new_line(shop, variant, price, contents.next_position(), clock::now());
    contents.lines.push(Line {
        quantity,
        note: note.cloned().unwrap_or_default(),
        attributes: attributes.clone(),
        ..line
    });
    check_quantity(shop, contents, contents.lines.len() - 1)
}

/// At `price`, which the catalog asks now.
fn new_line(shop: &Shop, variant: SellableVariant, price: Amount, position: i64, now: Moment) -> Line {
    let hold = hold(shop);
    let until = (!hold.is_zero()).then_some(now + hold);
    Line {
        line_id: id::sequential(),
        position,
        quantity: 0,
        unit_price: price,
        promise: Promise { price, until, told: price },
        variant,
        note: String::new(),
        attributes: Attributes::new(),
    }
}

fn check_quantity(shop: &Shop, contents: &Contents, index: usize) -> Result<(), Error> {
    let max = super::max_quantity(shop);
    if contents.lines[index].quantity > max {
        return Err(Error::Invalid("/quantity", format!("a line holds at most {max} pieces")));
    }
    if contents.lines[index].variant.price.is_none() {
        return Err(Error::PriceMissing(vec![contents.lines[index].variant.sku.clone()]));
    }
    match contents.shortage_of(index) {
        Some(shortage) => Err(Error::Insufficient(vec![shortage])),
        None => Ok(()),
    }
}
