//! Lists by what the merchant's own model says: attributes, tags, collections, languages, availability.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::merchant::{Merchant, pointers};
use crate::support::stock;

const TYPES: &str = "/v1/admin/product-types";

/// Roast and organic are filters of beans, caffeine and harvest with an order; grind is the variants' own; note is no filter.
fn beans() -> Value {
    let attribute = |code: &str, kind: &str| json!({ "code": code, "name": code, "kind": kind, "filterable": true });
    let mut roast = attribute("roast", "choice");
    roast["choices"] = json!([{ "code": "light", "name": "Cinnamon" }, { "code": "dark", "name": "Vienna" }]);
    let mut caffeine = attribute("caffeine", "number");
    (caffeine["unit"], caffeine["decimals"]) = (json!("mg"), json!(1));
    let mut grind = attribute("grind", "text");
    grind["level"] = json!("variant");
    let mut note = attribute("note", "text");
    note["filterable"] = json!(false);
    let attributes = [roast, caffeine, attribute("organic", "boolean"), attribute("harvest", "date"), grind, note];
    json!({ "code": "beans", "name": "Beans", "attributes": attributes })
}

/// Three coffees, made in this order.
async fn stock_up(merchant: &Merchant<'_>) -> Vec<String> {
    merchant.post(TYPES, beans()).await.expect(201);
    let coffee = |title: &str, attributes: Value, grinds: &[&str], tags: Value| {
        let variant = |(index, grind): (usize, &&str)| json!({ "sku": format!("{title}-{index}"), "price": 990, "on_hand": 9, "attributes": { "grind": grind } });
        let variants: Vec<_> = grinds.iter().enumerate().map(variant).collect();
        json!({
            "title": title, "status": "active", "vendor": "Roaster", "product_type": "beans", "attributes": attributes,
            "tags": tags, "variants": variants,
        })
    };
    let mut ids = Vec::new();
    for body in [
        coffee(
            "Guji",
            json!({ "roast": "light", "caffeine": 80, "organic": true, "harvest": "2025-12-31" }),
            &["fine", "coarse"],
            json!(["Fruity", "gift"]),
        ),
        coffee(
            "Mandheling",
            json!({ "roast": "dark", "caffeine": 125, "organic": false, "note": "Cedar" }),
            &["fine"],
            json!(["gift"]),
        ),
        coffee("Santos", json!({ "roast": "dark", "caffeine": 200, "harvest": "2026-02-28" }), &["whole"], json!([])),
    ] {
        let made = merchant.post("/v1/admin/products", body).await.expect(201);
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    ids
}

async fn page(app: &App, query: &str) -> Value {
    app.get(&format!("/v1/products?{query}")).await.expect(200)
}

async fn found(app: &App, query: &str) -> Vec<String> {
    let page = page(app, query).await;
    page["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

fn counts(facet: &Value) -> Vec<(&str, i64)> {
    let values = facet.as_array().unwrap().iter();
    values.map(|count| (count["value"].as_str().unwrap(), count["products"].as_i64().unwrap())).collect()
}

fn attribute<'a>(page: &'a Value, code: &str) -> &'a Value {
    let attributes = page["facets"]["attributes"].as_array().unwrap();
    attributes.iter().find(|attribute| attribute["code"] == code).unwrap_or(&Value::Null)
}

api_test! {
    async fn lists_are_filtered_by_attributes_and_tags(app: App) {
        let merchant = Merchant::of(&app).await;
        stock_up(&merchant).await;
        for (query, expected) in [
            ("attribute.roast=dark", &["Santos", "Mandheling"][..]),
            ("attribute.roast=dark&attribute.roast=light", &["Santos", "Mandheling", "Guji"]),
            ("attribute.roast=dark&attribute.organic=false", &["Mandheling"]),
            ("attribute.roast=Dark", &[]),
            ("attribute.grind=coarse", &["Guji"]),
            ("attribute.caffeine.min=80&attribute.caffeine.max=125", &["Mandheling", "Guji"]),
            ("attribute.caffeine.min=81", &["Santos", "Mandheling"]),
            ("attribute.caffeine=200", &["Santos"]),
            ("attribute.caffeine.max=79", &[]),
            ("attribute.harvest.min=2026-01-01", &["Santos"]),
            ("attribute.harvest.max=2025-12-31", &["Guji"]),
            ("attribute.note=Cedar", &[]),
            ("attribute.colour=red", &[]),
            ("tag=GIFT", &["Mandheling", "Guji"]),
            ("tag=gift&attribute.roast=light&sort=title", &["Guji"]),
            ("q=roaster&attribute.roast=dark&sort=title&limit=1", &["Mandheling"]),
            // Choices, texts and tags are words too.
            ("q=vienna", &["Santos", "Mandheling"]),
            ("q=cedar", &["Mandheling"]),
            ("q=fruity", &["Guji"]),
        ] {
            assert_eq!(found(&app, query).await, expected, "{query}");
        }
        for (query, pointer) in [
            ("attribute.Roast=x", "attribute.Roast"),
            ("attribute.caffeine.min=much", "attribute.caffeine.min"),
            ("attribute.caffeine.least=1", "attribute.caffeine.least"),
            ("sort=position", "sort"),
            ("collection=A", "collection"),
        ] {
            let problem = app.get(&format!("/v1/products?{query}")).await.problem("invalid-request");
            assert_eq!(pointers(&problem), [pointer], "{query}");
        }
        app.get("/v1/products?attributes.roast=dark").await.problem("malformed-request");
        let many = ["attribute.roast=dark"; 51].join("&");
        let problem = app.get(&format!("/v1/products?{many}")).await.problem("invalid-request");
        assert_eq!(pointers(&problem), ["attribute"]);
    }
}

api_test! {
    async fn attributes_are_counted_without_their_own_filter(app: App) {
        let merchant = Merchant::of(&app).await;
        stock_up(&merchant).await;
        let all = page(&app, "vendor=Roaster&facets=true&limit=1").await;
        let roast = attribute(&all, "roast");
        assert_eq!(counts(&roast["values"]), [("dark", 2), ("light", 1)]);
        assert_eq!((&roast["values"][0]["label"], &roast["range"]), (&json!("Vienna"), &Value::Null));
        let codes: Vec<_> = all["facets"]["attributes"].as_array().unwrap().iter().map(|counts| &counts["code"]).collect();
        assert_eq!(codes, ["roast", "caffeine", "organic", "harvest", "grind"], "in the order of the type, note apart");
        assert_eq!(attribute(&all, "caffeine")["range"], json!({ "min": 80, "max": 200, "products": 3 }));
        assert_eq!((counts(&attribute(&all, "caffeine")["values"]), &attribute(&all, "caffeine")["unit"]), (vec![], &json!("mg")));
        assert_eq!(attribute(&all, "harvest")["range"], json!({ "min": "2025-12-31", "max": "2026-02-28", "products": 2 }));
        assert_eq!(counts(&attribute(&all, "grind")["values"]), [("fine", 2), ("coarse", 1), ("whole", 1)]);
        assert_eq!(counts(&all["facets"]["tags"]), [("gift", 2), ("fruity", 1)]);

        let dark = page(&app, "attribute.roast=dark&attribute.caffeine.max=150&facets=true").await;
        assert_eq!(dark["facets"]["total"], 1);
        assert_eq!(counts(&attribute(&dark, "roast")["values"]), [("dark", 1), ("light", 1)], "up to 150, of any roast");
        assert_eq!(attribute(&dark, "caffeine")["range"], json!({ "min": 125, "max": 200, "products": 2 }), "dark, of any strength");
        assert_eq!(counts(&attribute(&dark, "grind")["values"]), [("fine", 1)]);
    }
}

api_test! {
    async fn a_change_of_the_type_is_found_in_a_moment(own: App) {
        let app = own.another(|config| config.catalog.locales = vec!["ru".into()]).await;
        let stop = app.stopper();
        let merchant = Merchant::of(&app).await;
        let ids = stock_up(&merchant).await;
        assert_eq!(found(&app, "q=zinnober").await, [""; 0]);
        let mut renamed = beans()["attributes"].clone();
        renamed[0]["choices"][1]["name"] = json!("Zinnober");
        renamed[1]["filterable"] = json!(false);
        merchant.patch(&format!("{TYPES}/beans"), json!({ "attributes": renamed })).await.expect(200);
        let indexed = || async { (found(&app, "q=zinnober").await == ["Santos", "Mandheling"]).then_some(()) };
        app.eventually("the new name of a choice is found", indexed).await;
        assert_eq!(found(&app, "attribute.caffeine=200").await, [""; 0], "it is no filter any more");

        let put = async |entity: &str, id: &str, texts: Value| {
            merchant.put(&format!("/v1/admin/translations/{entity}/{id}/ru"), json!({ "texts": texts })).await.expect(204);
        };
        put("product-type", "beans", json!({ "attributes.roast": "Обжарка", "attributes.roast.light": "Светлая" })).await;
        let tea = app.get("/v1/categories/tea").await.expect(200);
        put("category", tea["id"].as_str().unwrap(), json!({ "name": "Чаи" })).await;
        let indexed = || async {
            let found = [found(&app, "q=светлая").await.len(), found(&app, "q=чаи").await.len()];
            (found == [1, 4]).then_some(())
        };
        app.eventually("translated names are found", indexed).await;
        put("product", &ids[0], json!({ "title": "Гуджи" })).await;
        assert_eq!(found(&app, "q=гуджи").await, ["Guji"], "at once");

        let url = format!("{}/v1/products?q=guji&facets=true", app.url);
        let russian = Answer::of(app.client.get(url).header("accept-language", "ru-RU, en;q=0.5")).await;
        assert_eq!(russian.headers["content-language"], "ru");
        let russian = russian.expect(200);
        assert_eq!(russian["items"][0]["title"], "Гуджи");
        assert_eq!(attribute(&russian, "roast")["name"], "Обжарка");
        assert_eq!(attribute(&russian, "roast")["values"][0]["label"], "Светлая");
        let suggested = app.get("/v1/products/suggest?q=guj&locale=ru").await.expect(200);
        assert_eq!(suggested[0]["title"], "Гуджи");
        stop.stop().await;
    }
}

api_test! {
    async fn a_collection_is_listed_in_its_order(app: App) {
        let merchant = Merchant::of(&app).await;
        let ids = stock_up(&merchant).await;
        let by_hand = merchant.post("/v1/admin/collections", json!({ "title": "Picks", "status": "active" })).await.expect(201);
        let path = format!("/v1/admin/collections/{}", by_hand["id"].as_str().unwrap());
        let chosen = json!({ "products": [ids[1], ids[0], ids[2]] });
        merchant.put(&format!("{path}/products"), chosen).await.expect(204);
        assert_eq!(found(&app, "collection=picks").await, ["Mandheling", "Guji", "Santos"]);
        let first = page(&app, "collection=picks&limit=2").await;
        let rest = format!("collection=picks&cursor={}", first["next_cursor"].as_str().unwrap());
        assert_eq!(found(&app, &rest).await, ["Santos"]);
        assert_eq!(found(&app, "collection=picks&sort=title").await, ["Guji", "Mandheling", "Santos"]);
        assert_eq!(found(&app, "collection=picks&q=vienna").await.len(), 2);
        let counted = page(&app, "collection=picks&attribute.roast=dark&facets=true").await;
        assert_eq!((&counted["facets"]["total"], counts(&attribute(&counted, "roast")["values"])), (&json!(2), vec![("dark", 2), ("light", 1)]));
        merchant.send(Method::PATCH, &path, json!({ "status": "draft" })).await.expect(200);
        assert_eq!(found(&app, "collection=picks").await, [""; 0], "shoppers do not see it");

        let rule = json!({ "match": "all", "conditions": [{ "field": "tag", "value": "fresh" }] });
        let body = json!({ "title": "Fresh", "status": "active", "rule": rule });
        merchant.post("/v1/admin/collections", body).await.expect(201);
        for id in [&ids[1], &ids[2], &ids[0]] {
            merchant.patch(&format!("/v1/admin/products/{id}"), json!({ "tags": ["fresh"] })).await.expect(200);
        }
        assert_eq!(found(&app, "collection=fresh").await, ["Santos", "Mandheling", "Guji"], "the newest first");
    }
}

api_test! {
    async fn a_variant_says_how_it_stands(app: App) {
        let merchant = stock::Merchant::of(&app, "TEA-SENCHA-100").await;
        let stands = async |on_hand: i64| {
            merchant.count(stock::MAIN, json!({ "on_hand": on_hand, "reason": "count" })).await.expect(200);
            app.shop.cache().clear();
            let list = app.get("/v1/products?q=sencha").await.expect(200);
            let shown = app.get("/v1/products/sencha").await.expect(200);
            let of = |product: &Value| {
                let variants = product["variants"].as_array().unwrap();
                let variant = variants.iter().find(|variant| variant["sku"] == "TEA-SENCHA-100").unwrap();
                variant["availability"].as_str().unwrap().to_owned()
            };
            assert_eq!(of(&list["items"][0]), of(&shown));
            of(&shown)
        };
        assert_eq!([stands(6).await, stands(5).await, stands(0).await], ["in_stock", "low", "out"]);
        merchant.policy(json!({ "low_stock_threshold": 2 })).await.expect(200);
        assert_eq!([stands(3).await, stands(2).await], ["in_stock", "low"], "its own threshold");
        merchant.policy(json!({ "backorder_limit": 4 })).await.expect(200);
        assert_eq!(stands(0).await, "backorder");
        merchant.policy(json!({ "tracked": false })).await.expect(200);
        assert_eq!(stands(0).await, "in_stock");
    }
}
