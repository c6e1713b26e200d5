//! Many who send, edit and refund: goods that leave, and the stock that they leave.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{CLIENTS, at_once, count, rounds, with_pieces};
use crate::support::App;
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;
use crate::support::stock::numbers;

/// Two variants, one of which is locked before the other; their SKUs.
async fn two(merchant: &Merchant<'_>, round: usize) -> [String; 2] {
    [
        with_pieces(merchant, &format!("ONE-{round}"), 1000).await,
        with_pieces(merchant, &format!("TWO-{round}"), 1000).await,
    ]
}

/// A paid order with a piece of each, and the position of each in it.
async fn order_of(app: &App, skus: &[String; 2]) -> (String, [usize; 2]) {
    let shopper = Shopper::guest(app).await;
    shopper.add(&skus[0], 1).await.expect(200);
    shopper.prepare(&skus[1], 1).await;
    let order = shopper.check_out("tok-approve").await.expect(201);
    let lines = order["lines"].as_array().unwrap();
    let position = |sku: &String| lines.iter().position(|line| line["sku"] == *sku).unwrap();
    (format!("/v1/admin/orders/{}", order["id"].as_str().unwrap()), skus.each_ref().map(position))
}

fn piece(line: usize) -> Value {
    json!({ "lines": [{ "line": line, "quantity": 1 }] })
}

api_test! {
    /// Orders whose shipments hold the goods in either order are sent whole: nobody waits for another in a circle.
    async fn shipments_that_name_goods_in_either_order(app: App) {
        rounds(&app, async |round: usize, merchant: &Merchant<'_>| {
            let skus = two(merchant, round).await;
            let orders = join_all((0..CLIENTS).map(|_| order_of(&app, &skus))).await;
            let planned = join_all(orders.iter().enumerate().map(|(client, (path, at))| async move {
                for line in [at[client % 2], at[1 - client % 2]] {
                    merchant.post(&format!("{path}/shipments"), piece(line)).await.expect(201);
                }
                format!("{path}/ship")
            }))
            .await;
            let sent = at_once(planned.iter().map(|path| merchant.post(path, json!({})))).await;
            assert_eq!(count(sent, 200, &[]), CLIENTS);
            for sku in &skus {
                assert_eq!(numbers(&app, sku).await.0, 1000 - CLIENTS as i64);
            }
        })
        .await;
    }
}

api_test! {
    /// Of half of the orders the first piece has left and the second is here, of the others the other way round; both go back at once.
    async fn refunds_that_restock_and_drop_in_either_order(app: App) {
        rounds(&app, async |round: usize, merchant: &Merchant<'_>| {
            let skus = two(merchant, round).await;
            let orders = join_all((0..CLIENTS).map(|_| order_of(&app, &skus))).await;
            let refunds = join_all(orders.iter().enumerate().map(|(client, (path, at))| async move {
                let (out, here) = (at[client % 2], at[1 - client % 2]);
                let planned = merchant.post(&format!("{path}/shipments"), piece(out)).await.expect(201);
                let leave = format!("/v1/admin/shipments/{}/dispatch", planned["id"].as_str().unwrap());
                merchant.post(&leave, json!({})).await.expect(200);
                let lines = json!([{ "line": out, "quantity": 1, "restock": true }, { "line": here, "quantity": 1 }]);
                (format!("{path}/refunds"), json!({ "lines": lines, "reason": "race" }))
            }))
            .await;
            let refunded = at_once(refunds.iter().map(|(path, body)| merchant.post(path, body.clone()))).await;
            assert_eq!(count(refunded, 201, &[]), CLIENTS);
            for sku in &skus {
                assert_eq!(numbers(&app, sku).await, (1000, 0, 0, 1000));
            }
        })
        .await;
    }
}

api_test! {
    /// An order is edited and sent at once: what leaves is what it holds in the end, whoever came first.
    async fn edit_against_ship(app: App) {
        rounds(&app, async |round: usize, merchant: &Merchant<'_>| {
            let sku = with_pieces(merchant, &format!("RACE-{round}"), 1000).await;
            let order = Shopper::ready(&app, &sku, 4).await.check_out("tok-approve").await.expect(201);
            let path = format!("/v1/admin/orders/{}", order["id"].as_str().unwrap());
            let mut edits = Vec::new();
            for quantity in 1..=3 {
                let mut edit = json!({ "lines": [{ "line": 0, "quantity": quantity }] });
                let shown = merchant.post(&format!("{path}/edits/preview"), edit.clone()).await.expect(200);
                edit["expected_total"] = shown["order"]["total"].clone();
                edit["reason"] = json!("race");
                edits.push(edit);
            }
            let (merchant, path, edits) = (merchant, &path, &edits);
            let clients = (0..CLIENTS).map(|client| async move {
                match client % 2 {
                    0 => merchant.post(&format!("{path}/edits"), edits[client / 2 % 3].clone()).await,
                    // Some look before they send, so that some edits come first.
                    _ if client / 2 % 2 == 0 => {
                        merchant.get(path).await.expect(200);
                        merchant.get(&format!("{path}/ledger")).await.expect(200);
                        merchant.post(&format!("{path}/ship"), json!({})).await
                    }
                    _ => merchant.post(&format!("{path}/ship"), json!({})).await,
                }
            });
            let (edited, sent): (Vec<_>, Vec<_>) =
                at_once(clients).await.into_iter().enumerate().partition(|(client, _)| client % 2 == 0);
            let answers = |of: Vec<(usize, _)>| of.into_iter().map(|(_, answer)| answer).collect();
            let refusals = ["order-state", "stale-quote", "payment-busy", "pricing-unavailable", "unavailable"];
            let edited = count(answers(edited), 200, &refusals);
            assert_eq!(count(answers(sent), 200, &["order-state", "pieces-exceeded"]), 1);
            let order = merchant.get(path).await.expect(200);
            let line = &order["lines"][0];
            let holds = if edited == 0 { 4..=4 } else { 1..=3 };
            assert!(holds.contains(&line["quantity"].as_i64().unwrap()), "{edited}: {order}");
            assert_eq!((&order["status"], &order["revision"]), (&json!("shipped"), &json!(1 + edited)));
            assert_eq!((&line["shipped"], &order["shipments"][0]["lines"][0]["quantity"]), (&line["quantity"], &line["quantity"]));
            let left = 1000 - line["quantity"].as_i64().unwrap();
            assert_eq!(numbers(&app, &sku).await, (left, 0, 0, left));
        })
        .await;
    }
}
