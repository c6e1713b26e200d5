//! The stock as a case looks at it.

use kassa::catalog::find_variant_by_sku;
use kassa::db::sql;
use kassa::inventory::{self, Quantity};
use uuid::Uuid;

use super::App;

/// Fails unless every number of the stock follows from its movements, levels and reservations. The columns' own checks
/// keep each within its bounds.
pub async fn audit(app: &App) {
    let found = inventory::verify(&app.shop).await.expect("the stock can be read");
    assert!(found.is_empty(), "{found:#?}");
}

pub async fn variant(app: &App, sku: &str) -> Uuid {
    let mut conn = app.shop.db().read().await.expect("a connection");
    find_variant_by_sku(&mut conn, sku).await.expect("an answer").expect("the variant").id
}

pub async fn goods(app: &App, sku: &str, quantity: u32) -> Quantity {
    Quantity { variant_id: variant(app, sku).await, sku: sku.into(), quantity }
}

/// On hand, reserved, waiting and available of a variant.
pub async fn numbers(app: &App, sku: &str) -> (i64, i64, i64, i64) {
    let mut conn = app.shop.db().read().await.expect("a connection");
    sql::one!(
        conn,
        (i64, i64, i64, i64),
        "select i.on_hand, i.reserved, i.waiting, i.available
         from stock_items i join variants v on v.id = i.variant_id where v.sku = $1",
        sku
    )
    .expect("the item")
}

/// How often an event was recorded.
pub async fn told(app: &App, kind: &str) -> i64 {
    let mut conn = app.shop.db().read().await.expect("a connection");
    let (count,) = sql::one!(conn, (i64,), "select count(*) from events where kind = $1", kind).expect("the events");
    count
}
