//! What pages of the catalog show: old slugs, products beside each other, languages, categories.

use futures_util::future::join_all;
use reqwest::Method;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::merchant::{Merchant, pointers};

/// Does not follow.
async fn look(app: &App, path: &str, language: Option<&str>) -> Answer {
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let mut request = client.get(format!("{}{path}", app.url));
    if let Some(language) = language {
        request = request.header("accept-language", language);
    }
    Answer::of(request).await
}

async fn product(merchant: &Merchant<'_>, title: &str) -> (String, String) {
    let body = json!({ "title": title, "status": "active", "description": format!("All about {title}.") });
    let made = merchant.post("/v1/admin/products", body).await.expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    (format!("/v1/admin/products/{id}"), id)
}

api_test! {
    async fn an_old_slug_leads_to_the_new_one_until_it_is_taken(app: App) {
        let merchant = Merchant::of(&app).await;
        let (mug, _) = product(&merchant, "Mug").await;
        for slug in ["big-mug", "bigger-mug"] {
            merchant.patch(&mug, json!({ "slug": slug })).await.expect(200);
        }
        for old in ["mug", "big-mug"] {
            let answer = look(&app, &format!("/v1/products/{old}?locale=en"), None).await;
            assert_eq!((answer.status, &answer.headers["location"]), (301, &"/v1/products/bigger-mug?locale=en".parse().unwrap()));
            assert_eq!(answer.headers["cache-control"], "public, no-cache");
        }
        merchant.patch(&mug, json!({ "slug": "big-mug" })).await.expect(200);
        assert_eq!(look(&app, "/v1/products/big-mug", None).await.status, 200, "its own again");
        assert_eq!(look(&app, "/v1/products/bigger-mug", None).await.status, 301);
        product(&merchant, "Mug").await;
        assert_eq!(look(&app, "/v1/products/mug", None).await.expect(200)["title"], "Mug", "taken by another");
        merchant.delete(&mug).await.expect(204);
        assert_eq!(look(&app, "/v1/products/bigger-mug", None).await.status, 404, "archived");

        let made = merchant.post("/v1/admin/categories", json!({ "name": "Spoons" })).await.expect(201);
        let path = format!("/v1/admin/categories/{}", made["id"].as_str().unwrap());
        merchant.patch(&path, json!({ "slug": "cutlery" })).await.expect(200);
        let answer = look(&app, "/v1/categories/spoons", None).await;
        assert_eq!((answer.status, &answer.headers["location"]), (301, &"/v1/categories/cutlery".parse().unwrap()));
        merchant.delete(&path).await.expect(204);
        assert_eq!(look(&app, "/v1/categories/spoons", None).await.status, 404);
    }
}

api_test! {
    async fn products_stand_beside_each_other(app: App) {
        let merchant = Merchant::of(&app).await;
        let ((mug, mug_id), (_, saucer), (spoon_path, spoon)) =
            (product(&merchant, "Mug").await, product(&merchant, "Saucer").await, product(&merchant, "Spoon").await);
        let path = format!("{mug}/related");
        let beside = |ids: &[(&str, &str)]| {
            let products: Vec<_> = ids.iter().map(|(relation, id)| json!({ "relation": relation, "id": id })).collect();
            json!({ "products": products })
        };
        let wrong = beside(&[("related", &mug_id), ("upsell", &saucer), ("upsell", &saucer), ("related", "67e55044-10b1-426f-9247-bb680e5fe0c8")]);
        assert_eq!(
            pointers(&merchant.put(&path, wrong).await.problem("invalid-request")),
            ["/products/0/id", "/products/2/id", "/products/3/id"]
        );
        let right = beside(&[("accessory", &spoon), ("related", &saucer)]);
        merchant.send_if(Method::PUT, &path, "\"9\"", right.clone()).await.problem("precondition-failed");
        let put = merchant.put(&path, right).await;
        assert_eq!(put.headers["etag"], "\"2\"");
        assert_eq!(put.expect(200)["products"][0]["slug"], "spoon");
        let shown = app.get("/v1/products/mug").await.expect(200);
        assert_eq!((&shown["related"][0]["relation"], &shown["related"][1]["title"]), (&json!("accessory"), &json!("Saucer")));
        assert_eq!((&shown["seo_title"], &shown["seo_description"]), (&json!("Mug"), &json!("All about Mug.")));
        merchant.delete(&spoon_path).await.expect(204);
        let shown = app.get("/v1/products/mug").await.expect(200);
        assert_eq!(shown["related"].as_array().unwrap().len(), 1, "archived ones are not shown");
        merchant.patch(&mug, json!({ "seo_title": "A mug" })).await.expect(200);
        assert_eq!(app.get("/v1/products/mug").await.expect(200)["seo_title"], "A mug");
    }
}

api_test! {
    async fn a_page_is_in_the_language_of_its_reader(own: App) {
        let app = own.another(|config| config.catalog.locales = vec!["de".into(), "de-AT".into()]).await;
        let stop = app.stopper();
        let merchant = Merchant::of(&app).await;
        let kind = json!({ "code": "cup", "name": "Cup", "attributes": [
            { "code": "glaze", "name": "Glaze", "kind": "choice", "choices": [{ "code": "matt", "name": "Matt" }] },
        ] });
        merchant.post("/v1/admin/product-types", kind).await.expect(201);
        let cup = json!({
            "title": "Coffee cup", "description": "For coffee.", "status": "active", "product_type": "cup",
            "attributes": { "glaze": "matt" },
            "options": [{ "name": "Size", "values": [{ "name": "Small" }] }],
            "variants": [{ "sku": "CUP-S", "price": 100, "options": { "size": "small" } }],
        });
        let made = merchant.post("/v1/admin/products", cup).await.expect(201);
        let texts = |entity: &str, id: &str, locale: &str| format!("/v1/admin/translations/{entity}/{id}/{locale}");
        let id = made["id"].as_str().unwrap();
        let put = async |path: String, texts: Value| merchant.put(&path, json!({ "texts": texts })).await;
        put(texts("product", id, "de"), json!({
            "title": "Kaffeetasse", "description": "Für Kaffee.", "options.size": "Größe", "options.size.small": "Klein",
        })).await.expect(204);
        put(texts("product", id, "de-AT"), json!({ "title": "Kaffeehäferl" })).await.expect(204);
        put(texts("product-type", "cup", "de"), json!({ "attributes.glaze": "Glasur", "attributes.glaze.matt": "Matt!" }))
            .await.expect(204);
        let unknown = put(texts("product", id, "de"), json!({ "titel": "x", "options.colour": "x" })).await;
        assert_eq!(pointers(&unknown.problem("invalid-request")), ["/texts/options.colour", "/texts/titel"]);
        put(texts("product", id, "fr"), json!({ "title": "Tasse" })).await.problem("not-found");
        put(texts("product", "67e55044-10b1-426f-9247-bb680e5fe0c8", "de"), json!({})).await.problem("not-found");

        for (language, title, description, tag) in [
            (None, "Coffee cup", "For coffee.", "en"),
            (Some("fr, de;q=0.5"), "Kaffeetasse", "Für Kaffee.", "de"),
            (Some("de-AT"), "Kaffeehäferl", "Für Kaffee.", "de-AT"),
            (Some("en-US, de"), "Coffee cup", "For coffee.", "en"),
        ] {
            let page = look(&app, "/v1/products/coffee-cup", language).await;
            assert_eq!(page.headers["content-language"], tag);
            let vary: Vec<_> = page.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
            assert!(vary.iter().any(|value| value.contains("accept-language")), "{vary:?}");
            let page = page.expect(200);
            assert_eq!((&page["title"], &page["description"]), (&json!(title), &json!(description)), "{language:?}");
        }
        let page = look(&app, "/v1/products/coffee-cup?locale=de", Some("en")).await.expect(200);
        assert_eq!((&page["options"][0]["name"], &page["variants"][0]["title"]), (&json!("Größe"), &json!("Klein")));
        assert_eq!((&page["attributes"][0]["name"], &page["attributes"][0]["label"]), (&json!("Glasur"), &json!("Matt!")));
        look(&app, "/v1/products/coffee-cup?locale=d_e", None).await.problem("invalid-request");

        let tea = app.get("/v1/categories/tea").await.expect(200);
        put(texts("category", tea["id"].as_str().unwrap(), "de"), json!({ "name": "Tee" })).await.expect(204);
        assert_eq!(look(&app, "/v1/categories/tea?locale=de-AT", None).await.expect(200)["name"], "Tee");
        let tree = look(&app, "/v1/categories", Some("de")).await.expect(200);
        assert!(tree.as_array().unwrap().iter().any(|category| category["name"] == "Tee"), "{tree}");

        let all = merchant.get(&format!("/v1/admin/translations/product/{id}")).await.expect(200);
        assert_eq!(all["translations"]["de-AT"], json!({ "title": "Kaffeehäferl" }));
        merchant.delete(&texts("product", id, "de-AT")).await.expect(204);
        assert_eq!(look(&app, "/v1/products/coffee-cup", Some("de-AT")).await.expect(200)["title"], "Kaffeetasse");
        stop.stop().await;
    }
}

api_test! {
    async fn a_category_knows_its_place(app: App) {
        let merchant = Merchant::of(&app).await;
        let make = async |name: &str, parent: Option<&str>| {
            let made = merchant.post("/v1/admin/categories", json!({ "name": name, "parent_id": parent })).await;
            made.expect(201)["id"].as_str().unwrap().to_owned()
        };
        let garden = make("Garden", None).await;
        let roses = make("Roses", Some(&garden)).await;
        let climbing = make("Climbing roses", Some(&roses)).await;
        let page = app.get("/v1/categories/climbing-roses").await.expect(200);
        assert_eq!((&page["level"], &page["path"]), (&json!(2), &json!("garden/roses/climbing-roses")));
        let names: Vec<_> = page["ancestors"].as_array().unwrap().iter().map(|above| above["slug"].as_str().unwrap()).collect();
        assert_eq!(names, ["garden", "roses"]);
        let page = app.get(&format!("/v1/categories/{garden}")).await.expect(200);
        assert_eq!((&page["children"][0]["slug"], &page["children"][0]["level"]), (&json!("roses"), &json!(1)));
        app.get("/v1/categories/no-such-category").await.problem("not-found");

        let path = format!("/v1/admin/categories/{roses}");
        let read = merchant.get(&path).await;
        let etag = read.headers["etag"].to_str().unwrap().to_owned();
        let moved = merchant.send_if(Method::PATCH, &path, &etag, json!({ "parent_id": null })).await;
        assert_eq!(moved.expect(200)["level"], 0);
        merchant.send_if(Method::PATCH, &path, &etag, json!({ "name": "x" })).await.problem("precondition-failed");
        merchant.send_if(Method::DELETE, &path, &etag, json!({})).await.problem("precondition-failed");
        let page = app.get("/v1/categories/climbing-roses").await.expect(200);
        assert_eq!(page["path"], "roses/climbing-roses");
        let cycle = merchant.patch(&path, json!({ "parent_id": climbing })).await;
        cycle.problem("category-cycle");
        merchant.delete(&path).await.problem("category-not-empty");
        assert_eq!(app.get("/v1/categories/climbing-roses").await.expect(200)["path"], "roses/climbing-roses");
    }
}

api_test! {
    async fn a_slug_belongs_to_one_of_a_kind(app: App) {
        let merchant = Merchant::of(&app).await;
        for (kind, title) in [("products", "title"), ("categories", "name"), ("collections", "title")] {
            let path = format!("/v1/admin/{kind}");
            merchant.post(&path, json!({ title: "First", "slug": "first" })).await.expect(201);
            let second = merchant.post(&path, json!({ title: "Second" })).await.expect(201);
            merchant.post(&path, json!({ title: "Third", "slug": "first" })).await.problem("slug-taken");
            let second = format!("{path}/{}", second["id"].as_str().unwrap());
            merchant.patch(&second, json!({ "slug": "first" })).await.problem("slug-taken");
            assert_eq!(merchant.get(&second).await.expect(200)["slug"], "second", "{kind}");
        }
    }
}

api_test! {
    /// The path of a category, made of all slugs above it, has at most 2,000 bytes.
    async fn the_tree_is_so_deep_and_no_deeper(app: App) {
        let merchant = Merchant::of(&app).await;
        let make = |slug: String, parent: Value| {
            let body = json!({ "name": "x", "slug": slug, "parent_id": parent });
            let merchant = &merchant;
            async move { merchant.post("/v1/admin/categories", body).await }
        };
        let mut deepest = Value::Null;
        for level in 0..24 {
            deepest = make(format!("{}{level:02}", "a".repeat(78)), deepest).await.expect(201)["id"].clone();
        }
        // 1,943 so far, and a slash.
        let beyond = make("b".repeat(57), deepest.clone()).await.problem("invalid-request");
        assert_eq!(pointers(&beyond), ["/parent_id"]);
        make("c".repeat(56), deepest.clone()).await.expect(201);
        let branch = make("branch".into(), Value::Null).await.expect(201)["id"].clone();
        make("d".repeat(60), branch.clone()).await.expect(201);
        let path = format!("/v1/admin/categories/{}", branch.as_str().unwrap());
        let moved = merchant.patch(&path, json!({ "parent_id": deepest })).await.problem("invalid-request");
        assert_eq!(pointers(&moved), ["/parent_id"], "the branch would fit, what is below it would not");
        assert_eq!(merchant.get(&path).await.expect(200)["parent_id"], Value::Null);
    }
}

api_test! {
    /// Each move is right by itself, and all of them together would be a ring.
    async fn moves_at_a_time_make_no_ring(app: App) {
        let merchant = Merchant::of(&app).await;
        for round in 0..5 {
            let mut ids = Vec::new();
            for number in 0..6 {
                let body = json!({ "name": format!("Ring {round} {number}") });
                let made = merchant.post("/v1/admin/categories", body).await.expect(201);
                ids.push(made["id"].as_str().unwrap().to_owned());
            }
            let moves = (0..ids.len()).map(|index| {
                let path = format!("/v1/admin/categories/{}", ids[index]);
                let body = json!({ "parent_id": ids[(index + 1) % ids.len()] });
                let merchant = &merchant;
                async move { merchant.patch(&path, body).await }
            });
            let answers = join_all(moves).await;
            let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
            assert_eq!(refused.len(), 1, "{answers:?}");
            assert_eq!(refused[0].body["type"], "/problems/category-cycle");
            let deepest = app.get(&format!("/v1/categories/ring-{round}-0")).await.expect(200);
            assert!(deepest["level"].as_u64().unwrap() <= 5, "{deepest}");
            let roots = app.get("/v1/categories").await.expect(200);
            let rings = roots.as_array().unwrap().iter().filter(|root| root["slug"].as_str().unwrap().starts_with(&format!("ring-{round}-")));
            assert_eq!(rings.count(), 1, "one chain");
        }
    }
}
