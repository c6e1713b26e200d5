//! Carts that were left: told once, so that somebody can remind the shopper. Whether they may be reminded is theirs to say.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use uuid::Uuid;

use super::line::{self, Line};
use super::{Cart, store};
use crate::accounts::{self, Customer};
use crate::db::{self, Conn};
use crate::prices::PriceContext;
use crate::{Shop, clock, events};

/// Carts that one look takes; it goes on while there are more.
const AT_ONCE: i64 = 100;

/// Runs until the shop stops.
pub async fn run(shop: Shop) {
    let pause = Duration::from_millis(shop.config().carts.poll_interval_ms.max(1_000));
    loop {
        if let Err(error) = tell_abandoned(&shop).await {
            tracing::error!(%error, "abandoned carts cannot be told");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shop.stopping().cancelled() => break,
        }
    }
}

/// Tells of every cart that was left, and how many these are.
pub async fn tell_abandoned(shop: &Shop) -> Result<u64, db::Error> {
    let hours = shop.config().carts.abandoned_after_hours;
    let mut told = 0;
    while hours > 0 && !shop.stopping().is_cancelled() {
        let before = clock::now() - TimeDelta::hours(i64::from(hours));
        let left = store::left(&mut shop.db().read().await?, before, AT_ONCE).await?;
        if left.is_empty() {
            break;
        }
        for cart_id in left {
            told += u64::from(look_at(shop, cart_id).await?);
        }
        shop.relay().wake();
    }
    Ok(told)
}

/// Marks the cart as looked at, whether there is somebody to tell and something to tell of or not: until it changes, it is not looked at
/// again. True where it was told.
async fn look_at(shop: &Shop, cart_id: Uuid) -> Result<bool, db::Error> {
    let now = clock::now();
    let mut conn = shop.db().read().await?;
    let Some(cart) = store::find_cart(&mut conn, cart_id).await? else { return Ok(false) };
    let context = PriceContext::of_customer(shop, &mut conn, cart.currency, cart.customer_id).await?;
    let (mut lines, _) = store::lines(&mut conn, cart_id, &context).await?;
    line::translate(shop, &mut conn, &cart.locale, &mut lines).await?;
    let data = if lines.is_empty() { None } else { data(shop, &mut conn, &cart, &lines).await? };
    drop(conn);
    let mut tx = shop.db().write().await?;
    // Changed meanwhile, or told by another kernel.
    if !store::mark_abandoned(&mut tx, cart_id, cart.version, now).await? {
        return Ok(false);
    }
    let told = data.is_some();
    if let Some(data) = data {
        events::record(&mut tx, "cart.abandoned", cart_id, data).await?;
    }
    tx.commit().await?;
    Ok(told)
}

/// docs/events.md describes it. None where nobody is known who could be told.
async fn data(shop: &Shop, conn: &mut Conn, cart: &Cart, lines: &[Line]) -> Result<Option<Value>, db::Error> {
    let customer = match cart.customer_id {
        Some(customer_id) => accounts::customer_in(conn, customer_id).await?,
        None => None,
    };
    let Some(email) = cart.email.clone().or_else(|| customer.as_ref().and_then(proved_address)) else {
        return Ok(None);
    };
    // A guest was never asked.
    let consent = match &customer {
        Some(customer) => accounts::preferences_of(conn, customer.id).await?.marketing.email,
        None => false,
    };
    let config = shop.config();
    let name = cart.address.as_ref().map(|address| address.name.clone());
    let goods_total = lines.iter().fold(0_i64, |total, line| total.saturating_add(total_of(line)));
    Ok(Some(json!({
        "email": email,
        "name": name.or_else(|| customer.map(|customer| customer.name)).unwrap_or_default(),
        "locale": cart.locale,
        "customer_id": cart.customer_id,
        "consent": consent,
        "cart_id": cart.id,
        "url": url(config, cart.id),
        "currency": cart.currency.code(),
        "exponent": cart.currency.exponent(),
        "lines": lines.iter().map(line).collect::<Vec<_>>(),
        "goods_total": goods_total,
        "updated_at": cart.updated_at,
    })))
}

/// The account's, for a cart without an address. Nobody is written to where they never proved that it is theirs.
fn proved_address(customer: &Customer) -> Option<String> {
    customer.email_confirmed_at.map(|_| customer.email.clone())
}

/// Behind a #, as in all letters: a guest's cart belongs to whoever knows the id. Empty where the shop has no storefront.
fn url(config: &crate::Config, cart_id: Uuid) -> String {
    let base = config.shop.storefront_url.trim_end_matches('/');
    if base.is_empty() { String::new() } else { format!("{base}{}#cart={cart_id}", config.carts.cart_path) }
}

fn total_of(line: &Line) -> i64 {
    line.unit_price.saturating_mul(i64::from(line.quantity))
}

fn line(line: &Line) -> Value {
    json!({
        "sku": line.variant.sku,
        "title": line.variant.title,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "total": total_of(line),
        "attributes": line.attributes,
    })
}
