//! What other services need to trust a token: the published keys, and introspection.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use kassa::accounts;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;

async fn introspect(app: &App, caller: &str, token: &str) -> Value {
    let body = json!({ "token": token });
    app.send(Method::POST, "/v1/auth/introspect", Some(caller), Some(body)).await.expect(200)
}

/// What a service does that has nothing but the address of the shop.
fn verify_elsewhere(keys: &Value, issuer: &str, token: &str) -> Option<Value> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    let key = keys["keys"].as_array()?.iter().find(|key| key["kid"] == json!(header.kid))?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&["kassa:api"]);
    let key = DecodingKey::from_ed_components(key["x"].as_str()?).ok()?;
    jsonwebtoken::decode::<Value>(token, &key, &validation).ok().map(|decoded| decoded.claims)
}

api_test! {
    async fn another_service_verifies_a_token_by_the_published_keys(app: App) {
        let token = app.customer("ada@example.org").await;
        let me = app.send(Method::GET, "/v1/me", Some(&token), None).await.expect(200);
        let answer = app.get("/.well-known/jwks.json").await;
        assert_eq!(answer.headers["cache-control"], "public, max-age=300");
        let keys = answer.expect(200);
        let members: Vec<_> = keys["keys"][0].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"], "public members only");
        let issuer = &app.shop.config().shop.url;
        let claims = verify_elsewhere(&keys, issuer, &token).expect("verified");
        assert_eq!(claims["sub"], me["id"]);
        let (head, rest) = token.split_once('.').unwrap();
        let (claims, signature) = rest.split_once('.').unwrap();
        let forged: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        let forged = URL_SAFE_NO_PAD.encode(forged.to_string().replace("sid", "sit"));
        assert_eq!(verify_elsewhere(&keys, issuer, &format!("{head}.{forged}.{signature}")), None);

        // The next key is published before it signs, and nothing changes for those who hold tokens.
        accounts::rotate_signing_keys(&app.shop).expect("rotated");
        let both = app.get("/.well-known/jwks.json").await.expect(200);
        let kids: Vec<_> = both["keys"].as_array().unwrap().iter().map(|key| &key["kid"]).collect();
        assert_eq!(kids.len(), 2);
        assert_eq!(kids[1], &keys["keys"][0]["kid"]);
        let later = app.log_in("ada@example.org", "a long enough password").await;
        assert!(verify_elsewhere(&keys, issuer, &later).is_some(), "the new key does not sign yet");
        app.send(Method::GET, "/v1/me", Some(&token), None).await.expect(200);
    }
}

api_test! {
    async fn a_token_is_worth_what_its_session_is_worth_now(app: App) {
        let reader = app.api_key(&["customers:read"]).await;
        let body = json!({ "email": "ada@example.org", "password": "a long enough password" });
        let ada = app.post("/v1/auth/register", body).await.expect(201);
        let token = ada["access_token"].as_str().unwrap();
        let about = introspect(&app, &reader, token).await;
        assert_eq!((&about["active"], &about["token_type"], &about["kind"]), (&json!(true), &json!("Bearer"), &json!("person")));
        assert_eq!((&about["sub"], &about["role"], &about["scope"]), (&ada["customer"]["id"], &json!("customer"), &json!("")));
        assert_eq!(about["iss"], json!(app.shop.config().shop.url));
        assert_eq!(about["aud"], "kassa:api");
        assert_eq!(about["exp"].as_i64().unwrap() - about["iat"].as_i64().unwrap(), 600);

        let clerk = app.staff(&["orders", "catalog"]).await;
        let about = introspect(&app, &reader, &clerk).await;
        assert_eq!((&about["role"], &about["scope"]), (&json!("staff"), &json!("catalog orders")));

        let logout = json!({ "refresh_token": ada["refresh_token"] });
        assert_eq!(app.post("/v1/auth/logout", logout).await.status, 204);
        assert_eq!(introspect(&app, &reader, token).await, json!({ "active": false }));
    }
}

api_test! {
    async fn what_is_good_for_nothing_is_told_nothing_of(app: App) {
        let reader = app.api_key(&["customers:read"]).await;
        let body = json!({ "email": "ada@example.org", "password": "a long enough password" });
        let ada = app.post("/v1/auth/register", body).await.expect(201);
        let refresh_token = ada["refresh_token"].as_str().unwrap();
        let nothing = json!({ "active": false });
        for token in ["nonsense", "kassa_abcdefgh_nonsense", "a.b.c", refresh_token, "\u{7}"] {
            assert_eq!(introspect(&app, &reader, token).await, nothing, "{token}");
        }
        let key = app.api_key(&["catalog:read", "orders"]).await;
        let about = introspect(&app, &reader, &key).await;
        assert_eq!((&about["kind"], &about["scope"]), (&json!("api-key"), &json!("catalog:read orders")));
        let revoke = format!("/v1/admin/api-keys/{}", about["sub"].as_str().unwrap());
        let owner = app.merchant().await;
        assert_eq!(app.send(Method::DELETE, &revoke, Some(&owner), None).await.status, 204);
        assert_eq!(introspect(&app, &reader, &key).await, nothing);
    }
}

api_test! {
    async fn introspection_takes_the_form_of_the_standard_and_answers_few(app: App) {
        let token = app.customer("ada@example.org").await;
        let reader = app.api_key(&["customers:read"]).await;
        let url = format!("{}/v1/auth/introspect", app.url);
        let ask = |caller: &str, content_type: &str, body: String| {
            let request = app.client.post(&url).bearer_auth(caller).header("content-type", content_type).body(body);
            Answer::of(request)
        };
        let form = "application/x-www-form-urlencoded";
        let about = ask(&reader, form, format!("token={token}&token_type_hint=access_token")).await.expect(200);
        assert_eq!(about["active"], true);
        ask(&reader, form, "tokens=x".into()).await.problem("invalid-request");
        ask(&reader, form, "token=".into()).await.problem("invalid-request");
        ask(&reader, "application/json", json!({ "token": "x", "more": 1 }).to_string()).await.problem("invalid-request");
        ask(&reader, "text/plain", "token".into()).await.problem("unsupported-media-type");
        let body = json!({ "token": "x".repeat(4_097) });
        ask(&reader, "application/json", body.to_string()).await.problem("invalid-request");
        let other = app.api_key(&["orders"]).await;
        ask(&other, form, format!("token={token}")).await.problem("forbidden");
        // Nobody finds out about a token of their own, or of somebody else, without being asked by the shop.
        ask(&token, form, format!("token={token}")).await.problem("forbidden");
        app.post("/v1/auth/introspect", json!({ "token": token })).await.problem("unauthenticated");
    }
}
