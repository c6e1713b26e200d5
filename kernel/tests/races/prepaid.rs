//! Many orders on one gift card.

use futures_util::future::join_all;
use kassa::db::sql;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{CLIENTS, at_once, count, rounds};
use crate::support::App;
use crate::support::app::Answer;
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;
use crate::support::stock::{MAIN, variant};

/// 12.50 of goods and 4.90 of delivery.
const TOTAL: i64 = 1740;

/// Checks out at what the cart showed, and pays by card what the gift card does not.
async fn check_out(shopper: &Shopper<'_>, cart: &Value) -> Answer {
    let mut body = json!({ "expected_total": cart["total"], "expected_due": cart["due"] });
    if cart["due"] != 0 {
        body["payment_method"] = json!("payment-emulator:card");
        body["payment_token"] = json!("tok-approve");
    }
    shopper.send(Method::POST, "/checkout", Some(body)).await
}

/// How often something came on or off the card, and what all that comes to.
async fn entries(app: &App, card: &Value) -> (i64, i64) {
    let id: Uuid = card["id"].as_str().unwrap().parse().unwrap();
    let mut conn = app.shop.db().read().await.unwrap();
    sql::one!(
        conn,
        (i64, i64),
        "select count(*), cast(coalesce(sum(amount), 0) as bigint) from prepaid_entries where account_id = $1",
        id
    )
    .unwrap()
}

api_test! {
    /// All pay with the same card: as many as it is enough for, and nobody what they were not shown. Then those orders are called off
    /// while all others want the card again: what comes back is spent once more, and no cent of it twice.
    async fn the_balance_of_a_gift_card(app: App) {
        rounds(&app, async |round: usize, merchant: &Merchant<'_>| {
            let enough_for = 2 + round % 5;
            let balance = TOTAL * enough_for as i64 + 400;
            let card = merchant.post("/v1/admin/gift-cards", json!({ "amount": balance, "currency": "EUR" })).await.expect(201);
            let codes = json!({ "codes": [card["code"]] });
            let shoppers = join_all((0..CLIENTS).map(|_| Shopper::ready(&app, "TEA-SENCHA-100", 1))).await;
            let carts = at_once(shoppers.iter().map(|shopper| shopper.put("gift-cards", codes.clone()))).await;
            let carts: Vec<_> = carts.into_iter().map(|cart| cart.expect(200)).collect();
            assert!(carts.iter().all(|cart| cart["due"] == 0));
            let answers = at_once(shoppers.iter().zip(&carts).map(|(shopper, cart)| check_out(shopper, cart))).await;
            let orders: Vec<_> = answers.iter().filter(|answer| answer.status == 201).map(|answer| answer.body["id"].clone()).collect();
            let late = shoppers.iter().zip(&answers).filter(|(_, answer)| answer.status != 201);
            let late: Vec<_> = late.map(|(shopper, answer)| (shopper, answer.body["cart"].clone())).collect();
            assert!(late.iter().all(|(_, cart)| cart["due"] != 0));
            assert_eq!(count(answers, 201, &["stale-quote"]), enough_for);
            assert_eq!(entries(&app, &card).await, (1 + enough_for as i64, 400));

            let again = join_all(late.iter().map(|(shopper, cart)| check_out(shopper, cart)));
            let cancel = async |id: &Value| app.post(&format!("/v1/orders/{}/cancel", id.as_str().unwrap()), json!({})).await;
            let called_off = join_all(orders.iter().map(cancel));
            let (again, called_off) = tokio::join!(again, called_off);
            assert_eq!(count(called_off, 200, &[]), enough_for);
            let bought: Vec<_> = again.iter().filter(|answer| answer.status == 201).map(|answer| answer.body["id"].clone()).collect();
            count(again, 201, &["stale-quote"]);
            let mut paid = 0;
            for id in bought {
                let order = merchant.get(&format!("/v1/admin/orders/{}", id.as_str().unwrap())).await.expect(200);
                paid += order["amounts"]["gift_cards"].as_i64().unwrap();
            }
            let path = format!("/v1/admin/gift-cards/{}", card["id"].as_str().unwrap());
            let left = merchant.get(&path).await.expect(200)["balance"].as_i64().unwrap();
            assert!((0..=balance).contains(&left), "{left}");
            assert_eq!((left, entries(&app, &card).await.1), (balance - paid, left));
            restock(merchant).await;
        })
        .await;
    }
}

/// As many packets as the next round needs.
async fn restock(merchant: &Merchant<'_>) {
    let variant = variant(merchant.app, "TEA-SENCHA-100").await;
    let body = json!({ "delta": CLIENTS, "reason": "delivery" });
    let path = format!("/v1/admin/variants/{variant}/stock/{}/adjustments", MAIN);
    merchant.post(&path, body).await.expect(201);
}
