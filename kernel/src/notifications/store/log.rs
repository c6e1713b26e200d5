//! The delivery log.

use uuid::Uuid;

use super::queue::Attributes;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};
use crate::notifications::log::{Attempt, Filter, Logged};

#[derive(FromRow)]
struct LoggedRow {
    id: Uuid,
    kind: String,
    about: String,
    plugin: String,
    channel: String,
    customer_id: Option<Uuid>,
    recipient_name: String,
    recipient: String,
    subject: String,
    secret: bool,
    status: String,
    attempts: i64,
    last_error: Option<String>,
    next_attempt_at: Moment,
    created_at: Moment,
    sent_at: Option<Moment>,
    resend_of: Option<Uuid>,
}

impl From<LoggedRow> for Logged {
    fn from(row: LoggedRow) -> Self {
        let next_attempt_at = (row.status == "queued").then_some(row.next_attempt_at);
        Self {
            id: row.id,
            kind: row.kind,
            about: row.about,
            plugin: row.plugin,
            channel: row.channel,
            customer_id: row.customer_id,
            recipient_name: row.recipient_name,
            recipient: row.recipient,
            subject: row.subject,
            secret: row.secret,
            status: row.status,
            attempts: row.attempts,
            last_error: row.last_error,
            next_attempt_at,
            created_at: row.created_at,
            sent_at: row.sent_at,
            resend_of: row.resend_of,
        }
    }
}

/// Messages before `before`, the newest first. One statement for each index that can serve it: what else is asked is
/// sieved from the rows of that index.
pub(in crate::notifications) async fn messages_before(
    conn: &mut Conn,
    filter: &Filter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Logged>> {
    let before = before.unwrap_or(Uuid::max());
    let Filter { status, channel, kind, about, recipient } = filter;
    let (status, channel) = (status.as_deref(), channel.as_deref());
    let (kind, recipient) = (kind.as_deref(), recipient.as_deref());
    let rows = if let Some(about) = about {
        sql::all!(
            conn,
            LoggedRow,
            "select id, kind, about, plugin, channel, customer_id, recipient_name, recipient, subject, secret, status, attempts,
                 last_error, next_attempt_at, created_at, sent_at, resend_of
             from messages where about = $1 and id < $2
                 and (cast($4 as text) is null or status = $4) and (cast($5 as text) is null or channel = $5)
                 and (cast($6 as text) is null or kind = $6) and (cast($7 as text) is null or recipient = $7)
             order by id desc limit $3",
            about.as_str(),
            before,
            limit,
            status,
            channel,
            kind,
            recipient
        )
    } else if let Some(recipient) = recipient {
        sql::all!(
            conn,
            LoggedRow,
            "select id, kind, about, plugin, channel, customer_id, recipient_name, recipient, subject, secret, status, attempts,
                 last_error, next_attempt_at, created_at, sent_at, resend_of
             from messages where recipient = $1 and id < $2
                 and (cast($4 as text) is null or status = $4) and (cast($5 as text) is null or channel = $5)
                 and (cast($6 as text) is null or kind = $6)
             order by id desc limit $3",
            recipient,
            before,
            limit,
            status,
            channel,
            kind
        )
    } else if let Some(status) = status {
        sql::all!(
            conn,
            LoggedRow,
            "select id, kind, about, plugin, channel, customer_id, recipient_name, recipient, subject, secret, status, attempts,
                 last_error, next_attempt_at, created_at, sent_at, resend_of
             from messages where status = $1 and id < $2
                 and (cast($4 as text) is null or channel = $4) and (cast($5 as text) is null or kind = $5)
             order by id desc limit $3",
            status,
            before,
            limit,
            channel,
            kind
        )
    } else {
        sql::all!(
            conn,
            LoggedRow,
            "select id, kind, about, plugin, channel, customer_id, recipient_name, recipient, subject, secret, status, attempts,
                 last_error, next_attempt_at, created_at, sent_at, resend_of
             from messages where id < $1
                 and (cast($3 as text) is null or channel = $3) and (cast($4 as text) is null or kind = $4)
             order by id desc limit $2",
            before,
            limit,
            channel,
            kind
        )
    };
    Ok(rows?.into_iter().map(Logged::from).collect())
}

pub(in crate::notifications) async fn find_message(conn: &mut Conn, id: Uuid) -> Result<Option<Logged>> {
    let row = sql::optional!(
        conn,
        LoggedRow,
        "select id, kind, about, plugin, channel, customer_id, recipient_name, recipient, subject, secret, status, attempts,
             last_error, next_attempt_at, created_at, sent_at, resend_of
         from messages where id = $1",
        id
    )?;
    Ok(row.map(Logged::from))
}

/// Text and HTML of a message.
pub(in crate::notifications) async fn body(conn: &mut Conn, id: Uuid) -> Result<(String, Option<String>)> {
    sql::one!(conn, (String, Option<String>), "select body_text, body_html from messages where id = $1", id)
}

pub(in crate::notifications) async fn attempts_of(conn: &mut Conn, message_id: Uuid) -> Result<Vec<Attempt>> {
    let rows = sql::all!(
        conn,
        (Moment, Option<String>, Option<String>),
        "select at, code, detail from message_attempts where message_id = $1 order by id",
        message_id
    )?;
    Ok(rows.into_iter().map(|(at, code, detail)| Attempt { at, code, detail }).collect())
}

/// Queues the message once more under another id; none where it may not be: it has not ended, it holds a secret, or it is an
/// item of an inbox, which is there already.
pub(in crate::notifications) async fn repeat(tx: &mut Tx, id: Uuid, new_id: Uuid, now: Moment) -> Result<bool> {
    let rows = sql::execute!(
        tx,
        "insert into messages (id, event_id, kind, about, plugin, channel, customer_id, recipient_name, recipient, subject,
             body_text, body_html, attributes, secret, status, attempts, next_attempt_at, created_at, resend_of, recipient_key)
         select $2, event_id, kind, about, plugin, channel, customer_id, recipient_name, recipient, subject,
             body_text, body_html, attributes, secret, 'queued', 0, $3, $3, id, recipient_key
         from messages
         where id = $1 and status in ('sent', 'dead') and not secret and channel in ('email', 'sms', 'push')",
        id,
        new_id,
        now
    )?;
    Ok(rows == 1)
}

/// Queues dead messages again, the oldest first, at most `limit`; tells how many. Those with a secret have lost their text, and
/// what no transport serves would only die again.
pub(in crate::notifications) async fn revive(
    tx: &mut Tx,
    channel: Option<&str>,
    kind: Option<&str>,
    now: Moment,
    limit: i64,
) -> Result<u64> {
    sql::execute!(
        tx,
        "update messages set status = 'queued', attempts = 0, next_attempt_at = $3
         where status = 'dead' and id in (
             select id from messages where status = 'dead' and not secret and channel in ('email', 'sms', 'push')
                 and (cast($1 as text) is null or channel = $1) and (cast($2 as text) is null or kind = $2)
             order by id limit $4
         )",
        channel,
        kind,
        now,
        limit
    )
}

/// Names and values that a plugin gave with the message.
pub(in crate::notifications) async fn attributes(conn: &mut Conn, id: Uuid) -> Result<Attributes> {
    let (attributes,) = sql::one!(conn, (Json<Attributes>,), "select attributes from messages where id = $1", id)?;
    Ok(attributes.0)
}
