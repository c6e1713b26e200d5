//! Confirmations, invoices and credit notes.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use kassa::db::sql;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::order_edits::{Desk, number as amount};
use crate::support::App;
use crate::support::app::Answer;
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

impl Desk<'_> {
    async fn newest_refund(&self) -> Value {
        self.get("/refunds").await.as_array().unwrap().last().unwrap().clone()
    }

    async fn credit_note(&self, refund: &Value) -> Answer {
        let (order, refund) = (self.order["id"].as_str().unwrap(), refund["id"].as_str().unwrap());
        let path = format!("/v1/admin/orders/{order}/refunds/{refund}/credit-note");
        self.app.send(Method::GET, &path, Some(&self.token), None).await
    }

    async fn credit_note_of_newest(&self) -> Answer {
        self.credit_note(&self.newest_refund().await).await
    }

    /// What its documents come to, with the invoice of now.
    async fn documented(&self) -> i64 {
        self.get("/invoice").await;
        let mut conn = self.app.shop.db().read().await.unwrap();
        let id: Uuid = self.order["id"].as_str().unwrap().parse().unwrap();
        let issued =
            sql::all!(conn, (String, String), "select kind, cast(sheet as text) from invoices where order_id = $1", id)
                .unwrap();
        let total = |sheet: &str| amount(&serde_json::from_str::<Value>(sheet).unwrap()["total"]);
        issued.iter().map(|(kind, sheet)| if kind == "invoice" { total(sheet) } else { -total(sheet) }).sum()
    }

    /// What it costs, as the ledger says.
    async fn costs(&self) -> i64 {
        let posted = self.get("/ledger").await;
        let entries = posted.as_array().unwrap().iter().flat_map(|posted| posted["entries"].as_array().unwrap());
        let earned = ["sales", "delivery", "tax", "refunds", "correction"].map(Value::from);
        -entries.filter(|entry| earned.contains(&entry["account"])).map(|entry| amount(&entry["amount"])).sum::<i64>()
    }
}

/// What a document of an order comes to, without its sign.
fn printed_total(html: &Value) -> i64 {
    let html = html.as_str().unwrap();
    let total = html.split("class=\"total\"").nth(1).unwrap_or_else(|| panic!("no total: {html}"));
    let amount = total.split("\u{a0}EUR").next().unwrap().rsplit('>').next().unwrap();
    amount.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

api_test! {
    /// What all documents say together is what the order costs, in whatever way that came to be.
    async fn what_a_reduction_gives_back_is_credited_once(app: App) {
        let less = json!({ "lines": [{ "line": 0, "quantity": 1 }] });
        for invoiced_before in [true, false] {
            let desk = Desk::of(&app, 3, "tok-approve").await;
            if invoiced_before {
                desk.get("/invoice").await;
            }
            desk.edit(less.clone()).await.expect(200);
            desk.credit_note_of_newest().await.problem("nothing-credited");
            assert_eq!(desk.documented().await, desk.costs().await, "after an edit");
            desk.post("/refunds", json!({ "amount": 100, "reason": "late" })).await.expect(201);
            assert_eq!(printed_total(&desk.credit_note_of_newest().await.expect(200)), 100);
            assert_eq!(desk.documented().await, desk.costs().await, "after a refund");
            desk.post("/corrections", json!({ "amount": -70, "reason": "a scratch" })).await.expect(201);
            desk.post("/refunds", json!({ "amount": 70, "reason": "a scratch" })).await.expect(201);
            desk.credit_note_of_newest().await.problem("nothing-credited");
            assert_eq!(desk.documented().await, desk.costs().await, "after a correction");
            desk.post("/corrections", json!({ "amount": -30, "reason": "a scratch" })).await.expect(201);
            desk.post("/refunds", json!({ "amount": 50, "reason": "both" })).await.expect(201);
            assert_eq!(printed_total(&desk.credit_note_of_newest().await.expect(200)), 20);
            assert_eq!(desk.documented().await, desk.costs().await, "after a refund of what was owed and more");
            desk.post("/cancel", json!({})).await.expect(200);
            desk.credit_note_of_newest().await.expect(200);
            assert_eq!((desk.documented().await, desk.costs().await), (0, 0), "after the call-off");
        }
        let desk = Desk::of(&app, 1, "tok-approve").await;
        desk.post("/payments-by-hand", json!({ "amount": 40, "method": "cash" })).await.expect(201);
        desk.post("/refunds", json!({ "amount": 40, "reason": "paid twice" })).await.expect(201);
        desk.credit_note_of_newest().await.problem("nothing-credited");
        assert_eq!(desk.documented().await, desk.costs().await, "after an overpayment");
        // Called off before anybody wanted the invoice of the edit.
        let desk = Desk::of(&app, 3, "tok-approve").await;
        desk.get("/invoice").await;
        desk.edit(less).await.expect(200);
        let of_edit = desk.newest_refund().await;
        desk.post("/cancel", json!({})).await.expect(200);
        desk.credit_note(&of_edit).await.problem("nothing-credited");
        desk.credit_note_of_newest().await.expect(200);
        assert_eq!(desk.documented().await, 0);
    }
}
