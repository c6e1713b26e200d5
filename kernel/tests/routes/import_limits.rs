//! What the lines of a file may hold: all that is wrong with a line is told, by JSON pointer.

use std::io::Cursor;

use kassa::import::{Error, Format};
use serde_json::{Map, Value, json};

use crate::support::App;
use crate::support::merchant::{Merchant, over};
use crate::support::stock::reserve;

async fn rejected(app: &App, lines: &[Value]) -> Result<Vec<(u64, String)>, Error> {
    let file: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let report = kassa::import::run(&app.shop, Cursor::new(file), Format::JsonLines, true, &mut |_| {}).await?;
    Ok(report.rejected.into_iter().map(|remark| (remark.line, remark.text)).collect())
}

/// Each line is refused for just these fields.
async fn refused(app: &App, lines: &[(Value, &[&str])]) {
    let objects: Vec<_> = lines.iter().map(|(line, _)| line.clone()).collect();
    let told: Vec<_> = rejected(app, &objects).await.expect("the file is read");
    let pointers = |text: &str| -> Vec<String> {
        text.split("; ").map(|reason| reason.split(": ").next().unwrap_or_default().to_owned()).collect()
    };
    let told: Vec<_> = told.iter().map(|(line, text)| (*line, pointers(text))).collect();
    let expected: Vec<_> =
        (1..).zip(lines).map(|(line, (_, wrong))| (line, wrong.iter().map(|at| (*at).to_owned()).collect())).collect();
    assert_eq!(told, expected);
}

fn with(kind: &str, name: &str, value: Value) -> Value {
    json!({ "kind": kind, "slug": "fine", name: value })
}

/// More attributes than a type has.
fn attributes() -> Value {
    (0..51).map(|index| (format!("a{index}"), json!(true))).collect::<Map<_, _>>().into()
}

api_test! {
    async fn lines_about_people_places_and_prices_are_held_to_their_limits(app: App) {
        let price = json!({ "sku": "TEA-SENCHA-100", "amount": 1 });
        let long = json!({ "starts_at": "1999-12-31T00:00:00Z", "ends_at": "1999-12-31T00:00:00Z" });
        refused(&app, &[
            (json!({ "kind": "customer-group", "code": "No Code", "name": "" }), &["/code", "/name"]),
            (json!({ "kind": "location", "name": "", "priority": -1 }), &["/name", "/priority"]),
            (json!({ "kind": "price-list", "code": "No Code", "name": "two\nlines", "group": "No Code", "priority": 1_000_001,
                     "starts_at": long["starts_at"] }), &["/code", "/name", "/group", "/priority", "/starts_at"]),
            (json!({ "kind": "price-list", "code": "fine", "ends_at": long["ends_at"] }), &["/ends_at"]),
            (json!({ "kind": "prices", "list": "No Code", "prices": vec![&price; 1_001] }), &["/list", "/prices"]),
            (json!({ "kind": "prices", "list": "fine", "prices": [{ "sku": "", "amount": -1, "compare_at": -1 }] }),
                &["/prices/0/sku", "/prices/0/amount", "/prices/0/compare_at"]),
        ]).await;
    }
}

api_test! {
    async fn lines_about_types_and_categories_are_held_to_their_limits(app: App) {
        let line = |attributes: Value| json!({ "kind": "product-type", "code": "coffee", "name": "Coffee", "attributes": attributes });
        let attribute = |index: usize| json!({ "code": format!("a{index}"), "name": "A", "type": "text", "level": "product" });
        let of_choices = |choices: Value| {
            line(json!([{ "code": "roast", "name": "Roast", "type": "choice", "level": "product", "choices": choices }]))
        };
        let choice = |code: &str, name: &str| json!({ "code": code, "name": name });
        refused(&app, &[
            (json!({ "kind": "product-type", "code": "No Code", "name": "", "texts": { "de": { "name": "" } } }),
                &["/code", "/name", "/texts/de/name"]),
            (line((0..51).map(attribute).collect()), &["/attributes"]),
            (line(json!([attribute(0), attribute(0)])), &["/attributes"]),
            (line(json!([{ "code": "No Code", "name": "", "type": "number", "level": "product", "unit": over(20), "decimals": 7 }])),
                &["/attributes/0/code", "/attributes/0/name", "/attributes/0/unit", "/attributes/0/decimals"]),
            (line(json!([{ "code": "a", "name": "A", "type": "text", "level": "product", "unit": "g", "decimals": 1 }])),
                &["/attributes/0/unit", "/attributes/0/decimals"]),
            (of_choices(json!([])), &["/attributes/0/choices"]),
            (of_choices(json!([choice("light", "Light"), choice("light", "Light")])), &["/attributes/0/choices"]),
            (of_choices(json!([choice("No Code", "Light")])), &["/attributes/0/choices"]),
            (of_choices(json!([choice("light", "")])), &["/attributes/0/choices"]),
            (json!({ "kind": "category", "slug": "No Slug", "name": "", "parent": "No Slug", "position": -1 }),
                &["/slug", "/name", "/parent", "/position"]),
            (json!({ "kind": "category", "slug": "fine", "seo_title": over(200), "seo_description": over(500),
                     "texts": { "de": { "name": "" } } }), &["/seo_title", "/seo_description", "/texts/de/name"]),
        ]).await;
    }
}

api_test! {
    async fn lines_about_products_are_held_to_their_limits(app: App) {
        let line = |name: &str, value: Value| with("product", name, value);
        let options = |options: Value| line("options", options);
        let value = |code: &str, name: &str| json!({ "code": code, "name": name });
        let option = |code: &str, values: Value| json!({ "code": code, "name": "Size", "values": values });
        let fine = |code: &str| option(code, json!([value("m", "M")]));
        refused(&app, &[
            (json!({ "kind": "product", "slug": "lines", "title": "a\nb", "vendor": "a\nb", "texts": { "de": { "title": "a\nb" } } }),
             &["/title", "/vendor", "/texts/de/title"]),
            (json!({ "kind": "category", "slug": "lines", "name": "a\nb" }), &["/name"]),
            (json!({ "kind": "product", "slug": "No Slug", "title": "", "description": over(20_000), "vendor": over(100),
                     "category": "No Slug" }), &["/slug", "/title", "/description", "/vendor", "/category"]),
            (json!({ "kind": "product", "slug": "fine", "seo_title": over(200), "seo_description": over(500),
                     "attributes": attributes(), "texts": { "de": { "title": "" } } }),
                &["/seo_title", "/seo_description", "/attributes", "/texts/de/title"]),
            (line("tags", json!(vec!["fine"; 51])), &["/tags"]),
            (line("tags", json!(["two\nlines"])), &["/tags"]),
            (line("variants", (0..201).map(|index| json!({ "sku": format!("X-{index}") })).collect()), &["/variants"]),
            (options(["a", "b", "c", "d"].map(fine).to_vec().into()), &["/options"]),
            (options(json!([fine("size"), fine("size")])), &["/options"]),
            (options(json!([{ "code": "No Code", "name": "", "values": [] }])),
                &["/options/0/code", "/options/0/name", "/options/0/values"]),
            (options(json!([option("size", json!([value("m", "M"), value("m", "M")]))])), &["/options/0/values"]),
            (options(json!([option("size", json!([value("No Code", "M")]))])), &["/options/0/values"]),
            (options(json!([option("size", json!([value("m", "")]))])), &["/options/0/values"]),
        ]).await;
    }
}

api_test! {
    async fn lines_about_variants_are_held_to_their_limits(app: App) {
        let line = |mut variant: Value, wrong: &'static [&'static str]| {
            if variant.get("sku").is_none() {
                variant["sku"] = json!("X-1");
            }
            (with("product", "variants", json!([variant])), wrong)
        };
        let stock = |on_hand: i64| json!({ "location": "Main location", "on_hand": on_hand });
        refused(&app, &[
            line(json!({ "sku": "", "title": over(200), "price": -1, "compare_at_price": -1, "weight_grams": -1 }),
                &["/variants/0/sku", "/variants/0/title", "/variants/0/price", "/variants/0/compare_at_price",
                  "/variants/0/weight_grams"]),
            line(json!({ "length_mm": -1, "width_mm": -1, "height_mm": 1_000_001, "barcode": over(64), "attributes": attributes() }),
                &["/variants/0/length_mm", "/variants/0/width_mm", "/variants/0/height_mm", "/variants/0/barcode",
                  "/variants/0/attributes"]),
            line(json!({ "barcode": "4006381333932", "options": { "a": "a", "b": "b", "c": "c", "d": "d" }, "backorder_limit": -1,
                         "low_stock_threshold": -1 }),
                &["/variants/0/barcode", "/variants/0/options", "/variants/0/backorder_limit",
                  "/variants/0/low_stock_threshold"]),
            line(json!({ "stock": [stock(1), stock(1)] }), &["/variants/0/stock"]),
            line(json!({ "stock": [stock(-1)] }), &["/variants/0/stock/0/on_hand"]),
        ]).await;
    }
}

api_test! {
    async fn lines_about_collections_and_related_products_are_held_to_their_limits(app: App) {
        let rule = |conditions: Value| json!({ "match": "all", "conditions": conditions });
        let many: Vec<_> = (0..1_001).map(|index| format!("p-{index}")).collect();
        let conditions = json!([
            { "field": "product_type", "value": "No Code" }, { "field": "attribute", "code": "a", "value": "\u{1}" },
            { "field": "tag", "value": "" }, { "field": "price" }, { "field": "created_within_days", "days": 0 },
        ]);
        let max = app.shop.config().catalog.max_related as usize;
        let related = vec![json!({ "relation": "related", "slug": "fine" }); max + 1];
        refused(&app, &[
            (json!({ "kind": "collection", "slug": "No Slug", "title": "", "description": over(20_000), "seo_title": over(200),
                     "seo_description": over(500) }), &["/slug", "/title", "/description", "/seo_title", "/seo_description"]),
            (with("collection", "texts", json!({ "de": { "title": "" } })), &["/texts/de/title"]),
            (with("collection", "products", json!(many)), &["/products"]),
            (with("collection", "products", json!(["No Slug"])), &["/products"]),
            (with("collection", "products", json!(["sencha", "sencha"])), &["/products"]),
            (json!({ "kind": "collection", "slug": "fine", "products": [], "rule": rule(json!([])) }),
                &["/products", "/rule/conditions"]),
            (with("collection", "rule", rule(conditions)), &["/rule/conditions/0", "/rule/conditions/1",
                "/rule/conditions/2", "/rule/conditions/3", "/rule/conditions/4"]),
            (json!({ "kind": "related", "product": "No Slug", "products": [{ "relation": "related", "slug": "No Slug" }] }),
                &["/product", "/products"]),
            (json!({ "kind": "related", "product": "fine", "products": related }), &["/products"]),
        ]).await;
    }
}

async fn taken(app: &App, lines: &[Value]) {
    let file: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let report = kassa::import::run(&app.shop, Cursor::new(file), Format::JsonLines, false, &mut |_| {}).await.unwrap();
    assert_eq!(report.rejected, []);
}

api_test! {
    async fn lines_that_do_not_fit_what_the_shop_has_are_told(app: App) {
        let own = |config: &mut kassa::Config| {
            config.catalog.locales = vec!["de".into()];
            config.shop.currencies = vec!["USD".to_owned().try_into().unwrap()];
        };
        let app = app.another(own).await;
        let merchant = Merchant::of(&app).await;
        for _ in 0..2 {
            merchant.post("/v1/admin/locations", json!({ "name": "Twin", "priority": 1 })).await.expect(201);
        }
        let by_rule = json!({ "title": "Rule", "rule": { "match": "all", "conditions": [{ "field": "tag", "value": "a" }] } });
        merchant.post("/v1/admin/collections", by_rule).await.expect(201);
        let variant = |sku: &str, size: &str| json!({ "sku": sku, "price": 1, "options": { "size": size } });
        let of = |slug: &str, variants: Value| json!({ "kind": "product", "slug": slug, "title": slug, "variants": variants });
        let mut shirt = of("shirt", json!([variant("S-1", "m")]));
        shirt["options"] = json!([{ "code": "size", "name": "Size", "values": [{ "code": "m", "name": "M" }] }]);
        let full = (0..200).map(|index| json!({ "sku": format!("F-{index}"), "title": index.to_string(), "price": 1 })).collect();
        let list = |currency: &str| json!({ "kind": "price-list", "code": "gold", "name": "Gold", "currency": currency });
        taken(&app, &[shirt, of("full", full), list("EUR")]).await;
        reserve(&app, 1, "POT-GLASS-1L", 1, false).await.unwrap();
        let stock = |location: &str| json!({ "location": location, "on_hand": 600_000_000 });
        let lines = [
            json!({ "kind": "location", "name": "Twin" }),
            json!({ "kind": "product", "slug": "house-blend", "texts": { "de": { "colour": "rot" } } }),
            of("sencha", json!([{ "sku": "TEA-SENCHA-100", "options": { "size": "m" } }])),
            json!({ "kind": "product", "slug": "brazil-decaf", "attributes": { "colour": "red" } }),
            json!({ "kind": "collection", "slug": "rule", "products": [] }),
            of("full", json!([{ "sku": "F-200", "price": 1 }])),
            of("shirt", json!([variant("S-2", "m")])),
            list("USD"),
            json!({ "kind": "location", "name": "Attic" }),
            of("paper-filters", json!([{ "sku": "FILTER-PAPER-100", "stock": [stock("Main location"), stock("Attic")] }])),
            of("glass-teapot", json!([{ "sku": "POT-GLASS-1L", "tracked": false }])),
        ];
        let told = [
            (1, "several locations are called `Twin`: name it by its id"),
            (2, "/texts/de/colour: there is no such text to translate"),
            (3, "/options: the product has no option `size`"),
            (4, "/attributes/colour: the type of the product has no such attribute of a product"),
            (5, "the products of the collection follow from its rule"),
            (6, "a product has at most 200 variants"),
            (7, "/options: another variant has the same values"),
            (8, "/currency: never changes"),
            (10, "there would be more than 1000000000 on hand"),
            (11, "it is still in use"),
        ];
        assert_eq!(rejected(&app, &lines).await.unwrap(), told.map(|(line, text)| (line, text.to_owned())));
        app.stopper().stop().await;
    }
}

api_test! {
    async fn a_file_of_another_version_is_refused_whole(app: App) {
        let told = rejected(&app, &[json!({ "kind": "catalog", "version": 2, "currency": "EUR" })]).await;
        assert!(matches!(told, Err(Error::Version(2))), "{told:?}");
    }
}

api_test! {
    /// What a dry run would have made by then is there for the lines behind it; nothing else is.
    async fn a_dry_run_misses_what_a_real_one_would(app: App) {
        let related = |slug: &str| json!({ "relation": "related", "slug": slug });
        let lines = [
            json!({ "kind": "product", "slug": "new", "title": "New", "variants": [{ "sku": "NEW-1", "price": 1 }] }),
            json!({ "kind": "related", "product": "new", "products": [related("sencha")] }),
            json!({ "kind": "related", "product": "new", "products": [related("nobody-has-it")] }),
        ];
        let told: Vec<_> = rejected(&app, &lines).await.unwrap().into_iter().map(|(line, _)| line).collect();
        assert_eq!(told, [3]);
    }
}
