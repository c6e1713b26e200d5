//! Many about the money of one order.

use serde_json::json;

use super::{CLIENTS, at_once, count, rounds};
use crate::support::emulator;
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;

api_test! {
    async fn refunds_in_part(app: App) {
        rounds(&app, async |round: usize, merchant: &Merchant<'_>| {
            let order = Shopper::ready(&app, "FILTER-PAPER-100", 1).await.check_out("tok-approve").await.expect(201);
            let total = order["total"].as_i64().unwrap();
            let part = total / (2 + round as i64 % 8) + 1;
            let path = format!("/v1/admin/orders/{}/refunds", order["id"].as_str().unwrap());
            let body = json!({ "amount": part, "reason": "race" });
            let asked = (0..CLIENTS).map(|_| merchant.post(&path, body.clone()));
            assert_eq!(count(at_once(asked).await, 201, &["amount-exceeded"]) as i64, total / part);
        })
        .await;
    }
}

api_test! {
    /// The provider says that the money was taken while the shopper calls the order off: it is paid, or called off with the money
    /// given back, and never both.
    async fn cancel_against_pay(app: App) {
        let secret = emulator::secret(&app).await;
        rounds(&app, async |_: usize, _: &Merchant<'_>| {
            let shopper = Shopper::ready(&app, "FILTER-PAPER-100", 1).await;
            let order = shopper.check_out("tok-requires-action").await.expect(201);
            let id = order["id"].as_str().unwrap();
            let told = json!({ "payment_key": emulator::payment_key(&app, &order).await, "event": "captured" });
            let cancel = format!("/v1/orders/{id}/cancel");
            let clients = (0..CLIENTS).map(|client| {
                let (app, told, secret, cancel) = (&app, &told, &secret, &cancel);
                async move {
                    match client % 2 {
                        0 => emulator::webhook(app, told, secret).await,
                        _ => app.post(cancel, json!({})).await,
                    }
                }
            });
            for answer in at_once(clients).await {
                assert!([200, 204, 409].contains(&answer.status), "{answer:?}");
            }
            let ended = || async {
                let order = app.get(&format!("/v1/orders/{id}")).await.expect(200);
                let payment = &order["payment"];
                let (captured, refunded) = (payment["captured"].as_i64()?, payment["refunded"].as_i64()?);
                match order["status"].as_str()? {
                    "paid" => (captured == order["total"] && refunded == 0).then_some(()),
                    "cancelled" => (captured == refunded && payment["status"] != "requires_action").then_some(()),
                    _ => None,
                }
            };
            app.eventually("an end of the order", ended).await;
        })
        .await;
    }
}
