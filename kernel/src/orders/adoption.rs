//! Orders of guests become a customer's, once the customer has proved that the address on them is theirs.

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::store;
use crate::accounts;
use crate::events::{self, Consumer, Event, HandleError};
use crate::{Shop, clock};

/// The consumer that does it, after an address was confirmed.
///
/// Not at each guest's checkout: a guest's order belongs to whoever knows its id, and must not vanish from the page that shows it.
pub struct Adoption;

impl Consumer for Adoption {
    fn name(&self) -> &'static str {
        "order-adoption"
    }

    fn handle<'a>(&'a self, shop: &'a Shop, event: &'a Event) -> BoxFuture<'a, Result<(), HandleError>> {
        Box::pin(async move {
            match confirmed_customer(event) {
                Some(customer_id) => adopt(shop, event, customer_id).await,
                None => Ok(()),
            }
        })
    }
}

fn confirmed_customer(event: &Event) -> Option<Uuid> {
    let fields = event.data.get("fields").filter(|_| event.kind == "user.updated")?;
    let confirmed = fields.as_array()?.iter().any(|field| field == "email_confirmed");
    if confirmed { event.subject.parse().ok() } else { None }
}

async fn adopt(shop: &Shop, event: &Event, customer_id: Uuid) -> Result<(), HandleError> {
    let customer = accounts::find_customer(shop, customer_id).await.map_err(|error| HandleError(error.to_string()))?;
    let Some(customer) = customer.filter(|customer| customer.email_confirmed_at.is_some()) else { return Ok(()) };
    let mut tx = shop.db().write().await?;
    if events::consume_once(&mut tx, "order-adoption", event.id, clock::now()).await? {
        store::guests::adopt(&mut tx, customer.id, &accounts::Email::key_of(&customer.email)).await?;
        tx.commit().await?;
    }
    Ok(())
}
