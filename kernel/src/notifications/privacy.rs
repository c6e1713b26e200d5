//! What notifications have of a person: told, and forgotten.

use serde_json::{Value, json};
use uuid::Uuid;

use super::store::people as rows;
use crate::accounts::Person;
use crate::db::{self, Conn, Tx};

/// Messages to the person that are still kept, and their inbox.
pub async fn export_person(conn: &mut Conn, person: &Person) -> db::Result<Value> {
    let messages = rows::messages(conn, person.customer_id, person.proved_email_key.as_deref()).await?;
    let inbox = rows::inbox(conn, person.customer_id).await?;
    Ok(json!({ "messages": messages, "inbox": inbox, "devices": rows::devices(conn, person.customer_id).await? }))
}

/// Forgets what was said to the customer, and their devices. What waits to be sent is not sent.
pub async fn forget_person(tx: &mut Tx, customer_id: Uuid) -> db::Result<()> {
    rows::delete_of(tx, customer_id).await
}

/// Forgets what guests were told at this address, at most `limit` messages; tells how many these were.
pub async fn forget_guests(tx: &mut Tx, email_key: &str, limit: i64) -> db::Result<u64> {
    rows::delete_to_guests(tx, email_key, limit).await
}

/// Forgets what was said about this, to whomever.
pub async fn forget_subject(tx: &mut Tx, subject: &str) -> db::Result<()> {
    rows::delete_about(tx, subject).await
}
