//! Throttling.

use kassa::throttle::Rate;
use reqwest::Method;
use serde_json::json;

use crate::support::app::Answer;

const TWICE: Rate = Rate { burst: 2, per_hour: 1 };

api_test! {
    async fn logins_are_throttled_by_address(app: App) {
        let app = app.another(|config| config.throttle.logins = TWICE).await;
        let stop = app.stopper();
        app.customer("ada@example.org").await;
        let wrong = || app.post("/v1/auth/login", json!({ "email": "eve@example.org", "password": "wrong password" }));
        for _ in 0..2 {
            wrong().await.problem("invalid-credentials");
        }
        let refused = wrong().await;
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=3_600).contains(&wait), "{wait}");
        refused.problem("too-many-requests");
        let right = json!({ "email": "ada@example.org", "password": "a long enough password" });
        app.post("/v1/auth/login", right).await.problem("too-many-requests");
        app.get("/v1/products").await.expect(200);
        stop.stop().await;
    }
}

api_test! {
    /// Whoever asks for letters, to one mailbox or to many.
    async fn letters_are_throttled_by_address(app: App) {
        let app = app.another(|config| config.throttle.password_resets = TWICE).await;
        let stop = app.stopper();
        let ask = |path: &'static str, email: &'static str| app.post(path, json!({ "email": email }));
        ask("/v1/auth/forgot-password", "ada@example.org").await.expect(202);
        ask("/v1/auth/confirm-email/resend", "eve@example.org").await.expect(202);
        ask("/v1/auth/forgot-password", "bob@example.org").await.problem("too-many-requests");
        stop.stop().await;
    }
}

api_test! {
    /// Carts have a bucket by address and one by account; who lies about the address without a known proxy gains nothing.
    async fn addresses_are_those_that_known_proxies_tell(app: App) {
        for (trusted, fresh_address_passes) in [(false, false), (true, true)] {
            let app = app.another(|config| {
                config.throttle.carts = TWICE;
                if trusted {
                    config.http.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
                }
            });
            let app = app.await;
            let stop = app.stopper();
            let token = app.customer("ada@example.org").await;
            let create = |address: &'static str, token: Option<String>| {
                let request = app.client.post(format!("{}/v1/carts", app.url)).header("x-forwarded-for", address);
                let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
                async move { Answer::of(request.json(&json!({}))).await.status }
            };
            for _ in 0..2 {
                assert_eq!(create("203.0.113.1", Some(token.clone())).await, 201);
            }
            assert_eq!(create("203.0.113.1", None).await, 429);
            let fresh = create("203.0.113.2", None).await;
            assert_eq!(fresh == 201, fresh_address_passes, "{fresh}");
            assert_eq!(create("203.0.113.3", Some(token.clone())).await, 429, "the account is known by then");
            stop.stop().await;
        }
    }
}

api_test! {
    async fn everything_may_be_throttled_but_the_signs_of_life(app: App) {
        let app = app.another(|config| config.throttle.everything = TWICE).await;
        let stop = app.stopper();
        for _ in 0..2 {
            app.get("/v1/products").await.expect(200);
        }
        app.send(Method::GET, "/v1/categories", None, None).await.problem("too-many-requests");
        app.get("/livez").await.expect(200);
        app.get("/readyz").await.expect(200);
        stop.stop().await;
    }
}
