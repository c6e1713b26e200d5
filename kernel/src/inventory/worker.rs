//! What happens to stock by itself: reservations expire, goods go to those who wait, and staff is told what runs out.
//!
//! Each row is locked again and looked at anew in a transaction of its own, so that two kernels, or a payment at the same
//! moment, do nothing twice.

use std::time::Duration;

use uuid::Uuid;

use super::reservations::{expire, numbers, serve_waiting, tell_back};
use super::{Error, Item, store};
use crate::{Shop, clock, events};

/// Rows that one look takes; what is left comes with the next.
const AT_ONCE: i64 = 100;

/// What staff was told of a variant last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alert {
    None,
    Low,
    Out,
}

impl Alert {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Out => "out",
        }
    }

    /// The column's own check allows nothing else.
    pub(super) fn parse(name: &str) -> Self {
        match name {
            "low" => Self::Low,
            "out" => Self::Out,
            _ => Self::None,
        }
    }

    /// What the numbers of an item call for.
    fn due(item: &Item, threshold: i64) -> Self {
        match item.on_hand - item.reserved {
            _ if !item.tracked => Self::None,
            free if free <= 0 => Self::Out,
            free if free <= item.low_stock_threshold.unwrap_or(threshold) => Self::Low,
            _ => Self::None,
        }
    }
}

/// Runs until the shop stops.
pub async fn run(shop: Shop) {
    let pause = Duration::from_millis(shop.config().inventory.poll_interval_ms);
    loop {
        if let Err(error) = work(&shop).await {
            tracing::error!(%error, "the stock cannot be looked after");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shop.stopping().cancelled() => break,
        }
    }
}

async fn work(shop: &Shop) -> Result<(), Error> {
    let expired = store::expired_reservations(&mut shop.db().read().await?, clock::now(), AT_ONCE).await?;
    for (order_id, variant_id) in expired {
        let mut tx = shop.db().write().await?;
        expire(&mut tx, order_id, variant_id).await?;
        tx.commit().await?;
    }
    let waited_for = store::servable_items(&mut shop.db().read().await?, AT_ONCE).await?;
    for variant_id in waited_for {
        let mut tx = shop.db().write().await?;
        if store::lock_item(&mut tx, variant_id).await?.is_some() {
            serve_waiting(&mut tx, variant_id).await?;
        }
        tx.commit().await?;
    }
    tell_all(shop).await
}

/// Each variant once, page by page: what is sold all the time would otherwise keep those behind it waiting.
async fn tell_all(shop: &Shop) -> Result<(), Error> {
    let mut after = Uuid::nil();
    loop {
        let due = store::items_to_tell(&mut shop.db().read().await?, after, AT_ONCE).await?;
        let Some(last) = due.last() else { return Ok(()) };
        after = *last;
        for variant_id in due {
            tell(shop, variant_id).await?;
        }
        shop.relay().wake();
        if shop.stopping().is_cancelled() {
            return Ok(());
        }
    }
}

/// Tells once that a variant runs low or out, each time that it does; above the threshold it is rearmed. Also when what was out
/// is there again.
async fn tell(shop: &Shop, variant_id: Uuid) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    let Some(item) = store::lock_item(&mut tx, variant_id).await? else { return Ok(()) };
    let told = item.alert;
    let due = Alert::due(&item, shop.config().inventory.low_stock_threshold);
    if told == Alert::Out && due < Alert::Out {
        tell_back(&mut tx, variant_id, 0).await?;
    }
    // From plenty to nothing is both: who listens to one of them misses nothing.
    for alert in [Alert::Low, Alert::Out] {
        if told < alert && alert <= due {
            let data = numbers(&item, store::find_sku(&mut tx, variant_id).await?);
            events::record(&mut tx, &format!("stock.{}", alert.name()), variant_id, data).await?;
        }
    }
    store::set_alert(&mut tx, variant_id, due).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_staff_is_told() {
        let item = Item {
            variant_id: Uuid::nil(),
            on_hand: 10,
            reserved: 0,
            waiting: 0,
            available: 10,
            tracked: true,
            backorder_limit: Some(0),
            low_stock_threshold: None,
            alert: Alert::None,
            version: 1,
        };
        for (reserved, threshold, tracked, expected) in [
            (0, None, true, Alert::None),
            (4, None, true, Alert::None),
            (5, None, true, Alert::Low),
            (9, None, true, Alert::Low),
            (10, None, true, Alert::Out),
            (12, None, true, Alert::Out),
            (9, Some(0), true, Alert::None),
            (10, Some(0), true, Alert::Out),
            (2, Some(8), true, Alert::Low),
            (10, None, false, Alert::None),
        ] {
            let item = Item { reserved, low_stock_threshold: threshold, tracked, ..item.clone() };
            assert_eq!(Alert::due(&item, 5), expected, "{reserved} {threshold:?} {tracked}");
        }
    }
}
