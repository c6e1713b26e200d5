//! Many who send, cancel and refund one order at once.

use futures_util::future::join_all;
use serde_json::json;

use super::fulfilment::Packer;
use crate::support::audit::audit;
use crate::support::stock::{self, numbers};

api_test! {
    /// 32 clients send pieces of one order: exactly as many leave as were ordered.
    async fn never_more_is_sent_than_was_ordered(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 10)]).await;
        let piece = || async {
            let planned = packer.on_order("shipments", json!({ "lines": [{ "line": 0, "quantity": 1 }] })).await;
            if planned.status == 201 {
                return packer.on(&planned.body, "dispatch", json!(null)).await;
            }
            planned
        };
        let answers = join_all((0..32).map(|_| piece())).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 10, "{answers:?}");
        for answer in answers.into_iter().filter(|answer| answer.status != 200) {
            // The last of them finds the order shipped.
            let kind = answer.body["type"].clone();
            assert!(kind == "/problems/pieces-exceeded" || kind == "/problems/order-state", "{answer:?}");
        }
        assert_eq!(packer.seen().await["status"], "shipped");
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (2, 0, 0, 2));
        audit(&app).await;
        stock::audit(&app).await;
    }
}

api_test! {
    /// 32 clients send, call off and give back at once. Whoever comes first, goods leave or the order is called off, and
    /// never both.
    async fn an_order_is_sent_or_called_off_and_never_both(app: App) {
        for round in 0..3 {
            let packer = Packer::of(&app, &[("POT-GLASS-1L", 2)]).await;
            let cancel = format!("/v1/orders/{}/cancel", packer.order["id"].as_str().unwrap());
            let refund = json!({ "lines": [{ "line": 0, "quantity": 1 }], "reason": "race" });
            let answers = join_all((0..32).map(|client| {
                let (packer, cancel, refund) = (&packer, &cancel, refund.clone());
                async move {
                    match (client + round) % 3 {
                        0 => packer.on_order("ship", json!(null)).await,
                        1 => call_off(packer, cancel).await,
                        _ => packer.on_order("refunds", refund).await,
                    }
                }
            }));
            let answers = answers.await;
            assert!(answers.iter().all(|answer| answer.status < 500), "{answers:?}");
            let order = packer.seen().await;
            let left = order["lines"][0]["shipped"].as_u64().unwrap();
            match order["status"].as_str().unwrap() {
                "cancelled" => assert_eq!(left, 0, "{order}"),
                "shipped" => assert!(left > 0, "{order}"),
                // All of it was refunded before anything was sent, and called off or sent by nobody after that.
                status => assert_eq!((status, left), ("paid", 0), "{order}"),
            }
            audit(packer.app).await;
            stock::audit(packer.app).await;
        }
    }
}

async fn call_off(packer: &Packer<'_>, path: &str) -> crate::support::app::Answer {
    packer.app.post(path, json!({})).await
}
