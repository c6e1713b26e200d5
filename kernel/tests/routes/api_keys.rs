//! API keys.

use reqwest::Method;
use serde_json::{Value, json};

const KEYS: &str = "/v1/admin/api-keys";

api_test! {
    async fn a_key_is_made_used_listed_and_revoked(app: App) {
        let owner = app.merchant().await;
        let new = json!({ "name": "warehouse", "scopes": ["catalog:read", "orders"], "expires_at": "2999-01-01T00:00:00Z" });
        let made = app.send(Method::POST, KEYS, Some(&owner), Some(new)).await.expect(201);
        let (key, id) = (made["key"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap());
        let path = format!("{KEYS}/{id}");
        assert!(key.starts_with(made["prefix"].as_str().unwrap()), "{made}");
        let shown = app.send(Method::GET, &path, Some(&owner), None).await.expect(200);
        assert_eq!((&shown["last_used_at"], shown.get("key")), (&Value::Null, None));

        app.send(Method::GET, "/v1/admin/orders", Some(&key), None).await.expect(200);
        let product = json!({ "title": "Assam" });
        let refused = app.send(Method::POST, "/v1/admin/products", Some(&key), Some(product)).await;
        assert_eq!(refused.headers["www-authenticate"], "Bearer error=\"insufficient_scope\"");
        assert_eq!(refused.problem("forbidden")["permission"], "catalog", "to read is not to change");
        app.send(Method::GET, "/v1/admin/plugins", Some(&key), None).await.problem("forbidden");
        // What anyone may do, it may; what takes a person, it may not.
        app.send(Method::GET, "/v1/products", Some(&key), None).await.expect(200);
        app.send(Method::GET, "/v1/me", Some(&key), None).await.problem("forbidden");
        let used = app.send(Method::GET, &path, Some(&owner), None).await.expect(200);
        assert!(used["last_used_at"].is_string());

        let listed = app.send(Method::GET, KEYS, Some(&owner), None).await.expect(200);
        assert_eq!(listed["items"][0]["id"], id);
        assert!(!listed.to_string().contains(&key), "the key was shown once");
        for _ in 0..2 {
            assert_eq!(app.send(Method::DELETE, &path, Some(&owner), None).await.status, 204);
        }
        let refused = app.send(Method::GET, "/v1/admin/orders", Some(&key), None).await;
        assert_eq!(refused.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
        refused.problem("invalid-token");
        let listed = app.send(Method::GET, KEYS, Some(&owner), None).await.expect(200);
        assert!(listed["items"][0]["revoked_at"].is_string());
        let nobody = format!("{KEYS}/{}", kassa::id::sequential());
        app.send(Method::DELETE, &nobody, Some(&owner), None).await.problem("not-found");
    }
}

api_test! {
    async fn a_key_gets_no_more_than_its_maker_has_and_makes_none(app: App) {
        let clerk = app.staff(&["settings", "orders"]).await;
        let make = |token: &str, new: Value| {
            let (app, token) = (&app, token.to_owned());
            async move { app.send(Method::POST, KEYS, Some(&token), Some(new)).await }
        };
        let refused = make(&clerk, json!({ "name": "more", "scopes": ["orders", "catalog:read"] })).await;
        assert_eq!(refused.problem("forbidden")["permission"], "catalog");
        let own = make(&clerk, json!({ "name": "own", "scopes": ["orders", "settings"] })).await.expect(201);
        let key = own["key"].as_str().unwrap();
        app.send(Method::GET, KEYS, Some(key), None).await.expect(200);
        make(key, json!({ "name": "child", "scopes": ["orders"] })).await.problem("forbidden");
        let path = format!("{KEYS}/{}", own["id"].as_str().unwrap());
        app.send(Method::DELETE, &path, Some(key), None).await.problem("forbidden");
        for (new, pointer) in [
            (json!({ "name": "", "scopes": ["orders"] }), "/name"),
            (json!({ "name": "a", "scopes": [] }), "/scopes"),
            (json!({ "name": "a", "scopes": ["orders", "orders:write"] }), "/scopes/1"),
            (json!({ "name": "a", "scopes": ["orders"], "expires_at": "2001-01-01T00:00:00Z" }), "/expires_at"),
            (json!({ "name": "a", "scopes": ["orders"], "key": "mine" }), "/key"),
        ] {
            let wrong = make(&clerk, new.clone()).await.problem("invalid-request");
            assert_eq!(wrong["errors"][0]["pointer"], pointer, "{new}");
        }
    }
}

api_test! {
    /// The answer holds a secret, so it is not kept for a repetition.
    async fn an_idempotency_key_does_not_keep_the_key(app: App) {
        let owner = app.merchant().await;
        let mut keys = Vec::new();
        for _ in 0..2 {
            let request = app.client.post(format!("{}{KEYS}", app.url)).bearer_auth(&owner);
            let request = request.header("idempotency-key", "0123456789abcdef");
            let made = request.json(&json!({ "name": "twice", "scopes": ["orders"] })).send().await.unwrap();
            assert!(made.headers().get("idempotent-replayed").is_none());
            keys.push(made.json::<Value>().await.unwrap()["key"].clone());
        }
        assert_ne!(keys[0], keys[1]);
        // Keys of idempotency belong to the caller: an API key is one.
        let key = app.api_key(&["catalog"]).await;
        for (token, replayed) in [(&key, false), (&owner, false), (&key, true)] {
            let request = app.client.post(format!("{}/v1/admin/categories", app.url)).bearer_auth(token);
            let request = request.header("idempotency-key", "fedcba9876543210");
            let made = request.json(&json!({ "name": "Black tea" })).send().await.unwrap();
            assert_eq!(made.headers().get("idempotent-replayed").is_some(), replayed, "{}", made.status());
        }
    }
}

api_test! {
    async fn an_expired_key_is_worth_nothing(app: App) {
        use kassa::accounts::{self, NewApiKey, Permissions, Scopes};
        let new = |expires_at| NewApiKey { name: "short".into(), scopes: Scopes::parse(["orders"]).unwrap(), expires_at };
        for (seconds, status) in [(-1, 401), (60, 200)] {
            let expires_at = kassa::clock::now() + chrono::TimeDelta::seconds(seconds);
            let made = accounts::create_api_key(&app.shop, kassa::id::sequential(), Permissions::all(), new(Some(expires_at)));
            let (_, key) = made.await.unwrap();
            assert_eq!(app.send(Method::GET, "/v1/admin/orders", Some(&key), None).await.status, status);
        }
    }
}

api_test! {
    async fn a_shop_has_so_many_keys(app: App) {
        use kassa::accounts::{self, NewApiKey, Permissions, Scopes};
        let scopes = || Scopes::parse(["orders"]).unwrap();
        let make = || {
            let new = NewApiKey { name: "one of many".into(), scopes: scopes(), expires_at: None };
            accounts::create_api_key(&app.shop, kassa::id::sequential(), Permissions::all(), new)
        };
        let (first, _) = make().await.unwrap();
        for _ in 1..1_000 {
            make().await.unwrap();
        }
        let owner = app.merchant().await;
        let new = json!({ "name": "beyond", "scopes": ["orders"] });
        app.send(Method::POST, KEYS, Some(&owner), Some(new.clone())).await.problem("too-many-keys");
        app.send(Method::DELETE, &format!("{KEYS}/{}", first.id), Some(&owner), None).await.expect(204);
        app.send(Method::POST, KEYS, Some(&owner), Some(new)).await.expect(201);
    }
}
