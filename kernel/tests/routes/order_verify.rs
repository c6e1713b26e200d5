//! `kassa order verify --all`: it passes on orders of every kind, and names each of which a byte was altered.

use std::process::Output;

use kassa::carts::FallbackRate;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::prepaid::{Till, check_out, with_cards};
use super::{drafts, order_edits};
use crate::support::app::Answer;
use crate::support::components::PERCENT_V1;
use crate::support::direct::Direct;
use crate::support::merchant::Merchant;
use crate::support::process::kassa;
use crate::support::shopper::Shopper;
use crate::support::{App, Backend};

const TEA: &str = "TEA-SENCHA-100";

async fn verify_all(app: &App) -> (Output, String) {
    let output = kassa(app, "").args(["order", "verify", "--all"]).output().await.expect("kassa starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, said)
}

/// Carts as shoppers fill them.
async fn from_carts(app: &App) {
    Shopper::ready(app, "FILTER-PAPER-100", 12).await.check_out("tok-approve").await.expect(201);
    let shopper = Shopper::ready(app, TEA, 1).await;
    shopper.put("coupons", json!({ "coupons": ["welcome10"] })).await.expect(200);
    shopper.check_out("tok-approve").await.expect(201);
    let customer = app.customer("grace@example.org").await;
    let shopper = Shopper::signed_in(app, &customer).await;
    shopper.add("FILTER-PAPER-400", 2).await.expect(200);
    shopper.prepare(TEA, 1).await;
    shopper.check_out("tok-authorize").await.expect(201);
    let shopper = Shopper::ready(app, TEA, 1).await;
    shopper.put("delivery-option", json!({ "id": "delivery-rates:pickup" })).await.expect(200);
    shopper.check_out("tok-approve").await.expect(201);
    let shopper = Shopper::guest(app).await;
    shopper.add(TEA, 1).await.expect(200);
    shopper.put("email", json!({ "email": "ada@example.org" })).await.expect(200);
    let abroad = json!({ "name": "Ada", "street": "Ring 1", "city": "Wien", "postcode": "1010", "country": "AT" });
    shopper.put("address", abroad).await.expect(200);
    shopper.put("delivery-option", json!({ "id": "delivery-rates:standard" })).await.expect(200);
    shopper.check_out("tok-approve").await.expect(201);
    // Neither is paid: one was refused, of the other nobody knows.
    Shopper::ready(app, TEA, 1).await.check_out("tok-decline-x").await.problem("payment-declined");
    Shopper::ready(app, TEA, 1).await.check_out("tok-timeout-after-charge").await.expect(201);
}

/// What becomes of orders later, and orders that no shopper placed.
async fn from_desks(app: &App) {
    let till = Till::of(app).await;
    let card = till.card(1_000).await;
    let (shopper, cart) = with_cards(app, &[&card]).await;
    check_out(&shopper, &cart, "tok-approve").await.expect(201);
    let desk = drafts::Desk::of(app).await;
    desk.unpaid().await;
    desk.paid_in_cash().await;
    let edited = order_edits::Desk::of(app, 3, "tok-approve").await;
    edited
        .edit(json!({ "lines": [{ "line": 0, "quantity": 1 }, { "sku": "POT-GLASS-1L", "quantity": 1 }] }))
        .await
        .expect(200);
    let refunded = order_edits::Desk::of(app, 1, "tok-approve").await;
    refunded.post("/refunds", json!({ "amount": 100, "reason": "late" })).await.expect(201);
    let cancelled = order_edits::Desk::of(app, 1, "tok-approve").await;
    cancelled.post("/cancel", json!({})).await.expect(200);
}

/// Priced by two plugins, one after the other.
async fn from_a_chain(app: &App) {
    let merchant = Merchant::of(app).await;
    let request = app.client.post(format!("{}/v1/admin/plugins", app.url)).bearer_auth(&merchant.token);
    Answer::of(request.header("content-type", "application/wasm").body(PERCENT_V1.clone())).await.expect(201);
    let chain = json!({ "plugins": [{ "name": "pricing-standard" }, { "name": "percent-off" }] });
    merchant.put("/v1/admin/bindings/pricing", chain).await.expect(200);
    Shopper::ready(app, TEA, 2).await.check_out("tok-approve").await.expect(201);
}

api_test! {
    async fn orders_of_every_kind_are_derived_again(app: App) {
        let usual = app.shop.config().clone();
        let rate = FallbackRate { code: "standard".into(), label: "Whatever happens".into(), amount: 7_77, currency: None, countries: Vec::new() };
        let failing = app.restart_with(move |config| {
            config.plugins.limits.delivery.answer_bytes = 1;
            config.carts.fallback_delivery = vec![rate];
        }).await;
        Shopper::ready(&failing, TEA, 1).await.check_out("tok-approve").await.expect(201);
        let app = failing.restart_with(move |config| *config = usual).await;
        from_carts(&app).await;
        from_desks(&app).await;
        from_a_chain(&app).await;
        let orders = Direct::of(&app).await.ask("select cast(count(*) as text) from orders").await.remove(0);
        let (output, said) = verify_all(&app).await;
        assert_eq!(said, format!("{orders} orders derived again, 0 failed\n"), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success());
        assert!(orders.parse::<u32>().unwrap() >= 15, "{orders}");
    }
}

/// Another byte at `place` of a text.
fn flipped(column: &str, place: &str) -> String {
    let byte = format!("substr({column}, {place}, 1)");
    format!(
        "{column} = substr({column}, 1, {place} - 1) || case {byte} when 'x' then 'y' else 'x' end || substr({column}, {place} + 1)"
    )
}

fn replaced(column: &str, from: &str, to: &str) -> String {
    format!("{column} = replace({column}, '{from}', '{to}')")
}

/// What an alteration is of: a table, and which of its rows.
const PRICED: (&str, &str) = ("order_receipts", "domain = 'pricing'");
const DELIVERED: (&str, &str) = ("order_receipts", "domain = 'delivery'");
const ORDER: (&str, &str) = ("orders", "1 = 1");
const LINE: (&str, &str) = ("order_lines", "1 = 1");
const DISCOUNT: (&str, &str) = ("order_adjustments", "kind = 'discount'");

/// Each alters one order by one byte or one cent, and what is said of it.
fn alterations(backend: Backend) -> Vec<((&'static str, &'static str), String, &'static str)> {
    let plus = |column: &str| format!("{column} = {column} + 1");
    let mut all = Vec::new();
    for of in [PRICED, DELIVERED] {
        for place in ["1", "length(input) / 2", "length(input)"] {
            all.push((of, flipped("input", place), "its hash is another"));
        }
        all.push((of, flipped("input_sha256", "1"), "its hash is another"));
        all.push((of, flipped("input_sha256", "64"), "its hash is another"));
        all.push((of, flipped("output", "length(output) / 2"), "answers otherwise"));
        all.push((of, flipped("digest", "1"), "cannot be loaded"));
        all.push((of, flipped("digest", "64"), "cannot be loaded"));
        all.push((of, flipped("plugin", "1"), "another name or version"));
        all.push((of, flipped("version", "1"), "another name or version"));
        all.push((of, flipped("settings", "1"), "fails on the recorded input"));
        all.push((of, plus("revision"), if of == PRICED { "no receipt" } else { "nobody offered the delivery" }));
    }
    all.push((PRICED, replaced("settings", "\"percent_bp\":500", "\"percent_bp\":600"), "answers otherwise"));
    all.push((DELIVERED, replaced("settings", "\"price\":490", "\"price\":491"), "answers otherwise"));
    for (column, said) in [
        ("goods_total", "goods_total: "),
        ("discount_total", "discount_total: "),
        ("fee_total", "fee_total: "),
        ("delivery_total", "delivery_total: "),
        ("tax_total", "tax_total: "),
        ("tax_included_total", "tax_included_total: "),
        ("total", " total: "),
    ] {
        all.push((ORDER, plus(column), said));
    }
    all.push((ORDER, flipped("currency", "1"), "the currency: "));
    // Text on the one, `jsonb` on the other.
    let delivery = |from: &str, to: &str| match backend {
        Backend::Sqlite => replaced("delivery", from, to),
        Backend::Postgres => format!("delivery = cast(replace(cast(delivery as text), '{from}', '{to}') as jsonb)"),
    };
    all.push((ORDER, delivery("490", "491"), "the delivery's price: "));
    all.push((ORDER, delivery("Standard delivery", "Standard-delivery"), "the delivery's label: "));
    all.push((LINE, plus("quantity"), "the quantity of a line: "));
    all.push((LINE, plus("unit_price"), "the unit price of a line: "));
    all.push((LINE, plus("total"), "the total of a line: "));
    all.push((LINE, flipped("sku", "length(sku)"), "the SKU of a line: "));
    all.push((DISCOUNT, plus("amount"), "an adjustment: "));
    all.push((DISCOUNT, flipped("label", "1"), "an adjustment: "));
    all.push((DISCOUNT, flipped("code", "1"), "an adjustment: "));
    all
}

/// A dozen of something cheap: there are a discount, a tax and a delivery that costs something.
async fn place_dozens(app: &App, orders: usize) {
    let merchant = Merchant::of(app).await;
    let variant = json!({ "sku": "PEN", "price": 100, "weight_grams": 10, "on_hand": 12 * orders });
    merchant
        .post("/v1/admin/products", json!({ "title": "Pen", "status": "active", "variants": [variant] }))
        .await
        .expect(201);
    for _ in 0..orders {
        let order = Shopper::ready(app, "PEN", 12).await.check_out("tok-approve").await.expect(201);
        assert_eq!(order["total"], 12 * 100 - 60 + 490, "{order}");
    }
}

api_test! {
    /// Each order is altered in a way of its own, the last with the hash of what was altered, and one is not.
    async fn every_order_that_was_altered_by_a_byte_is_named(app: App) {
        let alterations = alterations(app.backend);
        let first = 1001;
        let (forged, untouched) = (first + alterations.len(), first + alterations.len() + 1);
        place_dozens(&app, alterations.len() + 2).await;
        // From here on the kernel has no orders that could be derived.
        app.leave().await;
        let mut database = Direct::of(&app).await;
        let mut expected = Vec::new();
        for (number, ((table, rows), change, said)) in (first..).zip(&alterations) {
            let key = if *table == "orders" { "id" } else { "order_id" };
            let of = format!("{key} = (select id from orders where number = {number})");
            let changed = database.run(&format!("update {table} set {change} where {rows} and {of}")).await;
            assert_eq!(changed, 1, "{table}: {change}");
            expected.push((number, *said));
        }
        let of = format!("domain = 'pricing' and order_id = (select id from orders where number = {forged})");
        let input = database.ask(&format!("select input from order_receipts where {of}")).await.remove(0);
        let input = input.replace("\"quantity\":12", "\"quantity\":13");
        let hash: String = Sha256::digest(&input).iter().map(|byte| format!("{byte:02x}")).collect();
        database.run(&format!("update order_receipts set input = '{input}', input_sha256 = '{hash}' where {of}")).await;
        expected.push((forged, "answers otherwise"));

        let (output, said) = verify_all(&app).await;
        assert_eq!(output.status.code(), Some(1), "{said}");
        for (number, why) in &expected {
            let line = said.lines().find(|line| line.starts_with(&format!("order {number}: ")));
            assert!(line.is_some_and(|line| line.contains(why)), "order {number}, {why}: {line:?}");
        }
        assert!(!said.contains(&format!("order {untouched}: ")), "{said}");
        assert!(said.ends_with(&format!("1 orders derived again, {} failed\n", expected.len())), "{said}");
    }
}
