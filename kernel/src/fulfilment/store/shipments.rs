//! Shipments, with what is in them.

use uuid::Uuid;

use super::history;
use crate::clock::Moment;
use crate::db::{Built, Conn, FromRow, Result, Tx, sql};
use crate::fulfilment::{Kind, Shipment, ShippedLine, Status, Tracking};

#[derive(FromRow)]
struct ShipmentRow {
    id: Uuid,
    order_id: Uuid,
    number: i64,
    kind: String,
    status: String,
    location_id: Option<Uuid>,
    plugin: String,
    option_code: String,
    reference: String,
    tracking_number: String,
    tracking_url: String,
    version: i64,
    checks: i64,
    next_check_at: Option<Moment>,
    created_at: Moment,
    dispatched_at: Option<Moment>,
    delivered_at: Option<Moment>,
    updated_at: Moment,
}

impl From<ShipmentRow> for Shipment {
    fn from(row: ShipmentRow) -> Self {
        Self {
            id: row.id,
            order_id: row.order_id,
            number: row.number,
            kind: Kind::parse(&row.kind),
            // The column's own check allows nothing else; a cancelled one is the reading that does least.
            status: Status::parse(&row.status).unwrap_or(Status::Cancelled),
            location_id: row.location_id,
            plugin: row.plugin,
            option_code: row.option_code,
            reference: row.reference,
            tracking: Tracking { number: row.tracking_number, url: row.tracking_url },
            lines: Vec::new(),
            events: Vec::new(),
            step: None,
            version: row.version,
            checks: row.checks,
            next_check_at: row.next_check_at,
            created_at: row.created_at,
            dispatched_at: row.dispatched_at,
            delivered_at: row.delivered_at,
            updated_at: row.updated_at,
        }
    }
}

/// Without entries that somebody wrote, and without what a carrier tells the address by; which they are.
pub(in crate::fulfilment) async fn forget(tx: &mut Tx, order_id: Uuid) -> Result<Vec<Uuid>> {
    sql::execute!(
        tx,
        "delete from tracking_events
         where text <> '' and shipment_id in (select id from shipments where order_id = $1)",
        order_id
    )?;
    let rows = sql::all!(
        tx,
        (Uuid,),
        "update shipments set tracking_number = '', tracking_url = '', version = version + 1 where order_id = $1
         returning id",
        order_id
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The next number of an order whose lock is held.
pub(in crate::fulfilment) async fn next_number(tx: &mut Tx, order_id: Uuid) -> Result<i64> {
    let (number,) =
        sql::one!(tx, (i64,), "select coalesce(max(number), 0) + 1 from shipments where order_id = $1", order_id)?;
    Ok(number)
}

pub(in crate::fulfilment) async fn insert_shipment(tx: &mut Tx, shipment: &Shipment) -> Result<()> {
    sql::execute!(
        tx,
        "insert into shipments (id, order_id, number, kind, status, location_id, plugin, option_code, reference,
                                tracking_number, tracking_url, version, checks, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)",
        shipment.id,
        shipment.order_id,
        shipment.number,
        shipment.kind.name(),
        shipment.status.name(),
        shipment.location_id,
        shipment.plugin.as_str(),
        shipment.option_code.as_str(),
        shipment.reference.as_str(),
        shipment.tracking.number.as_str(),
        shipment.tracking.url.as_str(),
        shipment.version,
        shipment.checks,
        shipment.created_at
    )?;
    insert_lines(tx, shipment).await
}

/// Writes what is left in a shipment.
pub(in crate::fulfilment) async fn replace_lines(tx: &mut Tx, shipment: &Shipment) -> Result<()> {
    sql::execute!(tx, "delete from shipment_lines where shipment_id = $1", shipment.id)?;
    insert_lines(tx, shipment).await
}

async fn insert_lines(tx: &mut Tx, shipment: &Shipment) -> Result<()> {
    for line in &shipment.lines {
        sql::execute!(
            tx,
            "insert into shipment_lines (shipment_id, line_position, quantity) values ($1, $2, $3)",
            shipment.id,
            i64::from(line.line),
            i64::from(line.quantity)
        )?;
    }
    Ok(())
}

/// Writes the shipment unless it changed since its version was read.
pub(in crate::fulfilment) async fn update_shipment(tx: &mut Tx, shipment: &Shipment, now: Moment) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update shipments set status = $3, location_id = $4, reference = $5, tracking_number = $6, tracking_url = $7,
                checks = $8, next_check_at = $9, dispatched_at = $10, delivered_at = $11, updated_at = $12,
                version = version + 1
         where id = $1 and version = $2",
        shipment.id,
        shipment.version,
        shipment.status.name(),
        shipment.location_id,
        shipment.reference.as_str(),
        shipment.tracking.number.as_str(),
        shipment.tracking.url.as_str(),
        shipment.checks,
        shipment.next_check_at,
        shipment.dispatched_at,
        shipment.delivered_at,
        now
    )?;
    Ok(changed == 1)
}

/// Postpones a shipment that is due; false where another worker has.
pub(in crate::fulfilment) async fn claim_check(
    tx: &mut Tx,
    id: Uuid,
    now: Moment,
    next: Option<Moment>,
) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update shipments set next_check_at = $3, checks = checks + 1 where id = $1 and next_check_at <= $2",
        id,
        now,
        next
    )?;
    Ok(changed == 1)
}

pub(in crate::fulfilment) async fn schedule(tx: &mut Tx, id: Uuid, next: Option<Moment>) -> Result<()> {
    sql::execute!(tx, "update shipments set next_check_at = $2 where id = $1", id, next)?;
    Ok(())
}

pub(in crate::fulfilment) async fn due(conn: &mut Conn, now: Moment, limit: i64) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        conn,
        (Uuid,),
        "select id from shipments where next_check_at <= $1 order by next_check_at limit $2",
        now,
        limit
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(in crate::fulfilment) async fn find_shipment(conn: &mut Conn, id: Uuid) -> Result<Option<Shipment>> {
    let found = sql::optional!(conn, (Uuid,), "select order_id from shipments where id = $1", id)?;
    let Some((order_id,)) = found else { return Ok(None) };
    Ok(shipments_of(conn, order_id).await?.into_iter().find(|shipment| shipment.id == id))
}

/// Whole, in their order.
pub(in crate::fulfilment) async fn shipments_of(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Shipment>> {
    let rows = sql::all!(
        conn,
        ShipmentRow,
        "select id, order_id, number, kind, status, location_id, plugin, option_code, reference, tracking_number,
                tracking_url, version, checks, next_check_at, created_at, dispatched_at, delivered_at, updated_at
         from shipments where order_id = $1 order by number",
        order_id
    )?;
    let mut shipments: Vec<_> = rows.into_iter().map(Shipment::from).collect();
    if shipments.is_empty() {
        return Ok(shipments);
    }
    let lines = lines_of(conn, order_id).await?;
    let events = history::events_of(conn, order_id).await?;
    let steps = history::steps_of(conn, order_id).await?;
    for shipment in &mut shipments {
        shipment.lines = lines.iter().filter(|(of, _)| *of == shipment.id).map(|(_, line)| *line).collect();
        shipment.events = events.iter().filter(|(of, _)| *of == shipment.id).map(|(_, event)| event.clone()).collect();
        // Of one moment, the way they follow each other.
        shipment.events.sort_by_key(|event| (event.at, event.status));
        shipment.step = steps.iter().rfind(|step| step.shipment_id == shipment.id).cloned();
    }
    Ok(shipments)
}

async fn lines_of(conn: &mut Conn, order_id: Uuid) -> Result<Vec<(Uuid, ShippedLine)>> {
    let rows = sql::all!(
        conn,
        (Uuid, i64, i64),
        "select l.shipment_id, l.line_position, l.quantity
         from shipments s join shipment_lines l on l.shipment_id = s.id
         where s.order_id = $1 order by l.line_position",
        order_id
    )?;
    let line = |(id, line, quantity)| (id, ShippedLine { line: small(line), quantity: small(quantity) });
    Ok(rows.into_iter().map(line).collect())
}

/// By line: pieces in shipments that are not cancelled, and those of them that have left.
pub(in crate::fulfilment) async fn planned(conn: &mut Conn, order_id: Uuid) -> Result<Vec<(u32, u32, u32)>> {
    let rows = sql::all!(
        conn,
        (i64, i64, i64),
        "select l.line_position, cast(sum(l.quantity) as bigint),
                cast(sum(case when s.dispatched_at is null then 0 else l.quantity end) as bigint)
         from shipments s join shipment_lines l on l.shipment_id = s.id
         where s.order_id = $1 and s.status <> 'cancelled' group by l.line_position",
        order_id
    )?;
    Ok(rows.into_iter().map(|(line, planned, shipped)| (small(line), small(planned), small(shipped))).collect())
}

/// Positions and quantities are 32 bits in the API, and 64 in the database.
fn small(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or(u32::MAX)
}

pub(in crate::fulfilment) async fn list(
    conn: &mut Conn,
    status: Option<Status>,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Shipment>> {
    let mut built = Built::new(
        "select id, order_id, number, kind, status, location_id, plugin, option_code, reference, tracking_number,
                tracking_url, version, checks, next_check_at, created_at, dispatched_at, delivered_at, updated_at
         from shipments where id < ",
    );
    built.bind(before);
    if let Some(status) = status {
        built.push(" and status = ").bind(status.name());
    }
    built.push(" order by id desc limit ").bind(limit);
    Ok(built.all::<ShipmentRow>(conn).await?.into_iter().map(Shipment::from).collect())
}
