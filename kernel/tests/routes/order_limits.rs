//! What the fields of carts, orders and what becomes of them may hold: all that is wrong with a request is named at once.

use reqwest::Method;
use serde_json::{Value, json};

use super::fulfilment::Packer;
use crate::support::merchant::{Merchant, NOBODY, over};
use crate::support::shopper::address;

fn lines(count: u32) -> Vec<Value> {
    (0..count).map(|line| json!({ "line": line, "quantity": 1 })).collect()
}

api_test! {
    async fn fields_of_carts_and_checkouts_are_held_to_their_limits(app: App) {
        let merchant = Merchant::of(&app).await;
        let note = over(app.shop.config().carts.max_note_chars as usize);
        let cart = format!("/v1/carts/{NOBODY}");
        let checkout = json!({ "expected_total": 0, "expected_due": -1, "payment_token": "", "payment_method": "no colon" });
        merchant.is_refused(&[
            (&format!("POST {cart}/lines"), json!({ "sku": "", "quantity": 1, "note": note }), &["/sku", "/note"]),
            (&format!("PATCH {cart}/lines/{NOBODY}"), json!({ "note": note }), &["/note"]),
            (&format!("POST {cart}/changes/acknowledge"), json!({ "expected_total": -1 }), &["/expected_total"]),
            (&format!("POST {cart}/checkout"), checkout, &["/expected_due", "/payment_token", "/payment_method"]),
        ]).await;
    }
}

api_test! {
    async fn fields_of_orders_are_held_to_their_limits(app: App) {
        let merchant = Merchant::of(&app).await;
        let (order, desk) = (format!("/v1/orders/{NOBODY}"), format!("/v1/admin/orders/{NOBODY}"));
        let payment = json!({ "payment_method": "payment-emulator:card", "payment_token": "", "expected_amount": 0 });
        let lookup = json!({ "number": 0, "email": "nobody", "code": "" });
        let edit = |reason: String| json!({ "reason": reason, "lines": [{ "sku": "", "quantity": 1 }] });
        merchant.is_refused(&[
            (&format!("POST {order}/payments"), payment, &["/expected_amount", "/payment_token"]),
            ("POST /v1/orders/lookup/confirm", lookup, &["/number", "/email", "/code"]),
            (&format!("POST {order}/edits"), json!({ "expected_total": -1, "lines": lines(1_001) }), &["/expected_total", "/lines"]),
            (&format!("POST {desk}/edits"), edit(" ".into()), &["/expected_total", "/reason", "/lines/0/sku"]),
            (&format!("POST {desk}/edits"), edit(over(500)), &["/expected_total", "/reason", "/lines/0/sku"]),
            (&format!("POST {desk}/refunds"), json!({ "reason": "broken", "lines": lines(1_001) }), &["/lines"]),
        ]).await;
    }
}

api_test! {
    async fn fields_of_drafts_are_held_to_their_limits(app: App) {
        let merchant = Merchant::of(&app).await;
        let mut nowhere = address();
        nowhere["country"] = json!("XX");
        let mut goods = vec![json!({ "sku": "TEA-SENCHA-100", "quantity": 1 }); 201];
        goods[0]["sku"] = json!("");
        let mut coupons = vec!["CODE"; 11];
        coupons[0] = "";
        let draft = json!({
            "address": nowhere, "billing_address": nowhere, "coupons": coupons, "note": over(2_000), "lines": goods,
        });
        let wrong = &["/address/country", "/billing_address/country", "/coupons", "/coupons/0", "/note", "/lines", "/lines/0/sku"][..];
        let path = format!("/v1/admin/drafts/{NOBODY}");
        let complete = json!({ "expected_total": -1, "paid": { "method": "", "reference": over(200) } });
        merchant.is_refused(&[
            ("POST /v1/admin/drafts", draft.clone(), wrong),
            (&format!("PATCH {path}"), draft, wrong),
            (&format!("POST {path}/complete"), complete, &["/expected_total", "/paid/method", "/paid/reference"]),
            (&format!("POST {path}/send"), json!({ "expected_total": -1 }), &["/expected_total"]),
        ]).await;
    }
}

api_test! {
    async fn fields_of_returns_and_prepaid_money_are_held_to_their_limits(app: App) {
        let merchant = Merchant::of(&app).await;
        let one = json!({ "line": 0, "quantity": 1, "reason": "damaged", "note": over(500) });
        let (cards, back) = ("/v1/admin/gift-cards", format!("/v1/admin/returns/{NOBODY}"));
        let card = json!({ "amount": 100, "currency": "EUR", "note": over(500) });
        let nothing = json!({ "amount": 0, "reason": "" });
        let change = &["/amount", "/reason"][..];
        merchant.is_refused(&[
            (&format!("POST /v1/orders/{NOBODY}/returns"), json!({ "lines": [one, one] }), &["/lines", "/lines/0/note", "/lines/1/note"]),
            (&format!("POST {back}/receive"), json!({ "lines": [] }), &["/lines"]),
            (&format!("POST {back}/refund"), json!({ "delivery": 0, "reason": "" }), &["/delivery", "/reason"]),
            (&format!("POST {cards}"), card, &["/note"]),
            (&format!("PATCH {cards}/{NOBODY}"), json!({ "note": over(500) }), &["/note"]),
            (&format!("POST {cards}/{NOBODY}/adjustments"), nothing.clone(), change),
            (&format!("POST /v1/admin/customers/{NOBODY}/credit"), nothing, change),
            ("POST /v1/gift-cards/balance", json!({ "code": "" }), &["/code"]),
        ]).await;
    }
}

api_test! {
    /// As in `money`, for what is not a movement by hand: the lists of an order's money have an end.
    async fn nobody_moves_money_for_ever(app: App) {
        let app = app.another(|config| config.payments.max_movements = 4).await;
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 2)]).await;
        packer.on_order("corrections", json!({ "amount": 1, "reason": "x" })).await.expect(201);
        let order = format!("/v1/orders/{}", packer.order["id"].as_str().unwrap());
        let rest = json!({ "payment_method": "payment-emulator:card", "payment_token": "tok-approve", "expected_amount": 1 });
        app.post(&format!("{order}/payments"), rest).await.problem("order-state");
        packer.on_order(&format!("refunds/{NOBODY}/retry"), json!(null)).await.problem("order-state");
        let mut edit = json!({ "email": "eve@example.org" });
        let shown = packer.on_order("edits/preview", edit.clone()).await.expect(200);
        (edit["expected_total"], edit["reason"]) = (shown["order"]["total"].clone(), json!("they called"));
        packer.on_order("edits", edit.clone()).await.problem("order-state");

        packer.on_order("ship", json!(null)).await.expect(200);
        packer.on_order("edits/preview", edit).await.problem("order-state");
        let back = json!({ "lines": [{ "line": 0, "quantity": 1, "reason": "damaged" }] });
        let wanted = app.post(&format!("{order}/returns"), back).await.expect(201);
        let on_return = async |rest: &str, body: Value| {
            packer.send(Method::POST, &format!("returns/{}/{rest}", wanted["id"].as_str().unwrap()), body).await
        };
        on_return("approve", json!(null)).await.expect(200);
        on_return("receive", json!({ "lines": [{ "line": 0, "quantity": 1, "restock": true }] })).await.expect(200);
        on_return("refund", json!({})).await.problem("order-state");
        app.stopper().stop().await;
    }
}
