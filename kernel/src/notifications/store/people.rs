//! Messages, inboxes and devices of a person.

use serde::Serialize;
use uuid::Uuid;

use super::queue::Attributes;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};

/// A message to a person.
#[derive(FromRow, Serialize)]
pub(in crate::notifications) struct MessageRow {
    kind: String,
    channel: String,
    recipient_name: String,
    recipient: String,
    subject: String,
    #[serde(rename = "text")]
    body_text: String,
    attributes: Json<Attributes>,
    status: String,
    created_at: Moment,
    sent_at: Option<Moment>,
}

/// An item of an inbox.
#[derive(FromRow, Serialize)]
pub(in crate::notifications) struct InboxRow {
    kind: String,
    title: String,
    #[serde(rename = "text")]
    body: String,
    attributes: Json<Attributes>,
    created_at: Moment,
    read_at: Option<Moment>,
}

/// A device that takes push messages.
#[derive(FromRow, Serialize)]
pub(in crate::notifications) struct DeviceRow {
    platform: String,
    created_at: Moment,
}

/// The oldest first, without those that hold a secret. What guests were told at a proved address is the person's, too.
pub(in crate::notifications) async fn messages(
    conn: &mut Conn,
    customer_id: Option<Uuid>,
    proved_email_key: Option<&str>,
) -> Result<Vec<MessageRow>> {
    sql::all!(
        conn,
        MessageRow,
        "select kind, channel, recipient_name, recipient, subject, body_text, attributes, status, created_at, sent_at from messages
         where (customer_id = $1 or (customer_id is null and recipient_key = $2)) and not secret order by id",
        customer_id,
        proved_email_key
    )
}

pub(in crate::notifications) async fn inbox(conn: &mut Conn, customer_id: Option<Uuid>) -> Result<Vec<InboxRow>> {
    sql::all!(
        conn,
        InboxRow,
        "select kind, title, body, attributes, created_at, read_at from inbox_items where customer_id = $1 order by position",
        customer_id
    )
}

pub(in crate::notifications) async fn devices(conn: &mut Conn, customer_id: Option<Uuid>) -> Result<Vec<DeviceRow>> {
    sql::all!(
        conn,
        DeviceRow,
        "select platform, created_at from push_tokens where customer_id = $1 order by id",
        customer_id
    )
}

pub(in crate::notifications) async fn delete_of(tx: &mut Tx, customer_id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from messages where customer_id = $1", customer_id)?;
    sql::execute!(tx, "delete from inbox_items where customer_id = $1", customer_id)?;
    sql::execute!(tx, "delete from push_tokens where customer_id = $1", customer_id)?;
    Ok(())
}

/// What guests were told at this address: at most `limit`, and how many these were.
pub(in crate::notifications) async fn delete_to_guests(tx: &mut Tx, recipient_key: &str, limit: i64) -> Result<u64> {
    sql::execute!(
        tx,
        "delete from messages where id in
         (select id from messages where customer_id is null and recipient_key = $1 limit $2)",
        recipient_key,
        limit
    )
}

/// Also what staff were told about it: it may name the person.
pub(in crate::notifications) async fn delete_about(tx: &mut Tx, about: &str) -> Result<()> {
    sql::execute!(tx, "delete from messages where about = $1", about)?;
    sql::execute!(tx, "delete from inbox_items where about = $1", about)?;
    Ok(())
}
