//! Why a cart, or a draft, cannot be delivered in some way, or in any: for staff.

use super::delivery::{DeliveryRefusal, Offered};
use super::quote::offered;
use super::{Contents, Error};
use crate::Shop;
use crate::plugins::Domain;

/// What can be chosen for this cart, what the plugins refuse, and what the shop itself sees amiss.
pub async fn explain(shop: &Shop, contents: &Contents) -> Result<Offered, Error> {
    let mut explained = offered(shop, contents).await?;
    explained.refusals.extend(shops_own(shop, contents));
    Ok(explained)
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
