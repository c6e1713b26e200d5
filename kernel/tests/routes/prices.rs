//! Which price applies: price lists, customer groups, periods; in lists, searches and on pages.

use kassa::catalog::find_variant;
use kassa::db::sql;
use kassa::money::Currency;
use kassa::prices::PriceContext;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::prices::{Lists, sells_in_dollars};
use crate::support::shopper::Shopper;

api_test! {
    /// The rule, list after list. Each list beats those before it, or is passed over.
    async fn the_list_that_counts_gives_the_price(app: App) {
        let lists = Lists::of(&app).await;
        let id = lists.variant("sencha").await;
        lists.group("trade").await;
        let (past, future) = ("2020-01-01T00:00:00Z", "2120-01-01T00:00:00Z");
        #[rustfmt::skip]
        let cases = [
            ("draft", json!({ "status": "draft", "priority": 9 }), 100, None),
            ("later", json!({ "starts_at": future, "priority": 9 }), 100, None),
            ("over", json!({ "ends_at": past, "priority": 9 }), 100, None),
            ("trade", json!({ "group": "trade", "priority": 9 }), 100, None),
            ("dear", json!({}), 9000, Some("dear")),
            // among equals the lower amount, and of the same amount the older list
            ("cheap", json!({ "starts_at": past, "ends_at": future }), 500, Some("cheap")),
            ("twin", json!({}), 500, Some("cheap")),
            ("weak", json!({ "priority": -1 }), 1, Some("cheap")),
            ("strong", json!({ "priority": 1 }), 800, Some("strong")),
        ];
        for (code, more, amount, expected) in cases {
            lists.put(code, more, &id, amount).await;
            let mut conn = app.shop.db().read().await.unwrap();
            let context = PriceContext::of_guest(&app.shop);
            let found = find_variant(&mut conn, &context, id.parse().unwrap()).await.unwrap().unwrap();
            assert_eq!(found.price.unwrap().list.as_deref(), expected, "{code}");
        }
        // Where they agree: list, detail and cart.
        let detail = app.get("/v1/products/sencha").await.expect(200);
        assert_eq!((&detail["variants"][0]["price"], &detail["variants"][0]["compare_at_price"]), (&json!(800), &json!(10_000)));
        assert_eq!(detail["on_sale"], true);
        let listed = app.get("/v1/products?q=sencha").await.expect(200);
        assert_eq!((&listed["items"][0]["price_from"], &listed["items"][0]["on_sale"]), (&json!(800), &json!(true)));
        let shopper = Shopper::guest(&app).await;
        let cart = shopper.add("TEA-SENCHA-100", 1).await.expect(200);
        let line = &cart["lines"][0];
        assert_eq!((&line["unit_price"], &line["compare_at_price"], &line["price_list"]), (&json!(800), &json!(10_000), &json!("strong")));
        // The merchant is told why.
        let told = lists.get(&format!("variants/{id}/prices")).await.expect(200);
        assert_eq!((&told["own_price"], &told["applying"]), (&json!(1_250), &json!({ "amount": 800, "compare_at": 10_000, "price_list": "strong" })));
        let entry = |entry: &Value| (entry["price_list"]["code"].clone(), entry["in_force"].clone(), entry["applies"].clone());
        let entries: Vec<_> = told["prices"].as_array().unwrap().iter().map(entry).collect();
        assert_eq!(entries.len(), 9);
        assert_eq!(entries.iter().filter(|entry| entry.2 == true).count(), 1);
        assert!(entries.contains(&(json!("strong"), json!(true), json!(true))));
        assert!(entries.contains(&(json!("later"), json!(false), json!(false))));
        assert!(entries.contains(&(json!("trade"), json!(true), json!(false))));
        let traders = lists.get(&format!("variants/{id}/prices?group=trade")).await.expect(200);
        assert_eq!(traders["applying"]["price_list"], "trade");
        lists.get(&format!("variants/{id}/prices?currency=USD")).await.problem("invalid-request");
        lists.get("variants/00000000-0000-4000-8000-000000000000/prices").await.problem("not-found");
    }
}

api_test! {
    /// The first moment is in, the last is out.
    async fn a_period_begins_with_its_first_moment_and_ends_before_its_last(app: App) {
        let lists = Lists::of(&app).await;
        let id = lists.variant("sencha").await;
        let period = json!({ "starts_at": "2030-05-01T00:00:00Z", "ends_at": "2030-06-01T00:00:00Z" });
        lists.put("may", period, &id, 500).await;
        let mut conn = app.shop.db().read().await.unwrap();
        for (at, inside) in [
            ("2030-04-30T23:59:59.999999Z", false),
            ("2030-05-01T00:00:00Z", true),
            ("2030-05-31T23:59:59.999999Z", true),
            ("2030-06-01T00:00:00Z", false),
        ] {
            let context = PriceContext::at(&app.shop, Currency::EUR, None, at.parse().unwrap());
            let found = find_variant(&mut conn, &context, id.parse().unwrap()).await.unwrap().unwrap();
            assert_eq!(found.price.unwrap().list.is_some(), inside, "{at}");
        }
    }
}

api_test! {
    async fn a_group_has_its_own_prices_and_nobody_else_sees_them(app: App) {
        let lists = Lists::of(&app).await;
        let id = lists.variant("sencha").await;
        lists.group("trade").await;
        lists.send(Method::POST, "customer-groups", json!({ "code": "trade", "name": "Trade" })).await.problem("code-taken");
        let list = lists.put("trade", json!({ "group": "trade" }), &id, 400).await;
        let customer = app.customer("ada@example.org").await;
        let me = app.send(Method::GET, "/v1/me", Some(&customer), None).await.expect(200);
        let path = format!("customers/{}", me["id"].as_str().unwrap());
        let group = format!("{path}/group");
        let shown = async || {
            let answer = app.send(Method::GET, "/v1/products/sencha", Some(&customer), None).await;
            assert_eq!(answer.headers["cache-control"], "private, no-cache");
            answer.expect(200)["variants"][0]["price"].as_i64().unwrap()
        };
        assert_eq!(shown().await, 1_250);
        lists.send(Method::PUT, &group, json!({ "group": "friends" })).await.problem("invalid-request");
        lists.send(Method::PUT, &group, json!({ "group": "Trade!" })).await.problem("invalid-request");
        lists.send(Method::PUT, "customers/00000000-0000-4000-8000-000000000000/group", json!({ "group": "trade" })).await.problem("not-found");
        lists.send(Method::PUT, &group, json!({ "group": "trade" })).await.expect(204);
        assert_eq!(lists.get(&path).await.expect(200)["group"], "trade");
        let told = crate::support::stock::events(&app, "user.updated").await;
        assert_eq!(told.last().unwrap()["fields"], json!(["group"]));
        assert_eq!(lists.get(&format!("{path}/export")).await.expect(200)["account"]["group"], "trade");
        assert_eq!(shown().await, 400);
        let guest = app.get("/v1/products/sencha").await;
        assert_eq!(guest.headers["cache-control"], "public, no-cache");
        let vary: Vec<_> = guest.headers.get_all("vary").iter().map(|value| value.to_str().unwrap().to_lowercase()).collect();
        assert!(vary.iter().any(|value| value.contains("authorization")), "{vary:?}");
        assert_eq!(guest.expect(200)["variants"][0]["price"], 1_250);
        let shopper = Shopper::signed_in(&app, &customer).await;
        let cart = shopper.add("TEA-SENCHA-100", 1).await.expect(200);
        assert_eq!(cart["lines"][0]["unit_price"], 400);

        lists.delete("customer-groups/trade").await.problem("customer-group-in-use");
        lists.send(Method::PATCH, "customer-groups/trade", json!({ "name": "Resellers" })).await.expect(200);
        assert_eq!(lists.get("customer-groups/trade").await.expect(200)["name"], "Resellers");
        assert_eq!(lists.get("customer-groups").await.expect(200)["items"][0]["code"], "trade");
        assert_eq!(lists.delete(&format!("price-lists/{list}")).await.status, 204);
        assert_eq!(shown().await, 1_250);
        assert_eq!(lists.delete("customer-groups/trade").await.status, 204);
        lists.delete("customer-groups/trade").await.problem("not-found");
        assert_eq!(lists.get(&path).await.expect(200)["group"], Value::Null);
    }
}

api_test! {
    async fn what_has_no_price_in_a_currency_is_not_sold_in_it(app: App) {
        app.post("/v1/carts", json!({ "currency": "USD" })).await.problem("invalid-request");
        app.get("/v1/products?currency=USD").await.problem("invalid-request");
        app.get("/v1/products/sencha?currency=eur").await.problem("invalid-request");
        let app = sells_in_dollars(&app).await;
        let stop = app.stopper();
        let shown = app.get("/v1/products/sencha?currency=USD").await.expect(200);
        assert_eq!((&shown["currency"], &shown["variants"][0]["price"]), (&json!("USD"), &json!(null)));
        let list = app.get("/v1/products?currency=USD&category=tea").await.expect(200);
        assert_eq!(list["items"][0]["price_from"], json!(null));
        let cart = app.post("/v1/carts", json!({ "currency": "USD" })).await.expect(201);
        assert_eq!(cart["currency"], "USD");
        let lines = format!("/v1/carts/{}/lines", cart["id"].as_str().unwrap());
        let line = json!({ "sku": "TEA-SENCHA-100", "quantity": 1 });
        let refused = app.post(&lines, line.clone()).await.problem("price-missing");
        assert_eq!(refused["skus"], json!(["TEA-SENCHA-100"]));
        let own = app.post("/v1/carts", json!({})).await.expect(201);
        let lines = format!("/v1/carts/{}/lines", own["id"].as_str().unwrap());
        assert_eq!(app.post(&lines, line).await.expect(200)["lines"][0]["price_list"], json!(null));
        stop.stop().await;
    }
}

async fn slugs(app: &App, query: &str) -> Vec<String> {
    let page = app.get(&format!("/v1/products?{query}")).await.expect(200);
    page["items"].as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
}

/// Every page of two.
async fn all_slugs(app: &App, query: &str) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/v1/products?{query}&limit=2{cursor}")).await.expect(200);
        all.extend(page["items"].as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

api_test! {
    /// Sorting, filtering and counting go by the price that is shown.
    async fn lists_are_sorted_filtered_and_counted_by_the_price_that_applies(app: App) {
        let app = sells_in_dollars(&app).await;
        let stop = app.stopper();
        let lists = Lists::of(&app).await;
        let everything = all_slugs(&app, "sort=price-asc").await;
        assert!(everything.len() > 5 && everything[0] != "sencha");
        lists.put("sale", json!({}), &lists.variant("sencha").await, 1).await;
        let on_sale = all_slugs(&app, "sort=price-asc").await;
        assert_eq!(on_sale[0], "sencha", "{on_sale:?}");
        assert_eq!(on_sale.len(), everything.len(), "each once: {on_sale:?}");
        assert_eq!(slugs(&app, "price_max=1").await, ["sencha"]);
        assert!(!slugs(&app, "price_min=2&limit=100").await.contains(&"sencha".to_owned()));
        assert_eq!(slugs(&app, "q=sencha&price_max=1&sort=price-desc").await, ["sencha"]);
        let page = app.get("/v1/products?facets=true&price_max=1").await.expect(200);
        assert_eq!((&page["facets"]["total"], &page["facets"]["price"]["min"]), (&json!(1), &json!(1)));
        assert!(page["facets"]["price"]["max"].as_i64().unwrap() > 1, "counted without its own filter: {page}");

        // In dollars, what has no price comes last, and is in no list that is filtered by one.
        let dollars = lists.send(Method::POST, "price-lists", json!({ "code": "usd", "name": "Dollars", "currency": "USD", "status": "active" })).await.expect(201);
        let path = format!("price-lists/{}/prices", dollars["id"].as_str().unwrap());
        let prices = json!({ "prices": [
            { "variant_id": lists.variant("sencha").await, "amount": 300 },
            { "variant_id": lists.variant("earl-grey").await, "amount": 200 } ] });
        lists.send(Method::POST, &path, prices).await.expect(200);
        let upwards = all_slugs(&app, "currency=USD&sort=price-asc").await;
        assert_eq!((&upwards[..2], upwards.len()), (&["earl-grey".to_owned(), "sencha".to_owned()][..], everything.len()));
        let downwards = all_slugs(&app, "currency=USD&sort=price-desc").await;
        assert_eq!((&downwards[..2], downwards.len()), (&["sencha".to_owned(), "earl-grey".to_owned()][..], everything.len()));
        assert_eq!(slugs(&app, "currency=USD&price_min=0&sort=price-asc").await, ["earl-grey", "sencha"]);
        assert_eq!(slugs(&app, "currency=USD&price_min=201").await, ["sencha"]);
        let page = app.get("/v1/products?facets=true&currency=USD&price_min=0").await.expect(200);
        assert_eq!(page["facets"]["price"], json!({ "min": 200, "max": 300 }));
        assert_eq!((&page["facets"]["total"], &page["items"][0]["currency"]), (&json!(2), &json!("USD")));
        stop.stop().await;
    }
}

api_test! {
    /// What is filtered by a price has one.
    async fn a_product_without_variants_is_in_no_list_that_is_filtered_by_price(app: App) {
        let lists = Lists::of(&app).await;
        lists.send(Method::POST, "products", json!({ "title": "Bare", "status": "active" })).await.expect(201);
        assert!(slugs(&app, "limit=100").await.contains(&"bare".to_owned()));
        assert!(!slugs(&app, "limit=100&price_min=0").await.contains(&"bare".to_owned()));
    }
}

api_test! {
    async fn a_variant_has_a_price_that_is_crossed_out_where_it_is_higher(app: App) {
        let lists = Lists::of(&app).await;
        let id = lists.variant("sencha").await;
        let path = format!("variants/{id}");
        lists.send(Method::PATCH, &path, json!({ "compare_at_price": -1 })).await.problem("invalid-request");
        for (compare_at, shown) in [(json!(1_500), json!(1_500)), (json!(1_250), json!(null)), (json!(null), json!(null))] {
            let changed = lists.send(Method::PATCH, &path, json!({ "compare_at_price": compare_at })).await.expect(200);
            assert_eq!(changed["compare_at_price"], compare_at);
            let page = app.get("/v1/products/sencha").await.expect(200);
            assert_eq!((&page["variants"][0]["compare_at_price"], &page["on_sale"]), (&shown, &json!(!shown.is_null())));
        }
        let body = json!({ "sku": "NEW", "price": 100, "compare_at_price": 200 });
        let product = app.get("/v1/products/sencha").await.expect(200)["id"].as_str().unwrap().to_owned();
        let made = lists.send(Method::POST, &format!("products/{product}/variants"), body).await.expect(201);
        assert_eq!(made["compare_at_price"], 200);
        let read = lists.get(&format!("products/{product}")).await.expect(200);
        assert!(read["variants"].as_array().unwrap().iter().any(|variant| variant["compare_at_price"] == 200));
    }
}

api_test! {
    async fn prices_are_put_all_or_none(app: App) {
        let lists = Lists::of(&app).await;
        let list = json!({ "code": "sale", "name": "Sale", "currency": "EUR" });
        for wrong in [json!({ "currency": "USD" }), json!({ "code": "Sale!" }), json!({ "group": "nobody" }),
                      json!({ "name": "" }),
                      json!({ "starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z" }),
                      json!({ "ends_at": "1999-12-31T23:59:59Z" }), json!({ "priority": 1_000_001 })] {
            let mut body = list.clone();
            body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
            lists.send(Method::POST, "price-lists", body).await.problem("invalid-request");
        }
        let made = lists.send(Method::POST, "price-lists", list.clone()).await.expect(201);
        lists.send(Method::POST, "price-lists", list).await.problem("code-taken");
        let path = format!("price-lists/{}", made["id"].as_str().unwrap());
        let (sencha, earl) = (lists.variant("sencha").await, lists.variant("earl-grey").await);
        let prices = |second: &str| json!({ "prices": [
            { "variant_id": sencha, "amount": 1 }, { "variant_id": second, "amount": 2, "compare_at": 3 } ] });
        let prices_path = format!("{path}/prices");
        let unknown = "00000000-0000-4000-8000-000000000000";
        let refused = lists.send(Method::POST, &prices_path, prices(unknown)).await.problem("invalid-request");
        assert_eq!(refused["errors"][0]["pointer"], "/prices/1/variant_id");
        lists.send(Method::POST, &prices_path, prices(&sencha)).await.problem("invalid-request");
        lists.send(Method::POST, &prices_path, json!({ "prices": [] })).await.problem("invalid-request");
        lists.send(Method::POST, &prices_path, json!({ "prices": [{ "variant_id": sencha, "amount": -1 }] })).await.problem("invalid-request");
        assert_eq!(lists.get(&prices_path).await.expect(200)["items"], json!([]), "none of them");
        lists.send(Method::POST, &prices_path, prices(&earl)).await.expect(200);
        // Over what there is.
        lists.send(Method::POST, &prices_path, prices(&earl)).await.expect(200);
        let first = lists.get(&format!("{prices_path}?limit=1")).await.expect(200);
        let next = format!("{prices_path}?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
        let second = lists.get(&next).await.expect(200);
        assert_ne!(first["items"][0]["variant_id"], second["items"][0]["variant_id"]);
        assert_eq!(second["next_cursor"], json!(null));
        lists.send(Method::PUT, &format!("{prices_path}/{unknown}"), json!({ "amount": 1 })).await.problem("not-found");
        lists.send(Method::PUT, &format!("{prices_path}/{earl}"), json!({ "amount": -1 })).await.problem("invalid-request");
        assert_eq!(lists.delete(&format!("{prices_path}/{earl}")).await.status, 204);
        lists.delete(&format!("{prices_path}/{earl}")).await.problem("not-found");
        for method in [Method::PATCH, Method::DELETE] {
            let request = app.client.request(method, format!("{}/v1/admin/{path}", app.url)).bearer_auth(&lists.token);
            let stale = Answer::of(request.header("if-match", "\"1\"").json(&json!({ "priority": 2 }))).await;
            stale.problem("precondition-failed");
        }
        lists.send(Method::PATCH, &path, json!({ "group": "nobody" })).await.problem("invalid-request");
        lists.send(Method::PATCH, &path, json!({ "starts_at": "2030-01-01T00:00:00Z", "ends_at": "2029-01-01T00:00:00Z" })).await.problem("invalid-request");
        let patched = lists.send(Method::PATCH, &path, json!({ "status": "active", "ends_at": null })).await.expect(200);
        assert_eq!(patched["status"], "active");
        assert_eq!(app.get("/v1/products/sencha").await.expect(200)["variants"][0]["price"], 1);
        let customer = app.customer("ada@example.org").await;
        app.send(Method::PATCH, &format!("/v1/admin/{path}"), Some(&customer), Some(json!({ "priority": 3 }))).await.problem("forbidden");
    }
}

api_test! {
    /// More than one statement holds.
    async fn hundreds_of_prices_are_one_request(app: App) {
        let lists = Lists::of(&app).await;
        let mut ids = Vec::new();
        for product in 0..3 {
            let variant = |number: u32| json!({ "sku": format!("MANY-{product}-{number}"), "title": format!("{number}"), "price": 5 });
            let body = json!({ "title": format!("Many {product}"), "variants": (0..200).map(variant).collect::<Vec<_>>() });
            let made = lists.send(Method::POST, "products", body).await.expect(201);
            ids.extend(made["variants"].as_array().unwrap().iter().map(|variant| variant["id"].clone()));
        }
        let list = json!({ "code": "many", "name": "Many", "currency": "EUR" });
        let made = lists.send(Method::POST, "price-lists", list).await.expect(201);
        let path = format!("price-lists/{}/prices", made["id"].as_str().unwrap());
        let too_many: Vec<_> = (0..1_001).map(|_| json!({ "variant_id": ids[0], "amount": 1 })).collect();
        lists.send(Method::POST, &path, json!({ "prices": too_many })).await.problem("invalid-request");
        let entry = |(amount, id): (usize, &Value)| json!({ "variant_id": id, "amount": amount });
        let entries: Vec<_> = ids.iter().enumerate().map(entry).collect();
        lists.send(Method::POST, &path, json!({ "prices": entries })).await.expect(200);
        let mut conn = app.shop.db().read().await.unwrap();
        let (count, sum) = sql::one!(conn, (i64, i64), "select count(*), cast(sum(amount) as bigint) from list_prices").unwrap();
        assert_eq!((count, sum), (600, (0..600).sum()));
    }
}
