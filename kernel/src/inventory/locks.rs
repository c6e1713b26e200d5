//! The order in which stock is locked: by the ids of the variants.

use uuid::Uuid;

use super::{Error, Quantity, store};
use crate::db::Tx;

/// Locks the stock of all these goods, for a transaction that goes on to change it in more than one step: each step locks
/// in order, but the second may begin before where the first ended.
pub async fn lock(tx: &mut Tx, goods: &[Quantity]) -> Result<(), Error> {
    for (variant_id, ..) in in_lock_order(goods) {
        store::lock_item(tx, variant_id).await?;
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
