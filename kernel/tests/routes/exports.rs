//! The catalog as a file, and back again.

use std::io::Cursor;

use kassa::db::sql;
use reqwest::Method;
use serde_json::{Value, json};

use super::imports::{import, report};
use crate::support::App;
use crate::support::app::Answer;
use crate::support::merchant::Merchant;
use crate::support::stock::{audit, variant};

async fn export(merchant: &Merchant<'_>, format: &str) -> String {
    let url = format!("{}/v1/admin/export?format={format}", merchant.app.url);
    let answer = merchant.app.client.get(url).bearer_auth(&merchant.token).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.text().await.expect("the whole file")
}

/// Everything that counts changes.
async fn marks(app: &App) -> Vec<(String, String, String)> {
    let mut conn = app.shop.db().read().await.unwrap();
    sql::all!(
        conn,
        (String, String, String),
        "select 'product ' || slug, cast(version as text), cast(updated_at as text) from products
         union all select 'variant ' || sku, cast(price as text), cast(updated_at as text) from variants
         union all select 'category ' || slug, cast(version as text), cast(updated_at as text) from categories
         union all select 'collection ' || slug, cast(version as text), cast(updated_at as text) from collections
         union all select 'type ' || code, cast(version as text), cast(updated_at as text) from product_types
         union all select 'stock ' || v.sku, cast(i.version as text), cast(i.on_hand as text)
                   from stock_items i join variants v on v.id = i.variant_id
         union all select 'movements', cast(count(*) as text), '' from stock_movements
         union all select 'texts', cast(count(*) as text), '' from translations
         union all select 'queue', cast(count(*) as text), '' from search_queue
         union all select 'list ' || code, cast(version as text), cast(updated_at as text) from price_lists
         union all select 'prices', cast(count(*) as text), cast(max(updated_at) as text) from list_prices
         union all select 'group ' || code, name, cast(updated_at as text) from customer_groups
         union all select 'location ' || name, cast(version as text), '' from stock_locations
         union all select 'events', cast(count(*) as text), '' from events where kind like 'product%'
         order by 1"
    )
    .unwrap()
}

/// A shop that uses all that its own format knows.
async fn furnish(merchant: &Merchant<'_>) {
    let post = async |path: &str, body: Value| merchant.post(&format!("/v1/admin/{path}"), body).await.expect(201);
    let attributes = json!([
        { "code": "roast", "name": "Roast", "kind": "choice", "level": "product", "choices": [{ "code": "light", "name": "Light" }] },
        { "code": "size", "name": "Volume", "kind": "number", "level": "variant", "unit": "ml", "decimals": 1 },
        { "code": "care", "name": "Care", "kind": "text", "level": "product" },
        { "code": "lid", "name": "Lid", "kind": "text", "level": "variant" },
    ]);
    post("product-types", json!({ "code": "jar", "name": "Jar", "attributes": attributes })).await;
    let top = post("categories", json!({ "name": "Kitchen", "slug": "zz-kitchen", "position": 3 })).await;
    let shelf = post(
        "categories",
        json!({ "name": "Odd name", "slug": "aa-jars", "parent_id": top["id"], "seo_title": "Jars" }),
    )
    .await;
    let options = json!([{ "code": "cut", "name": "Size", "values": [{ "code": "one", "name": "M" }, { "code": "two", "name": "m" }] }]);
    let variants = json!([
        { "sku": "JAR-M", "price": 999, "weight_grams": 30, "options": { "cut": "two" }, "barcode": "4006381333931",
          "attributes": { "size": 125 }, "length_mm": 5, "on_hand": 4 },
        { "sku": "JAR-S", "price": 0, "options": { "cut": "one" }, "attributes": { "lid": "Cork" } },
    ]);
    let jar = post("products", json!({
        "title": "Jar  <with> lid & \"more\"", "slug": "jar", "status": "active", "description": "One\n\nTwo  <b>three</b>\n- four",
        "vendor": "Glas & Co", "category_id": shelf["id"], "product_type": "jar", "attributes": { "roast": "light", "care": "By hand" },
        "options": options,
        "seo_title": "Jar", "seo_description": "A jar,\nwith lid", "tags": ["Glass", "зима", "b c", "b-a", "ba"], "variants": variants,
    })).await;
    let id = jar["id"].as_str().unwrap().to_owned();
    let idea = post(
        "products",
        json!({ "title": "Idea", "slug": "idea", "variants": [{ "sku": "IDEA", "title": "250 g", "price": 5 }] }),
    )
    .await;
    let old =
        post("products", json!({ "title": "Old", "slug": "old", "variants": [{ "sku": "OLD", "price": 5 }] })).await;
    assert_eq!(merchant.delete(&format!("/v1/admin/products/{}", old["id"].as_str().unwrap())).await.status, 204);
    post("products", json!({ "title": "Without variants", "slug": "bare" })).await;
    let related = json!({ "products": [{ "relation": "upsell", "id": old["id"] }] });
    merchant.put(&format!("/v1/admin/products/{id}/related"), related).await.expect(200);
    let picks = post("collections", json!({ "title": "Picks", "status": "active" })).await;
    let chosen = json!({ "products": [old["id"], jar["id"]] });
    merchant
        .put(&format!("/v1/admin/collections/{}/products", picks["id"].as_str().unwrap()), chosen)
        .await
        .expect(204);
    let rule = json!({ "match": "any", "conditions": [{ "field": "category", "value": top["id"] }, { "field": "tag", "value": "glass" }] });
    post("collections", json!({ "title": "By rule", "rule": rule })).await;
    for (entity, key, texts) in [
        (
            "product",
            id.as_str(),
            json!({
                "title": "Glas", "options.cut.one": "Klein", "attributes.care": "Von Hand", "attributes.lid.JAR-S": "Kork",
            }),
        ),
        ("product", idea["id"].as_str().unwrap(), json!({ "variants.IDEA.title": "250 Gramm" })),
        ("product-type", "jar", json!({ "name": "Glas", "attributes.roast.light": "Hell" })),
        ("category", shelf["id"].as_str().unwrap(), json!({ "name": "Gläser" })),
        ("collection", picks["id"].as_str().unwrap(), json!({ "title": "Auswahl" })),
    ] {
        let put = merchant.put(&format!("/v1/admin/translations/{entity}/{key}/de"), json!({ "texts": texts })).await;
        assert_eq!(put.status, 204, "{entity} {}", put.body);
    }
    post("customer-groups", json!({ "code": "trade", "name": "Trade" })).await;
    let list = json!({
        "code": "trade-spring", "name": "Trade, spring", "currency": "EUR", "group": "trade", "status": "active", "priority": 3,
        "starts_at": "2020-03-01T00:00:00Z", "ends_at": "2090-06-01T00:00:00.123456Z",
    });
    let list = post("price-lists", list).await;
    post("price-lists", json!({ "code": "empty", "name": "Empty", "currency": "EUR" })).await;
    let prices = json!({ "prices": [
        { "variant_id": variant(merchant.app, "JAR-M").await, "amount": 800, "compare_at": 999 },
        { "variant_id": variant(merchant.app, "IDEA").await, "amount": 4 },
    ] });
    let prices = merchant.post(&format!("/v1/admin/price-lists/{}/prices", list["id"].as_str().unwrap()), prices).await;
    assert!(prices.status < 300, "{}", prices.body);
    let shop = post("locations", json!({ "name": "Shop", "priority": 2, "pickup": true })).await;
    let attic = post("locations", json!({ "name": "Attic", "priority": 9 })).await;
    let attic = format!("/v1/admin/locations/{}", attic["id"].as_str().unwrap());
    merchant.patch(&attic, json!({ "active": false })).await.expect(200);
    let stock = format!("/v1/admin/variants/{}/stock", variant(merchant.app, "JAR-M").await);
    merchant.put(&format!("{stock}/{}", shop["id"].as_str().unwrap()), json!({ "on_hand": 3 })).await.expect(200);
    merchant.patch(&stock, json!({ "backorder_limit": 20, "low_stock_threshold": 1 })).await.expect(200);
    let image = show(merchant, &id, "image/jpeg", include_bytes!("../data/cmyk.jpg")).await;
    let small = variant(merchant.app, "JAR-S").await;
    let own = json!({ "image_ids": [image] });
    assert_eq!(merchant.put(&format!("/v1/admin/variants/{small}/images"), own).await.status, 204);
    merchant.patch(&format!("/v1/admin/variants/{small}/stock"), json!({ "tracked": false })).await.expect(200);
}

/// Gives a product an image; its id.
async fn show(merchant: &Merchant<'_>, product_id: &str, media_type: &str, file: &[u8]) -> Value {
    let url = format!("{}/v1/admin/products/{product_id}/images?alt=A+jar", merchant.app.url);
    let request = merchant.app.client.post(url).bearer_auth(&merchant.token).header("content-type", media_type);
    Answer::of(request.body(file.to_vec())).await.expect(201)["id"].clone()
}

/// Whether it is tracked, and the ids of its own images.
async fn counted_and_shown(merchant: &Merchant<'_>, sku: &str) -> (Value, Value) {
    let id = variant(merchant.app, sku).await;
    let stock = merchant.get(&format!("/v1/admin/variants/{id}/stock")).await.expect(200);
    merchant.app.shop.cache().clear();
    let page = merchant.app.get("/v1/products/jar").await.expect(200);
    let shown = page["variants"].as_array().unwrap().iter().find(|variant| variant["sku"] == sku).unwrap();
    (stock["tracked"].clone(), shown["image_ids"].clone())
}

api_test! {
    async fn a_file_says_which_image_a_variant_has_and_whether_it_is_counted(app: App) {
        let app = app.another(|config| config.catalog.locales = vec!["de".into()]).await;
        let merchant = Merchant::of(&app).await;
        furnish(&merchant).await;
        let before = counted_and_shown(&merchant, "JAR-S").await;
        assert_eq!((&before.0, before.1[0].is_string()), (&json!(false), true));
        let id = variant(&app, "JAR-S").await;
        for (format, media_type) in [("json-lines", "application/jsonl"), ("shopify-csv", "text/csv")] {
            let file = export(&merchant, format).await;
            merchant.put(&format!("/v1/admin/variants/{id}/images"), json!({ "image_ids": [] })).await;
            merchant.patch(&format!("/v1/admin/variants/{id}/stock"), json!({ "tracked": true })).await.expect(200);
            assert_eq!(counted_and_shown(&merchant, "JAR-S").await, (json!(true), json!([])));
            let job = import(&merchant, &format!("format={format}"), media_type, &file).await;
            assert_eq!(job["variants"]["updated"], 1, "{format}: {:?}", report(&merchant, &job).await);
            assert_eq!(counted_and_shown(&merchant, "JAR-S").await, before, "{format}");
        }
        app.stopper().stop().await;
    }
}

api_test! {
    /// All of them stand in JSON Lines; Shopify's column names one, and a variant that has it among others keeps them. Where a product
    /// shows one file twice, the variant has the one that it has.
    async fn a_file_says_which_images_a_variant_has(app: App) {
        let merchant = Merchant::of(&app).await;
        let variant_in = json!({ "sku": "JAR", "price": 1, "weight_grams": 1, "on_hand": 1 });
        let body = json!({ "title": "Jar", "slug": "jar", "status": "active", "variants": [variant_in] });
        let jar = merchant.post("/v1/admin/products", body).await.expect(201);
        let id = jar["id"].as_str().unwrap();
        let mut black = Cursor::new(Vec::new());
        image::RgbImage::new(20, 20).write_to(&mut black, image::ImageFormat::Png).unwrap();
        let black = black.into_inner();
        let first = show(&merchant, id, "image/jpeg", include_bytes!("../data/cmyk.jpg")).await;
        let (second, twin) = (show(&merchant, id, "image/png", &black).await, show(&merchant, id, "image/png", &black).await);
        let path = format!("/v1/admin/variants/{}/images", variant(&app, "JAR").await);
        let own = json!([first, second]);
        assert_eq!(merchant.put(&path, json!({ "image_ids": own })).await.status, 204);
        let shown = || async { counted_and_shown(&merchant, "JAR").await.1 };
        let taken = async |format: &str, media_type: &str, file: &str| {
            import(&merchant, &format!("format={format}"), media_type, file).await["variants"]["updated"].clone()
        };
        let lines = export(&merchant, "json-lines").await;
        let shopify = export(&merchant, "shopify-csv").await;
        assert_eq!((taken("json-lines", "application/jsonl", &lines).await, shown().await), (json!(0), own.clone()));
        assert_eq!((taken("shopify-csv", "text/csv", &shopify).await, shown().await), (json!(0), own.clone()));
        assert_eq!(merchant.put(&path, json!({ "image_ids": [twin] })).await.status, 204);
        assert_eq!(taken("shopify-csv", "text/csv", &shopify).await, json!(1));
        assert_eq!(shown().await, json!([first]));
        assert_eq!((taken("json-lines", "application/jsonl", &lines).await, shown().await), (json!(1), own));
    }
}

/// Until nothing is left for the worker that indexes, so that the queue stands still.
async fn settled(app: &App) {
    app.eventually("everything is indexed", || async {
        let mut conn = app.shop.db().read().await.unwrap();
        let (queued,) = sql::one!(conn, (i64,), "select count(*) from search_queue").unwrap();
        (queued == 0).then_some(())
    })
    .await;
}

api_test! {
    async fn what_was_exported_changes_nothing_when_it_is_imported_again(app: App) {
        let app = app.another(|config| config.catalog.locales = vec!["de".into()]).await;
        let merchant = Merchant::of(&app).await;
        furnish(&merchant).await;
        settled(&app).await;
        let before = marks(&app).await;
        for (format, media_type) in [("json-lines", "application/jsonl"), ("shopify-csv", "text/csv")] {
            let file = export(&merchant, format).await;
            let query = format!("format={format}");
            let job = import(&merchant, &query, media_type, &file).await;
            assert_eq!(job["state"], "done", "{job}");
            let told = report(&merchant, &job).await;
            assert!(told.is_empty(), "{format}: {told:?}\n{file}");
            for thing in ["products", "variants", "others"] {
                assert_eq!((&job[thing]["created"], &job[thing]["updated"]), (&json!(0), &json!(0)), "{format} {thing}");
            }
            let least = if format == "json-lines" { 4 } else { 3 };
            assert!(job["products"]["unchanged"].as_i64().unwrap() >= least, "{job}");
            assert_eq!(marks(&app).await, before, "{format}");
            assert_eq!(export(&merchant, format).await, file);
        }
        audit(&app).await;
        app.stopper().stop().await;
    }
}

api_test! {
    async fn another_shop_becomes_the_same(app: App) {
        let german = |config: &mut kassa::Config| config.catalog.locales = vec!["de".into()];
        let (from, to) = (app.another(german).await, app.another(german).await);
        let (giver, taker) = (Merchant::of(&from).await, Merchant::of(&to).await);
        furnish(&giver).await;
        let file = export(&giver, "json-lines").await;
        let dry = import(&taker, "format=json-lines&dry_run=true", "application/jsonl", &file).await;
        let job = import(&taker, "format=json-lines", "application/jsonl", &file).await;
        for thing in ["products", "variants", "others"] {
            assert_eq!(dry[thing], job[thing], "a dry run says what a real one does");
        }
        let told = report(&taker, &job).await;
        let remarks: Vec<_> = told.iter().filter(|line| line.1 == "refused" || line.1 == "note").collect();
        // Archived ones stay archived, and images are not taken.
        assert_eq!(remarks.len(), 0, "{remarks:?}");
        let lines = |file: &str| -> Vec<Value> {
            let mut lines: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            for line in lines.iter_mut().filter_map(Value::as_object_mut) {
                line.remove("images");
                let variants = line.get_mut("variants").and_then(Value::as_array_mut).into_iter().flatten();
                variants.filter_map(Value::as_object_mut).for_each(|variant| drop(variant.remove("images")));
            }
            lines.sort_by_key(Value::to_string);
            lines
        };
        assert_eq!(lines(&export(&taker, "json-lines").await), lines(&file));
        from.stopper().stop().await;
        to.stopper().stop().await;
    }
}

api_test! {
    async fn options_of_a_shopify_file_become_options(app: App) {
        let merchant = Merchant::of(&app).await;
        let file = "Handle,Title,Tags,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Price,Variant Barcode,\
                    Variant Inventory Qty,Variant Inventory Policy,SEO Title,Status\n\
                    shirt,Shirt,\"Summer, cotton\",Size,M,Colour,Red,S-M-R,10,4006381333931,3,continue,Shirts,active\n\
                    shirt,,,,L,,Red,S-L-R,11,4006381333932,1,deny,,\n\
                    shirt,,,,L,,,S-L,11,,1,deny,,\n";
        let job = import(&merchant, "format=shopify-csv", "text/csv", file).await;
        assert_eq!(job["variants"]["created"], 2, "{job}");
        let told = report(&merchant, &job).await;
        let details: Vec<_> = told.iter().map(|line| (line.0, line.3.as_str())).collect();
        assert!(details.contains(&(4, "it has no value of the option `Colour`")), "{details:?}");
        assert!(details.iter().any(|(line, detail)| *line == 3 && detail.contains("barcode")), "{details:?}");
        let shirt = app.get("/v1/products/shirt").await.expect(200);
        assert_eq!(shirt["options"][0]["name"], "Size");
        assert_eq!(shirt["variants"][0]["title"], "M / Red");
        let id = variant(&app, "S-M-R").await;
        let stock = merchant.get(&format!("/v1/admin/variants/{id}/stock")).await.expect(200);
        assert_eq!((&stock["on_hand"], &stock["backorder_limit"]), (&json!(3), &Value::Null));
        let again = import(&merchant, "format=shopify-csv", "text/csv", file).await;
        assert_eq!((&again["variants"]["unchanged"], &again["variants"]["updated"]), (&json!(2), &json!(0)));
        // The colours change places: two variants meet halfway, and neither is refused.
        let swapped = file.replace("M,Colour", "X,Colour").replace(",L,,Red,S-L-R", ",M,,Red,S-L-R").replace("X,Colour", "L,Colour");
        let job = import(&merchant, "format=shopify-csv", "text/csv", &swapped).await;
        assert_eq!(job["variants"]["updated"], 2, "{:?}", report(&merchant, &job).await);
        let page = app.send(Method::GET, "/v1/products/shirt", None, None).await.expect(200);
        assert_eq!((&page["variants"][0]["title"], &page["variants"][1]["title"]), (&json!("L / Red"), &json!("M / Red")));
    }
}

api_test! {
    async fn price_lists_groups_and_locations_are_refused_by_line(app: App) {
        let merchant = Merchant::of(&app).await;
        let lines = [
            json!({ "kind": "customer-group", "code": "club", "name": "Club" }),
            json!({ "kind": "customer-group", "code": "No", "name": "x" }),
            json!({ "kind": "location", "name": "Cellar", "priority": 4 }),
            json!({ "kind": "location", "name": "00000000-0000-7000-8000-000000000009" }),
            json!({ "kind": "price-list", "code": "club", "name": "Club", "currency": "EUR", "group": "club", "status": "active" }),
            json!({ "kind": "price-list", "code": "lost", "name": "Lost", "currency": "EUR", "group": "nobody" }),
            json!({ "kind": "price-list", "code": "yen", "name": "Yen", "currency": "JPY" }),
            json!({ "kind": "price-list", "code": "bare" }),
            json!({ "kind": "prices", "list": "club", "prices": [
                { "sku": "TEA-SENCHA-100", "amount": 700, "compare_at": 900 }, { "sku": "NONE", "amount": 1 },
            ] }),
            json!({ "kind": "prices", "list": "club", "prices": [{ "sku": "TEA-SENCHA-100", "amount": 1 }] }),
            json!({ "kind": "prices", "list": "unknown", "prices": [{ "sku": "TEA-SENCHA-100", "amount": 1 }] }),
            json!({ "kind": "prices", "list": "club", "prices": [{ "sku": "TEA-EARL-GREY-100", "amount": -1 }] }),
        ];
        let file: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let job = import(&merchant, "format=json-lines", "application/jsonl", &file).await;
        let told = report(&merchant, &job).await;
        let refused: Vec<_> = told.iter().filter(|line| line.1 == "refused").map(|line| (line.0, line.3.as_str())).collect();
        let reasons = [
            (2, "must be 1 to 50 of a-z"),
            (4, "there is no location"),
            (6, "/group: there is no such customer group"),
            (7, "/currency: the shop does not sell in it"),
            (8, "/name: something new needs it"),
            (9, "there is no variant with the SKU NONE"),
            (10, "is that of line 9"),
            (11, "/list: there is no price list `unknown`"),
            (12, "/prices/0/amount"),
        ];
        assert_eq!(refused.len(), reasons.len(), "{refused:?}");
        for ((line, reason), (at, expected)) in refused.iter().zip(reasons) {
            assert!(*line == at && reason.contains(expected), "{refused:?}");
        }
        let lists = merchant.get("/v1/admin/price-lists").await.expect(200);
        assert_eq!((&lists["items"][0]["code"], &lists["items"][1]), (&json!("club"), &Value::Null));
        let prices = merchant.get(&format!("/v1/admin/price-lists/{}/prices", lists["items"][0]["id"].as_str().unwrap())).await;
        let prices = prices.expect(200);
        assert_eq!((&prices["items"][0]["amount"], &prices["items"][0]["compare_at"]), (&json!(700), &json!(900)));
        // What is there is brought to what a file says; a group keeps its name.
        let lines = [
            json!({ "kind": "customer-group", "code": "club", "name": "Other" }),
            json!({ "kind": "location", "name": "Cellar", "priority": 5 }),
            json!({ "kind": "price-list", "code": "club", "group": null, "priority": 7 }),
            json!({ "kind": "price-list", "code": "club", "currency": "EUR" }),
            json!({ "kind": "prices", "list": "club", "prices": [{ "sku": "TEA-SENCHA-100", "amount": 650 }] }),
        ];
        let file: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let job = import(&merchant, "format=json-lines", "application/jsonl", &file).await;
        assert_eq!((&job["others"]["updated"], &job["others"]["unchanged"]), (&json!(3), &json!(1)), "{job}");
        let group = merchant.get("/v1/admin/customer-groups/club").await.expect(200);
        assert_eq!(group["name"], "Club");
        let lists = merchant.get("/v1/admin/price-lists").await.expect(200);
        assert_eq!((&lists["items"][0]["group"], &lists["items"][0]["priority"]), (&Value::Null, &json!(7)));
        app.stopper().stop().await;
    }
}
