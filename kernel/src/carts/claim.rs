//! A guest who signs in takes their cart along: it becomes theirs or, where they have one in the same currency already, is added to it.
//! Either way its lines cost what the customer's group is asked.
//!
//! Locks: the customer, then the carts. Whoever claims holds the customer, so that two claims at once find each other's cart.

use uuid::Uuid;

use super::line::{self, Line};
use super::{
    Cart, CartsConfig, Contents, Error, Notice, NoticeKind, Quoted, change, get, get_as_own, quote, show, store,
};
use crate::clock::{self, Moment};
use crate::{Shop, accounts, id};

/// Claim after claim, nobody acknowledges anything: the oldest notices are dropped then.
const MAX_NOTICES: usize = 200;

/// The customer's open cart; of several, the one that was changed last.
pub async fn current(shop: &Shop, customer_id: Uuid) -> Result<(Contents, Quoted), Error> {
    let mut conn = shop.db().read().await?;
    let cart_id = store::find_open_of(&mut conn, customer_id, clock::now()).await?.ok_or(Error::NotFound)?;
    drop(conn);
    show(shop, cart_id, Some(customer_id)).await
}

/// Makes a guest's cart the customer's, once, and answers the cart that they have now. Asked again, it answers the same.
pub async fn claim(shop: &Shop, cart_id: Uuid, customer_id: Uuid) -> Result<(Contents, Quoted), Error> {
    for _ in 0..change::ATTEMPTS {
        let mut guest = get_as_own(shop, cart_id, customer_id).await?;
        if guest.cart.customer_id.is_some() {
            return show(shop, cart_id, Some(customer_id)).await;
        }
        match guest.cart.require_open() {
            // Somebody else's is not found.
            Err(Error::Merged(cart_id)) => return show(shop, cart_id, Some(customer_id)).await,
            open => open?,
        }
        let mut conn = shop.db().read().await?;
        let own = store::find_open_in(&mut conn, customer_id, guest.cart.currency, clock::now()).await?;
        drop(conn);
        let (before, mut after, closing) = match own {
            None => {
                let mut after = guest.clone();
                after.cart.customer_id = Some(customer_id);
                (guest, after, None)
            }
            Some(own) => {
                let before = get(shop, own, Some(customer_id)).await?;
                let mut after = before.clone();
                if guest.cart.locale != before.cart.locale {
                    let mut conn = shop.db().read().await?;
                    line::entitle(shop, &mut conn, &before.cart.locale, &mut guest.lines).await?;
                }
                join(&mut after, &guest, &shop.config().carts, clock::now());
                (before, after, Some(guest.cart))
            }
        };
        let quoted = quote(shop, &after).await?;
        after.keep_shown(shop, &quoted);
        if save(shop, customer_id, &before, &mut after, closing.as_ref()).await? {
            return Ok((after, quoted));
        }
    }
    Err(Error::Contended)
}

/// False where any of the carts has changed since it was read, or another one is the customer's by now.
async fn save(
    shop: &Shop,
    customer_id: Uuid,
    before: &Contents,
    after: &mut Contents,
    closing: Option<&Cart>,
) -> Result<bool, Error> {
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    accounts::lock(&mut tx, customer_id).await?;
    let own = store::find_open_in(&mut tx, customer_id, before.cart.currency, now).await?;
    if own != closing.map(|_| before.cart.id) {
        return Ok(false);
    }
    if let Some(guest) = closing
        && !store::merge_cart(&mut tx, guest, before.cart.id, now).await?
    {
        return Ok(false);
    }
    let saved = change::save(shop, &mut tx, before, after).await?;
    if saved {
        tx.commit().await?;
    }
    Ok(saved)
}

/// Adds the guest's cart to the customer's. What both have said, the customer's says; quantities add up as far as the limits and the
/// stock allow, and what is lost by that is told.
fn join(own: &mut Contents, guest: &Contents, config: &CartsConfig, now: Moment) {
    let mut notices = guest.cart.notices.clone();
    for line in &guest.lines {
        notices.extend(join_line(own, line, config, now));
    }
    for line in &guest.gone {
        notices.push(Notice::of_gone(line));
    }
    let cart = &mut own.cart;
    for code in guest.cart.coupons.iter() {
        if cart.coupons.contains(code) {
            continue;
        }
        if cart.coupons.len() < config.max_coupons.min(10) as usize {
            cart.coupons.push(code.clone());
        } else {
            notices.push(Notice::of_coupon(code, NoticeKind::CouponDropped));
        }
    }
    for card in &guest.cart.gift_cards {
        if !cart.gift_cards.contains(card) && cart.gift_cards.len() < config.max_gift_cards.min(10) as usize {
            cart.gift_cards.push(*card);
        }
    }
    cart.coupons_told.extend(guest.cart.coupons_told.iter().cloned());
    for (name, value) in &guest.cart.attributes {
        if cart.attributes.len() < config.max_attributes.min(20) as usize {
            cart.attributes.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    if cart.note.is_empty() {
        cart.note.clone_from(&guest.cart.note);
    }
    cart.email = cart.email.take().or_else(|| guest.cart.email.clone());
    // A delivery is chosen for an address.
    if cart.address.is_none() {
        cart.address.clone_from(&guest.cart.address);
        cart.delivery.clone_from(&guest.cart.delivery);
        cart.delivery_told = guest.cart.delivery_told;
    }
    cart.billing_address = cart.billing_address.take().or_else(|| guest.cart.billing_address.clone());
    cart.notices.extend(notices);
    let excess = cart.notices.len().saturating_sub(MAX_NOTICES);
    cart.notices.drain(..excess);
}

fn join_line(own: &mut Contents, line: &Line, config: &CartsConfig, now: Moment) -> Option<Notice> {
    let (index, before) = match own.lines.iter().position(|known| known.is_of(line.variant.id, &line.attributes)) {
        Some(index) => {
            let known = &mut own.lines[index];
            let before = known.quantity;
            known.quantity = before.saturating_add(line.quantity).min(config.max_quantity.min(1_000_000));
            if known.note.is_empty() {
                known.note.clone_from(&line.note);
            }
            // Both prices were shown, and both promises are kept.
            if line.unit_price < known.unit_price {
                known.take_promise(line.promise, now);
            }
            (index, before)
        }
        None if own.lines.len() < config.max_lines as usize => {
            own.lines.push(Line { line_id: id::sequential(), position: own.next_position(), ..line.clone() });
            (own.lines.len() - 1, 0)
        }
        None => {
            let dropped = Notice::of_line(line, NoticeKind::LineDropped, i64::from(line.quantity), 0);
            return Some(Notice { line_id: None, ..dropped });
        }
    };
    if let Some(shortage) = own.shortage_of(index) {
        let left = shortage.available.max(before);
        // Where nothing at all can be had, the line stays, and tells it itself.
        own.lines[index].quantity = if left == 0 { line.quantity } else { left };
    }
    let (joined, wanted) = (&own.lines[index], i64::from(before) + i64::from(line.quantity));
    let reduced = i64::from(joined.quantity) < wanted;
    reduced.then(|| Notice::of_line(joined, NoticeKind::QuantityReduced, wanted, i64::from(joined.quantity)))
}
