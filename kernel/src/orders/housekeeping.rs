//! Forgetting what has had its time: expired carts, sessions and keys, audit entries, events that were sent long ago.

use std::time::Duration;

use chrono::TimeDelta;

use crate::{Shop, accounts, audit, carts, clock, events, http, notifications, webhooks};

/// Runs until the shop stops.
pub async fn run(shop: Shop) {
    let pause = Duration::from_secs(60 * u64::from(shop.config().orders.housekeeping_minutes.max(1)));
    loop {
        if let Err(error) = forget(&shop).await {
            tracing::error!(%error, "housekeeping failed");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shop.stopping().cancelled() => break,
        }
    }
}

async fn forget(shop: &Shop) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let now = clock::now();
    let days = |days: u32| now - TimeDelta::days(i64::from(days));
    let carts = carts::forget_expired(shop).await?;
    let sessions = accounts::forget_expired(shop).await?;
    let keys = http::idempotency::forget(shop, days(shop.config().http.idempotency_days)).await?;
    let entries = audit::forget_old(shop).await?;
    let events = events::forget_old(shop).await?;
    let codes = super::lookup::forget_expired(shop).await?;
    let messages = notifications::forget_old(shop).await?;
    let webhooks = webhooks::forget_old(shop).await?;
    tracing::debug!(carts, sessions, keys, entries, events, codes, messages, webhooks, "forgotten");
    Ok(())
}
