//! Prices and stock of many variants, changed at once.

use kassa::db::sql;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::merchant::{Merchant, pointers};
use crate::support::stock::{MAIN, audit, numbers, reserve, told, variant};

async fn prices(merchant: &Merchant<'_>, body: Value) -> Value {
    merchant.post("/v1/admin/bulk/prices", body).await.expect(200)
}

async fn price(app: &App, sku: &str) -> i64 {
    let mut conn = app.shop.db().read().await.unwrap();
    sql::one!(conn, (i64,), "select price from variants where sku = $1", sku).unwrap().0
}

api_test! {
    async fn prices_change_together_and_are_told_once_a_product(app: App) {
        let merchant = Merchant::of(&app).await;
        let variants = json!([{ "sku": "A", "price": 995 }, { "sku": "B", "price": 500 }, { "sku": "C", "price": 700 }]);
        let made = json!({ "title": "Three", "slug": "three", "status": "active", "variants": variants });
        merchant.post("/v1/admin/products", made).await.expect(201);
        let lines = json!([
            { "sku": "A", "percent_bp": -1000 },
            { "variant_id": variant(&app, "B").await, "add": -20 },
            { "sku": "C", "price": 700 },
            { "sku": "TEA-SENCHA-100", "price": 100 },
        ]);
        let before = told(&app, "product.updated").await;
        let dry = prices(&merchant, json!({ "dry_run": true, "lines": lines })).await;
        assert_eq!((price(&app, "A").await, told(&app, "product.updated").await), (995, before));
        let done = prices(&merchant, json!({ "lines": lines })).await;
        assert_eq!(dry["lines"], done["lines"], "a dry run says what a real one does");
        let after: Vec<_> = done["lines"].as_array().unwrap().iter().map(|line| (&line["before"], &line["after"])).collect();
        assert_eq!(after[..3], [(&json!(995), &json!(896)), (&json!(500), &json!(480)), (&json!(700), &json!(700))]);
        assert_eq!((price(&app, "A").await, price(&app, "B").await, price(&app, "TEA-SENCHA-100").await), (896, 480, 100));
        assert_eq!(told(&app, "product.updated").await, before + 2);
        assert_eq!(app.get("/v1/products/three").await.expect(200)["variants"][0]["price"], 896);
        prices(&merchant, json!({ "lines": [{ "sku": "A", "price": 896 }] })).await;
        assert_eq!(told(&app, "product.updated").await, before + 2, "what is so already is left alone");
        let rounded = prices(&merchant, json!({ "round_to": 50, "lines": [{ "sku": "A", "percent_bp": 1000 }] })).await;
        assert_eq!(rounded["lines"][0]["after"], 1000);
    }
}

api_test! {
    async fn what_variants_cost_before_changes_with_their_prices(app: App) {
        let merchant = Merchant::of(&app).await;
        let variants = json!([{ "sku": "A", "price": 1000 }, { "sku": "B", "price": 500, "compare_at_price": 900 }]);
        let made = json!({ "title": "Two", "slug": "two", "status": "active", "variants": variants });
        merchant.post("/v1/admin/products", made).await.expect(201);
        let lines = json!([{ "sku": "A", "percent_bp": -1000, "compare_at_price": 1000 }, { "sku": "B", "compare_at_price": null }]);
        let before = told(&app, "product.updated").await;
        let done = prices(&merchant, json!({ "lines": lines })).await;
        let compared: Vec<_> =
            done["lines"].as_array().unwrap().iter().map(|line| (&line["after"], &line["compare_at_before"], &line["compare_at_after"])).collect();
        assert_eq!(compared, [(&json!(900), &Value::Null, &json!(1000)), (&json!(500), &json!(900), &Value::Null)]);
        let page = app.get("/v1/products/two").await.expect(200);
        let shown: Vec<_> = page["variants"].as_array().unwrap().iter().map(|it| (&it["price"], &it["compare_at_price"])).collect();
        assert_eq!(shown, [(&json!(900), &json!(1000)), (&json!(500), &Value::Null)]);
        assert_eq!(told(&app, "product.updated").await, before + 1);
        // A price alone leaves what it cost before, and what is so already is left alone.
        let kept = prices(&merchant, json!({ "lines": [{ "sku": "A", "price": 900 }, { "sku": "B", "compare_at_price": null }] })).await;
        assert_eq!(kept["lines"][0]["compare_at_after"], 1000);
        assert_eq!(told(&app, "product.updated").await, before + 1);
        let lines = json!([{ "sku": "A", "price": 1, "add": 1, "compare_at_price": 2 }, { "sku": "B", "compare_at_price": -1 }]);
        let refused = merchant.post("/v1/admin/bulk/prices", json!({ "lines": lines })).await.problem("invalid-request");
        assert_eq!(pointers(&refused), ["/lines/0", "/lines/1/compare_at_price"]);
    }
}

api_test! {
    async fn one_price_that_cannot_be_changes_none(app: App) {
        let app = app.another(|config| config.catalog.max_bulk_lines = 4).await;
        let merchant = Merchant::of(&app).await;
        let before = price(&app, "TEA-SENCHA-100").await;
        let refused = async |lines: Value| {
            let problem = merchant.post("/v1/admin/bulk/prices", json!({ "lines": lines })).await.problem("invalid-request");
            pointers(&problem).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let fine = json!({ "sku": "TEA-SENCHA-100", "price": 1 });
        assert_eq!(refused(json!([fine, { "sku": "NONE", "price": 1 }])).await, ["/lines/1/sku"]);
        assert_eq!(refused(json!([fine, { "sku": "TEA-SENCHA-100", "add": 1 }])).await, ["/lines/1/sku"]);
        assert_eq!(refused(json!([{ "sku": "TEA-SENCHA-100", "add": -1_000_000 }])).await, ["/lines/0"]);
        assert_eq!(refused(json!([fine, { "price": 1 }, { "sku": "x" }, { "sku": "x", "price": -1 }])).await, ["/lines/1", "/lines/2", "/lines/3/price"]);
        assert_eq!(refused(json!([])).await, ["/lines"]);
        assert_eq!(refused(json!([fine, fine, fine, fine, fine])).await, ["/lines"]);
        assert_eq!(price(&app, "TEA-SENCHA-100").await, before);
        app.stopper().stop().await;
    }
}

api_test! {
    async fn stock_changes_together_with_its_reason(app: App) {
        let merchant = Merchant::of(&app).await;
        let shop = merchant.post("/v1/admin/locations", json!({ "name": "Shop", "priority": 3 })).await.expect(201);
        let (sencha, before) = (variant(&app, "TEA-SENCHA-100").await, numbers(&app, "TEA-SENCHA-100").await.0);
        let lines = json!([
            { "sku": "TEA-SENCHA-100", "delta": -3 },
            { "variant_id": sencha, "location_id": shop["id"], "on_hand": 4 },
            { "sku": "TEA-EARL-GREY-100", "on_hand": 12 },
        ]);
        let body = json!({ "reason": "moved by hand", "lines": lines, "dry_run": true });
        let dry = merchant.post("/v1/admin/bulk/stock", body.clone()).await.expect(200);
        assert_eq!(numbers(&app, "TEA-SENCHA-100").await.0, before);
        let body = json!({ "reason": "moved by hand", "lines": lines });
        let done = merchant.post("/v1/admin/bulk/stock", body.clone()).await.expect(200);
        assert_eq!(done["lines"], dry["lines"]);
        assert_eq!((&done["lines"][0]["before"], &done["lines"][0]["after"]), (&json!(before), &json!(before - 3)));
        assert_eq!((&done["lines"][1]["before"], &done["lines"][1]["after"]), (&json!(0), &json!(4)));
        assert_eq!(done["lines"][0]["location_id"], MAIN);
        assert_eq!((numbers(&app, "TEA-SENCHA-100").await.0, numbers(&app, "TEA-EARL-GREY-100").await.0), (before + 1, 12));
        let mut conn = app.shop.db().read().await.unwrap();
        let reasons = sql::all!(conn, (String, i64), "select kind, count(*) from stock_movements where reason = 'moved by hand' group by kind order by kind");
        assert_eq!(reasons.unwrap(), [("adjustment".to_owned(), 1), ("count".to_owned(), 2)]);
        drop(conn);
        audit(&app).await;
    }
}

api_test! {
    async fn one_stock_that_cannot_be_changes_none(app: App) {
        let merchant = Merchant::of(&app).await;
        reserve(&app, 1, "TEA-SENCHA-100", 2, false).await.unwrap();
        let before = (numbers(&app, "TEA-SENCHA-100").await, numbers(&app, "TEA-EARL-GREY-100").await);
        let refused = async |lines: Value| {
            let body = json!({ "reason": "count", "lines": lines });
            let problem = merchant.post("/v1/admin/bulk/stock", body).await.problem("invalid-request");
            pointers(&problem).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let fine = json!({ "sku": "TEA-EARL-GREY-100", "on_hand": 1 });
        assert_eq!(refused(json!([fine, { "sku": "TEA-SENCHA-100", "on_hand": 1 }])).await, ["/lines/1/on_hand"]);
        assert_eq!(refused(json!([fine, { "sku": "TEA-SENCHA-100", "delta": -1_000_000 }])).await, ["/lines/1/delta"]);
        assert_eq!(refused(json!([fine, { "sku": "NONE", "delta": 1 }])).await, ["/lines/1/sku"]);
        assert_eq!(refused(json!([fine, fine])).await, ["/lines/1"]);
        let nowhere = json!({ "sku": "TEA-SENCHA-100", "delta": 1, "location_id": "00000000-0000-7000-8000-000000000009" });
        assert_eq!(refused(json!([fine, nowhere])).await, ["/lines/1/location_id"]);
        assert_eq!(refused(json!([fine, { "sku": "TEA-SENCHA-100" }])).await, ["/lines/1"]);
        assert_eq!((numbers(&app, "TEA-SENCHA-100").await, numbers(&app, "TEA-EARL-GREY-100").await), before);
        audit(&app).await;
    }
}
