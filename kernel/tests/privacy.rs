//! What the shop knows of people: every column that may, and a whole database after somebody was forgotten.

mod columns;

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};

use reqwest::Method;
use serde_json::{Value, json};

use columns::{NOT_TOLD, OF_PEOPLE};

use crate::support::shopper::Shopper;
use crate::support::{App, Backend};

/// Every value of every row of the database, with its column.
pub async fn dump(app: &App) -> Vec<(String, String)> {
    let url = &app.shop.config().database.url;
    match app.backend {
        Backend::Sqlite => dump_sqlite(&mut SqliteConnection::connect(url).await.unwrap()).await,
        Backend::Postgres => dump_postgres(&mut PgConnection::connect(url).await.unwrap()).await,
    }
}

async fn dump_sqlite(conn: &mut SqliteConnection) -> Vec<(String, String)> {
    let sql = "select m.name || '.' || p.name from sqlite_master m join pragma_table_info(m.name) p
               where m.type = 'table' and m.name not like 'sqlite%'";
    let columns: Vec<(String,)> = sqlx::query_as(sql).fetch_all(&mut *conn).await.unwrap();
    let mut values = Vec::new();
    for (column,) in columns {
        let (table, name) = column.split_once('.').unwrap();
        let sql = format!("select coalesce(cast(\"{name}\" as blob), x'') from \"{table}\"");
        for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *conn).await.unwrap() {
            values.push((column.clone(), String::from_utf8_lossy(row.get::<&[u8], _>(0)).into_owned()));
        }
    }
    values
}

async fn dump_postgres(conn: &mut PgConnection) -> Vec<(String, String)> {
    let sql = "select cast(table_name as text) || '.' || cast(column_name as text), cast(data_type as text)
               from information_schema.columns where table_schema = 'public'";
    let columns: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(&mut *conn).await.unwrap();
    let mut values = Vec::new();
    for (column, kind) in columns {
        let (table, name) = column.split_once('.').unwrap();
        let text =
            if kind == "bytea" { format!("encode(\"{name}\", 'escape')") } else { format!("cast(\"{name}\" as text)") };
        let sql = format!("select coalesce({text}, '') from \"{table}\"");
        for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *conn).await.unwrap() {
            values.push((column.clone(), row.get::<String, _>(0)));
        }
    }
    values
}

/// Where the database knows any of these.
async fn places(app: &App, marks: &[&str]) -> Vec<String> {
    let mut places = Vec::new();
    for (column, value) in dump(app).await {
        let value = value.to_lowercase();
        for mark in marks.iter().filter(|mark| value.contains(&mark.to_lowercase())) {
            places.push(format!("{column}: {mark}"));
        }
    }
    places.sort();
    places.dedup();
    places
}

/// Every text in a value.
fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, into)),
        Value::Object(members) => members.values().for_each(|value| texts(value, into)),
        _ => {}
    }
}

/// What the database has of the person in its columns of people, and the export does not say.
async fn untold(app: &App, export: &Value) -> Vec<String> {
    let mut told = Vec::new();
    texts(export, &mut told);
    let is_to_be_told = |column: &str| {
        let table = column.split('.').next().unwrap_or_default();
        OF_PEOPLE.iter().any(|(known, _)| *known == column)
            && !NOT_TOLD.iter().any(|(known, _)| *known == column || *known == format!("{table}.*"))
    };
    let mut untold = Vec::new();
    for (column, value) in dump(app).await.into_iter().filter(|(column, _)| is_to_be_told(column)) {
        let mut parts = Vec::new();
        match serde_json::from_str::<Value>(&value) {
            Ok(json) if json.is_object() || json.is_array() => texts(&json, &mut parts),
            _ => parts.push(value),
        }
        let is_theirs = |text: &String| MARKS.iter().any(|mark| text.to_lowercase().contains(&mark.to_lowercase()));
        let missing = parts.into_iter().filter(is_theirs).filter(|text| !told.contains(text));
        untold.extend(missing.map(|text| format!("{column}: {text}")));
    }
    untold
}

/// Until nothing is on its way any more.
async fn settled(app: &App) {
    let settled = || async {
        let mut conn = app.shop.db().read().await.unwrap();
        let waiting = kassa::db::sql::one!(
            conn,
            (i64,),
            "select (select count(*) from events where sent_at is null) + (select count(*) from messages where status = 'queued')
                  + (select count(*) from account_letters)"
        );
        (waiting.unwrap().0 == 0).then_some(())
    };
    app.eventually("everything is told", settled).await;
}

const PASSWORD: &str = "a long enough password";
const MARKS: [&str; 8] = [
    "Zuleika",
    "Quartermain",
    "Kesselgasse",
    "zuleika@example.org",
    "7946 0123",
    "79460123",
    "Lovelace-Browser",
    "Rings twice",
];

/// With an `Idempotency-Key`, so that the answer is kept.
async fn check_out_under_a_key(app: &App, shopper: &Shopper<'_>, token: Option<&str>) {
    let total = shopper.show().await["total"].clone();
    let body =
        json!({ "payment_method": "payment-emulator:card", "payment_token": "tok-approve", "expected_total": total });
    let request = app.client.post(format!("{}/v1/carts/{}/checkout", app.url, shopper.cart));
    let request = request.header("idempotency-key", kassa::id::unguessable().to_string()).json(&body);
    let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
    crate::support::app::Answer::of(request).await.expect(201);
}

/// What staff does for a customer and writes about them: invoices, a refund, a return, credit, and a draft of another order.
async fn serve(app: &App, owner: &str, customer: &str) {
    let send = async |method: Method, path: &str, body: Value| {
        let request = app.client.request(method, format!("{}/v1/admin{path}", app.url)).bearer_auth(owner);
        let request = request.header("idempotency-key", kassa::id::unguessable().to_string());
        crate::support::app::Answer::of(request.json(&body)).await
    };
    let orders = app.send(Method::GET, "/v1/admin/orders", Some(owner), None).await.expect(200);
    for order in orders["items"].as_array().unwrap() {
        let path = format!("/orders/{}", order["id"].as_str().unwrap());
        let invoice = format!("{}/v1/admin{path}/invoice", app.url);
        let invoice = app.client.get(invoice).bearer_auth(owner).header("accept", "text/html").send().await.unwrap();
        assert!(invoice.text().await.unwrap().contains("Kesselgasse 7"));
        let refund = json!({ "amount": 1, "reason": format!("Mrs Quartermain called about {}", order["number"]) });
        send(Method::POST, &format!("{path}/refunds"), refund).await.expect(201);
        let shipment = send(Method::POST, &format!("{path}/shipments"), json!({})).await.expect(201);
        let told = json!({ "status": "note", "text": "Zuleika is at home" });
        let events = format!("/shipments/{}/tracking-events", shipment["id"].as_str().unwrap());
        let told = send(Method::POST, &events, told).await;
        assert!(told.status < 300, "{}", told.body);
    }
    let credit = json!({ "amount": 100, "reason": "For Mrs Quartermain's patience" });
    send(Method::POST, &format!("/customers/{customer}/credit"), credit).await.expect(201);
    let address = json!({ "name": "Zuleika Quartermain", "street": "Kesselgasse 7", "city": "Bern", "postcode": "3011", "country": "CH" });
    let lines = json!([{ "sku": "TEA-SENCHA-100", "quantity": 1 }]);
    for whose in [json!({ "customer_id": customer }), json!({ "email": "Zuleika@Example.org" })] {
        let mut draft = json!({ "address": address, "lines": lines, "note": format!("Zuleika calls again: {whose}") });
        draft.as_object_mut().unwrap().extend(whose.as_object().unwrap().clone());
        send(Method::POST, "/drafts", draft).await.expect(201);
    }
}

/// Somebody who used everything that remembers people.
async fn busy_person(app: &App) -> (String, Value) {
    let send = async |method: Method, path: &str, token: &str, body: Value| {
        app.send(method, path, Some(token), Some(body)).await
    };
    let body = json!({ "email": "Zuleika@example.org", "password": PASSWORD, "name": "Zuleika Quartermain" });
    let request =
        app.client.post(format!("{}/v1/auth/register", app.url)).header("user-agent", "Lovelace-Browser/1").json(&body);
    let registered = crate::support::app::Answer::of(request).await.expect(201);
    let token = registered["access_token"].as_str().unwrap().to_owned();
    send(Method::PATCH, "/v1/me", &token, json!({ "phone": "+44 20 7946 0123" })).await.expect(200);
    let address = json!({ "name": "Zuleika Quartermain", "street": "Kesselgasse 7", "city": "Bern", "postcode": "3011", "country": "CH",
        "phone": "+44 20 7946 0123" });
    let entry = json!({ "label": "Quartermain", "address": address });
    send(Method::POST, "/v1/me/addresses", &token, entry).await.expect(201);
    let consent = json!({ "given": true, "source": "checkout" });
    send(Method::PUT, "/v1/me/consents/marketing", &token, consent).await.expect(200);
    for (paid, signed_in) in [(true, true), (false, true), (true, false)] {
        let shopper = if signed_in { Shopper::signed_in(app, &token).await } else { Shopper::guest(app).await };
        shopper.prepare("TEA-SENCHA-100", 1).await;
        let engraved =
            json!({ "sku": "TEA-EARL-GREY-100", "quantity": 1, "attributes": { "engraving": "For Zuleika" } });
        shopper.send(Method::POST, "/lines", Some(engraved)).await.expect(200);
        let words = json!({ "attributes": { "heard-of-us": format!("Mr Quartermain, {paid} {signed_in}") } });
        shopper.send(Method::PATCH, "", Some(words)).await.expect(200);
        // A guest types it as it comes.
        let email = if signed_in { "zuleika@example.org" } else { "ZULEIKA@Example.org" };
        shopper.put("email", json!({ "email": email })).await.expect(200);
        shopper.put("address", address.clone()).await.expect(200);
        shopper.put("billing-address", address.clone()).await.expect(200);
        let options = shopper.send(Method::GET, "/delivery-options", None).await.expect(200);
        shopper.put("delivery-option", json!({ "id": options[0]["id"] })).await.expect(200);
        if paid {
            check_out_under_a_key(app, &shopper, signed_in.then_some(token.as_str())).await;
        }
    }
    app.post("/v1/auth/forgot-password", json!({ "email": "zuleika@example.org" })).await.expect(202);
    let key = "0123456789abcdef-an-idempotency-key";
    let request =
        app.client.post(format!("{}/v1/me/addresses", app.url)).bearer_auth(&token).header("idempotency-key", key);
    crate::support::app::Answer::of(request.json(&json!({ "label": "Again", "address": address }))).await.expect(201);
    // She tries the door of the staff.
    send(Method::POST, "/v1/admin/categories", &token, json!({ "name": "Zuleika" })).await.problem("forbidden");
    (token, registered["customer"].clone())
}

async fn prove_address(app: &App) {
    let mut tx = app.shop.db().write().await.unwrap();
    let proved = kassa::db::sql::execute!(
        tx,
        "update customers set email_confirmed_at = created_at where email_key = 'zuleika@example.org'"
    );
    assert_eq!(proved.unwrap(), 1);
    tx.commit().await.unwrap();
}

api_test! {
    async fn nothing_in_the_database_knows_who_was_forgotten(app: App) {
        let owner = app.merchant().await;
        // Nobody is there: what it is told waits.
        let hook = json!({ "url": "https://hooks.example.invalid/kassa", "kinds": ["order.placed"] });
        app.send(Method::POST, "/v1/admin/webhooks", Some(&owner), Some(hook)).await.expect(201);
        let (token, customer) = busy_person(&app).await;
        prove_address(&app).await;
        let path = format!("/v1/admin/customers/{}", customer["id"].as_str().unwrap());
        let change = json!({ "note": "Rings twice, Mrs Quartermain" });
        app.send(Method::PATCH, &path, Some(&owner), Some(change)).await.expect(200);
        settled(&app).await;
        serve(&app, &owner, customer["id"].as_str().unwrap()).await;
        settled(&app).await;
        let before = places(&app, &MARKS).await;
        for known in ["invoices.sheet: Kesselgasse", "carts.email_key: zuleika@example.org", "messages.recipient_key: zuleika@example.org", "orders.attributes: Quartermain", "order_lines.attributes: Zuleika", "order_receipts.input: Zuleika", "drafts.wishes: Kesselgasse", "refunds.reason: Quartermain", "prepaid_entries.reason: Quartermain", "tracking_events.text: Zuleika", "customers.name: Quartermain", "orders.address: Kesselgasse", "messages.recipient: zuleika@example.org", "carts.address: Kesselgasse", "idempotency_keys.body: Kesselgasse", "audit_entries.body: Rings twice", "events.data: Quartermain", "webhook_messages.body: Kesselgasse", "orders.billing_address: Kesselgasse"] {
            assert!(before.iter().any(|place| place == known), "the test would not see {known}: {before:#?}");
        }
        let export = app.send(Method::GET, &format!("{path}/export"), Some(&owner), None).await.expect(200);
        let untold = untold(&app, &export).await;
        assert!(untold.is_empty(), "known, and not told: {untold:#?}");
        let orders = export["orders"].as_array().unwrap();
        assert_eq!(orders.len(), 2, "as customer, and as guest with the proved address");
        assert!(orders.iter().all(|order| order["history"][0]["status"] == "new" && order["refunds"].is_array()));
        for (member, expected) in [("drafts", 2), ("payments", 2), ("documents", 2), ("shipments", 2), ("store_credit", 1), ("carts", 3)] {
            let told = export[member].as_array().unwrap_or_else(|| panic!("no {member}"));
            assert!(told.len() >= expected, "{member}: {told:?}");
        }
        assert_eq!(export["payments"][0]["status"], "partially_refunded");
        let erase = format!("{path}/erase");
        assert_eq!(app.send(Method::POST, &erase, Some(&owner), None).await.status, 204);
        settled(&app).await;
        let after = places(&app, &MARKS).await;
        assert!(after.is_empty(), "still known: {after:#?}");
        app.send(Method::GET, "/v1/me", Some(&token), None).await.problem("invalid-token");
        let drafts = app.send(Method::GET, "/v1/admin/drafts", Some(&owner), None).await.expect(200);
        assert_eq!(drafts["items"], json!([]));

        // What the books need is there, and it is nobody's to look at.
        let orders = app.send(Method::GET, "/v1/admin/orders", Some(&owner), None).await.expect(200);
        let orders = orders["items"].as_array().unwrap();
        assert_eq!(orders.len(), 2, "as customer, and as guest with the proved address");
        for order in orders {
            let id = order["id"].as_str().unwrap();
            let order = app.send(Method::GET, &format!("/v1/admin/orders/{id}"), Some(&owner), None).await.expect(200);
            assert_eq!((&order["address"]["country"], &order["address"]["postcode"]), (&json!("CH"), &json!("30")));
            assert_eq!(order["lines"][0]["sku"], "TEA-SENCHA-100");
            assert!(order["amounts"]["captured"].as_i64().unwrap() > 0);
            let invoice = app.client.get(format!("{}/v1/admin/orders/{id}/invoice", app.url)).bearer_auth(&owner);
            let invoice = invoice.header("accept", "text/html").send().await.unwrap().text().await.unwrap();
            assert!(invoice.contains("TEA-SENCHA-100") && invoice.contains("-00000"), "number and goods stay: {invoice}");
            let order = kassa::orders::get_any(&app.shop, id.parse().unwrap()).await.unwrap().order;
            kassa::orders::receipts::verify(&app.shop, &order).await.expect("the price is derived all the same");
        }
        crate::support::audit::audit(&app).await;

        // Again is no error, and tells nothing a second time.
        assert_eq!(app.send(Method::POST, &erase, Some(&owner), None).await.status, 204);
        let deleted = dump(&app).await.into_iter().filter(|(column, kind)| column == "events.kind" && kind == "user.deleted");
        assert_eq!(deleted.count(), 1);
        let consents = dump(&app).await.into_iter().filter(|(column, _)| column == "consents.source");
        assert_eq!(consents.count(), 1, "the proof stays");
    }
}

api_test! {
    async fn orders_under_an_address_that_nobody_proved_stay_as_they_are(app: App) {
        let (_, customer) = busy_person(&app).await;
        let owner = app.merchant().await;
        settled(&app).await;
        let erase = format!("/v1/admin/customers/{}/erase", customer["id"].as_str().unwrap());
        assert_eq!(app.send(Method::POST, &erase, Some(&owner), None).await.status, 204);
        let after = places(&app, &["Kesselgasse"]).await;
        assert!(after.contains(&"orders.address: Kesselgasse".to_owned()), "a guest's, whoever that was: {after:?}");
        assert!(after.iter().any(|place| place.starts_with("messages.")), "and so is what they were told: {after:?}");
        let left = dump(&app).await.into_iter().filter(|(column, value)| column == "orders.email" && !value.is_empty());
        assert_eq!(left.count(), 1);
    }
}

/// A guest's order that staff made on the telephone and was paid by hand, and drafts that came to nothing.
async fn call_the_counter(app: &App, owner: &str) {
    let send = async |method: Method, path: &str, body: Option<Value>| {
        app.send(method, &format!("/v1/admin{path}"), Some(owner), body).await
    };
    let address = json!({ "name": "Zuleika Quartermain", "street": "Kesselgasse 7", "city": "Bern", "postcode": "3011", "country": "CH" });
    let lines = json!([{ "sku": "TEA-SENCHA-100", "quantity": 1 }]);
    let wishes = json!({ "email": "Zuleika@Example.org", "address": address, "lines": lines });
    let draft = send(Method::POST, "/drafts", Some(wishes.clone())).await.expect(201);
    let path = format!("/drafts/{}", draft["id"].as_str().unwrap());
    let options = send(Method::GET, &format!("{path}/delivery-options"), None).await.expect(200);
    let delivery = json!({ "delivery_option": options["options"][0]["id"] });
    let draft = send(Method::PATCH, &path, Some(delivery)).await.expect(200);
    let paid = json!({ "method": "cash of Mrs Quartermain", "reference": "Zuleika, 4711" });
    let paid = json!({ "expected_total": draft["price"]["total"], "paid": paid });
    let order = send(Method::POST, &format!("{path}/complete"), Some(paid)).await.expect(201);
    assert_eq!(order["status"], "paid");
    // What was refused, and what was thrown away.
    let mut refused = wishes.clone();
    refused["lines"] = json!([{ "sku": "NO-SUCH-TEA", "quantity": 1 }]);
    assert!((400..500).contains(&send(Method::POST, "/drafts", Some(refused)).await.status.into()));
    let draft = send(Method::POST, "/drafts", Some(wishes)).await.expect(201);
    let path = format!("/drafts/{}", draft["id"].as_str().unwrap());
    assert_eq!(send(Method::DELETE, &path, None).await.status, 204);
}

/// It was shipped, and comes back to the counter.
async fn bring_back(app: &App, owner: &str, order: &str) {
    let path = format!("/v1/admin/orders/{order}");
    app.send(Method::POST, &format!("{path}/ship"), Some(owner), None).await.expect(200);
    let back = json!({ "lines": [{ "line": 0, "quantity": 1, "restock": true }], "reason": "Zuleika brought it back" });
    app.send(Method::POST, &format!("{path}/refunds"), Some(owner), Some(back)).await.expect(201);
}

api_test! {
    async fn a_guest_without_an_account_is_told_everything_and_forgotten(app: App) {
        let owner = app.merchant().await;
        for email in ["zuleika@example.org", "ZULEIKA@example.org"] {
            let guest = Shopper::guest(&app).await;
            guest.prepare("TEA-SENCHA-100", 1).await;
            guest.put("email", json!({ "email": email })).await.expect(200);
            if email.starts_with('z') {
                let order = guest.check_out("tok-approve").await.expect(201);
                bring_back(&app, &owner, order["id"].as_str().unwrap()).await;
            }
        }
        let other = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        other.check_out("tok-approve").await.expect(201);
        call_the_counter(&app, &owner).await;
        settled(&app).await;
        let before = places(&app, &MARKS).await;
        for known in ["ledger_transactions.cause: Quartermain", "ledger_transactions.cause: Zuleika"] {
            assert!(before.iter().any(|place| place == known), "the test would not see {known}: {before:#?}");
        }
        // An account that did not prove the address stands in nobody's way, and has nothing of it.
        let squatter = app.customer("zuleika@example.org").await;
        let body = json!({ "email": " Zuleika@EXAMPLE.org " });
        let by_email = async |what: &str, token: &str| {
            app.send(Method::POST, &format!("/v1/admin/customers/by-email/{what}"), Some(token), Some(body.clone())).await
        };
        by_email("export", &squatter).await.problem("forbidden");
        let export = by_email("export", &owner).await.expect(200);
        assert_eq!((&export["account"], export["orders"].as_array().unwrap().len()), (&Value::Null, 2));
        assert_eq!(export["carts"].as_array().unwrap().len(), 2);
        assert!(!export.to_string().contains("ada@example.org"));
        assert_eq!(by_email("erase", &owner).await.status, 204);
        settled(&app).await;
        // The account is somebody's who is called so, too.
        let after = places(&app, &["Quartermain", "Kesselgasse", "Zuleika,", "brought it back"]).await;
        assert!(after.is_empty(), "still known: {after:#?}");
        let mut conn = app.shop.db().read().await.unwrap();
        let told = kassa::db::sql::one!(
            conn,
            (i64,),
            "select count(*) from messages where customer_id is null and recipient_key = 'zuleika@example.org'"
        );
        assert_eq!(told.unwrap().0, 0);
        drop(conn);
        let export = by_email("export", &owner).await.expect(200);
        assert_eq!((&export["orders"], &export["carts"], &export["drafts"]), (&json!([]), &json!([]), &json!([])));
        let left = dump(&app).await.into_iter().filter(|(column, value)| column == "orders.email" && !value.is_empty());
        assert_eq!(left.count(), 1, "another guest's");
        // Whoever proved the address is asked for as themselves.
        prove_address(&app).await;
        by_email("export", &owner).await.problem("email-taken");
        by_email("erase", &owner).await.problem("email-taken");
        crate::support::audit::audit(&app).await;
    }
}

async fn run(app: &App, statement: &'static str) {
    let url = &app.shop.config().database.url;
    match app.backend {
        Backend::Sqlite => {
            let mut conn = SqliteConnection::connect(url).await.unwrap();
            sqlx::query(statement).execute(&mut conn).await.unwrap();
        }
        Backend::Postgres => {
            let mut conn = PgConnection::connect(url).await.unwrap();
            sqlx::query(statement).execute(&mut conn).await.unwrap();
        }
    }
}

api_test! {
    async fn what_is_still_to_be_told_tells_of_nobody_who_was_forgotten(app: App) {
        let owner = app.merchant().await;
        let hook = json!({ "url": "https://hooks.example.invalid/kassa", "kinds": ["order.paid"] });
        app.send(Method::POST, "/v1/admin/webhooks", Some(&owner), Some(hook)).await.expect(201);
        let (_, customer) = busy_person(&app).await;
        prove_address(&app).await;
        settled(&app).await;
        // One consumer has had them and another waits, as after a plugin failed.
        run(&app, "update events set sent_at = null, next_attempt_at = '2100-01-01T00:00:00+00:00' where kind like 'order.%'").await;
        let before = places(&app, &["Kesselgasse"]).await;
        assert!(before.contains(&"webhook_messages.body: Kesselgasse".to_owned()), "{before:?}");
        let erase = format!("/v1/admin/customers/{}/erase", customer["id"].as_str().unwrap());
        assert_eq!(app.send(Method::POST, &erase, Some(&owner), None).await.status, 204);
        let after = places(&app, &["Kesselgasse"]).await;
        assert_eq!(after, ["events.data: Kesselgasse"], "what waits is told first, and to nobody again");
        run(&app, "delete from consumed_events where consumer like 'notifications/%'").await;
        run(&app, "update events set next_attempt_at = occurred_at where sent_at is null").await;
        app.shop.relay().wake();
        settled(&app).await;
        let said = places(&app, &["zuleika"]).await;
        assert!(!said.iter().any(|place| place.starts_with("messages.") || place.starts_with("inbox_items.")), "{said:?}");
    }
}
