//! What a candidate would have changed, as the shop's replay tells it, held against the file.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::Result;
use crate::merchant::{Login, Merchant};
use crate::replay::Placed;
use crate::sales::{Sales, share};

/// The candidate: ten per cent off goods of 100.00 and more.
const ABOVE: i64 = 10_000;
const BASIS_POINTS: u32 = 1_000;

#[derive(Deserialize)]
struct Replay {
    id: String,
    state: String,
    error: Option<String>,
    report: Option<Report>,
}

#[derive(Deserialize)]
struct Report {
    orders: u64,
    changed: u64,
    failed: u64,
    skipped: u64,
    elapsed_ms: u64,
    totals: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    difference: i64,
}

#[derive(Deserialize)]
struct OrderChange {
    number: i64,
    difference: i64,
}

/// Replays every order with the candidate; a text for everything that is not as the file says.
pub async fn check(login: &Login, sales: &Sales, placed: &[Placed]) -> Result<Vec<String>> {
    let mut merchant = Merchant::log_in(login).await?;
    let replay = replay(&mut merchant, placed.len()).await?;
    let Some(report) = replay.report else {
        return Ok(vec![format!("the replay is {}: {}", replay.state, replay.error.unwrap_or_default())]);
    };
    println!(
        "replayed: {} orders with 10 % off above 100.00 in {} ms, {} would change",
        report.orders, report.elapsed_ms, report.changed
    );
    let expected: BTreeMap<i64, i64> = placed
        .iter()
        .map(|placed| (placed.order.number, sales.invoices[placed.invoice].goods()))
        .filter(|(_, goods)| *goods >= ABOVE)
        .map(|(number, goods)| (number, -share(goods, BASIS_POINTS)))
        .collect();
    let path = format!("/v1/admin/replays/{}/changes", replay.id);
    let changes = merchant.get_pages::<OrderChange>(&path).await?;
    let changes: BTreeMap<i64, i64> = changes.into_iter().map(|change| (change.number, change.difference)).collect();
    let mut wrong = Vec::new();
    let counts = (report.orders, report.changed, report.failed, report.skipped);
    if counts != (placed.len() as u64, expected.len() as u64, 0, 0) {
        wrong.push(format!("{counts:?} orders, changed, failed and skipped; {} would change", expected.len()));
    }
    let (told, sum): (i64, i64) = (report.totals.iter().map(|change| change.difference).sum(), expected.values().sum());
    if told != sum {
        wrong.push(format!("{told} in all, the file says {sum}"));
    }
    let numbers = expected.keys().chain(changes.keys()).collect::<std::collections::BTreeSet<_>>();
    let other = numbers.into_iter().filter(|number| expected.get(number) != changes.get(number));
    wrong.extend(other.map(|n| format!("order {n}: {:?}, the file says {:?}", changes.get(n), expected.get(n))));
    Ok(wrong)
}

async fn replay(merchant: &mut Merchant, orders: usize) -> Result<Replay> {
    let off = json!({ "code": "above-100", "label": "10 % off", "percent_bp": BASIS_POINTS, "minimum": ABOVE });
    let plugin = json!({ "name": "pricing-standard", "settings": { "discounts": [off] } });
    let body = json!({ "plugins": [plugin], "last": orders.max(1) });
    let mut replay: Replay = merchant.post("/v1/admin/bindings/pricing/replays", &body).await?;
    while replay.state == "running" {
        tokio::time::sleep(Duration::from_millis(20)).await;
        replay = merchant.get(&format!("/v1/admin/replays/{}", replay.id)).await?;
    }
    Ok(replay)
}
