//! The provider behind the payment emulator: what it tells the shop, and how it signs it.

use hmac::{Hmac, KeyInit, Mac};
use kassa::plugins::Domain;
use reqwest::Method;
use serde_json::Value;
use sha2::Sha256;

use super::App;
use super::app::Answer;

pub async fn webhook(app: &App, body: &Value, secret: &str) -> Answer {
    let text = body.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let request = app.client.request(Method::POST, format!("{}/v1/payments/payment-emulator/webhook", app.url));
    Answer::of(request.header("x-emulator-signature", signature).body(text)).await
}

/// What the shop and its emulator share.
pub async fn secret(app: &App) -> String {
    let binding = app.shop.plugins().binding(Domain::Payment).await.unwrap().unwrap();
    binding.plugins[0].settings["webhook_secret"].as_str().unwrap().to_owned()
}

/// The key under which the emulator knows the payment of an order.
pub async fn payment_key(app: &App, order: &Value) -> String {
    let id = order["id"].as_str().unwrap().parse().unwrap();
    let mut conn = app.shop.db().read().await.unwrap();
    kassa::payments::of_order(&mut conn, id).await.unwrap().pop().unwrap().idempotency_key
}
