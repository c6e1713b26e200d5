//! What the fields of accounts, and of what the shop says to people, may hold: all that is wrong with a request is named
//! at once.

use serde_json::json;

use crate::support::merchant::{Merchant, NOBODY, over};

api_test! {
    async fn fields_of_accounts_are_held_to_their_limits(app: App) {
        let merchant = Merchant::of(&app).await;
        let nul = json!({ "email": "a\u{0}@example.org" });
        let answer = json!({ "challenge": "", "code": "", "recovery_code": null });
        merchant.is_refused(&[
            ("POST /v1/auth/login", json!({ "email": "a\u{0}@example.org", "password": "x" }), &["/email"]),
            ("POST /v1/auth/refresh", json!({ "refresh_token": "" }), &["/refresh_token"]),
            ("POST /v1/auth/logout", json!({ "refresh_token": "" }), &["/refresh_token"]),
            ("POST /v1/auth/forgot-password", nul.clone(), &["/email"]),
            ("POST /v1/auth/confirm-email/resend", nul, &["/email"]),
            ("POST /v1/auth/confirm-email", json!({ "token": "", "password": "" }), &["/token", "/password"]),
            ("POST /v1/auth/change-email", json!({ "token": "" }), &["/token"]),
            ("POST /v1/auth/reset-password", json!({ "token": "", "password": "a long enough password" }), &["/token"]),
            ("POST /v1/auth/second-factor", answer, &["/challenge", "/code"]),
            ("POST /v1/auth/introspect", json!({ "token": "x", "token_type_hint": over(100) }), &["/token_type_hint"]),
            ("POST /v1/me/password", json!({ "current_password": "", "password": "a long enough password" }), &["/current_password"]),
            ("POST /v1/me/email", json!({ "password": "x", "email": "nobody" }), &["/email"]),
            ("POST /v1/me/second-factor", json!({ "password": "" }), &["/password"]),
            ("POST /v1/me/second-factor/confirm", json!({ "code": "" }), &["/code"]),
            ("PATCH /v1/me", json!({ "phone": "two\nlines" }), &["/phone"]),
            ("DELETE /v1/me", json!({ "password": "", "code": "" }), &["/password", "/code"]),
        ]).await;
    }
}

api_test! {
    async fn fields_of_what_the_shop_keeps_of_people_are_held_to_their_limits(app: App) {
        let merchant = Merchant::of(&app).await;
        let groups = "/v1/admin/customer-groups";
        let key = json!({ "name": "two\nlines", "scopes": ["catalog"] });
        merchant.is_refused(&[
            ("POST /v1/admin/api-keys", key, &["/name"]),
            (&format!("POST {groups}"), json!({ "code": "No Code", "name": "" }), &["/code", "/name"]),
            (&format!("PATCH {groups}/gold"), json!({ "name": "" }), &["/name"]),
            (&format!("PATCH /v1/admin/customers/{NOBODY}"), json!({ "note": over(2_000) }), &["/note"]),
            ("POST /v1/admin/customers/by-email/export", json!({ "email": "a\u{0}" }), &["/email"]),
            ("POST /v1/admin/customers/by-email/erase", json!({ "email": "" }), &["/email"]),
            (&format!("PATCH /v1/me/reviews/{NOBODY}"), json!({ "rating": 6 }), &["/rating"]),
        ]).await;
        merchant.get(&format!("{groups}/No%20Code")).await.problem("not-found");
        merchant.delete(&format!("{groups}/a%00b")).await.problem("not-found");
    }
}

api_test! {
    async fn fields_of_what_the_shop_tells_are_held_to_their_limits(app: App) {
        let merchant = Merchant::of(&app).await;
        let hooks = format!("/v1/admin/webhooks/{NOBODY}");
        let long = over(64);
        let preview = json!({ "kind": "", "candidate": { "plugin": "", "settings": { "subject": "a\u{0}" } } });
        let kinds = vec!["order.placed"; 101];
        let event = json!({ "status": "note", "text": over(500) });
        let tracking = json!({ "tracking_number": over(100), "tracking_url": format!("https://{}", over(500)) });
        let shipment = format!("/v1/admin/shipments/{NOBODY}");
        let image = format!("/v1/admin/products/{NOBODY}/images/{NOBODY}");
        merchant.is_refused(&[
            (&format!("GET {hooks}/messages?kind={long}"), json!(null), &["kind"]),
            (&format!("PATCH {hooks}"), json!({ "description": over(200), "kinds": kinds }), &["/description", "/kinds"]),
            (&format!("GET /v1/admin/messages?kind={long}&recipient={}", over(254)), json!(null), &["kind", "recipient"]),
            ("POST /v1/admin/messages/retry-dead", json!({ "kind": "" }), &["/kind"]),
            ("POST /v1/admin/notifications/preview", preview, &["/kind", "/candidate/plugin", "/candidate/settings"]),
            (&format!("PATCH {shipment}"), tracking, &["/tracking_number", "/tracking_url"]),
            (&format!("POST {shipment}/tracking-events"), event, &["/text"]),
            (&format!("PATCH {image}"), json!({ "alt": "two\nlines" }), &["/alt"]),
            ("PUT /v1/admin/bindings/pricing", json!({ "plugins": [] }), &["/plugins"]),
        ]).await;
    }
}
