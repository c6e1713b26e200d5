//! Whom the invoice is for, where that is not who gets the goods.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::merchant::{Merchant, pointers};
use crate::support::shopper::{Shopper, address};

fn office() -> Value {
    json!({ "name": "Analytical Engines", "street": "Ockham Park", "city": "Ripley", "postcode": "GU23", "country": "GB" })
}

/// With the fields that were not said.
fn whole(mut address: Value) -> Value {
    address["region"] = json!("");
    address["phone"] = json!("");
    address
}

async fn invoice(app: &App, order: &Value) -> String {
    let path = format!("{}/v1/orders/{}/invoice", app.url, order["id"].as_str().unwrap());
    app.client.get(path).header("accept", "text/html").send().await.unwrap().text().await.unwrap()
}

api_test! {
    async fn an_order_has_the_billing_address_of_its_cart(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let before = shopper.show().await;
        assert_eq!(before["billing_address"], Value::Null);
        let mut wrong = office();
        wrong["country"] = json!("Great Britain");
        assert_eq!(pointers(&shopper.put("billing-address", wrong).await.problem("invalid-request")), ["/country"]);
        let shown = shopper.put("billing-address", office()).await.expect(200);
        assert_eq!((&shown["billing_address"], &shown["address"]), (&whole(office()), &before["address"]));
        assert_eq!((&shown["total"], &shown["delivery"]), (&before["total"], &before["delivery"]), "no price depends on it");
        let shown = shopper.send(Method::DELETE, "/billing-address", None).await.expect(200);
        assert_eq!(shown["billing_address"], Value::Null);
        shopper.put("billing-address", office()).await.expect(200);
        let order = shopper.check_out("tok-approve").await.expect(201);
        assert_eq!((&order["billing_address"], &order["address"]), (&whole(office()), &before["address"]));
        let page = invoice(&app, &order).await;
        let recipient = page.split("class=\"recipient\"").nth(1).and_then(|rest| rest.split("</address>").next()).unwrap();
        assert!(recipient.contains("Analytical Engines") && !recipient.contains("Ada Lovelace"), "{page}");
        assert!(page.contains("<dt>Delivered to</dt><dd>Ada Lovelace, Unter den Linden 1, 10117 Berlin, DE</dd>"), "{page}");

        let plain = Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-approve").await.expect(201);
        assert_eq!(plain["billing_address"], Value::Null);
        assert!(!invoice(&app, &plain).await.contains("Delivered to"));
        shopper.put("billing-address", office()).await.problem("cart-closed");
        app.stopper().stop().await;
    }
}

api_test! {
    async fn the_address_book_and_a_guests_cart_have_billing_addresses(app: App) {
        let token = app.customer("ada@example.org").await;
        let send = async |method, path: &str, body: Value| app.send(method, path, Some(&token), Some(body)).await;
        let entry = json!({ "label": "Office", "address": office() });
        let saved = send(Method::POST, "/v1/me/addresses", entry).await.expect(201);
        let shopper = Shopper::signed_in(&app, &token).await;
        assert_eq!(shopper.show().await["billing_address"], Value::Null, "nothing is filled in");
        let shown = shopper.put("billing-address", json!({ "address_id": saved["id"] })).await.expect(200);
        assert_eq!(shown["billing_address"], whole(office()));
        let guest = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let known = json!({ "address_id": saved["id"] });
        assert_eq!(pointers(&guest.put("billing-address", known).await.problem("invalid-request")), ["/address_id"]);

        let claim = async |guest: &Shopper<'_>| {
            let path = format!("/v1/carts/{}/claim", guest.cart);
            app.send(Method::POST, &path, Some(&token), None).await.expect(200)
        };
        guest.put("billing-address", address()).await.expect(200);
        assert_eq!(claim(&guest).await["billing_address"], whole(office()), "the customer's counts");
        shopper.send(Method::DELETE, "/billing-address", None).await.expect(200);
        let other = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        other.put("billing-address", address()).await.expect(200);
        assert_eq!(claim(&other).await["billing_address"], whole(address()));
        app.stopper().stop().await;
    }
}

api_test! {
    async fn staff_says_whom_an_invoice_is_for(app: App) {
        let merchant = Merchant::of(&app).await;
        let order = Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-approve").await.expect(201);
        let path = format!("/v1/admin/orders/{}", order["id"].as_str().unwrap());
        let edit = async |to: Value| {
            let body = json!({ "billing_address": to, "expected_total": order["total"], "reason": "they called" });
            merchant.post(&format!("{path}/edits"), body).await
        };
        assert_eq!(pointers(&edit(json!(1)).await.problem("invalid-request")).len(), 1);
        let mut wrong = office();
        wrong["name"] = json!("");
        assert_eq!(pointers(&edit(wrong).await.problem("invalid-request")), ["/billing_address/name"]);
        let edited = edit(office()).await.expect(200);
        assert_eq!((&edited["billing_address"], &edited["address"]), (&whole(office()), &order["address"]));
        assert!(invoice(&app, &order).await.contains("Analytical Engines"));
        let edited = edit(Value::Null).await.expect(200);
        assert_eq!(edited["billing_address"], Value::Null);
        let was = merchant.get(&format!("{path}/revisions")).await.expect(200);
        assert_eq!((&was[0]["billing_address"], &was[1]["billing_address"]), (&Value::Null, &whole(office())));

        let lines = json!([{ "sku": "TEA-SENCHA-100", "quantity": 1 }]);
        let draft = json!({ "email": "ada@example.org", "address": address(), "billing_address": office(), "lines": lines });
        let draft = merchant.post("/v1/admin/drafts", draft).await.expect(201);
        assert_eq!(draft["billing_address"], whole(office()));
        let path = format!("/v1/admin/drafts/{}", draft["id"].as_str().unwrap());
        let options = merchant.get(&format!("{path}/delivery-options")).await.expect(200);
        let draft = merchant.patch(&path, json!({ "delivery_option": options["options"][0]["id"] })).await.expect(200);
        let paid = json!({ "expected_total": draft["price"]["total"], "paid": { "method": "cash" } });
        let order = merchant.post(&format!("{path}/complete"), paid).await.expect(201);
        assert_eq!(order["billing_address"], whole(office()));
        app.stopper().stop().await;
    }
}
