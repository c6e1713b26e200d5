//! What a customer has bought.

use uuid::Uuid;

use super::store;
use crate::db::{self, Conn};

/// Whether an order of the customer with a variant of the product has been paid, and not been cancelled.
pub async fn has_paid_for(conn: &mut Conn, customer_id: Uuid, product_id: Uuid) -> db::Result<bool> {
    store::purchases::has_paid_for(conn, customer_id, product_id).await
}
