//! The worker: finishes what was asked of carriers, and asks them where shipments are.

use std::time::Duration;

use super::{booking, store};
use crate::{Shop, clock, db};

/// Shipments that one look takes; what is left comes with the next.
const AT_ONCE: i64 = 100;

/// Runs until the shop stops.
pub async fn run(shop: Shop) {
    let pause = Duration::from_millis(shop.config().fulfilment.poll_interval_ms);
    loop {
        if let Err(error) = look_at_due(&shop).await {
            tracing::error!(%error, "shipments cannot be looked after");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shop.stopping().cancelled() => break,
        }
    }
}

async fn look_at_due(shop: &Shop) -> db::Result<()> {
    let due = store::due(&mut shop.db().read().await?, clock::now(), AT_ONCE).await?;
    for id in due {
        if shop.stopping().is_cancelled() {
            break;
        }
        if let Err(error) = booking::look(shop, id).await {
            tracing::error!(shipment = %id, %error, "a shipment cannot be looked after");
        }
    }
    Ok(())
}
