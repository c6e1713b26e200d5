//! Returns: asked for, received piece by piece, refunded once.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::fulfilment::Packer;
use crate::support::app::Answer;
use crate::support::audit::audit;
use crate::support::shopper::Shopper;
use crate::support::stock::{self, numbers, told};

fn piece(quantity: u32) -> Value {
    json!({ "lines": [{ "line": 0, "quantity": quantity, "reason": "damaged", "note": "the lid" }] })
}

fn came(quantity: u32, restock: bool) -> Value {
    json!({ "lines": [{ "line": 0, "quantity": quantity, "restock": restock }] })
}

impl Packer<'_> {
    fn owners(&self, rest: &str) -> String {
        format!("/v1/orders/{}/returns{rest}", self.order["id"].as_str().unwrap())
    }

    async fn ask(&self, body: Value) -> Answer {
        self.app.post(&self.owners(""), body).await
    }

    async fn look_at(&self, wanted: &Value) -> Value {
        let path = format!("returns/{}", wanted["id"].as_str().unwrap());
        self.send(Method::GET, &path, json!(null)).await.expect(200)
    }

    async fn on_return(&self, wanted: &Value, rest: &str, body: Value) -> Answer {
        self.send(Method::POST, &format!("returns/{}/{rest}", wanted["id"].as_str().unwrap()), body).await
    }
}

api_test! {
    async fn goods_come_back_and_are_refunded_once(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 3)]).await;
        packer.ask(piece(1)).await.problem("order-state");
        packer.on_order("ship", json!(null)).await.expect(200);
        assert_eq!(packer.ask(piece(4)).await.problem("pieces-exceeded")["available"], 3);
        let wanted = packer.ask(piece(2)).await.expect(201);
        assert_eq!((&wanted["status"], &wanted["number"]), (&json!("requested"), &json!(1)));
        assert_eq!(packer.ask(piece(2)).await.problem("pieces-exceeded")["available"], 1, "two are asked for already");
        packer.on_return(&wanted, "receive", came(1, true)).await.problem("return-state");
        let of_order = format!("orders/{}/returns", packer.order["id"].as_str().unwrap());
        assert_eq!(packer.send(Method::GET, &of_order, json!(null)).await.expect(200), json!([packer.look_at(&wanted).await]));
        let nobody = "orders/00000000-0000-4000-8000-000000000000/returns";
        packer.send(Method::GET, nobody, json!(null)).await.problem("not-found");
        packer.on_return(&wanted, "refund", json!({})).await.problem("return-state");
        packer.on_return(&wanted, "approve", json!(null)).await.expect(200);

        let far = packer.location("Far").await;
        let first = json!({ "lines": [{ "line": 0, "quantity": 1, "restock": true, "location_id": far }] });
        packer.on_return(&wanted, "receive", first).await.expect(200);
        assert_eq!(packer.on_return(&wanted, "receive", came(2, true)).await.problem("pieces-exceeded")["available"], 1);
        let received = packer.on_return(&wanted, "receive", came(1, false)).await.expect(200);
        assert_eq!((&received["lines"][0]["received"], &received["restocked"]), (&json!(2), &json!([1])));
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (10, 0, 0, 10));
        // What came back is not out: it comes back no second time.
        let again = json!({ "lines": [{ "line": 0, "quantity": 2, "restock": true }], "reason": "x" });
        packer.on_order("refunds", again).await.problem("order-state");

        let refunded = packer.on_return(&wanted, "refund", json!({ "reason": "broken lids" })).await.expect(200);
        packer.on_return(&wanted, "refund", json!({})).await.problem("return-state");
        let order = packer.order["id"].as_str().unwrap();
        let refunds = packer.send(Method::GET, &format!("orders/{order}/refunds"), json!(null)).await.expect(200);
        assert_eq!(refunds.as_array().unwrap().len(), 1);
        assert_eq!((&refunds[0]["id"], &refunds[0]["reason"]), (&refunded["refund_id"], &json!("broken lids")));
        assert_eq!(refunds[0]["lines"][0]["quantity"], 2);
        let closed = packer.on_return(&wanted, "close", json!(null)).await.expect(200);
        assert_eq!(closed["status"], "closed");
        let seen = app.get(&packer.owners("")).await.expect(200);
        let history: Vec<_> = seen[0]["history"].as_array().unwrap().iter().map(|event| event["status"].as_str().unwrap()).collect();
        assert_eq!(history, ["requested", "approved", "received", "received", "refunded", "closed"]);
        assert!(seen[0].get("actors").is_none() && seen[0].get("restocked").is_none());
        assert_eq!((told(&app, "return.requested").await, told(&app, "return.refunded").await), (1, 1));
        assert_eq!(packer.seen().await["status"], "shipped");
        audit(&app).await;
        stock::audit(&app).await;
    }
}

api_test! {
    async fn a_return_is_rejected_cancelled_or_made_by_staff(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 2)]).await;
        packer.on_order("ship", json!(null)).await.expect(200);
        let wanted = packer.ask(piece(2)).await.expect(201);
        packer.on_return(&wanted, "reject", json!({ "reason": " " })).await.problem("invalid-request");
        packer.on_return(&wanted, "reject", json!({ "reason": "it was worn" })).await.expect(200);
        packer.on_return(&wanted, "approve", json!(null)).await.problem("return-state");
        let seen = app.get(&packer.owners("")).await.expect(200);
        assert_eq!(seen[0]["history"][1]["cause"], "it was worn");

        // What was rejected can be asked for again.
        let wanted = packer.ask(piece(2)).await.expect(201);
        let cancel = packer.owners(&format!("/{}/cancel", wanted["id"].as_str().unwrap()));
        assert_eq!(app.post(&cancel, json!({})).await.expect(200)["status"], "cancelled");
        app.post(&cancel, json!({})).await.problem("return-state");
        let made = packer.on_order("returns", piece(1)).await.expect(201);
        assert_eq!(made["status"], "approved");
        packer.on_return(&made, "close", json!(null)).await.expect(200);
        let made = packer.on_order("returns", piece(2)).await.expect(201);
        packer.on_return(&made, "receive", came(2, true)).await.expect(200);

        // Of another order, it is none.
        let other = Shopper::ready(&app, "POT-GLASS-1L", 1).await.check_out("tok-approve").await.expect(201);
        let foreign = format!("/v1/orders/{}/returns/{}/cancel", other["id"].as_str().unwrap(), made["id"].as_str().unwrap());
        app.post(&foreign, json!({})).await.problem("not-found");
        let list = packer.send(Method::GET, "returns?status=rejected", json!(null)).await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        packer.send(Method::GET, "returns?status=lost", json!(null)).await.problem("invalid-request");
        for (body, pointer) in [
            (json!({ "lines": [] }), "/lines"),
            (json!({ "lines": [{ "line": 0, "quantity": 0, "reason": "other" }] }), "/lines/0/quantity"),
            (json!({ "lines": [{ "line": 0, "quantity": 1, "reason": "bored" }] }), "/lines/0/reason"),
            (json!({ "lines": [{ "line": 5, "quantity": 1, "reason": "other" }] }), "/lines"),
        ] {
            let problem = packer.ask(body.clone()).await.problem("invalid-request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        }
        audit(&app).await;
    }
}

api_test! {
    async fn shoppers_have_so_many_days(app: App) {
        let app = app.another(|config| config.returns.days = 0).await;
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 1)]).await;
        packer.on_order("ship", json!(null)).await.expect(200);
        assert_eq!(packer.ask(piece(1)).await.problem("order-state")["return_days"], 0);
        packer.on_order("returns", piece(1)).await.expect(201);
        app.stopper().stop().await;
    }
}

api_test! {
    async fn an_order_has_so_many_returns(app: App) {
        let app = app.another(|config| config.returns.max_per_order = 1).await;
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 2)]).await;
        packer.on_order("ship", json!(null)).await.expect(200);
        packer.ask(piece(1)).await.expect(201);
        packer.ask(piece(1)).await.problem("order-state");
        packer.on_order("returns", piece(1)).await.problem("order-state");
        assert_eq!(app.get(&packer.owners("")).await.expect(200).as_array().unwrap().len(), 1);
        app.stopper().stop().await;
    }
}

api_test! {
    async fn only_what_came_is_refunded_and_only_where_there_is_a_shelf(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 1)]).await;
        packer.on_order("ship", json!(null)).await.expect(200);
        let wanted = packer.on_order("returns", piece(1)).await.expect(201);
        let nowhere = "00000000-0000-7000-8000-0000000000ff";
        let lost = json!({ "lines": [{ "line": 0, "quantity": 1, "restock": true, "location_id": nowhere }] });
        let lost = packer.on_return(&wanted, "receive", lost).await.problem("invalid-request");
        assert_eq!(lost["errors"][0]["pointer"], "/location_id");
        assert_eq!(packer.look_at(&wanted).await["lines"][0]["received"], 0, "what is refused changes nothing");
        // An empty parcel, which the API takes for a mistake.
        let id = wanted["id"].as_str().unwrap().parse().unwrap();
        kassa::returns::receive(&app.shop, id, &[], "").await.unwrap();
        packer.on_return(&wanted, "refund", json!({ "delivery": 490 })).await.problem("return-state");
        assert_eq!(packer.look_at(&wanted).await["status"], "received");
        audit(&app).await;
        stock::audit(&app).await;
    }
}

api_test! {
    /// 32 clients ask, receive and refund at once: no piece and no cent goes back twice.
    async fn nothing_comes_back_twice(app: App) {
        let packer = Packer::of(&app, &[("POT-GLASS-1L", 4)]).await;
        packer.on_order("ship", json!(null)).await.expect(200);
        let asked = join_all((0..32).map(|_| packer.ask(piece(1)))).await;
        let wanted: Vec<_> = asked.into_iter().filter(|answer| answer.status == 201).map(|answer| answer.body).collect();
        assert_eq!(wanted.len(), 4);
        for wanted in &wanted {
            packer.on_return(wanted, "approve", json!(null)).await.expect(200);
        }
        let received = join_all((0..32).map(|client| packer.on_return(&wanted[client % 4], "receive", came(1, true)))).await;
        assert_eq!(received.iter().filter(|answer| answer.status == 200).count(), 4, "{received:?}");
        assert_eq!(numbers(&app, "POT-GLASS-1L").await, (12, 0, 0, 12));
        let refunded = join_all((0..32).map(|client| packer.on_return(&wanted[client % 4], "refund", json!({})))).await;
        assert_eq!(refunded.iter().filter(|answer| answer.status == 200).count(), 4, "{refunded:?}");
        audit(&app).await;
        stock::audit(&app).await;
    }
}
