//! What shoppers see of a cart.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::address::Address;
use crate::carts::{
    self, Attributes, Contents, CouponResult, CouponState, DeliveryOption, DeliveryState, Notice, Quoted,
};
use crate::clock::Moment;
use crate::money::{Amount, Currency};
use crate::payments;
use crate::plugins::pricing::{self, Target};
use crate::prepaid;

/// A discount, tax or fee.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdjustmentOut {
    /// `discount` (0 or less), `tax` and `fee` (0 or more, added), `tax-included` (contained in the prices, for information).
    kind: &'static str,
    /// Stable name of the rule.
    #[schema(example = "coupon-welcome10")]
    code: String,
    /// For the shopper.
    #[schema(example = "10 % off your first order")]
    label: String,
    #[schema(value_type = i64, example = -250)]
    amount: Amount,
    /// Of a tax, where its plugin says it: the rate in parts per million, so that 190000 is 19 %.
    rate_ppm: Option<u32>,
    /// Of a tax, where its plugin says it: what it was computed on, without the tax itself.
    base: Option<Amount>,
}

/// A line of a cart.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineOut {
    id: Uuid,
    variant_id: Uuid,
    sku: String,
    title: String,
    quantity: u32,
    /// How many can be sold now, at most what the line wants: less means a shortage. Lines of one variant share what there is.
    available: u32,
    unit_price: Amount,
    /// What a piece cost before; null unless it was more.
    #[schema(value_type = Option<i64>, example = 890)]
    compare_at_price: Option<Amount>,
    /// Code of the price list that `unit_price` is from; null for the variant's own price, and for one that is held.
    #[schema(example = "summer-sale")]
    price_list: Option<String>,
    /// Until then, no more is asked for a piece; none where the shop does not hold prices. A lower price applies at once.
    #[schema(value_type = Option<String>, format = DateTime)]
    price_held_until: Option<Moment>,
    /// What the shopper says about it.
    note: String,
    #[schema(value_type = BTreeMap<String, String>)]
    attributes: Attributes,
    /// `unit_price` times `quantity`.
    goods_total: Amount,
    adjustments: Vec<AdjustmentOut>,
    /// What the line adds to the total.
    total: Amount,
}

/// What became of a coupon code.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartCouponOut {
    code: String,
    /// `applied`, `unknown`, `expired` or `not-applicable`; of a coupon that the shop counts also `not-started`, `inactive`,
    /// `used-up`, or `used-before` (by this customer, as often as one may).
    state: &'static str,
    /// For the shopper; may be empty.
    text: String,
}

/// A way to deliver the cart.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryOptionOut {
    /// What to send to choose it.
    #[schema(example = "delivery-rates:standard")]
    id: String,
    #[schema(example = "Standard delivery")]
    label: String,
    amount: Amount,
    currency: &'static str,
    /// Fewest and most days until it arrives, where known.
    min_days: Option<u16>,
    max_days: Option<u16>,
    /// The shopper collects the goods.
    pickup: bool,
    /// What else the delivery plugin says of it. delivery-rates tells `pickup-address` and `pickup-hours`.
    attributes: BTreeMap<String, String>,
}

/// A gift card that is to pay.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartGiftCardOut {
    /// The end of its code.
    #[schema(example = "7K2Q")]
    last_four: String,
    balance: Amount,
    /// False: it has expired or was switched off since.
    usable: bool,
    /// What it would pay of the total.
    pays: Amount,
}

/// The customer's store credit, where it is to pay.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartStoreCreditOut {
    balance: Amount,
    /// What it would pay of the total.
    pays: Amount,
}

/// A cart, priced at this moment. Amounts are minor units of `currency`.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartOut {
    /// For a guest, knowing it is the right to open the cart.
    id: Uuid,
    /// `open`; `ordered` when `order_id` says what it became; `merged` when it was added to the cart `merged_into`.
    #[schema(example = "open")]
    status: &'static str,
    order_id: Option<Uuid>,
    merged_into: Option<Uuid>,
    currency: &'static str,
    locale: String,
    email: Option<String>,
    address: Option<Address>,
    /// Whom the invoice is for; null: `address`.
    billing_address: Option<Address>,
    /// What the shopper says about it.
    note: String,
    #[schema(value_type = BTreeMap<String, String>)]
    attributes: Attributes,
    lines: Vec<LineOut>,
    /// What is not as the shopper was shown it, until it is acknowledged.
    changes: Vec<Notice>,
    coupons: Vec<CartCouponOut>,
    /// The chosen delivery, where it is offered for this cart.
    delivery: Option<DeliveryOptionOut>,
    /// Discounts, taxes and fees on the goods as a whole and on the delivery.
    adjustments: Vec<AdjustmentOut>,
    /// For the shopper, from the pricing rules.
    messages: Vec<String>,
    /// Sum of the lines before adjustments.
    goods_total: Amount,
    discount_total: Amount,
    fee_total: Amount,
    delivery_total: Amount,
    /// Tax that is added.
    tax_total: Amount,
    /// Tax that the prices contain.
    tax_included_total: Amount,
    /// What it costs: send it as `expected_total` of the checkout.
    total: Amount,
    /// In the order in which they pay.
    gift_cards: Vec<CartGiftCardOut>,
    /// Null where it is not to be used.
    store_credit: Option<CartStoreCreditOut>,
    /// What is left for a payment: send it as `expected_due` of the checkout. It is `total` where nothing is prepaid.
    due: Amount,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Moment,
    /// When it is forgotten, unless it changes.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Moment,
}

/// A way to pay.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentMethodOut {
    /// What to send as `payment_method` of the checkout.
    #[schema(example = "payment-emulator:card")]
    id: String,
    #[schema(example = "Card")]
    label: String,
    /// What a storefront needs to draw the form.
    attributes: BTreeMap<String, String>,
}

/// The cart as shoppers see it.
pub fn cart_out(contents: &Contents, quoted: &Quoted) -> CartOut {
    let cart = &contents.cart;
    let totals = &quoted.totals;
    CartOut {
        id: cart.id,
        status: match (cart.order_id, cart.merged_into) {
            (Some(_), _) => "ordered",
            (None, Some(_)) => "merged",
            (None, None) => "open",
        },
        order_id: cart.order_id,
        merged_into: cart.merged_into,
        currency: cart.currency.code(),
        locale: cart.locale.clone(),
        email: cart.email.clone(),
        address: cart.address.clone(),
        billing_address: cart.billing_address.clone(),
        note: cart.note.clone(),
        attributes: cart.attributes.clone(),
        lines: contents.available().into_iter().enumerate().map(|line| line_out(contents, quoted, line)).collect(),
        changes: carts::notices(contents, quoted),
        coupons: quoted.coupons.iter().map(coupon_out).collect(),
        delivery: match &quoted.delivery {
            DeliveryState::Chosen(option) => Some(delivery_out(cart.currency, option.clone())),
            DeliveryState::Open | DeliveryState::Gone => None,
        },
        adjustments: adjustments(quoted, |target| !matches!(target, Target::Line(_))),
        messages: quoted.messages.clone(),
        goods_total: totals.goods,
        discount_total: totals.discounts,
        fee_total: totals.fees,
        delivery_total: totals.delivery,
        tax_total: totals.taxes_added,
        tax_included_total: totals.taxes_included,
        total: totals.total,
        gift_cards: quoted.prepaid.gift_cards.iter().map(gift_card_out).collect(),
        store_credit: quoted
            .prepaid
            .store_credit
            .as_ref()
            .map(|credit| CartStoreCreditOut { balance: credit.balance, pays: credit.pays }),
        due: quoted.prepaid.due,
        created_at: cart.created_at,
        updated_at: cart.updated_at,
        expires_at: cart.expires_at,
    }
}

fn gift_card_out(share: &prepaid::Share) -> CartGiftCardOut {
    CartGiftCardOut {
        last_four: share.last_four.clone(),
        balance: share.balance,
        usable: share.usable,
        pays: share.pays,
    }
}

/// Of a line, by its index, and how much of it can be had.
fn line_out(contents: &Contents, quoted: &Quoted, (index, available): (usize, u32)) -> LineOut {
    let line = &contents.lines[index];
    let goods_total = line.unit_price.saturating_mul(Amount::from(line.quantity));
    let adjustments = adjustments(quoted, |target| matches!(target, Target::Line(line) if *line as usize == index));
    // The parts were checked when the totals were computed.
    let added: Amount = adjustments.iter().filter(|a| a.kind != "tax-included").map(|a| a.amount).sum();
    LineOut {
        id: line.line_id,
        variant_id: line.variant.id,
        sku: line.variant.sku.clone(),
        title: line.variant.title.clone(),
        quantity: line.quantity,
        available,
        unit_price: line.unit_price,
        compare_at_price: line.applying().and_then(|price| price.compare_at),
        price_list: line.applying().and_then(|price| price.list.clone()),
        price_held_until: line.promise.until,
        note: line.note.clone(),
        attributes: line.attributes.clone(),
        goods_total,
        adjustments,
        total: goods_total + added,
    }
}

fn adjustments(quoted: &Quoted, wanted: impl Fn(&Target) -> bool) -> Vec<AdjustmentOut> {
    let wanted = quoted.adjustments.iter().filter(|adjustment| wanted(&adjustment.target));
    wanted.map(adjustment_out).collect()
}

fn adjustment_out(adjustment: &pricing::Adjustment) -> AdjustmentOut {
    AdjustmentOut {
        kind: adjustment.kind.name(),
        code: adjustment.code.clone(),
        label: adjustment.label.clone(),
        amount: adjustment.amount,
        rate_ppm: adjustment.rate_ppm,
        base: adjustment.base,
    }
}

impl CartCouponOut {
    /// As one plugin decided.
    pub fn of_plugin(outcome: pricing::CouponOutcome) -> Self {
        let state = match outcome.state {
            pricing::CouponState::Applied => "applied",
            pricing::CouponState::NotApplicable => "not-applicable",
            pricing::CouponState::Expired => "expired",
            pricing::CouponState::Unknown => "unknown",
        };
        Self { code: outcome.code, state, text: outcome.text }
    }
}

pub fn coupon_out(coupon: &CouponResult) -> CartCouponOut {
    let state = match coupon.state {
        CouponState::Applied => "applied",
        CouponState::NotApplicable => "not-applicable",
        CouponState::Expired => "expired",
        CouponState::Unknown => "unknown",
        CouponState::Refused(refusal) => refusal.name(),
    };
    CartCouponOut { code: coupon.code.clone(), state, text: coupon.text.clone() }
}

pub fn delivery_out(currency: Currency, option: DeliveryOption) -> DeliveryOptionOut {
    DeliveryOptionOut {
        id: option.id.to_string(),
        label: option.label,
        amount: option.amount,
        currency: currency.code(),
        min_days: option.days.map(|(min, _)| min),
        max_days: option.days.map(|(_, max)| max),
        pickup: option.pickup,
        attributes: option.attributes,
    }
}

/// A way to pay as shoppers see it.
pub fn payment_method_out(method: payments::Method) -> PaymentMethodOut {
    PaymentMethodOut {
        id: method.id.to_string(),
        label: method.label,
        attributes: method.attributes.into_iter().collect(),
    }
}
