//! What the fields of the stock, of prices and of coupons may hold: all that is wrong with a request is named at once.

use serde_json::json;

use super::imports::upload;
use crate::support::merchant::{Merchant, NOBODY, over};
use crate::support::stock::MAIN;

api_test! {
    async fn fields_of_the_stock_are_held_to_their_limits(app: App) {
        let merchant = Merchant::of(&app).await;
        let address = json!({
            "name": "", "street": "", "city": "", "region": over(100), "postcode": over(20), "phone": over(40), "country": "XX",
        });
        let of_address = ["name", "city", "region", "postcode", "phone", "street", "country"].map(|field| format!("/address/{field}"));
        let of_location: Vec<_> = ["/name", "/priority"].into_iter().chain(of_address.iter().map(String::as_str)).collect();
        let stock = format!("/v1/admin/variants/{NOBODY}/stock");
        let bulk = json!({ "reason": "", "lines": [{ "sku": "", "on_hand": -1 }, { "sku": "A", "delta": 1_000_000_001 }] });
        let goods = json!([{ "variant_id": NOBODY, "quantity": 1 }]);
        let transfer = json!({ "from_location_id": MAIN, "to_location_id": NOBODY, "lines": goods, "reason": over(200) });
        merchant.is_refused(&[
            ("POST /v1/admin/bulk/stock", json!({ "reason": "counted", "lines": [] }), &["/lines"]),
            ("POST /v1/admin/bulk/stock", bulk, &["/reason", "/lines/0/sku", "/lines/0/on_hand", "/lines/1/delta"]),
            (&format!("GET /v1/admin/stock?variant={NOBODY}&sku="), json!(null), &["variant", "sku"]),
            ("GET /v1/admin/stock?below=-1", json!(null), &["below"]),
            ("POST /v1/admin/locations", json!({ "name": "", "priority": -1, "address": address }), &of_location),
            (&format!("PATCH {stock}"), json!({ "low_stock_threshold": -1 }), &["/low_stock_threshold"]),
            (&format!("PUT {stock}/{MAIN}"), json!({ "on_hand": 1, "reason": over(200) }), &["/reason"]),
            (&format!("POST {stock}/{MAIN}/adjustments"), json!({ "delta": 1, "reason": "" }), &["/reason"]),
            ("POST /v1/admin/stock/transfers", transfer, &["/reason"]),
        ]).await;
    }
}

api_test! {
    async fn fields_of_prices_and_coupons_are_held_to_their_limits(app: App) {
        let merchant = Merchant::of(&app).await;
        let list = format!("/v1/admin/price-lists/{NOBODY}");
        let prices = json!({ "prices": [{ "variant_id": NOBODY, "amount": 1, "compare_at": -1 }] });
        let coupon = json!({ "code": "SUMMER", "description": over(500) });
        let patch = json!({ "description": over(500), "limit_total": 0, "limit_per_customer": 0 });
        merchant.is_refused(&[
            (&format!("POST {list}/prices"), prices, &["/prices/0/compare_at"]),
            (&format!("PUT {list}/prices/{NOBODY}"), json!({ "amount": 1, "compare_at": -1 }), &["/compare_at"]),
            (&format!("PATCH {list}"), json!({ "name": "", "group": "No Code" }), &["/name", "/group"]),
            (&format!("GET /v1/admin/variants/{NOBODY}/prices?group=No"), json!(null), &["group"]),
            (&format!("GET /v1/admin/coupons?cursor=x&code={}", over(64)), json!(null), &["code", "cursor"]),
            ("POST /v1/admin/coupons", coupon, &["/description"]),
            (&format!("PATCH /v1/admin/coupons/{NOBODY}"), patch, &["/description", "/limit_total", "/limit_per_customer"]),
        ]).await;
    }
}

api_test! {
    async fn a_shop_has_so_many_price_lists_and_waiting_imports(app: App) {
        let own = |config: &mut kassa::Config| (config.prices.max_lists, config.import.max_waiting) = (1, 0);
        let app = app.another(own).await;
        let merchant = Merchant::of(&app).await;
        let list = |code: &str| json!({ "code": code, "name": code, "currency": "EUR" });
        merchant.post("/v1/admin/price-lists", list("gold")).await.expect(201);
        merchant.post("/v1/admin/price-lists", list("silver")).await.problem("invalid-request");
        upload(&merchant, "format=json-lines", "application/jsonl", "{}").await.problem("too-many-imports");
        app.stopper().stop().await;
    }
}
