//! Collections by hand and by rule.

use kassa::db::sql;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::merchant::{Merchant, pointers};

const COLLECTIONS: &str = "/v1/admin/collections";

/// Slugs of what is in a collection, by position and then by alphabet. The list of products reads the same table.
async fn members(app: &App, id: &str) -> Vec<String> {
    let mut conn = app.shop.db().read().await.unwrap();
    let id = uuid::Uuid::try_parse(id).unwrap();
    let rows = sql::all!(
        conn,
        (String,),
        "select p.slug from collection_products m join products p on p.id = m.product_id
         where m.collection_id = $1 order by m.position, p.slug",
        id
    );
    rows.unwrap().into_iter().map(|(slug,)| slug).collect()
}

/// The kinds of events about something, by alphabet.
async fn events_about(app: &App, subject: &str) -> Vec<String> {
    let mut conn = app.shop.db().read().await.unwrap();
    let rows = sql::all!(conn, (String,), "select kind from events where subject = $1 order by kind", subject);
    rows.unwrap().into_iter().map(|(kind,)| kind).collect()
}

async fn product(merchant: &Merchant<'_>, body: Value) -> String {
    let made = merchant.post("/v1/admin/products", body).await.expect(201);
    format!("/v1/admin/products/{}", made["id"].as_str().unwrap())
}

api_test! {
    async fn a_collection_by_hand_keeps_its_order(app: App) {
        let merchant = Merchant::of(&app).await;
        let made = merchant.post(COLLECTIONS, json!({ "title": "Favourites" })).await;
        let location = made.headers["location"].to_str().unwrap().to_owned();
        let made = made.expect(201);
        assert_eq!((&made["slug"], &made["status"], &made["rule"]), (&json!("favourites"), &json!("draft"), &Value::Null));
        merchant.post(COLLECTIONS, json!({ "title": "x", "slug": "favourites" })).await.problem("slug-taken");
        app.get("/v1/collections/favourites").await.problem("not-found");
        merchant.patch(&location, json!({ "status": "active" })).await.expect(200);
        assert_eq!(app.get("/v1/collections/favourites").await.expect(200)["seo_title"], "Favourites");
        assert_eq!(app.get("/v1/collections").await.expect(200)["items"][0]["slug"], "favourites");

        let teas = app.get("/v1/products?category=tea").await.expect(200);
        let ids: Vec<_> = teas["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
        let products = format!("{location}/products");
        let twice = merchant.put(&products, json!({ "products": [ids[0], ids[0], made["id"]] })).await;
        assert_eq!(pointers(&twice.problem("invalid-request")), ["/products/1", "/products/2"]);
        merchant.send_if(Method::PUT, &products, "\"1\"", json!({ "products": [] })).await.problem("precondition-failed");
        let chosen = json!({ "products": [ids[2], ids[0]] });
        assert_eq!(merchant.put(&products, chosen.clone()).await.headers["etag"], "\"3\"");
        assert_eq!(merchant.get(&products).await.expect(200), chosen);
        let rule = json!({ "rule": { "match": "all", "conditions": [{ "field": "tag", "value": "a" }] } });
        assert_eq!(pointers(&merchant.patch(&location, rule).await.problem("invalid-request")), ["/rule"]);

        merchant.patch(&location, json!({ "slug": "best" })).await.expect(200);
        assert_eq!(app.get("/v1/collections/favourites").await.expect(200)["slug"], "best", "the client follows");
        merchant.delete(&location).await.expect(204);
        merchant.get(&location).await.problem("not-found");
        app.get("/v1/collections/favourites").await.problem("not-found");
    }
}

api_test! {
    async fn a_collection_by_rule_follows_its_products(app: App) {
        let merchant = Merchant::of(&app).await;
        let wrong = json!({ "title": "x", "rule": { "match": "all", "conditions": [{ "field": "price" }] } });
        assert_eq!(pointers(&merchant.post(COLLECTIONS, wrong).await.problem("invalid-request")), ["/rule/conditions/0"]);
        let towel = json!({ "title": "Towel", "tags": ["Summer  Sale"], "variants": [{ "sku": "T-1", "price": 900 }] });
        let towel = product(&merchant, towel).await;
        let rule = json!({ "match": "all", "conditions": [
            { "field": "tag", "value": "SUMMER sale" }, { "field": "price", "max": 1_000 },
        ] });
        let made = merchant.post(COLLECTIONS, json!({ "title": "Summer", "status": "active", "rule": rule })).await.expect(201);
        let id = made["id"].as_str().unwrap().to_owned();
        let path = format!("{COLLECTIONS}/{id}");
        let is = |expected: &'static [&'static str]| {
            let (app, id) = (&app, id.clone());
            async move {
                let settled = || async { (members(app, &id).await == expected).then_some(()) };
                app.eventually(&format!("the collection is {expected:?}"), settled).await;
            }
        };
        is(&["towel"]).await;

        // In the transaction of the change: without waiting.
        let hat = json!({ "title": "Hat", "tags": ["summer sale"], "variants": [{ "sku": "H-1", "price": 1_000 }] });
        let hat = product(&merchant, hat).await;
        assert_eq!(members(&app, &id).await, ["hat", "towel"]);
        merchant.patch(&towel, json!({ "tags": [] })).await.expect(200);
        assert_eq!(members(&app, &id).await, ["hat"]);
        let read = merchant.get(&hat).await.expect(200);
        let variant = format!("/v1/admin/variants/{}", read["variants"][0]["id"].as_str().unwrap());
        merchant.patch(&variant, json!({ "price": 1_001 })).await.expect(200);
        assert_eq!(members(&app, &id).await, [""; 0]);
        merchant.patch(&variant, json!({ "price": 1 })).await.expect(200);
        merchant.delete(&hat).await.expect(204);
        assert_eq!(members(&app, &id).await, [""; 0], "archived");

        // By the worker: another rule, and the tree.
        let tea = app.get("/v1/categories/tea").await.expect(200)["id"].clone();
        let of_tea = json!({ "match": "any", "conditions": [{ "field": "category", "value": tea }] });
        merchant.patch(&path, json!({ "rule": of_tea })).await.expect(200);
        let settled = || async { (members(&app, &id).await.len() == 4).then_some(()) };
        app.eventually("the four teas", settled).await;
        let black = app.get("/v1/categories/black-tea").await.expect(200)["id"].as_str().unwrap().to_owned();
        merchant.patch(&format!("/v1/admin/categories/{black}"), json!({ "parent_id": null })).await.expect(200);
        is(&["jasmine-green", "sencha"]).await;
        merchant.get(&format!("{path}/products")).await.problem("collection-by-rule");
    }
}

api_test! {
    async fn a_product_tells_what_becomes_of_it(app: App) {
        let merchant = Merchant::of(&app).await;
        let towel = product(&merchant, json!({ "title": "Towel", "status": "active" })).await;
        merchant.patch(&towel, json!({ "title": "Bath towel" })).await.expect(200);
        merchant.delete(&towel).await.expect(204);
        merchant.patch(&towel, json!({ "vendor": "x" })).await.expect(200);
        let kinds = events_about(&app, towel.rsplit('/').next().unwrap()).await;
        assert_eq!(kinds, ["product.archived", "product.created", "product.updated", "product.updated", "product.updated"]);
    }
}
