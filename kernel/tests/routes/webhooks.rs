//! Webhooks, and the log of events.

use kassa::Config;
use kassa::signature::SigningSecret;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::receiver::{Received, Receiver};
use crate::support::shopper::Shopper;

/// Receivers of these cases are on this machine, and nobody waits for another try.
fn open(config: &mut Config) {
    config.webhooks.allow_http = true;
    config.webhooks.allow_private_networks = true;
    config.webhooks.retry_after_s = vec![0, 0];
    config.webhooks.poll_interval_ms = 50;
}

async fn send(app: &App, method: Method, path: &str, token: &str, body: Option<Value>) -> crate::support::app::Answer {
    app.send(method, &format!("/v1/admin/webhooks{path}"), Some(token), body).await
}

/// Makes a webhook; answers its id and its secret.
async fn hook(app: &App, token: &str, url: &str, kinds: &[&str]) -> (String, String) {
    let made = send(app, Method::POST, "", token, Some(json!({ "url": url, "kinds": kinds }))).await.expect(201);
    (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned())
}

async fn order(app: &App) -> Value {
    let shopper = Shopper::guest(app).await;
    shopper.prepare("TEA-SENCHA-100", 1).await;
    shopper.check_out("tok-approve").await.expect(201)
}

/// Waits for the message of a webhook to end as `status`, and answers it with its tries.
async fn ended(app: &App, token: &str, hook: &str, status: &str) -> Value {
    let id = app
        .eventually(&format!("a message is {status}"), || async {
            let log =
                send(app, Method::GET, &format!("/{hook}/messages?status={status}"), token, None).await.expect(200);
            log["items"][0]["id"].as_str().map(str::to_owned)
        })
        .await;
    send(app, Method::GET, &format!("/{hook}/messages/{id}"), token, None).await.expect(200)
}

async fn eventually_received(app: &App, receiver: &Receiver, count: usize) -> Vec<Received> {
    app.eventually(&format!("{count} messages came"), || async {
        let received = receiver.received();
        (received.len() >= count).then_some(received)
    })
    .await
}

/// What the receiver would compute with `secret`.
fn signature(received: &Received, secret: &str) -> String {
    let at = received.headers["webhook-timestamp"].parse().unwrap();
    let at = chrono::DateTime::from_timestamp(at, 0).unwrap();
    let secret = SigningSecret::parse(secret).unwrap();
    secret.sign(&received.headers["webhook-id"], at, received.body.as_bytes())
}

api_test! {
    async fn an_event_is_posted_signed_and_once(app: App) {
        let app = app.another(open).await;
        let merchant = app.merchant().await;
        let (receiver, all) = (Receiver::start(&[]).await, Receiver::start(&[]).await);
        let (id, secret) = hook(&app, &merchant, &receiver.url, &["order.placed"]).await;
        hook(&app, &merchant, &all.url, &[]).await;
        let order = order(&app).await;
        let message = ended(&app, &merchant, &id, "delivered").await;
        // Who wants everything has heard the next event too: it would have come here by now.
        app.eventually("the payment is told", || async {
            all.received().iter().any(|received| received.body.contains("kassa.order.paid")).then_some(())
        }).await;
        let received = receiver.received();
        assert_eq!(received.len(), 1, "{received:?}");
        let headers = &received[0].headers;
        assert_eq!(headers["webhook-signature"], signature(&received[0], &secret));
        assert_eq!((headers["webhook-id"].as_str(), &headers["content-type"]),
            (message["id"].as_str().unwrap(), &"application/cloudevents+json; charset=utf-8".to_owned()));
        let event: Value = serde_json::from_str(&received[0].body).unwrap();
        assert_eq!((&event["specversion"], &event["type"], &event["subject"]),
            (&json!("1.0"), &json!("kassa.order.placed"), &order["id"]));
        assert_eq!((&event["data"]["number"], &event["id"]), (&json!(order["number"].to_string()), &message["event_id"]));
        assert_eq!(message["body"], event);
        let tries = message["tries"].as_array().unwrap();
        assert_eq!((tries.len(), &tries[0]["status"], tries[0]["answer"].as_str().unwrap().len()), (1, &json!(200), 1_024));
        app.stopper().stop().await;
    }
}

api_test! {
    async fn a_failure_is_tried_again_under_the_same_id(app: App) {
        let app = app.another(open).await;
        let merchant = app.merchant().await;
        // A redirect is a failure: nobody follows it.
        let receiver = Receiver::start(&["500 Oh", "302 Found\r\nlocation: http://127.0.0.1:1/"]).await;
        let (id, _) = hook(&app, &merchant, &receiver.url, &[]).await;
        send(&app, Method::POST, &format!("/{id}/test"), &merchant, None).await.expect(202);
        let message = ended(&app, &merchant, &id, "delivered").await;
        let statuses: Vec<_> = message["tries"].as_array().unwrap().iter().map(|one| one["status"].as_i64()).collect();
        assert_eq!(statuses, [Some(500), Some(302), Some(200)]);
        let received = receiver.received();
        assert!(received.iter().all(|one| one.body == received[0].body && one.headers["webhook-id"] == message["id"]));
        assert_eq!(message["body"]["type"], "kassa.webhook.test");
        let hook = send(&app, Method::GET, &format!("/{id}"), &merchant, None).await.expect(200);
        assert_eq!((&hook["failing_since"], &hook["enabled"]), (&json!(null), &json!(true)));
        app.stopper().stop().await;
    }
}

api_test! {
    async fn what_failed_is_replayed(app: App) {
        let app = app.another(open).await;
        let merchant = app.merchant().await;
        let receiver = Receiver::start(&["500 A", "500 B", "500 C"]).await;
        let (id, _) = hook(&app, &merchant, &receiver.url, &["order.placed"]).await;
        let before = kassa::clock::now();
        send(&app, Method::POST, &format!("/{id}/test"), &merchant, None).await.expect(202);
        let failed = ended(&app, &merchant, &id, "failed").await;
        assert_eq!(failed["tries"].as_array().unwrap().len(), 3, "a try for each wait, and one");
        let one = format!("/{id}/messages/{}/replay", failed["id"].as_str().unwrap());
        let again = send(&app, Method::POST, &one, &merchant, None).await.expect(202);
        assert_eq!((&again["id"], &again["attempts"]), (&failed["id"], &json!(0)));
        let delivered = ended(&app, &merchant, &id, "delivered").await;
        assert_eq!(delivered["tries"].as_array().unwrap().len(), 4);
        let replay = async |since: chrono::DateTime<chrono::Utc>| {
            let body = json!({ "since": since.to_rfc3339() });
            send(&app, Method::POST, &format!("/{id}/replay-failed"), &merchant, Some(body)).await.expect(202)["queued"].clone()
        };
        assert_eq!(replay(before).await, 0, "nothing has failed any more");
        // Switched off, what waits has failed; it can be had again.
        let switch = async |enabled: bool| {
            send(&app, Method::PATCH, &format!("/{id}"), &merchant, Some(json!({ "enabled": enabled }))).await.expect(200)
        };
        assert_eq!(switch(false).await["disabled_reason"], "merchant");
        send(&app, Method::POST, &one, &merchant, None).await.problem("webhook-disabled");
        send(&app, Method::POST, &format!("/{id}/test"), &merchant, None).await.problem("webhook-disabled");
        let since = Some(json!({ "since": before.to_rfc3339() }));
        send(&app, Method::POST, &format!("/{id}/replay-failed"), &merchant, since).await.problem("webhook-disabled");
        let missed = order(&app).await;
        app.eventually("the order is told", || async {
            let path = format!("/v1/admin/events?subject={}", missed["id"].as_str().unwrap());
            let told = app.send(Method::GET, &path, Some(&merchant), None).await.expect(200);
            told["items"].as_array().unwrap().iter().all(|event| event["told_at"].is_string()).then_some(())
        }).await;
        assert_eq!(switch(true).await["disabled_reason"], json!(null));
        let log = send(&app, Method::GET, &format!("/{id}/messages"), &merchant, None).await.expect(200);
        assert_eq!(log["items"].as_array().unwrap().len(), 1, "nobody told it while it was off");
        let other = send(&app, Method::GET, &format!("/{}/messages", order(&app).await["id"].as_str().unwrap()), &merchant, None).await;
        other.problem("not-found");
        app.stopper().stop().await;
    }
}

api_test! {
    async fn one_that_is_gone_or_fails_for_too_long_is_switched_off(app: App) {
        let app = app.another(|config| {
            open(config);
            config.webhooks.disable_after_days = 0;
        }).await;
        let merchant = app.merchant().await;
        for (answers, reason, tries) in [(&["410 Gone"][..], "gone", 1), (&["500 A", "500 B", "500 C"], "failing", 2)] {
            let receiver = Receiver::start(answers).await;
            let (id, _) = hook(&app, &merchant, &receiver.url, &["order.placed"]).await;
            send(&app, Method::POST, &format!("/{id}/test"), &merchant, None).await.expect(202);
            let off = app.eventually("it is switched off", || async {
                let hook = send(&app, Method::GET, &format!("/{id}"), &merchant, None).await.expect(200);
                (hook["enabled"] == false).then_some(hook)
            }).await;
            assert_eq!(off["disabled_reason"], reason);
            assert_eq!(receiver.received().len(), tries, "{reason}");
            let failed = ended(&app, &merchant, &id, "failed").await;
            assert_eq!(failed["tries"].as_array().unwrap().len(), tries);
            app.eventually("staff are told", || async {
                let inbox = app.send(Method::GET, "/v1/me/inbox", Some(&merchant), None).await.expect(200);
                inbox["items"].as_array().unwrap().iter().any(|item| item["about"] == id.as_str()).then_some(())
            }).await;
            let path = format!("/v1/admin/events?type=webhook.disabled&subject={id}");
            let told = app.send(Method::GET, &path, Some(&merchant), None).await.expect(200);
            assert_eq!(told["items"][0]["data"], json!({ "webhook_id": id, "host": "127.0.0.1", "reason": reason }));
        }
        app.stopper().stop().await;
    }
}

api_test! {
    async fn a_rotated_secret_overlaps_with_the_one_before(app: App) {
        let app = app.another(open).await;
        let merchant = app.merchant().await;
        let receiver = Receiver::start(&[]).await;
        let (id, first) = hook(&app, &merchant, &receiver.url, &["order.placed"]).await;
        let rotate = async |body: Value| {
            let made = send(&app, Method::POST, &format!("/{id}/rotate-secret"), &merchant, Some(body)).await.expect(200);
            made["secret"].as_str().unwrap().to_owned()
        };
        let ping = async |count: usize| {
            send(&app, Method::POST, &format!("/{id}/test"), &merchant, None).await.expect(202);
            eventually_received(&app, &receiver, count).await[count - 1].clone()
        };
        let second = rotate(json!({ "overlap_hours": 1 })).await;
        assert_ne!(first, second);
        let received = ping(1).await;
        let both = format!("{} {}", signature(&received, &second), signature(&received, &first));
        assert_eq!(received.headers["webhook-signature"], both);
        let third = rotate(json!({ "overlap_hours": 0 })).await;
        let received = ping(2).await;
        assert_eq!(received.headers["webhook-signature"], signature(&received, &third));
        let wrong = json!({ "overlap_hours": 169 });
        send(&app, Method::POST, &format!("/{id}/rotate-secret"), &merchant, Some(wrong)).await.problem("invalid-request");
        app.stopper().stop().await;
    }
}

api_test! {
    async fn only_the_internet_is_told_and_only_by_those_who_may_see_it(app: App) {
        let merchant = app.merchant().await;
        let make = async |token: &str, body: Value| send(&app, Method::POST, "", token, Some(body)).await;
        for (url, kind) in [
            ("http://hooks.example/", "order.placed"),
            ("https://127.0.0.1/", "order.placed"),
            ("https://[::1]/", "order.placed"),
            ("https://169.254.169.254/latest", "order.placed"),
            ("https://localhost/", "order.placed"),
            ("https://user:pass@hooks.example/", "order.placed"),
        ] {
            let refused = make(&merchant, json!({ "url": url, "kinds": [kind] })).await.problem("invalid-request");
            assert_eq!(refused["errors"][0]["pointer"], "/url", "{url}");
        }
        let unknown = json!({ "url": "https://hooks.example/", "kinds": ["order.placed", "order.eaten"] });
        assert_eq!(make(&merchant, unknown).await.problem("invalid-request")["errors"][0]["pointer"], "/kinds/1");
        let clerk = app.staff(&["settings", "reports"]).await;
        let fine = json!({ "url": "https://hooks.example/", "kinds": ["order.paid", "order.placed", "order.paid"] });
        let refused = make(&clerk, fine.clone()).await.problem("forbidden");
        assert_eq!(refused["permission"], "customers");
        let teller = app.staff(&["customers"]).await;
        assert_eq!(make(&teller, fine.clone()).await.problem("forbidden")["permission"], "settings");
        let made = make(&merchant, fine).await.expect(201);
        assert_eq!(made["kinds"], json!(["order.placed", "order.paid"]));
        let path = format!("/{}", made["id"].as_str().unwrap());
        send(&app, Method::PATCH, &path, &clerk, Some(json!({ "kinds": [] }))).await.problem("forbidden");
        send(&app, Method::POST, &format!("{path}/rotate-secret"), &clerk, Some(json!({}))).await.problem("forbidden");
        send(&app, Method::PATCH, &path, &clerk, Some(json!({ "description": "ERP" }))).await.expect(200);
        let shown = send(&app, Method::GET, &path, &clerk, None).await.expect(200);
        assert_eq!((&shown["description"], shown.get("secret")), (&json!("ERP"), None));
        let message = send(&app, Method::POST, &format!("{path}/test"), &clerk, None).await.expect(202);
        let message = format!("{path}/messages/{}", message["id"].as_str().unwrap());
        assert_eq!(send(&app, Method::GET, &message, &clerk, None).await.expect(200)["body"], json!(null));
        send(&app, Method::DELETE, &path, &clerk, None).await.expect(204);
        send(&app, Method::GET, &path, &clerk, None).await.problem("not-found");
        send(&app, Method::DELETE, &path, &merchant, None).await.problem("not-found");
        for enabled in [true, false] {
            send(&app, Method::PATCH, &path, &merchant, Some(json!({ "enabled": enabled }))).await.problem("not-found");
        }
        send(&app, Method::POST, &format!("{path}/rotate-secret"), &merchant, Some(json!({}))).await.problem("not-found");
        let events = app.send(Method::GET, "/v1/admin/events?type=user.created", Some(&clerk), None).await.expect(200);
        assert_eq!((&events["items"][0]["type"], &events["items"][0]["data"]), (&json!("user.created"), &json!(null)));
    }
}

api_test! {
    /// A webhook that was made under other settings is not posted to, whatever its row says.
    async fn settings_that_became_stricter_hold_for_old_webhooks_too(app: App) {
        let app = app.another(|config| {
            open(config);
            config.webhooks.allow_private_networks = false;
            config.webhooks.most = 1;
        }).await;
        let merchant = app.merchant().await;
        let receiver = Receiver::start(&[]).await;
        let (id, _) = hook(&app, &merchant, "https://hooks.example/", &["order.placed"]).await;
        let more = json!({ "url": "https://hooks.example/" });
        send(&app, Method::POST, "", &merchant, Some(more)).await.problem("too-many-webhooks");
        let mut tx = app.shop.db().write().await.unwrap();
        kassa::db::sql::execute!(tx, "update webhooks set url = $1", receiver.url.as_str()).unwrap();
        tx.commit().await.unwrap();
        send(&app, Method::POST, &format!("/{id}/test"), &merchant, None).await.expect(202);
        let failed = ended(&app, &merchant, &id, "failed").await;
        assert_eq!(failed["tries"][0]["error"], "url-not-allowed");
        assert!(receiver.received().is_empty());
        app.stopper().stop().await;
    }
}

api_test! {
    async fn the_log_of_events_is_paged_and_sieved(app: App) {
        let merchant = app.merchant().await;
        let order = order(&app).await;
        let list = async |query: &str| {
            app.send(Method::GET, &format!("/v1/admin/events{query}"), Some(&merchant), None).await
        };
        let path = format!("?subject={}", order["id"].as_str().unwrap());
        let of_order = app.eventually("both events are told", || async {
            let items = list(&path).await.expect(200)["items"].clone();
            let told = |item: &Value| item["told_at"].is_string();
            (items.as_array().unwrap().len() == 2 && items.as_array().unwrap().iter().all(told)).then_some(items)
        }).await;
        assert_eq!((&of_order[0]["type"], &of_order[1]["type"]), (&json!("order.paid"), &json!("order.placed")));
        assert_eq!(of_order[1]["data"]["order_id"], order["id"]);
        let placed = list(&format!("{path}&type=order.placed")).await.expect(200);
        assert_eq!(placed["items"], json!([of_order[1]]));
        let first = list(&format!("{path}&limit=1")).await.expect(200);
        let next = list(&format!("{path}&limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).await.expect(200);
        assert_eq!((&first["items"][0], &next["items"][0]), (&of_order[0], &of_order[1]));
        list("?type=").await.problem("invalid-request");
    }
}

api_test! {
    /// What waits goes where the merchant says now, under the secret of now, also while the courier is on its way.
    async fn a_backlog_follows_the_webhook(app: App) {
        let app = app.another(|config| {
            open(config);
            config.webhooks.concurrency = 1;
        }).await;
        let merchant = app.merchant().await;
        let (before, after) = (Receiver::start_silent(&["410 Gone"]).await, Receiver::start(&[]).await);
        let (id, _) = hook(&app, &merchant, &before.url, &["order.placed"]).await;
        for _ in 0..3 {
            order(&app).await;
        }
        eventually_received(&app, &before, 1).await;
        let moved = json!({ "url": after.url });
        send(&app, Method::PATCH, &format!("/{id}"), &merchant, Some(moved)).await.expect(200);
        let rotated = send(&app, Method::POST, &format!("/{id}/rotate-secret"), &merchant, Some(json!({ "overlap_hours": 0 }))).await;
        let secret = rotated.expect(200)["secret"].as_str().unwrap().to_owned();
        before.let_go();
        // The two that waited, and the one that found nobody at the address of before.
        let received = eventually_received(&app, &after, 3).await;
        assert!(received.iter().all(|one| one.headers["webhook-signature"] == signature(one, &secret)), "{received:?}");
        assert_eq!(before.received().len(), 1);
        let shown = send(&app, Method::GET, &format!("/{id}"), &merchant, None).await.expect(200);
        assert_eq!((&shown["enabled"], &shown["failing_since"]), (&json!(true), &json!(null)), "the former address is gone, not this one");
        app.stopper().stop().await;
    }
}
