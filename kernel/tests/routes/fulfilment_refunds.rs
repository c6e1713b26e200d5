//! Pieces that are refunded before they leave.

use reqwest::Method;
use serde_json::{Value, json};

use super::fulfilment::{Packer, stands};
use crate::support::app::Answer;
use crate::support::audit::audit;
use crate::support::stock::{self, numbers};

async fn refund(packer: &Packer<'_>, quantity: u32) -> Answer {
    packer.on_order("refunds", json!({ "lines": [{ "line": 0, "quantity": quantity }], "reason": "x" })).await
}

/// The pieces of the first line in a shipment.
fn pieces(shipment: &Value) -> &Value {
    &shipment["lines"][0]["quantity"]
}

api_test! {
    /// Pieces that are refunded before they are in a shipment are not sent, and others can buy them.
    async fn what_is_refunded_is_not_sent(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 3)]).await;
        let part = packer.plan(json!({ "lines": [{ "line": 0, "quantity": 2 }] })).await;
        let refund = |quantity: u32, restock: bool| {
            packer.on_order("refunds", json!({ "lines": [{ "line": 0, "quantity": quantity, "restock": restock }], "reason": "x" }))
        };
        refund(1, true).await.problem("order-state");
        refund(1, false).await.expect(201);
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (12, 2, 0, 10));
        assert_eq!(packer.on_order("shipments", json!({})).await.problem("pieces-exceeded")["available"], 0);
        packer.on(&part, "dispatch", json!(null)).await.expect(200);
        assert_eq!(packer.stands().await, stands("shipped", "fulfilled"), "all that is wanted has left");
        // One of those that left comes back, the other was a present.
        refund(1, true).await.expect(201);
        refund(1, false).await.expect(201);
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (11, 0, 0, 11));
        audit(&app).await;
        stock::audit(&app).await;
    }
}

api_test! {
    /// What is planned is not sent either: it leaves the newest shipments first, and one that is left empty is cancelled.
    async fn what_is_refunded_leaves_the_shipment_that_it_was_planned_for(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 4)]).await;
        let first = packer.plan(json!({ "lines": [{ "line": 0, "quantity": 3 }] })).await;
        let last = packer.plan(json!({ "lines": [{ "line": 0, "quantity": 1 }] })).await;
        refund(&packer, 2).await.expect(201);
        let (first, last) = (packer.look(&first).await, packer.look(&last).await);
        assert_eq!((pieces(&first), &first["status"], &last["status"]), (&json!(2), &json!("pending"), &json!("cancelled")));
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (12, 2, 0, 10));
        packer.on(&last, "dispatch", json!(null)).await.problem("shipment-state");
        packer.on_order("ship", json!(null)).await.expect(200);
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (10, 0, 0, 10));
        assert_eq!(packer.stands().await, stands("shipped", "fulfilled"));
        // What has left is refunded all the same.
        refund(&packer, 2).await.expect(201);
        audit(&app).await;
        stock::audit(&app).await;

        // What waits to be collected goes back on the shelf.
        let packer = Packer::collecting(&app, "POT-GLASS-1L", 2).await;
        packer.on_order("ship", json!(null)).await.expect(200);
        refund(&packer, 1).await.expect(201);
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (10, 1, 0, 9));
        packer.on_order("deliver", json!(null)).await.expect(200);
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (9, 0, 0, 9));
        audit(&app).await;
        stock::audit(&app).await;
    }
}

api_test! {
    /// A carrier comes for what was booked, or may: its pieces are refunded once that is called off, or when they have left.
    async fn what_a_carrier_was_booked_for_is_not_refunded_and_sent(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 3)]).await;
        packer.bind(json!({ "down": true })).await;
        let asked = packer.plan(json!({ "lines": [{ "line": 0, "quantity": 2 }], "book": true })).await;
        let refused = refund(&packer, 2).await.problem("amount-exceeded");
        assert_eq!((&refused["line"], &refused["available"]), (&json!(0), &json!(1)));
        packer.bind(json!({})).await;
        let booked = || async { Some(packer.look(&asked).await).filter(|shipment| shipment["status"] == "booked") };
        let booked = app.eventually("the booking", booked).await;
        assert_eq!(refund(&packer, 2).await.problem("amount-exceeded")["available"], 1);
        refund(&packer, 1).await.expect(201);
        assert_eq!(refund(&packer, 1).await.problem("amount-exceeded")["available"], 0);
        assert_eq!((pieces(&packer.look(&booked).await), numbers(&app, "POT-GLASS-1L").await), (&json!(2), (12, 2, 0, 10)));

        packer.on(&booked, "cancel", json!(null)).await.expect(200);
        let again = packer.plan(json!({ "lines": [{ "line": 0, "quantity": 1 }] })).await;
        packer.on(&again, "dispatch", json!(null)).await.expect(200);
        refund(&packer, 1).await.expect(201);
        assert_eq!(packer.stands().await, stands("shipped", "fulfilled"), "the piece that was left is not sent");
        // And the one that left.
        refund(&packer, 1).await.expect(201);
        let order = packer.order["id"].as_str().unwrap();
        let refunds = packer.send(Method::GET, &format!("orders/{order}/refunds"), json!(null)).await.expect(200);
        assert_eq!(refunds.as_array().unwrap().len(), 3);
        audit(&app).await;
        stock::audit(&app).await;
    }
}

api_test! {
    /// A piece that the shopper keeps and was paid back for is refunded once, though others of its line are still here.
    async fn the_refund_of_a_piece_that_left_is_not_that_of_one_that_is_here(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 2)]).await;
        let out = packer.plan(json!({ "lines": [{ "line": 0, "quantity": 1 }] })).await;
        packer.on(&out, "dispatch", json!(null)).await.expect(200);
        packer.bind(json!({})).await;
        packer.plan(json!({ "book": true })).await;
        refund(&packer, 1).await.expect(201);
        let back = json!({ "lines": [{ "line": 0, "quantity": 1, "restock": true }], "reason": "x" });
        assert_eq!(packer.on_order("refunds", back).await.problem("amount-exceeded")["available"], 0);
        audit(&app).await;
        stock::audit(&app).await;
    }
}
