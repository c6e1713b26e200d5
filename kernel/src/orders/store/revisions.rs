//! Edits: what an order is made of from now on, and what it was before.

use uuid::Uuid;

use super::{insert_adjustments, insert_lines};
use crate::accounts::Email;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};
use crate::orders::editing::Editor;
use crate::orders::revisions::{Contents, Revision};
use crate::orders::{Adjustment, Details, Line, Order};

/// Writes what a locked order is made of now. Its status stays; version and revision are those of `order`.
pub(in crate::orders) async fn replace_contents(
    tx: &mut Tx,
    order: &Order,
    lines: &[Line],
    adjustments: &[Adjustment],
) -> Result<()> {
    sql::execute!(
        tx,
        "update orders set email = $2, email_key = $3, address = $4, delivery = $5, goods_total = $6, discount_total = $7,
                fee_total = $8, delivery_total = $9, tax_total = $10, tax_included_total = $11, total = $12,
                revision = $13, version = $14, updated_at = $15, billing_address = $16
         where id = $1",
        order.id,
        order.email.as_str(),
        Email::key_of(&order.email),
        Json(&order.address),
        Json(&order.delivery),
        order.goods_total,
        order.discount_total,
        order.fee_total,
        order.delivery_total,
        order.tax_total,
        order.tax_included_total,
        order.total,
        order.revision,
        order.version,
        order.updated_at,
        order.billing_address.as_ref().map(Json)
    )?;
    sql::execute!(tx, "delete from order_lines where order_id = $1", order.id)?;
    sql::execute!(tx, "delete from order_adjustments where order_id = $1", order.id)?;
    insert_lines(tx, order.id, lines).await?;
    insert_adjustments(tx, order.id, adjustments).await
}

/// Keeps the order as it was.
pub(in crate::orders) async fn insert_revision(
    tx: &mut Tx,
    before: &Details,
    contents: &Contents,
    editor: &Editor,
    now: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into order_revisions (order_id, revision, replaced_at, actor, reason, total, contents)
         values ($1, $2, $3, $4, $5, $6, $7)",
        before.order.id,
        before.order.revision,
        now,
        editor.actor.as_str(),
        editor.reason.as_str(),
        before.order.total,
        Json(contents)
    )?;
    Ok(())
}

#[derive(FromRow)]
struct RevisionRow {
    revision: i64,
    replaced_at: Moment,
    actor: String,
    reason: String,
    total: i64,
    contents: Json<Contents>,
}

/// The oldest first.
pub(in crate::orders) async fn revisions(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Revision>> {
    let rows = sql::all!(
        conn,
        RevisionRow,
        "select revision, replaced_at, actor, reason, total, contents from order_revisions
         where order_id = $1 order by revision",
        order_id
    )?;
    let revision = |row: RevisionRow| Revision {
        revision: row.revision,
        replaced_at: row.replaced_at,
        actor: row.actor,
        reason: row.reason,
        total: row.total,
        contents: row.contents.0,
    };
    Ok(rows.into_iter().map(revision).collect())
}

/// Did pieces of lines go back? They are known by the positions of the lines.
pub(in crate::orders) async fn has_refunded_lines(conn: &mut Conn, order_id: Uuid) -> Result<bool> {
    let found = sql::optional!(
        conn,
        (Uuid,),
        "select r.id from refunds r join refund_lines l on l.refund_id = r.id where r.order_id = $1 limit 1",
        order_id
    )?;
    Ok(found.is_some())
}
