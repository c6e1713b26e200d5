//! Accounts.

use reqwest::Method;
use serde_json::json;

api_test! {
    async fn a_customer_registers_logs_in_and_changes_their_profile(app: App) {
        let body = json!({ "email": "Ada@Example.org", "password": "a long enough password", "name": "Ada" });
        let registered = app.post("/v1/auth/register", body.clone()).await.expect(201);
        app.post("/v1/auth/register", body).await.problem("email-taken");
        let wrong = json!({ "email": "ada@example.org", "password": "another password" });
        app.post("/v1/auth/login", wrong).await.problem("invalid-credentials");
        let nobody = json!({ "email": "bob@example.org", "password": "a long enough password" });
        app.post("/v1/auth/login", nobody).await.problem("invalid-credentials");
        let token = app.log_in("ada@example.org", "a long enough password").await;
        let me = app.send(Method::GET, "/v1/me", Some(&token), None).await.expect(200);
        assert_eq!((&me["name"], &me["role"]), (&json!("Ada"), &json!("customer")));
        assert_eq!(me["id"], registered["customer"]["id"]);
        let patch = json!({ "name": "Ada L.", "phone": " +44 20 7946 0000 " });
        app.send(Method::PATCH, "/v1/me", Some(&token), Some(patch)).await.expect(200);
        let me = app.send(Method::GET, "/v1/me", Some(&token), None).await.expect(200);
        assert_eq!((&me["name"], &me["phone"]), (&json!("Ada L."), &json!("+44 20 7946 0000")));
        let promotion = json!({ "role": "merchant" });
        app.send(Method::PATCH, "/v1/me", Some(&token), Some(promotion)).await.problem("invalid-request");
        app.get("/v1/me").await.problem("unauthenticated");
    }
}

api_test! {
    async fn a_refresh_token_works_once_and_its_reuse_ends_the_family(app: App) {
        let app = app.another(|config| config.accounts.refresh_grace_seconds = 0).await;
        let stop = app.stopper();
        let body = json!({ "email": "ada@example.org", "password": "a long enough password" });
        let first = app.post("/v1/auth/register", body).await.expect(201);
        let refresh = |token: serde_json::Value| {
            let app = &app;
            async move { app.post("/v1/auth/refresh", json!({ "refresh_token": token })).await }
        };
        let second = refresh(first["refresh_token"].clone()).await.expect(200);
        assert_ne!(first["refresh_token"], second["refresh_token"]);
        refresh(first["refresh_token"].clone()).await.problem("refresh-token-reused");
        assert_eq!(refresh(second["refresh_token"].clone()).await.status, 401, "the whole family has ended");
        let token = second["access_token"].as_str().unwrap();
        app.send(Method::GET, "/v1/me", Some(token), None).await.problem("invalid-token");
        refresh(json!("no such token")).await.problem("invalid-token");
        stop.stop().await;
    }
}

api_test! {
    async fn a_logout_ends_access_at_once(app: App) {
        let body = json!({ "email": "ada@example.org", "password": "a long enough password" });
        let tokens = app.post("/v1/auth/register", body).await.expect(201);
        let token = tokens["access_token"].as_str().unwrap();
        app.send(Method::GET, "/v1/me", Some(token), None).await.expect(200);
        let logout = json!({ "refresh_token": tokens["refresh_token"] });
        assert_eq!(app.post("/v1/auth/logout", logout.clone()).await.status, 204);
        assert_eq!(app.post("/v1/auth/logout", logout).await.status, 204);
        app.send(Method::GET, "/v1/me", Some(token), None).await.problem("invalid-token");
    }
}

api_test! {
    async fn forged_and_foreign_tokens_are_refused(app: App) {
        let token = app.customer("ada@example.org").await;
        let (head, signature) = token.rsplit_once('.').unwrap();
        let (header, claims) = head.split_once('.').unwrap();
        // {"alg":"none"}
        let unsigned = format!("eyJhbGciOiJub25lIn0.{claims}.");
        let other_signature: String = signature.chars().rev().collect();
        for forged in [
            unsigned,
            format!("{header}.{claims}.{other_signature}"),
            format!("{header}.{claims}."),
            "not a token".to_owned(),
            String::new(),
        ] {
            app.send(Method::GET, "/v1/me", Some(&forged), None).await.problem("invalid-token");
            // A wrong token is refused where none is needed, too: a client that thinks it is signed in must learn of it.
            app.send(Method::POST, "/v1/carts", Some(&forged), Some(json!({}))).await.problem("invalid-token");
        }
        let elsewhere = app.another(|_| {}).await;
        let stop = elsewhere.stopper();
        // The same keys, since cases share them, but no such session there.
        elsewhere.send(Method::GET, "/v1/me", Some(&token), None).await.problem("invalid-token");
        stop.stop().await;
    }
}
