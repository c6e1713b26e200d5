//! Candidates that write letters.

use serde_json::{Value, json};

use super::{MOST, begin_of, observed, stage, with_setting};
use crate::support::App;
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;

/// The texts of the mails about an order, once `expected` of them are there.
async fn letters(merchant: &Merchant<'_>, order: &Value, expected: usize) -> Vec<String> {
    let path = format!("/v1/admin/messages?order_id={}&channel=email&status=sent", order["id"].as_str().unwrap());
    let there = || async {
        let listed = merchant.get(&path).await.expect(200)["items"].as_array().unwrap().clone();
        (listed.len() >= expected).then_some(listed)
    };
    let mut texts = Vec::new();
    for letter in merchant.app.eventually("the letters", there).await {
        let letter = merchant.get(&format!("/v1/admin/messages/{}", letter["id"].as_str().unwrap())).await.expect(200);
        texts.push(letter["text"].as_str().unwrap().to_owned());
    }
    texts
}

async fn order(app: &App) -> Value {
    Shopper::ready(app, "TEA-SENCHA-100", 1).await.check_out("tok-approve").await.expect(201)
}

api_test! {
    async fn a_candidate_that_writes_is_compared_then_writes_and_nobody_is_told_twice(app: App) {
        let merchant = Merchant::of(&app).await;
        let plugins = with_setting(&merchant, "notification", "footer", json!("Written by the new one")).await;
        let rollout = begin_of("notification", &merchant, json!({ "plugins": plugins })).await;
        let is_new = |letter: &String| letter.contains("Written by the new one");
        let texts = letters(&merchant, &order(&app).await, 2).await;
        assert!(texts.len() == 2 && !texts.iter().any(is_new), "{texts:?}");
        let seen = observed(&merchant, &rollout, |seen| seen["different"].as_i64() >= Some(2)).await;
        assert_eq!((&seen["served"], &seen["money"]), (&json!(0), &json!({})), "{seen}");
        // What is written to somebody is not kept with the rollout.
        let samples: Vec<_> = seen["samples"].as_array().unwrap().iter().map(|sample| sample["text"].as_str().unwrap()).collect();
        assert!(samples.contains(&"order.paid: email, said otherwise"), "{samples:?}");

        stage(&merchant, &rollout, json!({ "stage": "canary", "share": MOST })).await.expect(200);
        let texts = letters(&merchant, &order(&app).await, 2).await;
        assert!(texts.len() == 2 && texts.iter().all(is_new), "{texts:?}");
        let seen = observed(&merchant, &rollout, |seen| seen["served"].as_i64() >= Some(2)).await;
        assert_eq!(seen["failed"], json!({}), "{seen}");

        merchant.post(&format!("{rollout}/stop"), Value::Null).await.expect(200);
        let texts = letters(&merchant, &order(&app).await, 2).await;
        assert!(texts.len() == 2 && !texts.iter().any(is_new), "{texts:?}");
        // By now a second telling of the first orders would be there.
        let listed = merchant.get("/v1/admin/messages?channel=email&kind=order.paid").await.expect(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), 3, "{listed}");
    }
}
