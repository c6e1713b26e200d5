//! Why an order costs what it costs, from its receipts: for staff.

use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::Receipt;
use crate::Shop;
use crate::carts::{DeliveryExplained, DeliveryOption, DeliveryRefusal, PriceExplained, coupon_results};
use crate::money::Currency;
use crate::orders::{Error, Order, store};
use crate::plugins::pricing::{self, Totals};
use crate::plugins::{Domain, Fault, OptionId, PluginId, Report, Told, delivery};

/// The price as it was recorded, with all that went into it.
pub async fn explain_price(shop: &Shop, order_id: Uuid) -> Result<PriceExplained, Error> {
    let mut conn = shop.db().read().await?;
    let order = store::find_order(&mut conn, order_id).await?.ok_or(Error::NotFound)?;
    let receipts = store::receipts(&mut conn, order_id).await?;
    explained(&order, receipts)
}

fn explained(order: &Order, receipts: Vec<Receipt>) -> Result<PriceExplained, Error> {
    let (priced, delivered): (Vec<_>, Vec<_>) =
        receipts.into_iter().partition(|receipt| receipt.domain == Domain::Pricing);
    let request = priced.first().and_then(|first| serde_json::from_str::<pricing::Request>(&first.input).ok());
    let request = request.ok_or(Error::NotFound)?;
    let chain: Vec<Told<pricing::Quote>> = priced.into_iter().map(told).collect();
    let quotes = || chain.iter().filter_map(|told| told.outcome.as_ref().ok());
    let added: Vec<_> = quotes().flat_map(|quote| quote.adjustments.iter().cloned()).collect();
    let outcomes: Vec<_> = quotes().flat_map(|quote| quote.coupons.iter().cloned()).collect();
    let all_read = quotes().count() == chain.len();
    Ok(PriceExplained {
        currency: Currency::try_from(order.currency.clone())?,
        coupons: coupon_results(&request.coupons, &[], &outcomes),
        totals: all_read.then(|| Totals::of(&request, &added).map_err(Fault::InvalidAnswer)),
        chosen: Some(OptionId { plugin: order.delivery.plugin.clone(), code: order.delivery.code.clone() }),
        delivery: ways(delivered.into_iter().map(told).collect()),
        request,
        chain,
    })
}

/// What the plugins offered and refused; what the shop saw amiss was not recorded.
fn ways(asked: Vec<Told<delivery::DeliveryQuote>>) -> DeliveryExplained {
    let (mut options, mut refusals) = (Vec::new(), Vec::new());
    for told in &asked {
        let Ok(quote) = &told.outcome else { continue };
        let plugin = &told.by.name;
        options.extend(quote.options.iter().cloned().map(|option| DeliveryOption::of(plugin, option)));
        refusals.extend(quote.refusals.iter().cloned().map(|refusal| DeliveryRefusal {
            plugin: Some(plugin.clone()),
            code: refusal.code,
            reason: refusal.reason,
        }));
    }
    DeliveryExplained { options, refusals, asked }
}

fn told<Answer: DeserializeOwned>(receipt: Receipt) -> Told<Answer> {
    let number = |number: i64| u64::try_from(number).unwrap_or_default();
    let unreadable = |error| Fault::Unavailable(format!("its answer was recorded and cannot be read: {error}"));
    Told {
        outcome: serde_json::from_str(&receipt.output).map_err(unreadable),
        by: PluginId {
            name: receipt.plugin,
            version: receipt.version,
            digest: receipt.digest,
            generation: number(receipt.generation),
        },
        report: Report {
            fuel: number(receipt.fuel),
            memory_bytes: number(receipt.memory_bytes),
            elapsed_us: number(receipt.elapsed_us),
            log: receipt.log,
            dropped_log_lines: u32::try_from(receipt.dropped_log_lines).unwrap_or(u32::MAX),
        },
    }
}
