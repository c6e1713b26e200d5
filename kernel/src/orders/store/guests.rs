//! Orders of those who had no account.

use uuid::Uuid;

use crate::db::{Result, Tx, sql};

/// Orders that guests placed with this address, in whatever case it was typed, become the customer's.
pub(in crate::orders) async fn adopt(tx: &mut Tx, customer_id: Uuid, email_key: &str) -> Result<()> {
    sql::execute!(
        tx,
        "update orders set customer_id = $1 where customer_id is null and email_key = $2",
        customer_id,
        email_key
    )?;
    Ok(())
}
