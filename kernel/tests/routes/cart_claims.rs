//! A guest's cart is taken along when they sign in.

use futures_util::future::join_all;
use kassa::db::sql;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::shopper::{Shopper, address};

async fn claim(app: &App, cart: &str, token: &str) -> Answer {
    app.send(Method::POST, &format!("/v1/carts/{cart}/claim"), Some(token), None).await
}

async fn mine(app: &App, token: &str) -> Answer {
    app.send(Method::GET, "/v1/me/cart", Some(token), None).await
}

fn quantities(cart: &Value) -> Vec<(String, u64)> {
    let line = |line: &Value| (line["sku"].as_str().unwrap().to_owned(), line["quantity"].as_u64().unwrap());
    cart["lines"].as_array().unwrap().iter().map(line).collect()
}

fn line(sku: &str, quantity: u64) -> (String, u64) {
    (sku.to_owned(), quantity)
}

api_test! {
    async fn a_guests_cart_becomes_the_customers_where_they_have_none(app: App) {
        let ada = app.customer("ada@example.org").await;
        mine(&app, &ada).await.problem("not-found");
        let guest = Shopper::ready(&app, "TEA-SENCHA-100", 2).await;
        let path = format!("/v1/carts/{}/claim", guest.cart);
        app.send(Method::POST, &path, None, None).await.problem("unauthenticated");
        let claimed = claim(&app, &guest.cart, &ada).await.expect(200);
        assert_eq!(claimed["id"], guest.cart);
        assert_eq!(quantities(&claimed), [line("TEA-SENCHA-100", 2)]);
        assert_eq!(claimed["email"], "ada@example.org");
        assert_eq!(mine(&app, &ada).await.expect(200)["id"], guest.cart);
        // It is theirs alone now, and asking again changes nothing.
        guest.send(Method::GET, "", None).await.problem("not-found");
        let eve = app.customer("eve@example.org").await;
        claim(&app, &guest.cart, &eve).await.problem("not-found");
        assert_eq!(claim(&app, &guest.cart, &ada).await.expect(200)["id"], guest.cart);
        let check_out = json!({
            "payment_method": "payment-emulator:card", "payment_token": "tok-approve", "expected_total": claimed["total"]
        });
        let path = format!("/v1/carts/{}/checkout", guest.cart);
        let order = app.send(Method::POST, &path, Some(&ada), Some(check_out)).await.expect(201);
        mine(&app, &ada).await.problem("not-found");
        // A cart that was ordered is nobody's to claim.
        let ordered = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let other = ordered.check_out("tok-approve").await.expect(201);
        let closed = claim(&app, &ordered.cart, &ada).await.problem("cart-closed");
        assert_eq!(closed["order_id"], other["id"]);
        assert_ne!(other["id"], order["id"]);
    }
}

api_test! {
    async fn a_guests_cart_is_added_to_the_one_that_the_customer_has(app: App) {
        let ada = app.customer("ada@example.org").await;
        let own = Shopper::signed_in(&app, &ada).await;
        own.add("POT-GLASS-1L", 5).await.expect(200);
        own.add("TEA-SENCHA-100", 1).await.expect(200);
        own.put("email", json!({ "email": "work@example.org" })).await.expect(200);
        own.put("coupons", json!({ "coupons": ["A", "B", "C", "D", "E", "F", "G", "H", "I"] })).await.expect(200);
        own.send(Method::PATCH, "", Some(json!({ "attributes": { "from": "own" } }))).await.expect(200);
        let guest = Shopper::guest(&app).await;
        guest.prepare("TEA-SENCHA-100", 2).await;
        guest.add("POT-GLASS-1L", 9).await.expect(200);
        let engraved = json!({ "sku": "POT-GLASS-1L", "quantity": 1, "attributes": { "engraving": "Ada" } });
        guest.send(Method::POST, "/lines", Some(engraved)).await.expect(200);
        guest.put("coupons", json!({ "coupons": ["B", "WELCOME10", "TOO-MANY"] })).await.expect(200);
        let words = json!({ "note": "ring twice", "attributes": { "from": "guest", "to": "Bob" } });
        guest.send(Method::PATCH, "", Some(words)).await.expect(200);
        let cart = claim(&app, &guest.cart, &ada).await.expect(200);
        assert_eq!(cart["id"], own.cart);
        let pots = line("POT-GLASS-1L", 12);
        assert_eq!(quantities(&cart), [pots, line("TEA-SENCHA-100", 3), line("POT-GLASS-1L", 1)], "{cart}");
        assert_eq!((&cart["email"], &cart["note"]), (&json!("work@example.org"), &json!("ring twice")));
        assert_eq!(cart["attributes"], json!({ "from": "own", "to": "Bob" }));
        assert_eq!(cart["address"]["name"], address()["name"], "the customer's cart had none");
        assert_eq!(cart["delivery"]["id"], "delivery-rates:standard");
        let codes: Vec<_> = cart["coupons"].as_array().unwrap().iter().map(|coupon| coupon["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["A", "B", "C", "D", "E", "F", "G", "H", "I", "WELCOME10"]);
        let told: Vec<_> = cart["changes"].as_array().unwrap().iter().map(|change| {
            (change["kind"].as_str().unwrap(), change["before"].clone(), change["after"].clone())
        }).collect();
        let expected = [
            ("quantity_reduced", json!(14), json!(12)),
            ("coupon_dropped", json!(null), json!(null)),
            // There are twelve, and the first line has them.
            ("quantity_short", json!(1), json!(0)),
        ];
        assert_eq!(told, expected, "{cart}");
        // The guest's cart is a pointer now, with nothing of them left.
        let closed = guest.show().await;
        assert_eq!((&closed["status"], &closed["merged_into"]), (&json!("merged"), &json!(own.cart)));
        assert_eq!((&closed["lines"], &closed["email"], &closed["address"]), (&json!([]), &json!(null), &json!(null)));
        assert_eq!(guest.add("TEA-SENCHA-100", 1).await.problem("cart-closed")["merged_into"], own.cart);
        guest.check_out_at("tok-approve", json!(0)).await.problem("cart-closed");
        // Asked again, it answers the same; to others there is nothing here.
        assert_eq!(quantities(&claim(&app, &guest.cart, &ada).await.expect(200)), quantities(&cart));
        let eve = app.customer("eve@example.org").await;
        claim(&app, &guest.cart, &eve).await.problem("not-found");
        assert_eq!(mine(&app, &ada).await.expect(200)["id"], own.cart);
    }
}

api_test! {
    /// Both carts were shown a price, and the lower one is kept.
    async fn a_price_that_is_held_is_held_in_the_joined_cart(app: App) {
        let merchant = crate::support::stock::Merchant::of(&app, "TEA-SENCHA-100").await;
        let path = format!("variants/{}", merchant.variant);
        let guest = Shopper::guest(&app).await;
        guest.add("TEA-SENCHA-100", 1).await.expect(200);
        merchant.send(Method::PATCH, &path, json!({ "price": 1_400 })).await.expect(200);
        let ada = app.customer("ada@example.org").await;
        let own = Shopper::signed_in(&app, &ada).await;
        own.add("TEA-SENCHA-100", 1).await.expect(200);
        let cart = claim(&app, &guest.cart, &ada).await.expect(200);
        assert_eq!((&cart["lines"][0]["quantity"], &cart["lines"][0]["unit_price"]), (&json!(2), &json!(1_250)));
        assert_eq!(own.show().await["lines"][0]["unit_price"], 1_250);
    }
}

api_test! {
    /// 32 clients claim one cart, for two customers: one of them has it, and each line is there once.
    async fn a_cart_is_claimed_once_by_32_clients(app: App) {
        let tokens = [app.customer("ada@example.org").await, app.customer("eve@example.org").await];
        let own = Shopper::signed_in(&app, &tokens[0]).await;
        own.add("TEA-SENCHA-100", 1).await.expect(200);
        let guest = Shopper::guest(&app).await;
        guest.add("TEA-SENCHA-100", 2).await.expect(200);
        let answers = join_all((0..32).map(|n| claim(&app, &guest.cart, &tokens[n % 2]))).await;
        let mut totals = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            let theirs = answers.iter().skip(index).step_by(2);
            let taken = theirs.clone().filter(|answer| answer.status == 200).count();
            assert!(theirs.clone().all(|answer| [200, 404, 503].contains(&answer.status)), "{answers:?}");
            if taken > 0 {
                assert!(theirs.clone().all(|answer| answer.status != 404), "{answers:?}");
            }
            let cart = mine(&app, token).await;
            let held: u64 = if cart.status == 404 { 0 } else { quantities(&cart.body).iter().map(|(_, n)| n).sum() };
            totals.push((taken > 0, held));
        }
        assert!(totals == [(true, 3), (false, 0)] || totals == [(false, 1), (true, 2)], "{totals:?}");
    }
}

api_test! {
    /// 32 carts claimed by one customer at once: what was taken is in one cart, whatever was asked to try again is not.
    async fn carts_claimed_at_once_meet_in_one(app: App) {
        let ada = app.customer("ada@example.org").await;
        let guests = join_all((0..32).map(|_| async {
            let guest = Shopper::guest(&app).await;
            guest.add("FILTER-PAPER-100", 1).await.expect(200);
            guest
        })).await;
        let answers = join_all(guests.iter().map(|guest| claim(&app, &guest.cart, &ada))).await;
        let taken = answers.iter().filter(|answer| answer.status == 200).count();
        assert!(taken > 0 && answers.iter().all(|answer| [200, 503].contains(&answer.status)), "{answers:?}");
        assert_eq!(quantities(&mine(&app, &ada).await.expect(200)), [line("FILTER-PAPER-100", taken as u64)]);
        let mut conn = app.shop.db().read().await.unwrap();
        let (open,) = sql::one!(
            conn, (i64,), "select count(*) from carts where status = 'open' and customer_id is not null"
        ).unwrap();
        assert_eq!(open, 1, "never two carts that do not know of each other");
    }
}

api_test! {
    /// A cart is ordered or taken along, and never both.
    async fn a_claim_against_a_checkout(app: App) {
        let ada = app.customer("ada@example.org").await;
        let own = Shopper::signed_in(&app, &ada).await;
        let guests = join_all((0..16).map(|_| Shopper::ready(&app, "FILTER-PAPER-100", 1))).await;
        let mut ordered = 0;
        for guest in &guests {
            let total = guest.show().await["total"].clone();
            let (order, claimed) =
                tokio::join!(guest.check_out_at("tok-approve", total), claim(&app, &guest.cart, &ada));
            assert!(!(order.status == 201 && claimed.status == 200), "{order:?} {claimed:?}");
            ordered += u64::from(order.status == 201);
        }
        let cart = own.show().await;
        let held: u64 = quantities(&cart).iter().map(|(_, n)| n).sum();
        let mut left = 0;
        for guest in &guests {
            left += u64::from(guest.show().await["status"] == "open");
        }
        assert_eq!(held + ordered + left, 16, "{cart}");
        crate::support::audit::audit(&app).await;
    }
}
