//! The stock as a case looks at it.

use kassa::catalog::find_variant_by_sku;
use kassa::db::sql;
use kassa::inventory::{self, Quantity, Shortage};
use kassa::prices::PriceContext;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::App;
use super::app::Answer;

/// The location that is there from the start.
pub const MAIN: &str = "00000000-0000-7000-8000-000000000001";

/// Fails unless every number of the stock follows from its movements, levels and reservations. The columns' own checks
/// keep each within its bounds.
pub async fn audit(app: &App) {
    let found = inventory::verify(&app.shop).await.expect("the stock can be read");
    assert!(found.is_empty(), "{found:#?}");
}

pub async fn variant(app: &App, sku: &str) -> Uuid {
    let mut conn = app.shop.db().read().await.expect("a connection");
    let context = PriceContext::of_guest(&app.shop);
    find_variant_by_sku(&mut conn, &context, sku).await.expect("an answer").expect("the variant").id
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

/// The data of every event of a kind, in the order in which they were recorded.
pub async fn events(app: &App, kind: &str) -> Vec<Value> {
    let mut conn = app.shop.db().read().await.expect("a connection");
    let rows = sql::all!(conn, (String,), "select data from events where kind = $1 order by id", kind);
    let data = rows.expect("the events").into_iter().map(|(data,)| serde_json::from_str(&data).expect("JSON"));
    data.collect()
}

/// Reserves for an order that is to be paid at once, or is overdue already.
pub async fn reserve(app: &App, order: u128, sku: &str, quantity: u32, overdue: bool) -> Result<(), inventory::Error> {
    let wanted = goods(app, sku, quantity).await;
    let until = inventory::held_until(&app.shop) - chrono::TimeDelta::days(if overdue { 60 } else { 0 });
    let mut tx = app.shop.db().write().await.unwrap();
    inventory::reserve(&mut tx, Uuid::from_u128(order), &[wanted], Some(until)).await?;
    tx.commit().await.unwrap();
    Ok(())
}

pub async fn keep(app: &App, order: u128) -> Vec<Shortage> {
    let mut tx = app.shop.db().write().await.unwrap();
    let shortages = inventory::keep(&mut tx, Uuid::from_u128(order)).await.unwrap();
    tx.commit().await.unwrap();
    shortages
}

pub async fn release(app: &App, order: u128) {
    let mut tx = app.shop.db().write().await.unwrap();
    inventory::release(&mut tx, Uuid::from_u128(order)).await.unwrap();
    tx.commit().await.unwrap();
}

/// A merchant at the stock of one variant.
pub struct Merchant<'a> {
    app: &'a App,
    token: String,
    pub variant: Uuid,
}

impl<'a> Merchant<'a> {
    pub async fn of(app: &'a App, sku: &str) -> Self {
        Self { app, token: app.merchant().await, variant: variant(app, sku).await }
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let body = (!body.is_null()).then_some(body);
        self.app.send(method, &format!("/v1/admin/{path}"), Some(&self.token), body).await
    }

    pub async fn send_if_match(&self, method: Method, path: &str, tag: &str, body: Value) -> Answer {
        let request = self.app.client.request(method, format!("{}/v1/admin/{path}", self.app.url));
        Answer::of(request.bearer_auth(&self.token).header("if-match", tag).json(&body)).await
    }

    pub async fn location(&self, name: &str, priority: i64) -> String {
        let made =
            self.send(Method::POST, "locations", json!({ "name": name, "priority": priority })).await.expect(201);
        made["id"].as_str().unwrap().to_owned()
    }

    pub async fn count(&self, location: &str, body: Value) -> Answer {
        self.send(Method::PUT, &format!("variants/{}/stock/{location}", self.variant), body).await
    }

    pub async fn policy(&self, body: Value) -> Answer {
        self.send(Method::PATCH, &format!("variants/{}/stock", self.variant), body).await
    }
}
