//! Why a cart, or a draft, costs what it costs, and why it cannot be delivered in some way, or in any: for staff.

mod price;

use super::delivery::{DeliveryOption, DeliveryRefusal, Failed, Offered};
use super::quote::{Call, offered};
use super::{Contents, Error};
use crate::Shop;
use crate::plugins::delivery::{DeliveryQuote, Shipment};
use crate::plugins::{Domain, Told};

pub use price::{PriceExplained, explain_price};

/// The ways to deliver, and how they came about.
#[derive(Debug, Default)]
pub struct DeliveryExplained {
    pub options: Vec<DeliveryOption>,
    /// What the plugins refuse, and what the shop itself sees amiss.
    pub refusals: Vec<DeliveryRefusal>,
    /// Who was asked, in that order; the static rates at the end, where they stood in.
    pub asked: Vec<Told<DeliveryQuote>>,
}

impl DeliveryExplained {
    fn of(offered: Offered, own: Vec<DeliveryRefusal>) -> Self {
        let Offered { options, mut refusals, calls, failed } = offered;
        refusals.extend(own);
        Self { options, refusals, asked: in_order(calls, failed) }
    }
}

/// What can be chosen for this cart, what the plugins refuse, and what the shop itself sees amiss.
pub async fn explain(shop: &Shop, contents: &Contents) -> Result<DeliveryExplained, Error> {
    Ok(DeliveryExplained::of(offered(shop, contents).await?, shops_own(shop, contents)))
}

/// Those that answered and those that failed, as they were asked.
fn in_order(calls: Vec<Call<Shipment, DeliveryQuote>>, failed: Vec<Failed>) -> Vec<Told<DeliveryQuote>> {
    let failure =
        |Failed { by, error, .. }: Failed| Told { by: by.id(), report: error.report, outcome: Err(error.fault) };
    let mut failed = failed.into_iter().peekable();
    let mut told = Vec::new();
    for (answered, call) in calls.into_iter().enumerate() {
        while let Some(before) = failed.next_if(|failed| failed.after <= answered) {
            told.push(failure(before));
        }
        told.push(call.told());
    }
    told.extend(failed.map(failure));
    told
}

fn shops_own(shop: &Shop, contents: &Contents) -> Vec<DeliveryRefusal> {
    let mut own = Vec::new();
    let mut say =
        |code: &str, reason: String| own.push(DeliveryRefusal { plugin: None, code: code.to_owned(), reason });
    if contents.lines.is_empty() {
        say("empty", "there are no lines".to_owned());
    }
    if contents.cart.address.is_none() {
        say("address", "there is no address: nobody was asked".to_owned());
    }
    if shop.plugins().routing().of(Domain::Delivery).bound.is_empty() {
        say("no-plugin", "no delivery plugin is in force".to_owned());
    }
    for short in contents.shortages() {
        say(
            "stock",
            format!("{} of {} are wanted, {} can be sold from all locations", short.wanted, short.sku, short.available),
        );
    }
    for line in contents.lines.iter().filter(|line| line.variant.weight_grams == 0) {
        say("weight-unknown", format!("{} has no weight, and is taken to weigh nothing", line.variant.sku));
    }
    own
}
