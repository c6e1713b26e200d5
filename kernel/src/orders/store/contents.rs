//! What belongs to an order: lines, adjustments, receipts and its history.

use uuid::Uuid;

use crate::carts::Attributes;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};
use crate::orders::receipts::Receipt;
use crate::orders::{Adjustment, Event, Line, PricedBy, Target, quantity_of};

pub(in crate::orders) async fn insert_lines(tx: &mut Tx, order_id: Uuid, lines: &[Line]) -> Result<()> {
    for (position, line) in (0_i64..).zip(lines) {
        sql::execute!(
            tx,
            "insert into order_lines (order_id, position, variant_id, sku, title, quantity, unit_price, total, note,
                                      attributes, compare_at, price_list)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            order_id,
            position,
            line.variant_id,
            line.sku.as_str(),
            line.title.as_str(),
            i64::from(line.quantity),
            line.unit_price,
            line.total,
            line.note.as_str(),
            Json(&line.attributes),
            line.compare_at,
            line.price_list.as_deref()
        )?;
    }
    Ok(())
}

pub(in crate::orders) async fn insert_adjustments(
    tx: &mut Tx,
    order_id: Uuid,
    adjustments: &[Adjustment],
) -> Result<()> {
    for (position, adjustment) in (0_i64..).zip(adjustments) {
        sql::execute!(
            tx,
            "insert into order_adjustments (order_id, position, target, line_position, kind, code, label, amount)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            order_id,
            position,
            adjustment.target.name(),
            adjustment.target.line(),
            adjustment.kind.as_str(),
            adjustment.code.as_str(),
            adjustment.label.as_str(),
            adjustment.amount
        )?;
    }
    Ok(())
}

pub(in crate::orders) async fn insert_receipts(
    tx: &mut Tx,
    order_id: Uuid,
    revision: i64,
    receipts: &[Receipt],
) -> Result<()> {
    for (position, receipt) in (0_i64..).zip(receipts) {
        sql::execute!(
            tx,
            "insert into order_receipts (order_id, revision, position, domain, plugin, version, digest, settings, input,
                                         input_sha256, output, fuel)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            order_id,
            revision,
            position,
            receipt.domain.as_str(),
            receipt.plugin.as_str(),
            receipt.version.as_str(),
            receipt.digest.as_str(),
            receipt.settings.as_str(),
            receipt.input.as_str(),
            receipt.input_sha256.as_str(),
            receipt.output.as_str(),
            receipt.fuel
        )?;
    }
    Ok(())
}

pub(in crate::orders) async fn insert_history(
    tx: &mut Tx,
    order_id: Uuid,
    position: i64,
    at: Moment,
    status: &str,
    cause: &str,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into order_history (order_id, position, at, status, cause) values ($1, $2, $3, $4, $5)",
        order_id,
        position,
        at,
        status,
        cause
    )?;
    Ok(())
}

#[derive(FromRow)]
struct LineRow {
    variant_id: Uuid,
    sku: String,
    title: String,
    quantity: i64,
    unit_price: i64,
    compare_at: Option<i64>,
    price_list: Option<String>,
    total: i64,
    note: String,
    attributes: Json<Attributes>,
}

pub(in crate::orders) async fn lines(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Line>> {
    let rows = sql::all!(
        conn,
        LineRow,
        "select variant_id, sku, title, quantity, unit_price, compare_at, price_list, total, note, attributes
         from order_lines where order_id = $1 order by position",
        order_id
    )?;
    let line = |row: LineRow| Line {
        variant_id: row.variant_id,
        sku: row.sku,
        title: row.title,
        quantity: quantity_of(row.quantity),
        unit_price: row.unit_price,
        compare_at: row.compare_at,
        price_list: row.price_list,
        total: row.total,
        note: row.note,
        attributes: row.attributes.0,
    };
    Ok(rows.into_iter().map(line).collect())
}

#[derive(FromRow)]
struct AdjustmentRow {
    target: String,
    line_position: Option<i64>,
    kind: String,
    code: String,
    label: String,
    amount: i64,
}

pub(in crate::orders) async fn adjustments(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Adjustment>> {
    let rows = sql::all!(
        conn,
        AdjustmentRow,
        "select target, line_position, kind, code, label, amount from order_adjustments
         where order_id = $1 order by position",
        order_id
    )?;
    let adjustment = |row: AdjustmentRow| Adjustment {
        target: match (row.target.as_str(), row.line_position) {
            ("line", Some(position)) => Target::Line(position),
            ("delivery", _) => Target::Delivery,
            _ => Target::Order,
        },
        kind: row.kind,
        code: row.code,
        label: row.label,
        amount: row.amount,
    };
    Ok(rows.into_iter().map(adjustment).collect())
}

pub(in crate::orders) async fn history(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Event>> {
    let rows = sql::all!(
        conn,
        (Moment, String, String),
        "select at, status, cause from order_history where order_id = $1 order by position",
        order_id
    )?;
    Ok(rows.into_iter().map(|(at, status, cause)| Event { at, status, cause }).collect())
}

pub(in crate::orders) async fn priced_by(conn: &mut Conn, order_id: Uuid) -> Result<Vec<PricedBy>> {
    let rows = sql::all!(
        conn,
        (String, String, String),
        "select plugin, version, digest from order_receipts
         where order_id = $1 and revision = (select revision from orders where id = $1) and domain = 'pricing'
         order by position",
        order_id
    )?;
    Ok(rows.into_iter().map(|(plugin, version, digest)| PricedBy { plugin, version, digest }).collect())
}

#[derive(FromRow)]
struct ReceiptRow {
    domain: String,
    plugin: String,
    version: String,
    digest: String,
    settings: String,
    input: String,
    input_sha256: String,
    output: String,
    fuel: i64,
}

pub(in crate::orders) async fn receipts(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Receipt>> {
    let rows = sql::all!(
        conn,
        ReceiptRow,
        "select domain, plugin, version, digest, settings, input, input_sha256, output, fuel from order_receipts
         where order_id = $1 and revision = (select revision from orders where id = $1) order by position",
        order_id
    )?;
    let receipt = |row: ReceiptRow| Receipt {
        domain: row.domain,
        plugin: row.plugin,
        version: row.version,
        digest: row.digest,
        settings: row.settings,
        input: row.input,
        input_sha256: row.input_sha256,
        output: row.output,
        fuel: row.fuel,
    };
    Ok(rows.into_iter().map(receipt).collect())
}
