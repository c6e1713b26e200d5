//! Stock, wanted by many at once.

use futures_util::future::join_all;
use kassa::inventory::{self, Cause, CauseKind};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::support::App;
use crate::support::shopper::Shopper;
use crate::support::stock::{MAIN, Merchant, audit, goods, keep, numbers, release, reserve};

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

/// What an order does in the storm, by its number. Tells how many grinders left.
async fn live(app: &App, order: u128) -> Result<u32, inventory::Error> {
    let id = Uuid::from_u128(order);
    let grinders = 1 + u32::try_from(order % 3).unwrap();
    let mut wanted = vec![goods(app, "GRINDER-HAND", grinders).await, goods(app, "POT-GLASS-1L", 1).await];
    if order.is_multiple_of(2) {
        wanted.reverse();
    }
    let overdue = if order.is_multiple_of(5) { 60 } else { 0 };
    let until = inventory::held_until(&app.shop) - chrono::TimeDelta::days(overdue);
    let mut tx = app.shop.db().write().await?;
    inventory::reserve(&mut tx, id, &wanted, Some(until)).await?;
    tx.commit().await?;
    let mut tx = app.shop.db().write().await?;
    if order.is_multiple_of(4) {
        inventory::release(&mut tx, id).await?;
        tx.commit().await?;
        return Ok(0);
    }
    inventory::keep(&mut tx, id).await?;
    tx.commit().await?;
    let mut tx = app.shop.db().write().await?;
    if order % 4 == 1 {
        inventory::ship(&mut tx, id, &wanted, None).await?;
        tx.commit().await?;
        return Ok(grinders);
    }
    Ok(0)
}

api_test! {
    /// Rounds of 32 clients at two variants, which they name in either order, at two locations, beyond what there is, while
    /// goods come and reservations run out: nobody waits for another in a circle, and no piece is lost or sold twice.
    async fn a_storm_leaves_every_number_explained(app: App) {
        let sku = "GRINDER-HAND";
        let merchant = Merchant::of(&app, sku).await;
        let far = merchant.location("Far", 2).await;
        merchant.policy(json!({ "backorder_limit": 5 })).await.expect(200);
        merchant.count(&far, json!({ "on_hand": 12 })).await.expect(200);
        let path = format!("variants/{}/stock/{far}/adjustments", merchant.variant);
        let mut expected = 20;
        for round in 0..4 {
            let orders = round * 32 + 1..=round * 32 + 32;
            let come = || merchant.send(Method::POST, &path, json!({ "delta": 3, "reason": "delivery" }));
            let (lived, came) = tokio::join!(join_all(orders.map(|order| live(&app, order))), join_all((0..4).map(|_| come())));
            for answer in came {
                answer.expect(201);
                expected += 3;
            }
            for lived in lived {
                match lived {
                    Ok(shipped) => expected -= i64::from(shipped),
                    Err(inventory::Error::Insufficient { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            assert_eq!(numbers(&app, sku).await.0, expected);
            audit(&app).await;
        }
        for order in 1..=4 * 32 {
            release(&app, order).await;
        }
        assert_eq!(numbers(&app, sku).await, (expected, 0, 0, expected + 5));
        audit(&app).await;
    }
}

api_test! {
    /// Whoever closes a location waits for the goods that are being brought there, and finds them.
    async fn a_location_is_not_closed_while_goods_arrive(app: App) {
        let sku = "GRINDER-HAND";
        let merchant = Merchant::of(&app, sku).await;
        let near = merchant.location("Near", 1).await;
        let arrived = [goods(&app, sku, 3).await];
        let cause = Cause { kind: CauseKind::Restock, reference_id: None, reason: "late", actor: "" };
        let mut tx = app.shop.db().write().await.unwrap();
        inventory::restock(&mut tx, &cause, &arrived, Some(near.parse().unwrap())).await.unwrap();
        let path = format!("locations/{near}");
        let close = merchant.send(Method::PATCH, &path, json!({ "active": false }));
        let commit = async {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            tx.commit().await.unwrap();
        };
        let (closed, ()) = tokio::join!(close, commit);
        closed.problem("stock-in-use");
        assert_eq!(numbers(&app, sku).await, (11, 0, 0, 11));
        audit(&app).await;
    }
}

api_test! {
    /// Goods of two variants go to two locations, from either side: nobody waits for another in a circle.
    async fn goods_for_several_locations_do_not_wait_in_a_circle(app: App) {
        let merchant = Merchant::of(&app, "GRINDER-HAND").await;
        let (near, far) = (merchant.location("Near", 1).await, merchant.location("Far", 2).await);
        let bulk = (0..16).map(|client| {
            let (first, second) = if client % 2 == 0 { (&near, &far) } else { (&far, &near) };
            let lines = json!([
                { "sku": "GRINDER-HAND", "location_id": first, "delta": 1 },
                { "sku": "POT-GLASS-1L", "location_id": second, "delta": 1 },
            ]);
            merchant.send(Method::POST, "bulk/stock", json!({ "lines": lines, "reason": "delivery" }))
        });
        let counts = (0..16).map(|client| {
            let location = if client % 2 == 0 { &near } else { &far };
            let path = format!("variants/{}/stock/{location}/adjustments", merchant.variant);
            let merchant = &merchant;
            async move { merchant.send(Method::POST, &path, json!({ "delta": 1, "reason": "delivery" })).await }
        });
        let (bulk, counts) = tokio::join!(join_all(bulk), join_all(counts));
        for answer in bulk.into_iter().chain(counts) {
            assert!([200, 201].contains(&answer.status), "{answer:?}");
        }
        assert_eq!(numbers(&app, "GRINDER-HAND").await.0, 8 + 32);
        assert_eq!(numbers(&app, "POT-GLASS-1L").await.0, 12 + 16);
        audit(&app).await;
    }
}
