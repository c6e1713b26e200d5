//! What belongs to an order: lines, adjustments, receipts and its history.

use uuid::Uuid;

use crate::carts::Attributes;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};
use crate::orders::receipts::{Receipt, Recorded, RecordedCall};
use crate::orders::{Adjustment, Event, Line, PricedBy, Target, quantity_of};
use crate::plugins::Domain;

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
            "insert into order_adjustments (order_id, position, target, line_position, kind, code, label, amount, rate_ppm,
                                            base)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            order_id,
            position,
            adjustment.target.name(),
            adjustment.target.line(),
            adjustment.kind.as_str(),
            adjustment.code.as_str(),
            adjustment.label.as_str(),
            adjustment.amount,
            adjustment.rate_ppm.map(i64::from),
            adjustment.base
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
            "insert into order_receipts (order_id, revision, position, domain, plugin, version, digest, generation,
                                         settings, input, input_sha256, output, fuel, memory_bytes, elapsed_us, log,
                                         dropped_log_lines)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            order_id,
            revision,
            position,
            receipt.domain.name(),
            receipt.plugin.as_str(),
            receipt.version.as_str(),
            receipt.digest.as_str(),
            receipt.generation,
            receipt.settings.as_str(),
            receipt.input.as_str(),
            receipt.input_sha256.as_str(),
            receipt.output.as_str(),
            receipt.fuel,
            receipt.memory_bytes,
            receipt.elapsed_us,
            serde_json::to_string(&receipt.log).unwrap_or_default(),
            receipt.dropped_log_lines
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
    rate_ppm: Option<i64>,
    base: Option<i64>,
}

pub(in crate::orders) async fn adjustments(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Adjustment>> {
    let rows = sql::all!(
        conn,
        AdjustmentRow,
        "select target, line_position, kind, code, label, amount, rate_ppm, base from order_adjustments
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
        rate_ppm: row.rate_ppm.and_then(|rate| u32::try_from(rate).ok()),
        base: row.base,
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
    generation: i64,
    settings: String,
    input: String,
    input_sha256: String,
    output: String,
    fuel: i64,
    memory_bytes: i64,
    elapsed_us: i64,
    log: String,
    dropped_log_lines: i64,
}

impl ReceiptRow {
    /// The column's own check allows no other domain.
    fn into_receipt(self) -> Option<Receipt> {
        Some(Receipt {
            domain: self.domain.parse().ok()?,
            plugin: self.plugin,
            version: self.version,
            digest: self.digest,
            generation: self.generation,
            settings: self.settings,
            input: self.input,
            input_sha256: self.input_sha256,
            output: self.output,
            fuel: self.fuel,
            memory_bytes: self.memory_bytes,
            elapsed_us: self.elapsed_us,
            log: serde_json::from_str(&self.log).unwrap_or_default(),
            dropped_log_lines: self.dropped_log_lines,
        })
    }
}

pub(in crate::orders) async fn receipts(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Receipt>> {
    let rows = sql::all!(
        conn,
        ReceiptRow,
        "select domain, plugin, version, digest, generation, settings, input, input_sha256, output, fuel, memory_bytes,
                elapsed_us, log, dropped_log_lines
         from order_receipts
         where order_id = $1 and revision = (select revision from orders where id = $1) order by position",
        order_id
    )?;
    Ok(rows.into_iter().filter_map(ReceiptRow::into_receipt).collect())
}

/// An order without receipts is there, with none. Settings and logs, which can be long, are not read: a replay asks under other settings.
pub(in crate::orders) async fn recorded(
    conn: &mut Conn,
    domain: Domain,
    before: i64,
    limit: i64,
) -> Result<Vec<Recorded>> {
    let orders = sql::all!(
        conn,
        (i64,),
        "select number from orders where number < $1 order by number desc limit $2",
        before,
        limit
    )?;
    let (Some((first,)), Some((last,))) = (orders.first(), orders.last()) else { return Ok(Vec::new()) };
    let rows = sql::all!(
        conn,
        RecordedRow,
        "select o.number, r.domain, r.plugin, r.input, r.output, r.fuel, r.elapsed_us
         from orders o join order_receipts r on r.order_id = o.id and r.revision = o.revision
         where o.number between $1 and $2 and r.domain in ('pricing', $3) order by o.number desc, r.position",
        *last,
        *first,
        domain.name()
    )?;
    let mut rows = rows.into_iter().peekable();
    let recorded = |(number,): (i64,)| {
        let of_order = std::iter::from_fn(|| rows.next_if(|row| row.number == number));
        Recorded { number, calls: of_order.filter_map(RecordedRow::into_call).collect() }
    };
    Ok(orders.into_iter().map(recorded).collect())
}

#[derive(FromRow)]
struct RecordedRow {
    number: i64,
    domain: String,
    plugin: String,
    input: String,
    output: String,
    fuel: i64,
    elapsed_us: i64,
}

impl RecordedRow {
    /// The column's own check allows no other domain.
    fn into_call(self) -> Option<RecordedCall> {
        Some(RecordedCall {
            domain: self.domain.parse().ok()?,
            plugin: self.plugin,
            input: self.input,
            output: self.output,
            fuel: self.fuel,
            elapsed_us: self.elapsed_us,
        })
    }
}
