//! Stock: what orders hold, until when, and who gets it next.

use kassa::db::sql;
use kassa::inventory::{self, Cause, CauseKind};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::shopper::Shopper;
use crate::support::stock::{MAIN, Merchant, audit, events, goods, keep, numbers, release, reserve, told, variant};

api_test! {
    async fn goods_stay_on_hand_until_they_are_shipped(app: App) {
        let token = app.merchant().await;
        let order = Shopper::ready(&app, "POT-GLASS-1L", 2).await.check_out("tok-approve").await.expect(201);
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (12, 2, 0, 10));
        let variant = variant(&app, "POT-GLASS-1L").await;
        let path = format!("/v1/admin/variants/{variant}");
        app.send(Method::DELETE, &path, Some(&token), None).await.problem("stock-in-use");
        let held = app.send(Method::GET, "/v1/admin/stock/reservations", Some(&token), None).await.expect(200);
        let held = &held["items"][0];
        assert_eq!((&held["order_number"], &held["quantity"]), (&order["number"], &json!(2)));
        assert_eq!((&held["paid"], &held["expires_at"]), (&json!(true), &json!(null)));
        let ship = format!("/v1/admin/orders/{}/ship", order["id"].as_str().unwrap());
        app.send(Method::POST, &ship, Some(&token), None).await.expect(200);
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (10, 0, 0, 10));
        audit(&app).await;
        let list = format!("/v1/admin/stock/movements?variant={variant}");
        let movements = app.send(Method::GET, &list, Some(&token), None).await.expect(200);
        let told = movements["items"].as_array().unwrap().iter();
        let told: Vec<_> = told.map(|m| (&m["kind"], &m["order_number"], &m["reference_id"], &m["on_hand"])).collect();
        let (number, none) = (&order["number"], &json!(null));
        let expected = [("shipment", number, 10), ("reservation", number, 12), ("opening", none, 12)];
        let expected = expected.map(|(kind, number, on_hand)| (json!(kind), number, json!(on_hand)));
        assert_eq!(told, expected.iter().map(|(kind, n, on_hand)| (kind, *n, none, on_hand)).collect::<Vec<_>>());
        app.send(Method::DELETE, &path, Some(&token), None).await.expect(204);
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
        reserve(&app, 2, sku, 3, true).await.unwrap();
        app.eventually("the reservation expires", free).await;
        reserve(&app, 4, sku, 5, false).await.unwrap();
        release(&app, 2).await;
        assert_eq!(numbers(&app, sku).await, (8, 5, 0, 3), "what has expired is not given back again");
        assert_eq!(keep(&app, 2).await, [], "what was released is not taken again");
        assert_eq!(numbers(&app, sku).await, (8, 5, 0, 3));
        release(&app, 4).await;
        reserve(&app, 3, sku, 2, true).await.unwrap();
        app.eventually("the reservation expires", free).await;
        let path = format!("/v1/admin/variants/{}", variant(&app, sku).await);
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
        assert_eq!(told(&app, "stock.backordered").await, 0, "what is short is told once");
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
        let missing = |data: &Value| data["lines"][0]["missing"].clone();
        assert_eq!(events(&app, "stock.backordered").await.iter().map(missing).collect::<Vec<_>>(), [2, 2]);
        let waiting = merchant.send(Method::GET, "stock/reservations?waiting=true", json!(null)).await.expect(200);
        let waiting: Vec<_> = waiting["items"].as_array().unwrap().iter().map(|held| held["quantity"].clone()).collect();
        assert_eq!(waiting, [2, 2]);
        merchant.count(MAIN, json!({ "on_hand": 11 })).await.expect(200);
        assert_eq!(numbers(&app, sku).await, (11, 12, 1, 3));
        let back = &events(&app, "stock.back").await[0];
        assert_eq!((&back["served"], &back["sku"], &back["available"]), (&json!(3), &json!(sku), &json!(3)));
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
    /// The part of a line that is here leaves before the part that waits.
    async fn an_order_that_waits_for_goods_is_sent_in_parts(app: App) {
        let sku = "GRINDER-HAND";
        let merchant = Merchant::of(&app, sku).await;
        merchant.policy(json!({ "backorder_limit": 4 })).await.expect(200);
        reserve(&app, 1, sku, 10, false).await.unwrap();
        let (eight, one) = ([goods(&app, sku, 8).await], [goods(&app, sku, 1).await]);
        let mut tx = app.shop.db().write().await.unwrap();
        inventory::ship(&mut tx, Uuid::from_u128(1), &eight, None).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(numbers(&app, sku).await, (0, 2, 2, 2));
        let mut tx = app.shop.db().write().await.unwrap();
        let waits = inventory::ship(&mut tx, Uuid::from_u128(1), &one, None).await;
        assert!(matches!(waits, Err(inventory::Error::Insufficient { available: 0, .. })), "{waits:?}");
        drop(tx);
        audit(&app).await;
    }
}

api_test! {
    async fn what_comes_back_goes_to_those_who_wait(app: App) {
        let sku = "GRINDER-HAND";
        let merchant = Merchant::of(&app, sku).await;
        let near = merchant.location("Near", 1).await.parse().unwrap();
        merchant.policy(json!({ "backorder_limit": 4 })).await.expect(200);
        reserve(&app, 1, sku, 10, false).await.unwrap();
        let returned = Uuid::from_u128(77);
        let cause =
            Cause { kind: CauseKind::Restock, reference_id: Some(returned), reason: "too small", actor: "returns" };
        let mut tx = app.shop.db().write().await.unwrap();
        let gone = inventory::Quantity { variant_id: Uuid::from_u128(5), sku: "GONE".into(), quantity: 1 };
        inventory::restock(&mut tx, &cause, &[gone, goods(&app, sku, 3).await], Some(near)).await.unwrap();
        inventory::restock(&mut tx, &cause, &[goods(&app, sku, 1).await], None).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(numbers(&app, sku).await, (12, 10, 0, 6));
        let mut tx = app.shop.db().write().await.unwrap();
        let nowhere = inventory::restock(&mut tx, &cause, &[goods(&app, sku, 1).await], Some(returned)).await;
        assert!(matches!(nowhere, Err(inventory::Error::LocationUnknown)), "{nowhere:?}");
        drop(tx);
        let list = format!("stock/movements?variant={}&location={near}", merchant.variant);
        let page = merchant.send(Method::GET, &list, json!(null)).await.expect(200);
        let (assigned, restocked) = (&page["items"][0], &page["items"][1]);
        assert_eq!((&assigned["kind"], &assigned["reserved_delta"]), (&json!("assignment"), &json!(2)));
        assert_eq!((&restocked["kind"], &restocked["on_hand_delta"]), (&json!("restock"), &json!(3)));
        assert_eq!((&restocked["reference_id"], &restocked["actor"]), (&json!(returned), &json!("returns")));
        audit(&app).await;
    }
}

api_test! {
    async fn what_runs_low_is_told_once_each_time(app: App) {
        let token = app.merchant().await;
        let variant = variant(&app, "GRINDER-HAND").await;
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
        let back = events(&app, "stock.back").await;
        assert_eq!(back.len(), 1, "{back:?}");
        assert_eq!((&back[0]["served"], &back[0]["available"]), (&json!(0), &json!(9)));
        on_hand(0).await;
        app.eventually("it is low and out again", told(2, 2)).await;
        audit(&app).await;
    }
}

api_test! {
    /// What [`audit`] stands on: each of its comparisons finds a number that has no movement.
    async fn a_number_that_nobody_explained_is_found(app: App) {
        reserve(&app, 1, "GRINDER-HAND", 2, false).await.unwrap();
        audit(&app).await;
        let variant = variant(&app, "GRINDER-HAND").await;
        let mut tx = app.shop.db().write().await.unwrap();
        sql::execute!(
            tx,
            "update stock_levels set on_hand = on_hand + 1, reserved = reserved - 1 where variant_id = $1",
            variant
        )
        .unwrap();
        sql::execute!(tx, "update stock_reservations set quantity = quantity + 1 where variant_id = $1", variant).unwrap();
        sql::execute!(tx, "update stock_items set waiting = waiting + 2 where variant_id = $1", variant).unwrap();
        tx.commit().await.unwrap();
        let found = inventory::verify(&app.shop).await.unwrap();
        assert!(found.iter().all(|wrong| wrong.variant_id == variant && wrong.stands != wrong.derived), "{found:#?}");
        let numbers: Vec<_> = found.iter().map(|wrong| (wrong.what, wrong.stands, wrong.derived)).collect();
        let expected = [
            ("on hand, from the movements", 9, 8),
            ("reserved, from the movements", 1, 2),
            ("reserved, from the reservations", 1, 3),
            ("on hand in all, from the levels", 8, 9),
            ("reserved in all, from the levels and what waits", 2, 3),
            ("waiting, from the movements", 2, 0),
            ("waiting, from the reservations", 2, 0),
        ];
        assert_eq!(numbers, expected);
    }
}
