//! All the SQL of returns.

use uuid::Uuid;

use super::{Event, Reason, Return, ReturnLine, Status};
use crate::clock::Moment;
use crate::db::{Built, Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct ReturnRow {
    id: Uuid,
    order_id: Uuid,
    number: i64,
    status: String,
    refund_id: Option<Uuid>,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

impl From<ReturnRow> for Return {
    fn from(row: ReturnRow) -> Self {
        Self {
            id: row.id,
            order_id: row.order_id,
            number: row.number,
            // The column's own check allows nothing else; a closed one is the reading that does least.
            status: Status::parse(&row.status).unwrap_or(Status::Closed),
            refund_id: row.refund_id,
            lines: Vec::new(),
            history: Vec::new(),
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) async fn insert_return(tx: &mut Tx, wanted: &Return) -> Result<()> {
    sql::execute!(
        tx,
        "insert into returns (id, order_id, number, status, version, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $6)",
        wanted.id,
        wanted.order_id,
        wanted.number,
        wanted.status.name(),
        wanted.version,
        wanted.created_at
    )?;
    for line in &wanted.lines {
        sql::execute!(
            tx,
            "insert into return_lines (return_id, line_position, quantity, reason, note, received, restocked)
             values ($1, $2, $3, $4, $5, 0, 0)",
            wanted.id,
            i64::from(line.line),
            i64::from(line.quantity),
            line.reason.name(),
            line.note.as_str()
        )?;
    }
    Ok(())
}

/// Writes the return unless it changed since its version was read.
pub(super) async fn update_return(tx: &mut Tx, wanted: &Return, now: Moment) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update returns set status = $3, refund_id = $4, updated_at = $5, version = version + 1
         where id = $1 and version = $2",
        wanted.id,
        wanted.version,
        wanted.status.name(),
        wanted.refund_id,
        now
    )?;
    Ok(changed == 1)
}

pub(super) async fn update_line(tx: &mut Tx, id: Uuid, line: &ReturnLine) -> Result<()> {
    sql::execute!(
        tx,
        "update return_lines set received = $3, restocked = $4 where return_id = $1 and line_position = $2",
        id,
        i64::from(line.line),
        i64::from(line.received),
        i64::from(line.restocked)
    )?;
    Ok(())
}

pub(super) async fn insert_history(tx: &mut Tx, id: Uuid, position: i64, event: &Event) -> Result<()> {
    sql::execute!(
        tx,
        "insert into return_history (return_id, position, at, status, cause, actor) values ($1, $2, $3, $4, $5, $6)",
        id,
        position,
        event.at,
        event.status.as_str(),
        event.cause.as_str(),
        event.actor.as_str()
    )?;
    Ok(())
}

/// Without what the shopper wrote, and without why staff rejected or refunded; which they are.
pub(super) async fn forget(tx: &mut Tx, order_id: Uuid) -> Result<Vec<Uuid>> {
    sql::execute!(
        tx,
        "update return_lines set note = '' where return_id in (select id from returns where order_id = $1)",
        order_id
    )?;
    sql::execute!(
        tx,
        "update return_history set cause = ''
         where status in ('rejected', 'refunded') and return_id in (select id from returns where order_id = $1)",
        order_id
    )?;
    let rows = sql::all!(tx, (Uuid,), "select id from returns where order_id = $1 order by id", order_id)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(super) async fn find_return(conn: &mut Conn, id: Uuid) -> Result<Option<Return>> {
    let found = sql::optional!(conn, (Uuid,), "select order_id from returns where id = $1", id)?;
    let Some((order_id,)) = found else { return Ok(None) };
    Ok(returns_of(conn, order_id).await?.into_iter().find(|wanted| wanted.id == id))
}

#[derive(FromRow)]
struct LineRow {
    return_id: Uuid,
    line_position: i64,
    quantity: i64,
    reason: String,
    note: String,
    received: i64,
    restocked: i64,
}

#[derive(FromRow)]
struct HistoryRow {
    return_id: Uuid,
    at: Moment,
    status: String,
    cause: String,
    actor: String,
}

/// Whole, in their order.
pub(super) async fn returns_of(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Return>> {
    let rows = sql::all!(
        conn,
        ReturnRow,
        "select id, order_id, number, status, refund_id, version, created_at, updated_at
         from returns where order_id = $1 order by number",
        order_id
    )?;
    let mut returns: Vec<_> = rows.into_iter().map(Return::from).collect();
    if returns.is_empty() {
        return Ok(returns);
    }
    let lines = sql::all!(
        conn,
        LineRow,
        "select l.return_id, l.line_position, l.quantity, l.reason, l.note, l.received, l.restocked
         from returns r join return_lines l on l.return_id = r.id where r.order_id = $1 order by l.line_position",
        order_id
    )?;
    let history = sql::all!(
        conn,
        HistoryRow,
        "select h.return_id, h.at, h.status, h.cause, h.actor
         from returns r join return_history h on h.return_id = r.id where r.order_id = $1 order by h.position",
        order_id
    )?;
    for row in lines {
        if let Some(wanted) = returns.iter_mut().find(|wanted| wanted.id == row.return_id) {
            wanted.lines.push(ReturnLine {
                line: small(row.line_position),
                quantity: small(row.quantity),
                reason: Reason::parse(&row.reason),
                note: row.note,
                received: small(row.received),
                restocked: small(row.restocked),
            });
        }
    }
    for row in history {
        if let Some(wanted) = returns.iter_mut().find(|wanted| wanted.id == row.return_id) {
            wanted.history.push(Event { at: row.at, status: row.status, cause: row.cause, actor: row.actor });
        }
    }
    Ok(returns)
}

pub(super) async fn received(conn: &mut Conn, order_id: Uuid) -> Result<Vec<(u32, u32)>> {
    let rows = sql::all!(
        conn,
        (i64, i64),
        "select l.line_position, cast(sum(l.received) as bigint)
         from returns r join return_lines l on l.return_id = r.id where r.order_id = $1 group by l.line_position",
        order_id
    )?;
    Ok(rows.into_iter().map(|(line, received)| (small(line), small(received))).collect())
}

pub(super) async fn list(conn: &mut Conn, status: Option<Status>, before: Uuid, limit: i64) -> Result<Vec<Return>> {
    let mut built = Built::new(
        "select id, order_id, number, status, refund_id, version, created_at, updated_at from returns where id < ",
    );
    built.bind(before);
    if let Some(status) = status {
        built.push(" and status = ").bind(status.name());
    }
    built.push(" order by id desc limit ").bind(limit);
    Ok(built.all::<ReturnRow>(conn).await?.into_iter().map(Return::from).collect())
}

/// Positions and quantities are 32 bits in the API, and 64 in the database.
fn small(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or(u32::MAX)
}
