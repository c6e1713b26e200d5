//! What somebody keeps with their account: addresses, settings, consents; and where they are signed in.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::shopper::{Shopper, address};

async fn send(app: &App, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
    app.send(method, path, Some(token), body).await
}

async fn get(app: &App, path: &str, token: &str) -> Value {
    send(app, Method::GET, path, token, None).await.expect(200)
}

/// Ids of the defaults for delivery and for billing.
async fn defaults(app: &App, token: &str) -> (Vec<Value>, Vec<Value>) {
    let book = get(app, "/v1/me/addresses", token).await;
    let of = |field: &str| {
        let entries = book.as_array().unwrap().iter().filter(|entry| entry[field] == true);
        entries.map(|entry| entry["id"].clone()).collect()
    };
    (of("default_delivery"), of("default_billing"))
}

api_test! {
    async fn an_address_book_has_one_default_of_each_as_soon_as_it_has_an_address(app: App) {
        let app = app.another(|config| config.accounts.max_addresses = 4).await;
        let stop = app.stopper();
        let (ada, bob) = (app.customer("ada@example.org").await, app.customer("bob@example.org").await);
        let entry = |label: &str, delivery: bool| {
            json!({ "label": label, "address": address(), "default_delivery": delivery })
        };
        let add = |label: &'static str, delivery: bool| {
            send(&app, Method::POST, "/v1/me/addresses", &ada, Some(entry(label, delivery)))
        };
        let home = add("Home", false).await.expect(201)["id"].clone();
        assert_eq!(defaults(&app, &ada).await, (vec![home.clone()], vec![home.clone()]));
        let office = add("Office", true).await.expect(201)["id"].clone();
        assert_eq!(defaults(&app, &ada).await, (vec![office.clone()], vec![home.clone()]));

        let path = format!("/v1/me/addresses/{}", home.as_str().unwrap());
        let renamed = json!({ "label": " Cottage ", "address": address() });
        assert_eq!(send(&app, Method::PUT, &path, &ada, Some(renamed.clone())).await.expect(200)["label"], "Cottage");
        send(&app, Method::PUT, &path, &bob, Some(renamed)).await.problem("not-found");
        let nowhere = "/v1/me/addresses/00000000-0000-7000-8000-0000000000ff";
        send(&app, Method::PUT, nowhere, &ada, Some(entry("Nowhere", true))).await.problem("not-found");
        assert_eq!(defaults(&app, &ada).await, (vec![office.clone()], vec![home.clone()]), "what is not there is no default");
        send(&app, Method::GET, &path, &bob, None).await.problem("not-found");
        send(&app, Method::DELETE, &path, &bob, None).await.problem("not-found");
        assert_eq!(get(&app, "/v1/me/addresses", &bob).await, json!([]));
        assert_eq!(get(&app, &path, &ada).await["address"]["city"], "Berlin");

        let mut nowhere = entry("Home", false);
        nowhere["address"]["country"] = json!("XX");
        nowhere["label"] = json!("x".repeat(61));
        let wrong = send(&app, Method::POST, "/v1/me/addresses", &ada, Some(nowhere)).await.problem("invalid-request");
        let pointers: Vec<_> = wrong["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
        assert_eq!(pointers, ["/label", "/address/country"]);

        let more = join_all((0..5).map(|_| add("One more", true))).await;
        let kept = more.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(kept, 2, "four at most: {more:?}");
        let (delivery, billing) = defaults(&app, &ada).await;
        assert_eq!((delivery.len(), billing), (1, vec![home.clone()]));

        assert_eq!(send(&app, Method::DELETE, &path, &ada, None).await.status, 204);
        assert_eq!(defaults(&app, &ada).await, (delivery, vec![office]), "the oldest that stays is the next");
        app.get("/v1/me/addresses").await.problem("unauthenticated");
        stop.stop().await;
    }
}

api_test! {
    async fn a_cart_takes_an_address_of_the_book(app: App) {
        let (ada, bob) = (app.customer("ada@example.org").await, app.customer("bob@example.org").await);
        let body = json!({ "address": address() });
        let saved = send(&app, Method::POST, "/v1/me/addresses", &ada, Some(body)).await.expect(201);
        let chosen = json!({ "address_id": saved["id"] });
        let cart = Shopper::signed_in(&app, &ada).await.put("address", chosen.clone()).await.expect(200);
        assert_eq!(cart["address"]["street"], saved["address"]["street"]);
        Shopper::signed_in(&app, &bob).await.put("address", chosen.clone()).await.problem("invalid-request");
        Shopper::guest(&app).await.put("address", chosen).await.problem("invalid-request");
        let both = json!({ "address_id": saved["id"], "city": "Berlin" });
        Shopper::signed_in(&app, &ada).await.put("address", both).await.problem("invalid-request");
    }
}

api_test! {
    async fn settings_and_consents_are_kept_with_their_proof(app: App) {
        let ada = app.customer("ada@example.org").await;
        let mut settings = get(&app, "/v1/me/settings", &ada).await;
        assert_eq!((&settings["notifications"]["order"]["email"], &settings["notifications"]["order"]["sms"]), (&json!(true), &json!(false)));
        settings["locale"] = json!("ru");
        settings["notifications"]["order"]["sms"] = json!(true);
        send(&app, Method::PUT, "/v1/me/settings", &ada, Some(settings.clone())).await.expect(200);
        assert_eq!(get(&app, "/v1/me/settings", &ada).await, settings);
        assert_eq!(get(&app, "/v1/me", &ada).await["locale"], "ru");
        let wrong = json!({ "locale": "russian", "notifications": settings["notifications"] });
        send(&app, Method::PUT, "/v1/me/settings", &ada, Some(wrong)).await.problem("invalid-request");

        let before = get(&app, "/v1/me/consents", &ada).await;
        assert_eq!((&before[0]["kind"], &before[0]["given"], &before[0]["at"]), (&json!("marketing"), &json!(false), &json!(null)));
        let change = |given: bool, source: &str| {
            let body = json!({ "given": given, "source": source });
            send(&app, Method::PUT, "/v1/me/consents/marketing", &ada, Some(body))
        };
        for (given, source) in [(true, "checkout"), (true, "again"), (false, "settings")] {
            assert_eq!(change(given, source).await.expect(200)["given"], given);
        }
        let changes = get(&app, "/v1/me/consents/marketing", &ada).await;
        let told: Vec<_> = changes["items"].as_array().unwrap().iter().map(|c| (&c["given"], &c["source"])).collect();
        assert_eq!(told, [(&json!(false), &json!("settings")), (&json!(true), &json!("checkout"))]);
        assert_eq!(get(&app, "/v1/me/consents/analytics", &ada).await["items"], json!([]));
        change(true, "").await.problem("invalid-request");
        let unknown = json!({ "given": true, "source": "x" });
        send(&app, Method::PUT, "/v1/me/consents/telepathy", &ada, Some(unknown)).await.problem("not-found");
        for path in ["/v1/me/settings", "/v1/me/consents", "/v1/me/consents/marketing"] {
            app.get(path).await.problem("unauthenticated");
        }
    }
}

api_test! {
    async fn sessions_are_listed_and_ended_one_by_one_or_all(app: App) {
        let first = app.customer("ada@example.org").await;
        let second = app.log_in("ada@example.org", "a long enough password").await;
        let body = json!({ "email": "ada@example.org", "password": "a long enough password" });
        let login = app.client.post(format!("{}/v1/auth/login", app.url)).header("user-agent", "Lovelace/1.0").json(&body);
        let here = Answer::of(login).await.expect(200)["access_token"].as_str().unwrap().to_owned();
        let bob = app.customer("bob@example.org").await;

        let listed = get(&app, "/v1/me/sessions", &here).await;
        let sessions = listed["items"].as_array().unwrap();
        assert_eq!(sessions.len(), 3);
        let current: Vec<_> = sessions.iter().filter(|session| session["current"] == true).collect();
        assert_eq!(current.len(), 1);
        assert_eq!((&current[0]["user_agent"], &current[0]["network"]), (&json!("Lovelace/1.0"), &json!("127.0.0.0/24")));

        let oldest = format!("/v1/me/sessions/{}", sessions[2]["id"].as_str().unwrap());
        send(&app, Method::DELETE, &oldest, &bob, None).await.problem("not-found");
        assert_eq!(send(&app, Method::DELETE, &oldest, &here, None).await.status, 204);
        send(&app, Method::DELETE, &oldest, &here, None).await.problem("not-found");
        send(&app, Method::GET, "/v1/me", &first, None).await.problem("invalid-token");
        get(&app, "/v1/me", &second).await;
        assert_eq!(send(&app, Method::DELETE, "/v1/me/sessions", &here, None).await.status, 204);
        send(&app, Method::GET, "/v1/me", &second, None).await.problem("invalid-token");
        assert_eq!(get(&app, "/v1/me/sessions", &here).await["items"].as_array().unwrap().len(), 1);
        get(&app, "/v1/me", &bob).await;
        app.get("/v1/me/sessions").await.problem("unauthenticated");
    }
}

api_test! {
    /// Each changes one field: neither may write back what the other has changed.
    async fn two_changes_of_a_profile_at_once_are_both_kept(app: App) {
        let ada = app.customer("ada@example.org").await;
        for round in 0..20 {
            let change = |field: &str| send(&app, Method::PATCH, "/v1/me", &ada, Some(json!({ field: round.to_string() })));
            let (name, phone) = futures_util::future::join(change("name"), change("phone")).await;
            name.expect(200);
            phone.expect(200);
            let me = get(&app, "/v1/me", &ada).await;
            assert_eq!((&me["name"], &me["phone"]), (&json!(round.to_string()), &json!(round.to_string())));
        }
    }
}

api_test! {
    /// Requests that were let in before the erasing was done.
    async fn nothing_is_kept_with_an_account_that_is_nobodys(app: App) {
        use kassa::accounts::{self, AddressEntry, Consent, Preferences};
        let ada = app.customer("ada@example.org").await;
        let me = get(&app, "/v1/me", &ada).await;
        let id: uuid::Uuid = me["id"].as_str().unwrap().parse().unwrap();
        let gone = send(&app, Method::DELETE, "/v1/me", &ada, Some(json!({ "password": "a long enough password" }))).await;
        assert_eq!(gone.status, 204, "{}", gone.body);

        let address = serde_json::from_value(crate::support::shopper::address()).unwrap();
        let entry = AddressEntry { label: "Home".into(), address, default_delivery: true, default_billing: true };
        accounts::add_address(&app.shop, id, &entry).await.unwrap_err();
        accounts::choose_preferences(&app.shop, id, "de", &Preferences::default()).await.unwrap_err();
        accounts::change_consent(&app.shop, id, Consent::Marketing, true, "a box").await.unwrap_err();
        let device = kassa::notifications::push_tokens::register(&app.shop, id, "token".into(), "ios".into()).await;
        device.unwrap_err();
        let new = kassa::reviews::NewReview { rating: 5, title: "Ada".into(), body: "Lovelace".into() };
        kassa::reviews::create(&app.shop, id, "sencha", new).await.unwrap_err();
        assert!(accounts::list_addresses(&app.shop, id).await.unwrap().is_empty());
    }
}
