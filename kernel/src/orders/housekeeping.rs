//! Forgetting what has had its time: expired carts, sessions and keys, audit entries, events that were sent long ago.

use std::time::Duration;

use chrono::TimeDelta;

use crate::{Shop, accounts, audit, carts, clock, events, http, notifications, webhooks};

/// Runs until the shop stops.
pub async fn run(shop: Shop) {
    let pause = Duration::from_secs(60 * u64::from(shop.config().orders.housekeeping_minutes.max(1)));
    loop {
        forget(&shop).await;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shop.stopping().cancelled() => break,
        }
    }
}

/// One after the other; what cannot be forgotten keeps nothing else from it.
async fn forget(shop: &Shop) {
    let now = clock::now();
    let days = |days: u32| now - TimeDelta::days(i64::from(days));
    done("carts", carts::forget_expired(shop).await);
    done("sessions", accounts::forget_expired(shop).await);
    done("keys", http::idempotency::forget(shop, days(shop.config().http.idempotency_days)).await);
    done("entries", audit::forget_old(shop).await);
    done("events", events::forget_old(shop).await);
    done("codes", super::lookup::forget_expired(shop).await);
    done("messages", notifications::forget_old(shop).await);
    done("webhooks", webhooks::forget_old(shop).await);
}

fn done<E: std::fmt::Display>(what: &str, forgotten: Result<u64, E>) {
    match forgotten {
        Ok(rows) => tracing::debug!(what, rows, "forgotten"),
        Err(error) => tracing::error!(%error, what, "housekeeping failed"),
    }
}
