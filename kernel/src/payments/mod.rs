//! Payments: a journal and one state machine.
//!
//! The attempt, with its idempotency key, is committed before the plugin is called. The answer of that call, the
//! provider's webhooks and the reconciling worker all end in [`settle`], which changes payment and order together
//! in one short transaction, guarded by the payment's version. What the call did when nobody heard its answer is
//! found out by asking again under the same key.

pub mod http;
mod state;
mod steps;
mod store;
mod worker;

use std::sync::Arc;

use uuid::Uuid;

use crate::address::Address;
use crate::clock::{self, Moment};
use crate::db::{self, Conn, Tx};
use crate::money::{Amount, Currency};
use crate::plugins::{Bound, CallError, Domain, OptionId, RegistryError, payment};
use crate::{Shop, id};

pub use state::{NOT_BEGUN, NOT_RECEIVED, Observed, Status, settle};
pub use steps::{StepKind, begin_refund, cancel, refund};
pub use worker::run;

/// A way to pay.
#[derive(Debug, Clone)]
pub struct Method {
    pub id: OptionId,
    pub label: String,
    pub attributes: Vec<(String, String)>,
}

/// An attempt to pay an order.
#[derive(Debug, Clone)]
pub struct Payment {
    pub id: Uuid,
    pub order_id: Uuid,
    pub plugin: String,
    pub digest: String,
    pub method: String,
    pub idempotency_key: String,
    pub status: Status,
    pub currency: String,
    pub amount: Amount,
    /// The provider's name of it.
    pub reference: String,
    /// What the shopper must do.
    pub action: Option<Action>,
    pub decline: Option<Decline>,
    pub version: i64,
    /// How often the worker has asked the provider.
    pub checks: i64,
    pub created_at: Moment,
}

/// What the shopper must do before the payment goes on.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Action {
    /// `redirect`: open `url`.
    pub kind: String,
    pub url: String,
    /// What the storefront needs beside it.
    pub attributes: Vec<(String, String)>,
}

/// Why a payment was refused.
#[derive(Debug, Clone)]
pub struct Decline {
    pub code: String,
    pub message: String,
}

/// Why a payment cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such payment method")]
    UnknownMethod,
    #[error("the payment plugin failed: {0}")]
    Call(#[from] CallError),
    #[error("the payment plugin cannot be loaded: {0}")]
    Plugin(#[from] RegistryError),
    #[error("the payment was changed at the same time, again and again")]
    Contended,
    #[error(transparent)]
    Order(#[from] crate::orders::StateError),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// What an attempt is made of.
pub struct NewPayment<'a> {
    pub order_id: Uuid,
    pub method: &'a OptionId,
    pub bound: &'a Bound,
    pub amount: Amount,
    pub currency: &'a str,
}

/// The ways to pay that the payment plugins offer.
pub async fn methods(
    shop: &Shop,
    currency: Currency,
    amount: Amount,
    country: Option<String>,
    locale: &str,
) -> Result<Vec<Method>, CallError> {
    let mut methods = Vec::new();
    for bound in shop.plugins().routing().of(Domain::Payment).bound.iter() {
        methods.extend(methods_of(shop, bound, currency, amount, country.clone(), locale).await?);
    }
    Ok(methods)
}

/// The ways to pay that one plugin offers.
pub async fn methods_of(
    shop: &Shop,
    bound: &Arc<Bound>,
    currency: Currency,
    amount: Amount,
    country: Option<String>,
    locale: &str,
) -> Result<Vec<Method>, CallError> {
    let context = Arc::new(payment::Context {
        currency: currency.code().to_owned(),
        amount,
        country,
        locale: locale.to_owned(),
        now: clock::unix_seconds(clock::now()),
    });
    let offered = shop.plugins().host().payment_methods(bound, &context).await?.value;
    let method = |method: payment::Method| Method {
        id: OptionId { plugin: bound.name().to_owned(), code: method.code },
        label: method.label,
        attributes: method.attributes,
    };
    Ok(offered.into_iter().map(method).collect())
}

/// Writes the attempt down, in the transaction that makes the order. Money moves only after that has been committed.
pub async fn begin(shop: &Shop, tx: &mut Tx, new: &NewPayment<'_>) -> Result<Payment, db::Error> {
    let now = clock::now();
    let id = id::sequential();
    let payment = Payment {
        id,
        order_id: new.order_id,
        plugin: new.bound.name().to_owned(),
        digest: new.bound.digest().to_string(),
        method: new.method.code.clone(),
        idempotency_key: format!("pay-{id}"),
        status: Status::Pending,
        currency: new.currency.to_owned(),
        amount: new.amount,
        reference: String::new(),
        action: None,
        decline: None,
        version: 1,
        checks: 0,
        created_at: now,
    };
    store::insert_payment(tx, &payment, now + worker::first_check(shop)).await?;
    store::insert_step(tx, &steps::Step::authorize(&payment, now)).await?;
    Ok(payment)
}

/// What a provider is told about the shopper.
pub struct Shopper<'a> {
    pub order_number: i64,
    pub token: &'a str,
    pub email: &'a str,
    pub billing_address: Option<&'a Address>,
    pub locale: &'a str,
}

/// Asks the plugin to take the money, and settles what it answers. The attempt must have been committed.
pub async fn authorize(
    shop: &Shop,
    bound: &Arc<Bound>,
    payment: &Payment,
    shopper: &Shopper<'_>,
) -> Result<Payment, Error> {
    let request = Arc::new(payment::AuthorizeRequest {
        idempotency_key: payment.idempotency_key.clone(),
        order_number: shopper.order_number.to_string(),
        currency: payment.currency.clone(),
        amount: payment.amount,
        method: payment.method.clone(),
        token: shopper.token.to_owned(),
        email: shopper.email.to_owned(),
        billing_address: shopper.billing_address.map(Address::to_contract),
        locale: shopper.locale.to_owned(),
        now: clock::unix_seconds(clock::now()),
        attributes: Vec::new(),
    });
    let observed = match shop.plugins().host().authorize(bound, &request).await {
        Ok(called) => Observed::Outcome(called.value),
        Err(error) => {
            tracing::warn!(plugin = bound.name(), payment = %payment.id, reason = error.code(), %error, "authorize failed");
            Observed::of_failed_authorize(&error)
        }
    };
    settle(shop, payment.id, &observed, "authorize").await
}

/// The latest attempt to pay an order.
pub async fn find_by_order(conn: &mut Conn, order_id: Uuid) -> Result<Option<Payment>, db::Error> {
    store::find_by_order(conn, order_id).await
}

/// The plugin that began `payment`, in the version that is bound now: a newer one may mend what the older one could not.
async fn bound_for(shop: &Shop, payment: &Payment) -> Result<Arc<Bound>, Error> {
    Ok(shop.plugins().find_bound(Domain::Payment, &payment.plugin).await?)
}
