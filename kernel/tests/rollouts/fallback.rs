//! What stands in where a plugin in force fails, as the shop declares it.

use kassa::plugins::{DeliveryFallback, PricingFallback};
use serde_json::{Value, json};

use super::{BINDING, upload};
use crate::support::components::HOSTILE;
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;

/// Puts the hostile plugin in force in a mode.
async fn bind(merchant: &Merchant<'_>, mode: &str) -> Value {
    let settings = json!({ "mode": mode, "spare_probe": true });
    merchant.put(BINDING, json!({ "plugins": [{ "name": "hostile-pricing", "settings": settings }] })).await.expect(200)
}

api_test! {
    async fn the_last_good_version_prices_where_the_shop_wants_it(app: App) {
        let merchant = Merchant::of(&app).await;
        upload(&merchant, &HOSTILE).await;
        bind(&merchant, "flat-off-10").await;
        bind(&merchant, "trap").await;
        let cart = Shopper::guest(&app).await;
        cart.add("TEA-SENCHA-100", 1).await.problem("pricing-unavailable");

        let app = app.restart_with(|config| config.plugins.fallback.pricing = PricingFallback::LastGoodVersion).await;
        let merchant = Merchant::of(&app).await;
        let ten_off = |quantity: i64| quantity * 12_50 - 10;
        let cart = Shopper::guest(&app).await;
        assert_eq!(cart.add("TEA-SENCHA-100", 1).await.expect(200)["total"], ten_off(1), "loaded at the start");
        let order = Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-approve").await.expect(201);
        let id = order["id"].as_str().unwrap();
        let receipt = merchant.get(&format!("/v1/admin/orders/{id}/receipt")).await.expect(200);
        let priced = receipt.as_array().unwrap().iter().find(|call| call["domain"] == "pricing").unwrap();
        assert_eq!(priced["generation"], 2, "{receipt}");
        let details = kassa::orders::get_any(&app.shop, id.parse().unwrap()).await.unwrap();
        let verified = kassa::orders::receipts::verify(&app.shop, &details.order).await;
        assert!(verified.is_ok(), "{verified:?}");
        // A refusal in the words of the contract is an answer.
        bind(&merchant, "error").await;
        cart.send(reqwest::Method::GET, "", None).await.problem("pricing-unavailable");
        // What was gone back from is not good: before the demo's plugins there was nothing.
        merchant.post(&format!("{BINDING}/rollback?generation=1"), Value::Null).await.expect(200);
        bind(&merchant, "trap").await;
        assert_eq!(cart.show().await["total"], 12_50, "as the demo's plugins say");
        merchant.post(&format!("{BINDING}/rollback?generation=3"), Value::Null).await.expect(200);
        assert_eq!(cart.show().await["total"], ten_off(1), "before generation 3 was 2");
    }
}

api_test! {
    async fn no_table_stands_in_for_a_delivery_that_is_to_fail_closed(app: App) {
        for (fallback, expected) in [(DeliveryFallback::StaticTable, 1), (DeliveryFallback::FailClosed, 0)] {
            let app = app.restart_with(move |config| {
                config.plugins.fallback.delivery = fallback;
                config.plugins.limits.delivery.answer_bytes = 1;
                config.carts.fallback_delivery = vec![serde_json::from_value(json!({ "code": "flat", "label": "Flat", "amount": 5_00 })).unwrap()];
            }).await;
            let cart = Shopper::guest(&app).await;
            cart.add("TEA-SENCHA-100", 1).await.expect(200);
            cart.put("address", crate::support::shopper::address()).await.expect(200);
            let options = cart.send(reqwest::Method::GET, "/delivery-options", None).await.expect(200);
            assert_eq!(options.as_array().unwrap().len(), expected, "{fallback:?}: {options}");
        }
    }
}
