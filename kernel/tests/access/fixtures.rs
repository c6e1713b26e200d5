//! What the operations are called with: objects that exist, and bodies that are taken.
//!
//! A new parameter needs a line in [`Objects`]; a new operation on an object that belongs to someone (`owner` and `mine` in access.txt), and
//! that takes a body, one in [`body`], because whose the object is comes out only behind a body that is right. One that ends the session of
//! its caller stands in [`ENDS_SESSIONS`]. The test says what lacks.

use reqwest::Method;
use serde_json::{Value, json};

use super::cast::PASSWORD;
use crate::support::App;
use crate::support::app::Answer;
use crate::support::components::{HOSTILE, OUTBOUND};
use crate::support::shopper::{Shopper, address};

/// Values of path parameters: the longest prefix of the path that has a line decides.
pub struct Objects(Vec<(&'static str, &'static str, String)>);

impl Objects {
    /// Objects of the customer with this token; a guest's where there is none.
    pub async fn of(app: &App, token: Option<&str>) -> Self {
        let shopper = async || match token {
            Some(token) => Shopper::signed_in(app, token).await,
            None => Shopper::guest(app).await,
        };
        let ordered = shopper().await;
        ordered.prepare("TEA-SENCHA-100", 1).await;
        let order = text(&ordered.check_out("tok-approve").await.expect(201), "id");
        let returned = returned_order(app, shopper().await, token).await;
        let open = shopper().await;
        open.prepare("TEA-SENCHA-100", 1).await;
        let line = text(&open.show().await["lines"][0], "id");
        let mut objects = vec![
            ("/v1/carts/", "id", open.cart.clone()),
            ("/v1/carts/", "line_id", line),
            ("/v1/orders/", "id", order.clone()),
            ("/v1/orders/{id}/returns/", "id", returned.0),
            ("/v1/orders/{id}/returns/", "return_id", returned.1),
            ("/v1/admin/orders/", "id", order),
        ];
        if let Some(token) = token {
            objects.extend(kept_by_a_customer(app, token).await);
        }
        Self(objects)
    }

    /// Objects of the shop, for whoever may see them.
    pub async fn of_shop(app: &App, owner: &str) -> Self {
        let create =
            async |path: &str, body: Value| app.send(Method::POST, path, Some(owner), Some(body)).await.expect(201);
        let product = create("/v1/admin/products", json!({ "title": "Fixture" })).await;
        let variants = format!("/v1/admin/products/{}/variants", text(&product, "id"));
        let variant = create(&variants, json!({ "sku": "FIXTURE", "title": "", "price": 100 })).await;
        let image = uploaded_image(app, owner, &text(&product, "id")).await;
        let category = create("/v1/admin/categories", json!({ "name": "Fixture" })).await;
        let shelf = json!({ "title": "Fixture", "status": "active" });
        let collection = create("/v1/admin/collections", shelf).await;
        create("/v1/admin/product-types", json!({ "code": "fixture", "name": "Fixture" })).await;
        let location = create("/v1/admin/locations", json!({ "name": "Fixture" })).await;
        let list = json!({ "code": "fixture", "name": "Fixture", "currency": "EUR" });
        let list = create("/v1/admin/price-lists", list).await;
        create("/v1/admin/customer-groups", json!({ "code": "fixture", "name": "Fixture" })).await;
        let refund = refunded_order(app, owner).await;
        let shipment = planned_shipment(app, owner).await;
        let returned = returned_order(app, Shopper::guest(app).await, None).await;
        let webhook = create("/v1/admin/webhooks", json!({ "url": "https://hooks.example/" })).await["id"].clone();
        let webhook = webhook.as_str().expect("an id").to_owned();
        let told = app.send(Method::POST, &format!("/v1/admin/webhooks/{webhook}/test"), Some(owner), None).await;
        let told = text(&told.expect(202), "id");
        let draft = create("/v1/admin/drafts", json!({ "note": "fixture" })).await;
        let key = create("/v1/admin/api-keys", json!({ "name": "fixture", "scopes": ["catalog"] })).await;
        let staff = create("/v1/admin/staff", json!({ "email": "fixture@example.org" })).await;
        let coupon = create("/v1/admin/coupons", json!({ "code": "FIXTURE" })).await;
        let forgotten = app.customer("forgotten@example.org").await;
        let forgotten = app.send(Method::GET, "/v1/me", Some(&forgotten), None).await.expect(200);
        let gift_card = create("/v1/admin/gift-cards", json!({ "amount": 100, "currency": "EUR" })).await;
        let review = create("/v1/products/sencha/reviews", json!({ "rating": 5 })).await;
        let granted = granted_plugin(app, owner).await;
        Self(vec![
            ("/v1/admin/customers/", "id", text(&forgotten, "id")),
            ("/problems/", "slug", "not-found".into()),
            ("/v1/categories/", "category", "tea".into()),
            ("/v1/collections/", "collection", "fixture".into()),
            ("/v1/products/", "product", "sencha".into()),
            ("/v1/me/consents/", "kind", "marketing".into()),
            ("/v1/payments/", "plugin", "payment-emulator".into()),
            ("/v1/admin/api-keys/", "id", text(&key, "id")),
            ("/v1/admin/bindings/", "domain", "pricing".into()),
            ("/v1/admin/categories/", "id", text(&category, "id")),
            ("/v1/admin/collections/", "id", text(&collection, "id")),
            ("/v1/admin/coupons/", "id", text(&coupon, "id")),
            ("/v1/admin/gift-cards/", "id", text(&gift_card, "id")),
            ("/v1/admin/imports/", "id", uploaded_file(app, owner).await),
            ("/v1/admin/locations/", "id", text(&location, "id")),
            ("/v1/admin/messages/", "id", sent_message(app, owner).await),
            ("/v1/admin/drafts/", "id", text(&draft, "id")),
            ("/v1/admin/failed-calls/", "id", failed_call(app, owner).await),
            ("/v1/admin/orders/", "refund_id", refund),
            ("/v1/admin/carts/", "id", Shopper::guest(app).await.cart),
            ("/v1/admin/replays/", "id", replay(app, owner).await),
            ("/v1/admin/rollouts/", "id", rollout(app, owner).await),
            ("/v1/admin/returns/", "id", returned.1),
            ("/v1/admin/shipments/", "id", shipment),
            ("/v1/admin/plugins/", "name", "pricing-standard".into()),
            ("/v1/admin/plugins/{name}/versions/", "name", granted.clone()),
            ("/v1/admin/plugins/{name}/versions/", "version", "1.0.0".into()),
            ("/v1/admin/plugins/{name}/secrets/", "name", granted),
            ("/v1/admin/plugins/{name}/secrets/", "secret", "api-key".into()),
            ("/v1/admin/customer-groups/", "code", "fixture".into()),
            ("/v1/admin/price-lists/", "id", text(&list, "id")),
            ("/v1/admin/price-lists/", "variant_id", text(&variant, "id")),
            ("/v1/admin/product-types/", "code", "fixture".into()),
            ("/v1/admin/products/", "id", text(&product, "id")),
            ("/v1/admin/products/", "image_id", text(&image, "id")),
            ("/v1/images/", "file", text(&image["urls"], "list").trim_start_matches("/v1/images/").to_owned()),
            ("/v1/admin/reviews/", "id", text(&review, "id")),
            ("/v1/reviews/", "id", text(&review, "id")),
            ("/v1/admin/staff/", "id", text(&staff, "id")),
            ("/v1/admin/translations/", "entity", "product".into()),
            ("/v1/admin/translations/", "id", text(&product, "id")),
            ("/v1/admin/translations/", "locale", "en".into()),
            ("/v1/admin/webhooks/", "id", webhook),
            ("/v1/admin/webhooks/", "message_id", told),
            ("/v1/admin/variants/", "id", text(&variant, "id")),
            ("/v1/admin/variants/", "location", text(&location, "id")),
        ])
    }

    /// `/v1/carts/{id}` -> `/v1/carts/019…`, with values of these objects or, where they have none, of `others`.
    pub fn fill(&self, path: &str, others: &Self) -> String {
        let mut filled = path.to_owned();
        for name in parameters(path) {
            let value = self.find(path, name).or_else(|| others.find(path, name));
            let value = value.unwrap_or_else(|| panic!("no {name:?} for {path}"));
            filled = filled.replace(&format!("{{{name}}}"), value);
        }
        filled
    }

    /// Parameters of `path` that neither these objects nor `others` have a value for.
    pub fn missing<'a>(&self, path: &'a str, others: &Self) -> Vec<&'a str> {
        parameters(path).filter(|name| self.find(path, name).or_else(|| others.find(path, name)).is_none()).collect()
    }

    fn find(&self, path: &str, name: &str) -> Option<&str> {
        let lines = self.0.iter().filter(|(prefix, parameter, _)| path.starts_with(prefix) && *parameter == name);
        lines.max_by_key(|(prefix, ..)| prefix.len()).map(|(.., value)| value.as_str())
    }
}

async fn uploaded_image(app: &App, owner: &str, product: &str) -> Value {
    let url = format!("{}/v1/admin/products/{product}/images", app.url);
    let request = app.client.post(url).bearer_auth(owner).header("content-type", "image/jpeg");
    Answer::of(request.body(include_bytes!("../data/cmyk.jpg").as_slice())).await.expect(201)
}

/// The name of a plugin that was granted a secret.
async fn granted_plugin(app: &App, owner: &str) -> String {
    let request = app.client.post(format!("{}/v1/admin/plugins", app.url)).bearer_auth(owner);
    let request = request.header("content-type", "application/wasm").body(OUTBOUND.clone());
    let card = Answer::of(request).await.expect(201);
    let path = "/v1/admin/plugins/outbound-payment/grants";
    app.send(Method::PUT, path, Some(owner), Some(card["asks_for"].clone())).await.expect(200);
    text(&card, "name")
}

/// The id of a call of a plugin that failed.
async fn failed_call(app: &App, owner: &str) -> String {
    let request = app.client.post(format!("{}/v1/admin/plugins", app.url)).bearer_auth(owner);
    Answer::of(request.header("content-type", "application/wasm").body(HOSTILE.clone())).await.expect(201);
    let shopper = Shopper::guest(app).await;
    shopper.add("TEA-SENCHA-100", 1).await.expect(200);
    let bind = async |plugin: Value| {
        let body = json!({ "plugins": [plugin] });
        app.send(Method::PUT, "/v1/admin/bindings/pricing", Some(owner), Some(body)).await.expect(200);
    };
    bind(json!({ "name": "hostile-pricing", "settings": { "mode": "trap", "spare_probe": true } })).await;
    shopper.send(Method::GET, "", None).await.problem("pricing-unavailable");
    bind(json!({ "name": "pricing-standard" })).await;
    app.eventually("a call that is kept", || async {
        let path = "/v1/admin/plugins/hostile-pricing/failed-calls";
        let page = app.send(Method::GET, path, Some(owner), None).await.expect(200);
        page["items"].as_array().and_then(|calls| calls.first()).map(|call| text(call, "id"))
    })
    .await
}

/// The id of an import.
async fn uploaded_file(app: &App, owner: &str) -> String {
    let url = format!("{}/v1/admin/imports?format=json-lines", app.url);
    let request = app.client.post(url).bearer_auth(owner).header("content-type", "application/jsonl");
    text(&Answer::of(request.body("{}")).await.expect(202), "id")
}

/// The id of a replay.
async fn replay(app: &App, owner: &str) -> String {
    let body = json!({ "plugins": [{ "name": "pricing-standard" }] });
    let begun = app.send(Method::POST, "/v1/admin/bindings/pricing/replays", Some(owner), Some(body)).await;
    text(&begun.expect(202), "id")
}

/// The id of a rollout. Of delivery: what is in force for pricing stays free to be changed.
async fn rollout(app: &App, owner: &str) -> String {
    let body = json!({ "plugins": [{ "name": "delivery-rates", "settings": {} }] });
    let begun = app.send(Method::POST, "/v1/admin/bindings/delivery/rollouts", Some(owner), Some(body)).await;
    text(&begun.expect(201), "id")
}

/// The id of a refund.
async fn refunded_order(app: &App, owner: &str) -> String {
    let shopper = Shopper::guest(app).await;
    shopper.prepare("TEA-SENCHA-100", 1).await;
    let order = text(&shopper.check_out("tok-approve").await.expect(201), "id");
    let body = json!({ "amount": 1, "reason": "fixture" });
    let path = format!("/v1/admin/orders/{order}/refunds");
    text(&app.send(Method::POST, &path, Some(owner), Some(body)).await.expect(201), "id")
}

/// The id of an order that has left, and of a return of it.
async fn returned_order(app: &App, shopper: Shopper<'_>, token: Option<&str>) -> (String, String) {
    shopper.prepare("TEA-SENCHA-100", 1).await;
    let order = text(&shopper.check_out("tok-approve").await.expect(201), "id");
    let id = uuid::Uuid::parse_str(&order).expect("an id");
    kassa::fulfilment::ship_all(&app.shop, id).await.expect("the order is shipped");
    let body = body("POST /v1/orders/{id}/returns");
    let made = app.send(Method::POST, &format!("/v1/orders/{order}/returns"), token, body).await.expect(201);
    (order, text(&made, "id"))
}

/// The id of a shipment.
async fn planned_shipment(app: &App, owner: &str) -> String {
    let shopper = Shopper::guest(app).await;
    shopper.prepare("TEA-SENCHA-100", 1).await;
    let order = text(&shopper.check_out("tok-approve").await.expect(201), "id");
    let path = format!("/v1/admin/orders/{order}/shipments");
    text(&app.send(Method::POST, &path, Some(owner), Some(json!({}))).await.expect(201), "id")
}

/// What guests do not have.
async fn kept_by_a_customer(app: &App, token: &str) -> [(&'static str, &'static str, String); 5] {
    let entry = json!({ "label": "Home", "address": address() });
    let entry = app.send(Method::POST, "/v1/me/addresses", Some(token), Some(entry)).await.expect(201);
    let review = json!({ "rating": 4 });
    let review = app.send(Method::POST, "/v1/products/earl-grey/reviews", Some(token), Some(review)).await.expect(201);
    let me = app.send(Method::GET, "/v1/me", Some(token), None).await.expect(200);
    // Another session than the one that calls, which would end.
    app.log_in(&text(&me, "email"), PASSWORD).await;
    let sessions = app.send(Method::GET, "/v1/me/sessions", Some(token), None).await.expect(200);
    let mut other =
        sessions["items"].as_array().expect("sessions").iter().filter(|session| session["current"] == false);
    let session = text(other.next().expect("another session"), "id");
    [
        ("/v1/me/reviews/", "id", text(&review, "id")),
        ("/v1/me/addresses/", "id", text(&entry, "id")),
        ("/v1/me/sessions/", "id", session),
        ("/v1/me/inbox/", "id", inbox_item(app, token).await),
        ("/v1/me/push-tokens/", "id", push_token(app, token).await),
    ]
}

/// The id of what the customer was told of their order.
async fn inbox_item(app: &App, token: &str) -> String {
    app.eventually("an item in the inbox", || async {
        let inbox = app.send(Method::GET, "/v1/me/inbox", Some(token), None).await.expect(200);
        inbox["items"].as_array().and_then(|items| items.first()).map(|item| text(item, "id"))
    })
    .await
}

async fn push_token(app: &App, token: &str) -> String {
    let body = json!({ "token": "fixture", "platform": "web" });
    text(&app.send(Method::POST, "/v1/me/push-tokens", Some(token), Some(body)).await.expect(201), "id")
}

/// The id of a message of the log that may be sent again.
async fn sent_message(app: &App, owner: &str) -> String {
    app.eventually("a message that was sent", || async {
        let path = "/v1/admin/messages?status=sent&channel=email&kind=order.placed";
        let log = app.send(Method::GET, path, Some(owner), None).await.expect(200);
        log["items"].as_array().and_then(|items| items.first()).map(|message| text(message, "id"))
    })
    .await
}

/// The body of an operation on an object that belongs to someone.
pub fn body(operation: &str) -> Option<Value> {
    let body = match operation {
        "PATCH /v1/carts/{id}" => json!({ "note": "ring twice" }),
        "PUT /v1/carts/{id}/address" | "PUT /v1/carts/{id}/billing-address" => address(),
        "POST /v1/carts/{id}/changes/acknowledge" => json!({ "expected_total": 0 }),
        "POST /v1/carts/{id}/checkout" => {
            json!({ "payment_method": "payment-emulator:card", "payment_token": "tok-approve", "expected_total": 0 })
        }
        "PUT /v1/carts/{id}/coupons" => json!({ "coupons": [] }),
        "PUT /v1/carts/{id}/gift-cards" => json!({ "codes": [] }),
        "PUT /v1/carts/{id}/store-credit" => json!({ "use": false }),
        "PUT /v1/carts/{id}/delivery-option" => json!({ "id": "delivery-rates:standard" }),
        "PUT /v1/carts/{id}/email" => json!({ "email": "ada@example.org" }),
        "POST /v1/orders/{id}/edits" => json!({ "address": address(), "expected_total": 0 }),
        "POST /v1/orders/{id}/edits/preview" => json!({ "address": address() }),
        "POST /v1/orders/{id}/payments" => {
            json!({ "payment_method": "payment-emulator:card", "payment_token": "tok-approve", "expected_amount": 1 })
        }
        "POST /v1/orders/{id}/returns" => {
            json!({ "lines": [{ "line": 0, "quantity": 1, "reason": "other" }] })
        }
        "PUT /v1/me/addresses/{id}" => json!({ "label": "Home", "address": address() }),
        "PATCH /v1/me/reviews/{id}" => json!({ "rating": 3 }),
        "POST /v1/carts/{id}/lines" => json!({ "sku": "TEA-SENCHA-100", "quantity": 1 }),
        "PATCH /v1/carts/{id}/lines/{line_id}" => json!({ "quantity": 2 }),
        _ => return None,
    };
    Some(body)
}

/// Operations that end the session that calls them: whoever was allowed has to sign in again.
pub const ENDS_SESSIONS: &[&str] = &[];

fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

fn text(object: &Value, member: &str) -> String {
    object[member].as_str().unwrap_or_else(|| panic!("no {member}: {object}")).to_owned()
}
