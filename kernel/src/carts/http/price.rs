//! A price with all that went into it, for staff: of a cart, a draft or an order.

use serde::Serialize;
use utoipa::ToSchema;

use super::view::{CartCouponOut, DeliveryOptionOut, coupon_out, delivery_out};
use super::{DeliveryRefusalOut, ExplainedOptionsOut};
use crate::carts::{DeliveryOption, PriceExplained};
use crate::money::{Amount, Currency};
use crate::plugins::Told;
use crate::plugins::delivery::{DeliveryQuote, Refusal};
use crate::plugins::pricing::{self, Adjustment, Quote, Target};
use crate::plugins::registry::http::{FaultOut, PluginCallOut};

/// A price, and how it came about. Amounts are minor units of `currency`.
///
/// `goods_total`, `delivery_total` and all amounts that were added, but for those of the kind `tax-included`, come to `total`.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriceOut {
    #[schema(value_type = String, example = "EUR")]
    currency: &'static str,
    /// The goods before anything was added.
    #[schema(value_type = i64, example = 2500)]
    goods_total: Amount,
    /// The chosen delivery before anything was added; 0 where none was priced.
    #[schema(value_type = i64, example = 490)]
    delivery_total: Amount,
    /// The pricing plugins in the order of their chain. One that failed is the last: those behind it were not asked.
    pricing: Vec<PricingStepOut>,
    /// What became of each coupon code.
    coupons: Vec<CartCouponOut>,
    /// Null where there is no price: a plugin failed, or what they added breaks a rule together (`fault`).
    #[schema(value_type = Option<i64>, example = 2990)]
    total: Option<Amount>,
    /// Which rule the answers of all break together.
    fault: Option<FaultOut>,
    /// The delivery that is chosen, be it offered or not.
    #[schema(example = "delivery-rates:standard")]
    chosen_delivery: Option<String>,
    /// The ways to deliver. Nobody was asked where the goods have no price, or there is no address. Of an order: who was asked when it was
    /// priced, and answered.
    delivery: ExplainedOptionsOut,
}

/// What one plugin of the chain answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct PricingStepOut {
    #[serde(flatten)]
    call: PluginCallOut,
    /// In the order in which it said so.
    added: Vec<AddedOut>,
    /// What it all comes to after this plugin; null where it failed.
    #[schema(value_type = Option<i64>, example = 2740)]
    total_after: Option<Amount>,
    /// What it says of coupon codes: `applied`, `not-applicable`, `expired`, `unknown`.
    coupons: Vec<CartCouponOut>,
    /// For the shopper.
    messages: Vec<String>,
}

/// An amount that a plugin added.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddedOut {
    /// `discount`, `tax`, `tax-included` or `fee`.
    #[schema(value_type = String, example = "discount")]
    kind: &'static str,
    #[schema(example = "WELCOME10")]
    code: String,
    #[schema(example = "10 % off")]
    label: String,
    #[schema(value_type = i64, example = -250)]
    amount: Amount,
    /// Of a tax, where the plugin says it: the rate in parts per million, so that 190000 is 19 %.
    rate_ppm: Option<u32>,
    /// Of a tax, where the plugin says it: what it was computed on, without the tax itself.
    base: Option<Amount>,
    /// `line`, `order` (the goods as a whole) or `delivery`.
    #[schema(value_type = String, example = "line")]
    target: &'static str,
    /// Position of the line, the first is 0.
    line: Option<u32>,
    #[schema(example = "TEA-SENCHA-100")]
    sku: Option<String>,
}

/// What one delivery plugin answered.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryStepOut {
    #[serde(flatten)]
    call: PluginCallOut,
    options: Vec<DeliveryOptionOut>,
    refusals: Vec<DeliveryRefusalOut>,
}

impl PriceOut {
    pub fn of(explained: PriceExplained) -> Self {
        let running = explained.running_totals();
        let PriceExplained { currency, request, chain, totals, coupons, chosen, delivery } = explained;
        let goods = request.lines.iter().map(|line| line.unit_price.saturating_mul(Amount::from(line.quantity)));
        let (total, fault) = match totals {
            Some(Ok(totals)) => (Some(totals.total), None),
            Some(Err(fault)) => (None, Some(FaultOut::from(&fault))),
            None => (None, None),
        };
        let steps = chain.into_iter().zip(running);
        Self {
            currency: currency.code(),
            goods_total: goods.fold(0, Amount::saturating_add),
            delivery_total: request.delivery.as_ref().map_or(0, |delivery| delivery.amount),
            pricing: steps.map(|(told, total)| PricingStepOut::of(&request, told, total)).collect(),
            coupons: coupons.iter().map(coupon_out).collect(),
            total,
            fault,
            chosen_delivery: chosen.map(|id| id.to_string()),
            delivery: ExplainedOptionsOut::of(currency, delivery),
        }
    }
}

impl PricingStepOut {
    fn of(request: &pricing::Request, told: Told<Quote>, total_after: Option<Amount>) -> Self {
        let Told { by, report, outcome } = told;
        let call = PluginCallOut::of(by, outcome.as_ref().err(), report);
        let Ok(quote) = outcome else {
            return Self { call, added: Vec::new(), total_after: None, coupons: Vec::new(), messages: Vec::new() };
        };
        Self {
            call,
            added: quote.adjustments.into_iter().map(|added| AddedOut::of(request, added)).collect(),
            total_after,
            coupons: quote.coupons.into_iter().map(CartCouponOut::of_plugin).collect(),
            messages: quote.messages,
        }
    }
}

impl AddedOut {
    fn of(request: &pricing::Request, added: Adjustment) -> Self {
        let (target, line) = match added.target {
            Target::Line(index) => ("line", Some(index)),
            Target::Order => ("order", None),
            Target::Delivery => ("delivery", None),
        };
        Self {
            kind: added.kind.name(),
            sku: line.and_then(|index| request.lines.get(index as usize)).map(|line| line.sku.clone()),
            code: added.code,
            label: added.label,
            amount: added.amount,
            rate_ppm: added.rate_ppm,
            base: added.base,
            target,
            line,
        }
    }
}

impl DeliveryStepOut {
    pub fn of(currency: Currency, told: Told<DeliveryQuote>) -> Self {
        let Told { by, report, outcome } = told;
        let name = by.name.clone();
        let call = PluginCallOut::of(by, outcome.as_ref().err(), report);
        let Ok(DeliveryQuote { options, refusals }) = outcome else {
            return Self { call, options: Vec::new(), refusals: Vec::new() };
        };
        let refusal = |Refusal { code, reason }| DeliveryRefusalOut { plugin: Some(name.clone()), code, reason };
        let options = options.into_iter().map(|option| DeliveryOption::of(&name, option));
        Self {
            options: options.map(|option| delivery_out(currency, option)).collect(),
            refusals: refusals.into_iter().map(refusal).collect(),
            call,
        }
    }
}
