//! Messages that wait to be sent, and what became of each try.

use uuid::Uuid;

use crate::accounts::Email;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};
use crate::id;

/// Names and values beyond the fixed fields, as plugins give them.
pub(in crate::notifications) type Attributes = Vec<(String, String)>;

/// A message that this worker has to itself until its claim runs out.
#[derive(Debug, Clone, FromRow)]
pub(in crate::notifications) struct Claimed {
    pub id: Uuid,
    pub kind: String,
    pub channel: String,
    pub recipient_name: String,
    pub recipient: String,
    pub subject: String,
    pub body_text: String,
    pub body_html: Option<String>,
    pub attributes: Json<Attributes>,
    /// Tries that were begun, this one included.
    pub attempts: i64,
    pub created_at: Moment,
}

/// A message as it is first kept.
pub(in crate::notifications) struct NewMessage<'a> {
    pub id: Uuid,
    pub event_id: Uuid,
    pub kind: &'a str,
    pub about: &'a str,
    pub plugin: &'a str,
    pub channel: &'a str,
    pub customer_id: Option<Uuid>,
    pub recipient_name: &'a str,
    pub recipient: &'a str,
    pub subject: &'a str,
    pub body_text: &'a str,
    pub body_html: Option<&'a str>,
    pub attributes: &'a Attributes,
    pub secret: bool,
    /// `queued`, or what it ends as at once.
    pub status: &'static str,
    pub reason: Option<&'a str>,
    pub created_at: Moment,
}

pub(in crate::notifications) async fn insert_message(tx: &mut Tx, message: &NewMessage<'_>) -> Result<()> {
    let sent_at = (message.status == "sent").then_some(message.created_at);
    sql::execute!(
        tx,
        "insert into messages (id, event_id, kind, about, plugin, channel, customer_id, recipient_name, recipient, subject,
             body_text, body_html, attributes, secret, status, attempts, last_error, next_attempt_at, created_at, sent_at,
             recipient_key)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, cast($12 as text), $13, $14, $15, 0, cast($16 as text), $17,
             $17, $18, $19)",
        message.id,
        message.event_id,
        message.kind,
        message.about,
        message.plugin,
        message.channel,
        message.customer_id,
        message.recipient_name,
        message.recipient,
        message.subject,
        message.body_text,
        message.body_html,
        Json(message.attributes),
        message.secret,
        message.status,
        message.reason,
        message.created_at,
        sent_at,
        Email::key_of(message.recipient)
    )?;
    Ok(())
}

/// Takes due messages of a channel, at most `limit`, which nobody else will look at until `until`. In the order of their making.
/// The condition stands twice for the reason that `events::store::claim_due` gives.
pub(in crate::notifications) async fn claim_due(
    tx: &mut Tx,
    channel: &str,
    now: Moment,
    until: Moment,
    limit: u32,
) -> Result<Vec<Claimed>> {
    let mut rows = sql::all!(
        tx,
        Claimed,
        "update messages set attempts = attempts + 1, next_attempt_at = $2
         where status = 'queued' and next_attempt_at <= $1 and id in (
             select id from messages where status = 'queued' and channel = $4 and next_attempt_at <= $1
             order by next_attempt_at, id limit $3
         )
         returning id, kind, channel, recipient_name, recipient, subject, body_text, body_html, attributes, attempts,
             created_at",
        now,
        until,
        i64::from(limit),
        channel
    )?;
    rows.sort_by_key(|row| (row.created_at, row.id));
    Ok(rows)
}

/// A message with a secret keeps what was written in it no longer than it must: until it ends. A plugin may have put the link anywhere.
pub(in crate::notifications) async fn mark_sent(tx: &mut Tx, id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update messages set status = 'sent', sent_at = $2, last_error = null,
             subject = case when secret then '' else subject end,
             body_text = case when secret then '' else body_text end,
             body_html = case when secret then null else body_html end,
             attributes = case when secret then '[]' else attributes end
         where id = $1",
        id,
        now
    )?;
    Ok(())
}

/// `attempts` is the claim's: where it ran out and another worker has the message now, nothing changes.
pub(in crate::notifications) async fn retry_at(
    tx: &mut Tx,
    id: Uuid,
    attempts: i64,
    error: &str,
    next: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "update messages set next_attempt_at = $4, last_error = $3
         where id = $1 and attempts = $2 and status = 'queued'",
        id,
        attempts,
        error,
        next
    )?;
    Ok(())
}

/// As [`retry_at`], but for good; false where another worker has it now.
pub(in crate::notifications) async fn mark_dead(tx: &mut Tx, id: Uuid, attempts: i64, error: &str) -> Result<bool> {
    let rows = sql::execute!(
        tx,
        "update messages set status = 'dead', last_error = $3,
             subject = case when secret then '' else subject end,
             body_text = case when secret then '' else body_text end,
             body_html = case when secret then null else body_html end,
             attributes = case when secret then '[]' else attributes end
         where id = $1 and attempts = $2 and status = 'queued'",
        id,
        attempts,
        error
    )?;
    Ok(rows == 1)
}

/// One try; `failure` is its code and all that is known, none where the message was taken. Nothing where the message is gone: whom it
/// was for was forgotten while it was being sent.
pub(in crate::notifications) async fn insert_attempt(
    tx: &mut Tx,
    message_id: Uuid,
    at: Moment,
    failure: Option<(&str, &str)>,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into message_attempts (id, message_id, at, code, detail)
         select $1, id, $3, cast($4 as text), cast($5 as text) from messages where id = $2",
        id::sequential(),
        message_id,
        at,
        failure.map(|(code, _)| code),
        failure.map(|(_, detail)| detail)
    )?;
    Ok(())
}

/// Deletes at most `limit` messages that ended and were made before `before`, and tells how many.
pub(in crate::notifications) async fn forget_messages(conn: &mut Conn, before: Moment, limit: u32) -> Result<u64> {
    sql::execute!(
        conn,
        "delete from messages where id in (
             select id from messages where created_at < $1 and status <> 'queued' limit $2
         )",
        before,
        i64::from(limit)
    )
}

/// What tests ask of a message.
#[cfg(test)]
#[derive(Debug, FromRow)]
pub(in crate::notifications) struct State {
    pub id: Uuid,
    pub channel: String,
    pub status: String,
    pub attempts: i64,
    pub last_error: Option<String>,
}

#[cfg(test)]
pub(in crate::notifications) async fn attributes_of(conn: &mut Conn, id: Uuid) -> Result<Attributes> {
    let (Json(attributes),) =
        sql::one!(conn, (Json<Attributes>,), "select attributes from messages where id = $1", id)?;
    Ok(attributes)
}

#[cfg(test)]
pub(in crate::notifications) async fn delete_one(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from messages where id = $1", id)?;
    Ok(())
}

#[cfg(test)]
pub(in crate::notifications) async fn states(conn: &mut Conn) -> Result<Vec<State>> {
    sql::all!(conn, State, "select id, channel, status, attempts, last_error from messages order by id")
}
