//! Changing a cart: applied in memory, checked, priced, and only then written.

use uuid::Uuid;

use super::{Cart, Contents, DeliveryState, Error, Quoted, expiry, get, quote, shortage, store};
use crate::address::Address;
use crate::catalog::{self, CartVariant};
use crate::plugins::OptionId;
use crate::{Shop, clock, id};

/// One change of a cart.
#[derive(Debug, Clone)]
pub enum Change {
    /// More of a variant; it joins the line that the cart has of it.
    AddLine {
        variant: VariantRef,
        quantity: u32,
    },
    SetQuantity {
        line_id: Uuid,
        quantity: u32,
    },
    RemoveLine {
        line_id: Uuid,
    },
    SetCoupons(Vec<String>),
    SetGiftCards(Vec<Uuid>),
    SetStoreCredit(bool),
    SetAddress(Address),
    SetEmail(String),
    SetDelivery(OptionId),
}

/// How a request names a variant.
#[derive(Debug, Clone)]
pub enum VariantRef {
    Id(Uuid),
    Sku(String),
}

/// What must be written besides the cart's own row.
pub(super) enum LineWrite {
    None,
    Insert(CartVariant),
    Update { line_id: Uuid, quantity: u32 },
    Delete { line_id: Uuid },
}

/// Someone else's change at the same moment makes us read again; more often than this in a row is not a shopper.
const ATTEMPTS: usize = 8;

/// Applies `change` to the cart, and answers it priced.
pub async fn change(
    shop: &Shop,
    cart_id: Uuid,
    caller: Option<Uuid>,
    change: &Change,
) -> Result<(Contents, Quoted), Error> {
    for _ in 0..ATTEMPTS {
        let mut contents = get(shop, cart_id, caller).await?;
        if let Some(order_id) = contents.cart.order_id {
            return Err(Error::Closed(order_id));
        }
        let write = apply(shop, &mut contents, change).await?;
        let quoted = quote(shop, &contents).await?;
        if matches!(change, Change::SetDelivery(_)) && !matches!(quoted.delivery, DeliveryState::Chosen(_)) {
            return Err(Error::DeliveryUnavailable);
        }
        if save(shop, &mut contents.cart, &write).await? {
            return Ok((contents, quoted));
        }
    }
    Err(Error::Contended)
}

async fn save(shop: &Shop, cart: &mut Cart, write: &LineWrite) -> Result<bool, Error> {
    let now = clock::now();
    cart.updated_at = now;
    cart.expires_at = expiry(shop, now);
    let mut tx = shop.db().write().await?;
    // Dropping the transaction takes nothing back here: the guard is its first statement.
    if !store::update_cart(&mut tx, cart).await? {
        return Ok(false);
    }
    store::write_line(&mut tx, cart.id, write).await?;
    tx.commit().await?;
    cart.version += 1;
    Ok(true)
}

async fn apply(shop: &Shop, contents: &mut Contents, change: &Change) -> Result<LineWrite, Error> {
    match change {
        Change::AddLine { variant, quantity } => return add_line(shop, contents, variant, *quantity).await,
        Change::SetQuantity { line_id, quantity } => {
            let line = contents.lines.iter_mut().find(|line| line.line_id == *line_id).ok_or(Error::LineNotFound)?;
            // Asking for less is always allowed: it is how a shopper answers a shortage.
            let more = *quantity > line.quantity;
            line.quantity = *quantity;
            if more {
                check_quantity(shop, line)?;
            }
            return Ok(LineWrite::Update { line_id: *line_id, quantity: *quantity });
        }
        Change::RemoveLine { line_id } => {
            let before = contents.lines.len();
            contents.lines.retain(|line| line.line_id != *line_id);
            if contents.lines.len() == before {
                return Err(Error::LineNotFound);
            }
            return Ok(LineWrite::Delete { line_id: *line_id });
        }
        Change::SetCoupons(codes) => contents.cart.coupons = codes.clone(),
        Change::SetGiftCards(ids) => contents.cart.gift_cards = ids.clone(),
        // Whose it would be is not known of a guest's cart, whoever opens it.
        Change::SetStoreCredit(_) if contents.cart.customer_id.is_none() => return Err(Error::NotFound),
        Change::SetStoreCredit(wanted) => contents.cart.store_credit = *wanted,
        Change::SetAddress(address) => contents.cart.address = Some(address.clone()),
        Change::SetEmail(email) => contents.cart.email = Some(email.clone()),
        Change::SetDelivery(option) => contents.cart.delivery = Some(option.clone()),
    }
    Ok(LineWrite::None)
}

async fn add_line(
    shop: &Shop,
    contents: &mut Contents,
    variant: &VariantRef,
    quantity: u32,
) -> Result<LineWrite, Error> {
    let known = contents.lines.iter_mut().find(|line| match variant {
        VariantRef::Id(id) => line.variant.id == *id,
        VariantRef::Sku(sku) => line.variant.sku == *sku,
    });
    if let Some(line) = known {
        line.quantity = line.quantity.saturating_add(quantity);
        check_quantity(shop, line)?;
        return Ok(LineWrite::Update { line_id: line.line_id, quantity: line.quantity });
    }
    let max_lines = shop.config().carts.max_lines;
    if contents.lines.len() >= max_lines as usize {
        return Err(Error::Invalid("", format!("a cart holds at most {max_lines} lines")));
    }
    let mut conn = shop.db().read().await?;
    let found = match variant {
        VariantRef::Id(id) => catalog::find_variant(&mut conn, *id).await?,
        VariantRef::Sku(sku) => catalog::find_variant_by_sku(&mut conn, sku).await?,
    };
    let variant = found.filter(|variant| variant.sellable).ok_or(Error::UnknownVariant)?;
    let position = contents.lines.iter().map(|line| line.position + 1).max().unwrap_or(0);
    let line = CartVariant { line_id: id::sequential(), position, quantity, variant };
    check_quantity(shop, &line)?;
    contents.lines.push(line.clone());
    Ok(LineWrite::Insert(line))
}

fn check_quantity(shop: &Shop, line: &CartVariant) -> Result<(), Error> {
    let max = shop.config().carts.max_quantity.min(1_000_000);
    if line.quantity > max {
        return Err(Error::Invalid("/quantity", format!("a line holds at most {max} pieces")));
    }
    if !line.variant.sellable || line.variant.available < i64::from(line.quantity) {
        return Err(Error::Insufficient(vec![shortage(line)]));
    }
    Ok(())
}
