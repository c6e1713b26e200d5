//! Asking a shopper by letter to pay what an order owes.
//!
//! The letter holds the order's id, which opens a guest's order: it goes to the address of the order and never through the outbox.

use super::{Details, Error, announce};
use crate::Shop;
use crate::notifications::direct::{self, Recipient};
use crate::payments;

/// Sends the letter. Refused where nothing is to be paid.
pub async fn send(shop: &Shop, details: &Details) -> Result<(), Error> {
    let payable = payments::payable(&details.payments, &details.amounts);
    if payable == 0 {
        return Err(Error::NothingToPay);
    }
    let order = &details.order;
    let recipient = Recipient {
        customer_id: order.customer_id,
        name: order.address.name.clone(),
        email: order.email.clone(),
        phone: String::new(),
        locale: order.locale.clone(),
    };
    let mut data = announce::data(order, &details.lines, &details.adjustments);
    data["payable"] = payable.into();
    data["url"] = match shop.config().shop.storefront_url.as_str() {
        "" => "".into(),
        base => format!("{base}/orders/{}/pay", order.id).into(),
    };
    let composed = direct::compose(shop, "order.payment-request", recipient, data).await;
    let composed = composed.map_err(|error| Error::LetterNotComposed(error.to_string()))?;
    let mut tx = shop.db().write().await?;
    direct::queue(&mut tx, &composed).await?;
    tx.commit().await?;
    shop.transports().wake();
    Ok(())
}
