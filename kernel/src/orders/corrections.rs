//! Corrections: staff gives an order another price by hand. Money that moved is no correction ([`super::by_hand`]).

use uuid::Uuid;

use super::{Details, Error, StateError, store};
use crate::money::{self, Amount};
use crate::once::Once;
use crate::{Shop, ledger, payments};

/// Posts a correction: above zero the order costs so much more, below so much less. An order that owes nothing any more is paid,
/// and whatever was to pay it is given up.
pub async fn correct(
    shop: &Shop,
    once: Once,
    order_id: Uuid,
    amount: Amount,
    reason: &str,
    actor: &str,
) -> Result<Details, Error> {
    let mut tx = shop.db().write().await?;
    store::find_order(&mut tx, order_id).await?.ok_or(Error::NotFound)?;
    super::lock(&mut tx, order_id).await?;
    if once.done(&mut tx).await?.is_some() {
        return super::details_in(&mut tx, order_id).await;
    }
    payments::require_room(shop, &mut tx, order_id).await?;
    let before = ledger::balance(&mut tx, order_id).await?;
    let owed = money::sum([before.outstanding, amount]).map_err(|_| Error::AmountTooLarge)?;
    money::sum([before.corrected, amount]).map_err(|_| Error::AmountTooLarge)?;
    ledger::correct(&mut tx, order_id, amount, &format!("{reason} ({actor})")).await.map_err(StateError::from)?;
    let mut steps = Vec::new();
    if owed <= 0 {
        super::mark_paid(&mut tx, order_id, "corrected").await?;
        steps = payments::begin_release_of_paid(shop, &mut tx, order_id).await?;
    }
    once.keep(&mut tx, order_id).await?;
    let details = super::details_in(&mut tx, order_id).await?;
    tx.commit().await?;
    shop.relay().wake();
    if steps.is_empty() {
        return Ok(details);
    }
    payments::run_steps(shop, steps).await;
    super::get_any(shop, order_id).await
}
