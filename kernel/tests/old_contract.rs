//! A plugin that was built for `kassa:pricing` 0.1.0, in a shop whose kernel knows 0.2.0: frozen/README.md tells of the file.

use kassa::db::sql;
use kassa::orders::receipts;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::components::{FROZEN, PERCENT_V1};
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;

/// Versions of pricing-standard with the same rules: the frozen one, and the one that comes with the kernel.
const OLD: &str = "0.0.1";
const LATEST: &str = "0.1.0";

async fn upload(merchant: &Merchant<'_>, wasm: &[u8]) -> Value {
    let url = format!("{}/v1/admin/plugins", merchant.app.url);
    let request = merchant.app.client.post(url).bearer_auth(&merchant.token);
    Answer::of(request.header("content-type", "application/wasm").body(wasm.to_vec())).await.expect(201)
}

/// pricing-standard in this version, with the settings that it had last: the demo's.
fn standard(version: &str) -> Value {
    json!({ "name": "pricing-standard", "version": version })
}

async fn bind(merchant: &Merchant<'_>, plugins: Value) {
    merchant.put("/v1/admin/bindings/pricing", json!({ "plugins": plugins })).await.expect(200);
}

async fn with_coupon(app: &App) -> Shopper<'_> {
    let shopper = Shopper::ready(app, "FILTER-PAPER-100", 10).await;
    shopper.put("coupons", json!({ "coupons": ["WELCOME10"] })).await.expect(200);
    shopper
}

async fn receipt(merchant: &Merchant<'_>, order: &Value) -> Value {
    let path = format!("/v1/admin/orders/{}/receipt", order["id"].as_str().unwrap());
    merchant.get(&path).await.expect(200)
}

async fn verified(app: &App, order: &Value) {
    let order = kassa::orders::get_by_number(&app.shop, order["number"].as_i64().unwrap()).await.unwrap();
    receipts::verify(&app.shop, &order).await.unwrap_or_else(|error| panic!("{error}: {order:?}"));
}

/// Every adjustment of a cart or an order, its lines' first.
fn adjustments(of: &Value) -> Vec<&Value> {
    let lines = of["lines"].as_array().unwrap().iter().map(|line| &line["adjustments"]);
    lines.chain([&of["adjustments"]]).flat_map(|list| list.as_array().unwrap()).collect()
}

/// Without what 0.1.0 cannot say.
fn told(of: &Value) -> Vec<[&Value; 4]> {
    adjustments(of)
        .into_iter()
        .map(|adjustment| ["kind", "code", "label", "amount"].map(|field| &adjustment[field]))
        .collect()
}

fn made_of(of: &Value) -> Vec<(&Value, &Value)> {
    let taxes = adjustments(of).into_iter().filter(|adjustment| adjustment["kind"] == "tax-included");
    taxes.map(|tax| (&tax["rate_ppm"], &tax["base"])).collect()
}

api_test! {
    /// It is uploaded, bound, prices, sells, is verified and replayed as its successor is; and both in turn.
    async fn a_plugin_of_contract_0_1_sells_as_ever(app: App) {
        let merchant = Merchant::of(&app).await;
        let uploaded = upload(&merchant, FROZEN).await;
        assert_eq!((&uploaded["contract"], &uploaded["version"]), (&json!("0.1.0"), &json!(OLD)), "{uploaded}");
        let latest = with_coupon(&app).await;
        let (old_shopper, shown) = (with_coupon(&app).await, latest.show().await);
        bind(&merchant, json!([standard(OLD)])).await;
        let old = old_shopper.show().await;
        for total in ["goods_total", "discount_total", "fee_total", "delivery_total", "tax_total", "tax_included_total", "total", "coupons"] {
            assert_eq!(old[total], shown[total], "{total}");
        }
        assert_eq!(told(&old), told(&shown));
        let codes: Vec<_> = told(&old).into_iter().map(|adjustment| adjustment[1].as_str().unwrap()).collect();
        assert_eq!(codes, ["volume", "coupon-welcome10", "tax-1900", "tax-1900"], "{old}");

        let before = old_shopper.check_out("tok-approve").await.expect(201);
        bind(&merchant, json!([standard(LATEST)])).await;
        let after = latest.check_out("tok-approve").await.expect(201);
        assert_eq!((&before["total"], told(&before)), (&after["total"], told(&after)));
        assert_eq!(made_of(&before), [(&Value::Null, &Value::Null); 2]);
        let delivery_tax = after["adjustments"].as_array().unwrap().last().unwrap()["amount"].as_i64().unwrap();
        let goods = after["goods_total"].as_i64().unwrap() + after["discount_total"].as_i64().unwrap();
        let goods_tax = after["tax_included_total"].as_i64().unwrap() - delivery_tax;
        let delivery = after["delivery_total"].as_i64().unwrap();
        let rate = json!(190_000);
        let expected = [(&rate, &json!(goods - goods_tax)), (&rate, &json!(delivery - delivery_tax))];
        assert_eq!(made_of(&after), expected, "{after}");

        let (of_old, of_latest) = (receipt(&merchant, &before).await, receipt(&merchant, &after).await);
        let kinds = |receipt: &Value| {
            let all = receipt[0]["output"]["adjustments"].as_array().unwrap();
            all.iter().map(|adjustment| adjustment["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&of_old), ["Discount", "Discount", "TaxIncluded", "TaxIncluded"], "{of_old}");
        assert_eq!((&of_old[0]["output"]["taxes"], &of_old[0]["input"]["taxes_so_far"]), (&Value::Null, &Value::Null));
        assert_eq!(kinds(&of_latest), ["Discount", "Discount"], "{of_latest}");
        assert_eq!(of_latest[0]["output"]["taxes"].as_array().unwrap().len(), 2);
        assert_eq!(of_latest[0]["input"]["taxes_so_far"], json!([]));
        for order in [&before, &after] {
            verified(&app, order).await;
        }

        for version in [OLD, LATEST] {
            let begun = merchant.post("/v1/admin/bindings/pricing/replays", json!({ "plugins": [standard(version)] })).await.expect(202);
            let path = format!("/v1/admin/replays/{}", begun["id"].as_str().unwrap());
            let ended = || async { Some(merchant.get(&path).await.expect(200)).filter(|replay| replay["state"] != "running") };
            let replay = app.eventually("the end of a replay", ended).await;
            let counts = ["orders", "unchanged", "failed", "skipped"].map(|count| replay["report"][count].as_u64());
            assert_eq!(counts, [2, 2, 0, 0].map(Some), "{version}: {replay}");
        }
    }
}

api_test! {
    /// Before and after a plugin of the latest contract; each order says what each of them was asked, in its own words.
    async fn plugins_of_both_contracts_sell_in_one_chain(app: App) {
        let merchant = Merchant::of(&app).await;
        upload(&merchant, FROZEN).await;
        upload(&merchant, &PERCENT_V1).await;
        let percent = json!({ "name": "percent-off", "version": "1.0.0", "settings": {} });
        for (chain, versions) in [
            ([standard(OLD), percent.clone()], ["0.1.0", "0.2.0"]),
            ([percent.clone(), standard(OLD)], ["0.2.0", "0.1.0"]),
        ] {
            bind(&merchant, json!(chain)).await;
            let order = Shopper::ready(&app, "FILTER-PAPER-100", 3).await.check_out("tok-approve").await.expect(201);
            verified(&app, &order).await;
            let receipt = receipt(&merchant, &order).await;
            for (asked, version) in receipt.as_array().unwrap().iter().zip(versions) {
                let is_latest = asked["input"].get("taxes_so_far").is_some() && asked["output"].get("taxes").is_some();
                assert_eq!(is_latest, version == "0.2.0", "{asked}");
            }
            let second = &receipt[1]["input"];
            let heard = [&second["so_far"], &second["taxes_so_far"]].map(|list| list.as_array().map_or(0, Vec::len));
            // Its taxes on goods and delivery; or the discount.
            let expected = if versions[1] == "0.2.0" { [0, 2] } else { [1, 0] };
            assert_eq!(heard, expected, "{receipt}");
        }
    }
}

api_test! {
    /// An invoice states rate and base where the plugin says them.
    async fn a_document_states_what_a_tax_was_made_of(app: App) {
        let merchant = Merchant::of(&app).await;
        upload(&merchant, FROZEN).await;
        for (version, stated) in [(OLD, false), (LATEST, true)] {
            bind(&merchant, json!([standard(version)])).await;
            let order = with_coupon(&app).await.check_out("tok-approve").await.expect(201);
            let path = format!("{}/v1/orders/{}/confirmation", app.url, order["id"].as_str().unwrap());
            let page = app.client.request(Method::GET, path).header("accept", "text/html").send().await.unwrap().text().await.unwrap();
            let bases: i64 = adjustments(&order).iter().filter_map(|adjustment| adjustment["base"].as_i64()).sum();
            let stands = format!("including VAT 19 % (19 % of {}.{:02}\u{a0}EUR)", bases / 100, bases % 100);
            assert_eq!((page.contains("(19 % of"), page.contains(&stands)), (stated, stated), "{stands}: {page}");
            assert!(page.contains("including VAT 19 %"), "{page}");
        }
    }
}

/// An order as a kernel of contract 0.1.0 wrote it down, with the plugins that were asked.
const RECORDED: &str = include_str!("frozen/order-0.1.0.json");

/// The frozen file under another name of as many letters: a chain has each name once.
fn named(name: &str) -> Vec<u8> {
    let section = |name: &str| [b"\x00\x11\x10", name.as_bytes()].concat();
    let (own, other) = (section("pricing-standard"), section(name));
    let at = FROZEN.windows(own.len()).rposition(|window| window == own).expect("the section of the name");
    [&FROZEN[..at], &other, &FROZEN[at + own.len()..]].concat()
}

api_test! {
    /// Whatever the kernel learned since: it asks and hears as the one before did, to the letter, and derives what that one recorded. The last
    /// of the chain was asked with taxes between discounts, in the order in which the two before added them.
    async fn an_order_of_a_kernel_of_contract_0_1_is_verified(app: App) {
        let merchant = Merchant::of(&app).await;
        let recorded: Value = serde_json::from_str(RECORDED).unwrap();
        for plugin in recorded["plugins"].as_array().unwrap() {
            upload(&merchant, &named(plugin["name"].as_str().unwrap())).await;
        }
        bind(&merchant, recorded["plugins"].clone()).await;
        let order = with_coupon(&app).await.check_out("tok-approve").await.expect(201);
        assert_eq!(order["total"], recorded["total"]);
        verified(&app, &order).await;

        let id: uuid::Uuid = order["id"].as_str().unwrap().parse().unwrap();
        let stored = receipts::list(&app.shop, id).await.unwrap();
        let before = recorded["receipts"].as_array().unwrap();
        assert_eq!(stored.len(), before.len());
        let mut tx = app.shop.db().write().await.unwrap();
        for ((position, before), now) in (0_i64..).zip(before).zip(&stored) {
            let text = |field: &str| before[field].as_str().unwrap();
            assert_eq!(text("plugin"), now.plugin);
            assert_eq!(text("input"), at_the_moment_of(text("input"), &now.input));
            assert_eq!(text("output"), now.output);
            sql::execute!(
                tx,
                "update order_receipts set input = $1, input_sha256 = $2, output = $3 where order_id = $4 and position = $5",
                text("input"), text("input_sha256"), text("output"), id, position
            ).unwrap();
        }
        tx.commit().await.unwrap();
        verified(&app, &order).await;
        let kinds = |receipt: usize| before[receipt]["input"].as_str().unwrap().matches("\"TaxIncluded\"").count();
        assert_eq!([kinds(0), kinds(1), kinds(2)], [0, 2, 2], "taxes were said on as adjustments");
    }
}

/// `now` with the moment of `before`.
fn at_the_moment_of(before: &str, now: &str) -> String {
    let moment = |text: &str| text.split("\"now\":").nth(1).and_then(|rest| rest.split(',').next()).unwrap().to_owned();
    let of = |text: &str| format!("\"now\":{},", moment(text));
    now.replace(&of(now), &of(before))
}
