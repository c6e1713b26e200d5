//! What shoppers and the merchant see of a shipment.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::Moment;
use crate::fulfilment::{Shipment, ShippedLine, Status, Step, TrackingEvent};

/// Goods of an order that go together.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShipmentOut {
    id: Uuid,
    /// 1 and up within the order.
    #[schema(example = 1)]
    number: i64,
    /// `carriage`, or `pickup` where the shopper collects it.
    #[schema(example = "carriage")]
    kind: &'static str,
    /// `pending` (planned), `booked` (the carrier is ordered), `ready_for_pickup`, `in_transit`, `delivered`, `returned` (the carrier
    /// brought it back) or `cancelled`.
    #[schema(example = "in_transit")]
    status: &'static str,
    lines: Vec<ShipmentLineOut>,
    /// Empty where there is none.
    #[schema(example = "JD014600006281230704")]
    tracking_number: String,
    #[schema(example = "https://track.example/JD014600006281230704")]
    tracking_url: String,
    /// What happened to it, the oldest first.
    events: Vec<TrackingEventOut>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    /// When the goods left.
    #[schema(value_type = Option<String>, format = DateTime)]
    dispatched_at: Option<Moment>,
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Moment>,
}

/// Pieces of a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShipmentLineOut {
    /// Position of the line in `lines` of the order; the first is 0.
    line: u32,
    quantity: u32,
}

/// Something that happened to a shipment.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrackingEventOut {
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
    /// A status of shipments, or `note`.
    #[schema(example = "in_transit")]
    status: &'static str,
    #[schema(example = "left the parcel centre")]
    text: String,
    /// `carrier` or `staff`.
    #[schema(example = "carrier")]
    source: &'static str,
}

/// A shipment, for the merchant.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminShipmentOut {
    #[serde(flatten)]
    shipment: ShipmentOut,
    order_id: Uuid,
    /// Where the goods leave from; null: from where they are set aside.
    location_id: Option<Uuid>,
    /// Who carries it: `plugin:code`.
    #[schema(example = "delivery-rates:standard")]
    delivery_option: String,
    /// The carrier's name of it; empty where none was booked.
    reference: String,
    /// What the carrier was asked last; null where it was asked nothing.
    carrier: Option<CarrierStepOut>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Moment,
}

/// What a carrier was asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct CarrierStepOut {
    /// `book` or `cancel`.
    #[schema(example = "book")]
    kind: &'static str,
    /// `begun` (it has not answered; it is asked again under the same key), `done` or `failed`.
    #[schema(example = "done")]
    status: &'static str,
    /// Why it failed: `unsupported` where the plugin has no carrier behind it, `too-late`, or a code of the plugin's fault.
    note: String,
}

/// A shipment in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShipmentSummaryOut {
    id: Uuid,
    order_id: Uuid,
    number: i64,
    kind: &'static str,
    #[schema(example = "in_transit")]
    status: &'static str,
    tracking_number: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = Option<String>, format = DateTime)]
    dispatched_at: Option<Moment>,
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Moment>,
}

impl From<Shipment> for ShipmentOut {
    fn from(shipment: Shipment) -> Self {
        Self {
            id: shipment.id,
            number: shipment.number,
            kind: shipment.kind.name(),
            status: shipment.status.name(),
            lines: shipment.lines.into_iter().map(ShipmentLineOut::from).collect(),
            tracking_number: shipment.tracking.number,
            tracking_url: shipment.tracking.url,
            events: shipment.events.into_iter().map(TrackingEventOut::from).collect(),
            created_at: shipment.created_at,
            dispatched_at: shipment.dispatched_at,
            delivered_at: shipment.delivered_at,
        }
    }
}

impl From<ShippedLine> for ShipmentLineOut {
    fn from(line: ShippedLine) -> Self {
        Self { line: line.line, quantity: line.quantity }
    }
}

impl From<TrackingEvent> for TrackingEventOut {
    fn from(event: TrackingEvent) -> Self {
        let status = event.status.map_or("note", Status::name);
        Self { at: event.at, status, text: event.text, source: event.source.name() }
    }
}

impl From<Shipment> for AdminShipmentOut {
    fn from(shipment: Shipment) -> Self {
        Self {
            order_id: shipment.order_id,
            location_id: shipment.location_id,
            delivery_option: format!("{}:{}", shipment.plugin, shipment.option_code),
            reference: shipment.reference.clone(),
            carrier: shipment.step.as_ref().map(CarrierStepOut::from),
            updated_at: shipment.updated_at,
            shipment: shipment.into(),
        }
    }
}

impl From<&Step> for CarrierStepOut {
    fn from(step: &Step) -> Self {
        Self { kind: step.kind.name(), status: step.state.name(), note: step.note.clone() }
    }
}

impl From<Shipment> for ShipmentSummaryOut {
    fn from(shipment: Shipment) -> Self {
        Self {
            id: shipment.id,
            order_id: shipment.order_id,
            number: shipment.number,
            kind: shipment.kind.name(),
            status: shipment.status.name(),
            tracking_number: shipment.tracking.number,
            created_at: shipment.created_at,
            dispatched_at: shipment.dispatched_at,
            delivered_at: shipment.delivered_at,
        }
    }
}
