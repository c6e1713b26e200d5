//! Carts.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::shopper::{Shopper, address};

api_test! {
    async fn a_line_is_added_joined_changed_and_removed(app: App) {
        let shopper = Shopper::guest(&app).await;
        let cart = shopper.add("TEA-EARL-GREY-100", 2).await.expect(200);
        assert_eq!(cart["total"], 1380);
        let cart = shopper.add("TEA-EARL-GREY-100", 1).await.expect(200);
        assert_eq!(cart["lines"].as_array().unwrap().len(), 1, "the same variant joins its line");
        assert_eq!(cart["lines"][0]["quantity"], 3);
        let line = format!("/lines/{}", cart["lines"][0]["id"].as_str().unwrap());
        let cart = shopper.send(Method::PATCH, &line, Some(json!({ "quantity": 1 }))).await.expect(200);
        assert_eq!(cart["total"], 690);
        let cart = shopper.send(Method::DELETE, &line, None).await.expect(200);
        assert_eq!(cart["lines"], json!([]));
        assert_eq!(cart["total"], 0);
        shopper.send(Method::DELETE, &line, None).await.problem("not-found");
    }
}

api_test! {
    async fn a_variant_is_named_by_id_or_sku_but_not_both(app: App) {
        let shopper = Shopper::guest(&app).await;
        let product = app.get("/v1/products/earl-grey").await.expect(200);
        let id = product["variants"][0]["id"].clone();
        let both = json!({ "variant_id": id, "sku": "TEA-EARL-GREY-100", "quantity": 1 });
        shopper.send(Method::POST, "/lines", Some(both)).await.problem("invalid-request");
        shopper.send(Method::POST, "/lines", Some(json!({ "quantity": 1 }))).await.problem("invalid-request");
        let cart = shopper.send(Method::POST, "/lines", Some(json!({ "variant_id": id, "quantity": 1 }))).await;
        assert_eq!(cart.expect(200)["lines"][0]["variant_id"], id);
        shopper.add("NO-SUCH-SKU", 1).await.problem("invalid-request");
    }
}

api_test! {
    async fn no_more_can_be_taken_than_is_in_stock(app: App) {
        let shopper = Shopper::guest(&app).await;
        let problem = shopper.add("POT-GLASS-1L", 13).await.problem("insufficient-stock");
        assert_eq!(problem["lines"], json!([{ "sku": "POT-GLASS-1L", "wanted": 13, "available": 12 }]));
        assert_eq!(shopper.show().await["lines"], json!([]), "nothing has changed");
        shopper.add("POT-GLASS-1L", 12).await.expect(200);
        shopper.add("POT-GLASS-1L", 1).await.problem("insufficient-stock");
        shopper.add("CUP-STONE-BLACK", 1).await.problem("insufficient-stock");
    }
}

api_test! {
    /// The rules of the demo: 10 % by coupon, 5 % from ten pieces of a line, VAT contained in the prices.
    async fn coupons_and_tiers_lower_the_price_and_say_so(app: App) {
        let shopper = Shopper::guest(&app).await;
        shopper.add("FILTER-PAPER-100", 10).await.expect(200);
        let cart = shopper.show().await;
        assert_eq!(cart["goods_total"], 4500);
        assert_eq!(cart["discount_total"], -225);
        let cart = shopper.put("coupons", json!({ "coupons": [" WELCOME10 ", "NOPE"] })).await.expect(200);
        assert_eq!(cart["coupons"][0]["state"], "applied", "{cart}");
        assert_eq!(cart["coupons"][1]["state"], "unknown");
        let (goods, discount) = (cart["goods_total"].as_i64().unwrap(), cart["discount_total"].as_i64().unwrap());
        assert!(discount < -225, "{cart}");
        assert_eq!(cart["total"], goods + discount);
        let cart = shopper.put("coupons", json!({ "coupons": [] })).await.expect(200);
        assert_eq!(cart["discount_total"], -225);
    }
}

api_test! {
    async fn delivery_follows_the_address_and_is_part_of_the_total(app: App) {
        let shopper = Shopper::guest(&app).await;
        shopper.add("TEA-SENCHA-100", 1).await.expect(200);
        assert_eq!(shopper.send(Method::GET, "/delivery-options", None).await.expect(200), json!([]));
        let choice = json!({ "id": "delivery-rates:standard" });
        let problem = shopper.put("delivery-option", choice.clone()).await.problem("cart-incomplete");
        assert_eq!(problem["missing"], json!(["address"]));
        shopper.put("address", address()).await.expect(200);
        let options = shopper.send(Method::GET, "/delivery-options", None).await.expect(200);
        let ids: Vec<_> = options.as_array().unwrap().iter().map(|option| option["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["delivery-rates:standard", "delivery-rates:express", "delivery-rates:pickup"]);
        let cart = shopper.put("delivery-option", choice).await.expect(200);
        assert_eq!((&cart["delivery_total"], &cart["total"]), (&json!(490), &json!(1740)));
        assert!(cart["tax_included_total"].as_i64().unwrap() > 0, "{cart}");
        let nowhere = json!({ "id": "delivery-rates:teleport" });
        shopper.put("delivery-option", nowhere).await.problem("delivery-option-unavailable");
        let cart = shopper.add("TEA-SENCHA-100", 3).await.expect(200);
        assert_eq!(cart["delivery_total"], 0, "free from 50.00: {cart}");
    }
}

api_test! {
    async fn a_customers_cart_is_nobody_elses(app: App) {
        let (ada, bob) = (app.customer("ada@example.org").await, app.customer("bob@example.org").await);
        let shopper = Shopper::signed_in(&app, &ada).await;
        shopper.add("TEA-SENCHA-100", 1).await.expect(200);
        let path = format!("/v1/carts/{}", shopper.cart);
        for token in [None, Some(bob.as_str())] {
            app.send(Method::GET, &path, token, None).await.problem("not-found");
            let line = json!({ "sku": "TEA-SENCHA-100", "quantity": 1 });
            app.send(Method::POST, &format!("{path}/lines"), token, Some(line)).await.problem("not-found");
            let email = json!({ "email": "eve@example.org" });
            app.send(Method::PUT, &format!("{path}/email"), token, Some(email)).await.problem("not-found");
            let checkout = json!({ "payment_method": "payment-emulator:card", "payment_token": "t", "expected_total": 1 });
            app.send(Method::POST, &format!("{path}/checkout"), token, Some(checkout)).await.problem("not-found");
        }
        let cart = shopper.show().await;
        assert_eq!(cart["email"], json!(null));
        assert_eq!(cart["lines"][0]["quantity"], 1);
    }
}

api_test! {
    async fn changes_at_the_same_moment_are_all_kept(app: App) {
        let shopper = Shopper::guest(&app).await;
        let adds = (0..6).map(|_| shopper.add("FILTER-PAPER-400", 1));
        let answers = futures_util::future::join_all(adds).await;
        let taken = answers.iter().filter(|answer| answer.status == 200).count();
        let refused = answers.iter().filter(|answer| answer.status == 503).count();
        assert_eq!(taken + refused, 6, "{answers:?}");
        assert!(taken >= 1);
        assert_eq!(shopper.show().await["lines"][0]["quantity"], taken);
    }
}

api_test! {
    async fn a_cart_holds_so_many_lines_pieces_and_codes(app: App) {
        let own = |config: &mut kassa::Config| {
            (config.carts.max_lines, config.carts.max_quantity, config.carts.max_gift_cards) = (2, 3, 1);
        };
        let app = app.another(own).await;
        let shopper = Shopper::guest(&app).await;
        shopper.add("TEA-SENCHA-100", 3).await.expect(200);
        let cart = shopper.add("FILTER-PAPER-100", 1).await.expect(200);
        let line = format!("/lines/{}", cart["lines"][0]["id"].as_str().unwrap());
        let one_more = |sku: &str| Some(json!({ "sku": sku, "quantity": 1 }));
        for (method, path, body, pointer) in [
            (Method::POST, "/lines", one_more("FILTER-PAPER-400"), ""),
            (Method::POST, "/lines", one_more("TEA-SENCHA-100"), "/quantity"),
            (Method::PATCH, line.as_str(), Some(json!({ "quantity": 4 })), "/quantity"),
            (Method::PUT, "/gift-cards", Some(json!({ "codes": ["A", "B"] })), "/codes"),
        ] {
            let problem = shopper.send(method, path, body.clone()).await.problem("invalid-request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body:?}");
        }
        let lines = shopper.show().await["lines"].clone();
        let quantities: Vec<_> = lines.as_array().unwrap().iter().map(|line| line["quantity"].clone()).collect();
        assert_eq!(quantities, [3, 1]);
        app.stopper().stop().await;
    }
}

api_test! {
    async fn what_is_not_on_sale_comes_into_no_cart_draft_or_order(app: App) {
        let token = app.merchant().await;
        let post = async |path: &str, body: Value| app.send(Method::POST, path, Some(&token), Some(body)).await;
        let hidden = json!({ "title": "Hidden", "variants": [{ "sku": "HIDDEN-1", "price": 1 }] });
        post("/v1/admin/products", hidden).await.expect(201);
        let line = json!({ "sku": "HIDDEN-1", "quantity": 1 });
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        shopper.add("HIDDEN-1", 1).await.problem("invalid-request");
        let refused = post("/v1/admin/drafts", json!({ "lines": [line] })).await.problem("invalid-request");
        assert_eq!(refused["errors"][0]["pointer"], "/lines/0");
        let order = shopper.check_out("tok-approve").await.expect(201);
        let edits = format!("/v1/admin/orders/{}/edits/preview", order["id"].as_str().unwrap());
        post(&edits, json!({ "lines": [line] })).await.problem("invalid-request");
        // A line that the same edit adds is none of the order's yet.
        let added = json!({ "lines": [{ "sku": "FILTER-PAPER-100", "quantity": 1 }, { "line": 1, "quantity": 2 }] });
        let refused = post(&edits, added).await.problem("invalid-request");
        assert_eq!(refused["errors"][0]["pointer"], "/lines");
    }
}

api_test! {
    async fn a_cart_that_was_ordered_stays_as_it_is(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let cart = shopper.show().await;
        shopper.check_out("tok-approve").await.expect(201);
        shopper.put("delivery-option", json!({ "id": cart["delivery"]["id"] })).await.problem("cart-closed");
        let seen = json!({ "expected_total": cart["total"] });
        shopper.send(Method::POST, "/changes/acknowledge", Some(seen)).await.problem("cart-closed");
    }
}
