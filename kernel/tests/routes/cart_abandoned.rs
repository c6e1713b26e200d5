//! Carts that are left: told once, and forgotten in the end.

use chrono::TimeDelta;
use kassa::db::sql;
use kassa::{carts, clock};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::shopper::Shopper;

/// All open carts were changed, and would expire, so much earlier.
async fn time_passes(app: &App, by: TimeDelta) {
    let mut tx = app.shop.db().write().await.unwrap();
    let days = TimeDelta::days(i64::from(app.shop.config().carts.guest_expire_days));
    let changed = clock::now() - by;
    sql::execute!(
        tx,
        "update carts set updated_at = $1, expires_at = $2 where status <> 'ordered'",
        changed,
        changed + days
    )
    .unwrap();
    tx.commit().await.unwrap();
}

async fn told(app: &App) -> Vec<Value> {
    let mut conn = app.shop.db().read().await.unwrap();
    let rows = sql::all!(conn, (String,), "select data from events where kind = 'cart.abandoned' order by id").unwrap();
    rows.into_iter().map(|(data,)| serde_json::from_str(&data).unwrap()).collect()
}

api_test! {
    async fn a_cart_that_is_left_is_told_once_until_it_changes(app: App) {
        let app = app.another(|config| config.shop.storefront_url = "https://shop.example/".into()).await;
        let guest = Shopper::guest(&app).await;
        guest.add("TEA-SENCHA-100", 2).await.expect(200);
        let nobody = Shopper::guest(&app).await;
        nobody.add("TEA-SENCHA-100", 1).await.expect(200);
        let empty = Shopper::guest(&app).await;
        for shopper in [&guest, &empty] {
            shopper.put("email", json!({ "email": "bob@example.org" })).await.expect(200);
        }
        let ordered = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        ordered.check_out("tok-approve").await.expect(201);
        assert_eq!(carts::tell_abandoned(&app.shop).await.unwrap(), 0, "not yet");
        time_passes(&app, TimeDelta::hours(11)).await;
        assert_eq!(carts::tell_abandoned(&app.shop).await.unwrap(), 1);
        assert_eq!(carts::tell_abandoned(&app.shop).await.unwrap(), 0, "once");
        let events = told(&app).await;
        let event = &events[0];
        assert_eq!((&event["email"], &event["cart_id"]), (&json!("bob@example.org"), &json!(guest.cart)));
        assert_eq!(event["url"], format!("https://shop.example/cart#cart={}", guest.cart));
        assert_eq!((&event["consent"], &event["customer_id"]), (&json!(false), &json!(null)));
        assert_eq!(event["goods_total"], 2_500);
        let expected = json!({
            "sku": "TEA-SENCHA-100", "title": "Sencha, 100 g", "quantity": 2, "unit_price": 1_250, "total": 2_500, "attributes": {}
        });
        assert_eq!(event["lines"], json!([expected]));
        // A look is no change.
        guest.show().await;
        time_passes(&app, TimeDelta::hours(22)).await;
        assert_eq!(carts::tell_abandoned(&app.shop).await.unwrap(), 0);
        guest.add("TEA-SENCHA-100", 1).await.expect(200);
        assert_eq!(carts::tell_abandoned(&app.shop).await.unwrap(), 0);
        time_passes(&app, TimeDelta::hours(11)).await;
        assert_eq!(carts::tell_abandoned(&app.shop).await.unwrap(), 1);
        app.stopper().stop().await;
    }
}

api_test! {
    async fn a_customer_says_whether_they_may_be_reminded(app: App) {
        let ada = app.proved_customer("ada@example.org").await;
        // Never proved to be theirs.
        let eve = app.customer("eve@example.org").await;
        for token in [&ada, &eve] {
            Shopper::signed_in(&app, token).await.add("TEA-SENCHA-100", 1).await.expect(200);
        }
        time_passes(&app, TimeDelta::hours(11)).await;
        assert_eq!(carts::tell_abandoned(&app.shop).await.unwrap(), 1);
        let consent = json!({ "given": true, "source": "checkbox" });
        app.send(Method::PUT, "/v1/me/consents/marketing", Some(&ada), Some(consent)).await.expect(200);
        Shopper::signed_in(&app, &ada).await.add("TEA-SENCHA-100", 1).await.expect(200);
        time_passes(&app, TimeDelta::hours(11)).await;
        assert_eq!(carts::tell_abandoned(&app.shop).await.unwrap(), 1);
        let events = told(&app).await;
        let consents: Vec<_> = events.iter().map(|event| (&event["email"], &event["consent"])).collect();
        assert_eq!(consents, [(&json!("ada@example.org"), &json!(false)), (&json!("ada@example.org"), &json!(true))]);
        assert!(events.iter().all(|event| event["customer_id"].is_string()));
    }
}

api_test! {
    async fn carts_are_forgotten_guests_sooner(app: App) {
        let ada = app.customer("ada@example.org").await;
        let guest = Shopper::guest(&app).await;
        guest.add("TEA-SENCHA-100", 1).await.expect(200);
        guest.put("email", json!({ "email": "bob@example.org" })).await.expect(200);
        let own = Shopper::signed_in(&app, &ada).await;
        let days = |cart: &Value| {
            let at = |member: &str| cart[member].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
            (at("expires_at") - at("updated_at")).num_days()
        };
        assert_eq!((days(&guest.show().await), days(&own.show().await)), (30, 90));
        let ordered = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        ordered.check_out("tok-approve").await.expect(201);
        assert_eq!(carts::forget_expired(&app.shop).await.unwrap(), 0);
        time_passes(&app, TimeDelta::hours(11)).await;
        assert_eq!(carts::tell_abandoned(&app.shop).await.unwrap(), 1);
        assert_eq!(told(&app).await.len(), 1);
        time_passes(&app, TimeDelta::days(31)).await;
        guest.send(Method::GET, "", None).await.problem("not-found");
        assert_eq!(carts::forget_expired(&app.shop).await.unwrap(), 2);
        assert!(told(&app).await.is_empty(), "what was told of a cart goes with it");
        assert_eq!(ordered.show().await["status"], "ordered", "it tells which order it became");
    }
}
