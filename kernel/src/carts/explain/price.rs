//! A price with all that went into it: which plugin added what, and what that cost.

use std::sync::Arc;

use super::super::quote::{CouponResult, Serving, counted, coupon_results, pricing_request};
use super::super::{Contents, Error, delivery};
use super::{DeliveryExplained, shops_own};
use crate::Shop;
use crate::money::{Amount, Currency};
use crate::plugins::pricing::{self, Totals};
use crate::plugins::{Bound, ChainError, Fault, Link, OptionId, PluginId, Route, Told, Walked};

/// A price, and how it came about.
#[derive(Debug)]
pub struct PriceExplained {
    pub currency: Currency,
    /// What the first of the chain was asked: the goods, and the delivery that is priced with them.
    pub request: pricing::Request,
    /// The pricing plugins that were asked, in the order of the chain. One that failed is the last.
    pub chain: Vec<Told<pricing::Quote>>,
    /// None where a plugin failed; or which rule all that they added breaks together.
    pub totals: Option<Result<Totals, Fault>>,
    /// What became of each code.
    pub coupons: Vec<CouponResult>,
    /// The delivery that is chosen, be it offered or not.
    pub chosen: Option<OptionId>,
    pub delivery: DeliveryExplained,
}

impl PriceExplained {
    /// What it comes to after each of the chain that answered, the goods and the delivery included.
    pub fn running_totals(&self) -> Vec<Option<Amount>> {
        let mut added = Vec::new();
        let total = |told: &Told<pricing::Quote>| {
            added.extend(told.outcome.as_ref().ok()?.adjustments.iter().cloned());
            Totals::of(&self.request, &added).ok().map(|totals| totals.total)
        };
        self.chain.iter().map(total).collect()
    }
}

/// Prices the cart as it would be priced now, and tells of every plugin that was asked. One that fails is told, too: that there is no price
/// then is no failure of this, and nothing stands in for it here.
pub async fn explain_price(shop: &Shop, contents: &Contents) -> Result<PriceExplained, Error> {
    let cart = &contents.cart;
    let serving = Serving::of(shop, contents);
    let counted = counted(shop, contents).await?;
    let mut request = pricing_request(shop, contents, &counted);
    let Route { generation, bound, .. } = &serving.pricing.route;
    let host = shop.plugins().host();
    let mut walked = host.walk_chain(bound, request.clone()).await;
    let mut offered = delivery::Offered::default();
    if let Ok(goods) = &walked.end {
        offered =
            delivery::options(shop, &serving.delivery, contents, goods.goods + goods.discounts, request.now).await;
        if let Some(option) = offered.options.iter().find(|option| cart.delivery.as_ref() == Some(&option.id)) {
            request.delivery = Some(pricing::Delivery { option: option.id.to_string(), amount: option.amount });
            walked = host.walk_chain(bound, request.clone()).await;
        }
    }
    let Walked { links, end, .. } = walked;
    let outcomes: Vec<_> = links.iter().flat_map(|link| link.quote.coupons.iter().cloned()).collect();
    let (chain, totals) = told(*generation, bound, links, end);
    Ok(PriceExplained {
        currency: cart.currency,
        coupons: coupon_results(&cart.coupons, &counted, &outcomes),
        chosen: cart.delivery.clone(),
        delivery: DeliveryExplained::of(offered, shops_own(shop, contents)),
        request,
        chain,
        totals,
    })
}

type Chain = Vec<Told<pricing::Quote>>;

fn told(
    generation: u64,
    bound: &[Arc<Bound>],
    links: Vec<Link>,
    end: Result<Totals, ChainError>,
) -> (Chain, Option<Result<Totals, Fault>>) {
    let answered = |(bound, link): (&Arc<Bound>, Link)| Told {
        by: PluginId::of(bound, generation),
        report: link.report,
        outcome: Ok(link.quote),
    };
    let mut chain: Chain = bound.iter().zip(links).map(answered).collect();
    let ChainError { index, error } = match end {
        Ok(totals) => return (chain, Some(Ok(totals))),
        Err(error) => error,
    };
    let Some(failed) = index.and_then(|index| bound.get(index)) else { return (chain, Some(Err(error.fault))) };
    chain.push(Told { by: PluginId::of(failed, generation), report: error.report, outcome: Err(error.fault) });
    (chain, None)
}
