//! What carts say of a person: told to them, and forgotten.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Line, store};
use crate::accounts::Person;
use crate::db::{self, Conn, Tx};
use crate::prices::PriceContext;
use crate::{Shop, events, webhooks};

/// Carts of the person that are still kept, and those of guests that [`forget_guests`] forgets with them.
pub async fn export_person(shop: &Shop, conn: &mut Conn, person: &Person) -> Result<Vec<Value>, db::Error> {
    let mut exported = Vec::new();
    for cart in store::carts_of(conn, person.customer_id, person.proved_email_key.as_deref()).await? {
        // Of a line nothing is told that a price decides.
        let (lines, _) = store::lines(conn, cart.id, &PriceContext::of_guest(shop)).await?;
        let line = |line: &Line| {
            json!({
                "sku": line.variant.sku,
                "quantity": line.quantity,
                "note": line.note,
                "attributes": line.attributes,
            })
        };
        exported.push(json!({
            "id": cart.id,
            "email": cart.email,
            "address": cart.address,
            "billing_address": cart.billing_address,
            "coupons": cart.coupons,
            "note": cart.note,
            "attributes": cart.attributes,
            "lines": lines.iter().map(line).collect::<Vec<_>>(),
            "order_id": cart.order_id,
            "created_at": cart.created_at,
        }));
    }
    Ok(exported)
}

/// Forgets the carts of the customer; tells which.
pub async fn forget_person(tx: &mut Tx, customer_id: Uuid) -> Result<Vec<Uuid>, db::Error> {
    store::delete_of(tx, customer_id).await
}

/// Forgets carts that guests gave this address, at most `limit`; tells which.
pub async fn forget_guests(tx: &mut Tx, email_key: &str, limit: i64) -> Result<Vec<Uuid>, db::Error> {
    store::delete_of_guests(tx, email_key, limit).await
}

/// Forgets that a cart which is gone was left: it says who left it. Whoever was not told yet need not be told any more.
pub async fn forget_events(tx: &mut Tx, cart_id: Uuid) -> Result<(), db::Error> {
    let told = events::drop_subject(tx, &cart_id.to_string()).await?;
    webhooks::forget_events(tx, &told).await
}
