//! Confirmations, invoices and credit notes.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::App;
use crate::support::shopper::{Shopper, address};

fn path(order: &Value, rest: &str) -> String {
    format!("/v1/orders/{}{rest}", order["id"].as_str().unwrap())
}

async fn order(app: &App) -> Value {
    Shopper::ready(app, "TEA-SENCHA-100", 2).await.check_out("tok-approve").await.expect(201)
}

async fn fetch(app: &App, path: &str, accept: &str) -> Response {
    app.client.get(format!("{}{path}", app.url)).header("accept", accept).send().await.unwrap()
}

async fn html(app: &App, path: &str) -> String {
    let response = fetch(app, path, "text/html").await;
    assert_eq!(response.status(), 200, "{path}");
    response.text().await.unwrap()
}

/// `2026-000001` of `<h1>Invoice 2026-000001</h1>`.
fn number(html: &str) -> String {
    let title = html.split("<h1>").nth(1).and_then(|rest| rest.split("</h1>").next()).unwrap();
    title.rsplit(' ').next().unwrap().to_owned()
}

api_test! {
    async fn an_order_is_confirmed_as_html_and_pdf(app: App) {
        let app = app.another(|config| {
            config.documents.seller = "Tea & Sons <Ltd>".into();
            config.documents.seller_address = "Tea Street 1\n10117 Berlin".into();
            config.documents.footer = "IBAN DE00".into();
        }).await;
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 2).await;
        let mut to = address();
        to["name"] = json!("<script>alert(1)</script>");
        shopper.put("address", to).await.expect(200);
        let order = shopper.check_out("tok-approve").await.expect(201);
        let page = fetch(&app, &path(&order, "/confirmation"), "text/html").await;
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'; style-src"));
        assert_eq!(page.headers()["cache-control"], "no-store");
        let page = page.text().await.unwrap();
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{page}");
        let total = order["total"].as_i64().unwrap();
        let total = format!("{}.{:02}\u{a0}EUR", total / 100, total % 100);
        for text in ["Tea &amp; Sons &lt;Ltd&gt;<", "10117 Berlin", "IBAN DE00", "TEA-SENCHA-100", &total] {
            assert!(page.contains(text), "{text}: {page}");
        }
        for (query, accept) in [("", "application/pdf"), ("?format=pdf", "text/html")] {
            let file = fetch(&app, &path(&order, &format!("/confirmation{query}")), accept).await;
            assert_eq!(file.headers()["content-type"], "application/pdf");
            assert!(file.headers()["vary"].to_str().unwrap().contains("accept"));
            let name = format!("inline; filename=\"order-{}.pdf\"", order["number"]);
            assert_eq!(file.headers()["content-disposition"].to_str().unwrap(), name);
            let bytes = file.bytes().await.unwrap();
            assert!(bytes.starts_with(b"%PDF-") && bytes.len() < 60_000, "{} bytes", bytes.len());
        }
        let wrong = app.get(&path(&order, "/confirmation?format=doc")).await.problem("invalid-request");
        assert_eq!(wrong["errors"][0]["pointer"], "format");
        app.stopper().stop().await;
    }
}

api_test! {
    /// Whatever the shop is called afterwards, the invoice says what it said.
    async fn an_invoice_stays_as_it_was_issued(app: App) {
        let order = order(&app).await;
        let first = html(&app, &path(&order, "/invoice")).await;
        assert!(number(&first).ends_with("-000001"), "{first}");
        let token = app.merchant().await;
        let admin = |rest: &str| format!("/v1/admin/orders/{}{rest}", order["id"].as_str().unwrap());
        app.send(Method::POST, &admin("/cancel"), Some(&token), None).await.expect(200);
        assert_eq!(html(&app, &path(&order, "/invoice")).await, first);
        let staff = app.send(Method::GET, &admin("/invoice"), Some(&token), None).await.expect(200);
        assert_eq!(staff, json!(first));
        let eve = app.customer("eve@example.org").await;
        app.send(Method::GET, &admin("/invoice"), Some(&eve), None).await.problem("forbidden");
    }
}

api_test! {
    async fn what_is_not_paid_is_not_invoiced(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let order = shopper.check_out("tok-pending").await.expect(201);
        let problem = app.get(&path(&order, "/invoice")).await.problem("order-state");
        assert_eq!(problem["order_status"], "new");
        html(&app, &path(&order, "/confirmation")).await;
        let ada = app.customer("ada@example.org").await;
        let shopper = Shopper::signed_in(&app, &ada).await;
        shopper.prepare("TEA-SENCHA-100", 1).await;
        let own = shopper.check_out("tok-approve").await.expect(201);
        for rest in ["/invoice", "/confirmation"] {
            app.get(&path(&own, rest)).await.problem("not-found");
        }
    }
}

api_test! {
    /// Thirty-two orders ask at once, each twice: the numbers are 1 to 32.
    async fn numbers_have_no_gaps_whoever_asks_at_once(app: App) {
        let placed = join_all((0..32).map(|_| async {
            let shopper = Shopper::ready(&app, "FILTER-PAPER-100", 1).await;
            // Some find no place for a call of a plugin, and try again.
            for _ in 0..50 {
                let answer = shopper.check_out("tok-approve").await;
                if answer.status == 201 {
                    return answer.body;
                }
            }
            panic!("no order");
        }));
        let orders = placed.await;
        let pages = join_all(orders.iter().chain(&orders).map(|order| {
            let (app, path) = (&app, path(order, "/invoice"));
            async move { number(&html(app, &path).await) }
        }));
        let pages = pages.await;
        let (first, second) = pages.split_at(32);
        assert_eq!(first, second, "one invoice an order");
        let numbers: BTreeSet<u32> = first.iter().map(|number| number[5..].parse().unwrap()).collect();
        assert_eq!(numbers, (1..=32).collect());
    }
}

api_test! {
    async fn a_refund_that_was_carried_out_has_its_credit_note(app: App) {
        let token = app.merchant().await;
        let order = Shopper::ready(&app, "TEA-SENCHA-100", 2).await.check_out("tok-refund-decline").await.expect(201);
        let admin = |rest: &str| format!("/v1/admin/orders/{}{rest}", order["id"].as_str().unwrap());
        let body = json!({ "lines": [{ "line": 0, "quantity": 1 }], "delivery": 1, "reason": "broken" });
        let refund = app.send(Method::POST, &admin("/refunds"), Some(&token), Some(body)).await.expect(201);
        let refund_path = admin(&format!("/refunds/{}", refund["id"].as_str().unwrap()));
        let note = format!("{refund_path}/credit-note");
        let early = app.send(Method::GET, &note, Some(&token), None).await.problem("order-state");
        assert_eq!(early["refund_status"], "declined");
        app.send(Method::POST, &format!("{refund_path}/retry"), Some(&token), None).await.expect(200);
        let said = app.send(Method::GET, &note, Some(&token), None).await.expect(200);
        let said = said.as_str().unwrap();
        assert!(number(said).ends_with("-000002") && said.contains("Corrects invoice</dt><dd>"), "{said}");
        assert!(said.contains("TEA-SENCHA-100") && said.contains("0.01\u{a0}EUR"), "{said}");
        assert_eq!(app.send(Method::GET, &note, Some(&token), None).await.expect(200).as_str(), Some(said));
        let unknown = admin("/refunds/00000000-0000-4000-8000-000000000000/credit-note");
        app.send(Method::GET, &unknown, Some(&token), None).await.problem("not-found");
    }
}
