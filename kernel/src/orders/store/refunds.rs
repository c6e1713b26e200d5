//! Refunds and what they are made of.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::orders::quantity_of;
use crate::orders::refunds::{Destination, Refund, RefundLine, RefundStatus, RefundedPieces};

#[derive(FromRow)]
struct RefundRow {
    id: Uuid,
    order_id: Uuid,
    amount: i64,
    delivery: i64,
    prepaid: i64,
    destination: String,
    reason: String,
    actor: String,
    status: String,
    code: String,
    created_at: Moment,
    updated_at: Moment,
}

impl RefundRow {
    fn with(self, lines: Vec<RefundLine>) -> Refund {
        Refund {
            id: self.id,
            order_id: self.order_id,
            amount: self.amount,
            delivery: self.delivery,
            prepaid: self.prepaid,
            destination: Destination::parse(&self.destination).unwrap_or_default(),
            lines,
            reason: self.reason,
            actor: self.actor,
            // The column's own check allows nothing else; a pending refund is the reading that promises nothing.
            status: RefundStatus::parse(&self.status).unwrap_or(RefundStatus::Pending),
            code: self.code,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

pub(in crate::orders) async fn insert_refund(tx: &mut Tx, refund: &Refund) -> Result<()> {
    sql::execute!(
        tx,
        "insert into refunds (id, order_id, amount, delivery, prepaid, destination, reason, actor, status, code, created_at,
                              updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)",
        refund.id,
        refund.order_id,
        refund.amount,
        refund.delivery,
        refund.prepaid,
        refund.destination.name(),
        refund.reason.as_str(),
        refund.actor.as_str(),
        refund.status.name(),
        refund.code.as_str(),
        refund.created_at
    )?;
    for line in &refund.lines {
        sql::execute!(
            tx,
            "insert into refund_lines (refund_id, line_position, quantity, amount, restock, dropped)
             values ($1, $2, $3, $4, $5, $6)",
            refund.id,
            i64::from(line.line),
            i64::from(line.quantity),
            line.amount,
            line.restock,
            i64::from(line.dropped)
        )?;
    }
    Ok(())
}

pub(in crate::orders) async fn update_refund(
    tx: &mut Tx,
    id: Uuid,
    status: RefundStatus,
    code: &str,
    now: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "update refunds set status = $2, code = $3, updated_at = $4 where id = $1",
        id,
        status.name(),
        code,
        now
    )?;
    Ok(())
}

async fn lines_of(conn: &mut Conn, refund_id: Uuid) -> Result<Vec<RefundLine>> {
    let rows = sql::all!(
        conn,
        (i64, i64, i64, bool, i64),
        "select line_position, quantity, amount, restock, dropped from refund_lines
         where refund_id = $1 order by line_position",
        refund_id
    )?;
    let line = |(line, quantity, amount, restock, dropped)| RefundLine {
        line: quantity_of(line),
        quantity: quantity_of(quantity),
        amount,
        restock,
        dropped: quantity_of(dropped),
    };
    Ok(rows.into_iter().map(line).collect())
}

/// A refund that must exist: its id came from a row that refers to it.
pub(in crate::orders) async fn get_refund(conn: &mut Conn, id: Uuid) -> Result<Refund> {
    let row = sql::one!(
        conn,
        RefundRow,
        "select id, order_id, amount, delivery, prepaid, destination, reason, actor, status, code, created_at, updated_at
         from refunds where id = $1",
        id
    )?;
    let lines = lines_of(conn, id).await?;
    Ok(row.with(lines))
}

pub(in crate::orders) async fn find_refund(conn: &mut Conn, order_id: Uuid, id: Uuid) -> Result<Option<Refund>> {
    let found = sql::optional!(conn, (Uuid,), "select id from refunds where id = $1 and order_id = $2", id, order_id)?;
    match found {
        Some((id,)) => get_refund(conn, id).await.map(Some),
        None => Ok(None),
    }
}

pub(in crate::orders) async fn refunds(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Refund>> {
    let rows = sql::all!(
        conn,
        RefundRow,
        "select id, order_id, amount, delivery, prepaid, destination, reason, actor, status, code, created_at, updated_at
         from refunds where order_id = $1 order by created_at, id",
        order_id
    )?;
    let mut refunds = Vec::with_capacity(rows.len());
    for row in rows {
        let lines = lines_of(conn, row.id).await?;
        refunds.push(row.with(lines));
    }
    Ok(refunds)
}

/// Pieces of a line that went back, or are to: declined refunds count, since they can be tried again.
pub(in crate::orders) async fn refunded_quantity(conn: &mut Conn, order_id: Uuid, line: u32) -> Result<u32> {
    let (quantity,) = sql::one!(
        conn,
        (i64,),
        "select cast(coalesce(sum(l.quantity), 0) as bigint) from refunds r join refund_lines l on l.refund_id = r.id
         where r.order_id = $1 and l.line_position = $2",
        order_id,
        i64::from(line)
    )?;
    Ok(quantity_of(quantity))
}

/// By line.
pub(in crate::orders) async fn refunded_pieces(conn: &mut Conn, order_id: Uuid) -> Result<Vec<RefundedPieces>> {
    let rows = sql::all!(
        conn,
        (i64, i64, i64),
        "select l.line_position, cast(sum(l.dropped) as bigint),
                cast(sum(case when l.restock then l.quantity else 0 end) as bigint)
         from refunds r join refund_lines l on l.refund_id = r.id
         where r.order_id = $1 group by l.line_position",
        order_id
    )?;
    let pieces = |(line, dropped, restocked)| RefundedPieces {
        line: quantity_of(line),
        dropped: quantity_of(dropped),
        restocked: quantity_of(restocked),
    };
    Ok(rows.into_iter().map(pieces).collect())
}

pub(in crate::orders) async fn refunded_delivery(conn: &mut Conn, order_id: Uuid) -> Result<i64> {
    let (amount,) = sql::one!(
        conn,
        (i64,),
        "select cast(coalesce(sum(delivery), 0) as bigint) from refunds where order_id = $1",
        order_id
    )?;
    Ok(amount)
}

/// Refunds that are on their way, with what payments are to give of each.
pub(in crate::orders) async fn pending_refunds(conn: &mut Conn, order_id: Uuid) -> Result<Vec<(Uuid, i64)>> {
    sql::all!(
        conn,
        (Uuid, i64),
        "select id, amount - prepaid from refunds where order_id = $1 and status = 'pending'",
        order_id
    )
}
