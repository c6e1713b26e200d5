//! What the fields of the catalog may hold: all that is wrong with a request is named at once, and nothing is written.

use serde_json::{Value, json};

use crate::support::merchant::{Merchant, over, pointers};

/// More attributes than a type has.
fn attributes() -> Value {
    (0..51).map(|index| (format!("a{index}"), json!(true))).collect::<serde_json::Map<_, _>>().into()
}

/// More options than a product has, and what is wrong with each.
fn options() -> Value {
    let value = |code: &str, name: &str| json!({ "code": code, "name": name });
    json!([
        { "code": "A", "name": "", "values": [] },
        { "code": "size", "name": "Size", "values": [value("m", ""), value("M M", "M"), value("m", "M\nm")] },
        { "code": "size", "name": "Size", "values": [value("m", "M")] },
        { "code": "colour", "name": "Colour", "values": [value("red", "Red")] },
    ])
}

const OF_OPTIONS: [&str; 9] = [
    "/options",
    "/options/0/name",
    "/options/0/values",
    "/options/0/code",
    "/options/1/values/0/name",
    "/options/1/values/1/code",
    "/options/1/values/2/name",
    "/options/1/values/2/code",
    "/options/2/code",
];

/// A variant of which every field is wrong.
fn variant() -> Value {
    json!({
        "sku": "", "title": over(200), "price": -1, "compare_at_price": -1, "weight_grams": -1, "on_hand": -1,
        "length_mm": -1, "width_mm": -1, "height_mm": 1_000_001, "barcode": over(64), "attributes": attributes(),
        "options": { "a": "a", "b": "b", "c": "c", "d": "d" },
    })
}

const OF_VARIANT: [&str; 12] = [
    "/sku",
    "/title",
    "/price",
    "/weight_grams",
    "/compare_at_price",
    "/on_hand",
    "/length_mm",
    "/width_mm",
    "/height_mm",
    "/barcode",
    "/attributes",
    "/options",
];

api_test! {
    async fn every_field_of_a_product_is_held_to_its_limits(app: App) {
        let merchant = Merchant::of(&app).await;
        let mut tags = vec!["fine".to_owned(); 48];
        tags.extend([String::new(), "two\nlines".to_owned(), over(60)]);
        let mut body = json!({
            "title": over(200), "slug": "No Slug", "description": over(20_000), "vendor": over(100),
            "seo_title": over(200), "seo_description": over(500), "tags": tags,
            "attributes": attributes(), "options": options(),
        });
        let head = ["/title", "/slug", "/description", "/vendor"];
        let rest = ["/attributes", "/seo_title", "/seo_description", "/tags", "/tags/48", "/tags/49", "/tags/50"];
        let product = app.get("/v1/products/sencha").await.expect(200);
        let path = format!("/v1/admin/products/{}", product["id"].as_str().unwrap());
        let before = merchant.get(&path).await.expect(200);
        let refused = merchant.patch(&path, body.clone()).await.problem("invalid-request");
        assert_eq!(pointers(&refused), [&head[..], &rest, &OF_OPTIONS].concat());
        assert_eq!(merchant.get(&path).await.expect(200), before);

        let two_lines = json!({ "sku": "TWO\nLINES", "price": 1, "barcode": "4006381333932" });
        body["variants"] = json!([variant(), two_lines]);
        let refused = merchant.post("/v1/admin/products", body).await.problem("invalid-request");
        let of_variant = OF_VARIANT.map(|field| format!("/variants/0{field}"));
        let of_variants: Vec<_> = of_variant.iter().map(String::as_str).chain(["/variants/1/sku", "/variants/1/barcode"]).collect();
        assert_eq!(pointers(&refused), [&head[..], &of_variants, &rest, &OF_OPTIONS].concat());

        let refused = merchant.post(&format!("{path}/variants"), variant()).await.problem("invalid-request");
        assert_eq!(pointers(&refused), OF_VARIANT);
        let mut change = variant();
        change.as_object_mut().unwrap().remove("sku");
        change["position"] = json!(-1);
        let variant = format!("/v1/admin/variants/{}", product["variants"][0]["id"].as_str().unwrap());
        let refused = merchant.patch(&variant, change).await.problem("invalid-request");
        assert_eq!(pointers(&refused), [&OF_VARIANT[1..], &["/position"]].concat());
        assert_eq!(merchant.get(&path).await.expect(200), before);
    }
}

api_test! {
    async fn every_field_of_a_product_type_is_held_to_its_limits(app: App) {
        let merchant = Merchant::of(&app).await;
        let choice = |code: &str, name: &str| json!({ "code": code, "name": name });
        let choices = json!([choice("light", ""), choice("light", "Light"), choice("No Code", "Dark")]);
        let mut attributes = vec![
            json!({ "code": "roast", "name": "Roast", "kind": "choice", "choices": choices }),
            json!({ "code": "roast", "name": "Roast", "kind": "number", "unit": over(20), "decimals": 7 }),
        ];
        let wrong = [
            "/attributes/1/code", "/attributes/0/choices/1/code", "/attributes/0/choices/0/name",
            "/attributes/0/choices/2/code", "/attributes/1/unit", "/attributes/1/decimals",
        ];
        let types = "/v1/admin/product-types";
        merchant.post(types, json!({ "code": "tea", "name": "Tea" })).await.expect(201);
        let change = json!({ "name": "two\nlines", "attributes": attributes });
        let refused = merchant.patch(&format!("{types}/tea"), change).await.problem("invalid-request");
        assert_eq!(pointers(&refused), [&["/name"][..], &wrong].concat());
        attributes.extend((0..49).map(|index| json!({ "code": format!("a{index}"), "name": "A", "kind": "text" })));
        let new = json!({ "code": "No Code", "name": "", "attributes": attributes });
        let refused = merchant.post(types, new).await.problem("invalid-request");
        assert_eq!(pointers(&refused), [&["/code", "/name", "/attributes"][..], &wrong].concat());
    }
}

api_test! {
    async fn every_field_of_categories_and_collections_is_held_to_its_limits(app: App) {
        let merchant = Merchant::of(&app).await;
        let body = json!({ "name": "", "slug": "No Slug", "position": -1, "seo_title": over(200), "seo_description": over(500) });
        let wrong = ["/name", "/slug", "/position", "/seo_title", "/seo_description"];
        let made = merchant.post("/v1/admin/categories", json!({ "name": "Made" })).await.expect(201);
        let path = format!("/v1/admin/categories/{}", made["id"].as_str().unwrap());
        assert_eq!(pointers(&merchant.post("/v1/admin/categories", body.clone()).await.problem("invalid-request")), wrong);
        assert_eq!(pointers(&merchant.patch(&path, body).await.problem("invalid-request")), wrong);

        let with = |conditions: Value| json!({
            "title": "", "slug": "No Slug", "description": over(20_000), "seo_title": over(200),
            "seo_description": over(500), "rule": { "match": "all", "conditions": conditions },
        });
        let conditions = json!([
            { "field": "product_type", "value": "No Code" }, { "field": "attribute", "code": "No Code", "value": true },
            { "field": "attribute", "code": "a", "value": "two\nlines" }, { "field": "vendor", "value": over(100) },
            { "field": "tag", "value": "" }, { "field": "created_within_days", "days": 0 },
        ]);
        let head = ["/title", "/slug", "/description", "/seo_title", "/seo_description"];
        let places = [0, 1, 2, 3, 4, 5].map(|index| format!("/rule/conditions/{index}"));
        let refused = merchant.post("/v1/admin/collections", with(conditions)).await.problem("invalid-request");
        let places: Vec<_> = places.iter().map(String::as_str).collect();
        assert_eq!(pointers(&refused), [&head[..], &places].concat());
        let made = merchant.post("/v1/admin/collections", json!({ "title": "Made" })).await.expect(201);
        let path = format!("/v1/admin/collections/{}", made["id"].as_str().unwrap());
        let refused = merchant.patch(&path, with(json!([]))).await.problem("invalid-request");
        assert_eq!(pointers(&refused), [&head[..], &["/rule/conditions"]].concat());
        let ids = vec![made["id"].clone(); 1_001];
        let refused = merchant.put(&format!("{path}/products"), json!({ "products": ids })).await.problem("invalid-request");
        assert_eq!(pointers(&refused), ["/products"]);
    }
}

api_test! {
    async fn what_is_changed_of_many_is_held_to_its_limits(app: App) {
        let merchant = Merchant::of(&app).await;
        let product = app.get("/v1/products/sencha").await.expect(200);
        let (id, variant) = (product["id"].as_str().unwrap(), &product["variants"][0]["id"]);
        let lines = json!([{ "variant_id": variant, "add": 9_007_199_254_740_992_i64 }, { "sku": "", "percent_bp": -10_001 }]);
        let refused = merchant.post("/v1/admin/bulk/prices", json!({ "round_to": 0, "lines": lines }));
        assert_eq!(
            pointers(&refused.await.problem("invalid-request")),
            ["/round_to", "/lines/0/add", "/lines/1/sku", "/lines/1/percent_bp"]
        );

        let mut texts: serde_json::Map<_, _> = (0..999).map(|index| (format!("f{index}"), json!("x"))).collect();
        texts.extend([("a".to_owned(), json!("")), ("b".to_owned(), json!("two\nlines"))]);
        let path = format!("/v1/admin/translations/product/{id}/de");
        let refused = merchant.put(&path, json!({ "texts": texts })).await.problem("invalid-request");
        assert_eq!(pointers(&refused), ["/texts", "/texts/a", "/texts/b"]);

        let max = app.shop.config().catalog.max_related as usize;
        let related = vec![json!({ "relation": "related", "id": id }); max + 1];
        let path = format!("/v1/admin/products/{id}/related");
        let refused = merchant.put(&path, json!({ "products": related })).await.problem("invalid-request");
        assert_eq!(pointers(&refused), ["/products"]);
        let refused = app.get(&format!("/v1/products?tag={}", over(60))).await.problem("invalid-request");
        assert_eq!(pointers(&refused), ["tag"]);
    }
}
