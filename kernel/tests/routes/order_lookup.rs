//! Guests find their orders again.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::shopper::Shopper;

async fn ask(app: &App, number: &Value, email: &str) -> Answer {
    app.post("/v1/orders/lookup", json!({ "number": number, "email": email })).await
}

async fn confirm(app: &App, number: &Value, email: &str, code: &str) -> Answer {
    app.post("/v1/orders/lookup/confirm", json!({ "number": number, "email": email, "code": code })).await
}

fn codes(app: &App) -> Vec<String> {
    let mails = app.mails().into_iter().filter(|mail| mail.contains("Your code for order"));
    let code = |mail: String| {
        let found = mail.lines().map(str::trim).find(|line| line.len() == 11 && line.as_bytes()[5] == b'-');
        found.map(str::to_owned).unwrap_or_else(|| panic!("no code: {mail}"))
    };
    mails.map(code).collect()
}

async fn code(app: &App) -> String {
    let code = || async { codes(app).pop() };
    app.eventually("the letter with the code", code).await
}

/// A guest's order, paid.
async fn order(app: &App) -> Value {
    Shopper::ready(app, "TEA-SENCHA-100", 1).await.check_out("tok-approve").await.expect(201)
}

api_test! {
    async fn a_guest_finds_an_order_by_the_code_of_the_letter_once(app: App) {
        let order = order(&app).await;
        assert_eq!(ask(&app, &order["number"], " ADA@example.org ").await.status, 202);
        let code = code(&app).await;
        let typed = code.replace('-', "").to_lowercase();
        let found = confirm(&app, &order["number"], "ada@example.org", &typed).await.expect(200);
        assert_eq!((&found["id"], &found["status"]), (&order["id"], &json!("paid")));
        confirm(&app, &order["number"], "ada@example.org", &code).await.problem("invalid-code");
    }
}

api_test! {
    async fn a_code_is_tried_a_few_times(app: App) {
        let order = order(&app).await;
        ask(&app, &order["number"], "ada@example.org").await.expect(202);
        let code = code(&app).await;
        for _ in 0..5 {
            confirm(&app, &order["number"], "ada@example.org", "AAAAA-AAAAA").await.problem("invalid-code");
        }
        confirm(&app, &order["number"], "ada@example.org", &code).await.problem("invalid-code");
        // And no other comes at once.
        ask(&app, &order["number"], "ada@example.org").await.expect(202);
        ask(&app, &json!(4711), "eve@example.org").await.expect(202);
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert_eq!(codes(&app).len(), 1);
    }
}

api_test! {
    /// Whether there is such an order is told by nothing but the letter.
    async fn what_is_not_there_is_answered_like_what_is(app: App) {
        let token = app.customer("ada@example.org").await;
        let shopper = Shopper::signed_in(&app, &token).await;
        shopper.prepare("TEA-SENCHA-100", 1).await;
        let customers = shopper.check_out("tok-approve").await.expect(201);
        let guests = order(&app).await;
        for (number, email) in [
            (&customers["number"], "ada@example.org"),
            (&guests["number"], "eve@example.org"),
            (&json!(99_999), "ada@example.org"),
        ] {
            let answer = ask(&app, number, email).await;
            assert_eq!((answer.status, answer.body), (202, json!("")), "{number} {email}");
            confirm(&app, number, email, "AAAAA-AAAAA").await.problem("invalid-code");
        }
        for body in [json!({ "number": 0, "email": "a@example.org" }), json!({ "number": 1, "email": "" })] {
            app.send(Method::POST, "/v1/orders/lookup", None, Some(body)).await.problem("invalid-request");
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert_eq!(codes(&app).len(), 0);
    }
}
