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
