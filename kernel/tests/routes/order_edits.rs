//! Orders that are edited before they are shipped.

use futures_util::future::join_all;
use kassa::orders::editing::OwnerEdits;
use kassa::payments::CaptureMode;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::audit::audit;
use crate::support::shopper::{Shopper, address};

/// Staff with an order in front of them.
pub struct Desk<'a> {
    pub app: &'a App,
    pub token: String,
    pub order: Value,
}

impl<'a> Desk<'a> {
    pub async fn of(app: &'a App, quantity: u32, payment_token: &str) -> Self {
        let shopper = Shopper::ready(app, "TEA-SENCHA-100", quantity).await;
        let order = shopper.check_out(payment_token).await.expect(201);
        Self { app, token: app.merchant().await, order }
    }

    pub async fn post(&self, rest: &str, body: Value) -> Answer {
        let path = format!("/v1/admin/orders/{}{rest}", self.order["id"].as_str().unwrap());
        self.app.send(Method::POST, &path, Some(&self.token), Some(body)).await
    }

    pub async fn get(&self, rest: &str) -> Value {
        let path = format!("/v1/admin/orders/{}{rest}", self.order["id"].as_str().unwrap());
        self.app.send(Method::GET, &path, Some(&self.token), None).await.expect(200)
    }

    /// Edits at the total that the preview shows.
    pub async fn edit(&self, edit: Value) -> Answer {
        let shown = self.post("/edits/preview", edit.clone()).await.expect(200);
        self.edit_at(edit, shown["order"]["total"].clone()).await
    }

    pub async fn edit_at(&self, mut edit: Value, expected_total: Value) -> Answer {
        edit["expected_total"] = expected_total;
        edit["reason"] = json!("they called");
        self.post("/edits", edit).await
    }

    fn total(&self) -> i64 {
        self.order["total"].as_i64().unwrap()
    }
}

pub fn number(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

async fn available(app: &App) -> i64 {
    app.shop.cache().clear();
    number(&app.get("/v1/products/sencha").await.expect(200)["variants"][0]["available"])
}

async fn kinds(desk: &Desk<'_>) -> Vec<String> {
    let ledger = desk.get("/ledger").await;
    ledger.as_array().unwrap().iter().map(|posted| posted["kind"].as_str().unwrap().to_owned()).collect()
}

api_test! {
    async fn fewer_pieces_go_back_to_the_shelf_and_their_money_to_the_shopper(app: App) {
        let desk = Desk::of(&app, 3, "tok-approve").await;
        assert_eq!(available(&app).await, 47);
        let before = kassa::orders::get_by_number(&app.shop, number(&desk.order["number"])).await.unwrap();
        let edit = json!({ "lines": [{ "line": 0, "quantity": 1 }] });
        let shown = desk.post("/edits/preview", edit.clone()).await.expect(200);
        let less = -number(&shown["difference"]);
        assert!(less > 0, "{shown}");
        assert_eq!(number(&shown["order"]["total"]), desk.total() - less);
        assert_eq!(desk.get("").await["revision"], 1, "a preview changes nothing");
        let edited = desk.edit(edit).await.expect(200);
        assert_eq!((&edited["revision"], &edited["lines"][0]["quantity"]), (&json!(2), &json!(1)));
        assert_eq!(number(&edited["total"]), desk.total() - less);
        assert_eq!((number(&edited["amounts"]["refunded"]), number(&edited["amounts"]["outstanding"])), (less, 0));
        assert_eq!(edited["status"], "paid");
        assert_eq!(available(&app).await, 49);
        assert_eq!(kinds(&desk).await, ["placed", "captured", "edited", "refunded"]);
        let stored = kassa::orders::get_by_number(&app.shop, number(&edited["number"])).await.unwrap();
        kassa::orders::receipts::verify(&app.shop, &stored).await.unwrap();
        kassa::orders::receipts::verify(&app.shop, &before).await.expect("one that is edited meanwhile is read again");
        let revisions = desk.get("/revisions").await;
        assert_eq!((&revisions[0]["revision"], &revisions[0]["total"]), (&json!(1), &json!(desk.total())));
        assert_eq!((&revisions[0]["lines"][0]["quantity"], &revisions[0]["reason"]), (&json!(3), &json!("they called")));
        // What is left is called off like any order.
        desk.post("/cancel", json!({})).await.expect(200);
        assert_eq!(number(&desk.get("").await["amounts"]["refunded"]), desk.total());
        assert_eq!(available(&app).await, 50);
        audit(&app).await;
    }
}

api_test! {
    async fn what_an_order_costs_more_is_paid_by_its_owner(app: App) {
        let desk = Desk::of(&app, 1, "tok-approve").await;
        let edit = json!({ "lines": [{ "sku": "POT-GLASS-1L", "quantity": 1 }, { "sku": "TEA-SENCHA-100", "quantity": 1 }] });
        let edited = desk.edit(edit).await.expect(200);
        let more = number(&edited["total"]) - desk.total();
        assert_eq!((number(&edited["payable"]), &edited["status"]), (more, &json!("paid")));
        assert_eq!(edited["lines"].as_array().unwrap().len(), 2, "the same goods join the line that is there");
        assert_eq!(edited["lines"][0]["quantity"], 2);
        let id = desk.order["id"].as_str().unwrap();
        let body = json!({ "payment_method": "payment-emulator:card", "payment_token": "tok-approve", "expected_amount": more });
        let paid = app.post(&format!("/v1/orders/{id}/payments"), body).await.expect(201);
        assert_eq!((&paid["payable"], number(&paid["amounts"]["captured"])), (&json!(0), number(&edited["total"])));
        let told = || async { app.mails().into_iter().find(|mail| mail.contains("Order 1001 was changed")) };
        app.eventually("the mail of the edit", told).await;
        desk.post("/ship", json!({})).await.expect(200);
        desk.edit_at(json!({ "lines": [{ "line": 0, "quantity": 1 }] }), json!(1)).await.problem("order-state");
        audit(&app).await;
    }
}

api_test! {
    /// The invoice that was issued is taken back, and another takes its place.
    async fn an_edited_order_is_invoiced_anew(app: App) {
        let desk = Desk::of(&app, 2, "tok-approve").await;
        let first = desk.get("/invoice").await;
        desk.edit(json!({ "lines": [{ "line": 0, "quantity": 1 }] })).await.expect(200);
        let second = desk.get("/invoice").await;
        let (first, second) = (first.as_str().unwrap(), second.as_str().unwrap());
        assert!(first.contains("-000001</h1>") && second.contains("-000003</h1>"), "{second}");
        assert_eq!(desk.get("/invoice").await.as_str(), Some(second));
    }
}

api_test! {
    async fn an_address_is_changed_and_the_price_follows_it(app: App) {
        let desk = Desk::of(&app, 1, "tok-approve").await;
        let mut to = address();
        to["street"] = json!("Karl-Marx-Allee 3");
        let edited = desk.edit(json!({ "address": to, "email": "countess@example.org" })).await.expect(200);
        assert_eq!((&edited["address"]["street"], &edited["email"]), (&json!("Karl-Marx-Allee 3"), &json!("countess@example.org")));
        assert_eq!(number(&edited["total"]), desk.total());
        assert_eq!(available(&app).await, 49);
        let mut nowhere = address();
        nowhere["country"] = json!("Germany");
        let problem = desk.post("/edits/preview", json!({ "address": nowhere })).await.problem("invalid-request");
        assert_eq!(problem["errors"][0]["pointer"], "/address/country");
        audit(&app).await;
    }
}

api_test! {
    async fn an_edit_that_makes_no_sense_changes_nothing(app: App) {
        let desk = Desk::of(&app, 2, "tok-approve").await;
        for (edit, pointer) in [
            (json!({}), ""),
            (json!({ "lines": [{ "line": 0, "quantity": 0 }] }), "/lines"),
            (json!({ "lines": [{ "line": 7, "quantity": 1 }] }), "/lines"),
            (json!({ "lines": [{ "sku": "TEA-SENCHA-100", "quantity": 0 }] }), "/lines/0/quantity"),
            (json!({ "lines": [{ "quantity": 1 }] }), "/lines/0"),
            (json!({ "lines": [{ "line": 0, "sku": "TEA-SENCHA-100", "quantity": 1 }] }), "/lines/0"),
            (json!({ "lines": [{ "line": 0, "quantity": 1 }, { "line": 0, "quantity": 1 }] }), "/lines"),
            (json!({ "email": "nobody" }), "/email"),
            (json!({ "delivery_option": "x" }), "/delivery_option"),
        ] {
            let problem = desk.post("/edits/preview", edit.clone()).await.problem("invalid-request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{edit}");
        }
        let nobody = json!({ "lines": [{ "sku": "NOBODY", "quantity": 1 }] });
        desk.post("/edits/preview", nobody).await.problem("invalid-request");
        let less = json!({ "lines": [{ "line": 0, "quantity": 1 }] });
        let stale = desk.edit_at(less.clone(), json!(desk.total())).await.problem("stale-quote");
        assert!(number(&stale["order"]["total"]) < desk.total());
        desk.edit(json!({ "lines": [{ "line": 0, "quantity": 51 }] })).await.problem("insufficient-stock");
        let gone = json!({ "delivery_option": "delivery-rates:teleport" });
        desk.post("/edits/preview", gone).await.problem("delivery-option-unavailable");
        desk.post("/refunds", json!({ "lines": [{ "line": 0, "quantity": 1 }], "reason": "x" })).await.expect(201);
        desk.edit(less).await.problem("order-state");
        let order = desk.get("").await;
        assert_eq!((&order["revision"], number(&order["total"])), (&json!(1), desk.total()));
        audit(&app).await;
    }
}

api_test! {
    /// What was paid for the delivery goes back once: by a refund, or by a cheaper delivery.
    async fn a_delivery_that_was_refunded_is_not_made_cheaper(app: App) {
        let desk = Desk::of(&app, 1, "tok-approve").await;
        let cheaper = json!({ "delivery_option": "delivery-rates:pickup" });
        desk.post("/refunds", json!({ "delivery": 100, "reason": "late" })).await.expect(201);
        desk.edit(cheaper.clone()).await.problem("order-state");
        desk.post("/refunds", json!({ "delivery": 390, "reason": "late" })).await.expect(201);
        desk.edit(cheaper).await.problem("order-state");
        // All else can be edited.
        let edited = desk.edit(json!({ "lines": [{ "line": 0, "quantity": 2 }] })).await.expect(200);
        assert_eq!((&edited["revision"], number(&edited["amounts"]["refunded"])), (&json!(2), 490));
        audit(&app).await;
    }
}

api_test! {
    async fn an_edited_order_has_no_more_lines_than_a_cart(app: App) {
        let app = app.another(|config| config.carts.max_lines = 1).await;
        let desk = Desk::of(&app, 1, "tok-approve").await;
        let more = json!({ "lines": [{ "sku": "POT-GLASS-1L", "quantity": 1 }] });
        let refused = desk.post("/edits/preview", more).await.problem("invalid-request");
        assert_eq!(refused["errors"][0]["pointer"], "/lines");
        let other = json!({ "lines": [{ "line": 0, "quantity": 0 }, { "sku": "POT-GLASS-1L", "quantity": 1 }] });
        assert_eq!(desk.edit(other).await.expect(200)["lines"].as_array().unwrap().len(), 1);
        app.stopper().stop().await;
    }
}

api_test! {
    /// Before it is paid, an edit waits until it is known what the payment brings. Money that is only reserved covers what it can.
    async fn payments_that_are_under_way_hold_an_edit_up(app: App) {
        let desk = Desk::of(&app, 2, "tok-pending").await;
        desk.edit(json!({ "lines": [{ "line": 0, "quantity": 1 }] })).await.problem("payment-busy");
        let app = app.another(|config| config.payments.capture = CaptureMode::ByHand).await;
        let desk = Desk::of(&app, 3, "tok-authorize").await;
        desk.post("/captures", json!({ "amount": 100 })).await.expect(200);
        let edited = desk.edit(json!({ "lines": [{ "line": 0, "quantity": 2 }] })).await.expect(200);
        let total = number(&edited["total"]);
        let of = |name: &str| number(&edited["amounts"][name]);
        assert_eq!((of("authorized"), of("outstanding")), (desk.total() - 100, total - 100));
        // What was taken is not given back to be taken again.
        assert_eq!((&edited["payable"], desk.get("/refunds").await), (&json!(0), json!([])));
        // No more is taken than is owed, however much is reserved; the rest can only be let go.
        let beyond = desk.post("/captures", json!({ "amount": total - 99 })).await.problem("amount-exceeded");
        assert_eq!(number(&beyond["available"]), total - 100);
        let taken = desk.post("/captures", json!({})).await.expect(200);
        assert_eq!((number(&taken["amounts"]["captured"]), number(&taken["amounts"]["outstanding"])), (total, 0));
        assert_eq!(number(&taken["amounts"]["authorized"]), desk.total() - total);
        assert_eq!(desk.post("/captures", json!({})).await.problem("amount-exceeded")["available"], 0);
        let released = desk.post("/captures/release", json!({})).await.expect(200);
        assert_eq!((&released["payment"]["status"], &released["amounts"]["authorized"]), (&json!("captured"), &json!(0)));
        audit(&app).await;
        app.stopper().stop().await;
    }
}

api_test! {
    /// Thirty-two edits and a call-off at once: each edit was made of what it saw, and afterwards nothing is held, owed or kept.
    async fn edits_that_race_a_call_off_leave_nothing_behind(app: App) {
        let desk = Desk::of(&app, 4, "tok-approve").await;
        let shown = desk.post("/edits/preview", json!({ "lines": [{ "line": 0, "quantity": 3 }] })).await.expect(200);
        let total = shown["order"]["total"].clone();
        let edits = (0..32).map(|_| desk.edit_at(json!({ "lines": [{ "line": 0, "quantity": 3 }] }), total.clone()));
        let cancel = async {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            desk.post("/cancel", json!({})).await
        };
        let (answers, cancelled) = tokio::join!(join_all(edits), cancel);
        // Those that did not make it saw another version, another state, or found no place for a call.
        for answer in &answers {
            assert!([200, 409, 503].contains(&answer.status), "{answer:?}");
        }
        if cancelled.status != 200 {
            desk.post("/cancel", json!({})).await.expect(200);
        }
        let done = || async {
            let order = desk.get("").await;
            (number(&order["amounts"]["refunded"]) == desk.total() && order["amounts"]["outstanding"] == 0).then_some(order)
        };
        let order = app.eventually("all money back", done).await;
        // Each edit that was made was made of the version that it saw.
        let made = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(desk.get("/revisions").await.as_array().unwrap().len(), made);
        assert_eq!((&order["status"], available(&app).await), (&json!("cancelled"), 50));
        audit(&app).await;
    }
}

api_test! {
    async fn owners_edit_what_the_shop_lets_them(app: App) {
        let path = |order: &Value, rest: &str| format!("/v1/orders/{}{rest}", order["id"].as_str().unwrap());
        let desk = Desk::of(&app, 2, "tok-approve").await;
        let body = json!({ "address": address() });
        app.post(&path(&desk.order, "/edits/preview"), body.clone()).await.problem("order-state");
        let at_once = json!({ "address": address(), "expected_total": desk.order["total"] });
        app.post(&path(&desk.order, "/edits"), at_once).await.problem("order-state");
        let app = app.another(|config| config.orders.owner_edits = OwnerEdits::AddressAndLess).await;
        let order = Shopper::ready(&app, "TEA-SENCHA-100", 2).await.check_out("tok-approve").await.expect(201);
        let more = json!({ "lines": [{ "line": 0, "quantity": 3 }] });
        app.post(&path(&order, "/edits/preview"), more).await.problem("order-state");
        let mut less = json!({ "lines": [{ "line": 0, "quantity": 1 }], "address": address() });
        let shown = app.post(&path(&order, "/edits/preview"), less.clone()).await.expect(200);
        less["expected_total"] = shown["order"]["total"].clone();
        let edited = app.post(&path(&order, "/edits"), less).await.expect(200);
        assert_eq!(number(&edited["amounts"]["refunded"]), -number(&shown["difference"]));
        let eve = app.customer("eve@example.org").await;
        let own = Shopper::signed_in(&app, &eve).await;
        own.prepare("TEA-SENCHA-100", 1).await;
        let own = own.check_out("tok-approve").await.expect(201);
        app.post(&path(&own, "/edits/preview"), body).await.problem("not-found");
        audit(&app).await;
        app.stopper().stop().await;
    }
}
