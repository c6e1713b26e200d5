//! What an order keeps of the plugins that were asked for it, and what `order verify` makes of that.

use kassa::Shop;
use kassa::carts::FallbackRate;
use kassa::db::sql;
use kassa::orders::receipts;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::Answer;
use crate::support::components::HOSTILE;
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;

fn receipt_of(order: &Value) -> String {
    format!("/v1/admin/orders/{}/receipt", order["id"].as_str().unwrap())
}

async fn verified(shop: &Shop, order: &Value) -> Result<(), String> {
    let order = kassa::orders::get_by_number(shop, order["number"].as_i64().unwrap()).await.unwrap();
    receipts::verify(shop, &order).await.map_err(|error| error.to_string())
}

api_test! {
    /// Of each plugin that was asked: which it was, under which settings, what it cost; pricing first, then delivery.
    async fn a_receipt_tells_who_was_asked_what(app: App) {
        let clerk = app.staff(&["orders"]).await;
        let order = Shopper::ready(&app, "FILTER-PAPER-100", 12).await.check_out("tok-approve").await.expect(201);
        let receipt = app.send(Method::GET, &receipt_of(&order), Some(&clerk), None).await.expect(200);
        assert_eq!(receipt.as_array().unwrap().len(), 2, "{receipt}");
        let (priced, delivered) = (&receipt[0], &receipt[1]);
        assert_eq!((&priced["domain"], &delivered["domain"]), (&json!("pricing"), &json!("delivery")));
        assert_eq!(priced["digest"], order["priced_by"][0]["digest"]);
        assert_eq!(priced["input"]["lines"][0]["quantity"], 12);
        assert_eq!(delivered["input"]["items"][0]["quantity"], 12);
        assert_eq!(delivered["input"]["now"], priced["input"]["now"], "one moment for all");
        assert_eq!(delivered["plugin"], order["delivery"]["plugin"]);
        for receipt in [priced, delivered] {
            assert_eq!((&receipt["generation"], &receipt["log"]), (&json!(1), &json!([])), "{receipt}");
            assert!(receipt["fuel"].as_i64().unwrap() > 0, "{receipt}");
            assert!(receipt["memory_bytes"].as_i64().unwrap() >= 65_536, "{receipt}");
        }
        verified(&app.shop, &order).await.unwrap();
    }
}

/// Does something to the database, asks whether the order is what its receipts derive, and takes it back.
macro_rules! altered {
    ($app:ident, $order:ident, $alter:literal, $undo:literal, $expected:literal) => {{
        let id: uuid::Uuid = $order["id"].as_str().unwrap().parse().unwrap();
        let mut tx = $app.shop.db().write().await.unwrap();
        sql::execute!(tx, $alter, id).unwrap();
        tx.commit().await.unwrap();
        let found = verified(&$app.shop, &$order).await.expect_err($alter);
        assert!(found.contains($expected), "{}: {found}", $alter);
        let mut tx = $app.shop.db().write().await.unwrap();
        sql::execute!(tx, $undo, id).unwrap();
        tx.commit().await.unwrap();
        verified(&$app.shop, &$order).await.expect($undo);
    }};
}

api_test! {
    /// No plugin priced the delivery: the static rates of that time did, and the receipt has them.
    async fn the_static_rates_that_stood_in_have_a_receipt_too(app: App) {
        let rate = FallbackRate {
            code: "standard".into(), label: "Whatever happens".into(), amount: 7_77, currency: None, countries: Vec::new(),
        };
        let app = app.restart_with(move |config| {
            config.plugins.limits.delivery.answer_bytes = 1;
            config.carts.fallback_delivery = vec![rate];
        }).await;
        let merchant = Merchant::of(&app).await;
        let order = Shopper::ready(&app, "FILTER-PAPER-100", 1).await.check_out("tok-approve").await.expect(201);
        assert_eq!((&order["delivery"]["plugin"], &order["delivery"]["amount"]), (&json!("fallback"), &json!(7_77)));
        let receipt = merchant.get(&receipt_of(&order)).await.expect(200);
        let of_delivery = &receipt[1];
        assert_eq!((&of_delivery["plugin"], &of_delivery["digest"]), (&json!("fallback"), &json!("")), "{receipt}");
        assert_eq!(of_delivery["settings"][0]["amount"], 7_77);
        verified(&app.shop, &order).await.unwrap();
        altered!(app, order,
            "update order_receipts set settings = replace(settings, '777', '778') where order_id = $1 and domain = 'delivery'",
            "update order_receipts set settings = replace(settings, '778', '777') where order_id = $1 and domain = 'delivery'",
            "fallback");
        // Other rates later change nothing about it.
        let app = app.restart_with(|config| config.carts.fallback_delivery = Vec::new()).await;
        verified(&app.shop, &order).await.unwrap();
    }
}

api_test! {
    /// A shopper has the only place of the plugin: that says nothing about the order.
    async fn verifying_waits_for_a_place(app: App) {
        let shop = app.another(|config| {
            let limits = &mut config.plugins.limits.pricing;
            (limits.concurrent_calls, limits.wait_ms) = (1, 1);
            (limits.cpu_ms, limits.wall_ms, limits.fuel) = (1_000, 60_000, 1 << 40);
        });
        let shop = shop.await;
        let merchant = Merchant::of(&shop).await;
        let request = shop.client.post(format!("{}/v1/admin/plugins", shop.url)).bearer_auth(&merchant.token);
        Answer::of(request.header("content-type", "application/wasm").body(HOSTILE.clone())).await.expect(201);
        let bind = async |mode: &str| {
            let settings = json!({ "mode": mode, "spare_probe": true });
            let body = json!({ "plugins": [{ "name": "hostile-pricing", "settings": settings }] });
            merchant.put("/v1/admin/bindings/pricing", body).await.expect(200);
        };
        bind("ok").await;
        let order = Shopper::ready(&shop, "FILTER-PAPER-100", 1).await.check_out("tok-approve").await.expect(201);
        let shopper = Shopper::guest(&shop).await;
        shopper.add("FILTER-PAPER-100", 1).await.expect(200);
        bind("loop").await;
        let looks = shopper.send(Method::GET, "", None);
        let verifies = async {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            verified(&shop.shop, &order).await
        };
        let (looked, verified) = tokio::join!(looks, verifies);
        looked.problem("pricing-unavailable");
        verified.unwrap();
        shop.stopper().stop().await;
    }
}
