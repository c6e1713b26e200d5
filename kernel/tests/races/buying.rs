//! Many shoppers, one thing: the last piece, the last redemption of a coupon, one cart.

use futures_util::future::join_all;
use serde_json::json;

use super::{CLIENTS, at_once, count, rounds, with_pieces};
use crate::support::App;
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;

async fn shoppers<'a>(app: &'a App, sku: &str) -> Vec<Shopper<'a>> {
    join_all((0..CLIENTS).map(|_| Shopper::ready(app, sku, 1))).await
}

api_test! {
    async fn the_last_item(app: App) {
        rounds(&app, async |round: usize, merchant: &Merchant<'_>| {
            let pieces = 1 + round % 3;
            let sku = with_pieces(merchant, &format!("RACE-{round}"), pieces).await;
            let shoppers = shoppers(&app, &sku).await;
            let answers = at_once(shoppers.iter().map(|shopper| shopper.check_out_at("tok-approve", json!(1490)))).await;
            assert_eq!(count(answers, 201, &["insufficient-stock"]), pieces);
        })
        .await;
    }
}

api_test! {
    async fn the_limit_of_a_coupon(app: App) {
        let made = Merchant::of(&app).await.post("/v1/admin/coupons", json!({ "code": "WELCOME10" })).await.expect(201);
        let path = format!("/v1/admin/coupons/{}", made["id"].as_str().unwrap());
        let mut redeemed = 0;
        rounds(&app, async |round: usize, merchant: &Merchant<'_>| {
            let sku = with_pieces(merchant, &format!("RACE-{round}"), 1000).await;
            let left = 1 + round % 5;
            let limit = json!({ "limit_total": redeemed + left });
            merchant.patch(&path, limit).await.expect(200);
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
        rounds(&app, async |round: usize, merchant: &Merchant<'_>| {
            let sku = with_pieces(merchant, &format!("RACE-{round}"), 1000).await;
            let shopper = Shopper::ready(&app, &sku, 1).await;
            let answers = at_once((0..CLIENTS).map(|_| shopper.check_out_at("tok-approve", json!(1490)))).await;
            assert_eq!(count(answers, 201, &["cart-closed"]), 1);
            let orders = merchant.get("/v1/admin/orders?limit=100").await.expect(200);
            assert_eq!(orders["items"].as_array().unwrap().len(), (round + 1).min(100));
        })
        .await;
    }
}
