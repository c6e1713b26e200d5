//! The catalog.

use kassa::catalog::{self, NewProduct, NewVariant};
use reqwest::Method;
use serde_json::json;

use crate::support::app::Answer;
use crate::support::merchant::{Merchant, pointers};

api_test! {
    async fn products_are_listed_page_by_page_without_gaps_or_repeats(app: App) {
        let mut slugs = Vec::new();
        let mut path = "/v1/products?limit=5".to_owned();
        loop {
            let page = app.get(&path).await.expect(200);
            slugs.extend(page["items"].as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/products?limit=5&cursor={cursor}");
        }
        let all = app.get("/v1/products?limit=100").await.expect(200);
        assert_eq!(all["items"].as_array().unwrap().len(), slugs.len());
        let mut unique = slugs.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), slugs.len());
        assert_eq!(slugs.len(), 12);
    }
}

api_test! {
    async fn products_are_found_by_text_and_by_category_with_its_subtree(app: App) {
        let found = app.get("/v1/products?q=EARL").await.expect(200);
        assert_eq!(found["items"][0]["slug"], "earl-grey");
        assert_eq!(found["items"].as_array().unwrap().len(), 1);
        let percent = app.get("/v1/products?q=%25").await.expect(200);
        assert_eq!(percent["items"], json!([]), "a wildcard is a character like any other");
        let tree = app.get("/v1/categories").await.expect(200);
        assert!(tree.as_array().unwrap().len() >= 2, "{tree}");
        let teas = app.get("/v1/products?category=tea").await.expect(200);
        assert_eq!(teas["items"].as_array().unwrap().len(), 4);
        let black = app.get("/v1/products?category=black-tea").await.expect(200);
        assert_eq!(black["items"].as_array().unwrap().len(), 2);
    }
}

api_test! {
    async fn a_product_that_the_client_has_is_not_sent_again(app: App) {
        let first = app.get("/v1/products/earl-grey").await;
        let etag = first.headers["etag"].clone();
        let id = first.expect(200)["id"].as_str().unwrap().to_owned();
        let request = app.client.get(format!("{}/v1/products/{id}", app.url)).header("if-none-match", &etag);
        assert_eq!(Answer::of(request).await.status, 304);
        app.get("/v1/products/no-such-product").await.problem("not-found");
    }
}

api_test! {
    async fn a_merchant_adds_changes_and_archives_a_product(app: App) {
        let token = app.merchant().await;
        let product = json!({
            "title": "Tea Towel",
            "variants": [{ "sku": "TOWEL-1", "price": 990, "weight_grams": 80, "on_hand": 5 }],
        });
        let send = |method, path: String, body| {
            let (app, token) = (&app, token.clone());
            async move { app.send(method, &path, Some(&token), Some(body)).await }
        };
        app.post("/v1/admin/products", product.clone()).await.problem("unauthenticated");
        let customer = app.customer("ada@example.org").await;
        let refused = app.send(Method::POST, "/v1/admin/products", Some(&customer), Some(product.clone())).await;
        refused.problem("forbidden");
        let made = send(Method::POST, "/v1/admin/products".into(), product.clone()).await.expect(201);
        send(Method::POST, "/v1/admin/products".into(), product).await.problem("sku-taken");
        let path = format!("/v1/admin/products/{}", made["id"].as_str().unwrap());
        send(Method::PATCH, path.clone(), json!({ "status": "active" })).await.expect(200);
        let shown = app.get("/v1/products/tea-towel").await.expect(200);
        assert_eq!(shown["variants"][0]["price"], 990);
        let variant = format!("/v1/admin/variants/{}", made["variants"][0]["id"].as_str().unwrap());
        send(Method::PATCH, variant, json!({ "price": 890, "on_hand": 3 })).await.expect(200);
        let shown = app.get("/v1/products/tea-towel").await.expect(200);
        assert_eq!((&shown["variants"][0]["price"], &shown["variants"][0]["available"]), (&json!(890), &json!(3)));
        let deleted = app.send(Method::DELETE, &path, Some(&token), None).await;
        assert!(deleted.status < 300, "{}", deleted.body);
        app.get("/v1/products/tea-towel").await.problem("not-found");
    }
}

api_test! {
    async fn a_product_has_so_many_variants(app: App) {
        let merchant = Merchant::of(&app).await;
        let many = |count: usize| {
            let variants = (0..count).map(|number| json!({ "sku": format!("MANY-{number}"), "price": 1 }));
            json!({ "title": "Many", "variants": variants.collect::<Vec<_>>() })
        };
        let beyond = merchant.post("/v1/admin/products", many(201)).await.problem("invalid-request");
        assert_eq!(pointers(&beyond), ["/variants"]);
        // Files are read past the handlers.
        let new = |number| NewVariant { sku: format!("MANY-{number}"), price: 1, ..NewVariant::default() };
        let product = NewProduct { title: "Many".into(), variants: (0..201).map(new).collect(), ..NewProduct::default() };
        let refused = catalog::create_product(&app.shop, &product).await;
        assert!(matches!(refused, Err(catalog::Error::TooManyVariants)), "{refused:?}");
        let made = merchant.post("/v1/admin/products", many(200)).await.expect(201);
        let path = format!("/v1/admin/products/{}", made["id"].as_str().unwrap());
        let one_more = json!({ "sku": "ONE-MORE", "price": 1 });
        let refused = merchant.post(&format!("{path}/variants"), one_more).await.problem("invalid-request");
        assert_eq!(pointers(&refused), ["/variants"]);
        assert_eq!(merchant.get(&path).await.expect(200)["variants"].as_array().unwrap().len(), 200);
    }
}

api_test! {
    async fn the_merchant_lists_products_of_every_status(app: App) {
        let clerk = app.staff(&["catalog"]).await;
        let create = async |body| app.send(Method::POST, "/v1/admin/products", Some(&clerk), Some(body)).await.expect(201);
        let crate_of_figs = create(json!({
            "title": "Crate of Figs", "vendor": "Grün & Söhne", "tags": ["Autumn"],
            "variants": [{ "sku": "FIG-CRATE-5", "price": 990, "barcode": "4006381333931", "on_hand": 7 },
                         { "sku": "FIG-CRATE-9", "price": 1490, "on_hand": 2 }]
        })).await;
        create(json!({ "title": "Fig jam", "status": "active" })).await;
        let gone = create(json!({ "title": "Figurine", "description": "A crate of figs, in clay" })).await;
        let path = |product: &serde_json::Value| format!("/v1/admin/products/{}", product["id"].as_str().unwrap());
        app.send(Method::DELETE, &path(&gone), Some(&clerk), None).await.expect(204);

        let list = async |query: &str| {
            let page = app.send(Method::GET, &format!("/v1/admin/products?{query}"), Some(&clerk), None).await.expect(200);
            page["items"].as_array().unwrap().clone()
        };
        let titles = async |query: &str| {
            let items = list(query).await;
            items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        for (query, expected) in [
            ("q=fig", vec!["Figurine", "Fig jam", "Crate of Figs"]),
            ("q=fig&sort=oldest", vec!["Crate of Figs", "Fig jam", "Figurine"]),
            ("q=FIG&status=draft", vec!["Crate of Figs"]),
            ("q=fig&status=active", vec!["Fig jam"]),
            ("status=archived", vec!["Figurine"]),
            // A SKU from its beginning, a barcode, the vendor, a tag; all words, in any order.
            ("q=fig-crate-9", vec!["Crate of Figs"]),
            ("q=40063813", vec!["Crate of Figs"]),
            ("q=s%C3%B6hne+gr", vec!["Crate of Figs"]),
            ("q=autumn", vec!["Crate of Figs"]),
            // Neither descriptions nor forms of words: who keeps a catalog looks for what stands there.
            ("q=clay", vec![]),
            ("q=figs+jam", vec![]),
            ("q=%23%25", vec![]),
            ("product_type=none", vec![]),
            ("category=019a0000-0000-7000-8000-000000000000", vec![]),
        ] {
            assert_eq!(titles(query).await, expected, "{query}");
        }
        let found = &list("q=crate").await[0];
        let counted = ["variants", "available", "status"].map(|field| found[field].clone());
        assert_eq!(counted, [json!(2), json!(9), json!("draft")]);
        // What the merchant finds, shoppers do not.
        assert_eq!(app.get("/v1/products?q=crate").await.expect(200)["items"], json!([]));

        // What is renamed is found by its new name, and was changed last.
        let renamed = json!({ "title": "Box of dates" });
        app.send(Method::PATCH, &path(&crate_of_figs), Some(&clerk), Some(renamed)).await.expect(200);
        assert_eq!(titles("q=crate&status=draft").await, ["Box of dates"], "its SKUs have the word");
        assert_eq!(titles("q=figs").await, Vec::<String>::new());
        assert_eq!(titles("sort=updated&limit=2").await, ["Box of dates", "Figurine"]);

        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/admin/products?limit=4&sort=updated{cursor}");
            let page = app.send(Method::GET, &path, Some(&clerk), None).await.expect(200);
            paged.extend(page["items"].as_array().unwrap().iter().map(|item| item["slug"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let all = list("limit=100&sort=updated").await;
        assert_eq!(paged, all.iter().map(|item| item["slug"].clone()).collect::<Vec<_>>());
        assert_eq!(paged.len(), 15, "twelve of the demo, and these");

        for query in [format!("sort=newest{cursor}"), "limit=0".into(), "product_type=No%20Code".into(), format!("q={}", "x".repeat(201))] {
            app.send(Method::GET, &format!("/v1/admin/products?{query}"), Some(&clerk), None).await.problem("invalid-request");
        }
    }
}
