//! An order's contents change before it is shipped: what it holds follows.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::reservations::{Holder, place, release_some, tell_backordered};
use super::{Error, Quantity, Reservation, ReservationState, Shortage, store};
use crate::clock::Moment;
use crate::db::Tx;

/// Makes an order hold `after` where it was to hold `before`. Without `held_until` the order is paid: what it takes it keeps.
///
/// A variant of which it wants as much as before is left alone.
pub async fn rewrite(
    tx: &mut Tx,
    order_id: Uuid,
    before: &[Quantity],
    after: &[Quantity],
    held_until: Option<Moment>,
) -> Result<(), Error> {
    let state = if held_until.is_some() { ReservationState::Held } else { ReservationState::Kept };
    let holder = Holder { order_id, state, expires_at: held_until };
    let mut backordered = Vec::new();
    for (variant_id, (sku, before, after)) in compared(before, after) {
        if before == after {
            continue;
        }
        store::lock_item(tx, variant_id).await?;
        let reservations = store::reservations_of_variant(tx, order_id, variant_id).await?;
        let (open, expired) = held(&reservations);
        if after > open && after > before {
            let Some(item) = store::take(tx, variant_id, after - open).await? else {
                let available = store::find_item(tx, variant_id).await?.map_or(0, |item| item.available);
                return Err(Error::Insufficient { sku: sku.to_owned(), wanted: after, available: available + open });
            };
            // All of it is made up anew: the payment takes nothing again.
            forget_expired(tx, &reservations).await?;
            if item.tracked {
                let missing = place(tx, &holder, &item, sku, after - open).await?;
                backordered.push(Shortage { variant_id, sku: sku.to_owned(), missing });
            }
        } else if after < open + expired {
            // Not more than the order had ordered, which is 32 bits.
            let quantity = u32::try_from(open + expired - after).unwrap_or(u32::MAX);
            release_some(tx, order_id, &[Quantity { variant_id, sku: sku.to_owned(), quantity }]).await?;
        }
    }
    tell_backordered(tx, order_id, backordered).await
}

/// By variant, in the order of locking: the SKU, and how much was wanted and is wanted now.
fn compared<'a>(before: &'a [Quantity], after: &'a [Quantity]) -> BTreeMap<Uuid, (&'a str, i64, i64)> {
    let mut variants = BTreeMap::new();
    for goods in before {
        variants.entry(goods.variant_id).or_insert((goods.sku.as_str(), 0, 0)).1 += i64::from(goods.quantity);
    }
    for goods in after {
        variants.entry(goods.variant_id).or_insert((goods.sku.as_str(), 0, 0)).2 += i64::from(goods.quantity);
    }
    variants
}

/// How much of a locked variant is open, and how much has expired, which the payment takes again.
fn held(reservations: &[Reservation]) -> (i64, i64) {
    let (mut open, mut expired) = (0, 0);
    for reservation in reservations {
        match reservation.state {
            state if state.is_open() => open += reservation.quantity,
            ReservationState::Expired => expired += reservation.quantity,
            _ => {}
        }
    }
    (open, expired)
}

async fn forget_expired(tx: &mut Tx, reservations: &[Reservation]) -> Result<(), Error> {
    for reservation in reservations.iter().filter(|reservation| reservation.state == ReservationState::Expired) {
        store::move_reservation(tx, reservation.id, ReservationState::Expired, ReservationState::Released).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goods_are_compared_by_variant() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let goods = |variant_id, quantity| Quantity { variant_id, sku: "x".into(), quantity };
        let compared: Vec<_> = compared(&[goods(b, 1), goods(a, 2)], &[goods(a, 1), goods(a, 4)])
            .into_iter()
            .map(|(variant_id, (_, before, after))| (variant_id, before, after))
            .collect();
        assert_eq!(compared, [(a, 2, 5), (b, 1, 0)]);
    }
}
