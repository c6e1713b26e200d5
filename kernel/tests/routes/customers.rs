//! Customers, as the merchant sees them, and what people do with their own data.

use kassa::db::sql;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::shopper::{Shopper, address};

const PASSWORD: &str = "a long enough password";
const CUSTOMERS: &str = "/v1/admin/customers";

async fn register(app: &App, email: &str, name: &str) -> Value {
    let body = json!({ "email": email, "password": PASSWORD, "name": name });
    app.post("/v1/auth/register", body).await.expect(201)
}

fn path(customer: &Value, rest: &str) -> String {
    format!("{CUSTOMERS}/{}{rest}", customer["id"].as_str().unwrap())
}

async fn send(app: &App, method: Method, path: &str, token: &str, body: Value) -> Answer {
    app.send(method, path, Some(token), Some(body)).await
}

async fn get(app: &App, path: &str, token: &str) -> Answer {
    app.send(Method::GET, path, Some(token), None).await
}

/// The names of a list, page by page.
async fn names(app: &App, query: &str, clerk: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(app, &format!("{CUSTOMERS}?limit=2&{query}{cursor}"), clerk).await.expect(200);
        let items = page["items"].as_array().unwrap();
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return names,
        }
    }
}

api_test! {
    async fn customers_are_listed_searched_and_sorted(app: App) {
        // Of staff, who have accounts too, none has a name here.
        let clerk = app.staff(&["customers"]).await;
        for (email, name) in [
            ("zoe@example.org", "Zoë Ångström"),
            ("a.turing@example.org", "Alan Turing"),
            ("grace@example.org", "Grace Brewster Murray-Hopper"),
            ("Ada@Example.org", "ada lovelace"),
        ] {
            register(&app, email, name).await;
        }
        let alan = app.log_in("a.turing@example.org", PASSWORD).await;
        send(&app, Method::PATCH, "/v1/me", &alan, json!({ "phone": "+44 (161) 306-6000" })).await.expect(200);
        let named = async |query: &str| {
            let names = names(&app, query, &clerk).await;
            names.into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>()
        };
        let (zoe, alan_turing, grace, ada) = ("Zoë Ångström", "Alan Turing", "Grace Brewster Murray-Hopper", "ada lovelace");
        for (query, expected) in [
            ("", vec![ada, grace, alan_turing, zoe]),
            ("sort=newest", vec![ada, grace, alan_turing, zoe]),
            ("sort=oldest", vec![zoe, alan_turing, grace, ada]),
            ("sort=name", vec![ada, alan_turing, grace, zoe]),
            ("sort=email", vec![alan_turing, ada, grace, zoe]),
            ("q=ADA", vec![ada]),
            ("q=hopp+gra", vec![grace]),
            ("q=murray-h", vec![grace]),
            ("q=%C3%A5ng", vec![zoe]),
            ("q=a.tur", vec![alan_turing]),
            ("q=ada@example.org", vec![ada]),
            ("q=%2B44+161", vec![alan_turing]),
            ("q=a&sort=name", vec![ada, alan_turing]),
            ("q=urray", vec![]),
            ("q=%25", vec![]),
            ("disabled=true", vec![]),
            ("erased=true", vec![]),
        ] {
            assert_eq!(named(query).await, expected, "{query}");
        }
        // What is found by follows the profile.
        send(&app, Method::PATCH, "/v1/me", &alan, json!({ "name": "A. M. Turing", "phone": "" })).await.expect(200);
        assert_eq!(named("q=alan").await, Vec::<String>::new());
        assert_eq!(named("q=44161").await, Vec::<String>::new());
        assert_eq!(named("q=m.").await, ["A. M. Turing"]);

        let cursor = get(&app, &format!("{CUSTOMERS}?limit=1&sort=name"), &clerk).await.expect(200)["next_cursor"].clone();
        let other = format!("{CUSTOMERS}?sort=email&cursor={}", cursor.as_str().unwrap());
        for query in [other, format!("{CUSTOMERS}?cursor=x"), format!("{CUSTOMERS}?limit=101"), format!("{CUSTOMERS}?q={}", "x".repeat(201))] {
            get(&app, &query, &clerk).await.problem("invalid-request");
        }
        get(&app, &format!("{CUSTOMERS}?sort=age"), &clerk).await.problem("malformed-request");
        get(&app, CUSTOMERS, &app.staff(&["orders"]).await).await.problem("forbidden");
    }
}

api_test! {
    async fn who_is_disabled_is_out_at_once_and_stays_out(app: App) {
        let clerk = app.staff(&["customers"]).await;
        let ada = register(&app, "ada@example.org", "Ada").await;
        let (customer, token) = (&ada["customer"], ada["access_token"].as_str().unwrap());
        let seen = get(&app, &path(customer, ""), &clerk).await;
        let tag = seen.headers["etag"].to_str().unwrap().to_owned();
        let patch = async |tag: &str, body: Value| {
            let request = app.client.patch(format!("{}{}", app.url, path(customer, "")));
            Answer::of(request.bearer_auth(&clerk).header("if-match", tag).json(&body)).await
        };
        let change = json!({ "disabled": true, "note": "Chargebacks" });
        let changed = patch(&tag, change.clone()).await;
        assert_ne!(changed.headers["etag"], tag);
        let body = changed.expect(200);
        assert_eq!((&body["disabled"], &body["note"]), (&json!(true), &json!("Chargebacks")));
        assert!(body["disabled_at"].is_string());
        patch(&tag, change).await.problem("precondition-failed");

        get(&app, "/v1/me", token).await.problem("invalid-token");
        app.post("/v1/auth/refresh", json!({ "refresh_token": ada["refresh_token"] })).await.problem("invalid-token");
        let login = |password: &str| json!({ "email": "ada@example.org", "password": password });
        app.post("/v1/auth/login", login(PASSWORD)).await.problem("account-disabled");
        app.post("/v1/auth/login", login("not her password")).await.problem("invalid-credentials");
        assert_eq!(names(&app, "disabled=true", &clerk).await, ["Ada"]);
        assert_eq!(names(&app, "disabled=false&q=ada", &clerk).await, Vec::<String>::new());

        send(&app, Method::PATCH, &path(customer, ""), &clerk, json!({ "disabled": false, "name": " Ada L. " })).await.expect(200);
        let again = app.log_in("ada@example.org", PASSWORD).await;
        let me = get(&app, "/v1/me", &again).await.expect(200);
        assert_eq!((&me["name"], me.get("note")), (&json!("Ada L."), None));
        get(&app, "/v1/me", token).await.problem("invalid-token");
        // A session that began while the account was being disabled is worth nothing, either.
        let mut tx = app.shop.db().write().await.unwrap();
        sql::execute!(tx, "update customers set disabled_at = created_at where email_key = 'ada@example.org'").unwrap();
        tx.commit().await.unwrap();
        get(&app, "/v1/me", &again).await.problem("invalid-token");

        for body in [json!({ "name": "x".repeat(201) }), json!({ "locale": "english" }), json!({ "email": "x@example.org" }), json!({ "phone": "1\n2" })] {
            send(&app, Method::PATCH, &path(customer, ""), &clerk, body).await.problem("invalid-request");
        }
        let nobody = json!({ "id": "019a0000-0000-7000-8000-000000000000" });
        send(&app, Method::PATCH, &path(&nobody, ""), &clerk, json!({})).await.problem("not-found");
        get(&app, &path(&nobody, ""), &clerk).await.problem("not-found");
        get(&app, &path(&nobody, "/export"), &clerk).await.problem("not-found");
    }
}

api_test! {
    async fn those_who_work_for_the_shop_are_staffs_affair(app: App) {
        let clerk = app.staff(&["customers"]).await;
        let owner = app.log_in("owner@example.org", "correct horse battery staple").await;
        let boss = get(&app, "/v1/me", &owner).await.expect(200);
        send(&app, Method::PATCH, &path(&boss, ""), &clerk, json!({ "disabled": true })).await.problem("works-for-shop");
        for (method, rest) in [(Method::POST, "/erase"), (Method::DELETE, "/second-factor")] {
            app.send(method, &path(&boss, rest), Some(&clerk), None).await.problem("works-for-shop");
        }
        send(&app, Method::DELETE, "/v1/me", &owner, json!({ "password": "correct horse battery staple" })).await.problem("works-for-shop");
        get(&app, "/v1/me", &owner).await.expect(200);
    }
}

api_test! {
    async fn a_customer_is_shown_with_what_they_spent(app: App) {
        let clerk = app.staff(&["customers", "refunds", "orders"]).await;
        let ada = register(&app, "ada@example.org", "Ada").await;
        let eve = register(&app, "eve@example.org", "Eve").await;
        let mut orders = Vec::new();
        for (who, payment) in [(&ada, "tok-approve"), (&ada, "tok-approve"), (&eve, "tok-approve")] {
            let shopper = Shopper::signed_in(&app, who["access_token"].as_str().unwrap()).await;
            shopper.prepare("TEA-SENCHA-100", 2).await;
            orders.push(shopper.check_out(payment).await.expect(201));
        }
        let refund = format!("/v1/admin/orders/{}/refunds", orders[0]["id"].as_str().unwrap());
        send(&app, Method::POST, &refund, &clerk, json!({ "amount": 100, "reason": "late" })).await.expect(201);
        let total: i64 = orders[..2].iter().map(|order| order["total"].as_i64().unwrap()).sum();
        let spent = async || get(&app, &path(&ada["customer"], ""), &clerk).await.expect(200);
        let refunded = || async { Some(spent().await).filter(|shown| shown["spent"][0]["amount"] == total - 100) };
        let shown = app.eventually("the refund", refunded).await;
        assert_eq!(shown["orders"], 2);
        assert_eq!(shown["spent"].as_array().unwrap().len(), 1);
        assert_eq!(shown["spent"][0]["currency"], "EUR");
        assert!(shown["last_order_at"].is_string());
        let bob = register(&app, "bob@example.org", "Bob").await;
        let shown = get(&app, &path(&bob["customer"], ""), &clerk).await.expect(200);
        assert_eq!((&shown["orders"], &shown["spent"], &shown["last_order_at"]), (&json!(0), &json!([]), &json!(null)));
    }
}

api_test! {
    async fn an_export_has_all_of_one_person_and_nothing_of_another(app: App) {
        let clerk = app.staff(&["customers", "orders"]).await;
        let ada = register(&app, "ada@example.org", "Ada Lovelace").await;
        let token = ada["access_token"].as_str().unwrap();
        let eve = register(&app, "eve@example.org", "Eve Moriarty").await;
        let entry = json!({ "label": "Home", "address": address() });
        send(&app, Method::POST, "/v1/me/addresses", token, entry).await.expect(201);
        for given in [true, false] {
            let consent = json!({ "given": given, "source": "settings" });
            send(&app, Method::PUT, "/v1/me/consents/marketing", token, consent).await.expect(200);
        }
        let shopper = Shopper::signed_in(&app, token).await;
        shopper.prepare("TEA-SENCHA-100", 2).await;
        let order = shopper.check_out("tok-approve").await.expect(201);
        let others = Shopper::signed_in(&app, eve["access_token"].as_str().unwrap()).await;
        others.prepare("TEA-SENCHA-100", 1).await;
        for order in [&order, &others.check_out("tok-approve").await.expect(201)] {
            let shipped = format!("/v1/admin/orders/{}/shipments", order["id"].as_str().unwrap());
            let tracking = json!({ "tracking_number": format!("T-{}", order["number"]) });
            let shipment = send(&app, Method::POST, &shipped, &clerk, tracking).await.expect(201);
            let dispatch = format!("/v1/admin/shipments/{}/dispatch", shipment["id"].as_str().unwrap());
            app.send(Method::POST, &dispatch, Some(&clerk), None).await.expect(200);
        }
        let back = json!({ "lines": [{ "line": 0, "quantity": 1, "reason": "damaged", "note": "the lid is dented" }] });
        send(&app, Method::POST, &format!("/v1/orders/{}/returns", order["id"].as_str().unwrap()), token, back).await.expect(201);
        Shopper::signed_in(&app, token).await.prepare("POT-GLASS-1L", 1).await;
        let told = || async {
            let mine = get(&app, "/v1/me/export", token).await.expect(200);
            let messages = mine["notifications"]["messages"].as_array().unwrap().len();
            (messages >= 2).then_some(mine)
        };
        let mine = app.eventually("the mails of the order", told).await;
        let answer = get(&app, &path(&ada["customer"], "/export"), &clerk).await;
        let disposition = answer.headers["content-disposition"].to_str().unwrap().to_owned();
        assert!(disposition.starts_with("attachment; filename=\"customer-"), "{disposition}");
        let theirs = answer.expect(200);
        let account = &theirs["account"];
        assert_eq!((&account["email"], &account["name"]), (&json!("ada@example.org"), &json!("Ada Lovelace")));
        assert_eq!(account["addresses"][0]["address"]["street"], address()["street"]);
        assert_eq!(account["consents"].as_array().unwrap().len(), 2);
        assert_eq!(account["sessions"].as_array().unwrap().len(), 1);
        assert_eq!(theirs["orders"][0]["number"], order["number"]);
        assert_eq!(theirs["orders"][0]["lines"][0]["sku"], "TEA-SENCHA-100");
        let (shipments, returns) = (theirs["shipments"].as_array().unwrap(), theirs["returns"].as_array().unwrap());
        assert_eq!((shipments.len(), returns.len()), (1, 1), "and nobody else's");
        assert_eq!(shipments[0]["tracking"]["number"], format!("T-{}", order["number"]));
        assert_eq!((&shipments[0]["order_id"], &shipments[0]["lines"]), (&order["id"], &json!([{ "line": 0, "quantity": 2 }])));
        assert_eq!((&returns[0]["order_id"], &returns[0]["lines"][0]["note"]), (&order["id"], &json!("the lid is dented")));
        let open: Vec<_> = theirs["carts"].as_array().unwrap().iter().filter(|cart| cart["order_id"].is_null()).collect();
        assert_eq!((open.len(), &open[0]["lines"][0]["sku"]), (1, &json!("POT-GLASS-1L")));
        assert_eq!(mine["account"], *account);
        assert!(!theirs.to_string().contains("Moriarty"));
        assert!(!theirs.to_string().contains("argon2"), "no hashes");
        app.get("/v1/me/export").await.problem("unauthenticated");
        get(&app, &path(&ada["customer"], "/export"), token).await.problem("forbidden");
    }
}

api_test! {
    async fn people_delete_their_account_once_nothing_is_under_way(app: App) {
        let clerk = app.staff(&["customers", "orders"]).await;
        let ada = register(&app, "ada@example.org", "Ada").await;
        let token = ada["access_token"].as_str().unwrap();
        let shopper = Shopper::signed_in(&app, token).await;
        shopper.prepare("TEA-SENCHA-100", 1).await;
        let order = shopper.check_out("tok-approve").await.expect(201);
        let delete = async |password: &str| send(&app, Method::DELETE, "/v1/me", token, json!({ "password": password })).await;
        delete("not my password").await.problem("invalid-credentials");
        assert_eq!(delete(PASSWORD).await.problem("orders-under-way")["orders"], 1);
        // Nothing of it has happened.
        assert_eq!(get(&app, "/v1/me", token).await.expect(200)["name"], "Ada");
        let ship = format!("/v1/admin/orders/{}/ship", order["id"].as_str().unwrap());
        let shipped = app.send(Method::POST, &ship, Some(&clerk), Some(json!({}))).await;
        assert!(shipped.status < 300, "{}", shipped.body);
        assert_eq!(delete(PASSWORD).await.status, 204);

        get(&app, "/v1/me", token).await.problem("invalid-token");
        let login = json!({ "email": "ada@example.org", "password": PASSWORD });
        app.post("/v1/auth/login", login).await.problem("invalid-credentials");
        let forgotten = get(&app, &path(&ada["customer"], ""), &clerk).await.expect(200);
        assert_eq!((&forgotten["name"], &forgotten["orders"]), (&json!(""), &json!(1)));
        assert!(forgotten["erased_at"].is_string());
        let nobody = forgotten["email"].as_str().unwrap();
        app.post("/v1/auth/login", json!({ "email": nobody, "password": PASSWORD })).await.problem("invalid-credentials");
        send(&app, Method::PATCH, &path(&ada["customer"], ""), &clerk, json!({ "name": "Ada" })).await.problem("account-erased");
        assert_eq!(names(&app, "q=ada", &clerk).await, Vec::<String>::new());
        assert_eq!(names(&app, "erased=true", &clerk).await, [""]);
        // The order is nobody's: not even of whoever knows its id.
        let path_of_order = format!("/v1/orders/{}", order["id"].as_str().unwrap());
        app.get(&path_of_order).await.problem("not-found");
        // The address is free, and brings nothing of before with it.
        let again = register(&app, "ada@example.org", "Ada").await;
        assert_ne!(again["customer"]["id"], ada["customer"]["id"]);
        let orders = get(&app, "/v1/orders", again["access_token"].as_str().unwrap()).await.expect(200);
        assert_eq!(orders["items"], json!([]));
    }
}

api_test! {
    async fn a_second_factor_guards_the_account_and_the_shop_can_take_it_away(app: App) {
        let clerk = app.staff(&["customers"]).await;
        let ada = register(&app, "ada@example.org", "Ada").await;
        let token = ada["access_token"].as_str().unwrap();
        let codes = super::second_factor::enrol(&app, token, PASSWORD).await.1;
        let shown = get(&app, &path(&ada["customer"], ""), &clerk).await.expect(200);
        assert_eq!(shown["second_factor"], true);
        send(&app, Method::DELETE, "/v1/me", token, json!({ "password": PASSWORD })).await.problem("invalid-code");
        let both = json!({ "password": PASSWORD, "code": "000000", "recovery_code": codes[0] });
        send(&app, Method::DELETE, "/v1/me", token, both).await.problem("invalid-request");

        let reset = path(&ada["customer"], "/second-factor");
        app.send(Method::DELETE, &reset, Some(&app.api_key(&["customers"]).await), None).await.problem("forbidden");
        assert_eq!(app.send(Method::DELETE, &reset, Some(&clerk), None).await.status, 204);
        get(&app, "/v1/me", token).await.problem("invalid-token");
        let token = app.log_in("ada@example.org", PASSWORD).await;
        let codes = super::second_factor::enrol(&app, &token, PASSWORD).await.1;
        let body = json!({ "password": PASSWORD, "recovery_code": codes[0] });
        assert_eq!(send(&app, Method::DELETE, "/v1/me", &token, body).await.status, 204);
    }
}
