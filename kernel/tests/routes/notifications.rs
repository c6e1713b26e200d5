//! Inboxes, devices, the delivery log.

use futures_util::StreamExt;
use kassa::db::sql;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::shopper::Shopper;
use crate::support::stock;

/// Places an order that is paid at once, and waits until its messages are sent.
async fn order(app: &App, token: &str) -> Value {
    let shopper = Shopper::signed_in(app, token).await;
    shopper.prepare("TEA-SENCHA-100", 1).await;
    let order = shopper.check_out("tok-approve").await.expect(201);
    let paid = format!("Order {} is paid", order["number"]);
    app.eventually("the inbox has the order", || async {
        let inbox = inbox(app, token, "").await;
        inbox["items"].as_array().unwrap().iter().any(|item| item["title"] == paid.as_str()).then_some(())
    })
    .await;
    order
}

async fn inbox(app: &App, token: &str, query: &str) -> Value {
    app.send(Method::GET, &format!("/v1/me/inbox{query}"), Some(token), None).await.expect(200)
}

api_test! {
    async fn an_order_fills_the_inbox_of_its_customer(app: App) {
        let (ada, bob) = (app.customer("ada@example.org").await, app.customer("bob@example.org").await);
        let order = order(&app, &ada).await;
        let all = inbox(&app, &ada, "").await;
        assert_eq!((&all["unread"], &all["position"]), (&json!(2), &json!(2)), "{all}");
        assert_eq!(all["items"][1]["kind"], "order.placed");
        assert_eq!(all["items"][1]["about"], order["id"]);
        let first = inbox(&app, &ada, "?limit=1").await;
        let second = inbox(&app, &ada, &format!("?limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).await;
        assert_eq!((&first["items"][0], &second["items"][0]), (&all["items"][0], &all["items"][1]));
        assert_eq!(second["next_cursor"], json!(null));

        let item = format!("/v1/me/inbox/{}", all["items"][0]["id"].as_str().unwrap());
        let read = format!("{item}/read");
        app.send(Method::POST, &read, Some(&bob), None).await.problem("not-found");
        app.send(Method::POST, &read, Some(&ada), None).await.expect(204);
        let unread = inbox(&app, &ada, "?unread=true").await;
        assert_eq!((unread["items"].as_array().unwrap().len(), &unread["unread"]), (1, &json!(1)));
        let wrong = json!({ "until": -1 });
        app.send(Method::POST, "/v1/me/inbox/read-all", Some(&ada), Some(wrong)).await.problem("invalid-request");
        let up_to = async |until: Value| {
            app.send(Method::POST, "/v1/me/inbox/read-all", Some(&ada), Some(until)).await.expect(200)["read"].clone()
        };
        assert_eq!(up_to(json!({ "until": 0 })).await, 0);
        assert_eq!(up_to(json!({})).await, 1);
        assert_eq!(inbox(&app, &ada, "").await["unread"], 0);

        app.send(Method::DELETE, &item, Some(&bob), None).await.problem("not-found");
        app.send(Method::DELETE, &item, Some(&ada), None).await.expect(204);
        app.send(Method::DELETE, &item, Some(&ada), None).await.problem("not-found");
        assert_eq!(inbox(&app, &ada, "").await["items"].as_array().unwrap().len(), 1);
        assert_eq!(inbox(&app, &bob, "").await["items"], json!([]));
        app.get("/v1/me/inbox").await.problem("unauthenticated");
        app.send(Method::GET, "/v1/me/inbox?limit=0", Some(&ada), None).await.problem("invalid-request");
    }
}

/// Reads a stream until it has `count` items; answers them as `(id, data)`.
async fn read_items(response: reqwest::Response, count: usize) -> Vec<(String, Value)> {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert!(!response.headers().contains_key("content-encoding"), "compressed, events would wait for each other");
    let (mut body, mut text) = (response.bytes_stream(), String::new());
    while text.matches("\n\n").count() < count || text.matches("event: item").count() < count {
        text.push_str(std::str::from_utf8(&body.next().await.unwrap().unwrap()).unwrap());
    }
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned)).unwrap()
    };
    let events = text.split("\n\n").filter(|event| event.contains("event: item"));
    events.map(|event| (field(event, "id"), serde_json::from_str(&field(event, "data")).unwrap())).collect()
}

api_test! {
    async fn a_stream_tells_of_new_items_and_goes_on_where_it_ended(app: App) {
        let app = app.another(|config| config.notifications.inbox.streams_per_person = 1).await;
        let ada = app.customer("ada@example.org").await;
        let open = |last: Option<&str>| {
            let mut request = app.client.get(format!("{}/v1/me/inbox/stream", app.url)).bearer_auth(&ada);
            if let Some(last) = last {
                request = request.header("last-event-id", last).header("accept-encoding", "gzip");
            }
            request.send()
        };
        let live = open(None).await.unwrap();
        let second = open(None).await.unwrap();
        assert_eq!(second.status(), 429, "one stream for each person");
        order(&app, &ada).await;
        let told = read_items(live, 2).await;
        assert_eq!(told.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(told[1].1["id"], inbox(&app, &ada, "").await["items"][0]["id"]);
        let again = app.eventually("the place is free again", || async {
            let response = open(Some("1")).await.unwrap();
            (response.status() == 200).then_some(response)
        }).await;
        assert_eq!(read_items(again, 1).await[0].0, "2", "what came after the last event that was seen");
        let odd = open(Some("yesterday")).await.unwrap();
        assert_eq!(odd.status(), 422);
        assert_eq!(app.get("/v1/me/inbox/stream").await.status, 401);
        app.stopper().stop().await;
    }
}

api_test! {
    async fn a_stream_ends_with_its_session_and_with_the_shop(app: App) {
        let app = app.another(|config| config.notifications.inbox.heartbeat_ms = 50).await;
        let body = json!({ "email": "ada@example.org", "password": "a long enough password" });
        let session = app.post("/v1/auth/register", body).await.expect(201);
        let stream = async |token: &Value| {
            let request = app.client.get(format!("{}/v1/me/inbox/stream", app.url)).bearer_auth(token.as_str().unwrap());
            request.send().await.unwrap()
        };
        let ending = stream(&session["access_token"]).await.text();
        app.post("/v1/auth/logout", json!({ "refresh_token": session["refresh_token"] })).await.expect(204);
        ending.await.unwrap();
        let bob = app.customer("bob@example.org").await;
        let ending = stream(&json!(bob)).await.text();
        app.stopper().stop().await;
        ending.await.unwrap();
    }
}

api_test! {
    /// An item that another kernel wrote is told by a look at the database.
    async fn a_stream_hears_of_other_kernels(app: App) {
        let ada = app.customer("ada@example.org").await;
        let live = app.client.get(format!("{}/v1/me/inbox/stream", app.url)).bearer_auth(&ada).send().await.unwrap();
        let me = app.send(Method::GET, "/v1/me", Some(&ada), None).await.expect(200);
        let id: uuid::Uuid = me["id"].as_str().unwrap().parse().unwrap();
        let now = kassa::clock::now();
        let mut tx = app.shop.db().write().await.unwrap();
        sql::execute!(tx, "insert into inbox_positions (customer_id, last, changed_at) values ($1, 1, $2)", id, now).unwrap();
        sql::execute!(
            tx,
            "insert into inbox_items (id, customer_id, position, kind, about, title, body, attributes, created_at)
             values ($1, $1, 1, 'test', '', 'From afar', '', $3, $2)",
            id,
            now,
            kassa::db::Json(json!([]))
        )
        .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(read_items(live, 1).await[0].1["title"], "From afar");
    }
}

api_test! {
    async fn staff_find_what_is_their_business(app: App) {
        let (orders, plugins) = (app.staff(&["orders"]).await, app.staff(&["plugins"]).await);
        let order = order(&app, &app.customer("ada@example.org").await).await;
        let told = app.eventually("the new order is told", || async {
            inbox(&app, &orders, "").await["items"].as_array().unwrap().first().cloned()
        }).await;
        assert_eq!(told["title"], format!("New order {}", order["number"]));
        assert_eq!((&told["kind"], &told["about"]), (&json!("order.placed"), &order["id"]));
        let others = inbox(&app, &plugins, "").await["items"].clone();
        let orders = others.as_array().unwrap().iter().filter(|item| item["kind"] == "order.placed").count();
        assert_eq!(orders, 0, "orders are not their business");
    }
}

/// The titles of what staff with a permission is told of a kind, once there are some.
async fn staff_titles(app: &App, token: &str, kind: &str) -> Vec<Value> {
    app.eventually("staff is told", || async {
        let inbox = inbox(app, token, "").await;
        let of_kind = inbox["items"].as_array().unwrap().iter().filter(|item| item["kind"] == kind);
        let titles: Vec<_> = of_kind.map(|item| item["title"].clone()).collect();
        (!titles.is_empty()).then_some(titles)
    })
    .await
}

api_test! {
    async fn staff_is_told_of_payments_that_nobody_heard_the_end_of(app: App) {
        let clerk = app.staff(&["refunds"]).await;
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let order = shopper.check_out("tok-timeout-after-charge").await.expect(201);
        let title = format!("A payment hangs in the air: order {}", order["number"]);
        assert_eq!(staff_titles(&app, &clerk, "payment.unknown").await, [title]);
    }
}

api_test! {
    /// A guest's order opens to whoever has the link: it is in the mail, and in nothing that other systems see.
    async fn letters_link_to_the_order_and_events_do_not(app: App) {
        let app = app.another(|config| config.shop.storefront_url = "https://store.example".into()).await;
        let order = Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-approve").await.expect(201);
        let link = format!("View the order: https://store.example/order#order={}", order["id"].as_str().unwrap());
        let linked = async || {
            let mut conn = app.shop.db().read().await.unwrap();
            let texts = sql::all!(conn, (String,), "select body_text from messages where kind = 'order.placed'").unwrap();
            texts.iter().any(|(text,)| text.contains(&link)).then_some(())
        };
        app.eventually("the mail links to the order", linked).await;
        for kind in ["order.placed", "order.paid"] {
            assert_eq!(stock::events(&app, kind).await[0].get("url"), None, "{kind}");
        }
        app.stopper().stop().await;
    }
}

api_test! {
    /// The worst that can happen to goods: paid and gone, and nothing left to sell.
    async fn staff_is_told_what_is_out_short_and_waited_for(app: App) {
        let (orders, catalog) = (app.staff(&["orders"]).await, app.staff(&["catalog"]).await);
        let sku = "GRINDER-HAND";
        stock::reserve(&app, 1, sku, 6, true).await.unwrap();
        app.eventually("it expires", || async { (stock::numbers(&app, sku).await.1 == 0).then_some(()) }).await;
        stock::reserve(&app, 2, sku, 8, false).await.unwrap();
        assert_eq!(stock::keep(&app, 1).await.len(), 1);
        assert_eq!(staff_titles(&app, &orders, "stock.short").await, ["Paid, but the goods are gone: GRINDER-HAND"]);
        assert_eq!(staff_titles(&app, &catalog, "stock.out").await, ["Out of stock: GRINDER-HAND"]);
        let merchant = stock::Merchant::of(&app, "POT-GLASS-1L").await;
        merchant.policy(json!({ "backorder_limit": null })).await.expect(200);
        stock::reserve(&app, 3, "POT-GLASS-1L", 13, false).await.unwrap();
        assert_eq!(staff_titles(&app, &orders, "stock.backordered").await, ["An order waits for goods: POT-GLASS-1L"]);
        let order = Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-approve").await.expect(201);
        let id = order["id"].as_str().unwrap();
        app.send(Method::POST, &format!("/v1/admin/orders/{id}/ship"), Some(&orders), None).await.expect(200);
        let wish = json!({ "lines": [{ "line": 0, "quantity": 1, "reason": "damaged" }] });
        app.post(&format!("/v1/orders/{id}/returns"), wish).await.expect(201);
        let title = format!("Order {}: goods are to come back", order["number"]);
        assert_eq!(staff_titles(&app, &orders, "return.requested").await, [title]);
        let told = inbox(&app, &catalog, "").await["items"].clone();
        assert!(told.as_array().unwrap().iter().all(|item| item["kind"] != "stock.short"), "an order is not their business");
    }
}

api_test! {
    async fn a_device_is_registered_told_and_removed(app: App) {
        let (ada, bob) = (app.customer("ada@example.org").await, app.customer("bob@example.org").await);
        let register = async |token: &str, device: &str| {
            let body = json!({ "token": device, "platform": "android" });
            app.send(Method::POST, "/v1/me/push-tokens", Some(token), Some(body)).await.expect(201)
        };
        let list = async |token: &str| app.send(Method::GET, "/v1/me/push-tokens", Some(token), None).await.expect(200);
        let device = register(&ada, "device-1").await;
        assert_eq!(register(&ada, "device-1").await["id"], device["id"], "again, it is the same");
        assert_eq!(list(&ada).await, json!([device]));
        let moved = register(&bob, "device-1").await;
        assert_eq!((list(&ada).await, list(&bob).await), (json!([]), json!([moved])), "it has changed hands");
        let path = format!("/v1/me/push-tokens/{}", moved["id"].as_str().unwrap());
        app.send(Method::DELETE, &path, Some(&ada), None).await.problem("not-found");
        app.send(Method::DELETE, &path, Some(&bob), None).await.expect(204);
        assert_eq!(list(&bob).await, json!([]));
        for body in [json!({ "token": "", "platform": "web" }), json!({ "token": "a b", "platform": "web" })] {
            app.send(Method::POST, "/v1/me/push-tokens", Some(&ada), Some(body)).await.problem("invalid-request");
        }
        app.get("/v1/me/push-tokens").await.problem("unauthenticated");
    }
}

api_test! {
    async fn the_log_tells_what_became_of_each_message(app: App) {
        let ada = app.customer("ada@example.org").await;
        let order = order(&app, &ada).await;
        let merchant = app.merchant().await;
        let list = async |query: String, token: &str| {
            app.send(Method::GET, &format!("/v1/admin/messages{query}"), Some(token), None).await
        };
        let of_order = format!("?order_id={}&channel=email", order["id"].as_str().unwrap());
        let mails = app.eventually("both mails are sent", || async {
            let items = list(format!("{of_order}&status=sent"), &merchant).await.expect(200)["items"].clone();
            (items.as_array().unwrap().len() == 2).then_some(items)
        }).await;
        let paid = mails.as_array().unwrap().iter().find(|mail| mail["kind"] == "order.paid").unwrap().clone();
        assert_eq!(paid["recipient"], "ada@example.org");
        let first = list(format!("{of_order}&limit=1"), &merchant).await.expect(200);
        let next = list(format!("{of_order}&limit=1&cursor={}", first["next_cursor"].as_str().unwrap()), &merchant).await;
        assert_eq!((&first["items"][0], &next.expect(200)["items"][0]), (&mails[0], &mails[1]));
        for query in ["?recipient=ada@example.org&kind=order.paid", "?kind=order.paid&channel=email", "?status=sent&kind=order.paid&channel=email"] {
            assert_eq!(list(query.into(), &merchant).await.expect(200)["items"], json!([paid]), "{query}");
        }

        let path = format!("/v1/admin/messages/{}", paid["id"].as_str().unwrap());
        let one = app.send(Method::GET, &path, Some(&merchant), None).await.expect(200);
        assert!(one["text"].as_str().unwrap().contains("Thank you!") && one["html"].is_string(), "{one}");
        assert_eq!((one["tries"].as_array().unwrap().len(), &one["tries"][0]["code"]), (1, &json!(null)));

        // Who may look after the shop but not after its customers sees no person.
        let clerk = app.staff(&["settings"]).await;
        let hidden = app.send(Method::GET, &path, Some(&clerk), None).await.expect(200);
        for field in ["text", "html", "recipient", "recipient_name", "subject"] {
            assert_eq!(hidden[field], json!(null), "{field}");
        }
        list("?recipient=ada@example.org".into(), &clerk).await.problem("invalid-request");
        let other = app.staff(&["orders", "customers"]).await;
        for (method, path) in [(Method::GET, "/v1/admin/messages"), (Method::GET, path.as_str()),
            (Method::POST, &format!("{path}/resend"))] {
            app.send(method, path, Some(&other), None).await.problem("forbidden");
        }
        let retry = "/v1/admin/messages/retry-dead";
        app.send(Method::POST, retry, Some(&other), Some(json!({}))).await.problem("forbidden");

        let again = app.send(Method::POST, &format!("{path}/resend"), Some(&merchant), None).await.expect(201);
        assert_eq!((&again["resend_of"], &again["status"]), (&paid["id"], &json!("queued")));
        let subject = format!("Subject: Order {} is paid", order["number"]);
        let copies = || app.mails().iter().filter(|mail| mail.contains(&subject)).count();
        app.eventually("it is sent again", || async { (copies() == 2).then_some(()) }).await;
        let missing = format!("/v1/admin/messages/{}/resend", order["id"].as_str().unwrap());
        app.send(Method::POST, &missing, Some(&merchant), None).await.problem("not-found");
        let item = list("?channel=inbox".into(), &merchant).await.expect(200)["items"][0]["id"].clone();
        let item = format!("/v1/admin/messages/{}/resend", item.as_str().unwrap());
        app.send(Method::POST, &item, Some(&merchant), None).await.problem("message-not-resendable");
    }
}

api_test! {
    async fn dead_messages_are_told_and_tried_again(app: App) {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let app = app.another(|config| {
            config.notifications.smtp_url = format!("smtp://{closed}").as_str().into();
            config.notifications.max_attempts = 1;
        }).await;
        let merchant = app.merchant().await;
        order(&app, &app.customer("ada@example.org").await).await;
        let dead = async || {
            let answer = app.send(Method::GET, "/v1/admin/messages?status=dead", Some(&merchant), None).await;
            let mut items = answer.expect(200)["items"].as_array().unwrap().clone();
            // Letters about accounts are given up too.
            items.retain(|message| message["kind"].as_str().unwrap().starts_with("order."));
            items
        };
        app.eventually("both mails are given up", || async { (dead().await.len() == 2).then_some(()) }).await;
        app.eventually("staff are told", || async {
            let items = inbox(&app, &merchant, "").await["items"].clone();
            items.as_array().unwrap().iter().any(|item| item["kind"] == "message.dead").then_some(())
        }).await;
        let retry = async |body: Value| {
            app.send(Method::POST, "/v1/admin/messages/retry-dead", Some(&merchant), Some(body)).await.expect(200)["queued"].clone()
        };
        assert_eq!(retry(json!({ "channel": "sms" })).await, 0);
        assert_eq!(retry(json!({ "channel": "email", "kind": "order.paid" })).await, 1);
        let tries = app.eventually("it was tried again", || async {
            let id = dead().await.iter().find(|message| message["kind"] == "order.paid")?["id"].clone();
            let path = format!("/v1/admin/messages/{}", id.as_str().unwrap());
            let message = app.send(Method::GET, &path, Some(&merchant), None).await.expect(200);
            (message["tries"].as_array().unwrap().len() == 2).then_some(message["tries"].clone())
        }).await;
        assert_eq!(tries[1]["code"], "unreachable");
        app.stopper().stop().await;
    }
}

api_test! {
    async fn what_would_be_said_is_shown_and_not_sent(app: App) {
        let merchant = app.merchant().await;
        let kinds = app.send(Method::GET, "/v1/admin/notifications/kinds", Some(&merchant), None).await.expect(200);
        assert_eq!((&kinds[0]["kind"], &kinds[0]["sample"]["number"]), (&json!("order.placed"), &json!("1042")));
        let ask = async |token: &str, body: Value| {
            app.send(Method::POST, "/v1/admin/notifications/preview", Some(token), Some(body)).await
        };
        let russian = ask(&merchant, json!({ "kind": "order.shipped", "locale": "ru" })).await.expect(200);
        assert_eq!(russian[0]["messages"][0]["subject"], "Заказ 1042 отправлен");
        let rejected = ask(&merchant, json!({ "kind": "return.rejected" })).await.expect(200);
        assert!(rejected[0]["messages"][0]["text"].as_str().unwrap().contains("The reason: it was worn"), "{rejected}");
        for kind in kinds.as_array().unwrap() {
            ask(&merchant, json!({ "kind": kind["kind"] })).await.expect(200);
        }
        let candidate = |subject: &str| json!({ "kind": "order.shipped", "candidate": { "plugin": "notification-email", "settings": {
            "channels": ["sms"], "texts": [{ "kind": "order.shipped", "channel": "sms", "subject": subject, "text": "Soon" }] } } });
        let sms = ask(&merchant, candidate("Off goes {number}")).await.expect(200);
        assert_eq!(sms[0]["messages"].as_array().unwrap().len(), 1);
        assert_eq!((&sms[0]["messages"][0]["channel"], &sms[0]["messages"][0]["subject"]), (&json!("sms"), &json!("Off goes 1042")));
        let refused = ask(&merchant, candidate("{nmber}")).await.problem("binding-rejected");
        assert!(refused["detail"].as_str().unwrap().contains("there is no {nmber} for order.shipped"), "{refused}");

        let order = order(&app, &app.customer("eve@example.org").await).await;
        let of_order = json!({ "kind": "order.paid", "order_id": order["id"] });
        let paid = ask(&merchant, of_order.clone()).await.expect(200);
        assert_eq!(paid[0]["messages"][0]["subject"], format!("Order {} is paid", order["number"]));
        ask(&merchant, json!({ "kind": "order.shipped", "order_id": order["id"] })).await.problem("not-found");
        let clerk = app.staff(&["settings"]).await;
        ask(&clerk, of_order).await.problem("forbidden");
        ask(&clerk, json!({ "kind": "order.paid" })).await.expect(200);
        for body in [json!({ "kind": "order.eaten" }), json!({ "kind": "order.paid", "locale": "!" }),
            json!({ "kind": "order.paid", "candidate": { "plugin": "notification-email", "settings": [] } }),
            json!({ "kind": "order.paid", "candidate": { "plugin": "nobody", "settings": {} } })] {
            ask(&merchant, body).await.problem("invalid-request");
        }
        let other = app.staff(&["orders"]).await;
        ask(&other, json!({ "kind": "order.paid" })).await.problem("forbidden");
        app.send(Method::GET, "/v1/admin/notifications/kinds", Some(&other), None).await.problem("forbidden");
        let log = app.send(Method::GET, "/v1/admin/messages?channel=sms", Some(&merchant), None).await.expect(200);
        assert_eq!(log["items"], json!([]), "nothing was sent");
    }
}

api_test! {
    /// An account costs nobody anything: however many one has, they do not take everybody's places.
    async fn an_address_has_few_streams_whoever_they_are_for(app: App) {
        let app = app.another(|config| {
            config.notifications.inbox.streams = 10;
            config.notifications.inbox.streams_per_address = 2;
        }).await;
        let mut streams = Vec::new();
        for (email, status) in [("ada@example.org", 200), ("bob@example.org", 200), ("eve@example.org", 429)] {
            let token = app.customer(email).await;
            let stream = app.client.get(format!("{}/v1/me/inbox/stream", app.url)).bearer_auth(&token).send().await.unwrap();
            assert_eq!(stream.status(), status, "{email}");
            streams.push(stream);
        }
        app.stopper().stop().await;
    }
}
