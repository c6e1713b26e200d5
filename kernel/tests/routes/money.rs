//! The money of orders: the ledger, captures by hand, refunds, corrections.

use futures_util::future::join_all;
use kassa::ledger::{self, Account, Posting};
use kassa::payments::CaptureMode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::audit::audit;
use crate::support::shopper::Shopper;

/// Staff with an order in front of them.
pub(super) struct Desk<'a> {
    pub app: &'a App,
    pub token: String,
    pub order: Value,
}

impl<'a> Desk<'a> {
    pub async fn of(app: &'a App, sku: &str, quantity: u32, payment_token: &str) -> Self {
        let order = Shopper::ready(app, sku, quantity).await.check_out(payment_token).await.expect(201);
        Self { app, token: app.merchant().await, order }
    }

    /// Another order of the same goods.
    pub async fn again(&self, payment_token: &str) -> Value {
        let line = &self.order["lines"][0];
        let quantity = u32::try_from(line["quantity"].as_u64().unwrap()).unwrap();
        let shopper = Shopper::ready(self.app, line["sku"].as_str().unwrap(), quantity).await;
        shopper.check_out(payment_token).await.expect(201)
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/v1/admin/orders/{}{rest}", self.order["id"].as_str().unwrap())
    }

    pub async fn post(&self, rest: &str, body: Value) -> Answer {
        self.app.send(Method::POST, &self.path(rest), Some(&self.token), Some(body)).await
    }

    pub async fn get(&self, rest: &str) -> Value {
        self.app.send(Method::GET, &self.path(rest), Some(&self.token), None).await.expect(200)
    }

    pub fn total(&self) -> i64 {
        self.order["total"].as_i64().unwrap()
    }

    /// What the shopper gave in another way than by a payment plugin; below 0, what they were given.
    pub async fn by_hand(&self, amount: i64) -> Answer {
        self.post("/payments-by-hand", json!({ "amount": amount, "method": "cash", "reference": "4711" })).await
    }

    /// The order: total, authorized, captured, refunded, outstanding.
    pub async fn amounts(&self) -> [i64; 5] {
        let order = self.get("").await;
        ["total", "authorized", "captured", "refunded", "outstanding"]
            .map(|name| order["amounts"][name].as_i64().unwrap())
    }
}

async fn kinds(desk: &Desk<'_>) -> Vec<String> {
    let ledger = desk.get("/ledger").await;
    ledger.as_array().unwrap().iter().map(|posted| posted["kind"].as_str().unwrap().to_owned()).collect()
}

api_test! {
    async fn the_ledger_tells_what_an_order_owes_and_where_its_money_is(app: App) {
        let desk = Desk::of(&app, "POT-GLASS-1L", 2, "tok-authorize").await;
        assert_eq!(kinds(&desk).await, ["placed", "authorized", "captured"]);
        assert_eq!(desk.amounts().await, [desk.total(), 0, desk.total(), 0, 0]);
        let posted = desk.get("/ledger").await;
        let entries = posted[0]["entries"].as_array().unwrap();
        assert_eq!(entries[0], json!({ "account": "receivable", "amount": desk.total() }));
        assert_eq!(entries.iter().map(|entry| entry["amount"].as_i64().unwrap()).sum::<i64>(), 0);

        desk.post("/cancel", json!({})).await.expect(200);
        assert_eq!(kinds(&desk).await, ["placed", "authorized", "captured", "cancelled", "refunded"]);
        assert_eq!(desk.amounts().await, [0, 0, desk.total(), desk.total(), 0]);
        let refunds = desk.get("/refunds").await;
        assert_eq!((&refunds[0]["status"], &refunds[0]["amount"]), (&json!("refunded"), &json!(desk.total())));
        audit(&app).await;
    }
}

api_test! {
    /// A fault of the kernel's own code does not reach the books.
    async fn what_does_not_sum_to_zero_is_not_posted(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-approve").await;
        let before = desk.get("/ledger").await;
        let posting = Posting {
            order_id: desk.order["id"].as_str().unwrap().parse().unwrap(),
            payment_id: None,
            kind: ledger::Kind::Corrected,
            reference: "of a test",
            cause: "of a test",
            entries: &[(Account::Receivable, 100), (Account::Sales, -99)],
        };
        let mut tx = app.shop.db().write().await.unwrap();
        let refused = ledger::post(&mut tx, &posting).await;
        assert!(matches!(refused, Err(ledger::Error::Unbalanced(_, 1))), "{refused:?}");
        tx.commit().await.unwrap();
        assert_eq!(desk.get("/ledger").await, before);
    }
}

api_test! {
    async fn a_declined_payment_leaves_nothing_owed(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        shopper.check_out("tok-decline-expired-card").await.problem("payment-declined");
        let token = app.merchant().await;
        let orders = app.send(Method::GET, "/v1/admin/orders", Some(&token), None).await.expect(200);
        let desk = Desk { app: &app, token, order: orders["items"][0].clone() };
        assert_eq!(kinds(&desk).await, ["placed", "cancelled"]);
        assert_eq!(desk.amounts().await, [0, 0, 0, 0, 0]);
        audit(&app).await;
    }
}

api_test! {
    /// Piece by piece and the delivery at last: together exactly what was paid, and then nothing more.
    async fn all_pieces_one_by_one_come_to_what_was_paid(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 3, "tok-approve").await;
        let body = json!({ "lines": [{ "line": 0, "quantity": 1, "restock": true }], "reason": "broken" });
        // They never left the shelf.
        desk.post("/refunds", body.clone()).await.problem("order-state");
        desk.post("/ship", json!({})).await.expect(200);
        app.shop.cache().clear();
        assert_eq!(app.get("/v1/products/sencha").await.expect(200)["variants"][0]["available"], 47);
        let mut back = 0;
        for _ in 0..3 {
            let body = body.clone();
            back += desk.post("/refunds", body).await.expect(201)["amount"].as_i64().unwrap();
        }
        let gone = json!({ "lines": [{ "line": 0, "quantity": 1 }], "reason": "again" });
        assert_eq!(desk.post("/refunds", gone).await.problem("amount-exceeded")["available"], 0);
        assert_eq!(desk.get("").await["payment"]["status"], "partially_refunded");
        let delivery = desk.total() - back;
        let beyond = json!({ "delivery": delivery + 1, "reason": "late" });
        assert_eq!(desk.post("/refunds", beyond).await.problem("amount-exceeded")["available"], delivery);
        desk.post("/refunds", json!({ "delivery": delivery, "reason": "late" })).await.expect(201);
        let order = desk.get("").await;
        assert_eq!((&order["status"], &order["payment"]["status"]), (&json!("shipped"), &json!("refunded")));
        assert_eq!(desk.amounts().await, [desk.total(), 0, desk.total(), desk.total(), 0]);
        app.shop.cache().clear();
        assert_eq!(app.get("/v1/products/sencha").await.expect(200)["variants"][0]["available"], 50);
        audit(&app).await;
    }
}

api_test! {
    async fn a_refund_that_makes_no_sense_is_refused(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-approve").await;
        for (body, pointer) in [
            (json!({ "amount": 0, "reason": "x" }), "/amount"),
            (json!({ "amount": -1, "reason": "x" }), "/amount"),
            (json!({ "delivery": 0, "reason": "x" }), "/delivery"),
            (json!({ "amount": 1, "reason": " " }), "/reason"),
            (json!({ "amount": 1, "delivery": 1, "reason": "x" }), "/amount"),
            (json!({ "lines": [{ "line": 0, "quantity": 0 }], "reason": "x" }), "/lines/0/quantity"),
            (json!({ "lines": [{ "line": 0, "quantity": 1 }, { "line": 0, "quantity": 1 }], "reason": "x" }), "/lines"),
            (json!({ "lines": [{ "line": 7, "quantity": 1 }], "reason": "x" }), "/lines"),
        ] {
            let problem = desk.post("/refunds", body.clone()).await.problem("invalid-request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        }
        let beyond = desk.post("/refunds", json!({ "amount": desk.total() + 1, "reason": "x" })).await;
        assert_eq!(beyond.problem("amount-exceeded")["available"], desk.total());
        let delivery = desk.post("/refunds", json!({ "delivery": 491, "reason": "x" })).await;
        assert_eq!(delivery.problem("amount-exceeded")["available"], 490, "what it cost");
        assert_eq!(desk.get("/refunds").await, json!([]));
        let nobody = app.post("/v1/admin/orders/00000000-0000-4000-8000-000000000000/refunds", json!({ "reason": "x" }));
        nobody.await.problem("unauthenticated");
        let customer = app.customer("eve@example.org").await;
        for rest in ["/refunds", "/corrections", "/payments-by-hand", "/captures"] {
            let body = Some(json!({ "amount": 1, "reason": "x" }));
            app.send(Method::POST, &desk.path(rest), Some(&customer), body).await.problem("forbidden");
        }
        app.send(Method::GET, &desk.path("/ledger"), Some(&customer), None).await.problem("forbidden");
    }
}

api_test! {
    /// What a provider declines is still owed; it can be tried again, once.
    async fn a_declined_refund_is_seen_and_tried_again(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-refund-decline").await;
        let refund = desk.post("/refunds", json!({ "amount": 100, "reason": "late" })).await.expect(201);
        assert_eq!((&refund["status"], &refund["code"]), (&json!("declined"), &json!("refund-declined")));
        assert_eq!(desk.amounts().await, [desk.total(), 0, desk.total(), 0, -100]);
        let retry = format!("/refunds/{}/retry", refund["id"].as_str().unwrap());
        assert_eq!(desk.post(&retry, json!({})).await.expect(200)["status"], "refunded");
        desk.post(&retry, json!({})).await.problem("order-state");
        assert_eq!(desk.amounts().await, [desk.total(), 0, desk.total(), 100, 0]);
        let steps = desk.get("/payment-steps").await;
        let ended: Vec<_> = steps.as_array().unwrap().iter().map(|step| step["status"].as_str().unwrap()).collect();
        assert_eq!(ended, ["done", "failed", "done"]);
        audit(&app).await;
    }
}

api_test! {
    /// The provider takes its time: the refund is pending, and the worker asks again under the same key.
    async fn a_pending_refund_ends_by_itself_and_is_told(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-refund-pending").await;
        let refund = desk.post("/refunds", json!({ "amount": 100, "reason": "late" })).await.expect(201);
        assert_eq!(refund["status"], "pending");
        let ended = || async { (desk.get("/refunds").await[0]["status"] == "refunded").then_some(()) };
        app.eventually("the refund", ended).await;
        let told = || async { app.mails().into_iter().find(|mail| mail.contains("Refund for order")) };
        let told = app.eventually("the mail of the refund", told).await;
        assert!(told.contains("1.00"), "{told}");
        audit(&app).await;
    }
}

api_test! {
    /// However many ask at once, no more goes back than was captured.
    async fn refunds_that_race_never_pass_what_was_captured(app: App) {
        let desk = Desk::of(&app, "POT-GLASS-1L", 2, "tok-approve").await;
        let part = desk.total() / 10 + 1;
        let asked = (0..32).map(|_| desk.post("/refunds", json!({ "amount": part, "reason": "race" })));
        let answers = join_all(asked).await;
        let given = answers.iter().filter(|answer| answer.status == 201).count() as i64;
        assert_eq!(given, desk.total() / part, "{answers:?}");
        for answer in answers.into_iter().filter(|answer| answer.status != 201) {
            answer.problem("amount-exceeded");
        }
        // Those that found no place for a call of the plugin are the worker's.
        let done = || async { (desk.amounts().await == [desk.total(), 0, desk.total(), given * part, 0]).then_some(()) };
        app.eventually("all refunds", done).await;
        audit(&app).await;
    }
}

api_test! {
    async fn staff_puts_right_what_no_provider_saw(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-approve").await;
        let order = desk.post("/corrections", json!({ "amount": -250, "reason": "a scratch" })).await.expect(201);
        assert_eq!((&order["amounts"]["corrected"], &order["amounts"]["outstanding"]), (&json!(-250), &json!(-250)));
        for body in [json!({ "amount": 0, "reason": "x" }), json!({ "amount": 1, "reason": "" })] {
            desk.post("/corrections", body).await.problem("invalid-request");
        }
        // Nor beyond what an amount can say.
        let most = 9_007_199_254_740_991_i64;
        let beyond = desk.post("/corrections", json!({ "amount": -most, "reason": "x" })).await.problem("invalid-request");
        assert_eq!(beyond["errors"][0]["pointer"], "/amount");
        // It is owed already: giving it back credits it no second time.
        desk.post("/refunds", json!({ "amount": 250, "reason": "a scratch" })).await.expect(201);
        assert_eq!(desk.amounts().await, [desk.total(), 0, desk.total(), 250, 0]);
        audit(&app).await;
    }
}

api_test! {
    /// It is for free.
    async fn an_order_that_owes_nothing_is_paid(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-pending").await;
        let part = desk.post("/corrections", json!({ "amount": -1, "reason": "a gift" })).await.expect(201);
        assert_eq!(part["status"], "new");
        let rest = json!({ "amount": 1 - desk.total(), "reason": "a gift" });
        assert_eq!(desk.post("/corrections", rest).await.expect(201)["status"], "paid");
        audit(&app).await;
    }
}

api_test! {
    /// The lists of an order's money have an end. Calling it off is always possible.
    async fn staff_cannot_move_money_for_ever(app: App) {
        let app = app.another(|config| config.payments.max_movements = 4).await;
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-approve").await;
        desk.post("/corrections", json!({ "amount": 1, "reason": "x" })).await.expect(201);
        for (rest, body) in [
            ("/corrections", json!({ "amount": 1, "reason": "x" })),
            ("/payments-by-hand", json!({ "amount": 1, "method": "cash" })),
            ("/refunds", json!({ "amount": 1, "reason": "x" })),
            ("/captures", json!({})),
            ("/captures/release", json!({})),
        ] {
            desk.post(rest, body).await.problem("order-state");
        }
        desk.post("/cancel", json!({})).await.expect(200);
        assert_eq!(desk.amounts().await, [0, 0, desk.total(), desk.total(), 0]);
        audit(&app).await;
        app.stopper().stop().await;
    }
}

api_test! {
    /// Half of it is taken, the rest refused: nobody gets half an order, and nobody keeps the half.
    async fn money_that_comes_only_in_part_goes_back(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        shopper.check_out("tok-capture-half").await.problem("payment-declined");
        let token = app.merchant().await;
        let orders = app.send(Method::GET, "/v1/admin/orders", Some(&token), None).await.expect(200);
        let desk = Desk { app: &app, token, order: orders["items"][0].clone() };
        assert_eq!(desk.order["status"], "cancelled");
        let half = desk.total() / 2;
        assert_eq!(desk.amounts().await, [0, 0, half, half, 0]);
        assert_eq!(desk.get("").await["payment"]["status"], "refunded");
        // The reservation of the other half is let go of by the worker.
        let steps = || async {
            let steps = desk.get("/payment-steps").await;
            let steps = steps.as_array().unwrap().iter();
            let steps: Vec<_> = steps.map(|step| format!("{} {}", step["kind"], step["status"]).replace('"', "")).collect();
            let mut ended = steps.clone();
            ended.sort_unstable();
            (ended == ["authorize done", "cancel done", "capture done", "capture failed", "refund done"]).then_some(())
        };
        app.eventually("the reservation's end", steps).await;
        // The cart is open again, with its goods.
        shopper.check_out("tok-approve").await.expect(201);
        audit(&app).await;
    }
}

async fn by_hand(app: &App) -> App {
    app.another(|config| config.payments.capture = CaptureMode::ByHand).await
}

api_test! {
    /// Reserved money makes the order paid; it is taken in parts, and the rest let go.
    async fn reserved_money_is_taken_in_parts_and_the_rest_let_go(app: App) {
        let app = by_hand(&app).await;
        let desk = Desk::of(&app, "POT-GLASS-1L", 1, "tok-authorize").await;
        assert_eq!((&desk.order["status"], &desk.order["payment"]["status"]), (&json!("paid"), &json!("authorized")));
        let total = desk.total();
        assert_eq!(desk.amounts().await, [total, total, 0, 0, total]);
        for amount in [100, 250] {
            desk.post("/captures", json!({ "amount": amount })).await.expect(200);
        }
        assert_eq!(desk.get("").await["payment"]["status"], "partially_captured");
        assert_eq!(desk.amounts().await, [total, total - 350, 350, 0, total - 350]);
        let beyond = desk.post("/captures", json!({ "amount": total - 349 })).await.problem("amount-exceeded");
        assert_eq!(beyond["available"], total - 350);
        desk.post("/captures", json!({ "amount": 0 })).await.problem("invalid-request");
        let released = desk.post("/captures/release", json!({})).await.expect(200);
        assert_eq!(released["payment"]["status"], "captured");
        assert_eq!(desk.amounts().await, [total, 0, 350, 0, total - 350]);
        desk.post("/captures", json!({})).await.problem("amount-exceeded");
        desk.post("/captures/release", json!({})).await.problem("amount-exceeded");
        audit(&app).await;
        app.stopper().stop().await;
    }
}

api_test! {
    async fn a_part_that_a_provider_does_not_take_leaves_the_money_reserved(app: App) {
        let app = by_hand(&app).await;
        let desk = Desk::of(&app, "POT-GLASS-1L", 1, "tok-capture-whole").await;
        let refused = desk.post("/captures", json!({ "amount": 100 })).await.problem("capture-declined");
        assert_eq!(refused["code"], "partial-capture");
        desk.post("/captures", json!({})).await.expect(200);
        assert_eq!(desk.amounts().await, [desk.total(), 0, desk.total(), 0, 0]);
        audit(&app).await;
        app.stopper().stop().await;
    }
}

api_test! {
    /// What was taken goes back, what was only reserved is let go.
    async fn a_partly_captured_order_is_called_off(app: App) {
        let app = by_hand(&app).await;
        let desk = Desk::of(&app, "POT-GLASS-1L", 1, "tok-authorize").await;
        desk.post("/captures", json!({ "amount": 100 })).await.expect(200);
        desk.post("/cancel", json!({})).await.expect(200);
        assert_eq!(desk.amounts().await, [0, 0, 100, 100, 0]);
        audit(&app).await;
        app.stopper().stop().await;
    }
}

api_test! {
    async fn a_shopper_is_not_told_who_of_the_shop_did_it(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let placed = shopper.check_out("tok-pending").await.expect(201);
        let desk = Desk { app: &app, token: app.merchant().await, order: placed };
        let boss = app.send(Method::GET, "/v1/me", Some(&desk.token), None).await.expect(200);
        let correction = json!({ "amount": -desk.total(), "reason": "a gift" });
        desk.post("/corrections", correction).await.expect(201);
        let shown = app.get(&format!("/v1/orders/{}", desk.order["id"].as_str().unwrap())).await.expect(200);
        assert_eq!((&shown["status"], &shown["history"][1]["cause"]), (&json!("paid"), &json!("corrected")));
        assert!(!shown.to_string().contains(boss["id"].as_str().unwrap()), "{shown}");
    }
}
