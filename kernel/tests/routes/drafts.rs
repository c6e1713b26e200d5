//! Orders that staff makes.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::audit::audit;
use crate::support::shopper::address;
use crate::support::stock::variant;

/// Staff.
pub(super) struct Desk<'a> {
    app: &'a App,
    pub token: String,
}

impl<'a> Desk<'a> {
    pub async fn of(app: &'a App) -> Self {
        Self { app, token: app.merchant().await }
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.send(method, &format!("/v1/admin/drafts{path}"), Some(&self.token), body).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// A draft that lacks nothing: two pieces at a price of their own.
    async fn ready(&self) -> Value {
        let lines = json!([{ "sku": "TEA-SENCHA-100", "quantity": 2, "unit_price": 100, "price_reason": "scratched" }]);
        let draft = json!({ "email": "ada@example.org", "address": address(), "lines": lines, "note": "called us" });
        let draft = self.post("", draft).await.expect(201);
        assert_eq!((&draft["missing"], &draft["price"]), (&json!(["delivery_option"]), &Value::Null));
        let options = self.send(Method::GET, &format!("{}/delivery-options", path(&draft)), None).await.expect(200);
        let body = json!({ "delivery_option": options["options"][0]["id"] });
        self.send(Method::PATCH, &path(&draft), Some(body)).await.expect(200)
    }

    /// An order that its owner is to pay.
    pub async fn unpaid(&self) -> Value {
        let draft = self.ready().await;
        let body = json!({ "expected_total": total(&draft) });
        self.post(&format!("{}/complete", path(&draft)), body).await.expect(201)
    }

    /// An order that was paid at the counter.
    pub async fn paid_in_cash(&self) -> Value {
        let draft = self.ready().await;
        let body = json!({ "expected_total": total(&draft), "paid": { "method": "cash", "reference": "4711" } });
        self.post(&format!("{}/complete", path(&draft)), body).await.expect(201)
    }
}

fn path(draft: &Value) -> String {
    format!("/{}", draft["id"].as_str().unwrap())
}

fn total(draft: &Value) -> Value {
    draft["price"]["total"].clone()
}

api_test! {
    /// Staff chooses, and reads why there is not more to choose from.
    async fn a_draft_tells_why_it_cannot_be_delivered(app: App) {
        let desk = Desk::of(&app).await;
        let draft = desk.post("", json!({ "lines": [{ "sku": "POT-GLASS-1L", "quantity": 13 }] })).await.expect(201);
        let explain = async || {
            let answer = desk.send(Method::GET, &format!("{}/delivery-options", path(&draft)), None).await.expect(200);
            let codes = answer["refusals"].as_array().unwrap().iter().map(|refusal| refusal["code"].clone());
            (answer["options"].as_array().unwrap().len(), codes.collect::<Vec<_>>())
        };
        assert_eq!(explain().await, (0, vec![json!("address"), json!("stock")]));
        desk.send(Method::PATCH, &path(&draft), Some(json!({ "address": address() }))).await.expect(200);
        assert_eq!(explain().await, (3, vec![json!("stock")]));
        // 22.1 kg in all, of which the express delivery takes 20.
        let weight = format!("/v1/admin/variants/{}", variant(&app, "POT-GLASS-1L").await);
        app.send(Method::PATCH, &weight, Some(&desk.token), Some(json!({ "weight_grams": 1_700 }))).await.expect(200);
        assert_eq!(explain().await, (2, vec![json!("express"), json!("stock")]));
    }
}

api_test! {
    async fn a_draft_that_was_paid_by_hand_is_a_paid_order(app: App) {
        let desk = Desk::of(&app).await;
        let draft = desk.ready().await;
        assert_eq!((&draft["price"]["goods_total"], &draft["price"]["lines"][0]["unit_price"]), (&json!(200), &json!(100)));
        let stale = json!({ "expected_total": 1 });
        let problem = desk.post(&format!("{}/complete", path(&draft)), stale).await.problem("stale-quote");
        assert_eq!(total(&problem["draft"]), total(&draft));
        let body = json!({ "expected_total": total(&draft), "paid": { "method": "cash", "reference": "4711" } });
        let order = desk.post(&format!("{}/complete", path(&draft)), body.clone()).await.expect(201);
        assert_eq!((&order["status"], &order["payable"]), (&json!("paid"), &json!(0)));
        assert_eq!((&order["amounts"]["by_hand"], &order["amounts"]["corrected"]), (&total(&draft), &json!(0)));
        let closed = desk.post(&format!("{}/complete", path(&draft)), body).await.problem("cart-closed");
        assert_eq!(closed["order_id"], order["id"]);
        desk.send(Method::PATCH, &path(&draft), Some(json!({ "note": "x" }))).await.problem("cart-closed");
        desk.send(Method::DELETE, &path(&draft), None).await.problem("cart-closed");
        let stored = kassa::orders::get_by_number(&app.shop, order["number"].as_i64().unwrap()).await.unwrap();
        kassa::orders::receipts::verify(&app.shop, &stored).await.unwrap();
        app.shop.cache().clear();
        assert_eq!(app.get("/v1/products/sencha").await.expect(200)["variants"][0]["available"], 48);
        audit(&app).await;
    }
}

api_test! {
    /// The letter has the page where it is paid; the order's owner pays it there.
    async fn a_draft_that_is_sent_is_an_order_to_be_paid(app: App) {
        let app = app.another(|config| config.shop.storefront_url = "https://tea.example".into()).await;
        let desk = Desk::of(&app).await;
        let draft = desk.ready().await;
        let body = json!({ "expected_total": total(&draft) });
        let order = desk.post(&format!("{}/send", path(&draft)), body).await.expect(201);
        assert_eq!((&order["status"], &order["payable"]), (&json!("new"), &total(&draft)));
        let id = order["id"].as_str().unwrap();
        let told = || async { app.mails().into_iter().find(|mail| mail.contains("Please pay order")) };
        let mail = app.eventually("the letter", told).await;
        assert!(mail.replace("=\r\n", "").contains(&format!("https://tea.example/orders/{id}/pay")), "{mail}");
        let pay = async |token: &str| {
            let body = json!({ "payment_method": "payment-emulator:card", "payment_token": token, "expected_amount": total(&draft) });
            app.post(&format!("/v1/orders/{id}/payments"), body).await
        };
        pay("tok-decline-expired-card").await.problem("payment-declined");
        let waiting = app.get(&format!("/v1/orders/{id}")).await.expect(200);
        assert_eq!((&waiting["status"], &waiting["payable"]), (&json!("new"), &total(&draft)));
        let admin = |rest: &str| format!("/v1/admin/orders/{id}{rest}");
        let again = app.send(Method::POST, &admin("/payment-request"), Some(&desk.token), None).await;
        assert_eq!(again.status, 202);
        assert_eq!(pay("tok-approve").await.expect(201)["status"], "paid");
        app.send(Method::POST, &admin("/payment-request"), Some(&desk.token), None).await.problem("order-state");
        audit(&app).await;
        app.stopper().stop().await;
    }
}

api_test! {
    async fn an_unpaid_order_of_staff_is_called_off(app: App) {
        let desk = Desk::of(&app).await;
        let draft = desk.ready().await;
        let body = json!({ "expected_total": total(&draft) });
        let order = desk.post(&format!("{}/complete", path(&draft)), body).await.expect(201);
        let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
        let body = json!({ "payment_method": "payment-emulator:card", "payment_token": "tok-requires-action", "expected_amount": order["payable"] });
        app.post(&format!("{path}/payments"), body).await.expect(201);
        let cancelled = app.post(&format!("{path}/cancel"), json!({})).await.expect(200);
        assert_eq!((&cancelled["status"], &cancelled["payment"]["status"]), (&json!("cancelled"), &json!("cancelled")));
        app.shop.cache().clear();
        assert_eq!(app.get("/v1/products/sencha").await.expect(200)["variants"][0]["available"], 50);
        audit(&app).await;
    }
}

api_test! {
    async fn drafts_are_changed_listed_and_thrown_away(app: App) {
        let desk = Desk::of(&app).await;
        let first = desk.post("", json!({})).await.expect(201);
        assert_eq!(first["missing"], json!(["lines", "email", "address", "delivery_option"]));
        let incomplete = desk.post(&format!("{}/complete", path(&first)), json!({ "expected_total": 0 })).await;
        assert_eq!(incomplete.problem("cart-incomplete")["missing"], first["missing"]);
        let second = desk.post("", json!({ "email": "ada@example.org" })).await.expect(201);
        let list = desk.send(Method::GET, "?limit=1", None).await.expect(200);
        assert_eq!(list["items"][0]["id"], second["id"]);
        let cursor = list["next_cursor"].as_str().unwrap();
        let rest = desk.send(Method::GET, &format!("?cursor={cursor}"), None).await.expect(200);
        assert_eq!((&rest["items"][0]["id"], &rest["next_cursor"]), (&first["id"], &Value::Null));
        let cleared = desk.send(Method::PATCH, &path(&second), Some(json!({ "email": null }))).await.expect(200);
        assert_eq!(cleared["email"], Value::Null);
        let old = app.client.patch(format!("{}/v1/admin/drafts{}", app.url, path(&second))).bearer_auth(&desk.token);
        let old = old.header("if-match", "\"1\"").json(&json!({ "note": "late" }));
        Answer::of(old).await.problem("precondition-failed");
        let sencha = variant(&app, "TEA-SENCHA-100").await;
        for (body, pointer) in [
            (json!({ "email": "nobody" }), "/email"),
            (json!({ "locale": "?" }), "/locale"),
            (json!({ "delivery_option": "x" }), "/delivery_option"),
            (json!({ "customer_id": "00000000-0000-4000-8000-000000000000" }), "/customer_id"),
            (json!({ "lines": [{ "sku": "NOBODY", "quantity": 1 }] }), "/lines/0"),
            (json!({ "lines": [{ "sku": "TEA-SENCHA-100", "quantity": 0 }] }), "/lines/0/quantity"),
            (json!({ "lines": [{ "quantity": 1 }] }), "/lines/0"),
            (json!({ "lines": [{ "sku": "TEA-SENCHA-100", "variant_id": sencha, "quantity": 1 }] }), "/lines/0"),
            (json!({ "lines": [{ "sku": "TEA-SENCHA-100", "quantity": 1, "unit_price": 1 }] }), "/lines/0/price_reason"),
            (json!({ "lines": [{ "sku": "TEA-SENCHA-100", "quantity": 1, "unit_price": -1, "price_reason": "x" }] }), "/lines/0/unit_price"),
        ] {
            let problem = desk.post("", body.clone()).await.problem("invalid-request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        }
        let nobodys = Some(json!({ "customer_id": "00000000-0000-4000-8000-000000000000" }));
        desk.send(Method::PATCH, &path(&first), nobodys).await.problem("invalid-request");
        assert_eq!(desk.send(Method::DELETE, &path(&first), None).await.status, 204);
        desk.send(Method::GET, &path(&first), None).await.problem("not-found");
    }
}

api_test! {
    /// However many press the button, one order is made.
    async fn a_draft_becomes_an_order_once(app: App) {
        let desk = Desk::of(&app).await;
        let draft = desk.ready().await;
        let complete = format!("{}/complete", path(&draft));
        let answers = join_all((0..32).map(|_| desk.post(&complete, json!({ "expected_total": total(&draft) })))).await;
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        assert!(answers.iter().all(|answer| [201, 409, 503].contains(&answer.status)), "{answers:?}");
        assert_eq!(made, 1);
        audit(&app).await;
    }
}

api_test! {
    async fn what_went_off_sale_makes_no_order(app: App) {
        let desk = Desk::of(&app).await;
        let draft = desk.ready().await;
        let product = app.get("/v1/products/sencha").await.expect(200);
        let path_of = format!("/v1/admin/products/{}", product["id"].as_str().unwrap());
        app.send(Method::DELETE, &path_of, Some(&desk.token), None).await.expect(204);
        let body = json!({ "expected_total": total(&draft) });
        desk.post(&format!("{}/complete", path(&draft)), body).await.problem("invalid-request");
    }
}
