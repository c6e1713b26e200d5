//! Placing an order.
//!
//! 1. Read the cart, price it, and compare with what the shopper was shown.
//! 2. One short transaction: close the cart, reserve the stock, write the order, its receipts, the payment attempt and
//!    the event, count its coupons, and take what gift cards and store credit pay.
//! 3. Ask the payment plugin, under the attempt's key, with no transaction open.
//! 4. One short transaction: what it answered ([`payments::settle`]).
//!
//! A crash between 2 and 4 leaves an order that the reconciling worker finishes.

use uuid::Uuid;

use super::paying::Paying;
use super::placing::{self, Made};
use super::{Adjustment, Delivery, Details, Error, Line, Order, StateError, Status, Target, receipts, state};
use crate::carts::{self, Contents, DeliveryState, Quoted};
use crate::clock;
use crate::money::{self, Amount};
use crate::payments::{self, Payment};
use crate::plugins::{OptionId, pricing};
use crate::{Shop, id, prepaid};

/// What the shopper sends.
#[derive(Debug, Clone)]
pub struct Checkout {
    pub cart_id: Uuid,
    pub caller: Option<Uuid>,
    /// None is allowed where nothing is due.
    pub payment_method: Option<OptionId>,
    /// What the storefront got from the payment provider.
    pub payment_token: Option<String>,
    /// The total that the shopper was shown.
    pub expected_total: Amount,
    /// What was left of it for a payment; the total where none is given.
    pub expected_due: Option<Amount>,
}

/// Places the order and pays it. Runs to its end even if the client goes away meanwhile.
pub async fn place(shop: &Shop, checkout: Checkout) -> Result<Details, Error> {
    let work = {
        let shop = shop.clone();
        async move { place_to_end(&shop, &checkout).await }
    };
    shop.run_to_end(work).await?
}

async fn place_to_end(shop: &Shop, checkout: &Checkout) -> Result<Details, Error> {
    let (contents, quoted, delivery) = quote_as_shown(shop, checkout).await?;
    let paying = match quoted.prepaid.due {
        0 => None,
        _ => Some(choose_payment(shop, checkout, &contents, &quoted).await?),
    };
    let written = write_order(shop, contents, &quoted, delivery, paying.as_ref()).await;
    let (order, payment) = match written {
        Err(Error::NoLongerAsShown) => return Err(as_it_is_now(shop, checkout).await),
        written => written?,
    };
    shop.relay().wake();
    if let (Some(payment), Some(paying)) = (payment, &paying) {
        paying.take(shop, &order, &payment, checkout.payment_token.as_deref().unwrap_or_default()).await?;
    }
    super::get_any(shop, order.id).await
}

/// The cart priced now, if that is what the shopper was shown.
async fn quote_as_shown(shop: &Shop, checkout: &Checkout) -> Result<(Contents, Quoted, Delivery), Error> {
    let mut contents = carts::get(shop, checkout.cart_id, checkout.caller).await?;
    contents.cart.require_open()?;
    let mut missing = Vec::new();
    let cart = &contents.cart;
    for (name, lacks) in [
        ("lines", contents.lines.is_empty()),
        ("email", cart.email.is_none()),
        ("address", cart.address.is_none()),
        ("delivery_option", cart.delivery.is_none()),
    ] {
        if lacks {
            missing.push(name);
        }
    }
    if !missing.is_empty() {
        return Err(carts::Error::Incomplete(missing).into());
    }
    let unpriced = contents.unpriced();
    if !unpriced.is_empty() {
        return Err(carts::Error::PriceMissing(unpriced).into());
    }
    let shortages = contents.shortages();
    if !shortages.is_empty() {
        return Err(carts::Error::Insufficient(shortages).into());
    }
    let quoted = carts::quote(shop, &contents).await?;
    let DeliveryState::Chosen(option) = &quoted.delivery else {
        return Err(carts::Error::DeliveryUnavailable.into());
    };
    let delivery = Delivery {
        plugin: option.id.plugin.clone(),
        code: option.id.code.clone(),
        label: option.label.clone(),
        amount: option.amount,
        pickup: option.pickup,
    };
    let expected_due = checkout.expected_due.unwrap_or(checkout.expected_total);
    if (quoted.totals.total, quoted.prepaid.due) != (checkout.expected_total, expected_due) {
        // They are shown it now.
        carts::keep_promises(shop, &mut contents).await?;
        return Err(Error::StaleQuote(Box::new((contents, quoted))));
    }
    Ok((contents, quoted, delivery))
}

/// Somebody else took, between the price and the order, what the price was made of, or ordered or changed the cart. The cart as it
/// stands now.
async fn as_it_is_now(shop: &Shop, checkout: &Checkout) -> Error {
    let quoted = async {
        let cart = carts::show(shop, checkout.cart_id, checkout.caller).await?;
        cart.0.cart.require_open()?;
        Ok::<_, carts::Error>(cart)
    };
    match quoted.await {
        Ok(cart) => Error::StaleQuote(Box::new(cart)),
        Err(error) => Error::Cart(error),
    }
}

async fn choose_payment(
    shop: &Shop,
    checkout: &Checkout,
    contents: &Contents,
    quoted: &Quoted,
) -> Result<Paying, Error> {
    let method = checkout.payment_method.clone().ok_or(Error::UnknownPaymentMethod)?;
    if checkout.payment_token.is_none() {
        return Err(Error::NoPaymentToken);
    }
    Paying::choose(shop, method, &contents.payment_question(quoted.prepaid.due)).await
}

/// The one write that makes the order, or nothing at all.
async fn write_order(
    shop: &Shop,
    contents: Contents,
    quoted: &Quoted,
    delivery: Delivery,
    paying: Option<&Paying>,
) -> Result<(Order, Option<Payment>), Error> {
    let made = Made {
        lines: order_lines(&contents, quoted)?,
        adjustments: quoted.adjustments.iter().map(order_adjustment).collect(),
        receipts: receipts::of(quoted),
        redeems: quoted.redeems(),
        // Always some: a cart without an e-mail address was refused.
        buyer: contents.buyer(),
    };
    let mut order = new_order(&contents, quoted, delivery);
    let mut tx = shop.db().write().await?;
    if !carts::close(&mut tx, &contents, order.id).await? {
        return Err(Error::NoLongerAsShown);
    }
    placing::insert(shop, &mut tx, &mut order, &made, "placed by the shopper").await?;
    let payment = match paying {
        Some(Paying { provider, method }) => {
            let new = payments::NewPayment {
                order_id: order.id,
                purpose: payments::Purpose::Checkout,
                method,
                provider,
                amount: quoted.prepaid.due,
                currency: &order.currency,
            };
            Some(payments::begin(shop, &mut tx, &new).await?)
        }
        None => None,
    };
    if !prepaid::take(&mut tx, order.id, &quoted.prepaid).await.map_err(StateError::from)? {
        return Err(Error::NoLongerAsShown);
    }
    if payment.is_none() {
        let cause = if order.total == 0 { "nothing to pay" } else { "paid by gift cards and store credit" };
        state::mark_paid(&mut tx, order.id, cause).await?;
    }
    tx.commit().await?;
    Ok((order, payment))
}

fn new_order(contents: &Contents, quoted: &Quoted, delivery: Delivery) -> Order {
    let now = clock::now();
    let totals = &quoted.totals;
    let cart = &contents.cart;
    Order {
        id: id::unguessable(),
        number: 0,
        cart_id: cart.id,
        customer_id: contents.customer_id,
        status: Status::New,
        currency: cart.currency.code().to_owned(),
        locale: cart.locale.clone(),
        email: cart.email.clone().unwrap_or_default(),
        address: cart.address.clone().unwrap_or_default(),
        billing_address: cart.billing_address.clone(),
        delivery,
        note: cart.note.clone(),
        attributes: cart.attributes.clone(),
        goods_total: totals.goods,
        discount_total: totals.discounts,
        fee_total: totals.fees,
        delivery_total: totals.delivery,
        tax_total: totals.taxes_added,
        tax_included_total: totals.taxes_included,
        total: totals.total,
        revision: 1,
        version: 1,
        placed_at: now,
        updated_at: now,
    }
}

pub(super) fn order_lines(contents: &Contents, quoted: &Quoted) -> Result<Vec<Line>, money::OutOfRange> {
    let line = |(index, line): (usize, &carts::Line)| {
        Ok(Line {
            variant_id: line.variant.id,
            sku: line.variant.sku.clone(),
            title: line.variant.title.clone(),
            quantity: line.quantity,
            unit_price: line.unit_price,
            compare_at: line.applying().and_then(|price| price.compare_at),
            price_list: line.applying().and_then(|price| price.list.clone()),
            total: pricing::line_total(index, line.unit_price, line.quantity, &quoted.adjustments)?,
            note: line.note.clone(),
            attributes: line.attributes.clone(),
        })
    };
    contents.lines.iter().enumerate().map(line).collect()
}

pub(super) fn order_adjustment(adjustment: &pricing::Adjustment) -> Adjustment {
    Adjustment {
        target: match adjustment.target {
            pricing::Target::Line(index) => Target::Line(i64::from(index)),
            pricing::Target::Order => Target::Order,
            pricing::Target::Delivery => Target::Delivery,
        },
        kind: adjustment.kind.name().to_owned(),
        code: adjustment.code.clone(),
        label: adjustment.label.clone(),
        amount: adjustment.amount,
        rate_ppm: adjustment.rate_ppm,
        base: adjustment.base,
    }
}

/// What a failed attempt to pay means for the shopper: the provider's fault rather than theirs?
pub(super) fn is_providers_fault(decline_code: &str) -> bool {
    [payments::NOT_BEGUN, payments::NOT_RECEIVED].contains(&decline_code)
}
