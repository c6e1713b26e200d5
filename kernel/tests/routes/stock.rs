//! Stock: what orders hold, until when, and who gets it next.

use futures_util::future::join_all;
use kassa::inventory::{self, Shortage};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::support::App;
use crate::support::shopper::Shopper;
use crate::support::stock::{audit, goods, numbers, told};

/// Reserves for an order that is to be paid at once, or is overdue already.
async fn reserve(app: &App, order: u128, sku: &str, quantity: u32, overdue: bool) -> Result<(), inventory::Error> {
    let wanted = goods(app, sku, quantity).await;
    let until = inventory::held_until(&app.shop) - chrono::TimeDelta::days(if overdue { 60 } else { 0 });
    let mut tx = app.shop.db().write().await.unwrap();
    inventory::reserve(&mut tx, Uuid::from_u128(order), &[wanted], Some(until)).await?;
    tx.commit().await.unwrap();
    Ok(())
}

async fn keep(app: &App, order: u128) -> Vec<Shortage> {
    let mut tx = app.shop.db().write().await.unwrap();
    let shortages = inventory::keep(&mut tx, Uuid::from_u128(order)).await.unwrap();
    tx.commit().await.unwrap();
    shortages
}

async fn release(app: &App, order: u128) {
    let mut tx = app.shop.db().write().await.unwrap();
    inventory::release(&mut tx, Uuid::from_u128(order)).await.unwrap();
    tx.commit().await.unwrap();
}

api_test! {
    async fn goods_stay_on_hand_until_they_are_shipped(app: App) {
        let token = app.merchant().await;
        let order = Shopper::ready(&app, "POT-GLASS-1L", 2).await.check_out("tok-approve").await.expect(201);
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (12, 2, 0, 10));
        let variant = crate::support::stock::variant(&app, "POT-GLASS-1L").await;
        let path = format!("/v1/admin/variants/{variant}");
        app.send(Method::DELETE, &path, Some(&token), None).await.problem("stock-in-use");
        let ship = format!("/v1/admin/orders/{}/ship", order["id"].as_str().unwrap());
        app.send(Method::POST, &ship, Some(&token), None).await.expect(200);
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (10, 0, 0, 10));
        audit(&app).await;
        app.send(Method::DELETE, &path, Some(&token), None).await.expect(204);
        audit(&app).await;
    }
}

api_test! {
    /// 32 shoppers want the last pieces: one has them, and nothing passes below nothing.
    async fn the_last_pieces_are_sold_once_to_32_shoppers(app: App) {
        let shoppers = join_all((0..32).map(|_| Shopper::ready(&app, "GRINDER-HAND", 5))).await;
        let answers = join_all(shoppers.iter().map(|shopper| shopper.check_out("tok-approve"))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "{answers:?}");
        for answer in answers.into_iter().filter(|answer| answer.status != 201) {
            answer.problem("insufficient-stock");
        }
        assert_eq!(numbers(&app, "GRINDER-HAND").await, (8, 5, 0, 3));
        audit(&app).await;
    }
}

api_test! {
    async fn what_is_not_paid_in_time_is_given_back_once_and_taken_again_when_it_is_paid(app: App) {
        let sku = "GRINDER-HAND";
        reserve(&app, 1, sku, 6, true).await.unwrap();
        let free = || async { (numbers(&app, sku).await == (8, 0, 0, 8)).then_some(()) };
        app.eventually("the reservation expires", free).await;
        assert_eq!(keep(&app, 1).await, []);
        assert_eq!(numbers(&app, sku).await, (8, 6, 0, 2));
        assert_eq!(keep(&app, 1).await, [], "paid twice, it holds no more");
        assert_eq!(numbers(&app, sku).await, (8, 6, 0, 2));
        release(&app, 1).await;
        release(&app, 1).await;
        assert_eq!(numbers(&app, sku).await, (8, 0, 0, 8));
        reserve(&app, 2, sku, 8, true).await.unwrap();
        app.eventually("the reservation expires", free).await;
        release(&app, 2).await;
        assert_eq!(keep(&app, 2).await, [], "what was released is not taken again");
        assert_eq!(numbers(&app, sku).await, (8, 0, 0, 8));
        reserve(&app, 3, sku, 2, true).await.unwrap();
        app.eventually("the reservation expires", free).await;
        let path = format!("/v1/admin/variants/{}", crate::support::stock::variant(&app, sku).await);
        app.send(Method::DELETE, &path, Some(&app.merchant().await), None).await.expect(204);
        let short = keep(&app, 3).await;
        assert_eq!((short.len(), short[0].missing), (1, 2), "what is deleted is short");
        assert_eq!(told(&app, "stock.short").await, 1);
        audit(&app).await;
    }
}

api_test! {
    async fn a_late_payment_waits_for_goods_that_others_bought_and_is_served_first(app: App) {
        let sku = "GRINDER-HAND";
        reserve(&app, 1, sku, 6, true).await.unwrap();
        let free = || async { (numbers(&app, sku).await == (8, 0, 0, 8)).then_some(()) };
        app.eventually("the reservation expires", free).await;
        reserve(&app, 2, sku, 5, false).await.unwrap();
        let short = keep(&app, 1).await;
        assert_eq!((short.len(), short[0].missing), (1, 3));
        assert_eq!(told(&app, "stock.short").await, 1);
        assert_eq!(numbers(&app, sku).await, (8, 11, 3, 0));
        audit(&app).await;
        let mut tx = app.shop.db().write().await.unwrap();
        let wanted = [goods(&app, sku, 6).await];
        let shipped = inventory::ship(&mut tx, Uuid::from_u128(1), &wanted, None).await;
        assert!(matches!(shipped, Err(inventory::Error::Insufficient { .. })), "{shipped:?}");
        drop(tx);
        assert!(reserve(&app, 3, sku, 1, false).await.is_err(), "what is waited for is not sold to others");
        release(&app, 2).await;
        assert_eq!(numbers(&app, sku).await, (8, 6, 0, 2), "it was given to the one who waited");
        let mut tx = app.shop.db().write().await.unwrap();
        inventory::ship(&mut tx, Uuid::from_u128(1), &wanted, None).await.unwrap();
        let twice = inventory::ship(&mut tx, Uuid::from_u128(1), &wanted, None).await;
        assert!(matches!(twice, Err(inventory::Error::NotReserved { held: 0, .. })), "{twice:?}");
        drop(tx);
        audit(&app).await;
    }
}

api_test! {
    /// Reservations that run out while they are paid: each ends up kept, with its goods or waiting for them, never both ways.
    async fn expiry_against_payment(app: App) {
        let sku = "FILTER-PAPER-100";
        let (on_hand, ..) = numbers(&app, sku).await;
        let orders = 1..=32_u128;
        for order in orders.clone() {
            reserve(&app, order, sku, 2, true).await.unwrap();
        }
        let short = join_all(orders.map(|order| keep(&app, order))).await;
        assert!(short.iter().all(Vec::is_empty), "{short:?}");
        assert_eq!(numbers(&app, sku).await, (on_hand, 64, 0, on_hand - 64));
        audit(&app).await;
    }
}

api_test! {
    async fn what_runs_low_is_told_once_each_time(app: App) {
        let token = app.merchant().await;
        let variant = crate::support::stock::variant(&app, "GRINDER-HAND").await;
        let on_hand = |on_hand: i64| {
            let (app, token) = (&app, token.clone());
            async move {
                let path = format!("/v1/admin/variants/{variant}");
                app.send(Method::PATCH, &path, Some(&token), Some(json!({ "on_hand": on_hand }))).await.expect(200);
            }
        };
        let told = |low, out| {
            let app = &app;
            move || async move {
                let now = (told(app, "stock.low").await, told(app, "stock.out").await);
                (now == (low, out)).then_some(())
            }
        };
        on_hand(5).await;
        app.eventually("it is low", told(1, 0)).await;
        on_hand(4).await;
        on_hand(0).await;
        app.eventually("it is out", told(1, 1)).await;
        on_hand(9).await;
        app.eventually("it is looked at", || async {
            let mut conn = app.shop.db().read().await.unwrap();
            let due = kassa::db::sql::one!(conn, (i64,), "select count(*) from stock_items where alert <> 'none'");
            (due.unwrap() == (0,)).then_some(())
        })
        .await;
        on_hand(0).await;
        app.eventually("it is low and out again", told(2, 2)).await;
        audit(&app).await;
    }
}

/// A merchant at the stock of one variant.
struct Merchant<'a> {
    app: &'a App,
    token: String,
    variant: Uuid,
}

impl<'a> Merchant<'a> {
    async fn of(app: &'a App, sku: &str) -> Self {
        Self { app, token: app.merchant().await, variant: crate::support::stock::variant(app, sku).await }
    }

    async fn send(&self, method: Method, path: &str, body: serde_json::Value) -> crate::support::app::Answer {
        let body = (!body.is_null()).then_some(body);
        self.app.send(method, &format!("/v1/admin/{path}"), Some(&self.token), body).await
    }

    async fn location(&self, name: &str, priority: i64) -> String {
        let made =
            self.send(Method::POST, "locations", json!({ "name": name, "priority": priority })).await.expect(201);
        made["id"].as_str().unwrap().to_owned()
    }

    async fn count(&self, location: &str, body: serde_json::Value) -> crate::support::app::Answer {
        self.send(Method::PUT, &format!("variants/{}/stock/{location}", self.variant), body).await
    }

    async fn policy(&self, body: serde_json::Value) -> crate::support::app::Answer {
        self.send(Method::PATCH, &format!("variants/{}/stock", self.variant), body).await
    }
}

const MAIN: &str = "00000000-0000-7000-8000-000000000001";

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
        for body in [json!({ "on_hand": -1 }), json!({ "on_hand": 1_000_000_001 }), json!({ "on_hand": 1, "x": 1 })] {
            merchant.count(MAIN, body).await.problem("invalid-request");
        }
        merchant.count(MAIN, json!({ "on_hand": 7, "expected_on_hand": 8 })).await.expect(200);
        let path = format!("variants/{}/stock/{MAIN}/adjustments", merchant.variant);
        merchant.send(Method::POST, &path, json!({ "delta": -1, "reason": "broken" })).await.expect(201);
        merchant.send(Method::POST, &path, json!({ "delta": -4, "reason": "broken" })).await.problem("invalid-request");
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
    async fn backorders_go_as_far_as_they_may_and_are_served_oldest_first(app: App) {
        let sku = "GRINDER-HAND";
        let merchant = Merchant::of(&app, sku).await;
        merchant.policy(json!({ "backorder_limit": 4 })).await.expect(200);
        assert_eq!(numbers(&app, sku).await, (8, 0, 0, 12));
        let patched = merchant.send(Method::PATCH, &format!("variants/{}", merchant.variant), json!({ "on_hand": 8 })).await;
        assert_eq!(patched.expect(200)["available"], 12, "as shoppers see it");
        reserve(&app, 1, sku, 10, false).await.unwrap();
        reserve(&app, 2, sku, 2, false).await.unwrap();
        assert!(reserve(&app, 3, sku, 1, false).await.is_err());
        assert_eq!(numbers(&app, sku).await, (8, 12, 4, 0));
        let waiting = merchant.send(Method::GET, "stock/reservations?waiting=true", json!(null)).await.expect(200);
        let waiting: Vec<_> = waiting["items"].as_array().unwrap().iter().map(|held| held["quantity"].clone()).collect();
        assert_eq!(waiting, [2, 2]);
        merchant.count(MAIN, json!({ "on_hand": 11 })).await.expect(200);
        assert_eq!(numbers(&app, sku).await, (11, 12, 1, 3));
        let mut tx = app.shop.db().write().await.unwrap();
        let ten = [goods(&app, sku, 10).await];
        inventory::ship(&mut tx, Uuid::from_u128(1), &ten, None).await.expect("the oldest has all its goods");
        tx.commit().await.unwrap();
        release(&app, 2).await;
        assert_eq!(numbers(&app, sku).await, (1, 0, 0, 5));
        merchant.policy(json!({ "backorder_limit": null })).await.expect(200);
        assert_eq!(numbers(&app, sku).await.3, 1_000_000);
        reserve(&app, 4, sku, 500, false).await.unwrap();
        merchant.policy(json!({ "tracked": false })).await.problem("stock-in-use");
        release(&app, 4).await;
        merchant.policy(json!({ "backorder_limit": 0, "tracked": false })).await.expect(200);
        reserve(&app, 5, sku, 500, false).await.unwrap();
        assert_eq!(numbers(&app, sku).await, (1, 0, 0, 1_000_000), "nothing is held of what never runs out");
        merchant.policy(json!({ "backorder_limit": -1 })).await.problem("invalid-request");
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
    /// Counts while shoppers buy: neither is lost, and neither number passes its bounds.
    async fn counts_against_checkouts(app: App) {
        let sku = "GRINDER-HAND";
        let merchant = Merchant::of(&app, sku).await;
        merchant.count(MAIN, json!({ "on_hand": 40 })).await.expect(200);
        let buyers = join_all((1..=32_u128).map(|order| reserve(&app, order, sku, 1, false)));
        let counts = join_all((0..8).map(|n| merchant.count(MAIN, json!({ "on_hand": 33 + n }))));
        let (bought, counted) = tokio::join!(buyers, counts);
        assert!(bought.iter().all(Result::is_ok), "{bought:?}");
        assert!(counted.iter().all(|answer| answer.status == 200), "{counted:?}");
        let (on_hand, reserved, waiting, available) = numbers(&app, sku).await;
        assert_eq!((reserved, waiting, available), (32, 0, on_hand - 32));
        audit(&app).await;
    }
}
