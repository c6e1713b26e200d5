//! The part of a refund that no payment gives: what gift cards and store credit get.

use super::{Error, Order, Refund, StateError, available};
use crate::db::Tx;
use crate::money::{self, Amount};
use crate::{payments, prepaid};

/// Where a refund goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Destination {
    /// To where it came from: payments first, then gift cards, then store credit.
    #[default]
    Original,
    /// All of it to the customer's store credit, whatever it was paid with.
    StoreCredit,
}

impl Destination {
    pub fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::StoreCredit => "store_credit",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Original, Self::StoreCredit].into_iter().find(|destination| destination.name() == name)
    }
}

/// Gives the accounts their part of a refund.
pub(super) async fn give(tx: &mut Tx, order: &Order, refund: &Refund) -> Result<(), Error> {
    if refund.prepaid == 0 {
        return Ok(());
    }
    let (reason, actor) = (&refund.reason, &refund.actor);
    let given = match refund.destination {
        Destination::Original => {
            let taken = prepaid::taken(tx, order.id).await?;
            prepaid::give_back(tx, order.id, &taken, refund.prepaid, reason, actor).await
        }
        Destination::StoreCredit => {
            let customer_id = order.customer_id.ok_or(Error::NoAccount)?;
            prepaid::grant(tx, order.id, customer_id, &order.currency, refund.prepaid, reason, actor).await
        }
    };
    Ok(given.map_err(StateError::from)?)
}

/// Gives the accounts back what they paid of an order that is called off; how much that is. Where a part of it all went back as
/// store credit before, the payments get the rest first, as in any refund.
pub(in crate::orders) async fn return_prepaid(tx: &mut Tx, order: &Order, cause: &str) -> Result<Amount, StateError> {
    let taken = prepaid::taken(tx, order.id).await?;
    if taken.is_empty() {
        return Ok(0);
    }
    let payments = payments::of_order(tx, order.id).await?;
    let available = available(tx, order.id, &payments, Destination::Original).await.map_err(StateError::of_refund)?;
    let all = money::sum(taken.iter().map(|taken| taken.amount)).map_err(prepaid::Error::from)?;
    let by_payments = money::sum(payments.iter().map(payments::refundable)).map_err(prepaid::Error::from)?;
    let amount = all.min((available - by_payments).max(0));
    prepaid::give_back(tx, order.id, &taken, amount, cause, "").await?;
    Ok(amount)
}
