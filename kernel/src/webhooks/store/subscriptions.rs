//! Webhooks themselves.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::webhooks::Webhook;

/// Where the messages of a webhook go, and what they are signed with.
#[derive(Debug, Clone, FromRow)]
pub(in crate::webhooks) struct Destination {
    pub id: Uuid,
    pub url: String,
    pub salt: Uuid,
    pub former_salt: Option<Uuid>,
    pub former_until: Option<Moment>,
}

#[derive(FromRow)]
struct WebhookRow {
    id: Uuid,
    url: String,
    description: String,
    kinds: String,
    enabled: bool,
    disabled_reason: Option<String>,
    former_until: Option<Moment>,
    failing_since: Option<Moment>,
    created_at: Moment,
    updated_at: Moment,
}

impl From<WebhookRow> for Webhook {
    fn from(row: WebhookRow) -> Self {
        Self {
            id: row.id,
            url: row.url,
            description: row.description,
            kinds: row.kinds.split_whitespace().map(str::to_owned).collect(),
            enabled: row.enabled,
            disabled_reason: row.disabled_reason,
            failing_since: row.failing_since,
            former_secret_until: row.former_until,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// False where there are `most` already. The limit is against accidents: two that are made in the same moment may both fit.
pub(in crate::webhooks) async fn insert_below(tx: &mut Tx, webhook: &Webhook, salt: Uuid, most: u32) -> Result<bool> {
    let rows = sql::execute!(
        tx,
        "insert into webhooks (id, url, description, kinds, enabled, salt, created_at, updated_at)
         select $1, $2, $3, $4, $5, $6, $7, $7 where (select count(*) from webhooks) < $8",
        webhook.id,
        webhook.url.as_str(),
        webhook.description.as_str(),
        webhook.kinds.join(" "),
        webhook.enabled,
        salt,
        webhook.created_at,
        i64::from(most)
    )?;
    Ok(rows == 1)
}

pub(in crate::webhooks) async fn list(conn: &mut Conn, after: Uuid, limit: i64) -> Result<Vec<Webhook>> {
    let rows = sql::all!(
        conn,
        WebhookRow,
        "select id, url, description, kinds, enabled, disabled_reason, former_until, failing_since, created_at, updated_at
         from webhooks where id > $1 order by id limit $2",
        after,
        limit
    )?;
    Ok(rows.into_iter().map(Webhook::from).collect())
}

pub(in crate::webhooks) async fn find(conn: &mut Conn, id: Uuid) -> Result<Option<Webhook>> {
    let row = sql::optional!(
        conn,
        WebhookRow,
        "select id, url, description, kinds, enabled, disabled_reason, former_until, failing_since, created_at, updated_at
         from webhooks where id = $1",
        id
    )?;
    Ok(row.map(Webhook::from))
}

/// Ids and kinds of those that are on.
pub(in crate::webhooks) async fn enabled(conn: &mut Conn) -> Result<Vec<(Uuid, String)>> {
    sql::all!(conn, (Uuid, String), "select id, kinds from webhooks where enabled order by id")
}

/// Another URL has not failed yet.
pub(in crate::webhooks) async fn update(
    tx: &mut Tx,
    id: Uuid,
    url: Option<&str>,
    description: Option<&str>,
    kinds: Option<&str>,
    now: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "update webhooks set url = coalesce(cast($2 as text), url), description = coalesce(cast($3 as text), description),
             kinds = coalesce(cast($4 as text), kinds), updated_at = $5,
             failing_since = case when cast($2 as text) is null then failing_since else null end
         where id = $1",
        id,
        url,
        description,
        kinds,
        now
    )?;
    Ok(())
}

pub(in crate::webhooks) async fn enable(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(
        tx,
        "update webhooks set enabled = true, disabled_reason = null, failing_since = null
         where id = $1 and not enabled",
        id
    )?;
    Ok(())
}

/// False where it was off.
pub(in crate::webhooks) async fn disable(tx: &mut Tx, id: Uuid, reason: &str, now: Moment) -> Result<bool> {
    let rows = sql::execute!(
        tx,
        "update webhooks set enabled = false, disabled_reason = $2, updated_at = $3 where id = $1 and enabled",
        id,
        reason,
        now
    )?;
    Ok(rows == 1)
}

/// Taken before any of its messages: deleting a webhook takes them in this order, and two who wait for each other would fail. Its URL; none
/// where it is gone, and its messages with it.
pub(in crate::webhooks) async fn lock(tx: &mut Tx, id: Uuid) -> Result<Option<String>> {
    let row = sql::optional!(tx, (String,), "update webhooks set enabled = enabled where id = $1 returning url", id)?;
    Ok(row.map(|(url,)| url))
}

/// As [`lock`]; none also where it is off.
pub(in crate::webhooks) async fn lock_destination(tx: &mut Tx, id: Uuid) -> Result<Option<Destination>> {
    sql::optional!(
        tx,
        Destination,
        "update webhooks set enabled = enabled where id = $1 and enabled
         returning id, url, salt, former_salt, former_until",
        id
    )
}

pub(in crate::webhooks) async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool> {
    Ok(sql::execute!(tx, "delete from webhooks where id = $1", id)? == 1)
}

/// `until` is none where the secret that was good is good no more.
pub(in crate::webhooks) async fn rotate(
    tx: &mut Tx,
    id: Uuid,
    salt: Uuid,
    until: Option<Moment>,
    now: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "update webhooks set former_salt = salt, former_until = $3, salt = $2, updated_at = $4 where id = $1",
        id,
        salt,
        until,
        now
    )?;
    Ok(())
}

/// Those that are on and have something due.
pub(in crate::webhooks) async fn due(conn: &mut Conn, now: Moment) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        conn,
        (Uuid,),
        "select id from webhooks
         where enabled and exists (
             select 1 from webhook_messages where webhook_id = webhooks.id and status = 'queued' and next_attempt_at <= $1
         )
         order by id",
        now
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(in crate::webhooks) async fn mark_alive(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "update webhooks set failing_since = null where id = $1 and failing_since is not null", id)?;
    Ok(())
}

pub(in crate::webhooks) async fn mark_failing(tx: &mut Tx, id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(tx, "update webhooks set failing_since = $2 where id = $1 and failing_since is null", id, now)?;
    Ok(())
}

pub(in crate::webhooks) async fn fails_since_before(conn: &mut Conn, id: Uuid, before: Moment) -> Result<bool> {
    let row =
        sql::optional!(conn, (Uuid,), "select id from webhooks where id = $1 and failing_since < $2", id, before)?;
    Ok(row.is_some())
}
