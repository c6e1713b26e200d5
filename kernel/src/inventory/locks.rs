//! The order in which stock is locked: locations where goods come to lie, by their ids, then variants by theirs.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{DEFAULT_LOCATION, Error, Quantity, store};
use crate::db::{self, Tx};

/// Locks the stock of all these goods, for a transaction that goes on to change it in more than one step: each step locks
/// in order, but the second may begin before where the first ended.
pub async fn lock(tx: &mut Tx, goods: &[Quantity]) -> Result<(), Error> {
    for (variant_id, ..) in in_lock_order(goods) {
        store::lock_item(tx, variant_id).await?;
    }
    Ok(())
}

/// Locks the locations where goods are to lie, before any variant: one that is closed at the same moment would be found empty by whoever
/// closes it, and open by whoever brings the goods. The default location is never closed.
pub async fn lock_locations(tx: &mut Tx, locations: &[Uuid]) -> Result<(), db::Error> {
    let locations: BTreeSet<_> = locations.iter().copied().filter(|id| *id != DEFAULT_LOCATION).collect();
    for id in locations {
        store::hold_location(tx, id).await?;
    }
    Ok(())
}

/// In the order of locking, each variant once.
pub(super) fn in_lock_order(goods: &[Quantity]) -> Vec<(Uuid, &str, i64)> {
    let mut sorted: Vec<_> = goods.iter().collect();
    sorted.sort_by_key(|item| item.variant_id);
    let mut merged: Vec<(Uuid, &str, i64)> = Vec::with_capacity(sorted.len());
    for item in sorted {
        match merged.last_mut() {
            Some((variant_id, _, quantity)) if *variant_id == item.variant_id => *quantity += i64::from(item.quantity),
            _ => merged.push((item.variant_id, &item.sku, i64::from(item.quantity))),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goods_are_taken_by_variant_and_once_each() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let goods = |variant_id, quantity| Quantity { variant_id, sku: String::new(), quantity };
        let goods = [goods(b, 1), goods(a, 2), goods(b, u32::MAX)];
        assert_eq!(in_lock_order(&goods), [(a, "", 2), (b, "", 1 + i64::from(u32::MAX))]);
    }
}
