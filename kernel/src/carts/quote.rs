//! What a cart costs at this moment: the plugins' part of a cart.
//!
//! 0. Coupons that the shop counts and that are not good now are held back.
//! 1. The pricing plugins, one after the other, price the goods.
//! 2. The delivery plugins quote for goods of that value, once there is an address.
//! 3. Where the shopper has chosen a delivery, the pricing plugins price the goods again, now with it, so that
//!    they can tax or discount it too. This last answer is the price; it is what an order keeps as its receipt.
//!
//! All of it runs on the routing as it was at the beginning, whatever a merchant activates meanwhile.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::line::{Attributes, Line};
use super::{Contents, Error, FallbackRate};
use crate::coupons::{self, Judged, Refusal};
use crate::money::{Amount, Currency};
use crate::plugins::pricing::Totals;
use crate::plugins::{Bound, CallError, Called, Domain, Fault, OptionId, Report, Routing, delivery, pricing, registry};
use crate::{Shop, clock, prepaid};

/// A priced cart.
#[derive(Debug, Clone)]
pub struct Quoted {
    pub adjustments: Vec<pricing::Adjustment>,
    /// What became of each code of the cart, in that order.
    pub coupons: Vec<CouponResult>,
    pub messages: Vec<String>,
    pub totals: Totals,
    /// What gift cards and store credit pay of the total.
    pub prepaid: prepaid::Plan,
    pub delivery: DeliveryState,
    /// Which plugin was asked what for this price, in the order of the chain.
    pub priced: Vec<Priced>,
}

/// What became of a code.
#[derive(Debug, Clone)]
pub struct CouponResult {
    pub code: String,
    pub state: CouponState,
    /// For the shopper; may be empty.
    pub text: String,
    /// Which it is, of one that the shop counts.
    pub coupon_id: Option<Uuid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CouponState {
    Applied,
    NotApplicable,
    Expired,
    /// No plugin knows it.
    Unknown,
    /// The shop counts it, and no plugin was asked.
    Refused(Refusal),
}

/// One call of a pricing plugin.
#[derive(Clone)]
pub struct Priced {
    pub bound: Arc<Bound>,
    pub request: Arc<pricing::Request>,
    pub quote: pricing::Quote,
    pub fuel: u64,
}

impl Quoted {
    /// The coupons that this price redeems.
    pub fn redeems(&self) -> Vec<Uuid> {
        let applied = self.coupons.iter().filter(|coupon| coupon.state == CouponState::Applied);
        applied.filter_map(|coupon| coupon.coupon_id).collect()
    }
}

impl fmt::Debug for Priced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Priced").field("by", &self.bound.name()).field("quote", &self.quote).finish_non_exhaustive()
    }
}

/// What is known about the delivery of a cart.
#[derive(Debug, Clone)]
pub enum DeliveryState {
    /// None was chosen yet, or there is no address.
    Open,
    Chosen(DeliveryOption),
    /// The chosen one is not offered for this cart any more.
    Gone,
}

/// A way to deliver, as a plugin or the settings offer it.
#[derive(Debug, Clone)]
pub struct DeliveryOption {
    pub id: OptionId,
    pub label: String,
    pub amount: Amount,
    pub days: Option<(u16, u16)>,
    pub pickup: bool,
    /// What else the plugin says of it: where to collect the goods, say.
    pub attributes: BTreeMap<String, String>,
}

/// What can be chosen, and why other ways cannot.
#[derive(Debug, Clone, Default)]
pub struct Offered {
    pub options: Vec<DeliveryOption>,
    pub refusals: Vec<DeliveryRefusal>,
}

/// Why a way to deliver is not offered. For staff: it may tell more than a shopper should read.
#[derive(Debug, Clone)]
pub struct DeliveryRefusal {
    /// None: the shop itself says it.
    pub plugin: Option<String>,
    pub code: String,
    pub reason: String,
}

/// The name under which static rates of the settings stand; no plugin can have it.
const FALLBACK: &str = registry::RESERVED_NAME;

/// Prices the cart, and finds what of that is prepaid.
pub async fn quote(shop: &Shop, contents: &Contents) -> Result<Quoted, Error> {
    let mut quoted = price_with_delivery(shop, contents).await?;
    let cart = &contents.cart;
    let credit_of = cart.customer_id.filter(|_| cart.store_credit);
    if !cart.gift_cards.is_empty() || credit_of.is_some() {
        let mut conn = shop.db().read().await?;
        quoted.prepaid =
            prepaid::plan(&mut conn, cart.currency, &cart.gift_cards, credit_of, quoted.totals.total).await?;
    }
    Ok(quoted)
}

async fn price_with_delivery(shop: &Shop, contents: &Contents) -> Result<Quoted, Error> {
    let routing = shop.plugins().routing();
    let counted = counted(shop, contents).await?;
    let request = pricing_request(shop, contents, &counted);
    let goods = price(shop, &routing, contents, &counted, request.clone()).await?;
    let Some(chosen) = &contents.cart.delivery else { return Ok(goods) };
    if contents.cart.address.is_none() {
        return Ok(goods);
    }
    let offered = delivery_options(shop, &routing, contents, goods.totals.goods + goods.totals.discounts).await;
    let Some(option) = offered.options.into_iter().find(|option| option.id == *chosen) else {
        return Ok(Quoted { delivery: DeliveryState::Gone, ..goods });
    };
    let delivery = pricing::Delivery { option: option.id.to_string(), amount: option.amount };
    let request = pricing::Request { delivery: Some(delivery), ..request };
    let whole = price(shop, &routing, contents, &counted, request).await?;
    Ok(Quoted { delivery: DeliveryState::Chosen(option), ..whole })
}

/// The ways to deliver this cart, and why there are no others; none without an address.
pub async fn offered(shop: &Shop, contents: &Contents) -> Result<Offered, Error> {
    if contents.cart.address.is_none() {
        return Ok(Offered::default());
    }
    let routing = shop.plugins().routing();
    let counted = counted(shop, contents).await?;
    let request = pricing_request(shop, contents, &counted);
    let goods = price(shop, &routing, contents, &counted, request).await?;
    Ok(delivery_options(shop, &routing, contents, goods.totals.goods + goods.totals.discounts).await)
}

/// The codes of the cart that the shop counts.
async fn counted(shop: &Shop, contents: &Contents) -> Result<Vec<Judged>, Error> {
    if contents.cart.coupons.is_empty() {
        return Ok(Vec::new());
    }
    let mut conn = shop.db().read().await?;
    let (codes, buyer) = (&contents.cart.coupons, contents.buyer());
    Ok(coupons::judge(&mut conn, codes, buyer.as_ref(), contents.order_id).await?)
}

/// What became of each code. Of what several plugins say, the best counts; one that none of them knows is unknown.
fn coupon_results(contents: &Contents, counted: &[Judged], outcomes: &[pricing::CouponOutcome]) -> Vec<CouponResult> {
    let result = |code: &String| {
        let judged = counted.iter().find(|judged| judged.code == *code);
        let coupon_id = judged.map(|judged| judged.coupon_id);
        if let Some(refusal) = judged.and_then(|judged| judged.refusal) {
            return CouponResult {
                code: code.clone(),
                state: CouponState::Refused(refusal),
                text: String::new(),
                coupon_id,
            };
        }
        let rank = |state| match state {
            pricing::CouponState::Applied => (0, CouponState::Applied),
            pricing::CouponState::NotApplicable => (1, CouponState::NotApplicable),
            pricing::CouponState::Expired => (2, CouponState::Expired),
            pricing::CouponState::Unknown => (3, CouponState::Unknown),
        };
        let best = outcomes.iter().filter(|outcome| outcome.code == *code).min_by_key(|outcome| rank(outcome.state).0);
        let state = best.map_or(CouponState::Unknown, |outcome| rank(outcome.state).1);
        let text = best.map(|outcome| outcome.text.clone()).unwrap_or_default();
        CouponResult { code: code.clone(), state, text, coupon_id }
    };
    contents.cart.coupons.iter().map(result).collect()
}

/// Runs the chain of pricing plugins. Fails closed: a price that one of them could not finish is no price.
async fn price(
    shop: &Shop,
    routing: &Routing,
    contents: &Contents,
    counted: &[Judged],
    mut request: pricing::Request,
) -> Result<Quoted, Error> {
    let mut priced = Vec::new();
    let (mut outcomes, mut messages) = (Vec::new(), Vec::new());
    for bound in routing.of(Domain::Pricing).bound.iter() {
        let asked = Arc::new(request.clone());
        let called = shop.plugins().host().price(bound, &asked).await.inspect_err(|error| warn(bound, error));
        let Called { value: quote, report: Report { fuel, .. } } = called.map_err(Error::Pricing)?;
        request.so_far.extend(quote.adjustments.iter().cloned());
        outcomes.extend(quote.coupons.iter().cloned());
        messages.extend(quote.messages.iter().cloned());
        priced.push(Priced { bound: bound.clone(), request: asked, quote, fuel });
    }
    let totals = Totals::of(&request, &request.so_far).map_err(|broken| {
        Error::Pricing(CallError { fault: Fault::InvalidAnswer(broken), report: Report::default() })
    })?;
    let coupons = coupon_results(contents, counted, &outcomes);
    let prepaid = prepaid::Plan::nothing(totals.total);
    let (adjustments, delivery) = (request.so_far, DeliveryState::Open);
    Ok(Quoted { adjustments, coupons, messages, totals, prepaid, delivery, priced })
}

fn pricing_request(shop: &Shop, contents: &Contents, counted: &[Judged]) -> pricing::Request {
    let cart = &contents.cart;
    let currency = cart.currency;
    let is_refused = |code: &str| counted.iter().any(|judged| judged.code == code && judged.refusal.is_some());
    pricing::Request {
        currency: currency.code().to_owned(),
        exponent: currency.exponent(),
        now: clock::unix_seconds(clock::now()),
        locale: cart.locale.clone(),
        customer: cart.customer_id.map(|id| pricing::Customer {
            id: id.to_string(),
            orders_paid: contents.orders_paid,
            attributes: contents.group.iter().map(|group| ("group".to_owned(), group.clone())).collect(),
        }),
        destination: cart.address.as_ref().map(|address| address.destination()),
        delivery: None,
        coupons: cart.coupons.iter().filter(|code| !is_refused(code)).cloned().collect(),
        lines: contents
            .lines
            .iter()
            .map(|line| pricing::Line {
                sku: line.variant.sku.clone(),
                category: line.variant.category_path.clone().unwrap_or_default(),
                quantity: line.quantity,
                unit_price: line.unit_price,
                weight_grams: weight_of(line),
                attributes: shoppers_words(&line.attributes),
            })
            .collect(),
        so_far: Vec::new(),
        attributes: [shoppers_words(&cart.attributes), shops_words(shop, currency)].concat(),
    }
}

/// Before the names of what the shopper says: it keeps a shopper from saying what only the shop may say.
pub const SHOPPERS_WORDS: &str = "shopper-";

/// What the shopper says, as plugins hear it.
fn shoppers_words(attributes: &Attributes) -> Vec<(String, String)> {
    attributes.iter().map(|(name, value)| (format!("{SHOPPERS_WORDS}{name}"), value.clone())).collect()
}

/// The shop's own currency, where the cart is in another: amounts in settings of plugins that name no currency are in the shop's own,
/// and mean nothing to this cart.
fn shops_words(shop: &Shop, currency: Currency) -> Vec<(String, String)> {
    let own = shop.config().shop.currency;
    if currency == own { Vec::new() } else { vec![("shop-currency".to_owned(), own.code().to_owned())] }
}

/// Asks every delivery plugin. Where one fails, the static rates of the settings stand in for it.
async fn delivery_options(shop: &Shop, routing: &Routing, contents: &Contents, goods_total: Amount) -> Offered {
    let Some(address) = &contents.cart.address else { return Offered::default() };
    let shipment = Arc::new(delivery::Shipment {
        currency: contents.cart.currency.code().to_owned(),
        now: clock::unix_seconds(clock::now()),
        locale: contents.cart.locale.clone(),
        destination: address.destination(),
        items: contents
            .lines
            .iter()
            .map(|line| delivery::Item {
                sku: line.variant.sku.clone(),
                quantity: line.quantity,
                weight_grams: weight_of(line),
            })
            .collect(),
        goods_total,
        attributes: shops_words(shop, contents.cart.currency),
    });
    let mut offered = Offered::default();
    let mut failed = false;
    for bound in routing.of(Domain::Delivery).bound.iter() {
        match shop.plugins().host().delivery_quote(bound, &shipment).await {
            Ok(called) => offered.take(bound.name(), called.value),
            Err(error) => {
                warn(bound, &error);
                failed = true;
                let plugin = Some(bound.name().to_owned());
                let (code, reason) = (error.code().to_owned(), "the plugin failed".to_owned());
                offered.refusals.push(DeliveryRefusal { plugin, code, reason });
            }
        }
    }
    if failed {
        offered.options.extend(fallback_options(shop, contents.cart.currency, &address.country));
    }
    offered
}

impl Offered {
    fn take(&mut self, plugin: &str, quote: delivery::DeliveryQuote) {
        self.options.extend(quote.options.into_iter().map(|option| DeliveryOption {
            id: OptionId { plugin: plugin.to_owned(), code: option.code },
            label: option.label,
            amount: option.amount,
            days: option.days,
            pickup: option.pickup,
            attributes: option.attributes.into_iter().collect(),
        }));
        let refusals = quote.refusals.into_iter();
        self.refusals.extend(refusals.map(|refusal| DeliveryRefusal {
            plugin: Some(plugin.to_owned()),
            code: refusal.code,
            reason: refusal.reason,
        }));
    }
}

/// Grams of one piece, as the contract wants them.
fn weight_of(line: &Line) -> u32 {
    u32::try_from(line.variant.weight_grams).unwrap_or(u32::MAX)
}

fn fallback_options(shop: &Shop, currency: Currency, country: &str) -> Vec<DeliveryOption> {
    let rates = shop.config().carts.fallback_delivery.iter();
    let option = |rate: &FallbackRate| DeliveryOption {
        id: OptionId { plugin: FALLBACK.to_owned(), code: rate.code.clone() },
        label: rate.label.clone(),
        amount: rate.amount,
        days: None,
        pickup: false,
        attributes: BTreeMap::new(),
    };
    rates
        .filter(|rate| rate.currency.unwrap_or(shop.config().shop.currency) == currency)
        .filter(|rate| rate.countries.is_empty() || rate.countries.iter().any(|code| code == country))
        .map(option)
        .collect()
}

fn warn(bound: &Bound, error: &CallError) {
    tracing::warn!(plugin = bound.name(), version = bound.version(), reason = error.code(), %error, "a plugin failed");
}
