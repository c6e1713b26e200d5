//! Bad requests get a problem of the closed list, and nothing changes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::merchant::{Merchant, pointers};
use crate::support::shopper::Shopper;

async fn raw(app: &App, method: Method, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = app.client.request(method, format!("{}{path}", app.url)).header("content-type", content_type);
    Answer::of(request.body(body)).await
}

api_test! {
    async fn bodies_that_are_no_json_or_of_another_kind(app: App) {
        for (content_type, body, problem) in [
            ("application/json", "{", "malformed-request"),
            ("application/json", "", "malformed-request"),
            ("application/json", "{}{}", "malformed-request"),
            ("application/json", "\u{0}", "malformed-request"),
            ("application/json", "[]", "invalid-request"),
            ("application/json", "null", "invalid-request"),
            ("application/json", r#"{"locale":"en","admin":true}"#, "invalid-request"),
            ("application/json", r#"{"locale":"en","locale":"ru"}"#, "invalid-request"),
            ("text/plain", "{}", "unsupported-media-type"),
            ("application/x-www-form-urlencoded", "a=b", "unsupported-media-type"),
        ] {
            raw(&app, Method::POST, "/v1/carts", content_type, body).await.problem(problem);
        }
        let invalid_utf8: &[u8] = b"{\"locale\":\"\xff\"}";
        raw(&app, Method::POST, "/v1/carts", "application/json", invalid_utf8).await.problem("malformed-request");
    }
}

api_test! {
    async fn quantities_that_are_no_quantities(app: App) {
        let shopper = Shopper::guest(&app).await;
        let path = format!("/v1/carts/{}/lines", shopper.cart);
        for quantity in ["-1", "0", "1.5", "1e3", "1000001", "4294967296", "99999999999999999999", "\"2\"", "null", "true"] {
            let body = format!(r#"{{"sku":"TEA-SENCHA-100","quantity":{quantity}}}"#);
            let problem = raw(&app, Method::POST, &path, "application/json", body).await.problem("invalid-request");
            assert_eq!(problem["errors"][0]["pointer"], "/quantity", "{quantity}");
        }
        assert_eq!(shopper.show().await["lines"], json!([]));
        shopper.add("TEA-SENCHA-100", 1).await.expect(200);
        let line = format!("/lines/{}", shopper.show().await["lines"][0]["id"].as_str().unwrap());
        shopper.send(Method::PATCH, &line, Some(json!({ "quantity": -1 }))).await.problem("invalid-request");
        shopper.send(Method::PATCH, &line, Some(json!({ "quantity": 1_000_001 }))).await.problem("invalid-request");
        assert_eq!(shopper.show().await["lines"][0]["quantity"], 1);
    }
}

api_test! {
    async fn fields_of_a_cart_that_cannot_be(app: App) {
        let shopper = Shopper::guest(&app).await;
        let address = crate::support::shopper::address();
        let with = |field: &str, value: Value| {
            let mut address = address.clone();
            address[field] = value;
            address
        };
        let long = "x".repeat(201);
        let many: Vec<String> = (0..11).map(|index| format!("CODE{index}")).collect();
        for (what, body, pointer) in [
            ("email", json!({ "email": "nobody" }), "/email"),
            ("email", json!({ "email": "a@b\r\nBcc: x@y" }), "/email"),
            ("address", with("country", json!("de")), "/country"),
            ("address", with("country", json!("XX")), "/country"),
            ("address", with("name", json!("")), "/name"),
            ("address", with("name", json!("a\u{0}b")), "/name"),
            ("address", with("street", json!(long)), "/street"),
            ("address", with("planet", json!("Mars")), "/planet"),
            ("coupons", json!({ "coupons": many }), "/coupons"),
            ("coupons", json!({ "coupons": [""] }), "/coupons/0"),
            ("delivery-option", json!({ "id": "no colon" }), "/id"),
            ("delivery-option", json!({ "id": "a:" }), "/id"),
            ("delivery-option", json!({ "id": "a b:c" }), "/id"),
        ] {
            let problem = shopper.put(what, body).await.problem("invalid-request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        }
        let cart = shopper.show().await;
        assert_eq!((&cart["email"], &cart["address"], &cart["coupons"]), (&json!(null), &json!(null), &json!([])));
    }
}

api_test! {
    async fn totals_that_are_no_totals(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        for total in ["-1", "1.0", "9007199254740992", "\"1740\"", "null"] {
            let body = format!(
                r#"{{"payment_method":"payment-emulator:card","payment_token":"tok-approve","expected_total":{total}}}"#
            );
            let path = format!("/v1/carts/{}/checkout", shopper.cart);
            let problem = raw(&app, Method::POST, &path, "application/json", body).await.problem("invalid-request");
            assert_eq!(problem["errors"][0]["pointer"], "/expected_total");
        }
        assert_eq!(shopper.show().await["status"], "open");
    }
}

api_test! {
    async fn paths_and_queries_that_name_nothing(app: App) {
        app.get("/v1/carts/not-a-uuid").await.problem("not-found");
        app.get("/v1/orders/00000000-0000-4000-8000-000000000000").await.problem("not-found");
        for query in ["limit=0", "limit=101", "cursor=!", "cursor=AAAA"] {
            app.get(&format!("/v1/products?{query}")).await.problem("invalid-request");
        }
        for query in ["limit=many", "unknown=1"] {
            let answer = app.get(&format!("/v1/products?{query}")).await;
            assert!(answer.status == 400 || answer.status == 422, "{query}: {}", answer.body);
        }
    }
}

api_test! {
    async fn bodies_beyond_the_limit(app: App) {
        let body = format!(r#"{{"locale":"{}"}}"#, "x".repeat(2 * 1024 * 1024));
        raw(&app, Method::POST, "/v1/carts", "application/json", body.clone()).await.problem("payload-too-large");
        // Without a length, the limit holds where the bytes pass it.
        let chunks = body.into_bytes().chunks(64 * 1024).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let stream = futures_util::stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>));
        let answer = raw(&app, Method::POST, "/v1/carts", "application/json", reqwest::Body::wrap_stream(stream)).await;
        answer.problem("payload-too-large");
    }
}

api_test! {
    /// The limit holds before the idempotency key looks at the body, else one request could fill the memory.
    async fn bodies_without_end_under_an_idempotency_key(app: App) {
        let app = app.another(|config| config.http.request_timeout_ms = 5_000).await;
        let stop = app.stopper();
        let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024]));
        let paced = futures_util::StreamExt::then(endless, |chunk| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            chunk
        });
        let request = app.client.post(format!("{}/v1/carts", app.url)).header("content-type", "application/json");
        let request = request.header("idempotency-key", "3e1bbf27-2f6d-4d2b-9d7c-000000000001");
        Answer::of(request.body(reqwest::Body::wrap_stream(paced))).await.problem("payload-too-large");
        stop.stop().await;
    }
}

api_test! {
    /// A head that never ends is cut off, and others are served meanwhile.
    async fn heads_that_trickle(app: App) {
        let app = app.another(|config| config.http.header_timeout_ms = 300).await;
        let stop = app.stopper();
        let address = app.url.trim_start_matches("http://").to_owned();
        let slow = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nx-slow: ").unwrap();
            let mut answer = Vec::new();
            // Ends when the server closes the connection; a read that times out is an error.
            stream.read_to_end(&mut answer).map(|_| answer)
        });
        app.get("/livez").await.expect(200);
        let answer = slow.await.unwrap().expect("the server closes the connection");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("/problems/request-timeout"), "{answer}");
        stop.stop().await;
    }
}

api_test! {
    /// A body that never ends is answered, and nothing is made of what came.
    async fn bodies_that_trickle(app: App) {
        let app = app.another(|config| config.http.request_timeout_ms = 400).await;
        let stop = app.stopper();
        let forever = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Some((Ok::<_, std::io::Error>(b" ".to_vec()), ()))
        });
        let answer = raw(&app, Method::POST, "/v1/carts", "application/json", reqwest::Body::wrap_stream(forever)).await;
        answer.problem("request-timeout");
        stop.stop().await;
    }
}

api_test! {
    /// Years that PostgreSQL does not have, or whose texts do not sort (SQLite), and the character that PostgreSQL keeps in no text.
    async fn moments_and_texts_that_a_database_cannot_compare_with(app: App) {
        let token = app.merchant().await;
        let refused = async |method: Method, path: &str, body: Option<Value>| {
            let answer = app.send(method, path, Some(&token), body).await;
            assert!([400, 422].contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
        };
        let id = uuid::Uuid::nil();
        for moment in ["-9999-01-01T00:00:00Z", "+10000-01-01T00:00:00Z"] {
            let at = kassa::http::paging::cursor(&json!([moment, id]));
            let query = moment.replace('+', "%2B");
            for path in [
                format!("/v1/collections?cursor={at}"),
                format!("/v1/admin/collections?cursor={at}"),
                format!("/v1/orders?cursor={at}"),
                format!("/v1/admin/orders?cursor={at}"),
                format!("/v1/admin/orders?since={query}"),
                format!("/v1/admin/orders?until={query}"),
                format!("/v1/admin/audit?since={query}"),
            ] {
                refused(Method::GET, &path, None).await;
            }
            let products = kassa::http::paging::cursor(&json!(["updated", moment, id]));
            refused(Method::GET, &format!("/v1/admin/products?sort=updated&cursor={products}"), None).await;
            for (path, body) in [
                ("/v1/admin/coupons", json!({ "code": "X", "starts_at": moment })),
                ("/v1/admin/coupons", json!({ "code": "X", "ends_at": moment })),
                ("/v1/admin/gift-cards", json!({ "amount": 1, "currency": "EUR", "expires_at": moment })),
                ("/v1/admin/api-keys", json!({ "name": "x", "scopes": ["orders"], "expires_at": moment })),
                ("/v1/admin/webhooks/00000000-0000-0000-0000-000000000000/replay-failed", json!({ "since": moment })),
                ("/v1/admin/price-lists", json!({ "code": "x", "name": "x", "currency": "EUR", "ends_at": moment })),
            ] {
                refused(Method::POST, path, Some(body)).await;
            }
        }
        let text = kassa::http::paging::cursor(&json!("\0"));
        let customers = kassa::http::paging::cursor(&json!(["Name", "a\0", id]));
        for path in [
            "/v1/admin/gift-cards?last_four=%00AAA".to_owned(),
            format!("/v1/admin/customers?sort=name&cursor={customers}"),
            format!("/v1/admin/product-types?cursor={text}"),
            format!("/v1/admin/price-lists?cursor={text}"),
            format!("/v1/admin/customer-groups?cursor={text}"),
        ] {
            refused(Method::GET, &path, None).await;
        }
    }
}

api_test! {
    /// `erased-{id}@erased.invalid` is what an erased account is called: whoever had it could keep somebody from being forgotten.
    async fn nobody_registers_where_erased_accounts_are(app: App) {
        let body = json!({ "email": "erased-0@Erased.Invalid", "password": "a long enough password" });
        app.post("/v1/auth/register", body).await.problem("invalid-request");
    }
}

api_test! {
    /// What stands in lists, subjects and on labels is one line; a street and a description may be several.
    async fn names_and_titles_are_one_line(app: App) {
        let merchant = Merchant::of(&app).await;
        let variant = |field: &str| {
            let mut variant = json!({ "sku": "LINE", "price": 1, "weight_grams": 1, "on_hand": 1 });
            variant[field] = json!("a\nb");
            json!({ "title": "Line", "variants": [variant] })
        };
        for (path, body, at) in [
            ("products", json!({ "title": "a\nb" }), "/title"),
            ("products", json!({ "title": "Line", "vendor": "a\nb" }), "/vendor"),
            ("products", variant("sku"), "/variants/0/sku"),
            ("products", variant("title"), "/variants/0/title"),
            ("categories", json!({ "name": "a\nb" }), "/name"),
            ("locations", json!({ "name": "a\nb" }), "/name"),
            ("customer-groups", json!({ "code": "line", "name": "a\nb" }), "/name"),
            ("price-lists", json!({ "code": "line", "name": "a\nb", "currency": "EUR" }), "/name"),
            ("coupons", json!({ "code": "a\nb" }), "/code"),
        ] {
            let refused = merchant.post(&format!("/v1/admin/{path}"), body).await.problem("invalid-request");
            assert_eq!(pointers(&refused), [at], "{path}");
        }
        let shopper = Shopper::guest(&app).await;
        let address = |field: &str| {
            let mut address = json!({ "name": "Ada", "street": "1 Main St", "city": "Berlin", "country": "DE", "postcode": "10115" });
            address[field] = json!("a\nb");
            address
        };
        for field in ["name", "city", "postcode", "region", "phone"] {
            let refused = shopper.put("address", address(field)).await.problem("invalid-request");
            assert_eq!(pointers(&refused), [format!("/{field}")]);
        }
        shopper.put("address", address("street")).await.expect(200);
    }
}
