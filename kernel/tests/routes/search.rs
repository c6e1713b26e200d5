//! Searching, filtering, sorting and counting products.

use kassa::Shop;
use kassa::catalog::*;
use kassa::prices::PriceContext;
use kassa::search::Sort;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;

const CASES: &str = include_str!("../data/search.txt");

fn product(title: &str, vendor: &str, sku: &str, description: &str) -> NewProduct {
    let variant = NewVariant { sku: sku.into(), price: 1_000, weight_grams: 100, on_hand: 5, ..NewVariant::default() };
    NewProduct {
        title: title.into(),
        description: description.into(),
        vendor: vendor.into(),
        status: Status::Active,
        variants: vec![variant],
        ..NewProduct::default()
    }
}

/// Takes the demo out of the shop: a case brings its own products.
async fn empty(shop: &Shop) {
    let demo =
        list_products(shop, &PriceContext::of_guest(shop), &Filter::default(), Sort::Newest, None, 100).await.unwrap();
    for product in demo.products {
        archive_product(shop, product.id, None).await.unwrap();
    }
}

/// Parameters are encoded as a browser does it.
async fn get(app: &App, path: &str, parameters: &[(&str, &str)]) -> Value {
    let url = reqwest::Url::parse_with_params(&format!("{}{path}", app.url), parameters).unwrap();
    crate::support::app::Answer::of(app.client.get(url)).await.expect(200)
}

fn titles(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().or(page.as_array()).unwrap();
    items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

async fn found(app: &App, parameters: &[(&str, &str)]) -> Vec<String> {
    titles(&get(app, "/v1/products", parameters).await)
}

api_test! {
    /// The table is the specification: English and Russian, forms, typos, prefixes, alphabets, layouts.
    async fn every_search_of_the_table_finds_what_it_says_in_that_order(own: App) {
        let app = own.another(|config| config.catalog.locales = vec!["ru".into()]).await;
        let stop = app.stopper();
        empty(&app.shop).await;
        let lines = CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (mut wrong, mut count) = (Vec::new(), 0);
        for line in lines {
            if let Some(fields) = line.strip_prefix("+ ") {
                let fields: Vec<_> = fields.split('|').map(str::trim).collect();
                let mut new = product(fields[0], fields[1], fields[2], fields[3]);
                new.tags = fields.get(4).iter().flat_map(|tags| tags.split(',')).map(str::to_owned).collect();
                let made = create_product(&app.shop, &new).await.unwrap();
                if let Some(title) = fields.get(5) {
                    let texts = Texts::from([("title".to_owned(), (*title).to_owned())]);
                    let id = made.id.to_string();
                    put_translation(&app.shop, Entity::Product, &id, "ru", &texts).await.unwrap();
                }
                continue;
            }
            let partial = line.contains("~>");
            let (q, expected) = line.split_once(if partial { "~>" } else { "=>" }).unwrap();
            let expected: Vec<_> = expected.split(';').map(str::trim).filter(|title| !title.is_empty()).collect();
            let page = get(&app, "/v1/products", &[("q", q.trim())]).await;
            if titles(&page) != expected || page["partial"] != partial {
                wrong.push(format!("{line}\n    found {:?}, partial {}", titles(&page), page["partial"]));
            }
            count += 1;
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
        assert!(count > 60);
        stop.stop().await;
    }
}

api_test! {
    async fn filters_narrow_and_facets_count_without_their_own(app: App) {
        let all = get(&app, "/v1/products", &[("facets", "true"), ("limit", "1")]).await;
        assert_eq!(all["items"].as_array().unwrap().len(), 1);
        let facets = &all["facets"];
        assert_eq!((&facets["total"], &facets["in_stock"]), (&json!(12), &json!(12)));
        assert_eq!(facets["price"], json!({ "min": 450, "max": 8_900 }));
        assert_eq!(facets["vendors"][0], json!({ "value": "Leaf & Ladle", "products": 4 }));
        let category = |facets: &Value, slug: &str| {
            let categories = facets["categories"].as_array().unwrap();
            categories.iter().find(|category| category["slug"] == slug).map(|category| category["products"].clone())
        };
        assert_eq!(category(facets, "tea"), Some(json!(4)), "with what is below it");
        assert_eq!(category(facets, "black-tea"), Some(json!(2)));

        let vendor = [("vendor", "Potter's Row"), ("price_max", "2000"), ("facets", "true")];
        let narrowed = get(&app, "/v1/products", &vendor).await;
        assert_eq!(titles(&narrowed), ["Stoneware Cup"]);
        let facets = &narrowed["facets"];
        assert_eq!(facets["total"], 1);
        assert_eq!(facets["price"], json!({ "min": 1_850, "max": 3_450 }), "of the vendor, at any price");
        assert_eq!(facets["vendors"].as_array().unwrap().len(), 4, "at the price, of any vendor: {facets}");
        assert_eq!(category(facets, "tea"), None);

        for (parameters, expected) in [
            (&[("category", "equipment"), ("subtree", "false")][..], 3),
            (&[("category", "equipment")], 5),
            (&[("category", "no-such-category")], 0),
            (&[("price_min", "8900")], 1),
            (&[("price_min", "8901")], 0),
            (&[("rating_min", "1")], 0),
            (&[("vendor", "potter's row")], 0),
            (&[("q", "tea"), ("category", "green-tea")], 2),
        ] {
            assert_eq!(found(&app, parameters).await.len(), expected, "{parameters:?}");
        }
        for parameters in
            ["price_min=-1", "rating_min=6", "category=A", "vendor=%00", "cursor=bm9uZQ", "limit=101", "q=a%01b"]
        {
            app.get(&format!("/v1/products?{parameters}")).await.problem("invalid-request");
        }
        app.get("/v1/products?sort=best").await.problem("malformed-request");
    }
}

api_test! {
    async fn only_what_can_be_bought_is_in_stock(app: App) {
        empty(&app.shop).await;
        let one = create_product(&app.shop, &product("Cup", "", "CUP-1", "")).await.unwrap();
        create_product(&app.shop, &product("Mug", "", "MUG-1", "")).await.unwrap();
        create_product(&app.shop, &NewProduct { variants: vec![], ..product("Plan", "", "", "") }).await.unwrap();
        let none = VariantPatch { on_hand: Some(0), ..VariantPatch::default() };
        patch_variant(&app.shop, one.variants[0].id, none, None).await.unwrap();
        assert_eq!(found(&app, &[]).await, ["Plan", "Mug", "Cup"]);
        let page = get(&app, "/v1/products", &[("in_stock", "true"), ("facets", "true")]).await;
        assert_eq!(titles(&page), ["Mug"]);
        assert_eq!((&page["facets"]["total"], &page["facets"]["in_stock"]), (&json!(1), &json!(1)));
        // Without variants there is no price: after all others, in both directions.
        assert_eq!(found(&app, &[("sort", "price-asc")]).await[2], "Plan");
        assert_eq!(found(&app, &[("sort", "price-desc")]).await[2], "Plan");
        assert_eq!(get(&app, "/v1/products", &[("price_max", "9007199254740991")]).await["items"][1]["title"], "Cup");
    }
}

api_test! {
    /// In every order: what comes and goes meanwhile neither repeats nor skips others.
    async fn pages_are_stable_in_every_order(app: App) {
        empty(&app.shop).await;
        for number in 0..7_i64 {
            let mut new = product(&format!("Tea {}", 9 - number), "", &format!("T-{number}"), "");
            new.variants[0].price = 100 * (number % 3);
            create_product(&app.shop, &new).await.unwrap();
        }
        for sort in ["relevance", "newest", "price-asc", "price-desc", "rating", "title"] {
            let parameters = [("q", "tea"), ("sort", sort)];
            let whole = found(&app, &[parameters.as_slice(), &[("limit", "100")]].concat()).await;
            let (mut seen, mut cursor) = (Vec::new(), None::<String>);
            loop {
                let mut page = parameters.to_vec();
                page.push(("limit", "2"));
                page.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
                let page = get(&app, "/v1/products", &page).await;
                seen.extend(titles(&page));
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = Some(next.to_owned());
                let sku = format!("N-{sort}-{}", seen.len());
                create_product(&app.shop, &product("Newcomer", "", &sku, "tea")).await.unwrap();
            }
            seen.retain(|title| title != "Newcomer");
            assert_eq!(seen, whole.into_iter().filter(|title| title != "Newcomer").collect::<Vec<_>>(), "{sort}");
            let cursor = cursor.unwrap();
            let other = if sort == "title" { "newest" } else { "title" };
            app.get(&format!("/v1/products?sort={other}&cursor={cursor}")).await.problem("invalid-request");
        }
    }
}

api_test! {
    async fn a_change_is_found_at_once_and_a_category_s_name_in_a_moment(app: App) {
        let token = app.merchant().await;
        let admin = |method, path: String, body: Value| {
            let (app, token) = (&app, token.clone());
            async move { app.send(method, &path, Some(&token), Some(body)).await.expect(200) }
        };
        let earl = app.get("/v1/products/earl-grey").await.expect(200)["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/admin/products/{earl}");
        admin(Method::PATCH, path.clone(), json!({ "title": "Lady Grey", "vendor": "Kettle" })).await;
        assert_eq!(found(&app, &[("q", "lady")]).await, ["Lady Grey"]);
        assert_eq!(found(&app, &[("vendor", "Kettle")]).await, ["Lady Grey"]);
        assert_eq!(found(&app, &[("vendor", "Leaf & Ladle")]).await.len(), 3);
        assert_eq!(found(&app, &[("q", "lday")]).await, ["Lady Grey"], "a new word may have a typo at once");
        admin(Method::PATCH, path, json!({ "status": "draft" })).await;
        assert_eq!(found(&app, &[("q", "lady")]).await, [""; 0]);

        let tree = app.get("/v1/categories").await.expect(200);
        let tea = tree.as_array().unwrap().iter().find(|category| category["slug"] == "tea").unwrap()["id"].clone();
        let path = format!("/v1/admin/categories/{}", tea.as_str().unwrap());
        admin(Method::PATCH, path, json!({ "name": "Infusions" })).await;
        let renamed = async || {
            let found = found(&app, &[("q", "infusion")]).await;
            (found.len() == 3).then_some(found)
        };
        let found = app.eventually("the subtree is indexed again", renamed).await;
        assert_eq!(found, ["Jasmine Green", "Sencha", "Assam Breakfast"]);
    }
}

api_test! {
    async fn an_index_of_another_analysis_is_renewed_and_reindexing_changes_nothing(app: App) {
        let before = get(&app, "/v1/products", &[("q", "cup")]).await;
        assert!(!titles(&before).is_empty());
        let count = reindex(&app.shop).await.unwrap();
        assert_eq!(count, 12);
        let mut indexed = 0;
        index_queued(&app.shop, |batch| indexed += batch).await.unwrap();
        assert!(indexed <= 12, "a served shop's worker may have had its share");
        app.shop.cache().clear();
        assert_eq!(get(&app, "/v1/products", &[("q", "cup")]).await, before);
    }
}

api_test! {
    async fn what_is_typed_is_suggested(app: App) {
        assert_eq!(titles(&get(&app, "/v1/products/suggest", &[("q", "ear")]).await), ["Earl Grey"]);
        assert_eq!(titles(&get(&app, "/v1/products/suggest", &[("q", "erl grey")]).await), ["Earl Grey"]);
        assert_eq!(get(&app, "/v1/products/suggest", &[("q", "")]).await, json!([]));
        app.get("/v1/products/suggest").await.problem("malformed-request");
        app.get(&format!("/v1/products/suggest?q={}", "a".repeat(101))).await.problem("invalid-request");
        let token = app.merchant().await;
        let body = json!({ "title": "Suggest", "slug": "suggest" });
        app.send(Method::POST, "/v1/admin/products", Some(&token), Some(body)).await.problem("invalid-request");
    }
}
