//! A merchant with price lists.

use reqwest::Method;
use serde_json::{Value, json};

use super::App;
use super::app::Answer;

/// The same shop, selling in dollars too.
pub async fn sells_in_dollars(app: &App) -> App {
    app.another(|config| config.shop.currencies = vec!["USD".to_owned().try_into().expect("a currency")]).await
}

pub struct Lists<'a> {
    app: &'a App,
    pub token: String,
}

impl<'a> Lists<'a> {
    pub async fn of(app: &'a App) -> Self {
        Self { app, token: app.merchant().await }
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        self.app.send(method, &format!("/v1/admin/{path}"), Some(&self.token), Some(body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.app.send(Method::GET, &format!("/v1/admin/{path}"), Some(&self.token), None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.app.send(Method::DELETE, &format!("/v1/admin/{path}"), Some(&self.token), None).await
    }

    /// The first variant of a product.
    pub async fn variant(&self, slug: &str) -> String {
        let product = self.app.get(&format!("/v1/products/{slug}")).await.expect(200);
        product["variants"][0]["id"].as_str().expect("an id").to_owned()
    }

    pub async fn group(&self, code: &str) {
        self.send(Method::POST, "customer-groups", json!({ "code": code, "name": code })).await.expect(201);
    }

    /// Puts a customer into a group.
    pub async fn join(&self, token: &str, group: &str) {
        let me = self.app.send(Method::GET, "/v1/me", Some(token), None).await.expect(200);
        let path = format!("customers/{}/group", me["id"].as_str().expect("an id"));
        self.send(Method::PUT, &path, json!({ "group": group })).await.expect(204);
    }

    /// An active list, in euros unless `more` says otherwise, with one price; its id.
    pub async fn put(&self, code: &str, more: Value, variant_id: &str, amount: i64) -> String {
        let mut list = json!({ "code": code, "name": code, "currency": "EUR", "status": "active" });
        list.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let made = self.send(Method::POST, "price-lists", list).await.expect(201);
        let id = made["id"].as_str().expect("an id").to_owned();
        let price = json!({ "amount": amount, "compare_at": 10_000 });
        self.send(Method::PUT, &format!("price-lists/{id}/prices/{variant_id}"), price).await.expect(200);
        id
    }
}
