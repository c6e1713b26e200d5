//! Stock as the merchant sees and changes it.

use kassa::inventory;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::support::shopper;
use crate::support::stock::{MAIN, Merchant, audit, goods, numbers, release, reserve};

api_test! {
    async fn an_order_is_served_from_one_location_or_spread_by_priority(app: App) {
        let sku = "GRINDER-HAND";
        let merchant = Merchant::of(&app, sku).await;
        let (near, far) = (merchant.location("Near", 1).await, merchant.location("Far", 2).await);
        merchant.count(&near, json!({ "on_hand": 3 })).await.expect(200);
        let stock = merchant.count(&far, json!({ "on_hand": 9, "reason": "delivery" })).await.expect(200);
        assert_eq!((&stock["on_hand"], &stock["available"]), (&json!(20), &json!(20)));
        let reserved = |stock: &serde_json::Value| {
            stock["levels"].as_array().unwrap().iter().map(|level| level["reserved"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        let path = format!("variants/{}/stock", merchant.variant);
        reserve(&app, 3, sku, 3, false).await.unwrap();
        let now = merchant.send(Method::GET, &path, json!(null)).await.expect(200);
        assert_eq!(reserved(&now), [3, 0, 0], "the first of three that have all of it");
        release(&app, 3).await;
        reserve(&app, 1, sku, 9, false).await.unwrap();
        let now = merchant.send(Method::GET, &path, json!(null)).await.expect(200);
        assert_eq!(reserved(&now), [0, 0, 9], "the only one that has all of it");
        reserve(&app, 2, sku, 10, false).await.unwrap();
        let now = merchant.send(Method::GET, &path, json!(null)).await.expect(200);
        assert_eq!(reserved(&now), [8, 2, 9], "main, then near");
        audit(&app).await;
        // What is held elsewhere can be shipped from where something is free.
        let mut tx = app.shop.db().write().await.unwrap();
        let one = [goods(&app, sku, 1).await];
        inventory::ship(&mut tx, Uuid::from_u128(1), &one, Some(near.parse().unwrap())).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(numbers(&app, sku).await, (19, 18, 0, 1));
        audit(&app).await;
        let closed = merchant.send(Method::PATCH, &format!("locations/{near}"), json!({ "active": false })).await;
        closed.problem("stock-in-use");
        release(&app, 2).await;
        let lines = json!([{ "variant_id": merchant.variant, "quantity": 2 }]);
        let transfer = json!({ "from_location_id": near, "to_location_id": MAIN, "lines": lines });
        merchant.send(Method::POST, "stock/transfers", transfer.clone()).await.expect(201);
        merchant.send(Method::POST, "stock/transfers", transfer).await.problem("insufficient-stock");
        merchant.send(Method::PATCH, &format!("locations/{near}"), json!({ "active": false })).await.expect(200);
        merchant.count(&near, json!({ "on_hand": 1 })).await.problem("invalid-request");
        merchant.send(Method::DELETE, &format!("locations/{near}"), json!(null)).await.expect(204);
        merchant.send(Method::GET, &format!("locations/{near}"), json!(null)).await.problem("not-found");
        merchant.send(Method::DELETE, &format!("locations/{MAIN}"), json!(null)).await.problem("stock-in-use");
        merchant.send(Method::DELETE, &format!("locations/{far}"), json!(null)).await.problem("stock-in-use");
        audit(&app).await;
    }
}

api_test! {
    async fn a_count_says_what_it_was_based_on_and_every_number_has_a_movement(app: App) {
        let merchant = Merchant::of(&app, "GRINDER-HAND").await;
        reserve(&app, 1, "GRINDER-HAND", 3, false).await.unwrap();
        let stale = merchant.count(MAIN, json!({ "on_hand": 5, "expected_on_hand": 7 })).await;
        assert_eq!(stale.problem("precondition-failed")["on_hand"], 8);
        merchant.count(MAIN, json!({ "on_hand": 2, "expected_on_hand": 8 })).await.problem("invalid-request");
        // What no count can be is said whatever it was based on.
        merchant.count(MAIN, json!({ "on_hand": -1, "expected_on_hand": 7 })).await.problem("invalid-request");
        for body in [json!({ "on_hand": -1 }), json!({ "on_hand": 1_000_000_001 }), json!({ "on_hand": 1, "x": 1 })] {
            merchant.count(MAIN, body).await.problem("invalid-request");
        }
        merchant.count(MAIN, json!({ "on_hand": 7, "expected_on_hand": 8 })).await.expect(200);
        let path = format!("variants/{}/stock/{MAIN}/adjustments", merchant.variant);
        merchant.send(Method::POST, &path, json!({ "delta": -1, "reason": "broken" })).await.expect(201);
        for delta in [-4, 1_000_000_000] {
            let refused = merchant.send(Method::POST, &path, json!({ "delta": delta, "reason": "broken" })).await;
            assert_eq!(refused.problem("invalid-request")["errors"][0]["pointer"], "/delta", "{delta}");
        }
        merchant.send(Method::POST, &path, json!({ "delta": 0, "reason": "nothing" })).await.problem("invalid-request");
        assert_eq!(numbers(&app, "GRINDER-HAND").await, (6, 3, 0, 3));
        let list = format!("stock/movements?variant={}&location={MAIN}&limit=3", merchant.variant);
        let page = merchant.send(Method::GET, &list, json!(null)).await.expect(200);
        let told = |page: &serde_json::Value| {
            let items = page["items"].as_array().unwrap().iter();
            items.map(|m| (m["kind"].as_str().unwrap().to_owned(), m["on_hand"].as_i64().unwrap())).collect::<Vec<_>>()
        };
        let expected = [("adjustment", 6), ("count", 7), ("reservation", 8)].map(|(kind, n)| (kind.to_owned(), n));
        assert_eq!(told(&page), expected);
        assert_eq!(page["items"][0]["reason"], "broken");
        assert_ne!(page["items"][0]["actor"], "");
        let cursor = page["next_cursor"].as_str().unwrap();
        let rest = merchant.send(Method::GET, &format!("{list}&cursor={cursor}"), json!(null)).await.expect(200);
        assert_eq!(told(&rest), [("opening".to_owned(), 8)]);
        let held = merchant.send(Method::GET, "stock/reservations", json!(null)).await.expect(200);
        assert_eq!((&held["items"][0]["quantity"], &held["items"][0]["paid"]), (&json!(3), &json!(false)));
        let customer = app.customer("eve@example.org").await;
        let forbidden = app.send(Method::GET, "/v1/admin/stock", Some(&customer), None).await;
        forbidden.problem("forbidden");
        audit(&app).await;
    }
}

api_test! {
    async fn the_stock_is_listed_by_location_and_by_what_runs_out(app: App) {
        let merchant = Merchant::of(&app, "GRINDER-HAND").await;
        let shop = merchant.location("Shop", 1).await;
        merchant.count(&shop, json!({ "on_hand": 2 })).await.expect(200);
        let list = |query: String| {
            let merchant = &merchant;
            async move {
                let page = merchant.send(Method::GET, &format!("stock?{query}"), json!(null)).await.expect(200);
                let skus = page["items"].as_array().unwrap().iter().map(|item| item["sku"].as_str().unwrap().to_owned());
                (skus.collect::<Vec<_>>(), page["next_cursor"].as_str().map(str::to_owned))
            }
        };
        assert_eq!(list("sku=GRINDER-HAND".into()).await.0, ["GRINDER-HAND"]);
        assert_eq!(list(format!("variant={}", merchant.variant)).await.0, ["GRINDER-HAND"]);
        assert_eq!(list(format!("location={shop}")).await.0, ["GRINDER-HAND"]);
        assert_eq!(list(format!("location={shop}&below=2")).await.0, [""; 0]);
        assert_eq!(list(format!("location={shop}&below=3")).await.0, ["GRINDER-HAND"]);
        assert_eq!(list("below=11".into()).await.0, ["CUP-STONE-BLACK", "GRINDER-HAND"], "none, and 10 of it");
        for query in ["", "below=1000000"] {
            let (all, _) = list(format!("{query}&limit=100")).await;
            let (mut paged, mut cursor) = (Vec::new(), String::new());
            loop {
                let (page, next) = list(format!("{query}&limit=3{cursor}")).await;
                paged.extend(page);
                let Some(next) = next else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(paged, all, "{query}: none twice, none left out");
            assert!(all.len() > 3);
        }
        merchant.send(Method::GET, "stock?sku=X&below=1", json!(null)).await.problem("invalid-request");
        audit(&app).await;
    }
}

api_test! {
    async fn locations_and_policies_keep_their_bounds_and_versions(app: App) {
        let app = app.another(|config| config.inventory.max_locations = 2).await;
        let merchant = Merchant::of(&app, "GRINDER-HAND").await;
        let mut address = shopper::address();
        let full = json!({ "name": " Near ", "priority": 3, "pickup": true, "address": address });
        let near = merchant.send(Method::POST, "locations", full).await.expect(201);
        assert_eq!((&near["name"], &near["active"], &near["pickup"]), (&json!("Near"), &json!(true), &json!(true)));
        assert_eq!(near["address"]["city"], "Berlin");
        let third = merchant.send(Method::POST, "locations", json!({ "name": "Far" })).await;
        third.problem("invalid-request");
        let near = format!("locations/{}", near["id"].as_str().unwrap());
        address["country"] = json!("XX");
        for (patch, pointer) in [
            (json!({ "name": " " }), "/name"),
            (json!({ "priority": -1 }), "/priority"),
            (json!({ "priority": 1_000_001 }), "/priority"),
            (json!({ "address": address }), "/address/country"),
        ] {
            let refused = merchant.send(Method::PATCH, &near, patch).await.problem("invalid-request");
            assert_eq!(refused["errors"][0]["pointer"], pointer);
        }
        let policy = format!("variants/{}/stock", merchant.variant);
        for path in [&near, &policy] {
            let change = if path.starts_with("loc") { json!({ "address": null }) } else { json!({ "tracked": true }) };
            merchant.send_if_match(Method::PATCH, path, "\"9\"", change.clone()).await.problem("precondition-failed");
            let changed = merchant.send_if_match(Method::PATCH, path, "\"1\"", change.clone()).await;
            assert_eq!((changed.status, &changed.headers["etag"]), (200, &"\"2\"".parse().unwrap()), "{path}");
            merchant.send_if_match(Method::PATCH, path, "\"1\"", change).await.problem("precondition-failed");
        }
        merchant.send_if_match(Method::DELETE, &near, "\"1\"", json!(null)).await.problem("precondition-failed");
        let shown = merchant.send(Method::GET, &near, json!(null)).await.expect(200);
        assert_eq!((&shown["address"], &shown["priority"], &shown["version"]), (&json!(null), &json!(3), &json!(2)));
        let id = shown["id"].as_str().unwrap();
        let line = |variant: Uuid, quantity: i64| json!([{ "variant_id": variant, "quantity": quantity }]);
        let variant = merchant.variant;
        let many: Vec<_> = (0..101).map(|_| json!({ "variant_id": variant, "quantity": 1 })).collect();
        for (to, lines, pointer) in [
            (MAIN, line(variant, 1), "/to_location_id"),
            (id, line(variant, 0), "/lines/0/quantity"),
            (id, line(variant, 1_000_000_001), "/lines/0/quantity"),
            (id, json!([]), "/lines"),
            (id, json!(many), "/lines"),
            (&variant.to_string(), line(variant, 1), "/location_id"),
        ] {
            let body = json!({ "from_location_id": MAIN, "to_location_id": to, "lines": lines });
            let problem = merchant.send(Method::POST, "stock/transfers", body).await.problem("invalid-request");
            assert_eq!(problem["errors"][0]["pointer"], pointer);
        }
        for (lines, slug) in [(line(Uuid::nil(), 1), "not-found"), (line(variant, 9), "insufficient-stock")] {
            let body = json!({ "from_location_id": MAIN, "to_location_id": id, "lines": lines });
            merchant.send(Method::POST, "stock/transfers", body).await.problem(slug);
        }
        merchant.send_if_match(Method::DELETE, &near, "\"2\"", json!(null)).await.expect(204);
        assert_eq!(numbers(&app, "GRINDER-HAND").await, (8, 0, 0, 8));
        audit(&app).await;
        app.stopper().stop().await;
    }
}

api_test! {
    async fn what_orders_hold_is_not_taken_out_of_the_catalog(app: App) {
        let merchant = Merchant::of(&app, "GRINDER-HAND").await;
        reserve(&app, 1, "GRINDER-HAND", 3, false).await.unwrap();
        let path = format!("variants/{}", merchant.variant);
        let fewer = merchant.send(Method::PATCH, &path, json!({ "on_hand": 2 })).await.problem("invalid-request");
        assert_eq!(fewer["errors"][0]["pointer"], "/on_hand");
        merchant.send(Method::DELETE, &path, json!(null)).await.problem("stock-in-use");
        assert_eq!(numbers(&app, "GRINDER-HAND").await, (8, 3, 0, 5));
        audit(&app).await;
        release(&app, 1).await;
        merchant.send(Method::DELETE, &path, json!(null)).await.expect(204);
    }
}
