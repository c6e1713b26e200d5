//! Many shoppers, one thing: the last piece, the last redemption of a coupon, one cart.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::{CLIENTS, at_once, count, rounds, with_pieces};
use crate::support::App;
use crate::support::shopper::Shopper;

async fn shoppers<'a>(app: &'a App, sku: &str) -> Vec<Shopper<'a>> {
    join_all((0..CLIENTS).map(|_| Shopper::ready(app, sku, 1))).await
}

api_test! {
    async fn the_last_item(app: App) {
        let token = app.merchant().await;
        rounds(&app, async |round| {
            let pieces = 1 + round % 3;
            let sku = with_pieces(&app, &token, &format!("RACE-{round}"), pieces).await;
            let shoppers = shoppers(&app, &sku).await;
            let answers = at_once(shoppers.iter().map(|shopper| shopper.check_out_at("tok-approve", json!(1490)))).await;
            assert_eq!(count(answers, 201, &["insufficient-stock"]), pieces);
        })
        .await;
    }
}

api_test! {
    async fn the_limit_of_a_coupon(app: App) {
        let token = app.merchant().await;
        let coupon = json!({ "code": "WELCOME10" });
        let made = app.send(Method::POST, "/v1/admin/coupons", Some(&token), Some(coupon)).await.expect(201);
        let path = format!("/v1/admin/coupons/{}", made["id"].as_str().unwrap());
        let mut redeemed = 0;
        rounds(&app, async |round| {
            let sku = with_pieces(&app, &token, &format!("RACE-{round}"), 1000).await;
            let left = 1 + round % 5;
            let limit = json!({ "limit_total": redeemed + left });
            app.send(Method::PATCH, &path, Some(&token), Some(limit)).await.expect(200);
            let shoppers = shoppers(&app, &sku).await;
            let typed = shoppers.iter().map(|shopper| shopper.put("coupons", json!({ "coupons": ["WELCOME10"] })));
            for cart in at_once(typed).await {
                assert_eq!(cart.expect(200)["total"], 1390);
            }
            let answers = at_once(shoppers.iter().map(|shopper| shopper.check_out_at("tok-approve", json!(1390)))).await;
            assert_eq!(count(answers, 201, &["stale-quote"]), left);
            redeemed += left;
        })
        .await;
    }
}

api_test! {
    async fn one_cart_checked_out_twice(app: App) {
        let token = app.merchant().await;
        rounds(&app, async |round| {
            let sku = with_pieces(&app, &token, &format!("RACE-{round}"), 1000).await;
            let shopper = Shopper::ready(&app, &sku, 1).await;
            let answers = at_once((0..CLIENTS).map(|_| shopper.check_out_at("tok-approve", json!(1490)))).await;
            assert_eq!(count(answers, 201, &["cart-closed"]), 1);
            let orders = app.send(Method::GET, "/v1/admin/orders?limit=100", Some(&token), None).await.expect(200);
            assert_eq!(orders["items"].as_array().unwrap().len(), (round + 1).min(100));
        })
        .await;
    }
}
