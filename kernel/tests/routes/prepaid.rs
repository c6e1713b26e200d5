//! Gift cards and store credit: what they pay, and how it comes back.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::audit::audit;
use crate::support::shopper::Shopper;

/// 12.50 of goods and 4.90 of delivery.
const TOTAL: i64 = 1740;

/// Staff that makes gift cards and gives credit.
pub(super) struct Till<'a> {
    app: &'a App,
    pub token: String,
}

/// A gift card with its code.
pub(super) struct Card {
    pub id: String,
    pub code: String,
}

impl<'a> Till<'a> {
    pub async fn of(app: &'a App) -> Self {
        Self { app, token: app.merchant().await }
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.send(method, &format!("/v1/admin/{path}"), Some(&self.token), body).await
    }

    pub async fn card(&self, amount: i64) -> Card {
        let body = json!({ "amount": amount, "currency": "EUR", "note": "of a test" });
        let card = self.send(Method::POST, "gift-cards", Some(body)).await.expect(201);
        let text = |name: &str| card[name].as_str().unwrap().to_owned();
        Card { id: text("id"), code: text("code") }
    }

    pub async fn balance(&self, card: &Card) -> i64 {
        let path = format!("gift-cards/{}", card.id);
        self.send(Method::GET, &path, None).await.expect(200)["balance"].as_i64().unwrap()
    }

    async fn patch(&self, card: &Card, body: Value) {
        self.send(Method::PATCH, &format!("gift-cards/{}", card.id), Some(body)).await.expect(200);
    }

    /// The order as staff sees it: gift cards, store credit, captured, refunded, outstanding.
    async fn amounts(&self, order: &Value) -> [i64; 5] {
        let path = format!("orders/{}", order["id"].as_str().unwrap());
        let order = self.send(Method::GET, &path, None).await.expect(200);
        ["gift_cards", "store_credit", "captured", "refunded", "outstanding"]
            .map(|name| order["amounts"][name].as_i64().unwrap())
    }

    async fn refund(&self, order: &Value, body: Value) -> Answer {
        let path = format!("orders/{}/refunds", order["id"].as_str().unwrap());
        self.send(Method::POST, &path, Some(body)).await
    }

    async fn cancel(&self, order: &Value) -> Answer {
        let path = format!("orders/{}/cancel", order["id"].as_str().unwrap());
        self.send(Method::POST, &path, Some(json!({}))).await
    }

    /// Store credit for the customer with this token.
    async fn credit(&self, customer: &str, amount: i64) -> Answer {
        let me = self.app.send(Method::GET, "/v1/me", Some(customer), None).await.expect(200);
        let path = format!("customers/{}/credit", me["id"].as_str().unwrap());
        self.send(Method::POST, &path, Some(json!({ "amount": amount, "reason": "late" }))).await
    }
}

/// A guest's cart with these cards, and the cart as it is shown.
pub(super) async fn with_cards<'a>(app: &'a App, cards: &[&Card]) -> (Shopper<'a>, Value) {
    let shopper = Shopper::ready(app, "TEA-SENCHA-100", 1).await;
    let codes: Vec<_> = cards.iter().map(|card| card.code.as_str()).collect();
    let cart = shopper.put("gift-cards", json!({ "codes": codes })).await.expect(200);
    (shopper, cart)
}

/// Checks out at what `cart` showed.
pub(super) async fn check_out(shopper: &Shopper<'_>, cart: &Value, payment_token: &str) -> Answer {
    let mut body = json!({ "expected_total": cart["total"], "expected_due": cart["due"] });
    if cart["due"] != 0 {
        body["payment_method"] = json!("payment-emulator:card");
        body["payment_token"] = json!(payment_token);
    }
    shopper.send(Method::POST, "/checkout", Some(body)).await
}

async fn my_credit(app: &App, customer: &str) -> i64 {
    let credit = app.send(Method::GET, "/v1/me/credit", Some(customer), None).await.expect(200);
    credit["balance"].as_i64().unwrap()
}

api_test! {
    async fn a_gift_card_pays_its_part_and_the_payment_the_rest(app: App) {
        let till = Till::of(&app).await;
        let card = till.card(1000).await;
        let (shopper, cart) = with_cards(&app, &[&card]).await;
        assert_eq!((&cart["total"], &cart["due"]), (&json!(TOTAL), &json!(TOTAL - 1000)));
        let last_four = &card.code[card.code.len() - 4..];
        let shown = json!([{ "last_four": last_four, "balance": 1000, "usable": true, "pays": 1000 }]);
        assert_eq!((&cart["gift_cards"], till.balance(&card).await), (&shown, 1000));
        // Nothing is taken but as it was shown: left out, the due is the total.
        let stale = shopper.check_out("tok-approve").await.problem("stale-quote");
        assert_eq!((&stale["cart"]["due"], till.balance(&card).await), (&json!(TOTAL - 1000), 1000));

        let order = check_out(&shopper, &cart, "tok-approve").await.expect(201);
        assert_eq!((&order["status"], &order["total"]), (&json!("paid"), &json!(TOTAL)));
        assert_eq!(order["payment"]["amount"], TOTAL - 1000);
        assert_eq!(till.amounts(&order).await, [1000, 0, TOTAL - 1000, 0, 0]);
        assert_eq!(till.balance(&card).await, 0);
        audit(&app).await;

        till.cancel(&order).await.expect(200);
        assert_eq!(till.amounts(&order).await, [0, 0, TOTAL - 1000, TOTAL - 1000, 0]);
        assert_eq!(till.balance(&card).await, 1000);
        audit(&app).await;
    }
}

api_test! {
    async fn what_is_all_prepaid_needs_no_payment(app: App) {
        let till = Till::of(&app).await;
        let (small, large) = (till.card(240).await, till.card(5000).await);
        let (shopper, cart) = with_cards(&app, &[&small, &large, &small]).await;
        let pays: Vec<_> = cart["gift_cards"].as_array().unwrap().iter().map(|card| card["pays"].as_i64().unwrap()).collect();
        assert_eq!((pays, &cart["due"]), (vec![240, 1500], &json!(0)));
        let order = check_out(&shopper, &cart, "").await.expect(201);
        assert_eq!((&order["status"], &order["payment"]), (&json!("paid"), &json!(null)));
        assert_eq!((till.balance(&small).await, till.balance(&large).await), (0, 3500));
        till.cancel(&order).await.expect(200);
        assert_eq!((till.balance(&small).await, till.balance(&large).await), (240, 5000));
        assert_eq!(till.amounts(&order).await, [0; 5]);
        audit(&app).await;
    }
}

api_test! {
    async fn a_declined_payment_gives_the_gift_card_back(app: App) {
        let till = Till::of(&app).await;
        let card = till.card(1000).await;
        let (shopper, cart) = with_cards(&app, &[&card]).await;
        check_out(&shopper, &cart, "tok-decline-expired-card").await.problem("payment-declined");
        assert_eq!(till.balance(&card).await, 1000);
        // Nothing was ever taken for the order: what the card paid comes back with the order's end, and is no refund.
        let given_up = till.send(Method::GET, "orders", None).await.expect(200)["items"][0].clone();
        let refunds = format!("orders/{}/refunds", given_up["id"].as_str().unwrap());
        assert_eq!(till.send(Method::GET, &refunds, None).await.expect(200), json!([]));
        assert_eq!((&given_up["status"], till.amounts(&given_up).await), (&json!("cancelled"), [0; 5]));
        audit(&app).await;
        // The cart is open again, with its card.
        let order = check_out(&shopper, &cart, "tok-approve").await.expect(201);
        assert_eq!((till.amounts(&order).await, till.balance(&card).await), ([1000, 0, TOTAL - 1000, 0, 0], 0));
        let entries = till.send(Method::GET, &format!("gift-cards/{}/entries", card.id), None).await.expect(200);
        let told = entries["items"].as_array().unwrap().iter();
        let told: Vec<_> = told.map(|entry| (entry["cause"].as_str().unwrap(), entry["amount"].as_i64().unwrap())).collect();
        assert_eq!(told, [("redeemed", -1000), ("returned", 1000), ("redeemed", -1000), ("issued", 1000)]);
        audit(&app).await;
    }
}

api_test! {
    async fn store_credit_pays_for_its_customer_alone(app: App) {
        let till = Till::of(&app).await;
        let (ada, eve) = (app.customer("ada@example.org").await, app.customer("eve@example.org").await);
        assert_eq!(till.credit(&ada, 500).await.expect(201), json!({ "currency": "EUR", "balance": 500 }));
        assert_eq!(till.credit(&ada, -501).await.problem("amount-exceeded")["available"], 500);
        till.credit(&ada, 0).await.problem("invalid-request");
        let shopper = Shopper::signed_in(&app, &ada).await;
        shopper.prepare("TEA-SENCHA-100", 1).await;
        assert_eq!(shopper.show().await["store_credit"], json!(null));
        let cart = shopper.put("store-credit", json!({ "use": true })).await.expect(200);
        assert_eq!((&cart["store_credit"], &cart["due"]), (&json!({ "balance": 500, "pays": 500 }), &json!(TOTAL - 500)));
        let path = format!("/v1/carts/{}/store-credit", shopper.cart);
        app.send(Method::PUT, &path, Some(&eve), Some(json!({ "use": true }))).await.problem("not-found");
        // A guest's cart is nobody's.
        let guest = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        guest.put("store-credit", json!({ "use": true })).await.problem("unauthenticated");
        let path = format!("/v1/carts/{}/store-credit", guest.cart);
        app.send(Method::PUT, &path, Some(&ada), Some(json!({ "use": true }))).await.problem("not-found");

        let order = check_out(&shopper, &cart, "tok-approve").await.expect(201);
        assert_eq!(till.amounts(&order).await, [0, 500, TOTAL - 500, 0, 0]);
        assert_eq!((my_credit(&app, &ada).await, my_credit(&app, &eve).await), (0, 0));
        let mine = app.send(Method::GET, "/v1/me/credit?limit=1", Some(&ada), None).await.expect(200);
        assert_eq!((&mine["items"][0]["amount"], &mine["items"][0]["order_number"]), (&json!(-500), &order["number"]));
        assert!(mine["next_cursor"].is_string() && mine["items"][0]["reason"].is_null(), "{mine}");
        till.cancel(&order).await.expect(200);
        assert_eq!(my_credit(&app, &ada).await, 500);
        audit(&app).await;
    }
}

api_test! {
    /// The payment gives first, then the card; and together never more than was paid.
    async fn a_refund_goes_back_where_it_came_from(app: App) {
        let till = Till::of(&app).await;
        let card = till.card(1000).await;
        let (shopper, cart) = with_cards(&app, &[&card]).await;
        let order = check_out(&shopper, &cart, "tok-approve").await.expect(201);
        let refund = till.refund(&order, json!({ "amount": 700, "reason": "x" })).await.expect(201);
        assert_eq!((&refund["prepaid"], &refund["status"], &refund["to"]), (&json!(0), &json!("refunded"), &json!("original")));
        let refund = till.refund(&order, json!({ "amount": 100, "reason": "x" })).await.expect(201);
        assert_eq!((&refund["prepaid"], &refund["status"]), (&json!(60), &json!("refunded")));
        assert_eq!(till.amounts(&order).await, [940, 0, 740, 740, 0]);
        let beyond = till.refund(&order, json!({ "amount": 941, "reason": "x" })).await.problem("amount-exceeded");
        assert_eq!((&beyond["available"], till.balance(&card).await), (&json!(940), 60));
        let guests = json!({ "amount": 1, "to": "store_credit", "reason": "x" });
        assert_eq!(till.refund(&order, guests).await.problem("invalid-request")["errors"][0]["pointer"], "/to");
        let rest = till.refund(&order, json!({ "reason": "x" })).await.expect(201);
        assert_eq!((&rest["amount"], &rest["prepaid"], &rest["status"]), (&json!(940), &json!(940), &json!("refunded")));
        assert_eq!((till.amounts(&order).await, till.balance(&card).await), ([0, 0, 740, 740, 0], 1000));
        till.refund(&order, json!({ "amount": 1, "reason": "x" })).await.problem("amount-exceeded");
        // Nothing is left to come back.
        till.cancel(&order).await.expect(200);
        assert_eq!((till.amounts(&order).await, till.balance(&card).await), ([0, 0, 740, 740, 0], 1000));
        audit(&app).await;
    }
}

api_test! {
    /// What went to store credit is gone from what the payment and the card can get.
    async fn a_refund_may_go_to_store_credit(app: App) {
        let till = Till::of(&app).await;
        let card = till.card(1000).await;
        let ada = app.customer("ada@example.org").await;
        till.credit(&ada, 100).await.expect(201);
        let shopper = Shopper::signed_in(&app, &ada).await;
        shopper.prepare("TEA-SENCHA-100", 1).await;
        shopper.put("gift-cards", json!({ "codes": [card.code] })).await.expect(200);
        let cart = shopper.put("store-credit", json!({ "use": true })).await.expect(200);
        let order = check_out(&shopper, &cart, "tok-approve").await.expect(201);
        assert_eq!(till.amounts(&order).await, [1000, 100, 640, 0, 0]);
        let body = json!({ "amount": 900, "to": "store_credit", "reason": "x" });
        let refund = till.refund(&order, body.clone()).await.expect(201);
        assert_eq!((&refund["prepaid"], &refund["to"], &refund["status"]), (&json!(900), &json!("store_credit"), &json!("refunded")));
        assert_eq!((till.amounts(&order).await, my_credit(&app, &ada).await), ([1000, -800, 640, 0, 0], 900));
        assert_eq!(till.refund(&order, body).await.problem("amount-exceeded")["available"], 840);
        audit(&app).await;
        // 8.40 are left: the payment gets its 6.40, the card the rest.
        till.cancel(&order).await.expect(200);
        assert_eq!((till.balance(&card).await, my_credit(&app, &ada).await), (200, 900));
        assert_eq!(till.amounts(&order).await, [800, -800, 640, 640, 0]);
        audit(&app).await;
    }
}

api_test! {
    async fn a_card_that_may_not_pay_pays_nothing(app: App) {
        let till = Till::of(&app).await;
        let card = till.card(1000).await;
        let (shopper, shown) = with_cards(&app, &[&card]).await;
        for (change, usable) in [
            (json!({ "active": false }), false),
            (json!({ "active": true }), true),
            (json!({ "expires_at": "2001-01-01T00:00:00Z" }), false),
        ] {
            till.patch(&card, change).await;
            let cart = shopper.show().await;
            let due = if usable { TOTAL - 1000 } else { TOTAL };
            assert_eq!((&cart["gift_cards"][0]["usable"], &cart["due"]), (&json!(usable), &json!(due)));
            let looked = app.post("/v1/gift-cards/balance", json!({ "code": card.code })).await.expect(200);
            assert_eq!((&looked["usable"], &looked["balance"]), (&json!(usable), &json!(1000)));
        }
        check_out(&shopper, &shown, "tok-approve").await.problem("stale-quote");
        let codes = json!({ "codes": [card.code] });
        assert_eq!(shopper.put("gift-cards", codes).await.problem("invalid-request")["errors"][0]["pointer"], "/codes/0");
        let wrong = json!({ "codes": ["0000-0000-0000-0000-0000"] });
        shopper.put("gift-cards", wrong).await.problem("invalid-request");
        shopper.put("gift-cards", json!({ "codes": vec!["x"; 6] })).await.problem("invalid-request");
        assert_eq!(shopper.show().await["gift_cards"][0]["pays"], 0);
        assert_eq!(shopper.put("gift-cards", json!({ "codes": [] })).await.expect(200)["gift_cards"], json!([]));
        app.post("/v1/gift-cards/balance", json!({ "code": "0000-0000-0000-0000-0000" })).await.problem("not-found");
        assert_eq!(till.balance(&card).await, 1000);
    }
}

api_test! {
    /// The code is told once: no list, no log and no saved answer has it.
    async fn a_code_is_told_once(app: App) {
        let till = Till::of(&app).await;
        let code = "SHOP-0001-ABCD-EFGH-7K2Q";
        let body = json!({ "amount": 5000, "currency": "EUR", "code": code.to_lowercase() });
        let url = format!("{}/v1/admin/gift-cards", app.url);
        let create = |key: &'static str| {
            Answer::of(app.client.post(&url).bearer_auth(&till.token).header("idempotency-key", key).json(&body))
        };
        let card = create("0123456789abcdef").await.expect(201);
        assert_eq!((&card["code"], &card["last_four"]), (&json!("SH0P-0001-ABCD-EFGH-7K2Q"), &json!("7K2Q")));
        create("0123456789abcdef").await.problem("gift-card-code-taken");
        let log = till.send(Method::GET, "audit", None).await.expect(200).to_string();
        assert!(log.contains("gift_card") && !log.to_lowercase().contains("abcd-efgh"), "{log}");
        let found = till.send(Method::GET, "gift-cards?last_four=7k2q", None).await.expect(200);
        assert_eq!((&found["items"][0]["id"], &found["items"][0]["code"]), (&card["id"], &json!(null)));
        assert_eq!(till.send(Method::GET, "gift-cards?last_four=0000", None).await.expect(200)["items"], json!([]));
        let short = till.send(Method::GET, "gift-cards?last_four=7K2", None).await.problem("invalid-request");
        assert_eq!(short["errors"][0]["pointer"], "last_four");
        let stale = app.client.patch(format!("{url}/{}", card["id"].as_str().unwrap())).bearer_auth(&till.token);
        let stale = stale.header("if-match", "\"9\"").json(&json!({ "active": false }));
        Answer::of(stale).await.problem("precondition-failed");
        let nobody = "gift-cards/00000000-0000-7000-8000-0000000000ff";
        till.send(Method::PATCH, nobody, Some(json!({ "active": false }))).await.problem("not-found");
        let gift = Some(json!({ "amount": 1, "reason": "x" }));
        till.send(Method::POST, &format!("{nobody}/adjustments"), gift).await.problem("not-found");
        let path = format!("gift-cards/{}", card["id"].as_str().unwrap());
        let shown = till.send(Method::GET, &path, None).await.expect(200);
        assert_eq!((&shown["active"], &shown["version"]), (&json!(true), &json!(1)));

        for (body, pointer) in [
            (json!({ "amount": 0, "currency": "EUR" }), "/amount"),
            (json!({ "amount": 1, "currency": "USD" }), "/currency"),
            (json!({ "amount": 1, "currency": "EUR", "expires_at": "2001-01-01T00:00:00Z" }), "/expires_at"),
            (json!({ "amount": 1, "currency": "EUR", "code": "SHORT" }), "/code"),
        ] {
            let problem = till.send(Method::POST, "gift-cards", Some(body.clone())).await.problem("invalid-request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        }
        let path = format!("gift-cards/{}/adjustments", card["id"].as_str().unwrap());
        let adjust = |amount: i64| till.send(Method::POST, &path, Some(json!({ "amount": amount, "reason": "x" })));
        assert_eq!(adjust(-5001).await.problem("amount-exceeded")["available"], 5000);
        assert_eq!(adjust(-4000).await.expect(201)["balance"], 1000);
        assert_eq!(adjust(9_007_199_254_740_991).await.problem("invalid-request")["errors"][0]["pointer"], "/amount");
        audit(&app).await;
    }
}

api_test! {
    async fn whoever_tries_codes_is_slowed_down(app: App) {
        let app = app.another(|config| config.throttle.gift_cards = kassa::throttle::Rate { burst: 3, per_hour: 1 }).await;
        let shopper = Shopper::guest(&app).await;
        for _ in 0..2 {
            shopper.put("gift-cards", json!({ "codes": ["0000-0000-0000-0000"] })).await.problem("invalid-request");
        }
        let body = json!({ "code": "0000-0000-0000-0000" });
        app.post("/v1/gift-cards/balance", body.clone()).await.problem("not-found");
        app.post("/v1/gift-cards/balance", body).await.problem("too-many-requests");
        shopper.put("gift-cards", json!({ "codes": [] })).await.problem("too-many-requests");
        app.stopper().stop().await;
    }
}
