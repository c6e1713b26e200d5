//! Files that are imported while nobody waits.

use kassa::db::sql;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::merchant::Merchant;
use crate::support::stock::{audit, numbers, release, reserve, told, variant};

const JSON_LINES: &str = "application/jsonl";

pub async fn upload(merchant: &Merchant<'_>, query: &str, media_type: &str, file: &str) -> Answer {
    let url = format!("{}/v1/admin/imports?{query}", merchant.app.url);
    let request = merchant.app.client.post(url).bearer_auth(&merchant.token).header("content-type", media_type);
    Answer::of(request.body(file.to_owned())).await
}

/// The import when it has ended.
pub async fn ended(merchant: &Merchant<'_>, id: &Value) -> Value {
    let path = format!("/v1/admin/imports/{}", id.as_str().expect("an id"));
    merchant
        .app
        .eventually("the import ends", || async {
            let job = merchant.get(&path).await.expect(200);
            (!job["ended_at"].is_null()).then_some(job)
        })
        .await
}

pub async fn import(merchant: &Merchant<'_>, query: &str, media_type: &str, file: &str) -> Value {
    let job = upload(merchant, query, media_type, file).await.expect(202);
    ended(merchant, &job["id"]).await
}

async fn import_lines(merchant: &Merchant<'_>, lines: &[Value]) -> Value {
    import(merchant, "format=json-lines", JSON_LINES, &text(lines)).await
}

/// All of the report: line, outcome, what, detail.
pub async fn report(merchant: &Merchant<'_>, job: &Value) -> Vec<(i64, String, String, String)> {
    let (mut lines, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/admin/imports/{}/report?limit=3{cursor}", job["id"].as_str().unwrap());
        let page = merchant.get(&path).await.expect(200);
        for line in page["items"].as_array().unwrap() {
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            lines.push((line["line"].as_i64().unwrap(), text("outcome"), text("what"), text("detail")));
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return lines,
        }
    }
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn product(number: usize) -> Value {
    let variants = json!([{ "sku": format!("GEN-{number}"), "price": 100, "stock": [{ "location": "Main location", "on_hand": 5 }] }]);
    json!({ "kind": "product", "slug": format!("gen-{number}"), "title": format!("Generated {number}"), "variants": variants })
}

api_test! {
    async fn a_file_becomes_types_categories_products_and_collections(app: App) {
        let merchant = Merchant::of(&app).await;
        let attributes = json!([{ "code": "roast", "name": "Roast", "type": "choice", "level": "product",
                                  "choices": [{ "code": "light", "name": "Light" }] }]);
        let options = json!([{ "code": "size", "name": "Size", "values": [{ "code": "s", "name": "Small" }, { "code": "l", "name": "Large" }] }]);
        let variants = json!([
            { "sku": "BEAN-S", "price": 900, "weight_grams": 250, "options": { "size": "s" }, "barcode": "4006381333931",
              "stock": [{ "location": "Main location", "on_hand": 7 }] },
            { "sku": "BEAN-L", "price": 1700, "options": { "size": "l" }, "tracked": false },
        ]);
        let lines = [
            json!({ "kind": "catalog", "version": 1, "currency": "EUR" }),
            json!({ "kind": "product-type", "code": "beans", "name": "Beans", "attributes": attributes }),
            json!({ "kind": "category", "slug": "pantry", "name": "Pantry", "parent": null }),
            json!({ "kind": "category", "slug": "beans", "name": "Beans", "parent": "pantry" }),
            json!({ "kind": "product", "slug": "house-bean", "title": "House Bean", "status": "active", "category": "beans",
                    "product_type": "beans", "attributes": { "roast": "light" }, "options": options, "tags": ["New"],
                    "seo_title": "Beans", "variants": variants }),
            json!({ "kind": "related", "product": "house-bean", "products": [{ "relation": "accessory", "slug": "sencha" }] }),
            json!({ "kind": "collection", "slug": "picks", "title": "Picks", "status": "active", "products": ["house-bean"] }),
            json!({ "kind": "collection", "slug": "by-rule", "title": "By rule", "status": "active",
                    "rule": { "match": "all", "conditions": [{ "field": "category", "value": "pantry" }] } }),
        ];
        let job = import_lines(&merchant, &lines).await;
        assert_eq!(report(&merchant, &job).await.iter().filter(|line| line.1 == "refused").count(), 0);
        assert_eq!((&job["state"], &job["rows_done"], &job["rows_total"]), (&json!("done"), &json!(8), &json!(8)));
        assert_eq!(job["products"], json!({ "created": 1, "updated": 0, "unchanged": 0 }));
        assert_eq!(job["variants"], json!({ "created": 2, "updated": 0, "unchanged": 0 }));
        assert_eq!(job["others"], json!({ "created": 5, "updated": 1, "unchanged": 0 }));
        let page = app.get("/v1/products/house-bean").await.expect(200);
        assert_eq!(page["variants"][0]["title"], "Small");
        assert_eq!(page["category"], "pantry/beans");
        assert_eq!(numbers(&app, "BEAN-S").await, (7, 0, 0, 7));
        assert_eq!(numbers(&app, "BEAN-L").await.3, 1_000_000, "it never runs out");
        let products = app.get("/v1/products?collection=picks").await.expect(200);
        assert_eq!(products["items"][0]["slug"], "house-bean");
        let again = import_lines(&merchant, &lines).await;
        assert_eq!(again["products"]["unchanged"], 1);
        assert_eq!(again["variants"]["unchanged"], 2);
        assert_eq!(again["others"], json!({ "created": 0, "updated": 0, "unchanged": 6 }));
        assert!(report(&merchant, &again).await.is_empty());
        audit(&app).await;
    }
}

api_test! {
    async fn a_field_that_a_line_does_not_mention_stays(app: App) {
        let merchant = Merchant::of(&app).await;
        let before = app.get("/v1/products/sencha").await.expect(200);
        let variants = json!([{ "sku": "TEA-SENCHA-100", "price": 4321 }]);
        let job = import_lines(&merchant, &[json!({ "kind": "product", "slug": "sencha", "variants": variants })]).await;
        assert_eq!(job["variants"], json!({ "created": 0, "updated": 1, "unchanged": 0 }));
        let after = app.get("/v1/products/sencha").await.expect(200);
        assert_eq!(after["variants"][0]["price"], 4321);
        for field in ["title", "description", "category", "vendor"] {
            assert_eq!(after[field], before[field], "{field}");
        }
        assert_eq!(after["variants"][0]["available"], before["variants"][0]["available"]);
    }
}

/// What can go wrong with lines, one after the other.
fn troubled() -> Vec<Value> {
    let stock = |on_hand: i64| json!([{ "location": "Main location", "on_hand": on_hand }]);
    vec![
        json!({ "kind": "category", "slug": "new-shelf", "name": "New shelf" }),
        json!({ "kind": "product", "slug": "fine", "title": "Fine", "category": "new-shelf", "variants": [{ "sku": "FINE-1", "price": 1 }] }),
        json!({ "kind": "product", "slug": "Not A Slug", "title": "x", "variants": [{ "sku": "", "price": -1 }] }),
        json!({ "kind": "product", "slug": "untitled" }),
        json!({ "kind": "product", "slug": "fine", "title": "Again" }),
        json!({ "kind": "product", "slug": "thief", "title": "Thief", "variants": [{ "sku": "TEA-EARL-GREY-100", "price": 1 }, { "sku": "THIEF", "price": 1 }] }),
        json!({ "kind": "product", "slug": "lost", "title": "Lost", "category": "nowhere" }),
        json!({ "kind": "product", "slug": "sencha", "variants": [{ "sku": "TEA-SENCHA-100", "stock": stock(0) }] }),
        json!({ "kind": "product", "slug": "afar", "title": "Afar", "variants": [{ "sku": "AFAR", "price": 1, "stock": [{ "location": "Moon", "on_hand": 1 }] }] }),
        json!({ "kind": "product", "slug": "odd", "title": "Odd", "colour": "red" }),
        json!({ "kind": "collection", "slug": "shelf", "title": "Shelf", "products": ["fine", "sencha"] }),
        json!({ "kind": "collection", "slug": "gaps", "title": "Gaps", "products": ["nothing"] }),
        json!({ "kind": "related", "product": "fine", "products": [{ "relation": "upsell", "slug": "sencha" }] }),
        json!({ "kind": "product", "slug": "tongues", "title": "Tongues", "texts": { "xx": { "title": "?" } } }),
    ]
}

async fn counts_of_everything(app: &App) -> (i64, i64, i64, i64) {
    let mut conn = app.shop.db().read().await.unwrap();
    sql::one!(
        conn,
        (i64, i64, i64, i64),
        "select (select count(*) from products) + (select count(*) from variants) + (select count(*) from categories),
                (select count(*) from collections) + (select count(*) from related_products),
                (select count(*) from stock_movements), (select count(*) from events where kind like 'product%')"
    )
    .unwrap()
}

api_test! {
    async fn a_dry_run_writes_nothing_and_reports_what_a_real_run_does(app: App) {
        // In batches so small that what lines rest on was written in another.
        let app = app.another(|config| config.import.batch = 1).await;
        let merchant = Merchant::of(&app).await;
        reserve(&app, 1, "TEA-SENCHA-100", 2, false).await.unwrap();
        let before = counts_of_everything(&app).await;
        let file = text(&troubled()) + "{not json\n";
        let dry = import(&merchant, "format=json-lines&dry_run=true", JSON_LINES, &file).await;
        assert_eq!(counts_of_everything(&app).await, before, "nothing was written");
        assert_eq!((&dry["state"], &dry["dry_run"]), (&json!("done"), &json!(true)));
        let real = import(&merchant, "format=json-lines", JSON_LINES, &file).await;
        assert_ne!(counts_of_everything(&app).await, before);
        for field in ["rows_total", "rows_done", "products", "variants", "others", "refused", "notes"] {
            assert_eq!(dry[field], real[field], "{field}");
        }
        let told = report(&merchant, &real).await;
        assert_eq!(report(&merchant, &dry).await, told);
        let lines = |outcome: &str| told.iter().filter(|line| line.1 == outcome).map(|line| line.0).collect::<Vec<_>>();
        assert_eq!(lines("created"), [1, 2, 6, 11]);
        assert_eq!(lines("updated"), [13]);
        assert_eq!(lines("refused"), [3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15]);
        let detail = |line: i64| told.iter().find(|told| told.0 == line && told.1 == "refused").unwrap().3.clone();
        assert!(detail(3).starts_with("/slug: must be"), "{}", detail(3));
        assert_eq!(detail(5), "the slug fine is that of line 2");
        assert_eq!(detail(6), "the SKU TEA-EARL-GREY-100 is taken");
        assert_eq!(detail(7), "/category: there is no category `nowhere`");
        assert_eq!(detail(8), "less than what orders have reserved of TEA-SENCHA-100");
        assert_eq!(detail(9), "there is no location `Moon`");
        assert!(detail(15).starts_with("it is not a JSON object"), "{}", detail(15));
        let refused = merchant.get(&format!("/v1/admin/imports/{}/report?outcome=refused&limit=100", real["id"].as_str().unwrap())).await;
        assert_eq!(refused.expect(200)["items"].as_array().unwrap().len(), 11);
        audit(&app).await;
        app.stopper().stop().await;
    }
}

api_test! {
    async fn an_import_goes_on_after_a_restart_and_writes_no_line_twice(app: App) {
        const PRODUCTS: usize = 400;
        let app = app.another(|config| config.import.batch = 1).await;
        let merchant = Merchant::of(&app).await;
        let lines: Vec<_> = (0..PRODUCTS).map(product).collect();
        let job = upload(&merchant, "format=json-lines", JSON_LINES, &text(&lines)).await.expect(202);
        let path = format!("/v1/admin/imports/{}", job["id"].as_str().unwrap());
        app.eventually("some of it is done", || async {
            (merchant.get(&path).await.expect(200)["rows_done"].as_i64().unwrap() > 3).then_some(())
        })
        .await;
        let again = app.restart().await;
        let merchant = Merchant { app: &again, token: merchant.token };
        let mut conn = again.shop.db().read().await.unwrap();
        let (left,) = sql::one!(conn, (i64,), "select count(*) from products where slug like 'gen-%'").unwrap();
        drop(conn);
        assert!((left as usize) < PRODUCTS, "it was over before the restart: the case shows nothing");
        let job = ended(&merchant, &job["id"]).await;
        assert_eq!((&job["state"], &job["rows_done"]), (&json!("done"), &json!(PRODUCTS)));
        assert_eq!(job["products"], json!({ "created": PRODUCTS, "updated": 0, "unchanged": 0 }));
        let told = report(&merchant, &job).await;
        let lines: Vec<_> = told.iter().map(|line| line.0).collect();
        assert_eq!(lines, (1..=PRODUCTS as i64).collect::<Vec<_>>());
        again.stopper().stop().await;
    }
}

api_test! {
    async fn a_cancelled_import_writes_nothing_more(app: App) {
        let app = app.another(|config| config.import.batch = 1).await;
        let merchant = Merchant::of(&app).await;
        let lines: Vec<_> = (0..2_000).map(product).collect();
        let first = upload(&merchant, "format=json-lines", JSON_LINES, &text(&lines)).await.expect(202);
        let path = format!("/v1/admin/imports/{}", first["id"].as_str().unwrap());
        let cancelled = merchant.post(&format!("{path}/cancel"), json!({})).await.expect(200);
        assert_eq!(cancelled["state"], "cancelled");
        merchant.post(&format!("{path}/cancel"), json!({})).await.problem("import-ended");
        // The next is done only when nobody works on the first any more.
        let next = import_lines(&merchant, &[json!({ "kind": "category", "slug": "after", "name": "After" })]).await;
        assert_eq!(next["others"]["created"], 1);
        let done = merchant.get(&path).await.expect(200)["rows_done"].clone();
        let mut conn = app.shop.db().read().await.unwrap();
        let (written,) = sql::one!(conn, (i64,), "select count(*) from products where slug like 'gen-%'").unwrap();
        assert_eq!(done, written, "what it says it did is what it did");
        assert!(written < 2_000);
        app.eventually("files of what has ended are gone", || async {
            (std::fs::read_dir(app.data().join("imports")).unwrap().count() == 0).then_some(())
        })
        .await;
        let list = merchant.get("/v1/admin/imports?limit=1").await.expect(200);
        assert_eq!(list["items"][0]["id"], next["id"], "the newest first");
        assert!(list["next_cursor"].is_string());
        drop(conn);
        app.stopper().stop().await;
    }
}

api_test! {
    async fn what_cannot_be_imported_is_told(app: App) {
        let app = app
            .another(|config| {
                config.import.max_bytes = 2_000;
                config.import.max_rows = 3;
                config.import.max_line_bytes = 100;
                config.import.report_lines = 1;
            })
            .await;
        let merchant = Merchant::of(&app).await;
        let send = async |query: &str, media: &str, file: &str| upload(&merchant, query, media, file).await;
        send("format=json-lines", "text/csv", "{}").await.problem("unsupported-media-type");
        send("format=shopify-csv", JSON_LINES, "{}").await.problem("unsupported-media-type");
        send("format=other", JSON_LINES, "{}").await.problem("malformed-request");
        send("format=json-lines", JSON_LINES, "").await.problem("invalid-request");
        send("format=json-lines", JSON_LINES, &"x".repeat(2_001)).await.problem("payload-too-large");
        let failed = import(&merchant, "format=json-lines", JSON_LINES, "{}\n{}\n{}\n{}\n").await;
        assert_eq!(failed["state"], "failed");
        assert!(failed["error"].as_str().unwrap().contains("4 rows"), "{failed}");
        let failed = import(&merchant, "format=shopify-csv", "text/csv", "Handle,Title\na,b\n").await;
        assert!(failed["error"].as_str().unwrap().contains("`Variant Price`"), "{failed}");
        let head = json!({ "kind": "catalog", "version": 1, "currency": "USD" });
        let failed = import_lines(&merchant, &[head]).await;
        assert!(failed["error"].as_str().unwrap().contains("USD"), "{failed}");
        let long = format!("{{\"kind\":\"category\",\"slug\":\"{}\"}}\n{{}}\n", "x".repeat(100));
        let job = import(&merchant, "format=json-lines", JSON_LINES, &long).await;
        assert_eq!((&job["state"], &job["refused"]), (&json!("done"), &json!(2)));
        let told = report(&merchant, &job).await;
        assert_eq!(told.len(), 1, "the report keeps as many lines as it may: {told:?}");
        assert_eq!(told[0].3, "it is longer than 100 bytes");
        app.stopper().stop().await;
    }
}

api_test! {
    async fn an_import_waits_while_the_outbox_is_full(app: App) {
        let app = app
            .another(|config| {
                config.import.batch = 1;
                config.import.max_unsent_events = 0;
            })
            .await;
        let merchant = Merchant::of(&app).await;
        let lines: Vec<_> = (0..5).map(product).collect();
        let before = told(&app, "product.created").await;
        let job = import_lines(&merchant, &lines).await;
        assert_eq!(job["products"]["created"], 5);
        assert_eq!(told(&app, "product.created").await - before, 5, "each is told as if somebody had made it");
        app.stopper().stop().await;
    }
}

api_test! {
    async fn imports_and_checkouts_wait_for_each_other_in_one_direction(app: App) {
        let merchant = Merchant::of(&app).await;
        let skus: Vec<_> = (0..6).map(|number| format!("GEN-{number}")).collect();
        import_lines(&merchant, &(0..6).map(product).collect::<Vec<_>>()).await;
        // The file names them against the order of their ids, which is that in which they were made.
        let lines = |on_hand: i64| -> Vec<Value> {
            let stock = json!([{ "location": "Main location", "on_hand": on_hand }]);
            let line = |number: usize| json!({ "kind": "product", "slug": format!("gen-{number}"),
                "variants": [{ "sku": format!("GEN-{number}"), "stock": stock }] });
            (0..6).rev().map(line).collect()
        };
        let first = variant(&app, &skus[0]).await;
        let last = variant(&app, &skus[5]).await;
        assert!(first < last);
        let buying = async {
            for order in 0..60_u128 {
                let mut goods = Vec::new();
                for sku in &skus {
                    goods.push(crate::support::stock::goods(&app, sku, 1).await);
                }
                let mut tx = app.shop.db().write().await.unwrap();
                let until = kassa::inventory::held_until(&app.shop);
                let id = uuid::Uuid::from_u128(7_000 + order);
                kassa::inventory::reserve(&mut tx, id, &goods, Some(until)).await.expect("no deadlock");
                tx.commit().await.unwrap();
                release(&app, 7_000 + order).await;
            }
        };
        let importing = async {
            for round in 0..6 {
                let job = import_lines(&merchant, &lines(100 + round)).await;
                assert_eq!((&job["state"], &job["refused"]), (&json!("done"), &json!(0)));
                assert_eq!(job["variants"]["updated"], 6);
            }
        };
        tokio::join!(buying, importing);
        assert_eq!(numbers(&app, &skus[0]).await, (105, 0, 0, 105));
        audit(&app).await;
    }
}

api_test! {
    async fn imports_are_the_affair_of_those_who_may_change_the_catalog(app: App) {
        let merchant = Merchant::of(&app).await;
        let job = import_lines(&merchant, &[product(1), product(2)]).await;
        let path = format!("/v1/admin/imports/{}", job["id"].as_str().unwrap());
        let orders = app.staff(&["orders"]).await;
        for path in [path.clone(), format!("{path}/report"), "/v1/admin/imports".into(), "/v1/admin/export?format=json-lines".into()] {
            app.send(Method::GET, &path, Some(&orders), None).await.problem("forbidden");
        }
        let entry = merchant.get("/v1/admin/audit?operation=create_import").await.expect(200);
        assert_eq!(entry["items"][0]["status"], 202);
        assert!(entry["items"][0]["body_sha256"].is_string(), "{entry}");
        merchant.get("/v1/admin/imports/00000000-0000-7000-8000-000000000009").await.problem("not-found");
    }
}

api_test! {
    /// PostgreSQL keeps it in no text: a line that has it is refused, and the rest of the file is taken.
    async fn a_nul_costs_its_line_and_not_the_file(app: App) {
        let merchant = Merchant::of(&app).await;
        let rule = |condition: Value| json!({ "match": "all", "conditions": [condition] });
        let collection = |rule: Value| json!({ "kind": "collection", "slug": "c", "title": "C", "rule": rule });
        let bad = [
            json!({ "kind": "related", "product": "sen\0cha", "products": [] }),
            json!({ "kind": "related", "product": "sencha", "products": [{ "relation": "related", "slug": "\0" }] }),
            json!({ "kind": "category", "slug": "a", "name": "A", "parent": "\0" }),
            json!({ "kind": "product", "slug": "p", "title": "P", "category": "\0", "variants": [] }),
            json!({ "kind": "collection", "slug": "b", "title": "B", "products": ["\0"] }),
            collection(rule(json!({ "field": "vendor", "value": "\0" }))),
            collection(rule(json!({ "field": "tag", "value": "\0" }))),
            collection(rule(json!({ "field": "category", "value": "\0" }))),
            json!({ "kind": "product", "slug": "q", "status": "\0" }),
        ];
        let good = json!({ "kind": "category", "slug": "good", "name": "Good" });
        let head = json!({ "kind": "catalog", "version": 1, "currency": "EUR" });
        let lines: Vec<_> = std::iter::once(head).chain(bad.iter().cloned()).chain([good]).collect();
        let job = import_lines(&merchant, &lines).await;
        assert_eq!((&job["error"], &job["state"]), (&json!(null), &json!("done")), "{job}");
        let report = report(&merchant, &job).await;
        let refused = report.iter().filter(|(_, outcome, ..)| outcome == "refused").count();
        assert_eq!(refused, bad.len(), "{report:#?}");
        assert!(report.iter().any(|(_, _, what, _)| what == "category good"), "{report:#?}");

        let head = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Vendor";
        let csv = format!("{head}\nnu\0l,Nul,Title,Default Title,,1.00,V\nx\0,Bad,Title,Default Title,B-1,\0,V\n");
        let job = import(&merchant, "format=shopify-csv", "text/csv", &csv).await;
        assert_eq!((&job["error"], &job["state"]), (&json!(null), &json!("done")), "{job}");
    }
}
