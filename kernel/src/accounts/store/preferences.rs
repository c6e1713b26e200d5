//! What customers chose and consented to.

use uuid::Uuid;

use crate::accounts::preferences::{ConsentChange, Preferences};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};

#[derive(FromRow)]
struct PreferencesRow {
    preferences: Option<Json<Preferences>>,
}

#[derive(FromRow)]
struct ConsentRow {
    id: Uuid,
    given: bool,
    source: String,
    at: Moment,
}

impl From<ConsentRow> for ConsentChange {
    fn from(row: ConsentRow) -> Self {
        Self { id: row.id, given: row.given, source: row.source, at: row.at }
    }
}

pub(in crate::accounts) async fn find(conn: &mut Conn, customer_id: Uuid) -> Result<Option<Preferences>> {
    let row = sql::optional!(conn, PreferencesRow, "select preferences from customers where id = $1", customer_id)?;
    Ok(row.and_then(|row| row.preferences).map(|preferences| preferences.0))
}

pub(in crate::accounts) async fn update(
    tx: &mut Tx,
    customer_id: Uuid,
    locale: &str,
    preferences: &Preferences,
    now: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "update customers set locale = $2, preferences = $3, updated_at = $4, version = version + 1 where id = $1",
        customer_id,
        locale,
        Json(preferences),
        now
    )?;
    Ok(())
}

pub(in crate::accounts) async fn latest_consent(
    conn: &mut Conn,
    customer_id: Uuid,
    kind: &str,
) -> Result<Option<ConsentChange>> {
    let row = sql::optional!(
        conn,
        ConsentRow,
        "select id, given, source, at from consents where customer_id = $1 and kind = $2 order by id desc limit 1",
        customer_id,
        kind
    )?;
    Ok(row.map(ConsentChange::from))
}

pub(in crate::accounts) async fn consent_changes(
    conn: &mut Conn,
    customer_id: Uuid,
    kind: &str,
    before: Uuid,
    limit: u32,
) -> Result<Vec<ConsentChange>> {
    let rows = sql::all!(
        conn,
        ConsentRow,
        "select id, given, source, at from consents where customer_id = $1 and kind = $2 and id < $3
         order by id desc limit $4",
        customer_id,
        kind,
        before,
        i64::from(limit)
    )?;
    Ok(rows.into_iter().map(ConsentChange::from).collect())
}

pub(in crate::accounts) async fn insert_consent(
    tx: &mut Tx,
    customer_id: Uuid,
    kind: &str,
    change: &ConsentChange,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into consents (id, customer_id, kind, given, source, at) values ($1, $2, $3, $4, $5, $6)",
        change.id,
        customer_id,
        kind,
        change.given,
        change.source.as_str(),
        change.at
    )?;
    Ok(())
}
