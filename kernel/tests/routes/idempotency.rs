//! `Idempotency-Key`.

use reqwest::Method;
use serde_json::{Value, json};

use super::money::Desk;
use crate::support::App;
use crate::support::app::Answer;
use crate::support::shopper::Shopper;
use crate::support::stock::{MAIN, numbers, variant};

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

/// What becomes of a key whose answer was lost: free again after a failure, or left behind by a crash and taken over.
async fn lose_answers(app: &App) {
    let mut tx = app.shop.db().write().await.unwrap();
    kassa::db::sql::execute!(tx, "delete from idempotency_keys").unwrap();
    tx.commit().await.unwrap();
}

/// Sent twice with its key, the answer lost between.
async fn twice(app: &App, token: &str, path: &str, body: &Value) -> (Value, Value) {
    let once = async || {
        let request = app.client.post(format!("{}{path}", app.url)).bearer_auth(token).header("idempotency-key", KEY);
        let answer = Answer::of(request.json(body)).await;
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.body);
        answer.body
    };
    let first = once().await;
    lose_answers(app).await;
    (first, once().await)
}

api_test! {
    async fn money_is_booked_once_for_a_key_whose_answer_was_lost(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 2, "tok-approve").await;
        for (rest, body) in [
            ("/payments-by-hand", json!({ "amount": 300, "method": "cash" })),
            ("/corrections", json!({ "amount": 200, "reason": "a fee" })),
            ("/refunds", json!({ "amount": 100, "reason": "late" })),
        ] {
            let (first, second) = twice(&app, &desk.token, &desk.path(rest), &body).await;
            assert_eq!(first, second, "{rest}");
        }
        let amounts = desk.get("").await["amounts"].clone();
        assert_eq!((&amounts["by_hand"], &amounts["corrected"]), (&json!(300), &json!(200)));
        assert_eq!(desk.get("/refunds").await.as_array().unwrap().len(), 1);
        crate::support::audit::audit(&app).await;

        let ada = app.customer("ada@example.org").await;
        let me = app.send(Method::GET, "/v1/me", Some(&ada), None).await.expect(200);
        let path = format!("/v1/admin/customers/{}/credit", me["id"].as_str().unwrap());
        let (first, second) = twice(&app, &desk.token, &path, &json!({ "amount": 500, "reason": "late" })).await;
        assert_eq!((&first["balance"], &second["balance"]), (&json!(500), &json!(500)));
        let card = json!({ "amount": 1_000, "currency": "EUR" });
        let card = app.send(Method::POST, "/v1/admin/gift-cards", Some(&desk.token), Some(card)).await.expect(201);
        let path = format!("/v1/admin/gift-cards/{}/adjustments", card["id"].as_str().unwrap());
        let (first, second) = twice(&app, &desk.token, &path, &json!({ "amount": 50, "reason": "loaded" })).await;
        assert_eq!((&first["balance"], &second["balance"]), (&json!(1_050), &json!(1_050)));
    }
}

api_test! {
    async fn a_capture_is_begun_once_for_a_key_whose_answer_was_lost(app: App) {
        let app = app.another(|config| config.payments.capture = kassa::payments::CaptureMode::ByHand).await;
        let desk = Desk::of(&app, "POT-GLASS-1L", 1, "tok-authorize").await;
        let (first, second) = twice(&app, &desk.token, &desk.path("/captures"), &json!({ "amount": 100 })).await;
        assert_eq!((&first["amounts"]["captured"], &second["amounts"]["captured"]), (&json!(100), &json!(100)));
        app.stopper().stop().await;
    }
}

api_test! {
    async fn stock_is_changed_once_for_a_key_whose_answer_was_lost(app: App) {
        let token = app.merchant().await;
        let (sku, id) = ("GRINDER-HAND", variant(&app, "GRINDER-HAND").await);
        let before = numbers(&app, sku).await.0;
        let path = format!("/v1/admin/variants/{id}/stock/{MAIN}/adjustments");
        let (first, second) = twice(&app, &token, &path, &json!({ "delta": 3, "reason": "found" })).await;
        assert_eq!((&first["on_hand"], &second["on_hand"]), (&json!(before + 3), &json!(before + 3)));
        let lines = json!([{ "sku": sku, "delta": 2 }]);
        let body = json!({ "reason": "found", "lines": lines });
        let (first, second) = twice(&app, &token, "/v1/admin/bulk/stock", &body).await;
        assert_eq!((&first["lines"][0]["after"], &second["lines"][0]["after"]), (&json!(before + 5), &json!(before + 5)));
        let near = json!({ "name": "Near" });
        let near = app.send(Method::POST, "/v1/admin/locations", Some(&token), Some(near)).await.expect(201);
        let lines = json!([{ "variant_id": id, "quantity": 1 }]);
        let body = json!({ "from_location_id": MAIN, "to_location_id": near["id"], "lines": lines });
        let (first, second) = twice(&app, &token, "/v1/admin/stock/transfers", &body).await;
        assert_eq!(first, second);
        assert_eq!(numbers(&app, sku).await.0, before + 5);
        crate::support::stock::audit(&app).await;
    }
}

api_test! {
    /// Random, so that no database can press it into an index.
    async fn a_path_without_end_names_nothing(app: App) {
        let path: String = (0..150).map(|_| kassa::id::secret()).collect();
        post(&app, &format!("/v1/carts/{path}/checkout"), KEY, &json!({})).await.problem("not-found");
    }
}
