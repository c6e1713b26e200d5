//! What a cart costs at this moment: the plugins' part of a cart.
//!
//! 0. Coupons that the shop counts and that are not good now are held back.
//! 1. The pricing plugins, one after the other, price the goods.
//! 2. The delivery plugins quote for goods of that value, once there is an address.
//! 3. Where the shopper has chosen a delivery, the pricing plugins price the goods again, now with it, so that
//!    they can tax or discount it too. This last answer is the price; it is what an order keeps as its receipt.
//!
//! All of it runs on the routing as it was at the beginning, whatever a merchant activates meanwhile. Where a candidate is rolled out, the
//! cart decides whether it is asked.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::delivery::{self, DeliveryOption, Offered};
use super::line::{Attributes, Line};
use super::{Contents, Error};
use crate::coupons::{self, Judged, Refusal};
use crate::money::Currency;
use crate::plugins::delivery::{DeliveryQuote, Shipment};
use crate::plugins::pricing::Totals;
use crate::plugins::trial::{Priced, Served};
use crate::plugins::{Bound, CallError, ChainError, Chained, Domain, Link, PluginId, Report, Told, pricing};
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
    pub priced: Vec<Call<pricing::Request, pricing::Quote>>,
    /// Who was asked for the delivery that is chosen.
    pub delivered: Vec<Call<Shipment, DeliveryQuote>>,
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

/// A call that a price rests on.
#[derive(Clone)]
pub struct Call<Request, Answer> {
    pub by: Asked,
    pub request: Arc<Request>,
    pub answer: Answer,
    pub report: Report,
}

/// Who was asked.
#[derive(Clone, Debug)]
pub enum Asked {
    Plugin {
        bound: Arc<Bound>,
        /// Of the binding that it stood in; 0: of a rollout, before it was in force.
        generation: u64,
    },
    /// The static delivery rates of the settings, a JSON array.
    Fallback { rates: String },
}

impl Asked {
    pub fn name(&self) -> &str {
        match self {
            Self::Plugin { bound, .. } => bound.name(),
            Self::Fallback { .. } => delivery::FALLBACK,
        }
    }

    /// To the byte and the settings.
    pub fn id(&self) -> PluginId {
        match self {
            Self::Plugin { bound, generation } => PluginId::of(bound, *generation),
            Self::Fallback { .. } => PluginId {
                name: delivery::FALLBACK.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                digest: String::new(),
                generation: 0,
            },
        }
    }
}

impl Quoted {
    /// The coupons that this price redeems.
    pub fn redeems(&self) -> Vec<Uuid> {
        let applied = self.coupons.iter().filter(|coupon| coupon.state == CouponState::Applied);
        applied.filter_map(|coupon| coupon.coupon_id).collect()
    }
}

impl<Request, Answer> Call<Request, Answer> {
    /// As staff is told of it.
    pub fn told(self) -> Told<Answer> {
        Told { by: self.by.id(), report: self.report, outcome: Ok(self.answer) }
    }
}

impl<Request, Answer: fmt::Debug> fmt::Debug for Call<Request, Answer> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("by", &self.by.name()).field("answer", &self.answer).finish_non_exhaustive()
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

/// Who prices this cart, and who delivers it.
pub(super) struct Serving {
    pub pricing: Served,
    pub delivery: Served,
}

impl Serving {
    pub fn of(shop: &Shop, contents: &Contents) -> Self {
        let (routing, asker, now) = (shop.plugins().routing(), contents.cart.asker(), clock::now());
        let serve = |domain| routing.serve(domain, asker, now);
        Self { pricing: serve(Domain::Pricing), delivery: serve(Domain::Delivery) }
    }
}

async fn price_with_delivery(shop: &Shop, contents: &Contents) -> Result<Quoted, Error> {
    let serving = Serving::of(shop, contents);
    let counted = counted(shop, contents).await?;
    let request = pricing_request(shop, contents, &counted);
    let goods = price(shop, &serving.pricing, contents, &counted, request.clone()).await?;
    let Some(chosen) = &contents.cart.delivery else { return Ok(goods) };
    if contents.cart.address.is_none() {
        return Ok(goods);
    }
    let value = goods.totals.goods + goods.totals.discounts;
    let Offered { options, calls, .. } = delivery::options(shop, &serving.delivery, contents, value, request.now).await;
    let Some(option) = options.into_iter().find(|option| option.id == *chosen) else {
        return Ok(Quoted { delivery: DeliveryState::Gone, ..goods });
    };
    let delivery = pricing::Delivery { option: option.id.to_string(), amount: option.amount };
    let request = pricing::Request { delivery: Some(delivery), ..request };
    let whole = price(shop, &serving.pricing, contents, &counted, request).await?;
    Ok(Quoted { delivery: DeliveryState::Chosen(option), delivered: calls, ..whole })
}

/// The ways to deliver this cart, and why there are no others; none without an address.
pub async fn offered(shop: &Shop, contents: &Contents) -> Result<Offered, Error> {
    if contents.cart.address.is_none() {
        return Ok(Offered::default());
    }
    let serving = Serving::of(shop, contents);
    let counted = counted(shop, contents).await?;
    let request = pricing_request(shop, contents, &counted);
    let now = request.now;
    let goods = price(shop, &serving.pricing, contents, &counted, request).await?;
    let value = goods.totals.goods + goods.totals.discounts;
    Ok(delivery::options(shop, &serving.delivery, contents, value, now).await)
}

/// The codes of the cart that the shop counts.
pub(super) async fn counted(shop: &Shop, contents: &Contents) -> Result<Vec<Judged>, Error> {
    if contents.cart.coupons.is_empty() {
        return Ok(Vec::new());
    }
    let mut conn = shop.db().read().await?;
    let (codes, buyer) = (&contents.cart.coupons, contents.buyer());
    Ok(coupons::judge(&mut conn, codes, buyer.as_ref(), contents.order_id).await?)
}

/// What became of each code. Of what several plugins say, the best counts; one that none of them knows is unknown.
pub fn coupon_results(codes: &[String], counted: &[Judged], outcomes: &[pricing::CouponOutcome]) -> Vec<CouponResult> {
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
    codes.iter().map(result).collect()
}

/// Runs the chain of pricing plugins.
async fn price(
    shop: &Shop,
    served: &Served,
    contents: &Contents,
    counted: &[Judged],
    request: pricing::Request,
) -> Result<Quoted, Error> {
    let priced = shop.plugins().host().price_served(served, request).await;
    let Priced { route, chained } = priced.map_err(|(route, ChainError { index, error })| {
        if let Some(bound) = index.and_then(|index| route.bound.get(index)) {
            warn(bound, &error);
        }
        Error::Pricing(error)
    })?;
    let (generation, Chained { links, adjustments, totals }) = (route.generation, chained);
    let quotes = || links.iter().map(|link| &link.quote);
    let outcomes: Vec<_> = quotes().flat_map(|quote| quote.coupons.iter().cloned()).collect();
    let messages = quotes().flat_map(|quote| quote.messages.iter().cloned()).collect();
    let call = |(bound, link): (&Arc<Bound>, Link)| Call {
        by: Asked::Plugin { bound: bound.clone(), generation },
        request: link.request,
        answer: link.quote,
        report: link.report,
    };
    Ok(Quoted {
        coupons: coupon_results(&contents.cart.coupons, counted, &outcomes),
        messages,
        prepaid: prepaid::Plan::nothing(totals.total),
        delivery: DeliveryState::Open,
        priced: route.bound.iter().zip(links).map(call).collect(),
        delivered: Vec::new(),
        adjustments,
        totals,
    })
}

pub(super) fn pricing_request(shop: &Shop, contents: &Contents, counted: &[Judged]) -> pricing::Request {
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
pub(super) fn shops_words(shop: &Shop, currency: Currency) -> Vec<(String, String)> {
    let own = shop.config().shop.currency;
    if currency == own { Vec::new() } else { vec![(delivery::SHOP_CURRENCY.to_owned(), own.code().to_owned())] }
}

/// Grams of one piece, as the contract wants them.
pub(super) fn weight_of(line: &Line) -> u32 {
    u32::try_from(line.variant.weight_grams).unwrap_or(u32::MAX)
}

pub(super) fn warn(bound: &Bound, error: &CallError) {
    tracing::warn!(plugin = bound.name(), version = bound.version(), reason = error.code(), %error, "a plugin failed");
}
