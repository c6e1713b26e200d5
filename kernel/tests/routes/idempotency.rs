//! `Idempotency-Key`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::shopper::Shopper;

const KEY: &str = "3e1bbf27-2f6d-4d2b-9d7c-000000000001";

async fn post(app: &App, path: &str, key: &str, body: &Value) -> Answer {
    let request = app.client.request(Method::POST, format!("{}{path}", app.url)).header("idempotency-key", key);
    Answer::of(request.json(body)).await
}

api_test! {
    async fn the_same_request_is_answered_the_same_and_happens_once(app: App) {
        let first = post(&app, "/v1/carts", KEY, &json!({})).await;
        assert!(!first.headers.contains_key("idempotent-replayed"));
        let second = post(&app, "/v1/carts", KEY, &json!({})).await;
        assert_eq!(second.headers["idempotent-replayed"], "true");
        assert_eq!(second.headers["location"], first.headers["location"]);
        assert_eq!(first.expect(201), second.expect(201));
        post(&app, "/v1/carts", KEY, &json!({ "locale": "ru" })).await.problem("idempotency-key-reused");
        post(&app, "/v1/carts", "short", &json!({})).await.problem("invalid-request");
    }
}

api_test! {
    async fn a_checkout_sent_twice_is_one_order_and_one_charge(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let body = json!({
            "payment_method": "payment-emulator:card",
            "payment_token": "tok-approve",
            "expected_total": shopper.show().await["total"],
        });
        let path = format!("/v1/carts/{}/checkout", shopper.cart);
        let (first, second) = tokio::join!(post(&app, &path, KEY, &body), post(&app, &path, KEY, &body));
        let (done, other) = if first.status == 201 { (first, second) } else { (second, first) };
        let order = done.expect(201);
        if other.status != 201 {
            other.problem("idempotency-key-in-flight");
        }
        assert_eq!(post(&app, &path, KEY, &body).await.expect(201), order);
    }
}

api_test! {
    async fn a_request_that_changed_nothing_frees_its_key(app: App) {
        post(&app, "/v1/carts", KEY, &json!({ "locale": "?" })).await.problem("invalid-request");
        post(&app, "/v1/carts", KEY, &json!({})).await.expect(201);
    }
}

api_test! {
    /// From a plain digest somebody who reads a backup could guess a short body.
    async fn what_is_kept_of_a_request_cannot_be_guessed_from(app: App) {
        let body = json!({ "locale": "ru" });
        post(&app, "/v1/carts", KEY, &body).await.expect(201);
        let mut conn = app.shop.db().read().await.unwrap();
        let (kept,) = kassa::db::sql::one!(conn, (Vec<u8>,), "select request_hash from idempotency_keys").unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body.to_string().as_bytes());
        assert_eq!(kept.len(), 32);
        assert_ne!(kept, digest.as_ref());
    }
}
