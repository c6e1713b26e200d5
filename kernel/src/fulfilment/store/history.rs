//! What happened to shipments, and what their carriers were asked.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::fulfilment::{Source, Status, Step, StepKind, StepState, TrackingEvent};

/// An entry that has no status.
const NOTE: &str = "note";

/// Told twice, it is written once.
pub(in crate::fulfilment) async fn insert_event(tx: &mut Tx, shipment_id: Uuid, event: &TrackingEvent) -> Result<()> {
    sql::execute!(
        tx,
        "insert into tracking_events (shipment_id, at, status, text, source) values ($1, $2, $3, $4, $5)
         on conflict (shipment_id, at, status, text, source) do nothing",
        shipment_id,
        event.at,
        event.status.map_or(NOTE, Status::name),
        event.text.as_str(),
        event.source.name()
    )?;
    Ok(())
}

#[derive(FromRow)]
struct EventRow {
    shipment_id: Uuid,
    at: Moment,
    status: String,
    text: String,
    source: String,
}

impl EventRow {
    fn event(self) -> (Uuid, TrackingEvent) {
        let source = if self.source == Source::Carrier.name() { Source::Carrier } else { Source::Staff };
        let event = TrackingEvent { at: self.at, status: Status::parse(&self.status), text: self.text, source };
        (self.shipment_id, event)
    }
}

/// Of all shipments of an order, the oldest first.
pub(super) async fn events_of(conn: &mut Conn, order_id: Uuid) -> Result<Vec<(Uuid, TrackingEvent)>> {
    let rows = sql::all!(
        conn,
        EventRow,
        "select e.shipment_id, e.at, e.status, e.text, e.source
         from shipments s join tracking_events e on e.shipment_id = s.id
         where s.order_id = $1 order by e.at, e.status, e.text, e.source",
        order_id
    )?;
    Ok(rows.into_iter().map(EventRow::event).collect())
}

pub(in crate::fulfilment) async fn insert_step(tx: &mut Tx, step: &Step) -> Result<()> {
    sql::execute!(
        tx,
        "insert into shipment_steps (id, shipment_id, kind, idempotency_key, status, note, begun_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        step.id,
        step.shipment_id,
        step.kind.name(),
        step.idempotency_key.as_str(),
        step.state.name(),
        step.note.as_str(),
        step.begun_at
    )?;
    Ok(())
}

/// False where the step had ended before.
pub(in crate::fulfilment) async fn end_step(
    tx: &mut Tx,
    id: Uuid,
    state: StepState,
    note: &str,
    now: Moment,
) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update shipment_steps set status = $2, note = $3, ended_at = $4 where id = $1 and status = 'begun'",
        id,
        state.name(),
        note,
        now
    )?;
    Ok(changed == 1)
}

#[derive(FromRow)]
struct StepRow {
    id: Uuid,
    shipment_id: Uuid,
    kind: String,
    idempotency_key: String,
    status: String,
    note: String,
    begun_at: Moment,
}

impl From<StepRow> for Step {
    fn from(row: StepRow) -> Self {
        Self {
            id: row.id,
            shipment_id: row.shipment_id,
            kind: if row.kind == StepKind::Cancel.name() { StepKind::Cancel } else { StepKind::Book },
            idempotency_key: row.idempotency_key,
            state: match row.status.as_str() {
                "done" => StepState::Done,
                "failed" => StepState::Failed,
                _ => StepState::Begun,
            },
            note: row.note,
            begun_at: row.begun_at,
        }
    }
}

/// Of all shipments of an order, the oldest first.
pub(super) async fn steps_of(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Step>> {
    let rows = sql::all!(
        conn,
        StepRow,
        "select p.id, p.shipment_id, p.kind, p.idempotency_key, p.status, p.note, p.begun_at
         from shipments s join shipment_steps p on p.shipment_id = s.id
         where s.order_id = $1 order by p.begun_at, p.id",
        order_id
    )?;
    Ok(rows.into_iter().map(Step::from).collect())
}
