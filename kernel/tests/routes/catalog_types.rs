//! Product types, attributes, options.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::merchant::{Merchant, pointers};

fn coffee() -> Value {
    json!({
        "code": "coffee", "name": "Coffee",
        "attributes": [
            { "code": "roast", "name": "Roast", "kind": "choice", "required": true, "filterable": true,
              "choices": [{ "code": "light", "name": "Light" }, { "code": "dark", "name": "Dark" }] },
            { "code": "caffeine", "name": "Caffeine", "kind": "number", "unit": "mg", "decimals": 1 },
            { "code": "organic", "name": "Organic", "kind": "boolean" },
            { "code": "harvest", "name": "Harvest", "kind": "date" },
            { "code": "grind", "name": "Grind", "kind": "text", "level": "variant" },
        ],
    })
}

api_test! {
    async fn a_type_says_what_its_products_have(app: App) {
        let merchant = Merchant::of(&app).await;
        let types = "/v1/admin/product-types";
        let made = merchant.post(types, coffee()).await;
        assert_eq!((&made.headers["etag"], &made.headers["location"]), (&"\"1\"".parse().unwrap(),
            &"/v1/admin/product-types/coffee".parse().unwrap()));
        assert_eq!(made.expect(201)["attributes"][0]["choices"][1]["code"], "dark");
        merchant.post(types, coffee()).await.problem("code-taken");
        let other = |attribute: Value| json!({ "code": "tea", "name": "Tea", "attributes": [attribute] });
        let clash = merchant.post(types, other(json!({ "code": "roast", "name": "Roast", "kind": "text" }))).await;
        assert_eq!(pointers(&clash.problem("invalid-request")), ["/attributes/0/code"]);
        let wrong = json!({ "code": "A", "name": " ", "kind": "choice", "unit": "g", "decimals": 1 });
        assert_eq!(
            pointers(&merchant.post(types, other(wrong)).await.problem("invalid-request")),
            ["/attributes/0/code", "/attributes/0/name", "/attributes/0/unit", "/attributes/0/decimals",
             "/attributes/0/choices"]
        );
        merchant.get("/v1/admin/product-types/tea").await.problem("not-found");
        merchant.post(types, json!({ "code": "tea", "name": "Tea" })).await.expect(201);
        let page = merchant.get("/v1/admin/product-types?limit=1").await.expect(200);
        let next = format!("/v1/admin/product-types?cursor={}", page["next_cursor"].as_str().unwrap());
        assert_eq!(merchant.get(&next).await.expect(200)["items"][0]["code"], "tea");

        let product = |attributes: Value, status: &str| json!({
            "title": "Guji", "status": status, "product_type": "coffee", "attributes": attributes,
            "variants": [{ "sku": "G-1", "price": 990, "attributes": { "grind": "fine" } }],
        });
        let products = "/v1/admin/products";
        let wrong = json!({ "roast": "burnt", "caffeine": "much", "organic": 1, "harvest": "2026-02-30", "grind": "x" });
        assert_eq!(
            pointers(&merchant.post(products, product(wrong, "draft")).await.problem("invalid-request")),
            ["/attributes/caffeine", "/attributes/grind", "/attributes/harvest", "/attributes/organic", "/attributes/roast"]
        );
        let unfinished = merchant.post(products, product(json!({}), "active")).await.problem("invalid-request");
        assert_eq!(pointers(&unfinished), ["/attributes/roast"]);
        let values = json!({ "roast": "light", "caffeine": 125, "organic": true, "harvest": "2026-02-28" });
        let made = merchant.post(products, product(values.clone(), "active")).await.expect(201);
        let path = format!("{products}/{}", made["id"].as_str().unwrap());
        let read = merchant.get(&path).await.expect(200);
        assert_eq!((&read["attributes"], &read["variants"][0]["attributes"]), (&values, &json!({ "grind": "fine" })));

        let taken_away = json!({ "attributes": { "roast": null } });
        assert_eq!(pointers(&merchant.patch(&path, taken_away).await.problem("invalid-request")), ["/attributes/roast"]);
        let changed = merchant.patch(&path, json!({ "attributes": { "organic": null, "roast": "dark" } })).await.expect(200);
        assert_eq!(changed["attributes"], json!({ "roast": "dark", "caffeine": 125, "harvest": "2026-02-28" }));
        let changed = merchant.patch(&path, json!({ "product_type": "tea" })).await.expect(200);
        assert_eq!((&changed["attributes"], &changed["variants"][0]["attributes"]), (&json!({}), &json!({})));
        let unknown = merchant.patch(&path, json!({ "product_type": "soup" })).await.problem("invalid-request");
        assert_eq!(pointers(&unknown), ["/product_type"]);
        assert_eq!(merchant.get(&path).await.expect(200)["version"], 3, "what is refused changes nothing");
    }
}

api_test! {
    async fn a_type_changes_without_leaving_values_behind(app: App) {
        let merchant = Merchant::of(&app).await;
        merchant.post("/v1/admin/product-types", coffee()).await.expect(201);
        let product = json!({
            "title": "Guji", "product_type": "coffee", "attributes": { "roast": "dark", "caffeine": 125 },
            "variants": [{ "sku": "G-1", "price": 990, "attributes": { "grind": "fine" } }],
        });
        let made = merchant.post("/v1/admin/products", product).await.expect(201);
        let path = format!("/v1/admin/products/{}", made["id"].as_str().unwrap());
        let coffee_path = "/v1/admin/product-types/coffee";
        let attribute = |index: usize| coffee()["attributes"][index].clone();

        let mut fewer = attribute(0);
        fewer["choices"].as_array_mut().unwrap().retain(|choice| choice["code"] == "light");
        let in_use = merchant.patch(coffee_path, json!({ "attributes": [fewer] })).await.problem("attribute-in-use");
        assert_eq!((&in_use["attribute"], &in_use["choice"]), (&json!("roast"), &json!("dark")));
        let mut text = attribute(0);
        (text["kind"], text["choices"]) = (json!("text"), json!([]));
        let refused = merchant.patch(coffee_path, json!({ "attributes": [text] })).await.problem("invalid-request");
        assert_eq!(pointers(&refused), ["/attributes/0"]);
        assert_eq!(merchant.get(coffee_path).await.expect(200)["attributes"].as_array().unwrap().len(), 5);

        let kept = json!({ "name": "Beans", "attributes": [attribute(4), attribute(1)] });
        merchant.send_if(Method::PATCH, coffee_path, "\"7\"", kept.clone()).await.problem("precondition-failed");
        let changed = merchant.patch(coffee_path, kept).await.expect(200);
        assert_eq!((&changed["name"], &changed["version"]), (&json!("Beans"), &json!(2)));
        let read = merchant.get(&path).await.expect(200);
        assert_eq!((&read["attributes"], &read["variants"][0]["attributes"]),
            (&json!({ "caffeine": 125 }), &json!({ "grind": "fine" })));

        merchant.delete(coffee_path).await.problem("product-type-in-use");
        merchant.patch(&path, json!({ "product_type": null })).await.expect(200);
        merchant.send_if(Method::DELETE, coffee_path, "\"1\"", json!({})).await.problem("precondition-failed");
        // What cannot be a code reaches no statement: PostgreSQL knows no U+0000.
        merchant.delete("/v1/admin/product-types/a%00").await.problem("not-found");
        merchant.delete(coffee_path).await.expect(204);
        merchant.get(coffee_path).await.problem("not-found");
    }
}

api_test! {
    async fn variants_differ_in_options(app: App) {
        let merchant = Merchant::of(&app).await;
        let variant = |sku: &str, size: &str| json!({ "sku": sku, "price": 990, "options": { "size": size } });
        let shirt = |variants: Value| json!({
            "title": "Shirt", "status": "active",
            "options": [{ "name": "Size", "values": [{ "name": "S" }, { "name": "M" }, { "code": "l", "name": "Large" }] }],
            "variants": variants,
        });
        let twins = merchant.post("/v1/admin/products", shirt(json!([variant("S-1", "m"), variant("S-2", "m")]))).await;
        assert_eq!(pointers(&twins.problem("invalid-request")), ["/variants/1/options"]);
        let unknown = merchant.post("/v1/admin/products", shirt(json!([variant("S-1", "xl")]))).await;
        assert_eq!(pointers(&unknown.problem("invalid-request")), ["/variants/0/options/size"]);
        let made = merchant.post("/v1/admin/products", shirt(json!([variant("S-1", "m"), variant("S-2", "l")]))).await;
        let made = made.expect(201);
        assert_eq!((&made["variants"][0]["title"], &made["variants"][1]["title"]), (&json!("M"), &json!("Large")));
        assert_eq!(made["options"][0]["values"][1], json!({ "code": "m", "name": "M" }));

        let path = format!("/v1/admin/products/{}", made["id"].as_str().unwrap());
        let second = format!("/v1/admin/variants/{}", made["variants"][1]["id"].as_str().unwrap());
        let more = json!({ "options": [
            { "code": "size", "name": "Größe", "values": [{ "code": "m", "name": "M" }, { "code": "l", "name": "L" }] },
            { "code": "colour", "name": "Farbe", "values": [{ "code": "red", "name": "Rot" }, { "code": "blue", "name": "Blau" }] },
        ] });
        let changed = merchant.patch(&path, more).await.expect(200);
        assert_eq!(changed["variants"][1]["options"], json!({ "size": "l", "colour": "red" }));
        assert_eq!(changed["variants"][1]["title"], "L / Rot");
        let in_use = json!({ "options": [{ "code": "size", "name": "Size", "values": [{ "code": "m", "name": "M" }] }] });
        assert_eq!(pointers(&merchant.patch(&path, in_use).await.problem("invalid-request")), ["/options/0/values"]);
        let taken = merchant.patch(&second, json!({ "options": { "size": "m", "colour": "red" } })).await;
        assert_eq!(pointers(&taken.problem("invalid-request")), ["/options"]);

        let wrong = json!({ "barcode": "4006381333932", "length_mm": -1 });
        assert_eq!(pointers(&merchant.patch(&second, wrong).await.problem("invalid-request")), ["/length_mm", "/barcode"]);
        let right = json!({
            "options": { "size": "l", "colour": "blue" }, "barcode": "4006381333931", "length_mm": 300, "position": 0,
        });
        merchant.send_if(Method::PATCH, &second, "\"1\"", right.clone()).await.problem("precondition-failed");
        let answer = merchant.patch(&second, right).await;
        assert_eq!(answer.headers["etag"], "\"3\"");
        assert_eq!(answer.expect(200)["barcode"], "4006381333931");
        let read = merchant.get(&path).await.expect(200);
        assert_eq!((&read["variants"][0]["title"], &read["variants"][1]["sku"]), (&json!("L / Blau"), &json!("S-1")));
        assert_eq!((&read["variants"][0]["length_mm"], &read["variants"][1]["position"]), (&json!(300), &json!(1)));
        let missing = json!({ "sku": "S-3", "price": 1, "options": { "size": "m" } });
        let missing = merchant.post(&format!("{path}/variants"), missing).await.problem("invalid-request");
        assert_eq!(pointers(&missing), ["/options/colour"]);
    }
}

api_test! {
    /// In the order of the options the values of one variant become those of another, which has not got its own yet.
    async fn options_change_places(app: App) {
        let merchant = Merchant::of(&app).await;
        let option = |code: &str| {
            let values = json!([{ "code": "10", "name": "10" }, { "code": "20", "name": "20" }]);
            json!({ "code": code, "name": code, "values": values })
        };
        let variant = |sku: &str, width: &str, height: &str| {
            json!({ "sku": sku, "price": 990, "options": { "width": width, "height": height } })
        };
        let made = merchant.post("/v1/admin/products", json!({
            "title": "Board",
            "options": [option("width"), option("height")],
            "variants": [variant("B-1", "10", "20"), variant("B-2", "20", "10")],
        }));
        let made = made.await.expect(201);
        let path = format!("/v1/admin/products/{}", made["id"].as_str().unwrap());
        let turned = json!({ "options": [option("height"), option("width")] });
        let turned = merchant.patch(&path, turned).await.expect(200);
        assert_eq!(turned["variants"][0]["options"], json!({ "width": "10", "height": "20" }));
        assert_eq!(merchant.get(&path).await.expect(200)["variants"], turned["variants"]);
    }
}

api_test! {
    /// The product is written while its category goes: on PostgreSQL it waits for the other transaction, and then points at nothing.
    async fn a_category_that_goes_meanwhile_is_no_category(app: App) {
        let merchant = Merchant::of(&app).await;
        let category = merchant.post("/v1/admin/categories", json!({ "name": "Going" })).await.expect(201);
        let id: uuid::Uuid = category["id"].as_str().unwrap().parse().unwrap();
        let mut tx = app.shop.db().write().await.unwrap();
        kassa::db::sql::execute!(tx, "delete from categories where id = $1", id).unwrap();
        let variants = json!([{ "sku": "G-1", "price": 1 }]);
        let body = json!({ "title": "Late", "category_id": id, "variants": variants });
        let making = merchant.post("/v1/admin/products", body);
        let going = async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            tx.commit().await.unwrap();
        };
        let (made, ()) = tokio::join!(making, going);
        assert_eq!(pointers(&made.problem("invalid-request")), ["/category_id"]);
    }
}

api_test! {
    async fn variants_have_what_their_type_says(app: App) {
        let merchant = Merchant::of(&app).await;
        let types = "/v1/admin/product-types";
        let grind = |kind: &str| json!({ "code": "grind", "name": "Grind", "kind": kind, "level": "variant", "required": true });
        merchant.post(types, json!({ "code": "coffee", "name": "Coffee", "attributes": [grind("text")] })).await.expect(201);
        let mut body = json!({ "title": "Guji", "status": "active", "product_type": "coffee", "variants": [{ "sku": "G-1", "price": 1 }] });
        let products = "/v1/admin/products";
        let refused = merchant.post(products, body.clone()).await.problem("invalid-request");
        assert_eq!(pointers(&refused), ["/variants/0/attributes/grind"]);
        body["variants"][0]["attributes"] = json!({ "grind": "fine" });
        let made = merchant.post(products, body).await.expect(201);
        let product = format!("{products}/{}", made["id"].as_str().unwrap());
        let variant = format!("/v1/admin/variants/{}", made["variants"][0]["id"].as_str().unwrap());
        let none = merchant.post(&format!("{product}/variants"), json!({ "sku": "G-2", "price": 1 })).await;
        assert_eq!(pointers(&none.problem("invalid-request")), ["/attributes/grind"]);
        for value in [json!(null), json!(5)] {
            let refused = merchant.patch(&variant, json!({ "attributes": { "grind": value } })).await.problem("invalid-request");
            assert_eq!(pointers(&refused), ["/attributes/grind"]);
        }
        let nowhere = merchant.patch(&product, json!({ "category_id": made["id"] })).await.problem("invalid-request");
        assert_eq!(pointers(&nowhere), ["/category_id"]);

        merchant.post(types, json!({ "code": "tea", "name": "Tea" })).await.expect(201);
        let other = merchant.patch(&format!("{types}/tea"), json!({ "attributes": [grind("boolean")] })).await;
        assert_eq!(pointers(&other.problem("invalid-request")), ["/attributes/0/code"]);
    }
}
