//! Payments: a journal and one state machine.
//!
//! The attempt, with its idempotency key, is committed before the plugin is called. The answer of that call, the
//! provider's webhooks and the reconciling worker all end in [`settle`], which changes payment and order together
//! in one short transaction. What the call did when nobody heard its answer is found out by asking again under the
//! same key.
//!
//! The order's row is the lock of its money: whoever moves any takes it first ([`orders::lock`]), so that sums that are
//! read afterwards stay true until the commit.

mod announce;
mod books;
mod captures;
pub mod http;
mod privacy;
mod provider;
mod refunds;
mod settle;
mod state;
mod steps;
mod store;
mod worker;

use std::sync::Arc;

use serde::Deserialize;
use uuid::Uuid;

use crate::address::Address;
use crate::clock::{self, Moment};
use crate::db::{self, Conn, Tx};
use crate::money::Amount;
use crate::plugins::trial::Answers;
use crate::plugins::{CallError, OptionId, RegistryError, payment};
use crate::{Shop, id, ledger, orders};

pub use captures::{capture, release};
pub use privacy::export;
use provider::outcome_refused;
pub use provider::{Provider, Question, methods};
pub use refunds::{Progress, begin_refund, refund_done, refundable, refunding};
pub use settle::settle;
pub use state::{NOT_BEGUN, NOT_RECEIVED, Observed, Status};
pub use steps::{Journaled, Step, StepKind, begin_release, begin_release_of_paid, cancel, run_steps};
pub use worker::run;

/// `[payments]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PaymentsConfig {
    /// When money that is only reserved is taken.
    pub capture: CaptureMode,
    /// How many postings and steps of payments an order may have before staff can begin no more captures, refunds and
    /// corrections: its ledger and journal are read as a whole.
    pub max_movements: u32,
}

impl Default for PaymentsConfig {
    fn default() -> Self {
        Self { capture: CaptureMode::default(), max_movements: 1_000 }
    }
}

/// When money that is only reserved is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum CaptureMode {
    /// As soon as it is reserved; the order is paid then.
    #[default]
    AtOnce,
    /// When the merchant asks for it. The order counts as paid as soon as the money is reserved.
    ByHand,
}

/// A way to pay.
#[derive(Debug, Clone)]
pub struct Method {
    pub id: OptionId,
    pub label: String,
    pub attributes: Vec<(String, String)>,
}

/// What an attempt pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// What the shopper bought just now: where it fails, the order is given up and the cart is open again.
    Checkout,
    /// What an order owes that stays, whether this attempt succeeds or not.
    Rest,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Rest => "rest",
        }
    }
}

/// An attempt to pay an order.
#[derive(Debug, Clone)]
pub struct Payment {
    pub id: Uuid,
    pub order_id: Uuid,
    pub plugin: String,
    pub digest: String,
    /// The rollout during which it was begun, and which side began it.
    pub rollout: Option<(Uuid, Answers)>,
    pub method: String,
    pub purpose: Purpose,
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
    /// What was reserved, taken and given back, as the ledger has it.
    pub moved: ledger::Moved,
    /// In refunds that are under way.
    pub refunding: Amount,
}

impl Payment {
    /// What may still be taken for it without anybody asking again.
    fn under_way(&self) -> Amount {
        match self.status {
            Status::Authorized => self.moved.authorized,
            status if status.is_open() => self.amount - self.moved.captured,
            _ => 0,
        }
    }

    /// The status with what the ledger knows beyond it: `partially_captured`, `partially_refunded`, `refunded`.
    pub fn status_name(&self) -> &'static str {
        let moved = self.moved;
        match self.status {
            Status::Captured | Status::Authorized if moved.refunded > 0 && moved.refunded < moved.captured => {
                "partially_refunded"
            }
            Status::Captured if moved.refunded > 0 => "refunded",
            Status::Authorized if moved.captured > 0 => "partially_captured",
            status => status.name(),
        }
    }
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
    #[error("the payment plugin failed: {0}")]
    Call(#[from] CallError),
    #[error("the payment plugin cannot be loaded: {0}")]
    Plugin(#[from] RegistryError),
    #[error("the payment was changed at the same time, again and again")]
    Contended,
    #[error("more is asked for than the {available} that there is")]
    Exceeded { available: Amount },
    #[error("another step of the payment is under way")]
    Busy,
    /// `payments.max_movements`.
    #[error("the order has as many movements of money as it may have")]
    TooManyMovements,
    #[error("the provider refused the capture: {}", .0.code)]
    CaptureDeclined(Decline),
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    #[error(transparent)]
    OutOfRange(#[from] crate::money::OutOfRange),
    #[error(transparent)]
    Order(#[from] orders::StateError),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// What an attempt is made of.
pub struct NewPayment<'a> {
    pub order_id: Uuid,
    pub purpose: Purpose,
    pub method: &'a OptionId,
    pub provider: &'a Provider,
    pub amount: Amount,
    pub currency: &'a str,
}

/// Writes the attempt down, in the transaction that decides it. Money moves only after that has been committed.
pub async fn begin(shop: &Shop, tx: &mut Tx, new: &NewPayment<'_>) -> Result<Payment, db::Error> {
    let now = clock::now();
    let id = id::sequential();
    let payment = Payment {
        id,
        order_id: new.order_id,
        plugin: new.provider.bound.name().to_owned(),
        digest: new.provider.bound.digest().to_string(),
        rollout: new.provider.rollout(),
        method: new.method.code.clone(),
        purpose: new.purpose,
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
        moved: ledger::Moved::default(),
        refunding: 0,
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
    provider: &Provider,
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
    let answer = shop.plugins().host().authorize(&provider.bound, &request).await.map(|called| called.value);
    provider.tell(&answer, outcome_refused);
    let observed = match answer {
        Ok(outcome) => Observed::Outcome(outcome),
        Err(error) => {
            tracing::warn!(plugin = provider.bound.name(), payment = %payment.id, reason = error.code(), %error, "authorize failed");
            Observed::of_failed_authorize(&error)
        }
    };
    settle(shop, payment.id, &observed, "authorize").await
}

/// What can be paid now of what an order owes: another payment that is under way may bring its part yet.
pub fn payable(payments: &[Payment], balance: &ledger::Balance) -> Amount {
    payments.iter().fold(balance.outstanding, |rest, payment| rest - payment.under_way()).max(0)
}

/// Every attempt to pay an order, the newest last.
pub async fn of_order(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Payment>, db::Error> {
    let mut payments = Vec::new();
    for id in store::ids_of_order(conn, order_id).await? {
        payments.push(store::get_payment(conn, id).await?);
    }
    Ok(payments)
}

/// Refuses where the order has as many movements of money as it may have. For what people begin: what must happen anyway, as
/// a call-off gives everything back, is not held up.
pub async fn require_room(shop: &Shop, tx: &mut Tx, order_id: Uuid) -> Result<(), Error> {
    match store::count_movements(tx, order_id).await? < i64::from(shop.config().payments.max_movements) {
        true => Ok(()),
        false => Err(Error::TooManyMovements),
    }
}

/// Is a payment of the order under way?
pub async fn is_any_open(conn: &mut Conn, order_id: Uuid) -> Result<bool, db::Error> {
    store::is_any_open(conn, order_id).await
}

/// Does a payment of the order wait for the provider, the shopper, or the end of a capture? What it will bring is not known yet.
pub async fn is_undecided(conn: &mut Conn, order_id: Uuid) -> Result<bool, db::Error> {
    store::is_undecided(conn, order_id).await
}

/// Every step of the payments of an order, the oldest first.
pub async fn journal(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Journaled>, db::Error> {
    store::journal(conn, order_id).await
}

/// The payment, under the lock of its order: what it says stays true until the end of the transaction.
async fn lock(tx: &mut Tx, payment_id: Uuid) -> Result<(orders::Order, Payment), db::Error> {
    let order_id = store::order_of(tx, payment_id).await?;
    let order = orders::lock(tx, order_id).await?;
    Ok((order, store::get_payment(tx, payment_id).await?))
}
