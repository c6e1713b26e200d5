//! The audit log.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, Executor};

use crate::support::shopper::Shopper;
use crate::support::{App, Backend};

const LOG: &str = "/v1/admin/audit";

async fn entries(app: &App, token: &str, query: &str) -> Vec<Value> {
    let page = app.send(Method::GET, &format!("{LOG}{query}"), Some(token), None).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

api_test! {
    async fn changes_and_refused_attempts_are_kept_without_secrets(app: App) {
        let owner = app.merchant().await;
        let (clerk, key) = (app.staff(&["catalog", "reports"]).await, app.api_key(&["catalog"]).await);
        let product = json!({ "title": "Assam" });
        let made = app.send(Method::POST, "/v1/admin/products", Some(&clerk), Some(product)).await.expect(201);
        let path = format!("/v1/admin/products/{}", made["id"].as_str().unwrap());
        let renamed = json!({ "title": "Assam, second flush" });
        let request = app.client.patch(format!("{}{path}", app.url)).bearer_auth(&key).header("x-request-id", "the-rename");
        assert_eq!(request.json(&renamed).send().await.unwrap().status(), 200);
        let settings = json!({ "plugins": [{ "name": "payment-emulator", "settings": { "webhook_secret": "hush" } }] });
        app.send(Method::PUT, "/v1/admin/bindings/payment", Some(&owner), Some(settings.clone())).await.expect(200);
        app.send(Method::PUT, "/v1/admin/bindings/payment", Some(&clerk), Some(settings)).await.problem("forbidden");
        app.send(Method::DELETE, &path, None, None).await.problem("unauthenticated");
        // To look is no change.
        app.send(Method::GET, &path, Some(&clerk), None).await.expect(200);

        let all = entries(&app, &owner, "").await;
        let seen: Vec<_> = all.iter().map(|entry| (entry["operation"].as_str().unwrap(), entry["status"].clone())).collect();
        let expected = [
            ("delete_product", json!(401)),
            ("put_binding", json!(403)),
            ("put_binding", json!(200)),
            ("patch_product", json!(200)),
            ("create_product", json!(201)),
        ];
        assert_eq!(seen, expected, "the newest first");
        assert!(!json!(all).to_string().contains("hush"), "{all:?}");
        let [by_nobody, refused, _, rename, creation] = &all[..] else { panic!("five: {all:?}") };
        assert_eq!(by_nobody["actor"], json!({ "kind": "nobody", "id": null, "name": null }));
        assert_eq!(refused["actor"]["kind"], "person");
        assert_eq!((&rename["actor"]["kind"], &rename["actor"]["name"]), (&json!("api-key"), &json!("of a test")));
        assert_eq!((&rename["request_id"], &rename["address"]), (&json!("the-rename"), &json!("127.0.0.1")));
        assert_eq!((&rename["subject"], &rename["body"]), (&made["id"], &renamed));
        assert_eq!((&rename["method"], &rename["path"]), (&json!("PATCH"), &json!(path)));
        assert!(creation["actor"]["name"].as_str().unwrap().starts_with("staff-"));
        assert!(all.iter().all(|entry| entry["finished_at"].is_string()));
    }
}

/// Changes the schema under the feet of the shop.
async fn alter(app: &App, statement: &'static str) {
    let url = &app.shop.config().database.url;
    match app.backend {
        Backend::Sqlite => drop(sqlx::SqliteConnection::connect(url).await.unwrap().execute(statement).await.unwrap()),
        Backend::Postgres => drop(sqlx::PgConnection::connect(url).await.unwrap().execute(statement).await.unwrap()),
    }
}

api_test! {
    async fn without_its_entry_a_change_is_not_made(app: App) {
        let owner = app.merchant().await;
        let create = || app.send(Method::POST, "/v1/admin/categories", Some(&owner), Some(json!({ "name": "Unheard" })));
        alter(&app, "alter table audit_entries rename to elsewhere").await;
        create().await.problem("internal-error");
        let categories = app.get("/v1/categories").await.expect(200);
        assert!(!categories.to_string().contains("Unheard"), "{categories}");
        alter(&app, "alter table elsewhere rename to audit_entries").await;
        create().await.expect(201);
    }
}

api_test! {
    async fn entries_are_found_by_who_what_and_when(app: App) {
        let (owner, reader) = (app.merchant().await, app.staff(&["reports"]).await);
        let mut ids = Vec::new();
        for name in ["Green", "Black", "White"] {
            let made = app.send(Method::POST, "/v1/admin/categories", Some(&owner), Some(json!({ "name": name }))).await;
            ids.push(made.expect(201)["id"].as_str().unwrap().to_owned());
        }
        let path = format!("/v1/admin/categories/{}", ids[1]);
        app.send(Method::PATCH, &path, Some(&owner), Some(json!({ "name": "Black tea" }))).await.expect(200);
        app.send(Method::DELETE, &path, Some(&reader), None).await.problem("forbidden");
        let all = entries(&app, &reader, "").await;
        assert_eq!(all.len(), 5);
        let (me, middle) = (all[0]["actor"]["id"].as_str().unwrap(), all[2]["begun_at"].as_str().unwrap());
        let boss = all[1]["actor"]["id"].as_str().unwrap();
        for (query, count) in [
            (format!("?subject={}", ids[1]), 2),
            (format!("?subject={}&actor={me}", ids[1]), 1),
            (format!("?actor={boss}"), 4),
            (format!("?actor={boss}&operation=create_category"), 3),
            ("?operation=create_category&status=201".into(), 3),
            ("?status=403".into(), 1),
            ("?operation=no_such_operation".into(), 0),
            (format!("?actor={}", kassa::id::sequential()), 0),
            ("?since=2999-01-01T00:00:00Z".into(), 0),
            ("?until=2001-01-01T00:00:00Z".into(), 0),
            ("?since=2001-01-01T00:00:00Z&until=2999-01-01T00:00:00Z".into(), 5),
        ] {
            assert_eq!(entries(&app, &reader, &query).await.len(), count, "{query}");
        }
        assert!(entries(&app, &reader, &format!("?until={middle}")).await.len() <= 2);
        let first = app.send(Method::GET, &format!("{LOG}?limit=3"), Some(&reader), None).await.expect(200);
        let rest = format!("{LOG}?limit=3&cursor={}", first["next_cursor"].as_str().unwrap());
        let rest = app.send(Method::GET, &rest, Some(&reader), None).await.expect(200);
        assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (2, &Value::Null));
        for query in ["?status=99", "?subject=", "?limit=0", "?cursor=no"] {
            app.send(Method::GET, &format!("{LOG}{query}"), Some(&reader), None).await.problem("invalid-request");
        }
        app.send(Method::GET, &format!("{LOG}?who=me"), Some(&reader), None).await.problem("malformed-request");
    }
}

api_test! {
    /// Anybody can knock, with an account too: what that writes is bounded, what staff and keys do is not.
    async fn attempts_of_strangers_are_bounded_and_uploads_keep_a_digest(app: App) {
        let app = &app.another(|config| config.audit.strangers_per_minute = 3).await;
        let stop = app.stopper();
        let attempt = |token: String| async move {
            app.send(Method::POST, "/v1/admin/products", Some(&token), Some(json!({ "title": "Foisted" }))).await
        };
        let ada = app.customer("ada@example.org").await;
        for _ in 0..2 {
            attempt(ada.clone()).await.problem("forbidden");
            attempt("forged".into()).await.problem("invalid-token");
        }
        let (owner, clerk) = (app.merchant().await, app.staff(&["orders"]).await);
        let kinds: Vec<_> = entries(app, &owner, "").await.into_iter().map(|entry| entry["actor"]["kind"].clone()).collect();
        assert_eq!(kinds, ["person", "nobody", "person"]);
        for _ in 0..4 {
            attempt(clerk.clone()).await.problem("forbidden");
        }
        let all = entries(app, &owner, "").await;
        assert_eq!(all.len(), 7);
        assert!(all.iter().all(|entry| entry["body"].is_null()), "of what was refused none is kept: {all:?}");
        let upload = app.client.post(format!("{}/v1/admin/plugins", app.url)).bearer_auth(&owner);
        let upload = upload.header("content-type", "application/wasm").body("no component").send().await.unwrap();
        assert_eq!(upload.status(), 422);
        let entry = entries(app, &owner, "?operation=upload_plugin").await.remove(0);
        assert_eq!((&entry["body"], &entry["body_bytes"]), (&Value::Null, &json!(12)));
        assert_eq!(entry["body_sha256"].as_str().map(str::len), Some(64));
        stop.stop().await;
    }
}

api_test! {
    /// Who may look at figures sees what happened and who works how much, and nobody's data: a guest's order belongs to whoever knows its id.
    async fn figures_name_no_customers(app: App) {
        let owner = app.merchant().await;
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let order = shopper.check_out("tok-approve").await.expect(201);
        let order = order["id"].as_str().unwrap();
        let cancel = format!("/v1/admin/orders/{order}/cancel");
        app.send(Method::POST, &cancel, Some(&owner), Some(json!({}))).await.expect(200);
        let draft = json!({ "email": "guest@example.org", "lines": [] });
        let draft = app.send(Method::POST, "/v1/admin/drafts", Some(&owner), Some(draft)).await;
        let draft = draft.expect(201)["id"].as_str().unwrap().to_owned();
        let knocks = app.customer("ada@example.org").await;
        app.send(Method::POST, "/v1/admin/products", Some(&knocks), Some(json!({}))).await.problem("forbidden");
        let made = app.send(Method::POST, "/v1/admin/products", Some(&owner), Some(json!({ "title": "Assam" }))).await;
        let product = made.expect(201)["id"].as_str().unwrap().to_owned();

        let seen = async |token: &str| {
            let events = app.send(Method::GET, "/v1/admin/events?limit=100", Some(token), None).await.expect(200);
            let entries = app.send(Method::GET, &format!("{LOG}?limit=100"), Some(token), None).await.expect(200);
            (events["items"].as_array().unwrap().clone(), entries["items"].as_array().unwrap().clone())
        };
        let marks = [order, &draft, &shopper.cart, "guest@example.org", "merchant@example.org", "ada@example.org", "127.0.0.1"];
        let (events, entries) = seen(&app.api_key(&["reports:read"]).await).await;
        let all = json!([events, entries]).to_string();
        for mark in marks {
            assert!(!all.contains(mark), "{mark} in {all}");
        }
        let placed = events.iter().find(|event| event["type"] == "order.placed").unwrap();
        assert_eq!((&placed["subject"], &placed["data"]), (&json!(null), &json!(null)));
        let of = |operation: &str| entries.iter().find(|entry| entry["operation"] == operation && entry["status"] != 403).unwrap();
        assert_eq!((&of("create_draft")["path"], &of("create_draft")["body"]), (&json!(null), &json!(null)));
        // What goods are called is nobody's data.
        assert_eq!((&of("create_product")["path"], &of("create_product")["body"]["title"]), (&json!("/v1/admin/products"), &json!("Assam")));
        assert!(events.iter().any(|event| event["subject"] == product.as_str()), "{events:?}");

        let (events, entries) = seen(&app.api_key(&["reports:read", "customers:read"]).await).await;
        let all = json!([events, entries]).to_string();
        for mark in marks {
            assert!(all.contains(mark) || mark == shopper.cart, "{mark} is missing in {all}");
        }
    }
}

api_test! {
    async fn what_made_an_object_is_found_with_its_changes(app: App) {
        let owner = app.merchant().await;
        let made = app.send(Method::POST, "/v1/admin/products", Some(&owner), Some(json!({ "title": "Assam" }))).await;
        let id = made.expect(201)["id"].as_str().unwrap().to_owned();
        let found = entries(&app, &owner, &format!("?subject={id}")).await;
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0]["operation"], &found[0]["body"]), (&json!("create_product"), &json!({ "title": "Assam" })));
    }
}
