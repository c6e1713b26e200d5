//! Paying: at the checkout, and later what an order still owes.

use uuid::Uuid;

use super::{Details, Error, Order};
use crate::money::Amount;
use crate::payments::{self, Method, NewPayment, Payment, Provider, Purpose, Question};
use crate::plugins::OptionId;
use crate::{Shop, ledger};

/// The plugin that will take the money, in the version that was found when the method was chosen.
pub(super) struct Paying {
    pub provider: Provider,
    pub method: OptionId,
}

impl Paying {
    /// The method, if it is offered for this amount.
    pub async fn choose(shop: &Shop, method: OptionId, question: &Question<'_>) -> Result<Self, Error> {
        let offering = Provider::offering(shop, &method, question).await;
        let provider = offering.map_err(|error| Error::Payment(error.into()))?.ok_or(Error::UnknownPaymentMethod)?;
        Ok(Self { provider, method })
    }

    /// Asks for the money of an attempt that has been committed.
    pub async fn take(&self, shop: &Shop, order: &Order, payment: &Payment, token: &str) -> Result<(), Error> {
        let shopper = payments::Shopper {
            order_number: order.number,
            token,
            email: &order.email,
            billing_address: Some(order.billing()),
            locale: &order.locale,
        };
        let payment = payments::authorize(shop, &self.provider, payment, &shopper).await?;
        match payment.decline.filter(|_| !payment.status.is_open()) {
            Some(decline) => Err(Error::Declined(decline)),
            None => Ok(()),
        }
    }
}

/// What the shopper sends to pay the rest.
#[derive(Debug, Clone)]
pub struct Rest {
    pub order_id: Uuid,
    pub caller: Option<Uuid>,
    pub method: OptionId,
    /// What the storefront got from the payment provider.
    pub token: String,
    /// What the shopper was shown.
    pub expected_amount: Amount,
}

/// Pays what an order still owes. Runs to its end even if the client goes away meanwhile.
pub async fn pay(shop: &Shop, rest: Rest) -> Result<Details, Error> {
    let work = {
        let shop = shop.clone();
        async move { pay_to_end(&shop, &rest).await }
    };
    shop.run_to_end(work).await?
}

async fn pay_to_end(shop: &Shop, rest: &Rest) -> Result<Details, Error> {
    let details = super::get(shop, rest.order_id, rest.caller).await?;
    // Looked at before the plugin is asked, and again under the lock.
    require_shown(rest, payments::payable(&details.payments, &details.amounts))?;
    let order = details.order;
    let paying = Paying::choose(shop, rest.method.clone(), &question(&order, rest.expected_amount)?).await?;
    let (order, payment) = begin(shop, rest, &paying).await?;
    paying.take(shop, &order, &payment, &rest.token).await?;
    super::get_any(shop, order.id).await
}

/// Writes the attempt down under the order's lock: of two who pay the same rest, one is too late.
async fn begin(shop: &Shop, rest: &Rest, paying: &Paying) -> Result<(Order, Payment), Error> {
    let mut tx = shop.db().write().await?;
    let order = super::lock(&mut tx, rest.order_id).await?;
    payments::require_room(shop, &mut tx, order.id).await?;
    let payments = payments::of_order(&mut tx, order.id).await?;
    let balance = ledger::balance(&mut tx, order.id).await?;
    require_shown(rest, payments::payable(&payments, &balance))?;
    let new = NewPayment {
        order_id: order.id,
        purpose: Purpose::Rest,
        method: &paying.method,
        provider: &paying.provider,
        amount: rest.expected_amount,
        currency: &order.currency,
    };
    let payment = payments::begin(shop, &mut tx, &new).await?;
    tx.commit().await?;
    Ok((order, payment))
}

fn require_shown(rest: &Rest, payable: Amount) -> Result<(), Error> {
    if rest.expected_amount == payable { Ok(()) } else { Err(Error::StaleAmount { payable }) }
}

/// The ways to pay what an order still owes; none where it owes nothing.
pub async fn methods(shop: &Shop, details: &Details) -> Result<Vec<Method>, Error> {
    let payable = payments::payable(&details.payments, &details.amounts);
    if payable == 0 {
        return Ok(Vec::new());
    }
    let methods = payments::methods(shop, &question(&details.order, payable)?).await;
    methods.map_err(|error| Error::Payment(error.into()))
}

/// What payment plugins are asked for ways to pay `amount` of an order.
fn question(order: &Order, amount: Amount) -> Result<Question<'_>, Error> {
    Ok(Question {
        asker: None,
        currency: order.currency()?,
        amount,
        country: Some(order.address.country.clone()),
        locale: &order.locale,
    })
}
