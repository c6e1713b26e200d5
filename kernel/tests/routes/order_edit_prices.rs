//! What an order that is edited is priced by: its coupons, and the place that it has among its customer's orders.

use futures_util::future::join_all;
use kassa::db::sql;
use serde_json::{Value, json};
use uuid::Uuid;

use super::order_edits::{Desk, number};
use crate::support::App;
use crate::support::audit::audit;
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;

/// WELCOME10, which takes 10 % off goods of 20.00 and more, as a coupon for one order; its path.
async fn coupon(merchant: &Merchant<'_>) -> String {
    let bound = merchant.get("/v1/admin/bindings/pricing").await.expect(200);
    let mut settings = bound["plugins"][0]["settings"].clone();
    settings["coupons"][0]["minimum"] = json!(2000);
    let plugins = json!({ "plugins": [{ "name": bound["plugins"][0]["name"], "settings": settings }] });
    merchant.put("/v1/admin/bindings/pricing", plugins).await.expect(200);
    let made = merchant.post("/v1/admin/coupons", json!({ "code": "WELCOME10", "limit_total": 1 })).await.expect(201);
    format!("/v1/admin/coupons/{}", made["id"].as_str().unwrap())
}

/// A guest's order of a packet at 12.50, with the coupon in its cart.
async fn with_coupon<'a>(merchant: &Merchant<'a>, email: &str) -> Desk<'a> {
    let shopper = Shopper::ready(merchant.app, "TEA-SENCHA-100", 1).await;
    shopper.put("email", json!({ "email": email })).await.expect(200);
    shopper.put("coupons", json!({ "coupons": ["WELCOME10"] })).await.expect(200);
    let (app, token) = (merchant.app, merchant.token.clone());
    Desk { app, token, order: shopper.check_out("tok-approve").await.expect(201) }
}

fn to(quantity: u32) -> Value {
    json!({ "lines": [{ "line": 0, "quantity": quantity }] })
}

api_test! {
    /// Two orders grow until the coupon would apply, which is for one of them: it is redeemed once, and the other pays what it is shown.
    async fn an_edit_redeems_the_coupon_that_it_applies(app: App) {
        let merchant = Merchant::of(&app).await;
        let coupon = coupon(&merchant).await;
        let redeemed = async || number(&merchant.get(&coupon).await.expect(200)["redeemed"]);
        let desks = [with_coupon(&merchant, "ada@example.org").await, with_coupon(&merchant, "eve@example.org").await];
        assert_eq!(redeemed().await, 0, "there are too few goods for it");
        let shown = desks[0].post("/edits/preview", to(2)).await.expect(200)["order"].clone();
        assert_eq!((number(&shown["discount_total"]), redeemed().await), (-250, 0), "a preview only looks");
        let edits = desks.each_ref().map(|desk| desk.edit_at(to(2), shown["total"].clone()));
        let [first, second] = join_all(edits).await.try_into().unwrap();
        let (winner, loser, stale) = match first.status {
            200 => (&desks[0], &desks[1], second),
            _ => (&desks[1], &desks[0], first),
        };
        let stale = stale.problem("stale-quote");
        assert_eq!((number(&stale["order"]["discount_total"]), redeemed().await), (0, 1));
        loser.edit_at(to(2), stale["order"]["total"].clone()).await.expect(200);
        audit(&app).await;

        // What an order redeemed is its own, also while the price does not take it, or nobody else can redeem it.
        for (quantity, discount) in [(3, -375), (1, 0), (2, -250)] {
            let edited = winner.edit(to(quantity)).await.expect(200);
            assert_eq!((number(&edited["discount_total"]), redeemed().await), (discount, 1), "{quantity}");
        }
        winner.post("/cancel", json!({})).await.expect(200);
        assert_eq!(redeemed().await, 0);
        let edited = loser.edit(to(3)).await.expect(200);
        assert_eq!((number(&edited["discount_total"]), redeemed().await), (0, 0), "the code went with the price that it was refused at");
        audit(&app).await;
    }
}

/// How many orders the pricing was told that the customer of this order had paid before.
async fn told_paid(app: &App, order: &Value) -> i64 {
    let id: Uuid = order["id"].as_str().unwrap().parse().unwrap();
    let mut conn = app.shop.db().read().await.unwrap();
    let (input,) = sql::one!(
        conn,
        (String,),
        "select input from order_receipts where order_id = $1 order by revision desc, position limit 1",
        id
    )
    .unwrap();
    number(&serde_json::from_str::<Value>(&input).unwrap()["customer"]["orders_paid"])
}

api_test! {
    /// Neither the order itself nor those that came after it were paid before it.
    async fn an_edited_order_keeps_its_place_among_those_of_its_customer(app: App) {
        let customer = app.customer("ada@example.org").await;
        let token = app.merchant().await;
        let mut orders = Vec::new();
        for _ in 0..3 {
            let shopper = Shopper::signed_in(&app, &customer).await;
            shopper.prepare("TEA-SENCHA-100", 2).await;
            orders.push(shopper.check_out("tok-approve").await.expect(201));
        }
        for (before, order) in (0..).zip(orders) {
            let desk = Desk { app: &app, token: token.clone(), order };
            assert_eq!(told_paid(&app, &desk.order).await, before);
            let edited = desk.edit(to(1)).await.expect(200);
            assert_eq!((&edited["revision"], told_paid(&app, &edited).await), (&json!(2), before));
        }
        audit(&app).await;
    }
}
