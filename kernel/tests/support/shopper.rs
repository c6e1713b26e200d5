//! A shopper: the steps to an order, so that a case can begin where it is interesting.

use reqwest::Method;
use serde_json::{Value, json};

use super::App;
use super::app::Answer;

/// A cart on its way to an order.
pub struct Shopper<'a> {
    app: &'a App,
    pub cart: String,
    token: Option<String>,
}

pub fn address() -> Value {
    json!({ "name": "Ada Lovelace", "street": "Unter den Linden 1", "city": "Berlin", "postcode": "10117", "country": "DE" })
}

impl<'a> Shopper<'a> {
    /// A guest with an empty cart.
    pub async fn guest(app: &'a App) -> Self {
        Self::with_token(app, None).await
    }

    /// A guest with a cart that is there.
    pub fn of(app: &'a App, cart: &str) -> Self {
        Self { app, cart: cart.to_owned(), token: None }
    }

    /// A signed-in customer with an empty cart.
    pub async fn signed_in(app: &'a App, token: &str) -> Self {
        Self::with_token(app, Some(token.to_owned())).await
    }

    async fn with_token(app: &'a App, token: Option<String>) -> Self {
        let created = app.send(Method::POST, "/v1/carts", token.as_deref(), Some(json!({}))).await.expect(201);
        Self { app, cart: created["id"].as_str().expect("an id").to_owned(), token }
    }

    /// A guest whose cart lacks nothing but the checkout.
    pub async fn ready(app: &'a App, sku: &str, quantity: u32) -> Self {
        let shopper = Self::guest(app).await;
        shopper.prepare(sku, quantity).await;
        shopper
    }

    pub async fn prepare(&self, sku: &str, quantity: u32) {
        self.add(sku, quantity).await.expect(200);
        self.put("email", json!({ "email": "ada@example.org" })).await.expect(200);
        self.put("address", address()).await.expect(200);
        let options = self.send(Method::GET, "/delivery-options", None).await.expect(200);
        self.put("delivery-option", json!({ "id": options[0]["id"] })).await.expect(200);
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.send(method, &format!("/v1/carts/{}{path}", self.cart), self.token.as_deref(), body).await
    }

    pub async fn put(&self, what: &str, body: Value) -> Answer {
        self.send(Method::PUT, &format!("/{what}"), Some(body)).await
    }

    pub async fn add(&self, sku: &str, quantity: u32) -> Answer {
        self.send(Method::POST, "/lines", Some(json!({ "sku": sku, "quantity": quantity }))).await
    }

    pub async fn show(&self) -> Value {
        self.send(Method::GET, "", None).await.expect(200)
    }

    /// Checks out at the total that the cart shows.
    pub async fn check_out(&self, payment_token: &str) -> Answer {
        let total = self.show().await["total"].clone();
        self.check_out_at(payment_token, total).await
    }

    pub async fn check_out_at(&self, payment_token: &str, expected_total: Value) -> Answer {
        self.check_out_by("payment-emulator:card", payment_token, expected_total).await
    }

    pub async fn check_out_by(&self, method: &str, payment_token: &str, expected_total: Value) -> Answer {
        let body = json!({
            "payment_method": method,
            "payment_token": payment_token,
            "expected_total": expected_total,
        });
        self.send(Method::POST, "/checkout", Some(body)).await
    }
}
