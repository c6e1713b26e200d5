//! What became of a shipment: told by its carrier when the worker asks, or by staff. Told twice, it is written once.

use uuid::Uuid;

use super::shipping::{Opened, Told};
use super::{Error, Shipment, Source, Status, TrackingEvent, store};
use crate::Shop;
use crate::clock::{self, Moment};
use crate::plugins::{CallError, Domain, Fault, delivery, types};

/// An entry by staff. With a status, the shipment moves there as if its carrier had told.
pub async fn add_event(
    shop: &Shop,
    id: Uuid,
    status: Option<Status>,
    at: Option<Moment>,
    text: String,
) -> Result<Shipment, Error> {
    let mut opened = Opened::of(shop, id).await?;
    let told = Told { source: Source::Staff, at: at.unwrap_or_else(clock::now), text };
    if opened.shipment.events.len() >= shop.config().fulfilment.max_tracking_events as usize {
        return Err(Error::TooManyEvents);
    }
    match status {
        None => {
            let event = TrackingEvent { at: told.at, status: None, text: told.text, source: told.source };
            store::insert_event(&mut opened.tx, id, &event).await?;
        }
        Some(status) => {
            opened.require_idle()?;
            if !apply(shop, &mut opened, status, &told).await? {
                return Err(Error::State(opened.shipment.status));
            }
        }
    }
    opened.close(shop).await
}

/// Asks the carrier what happened so far.
pub(super) async fn ask(shop: &Shop, shipment: &Shipment) -> Result<(), Error> {
    if shipment.reference.is_empty() || shipment.status.is_ended() {
        return Ok(());
    }
    let bound = match shop.plugins().find_bound(Domain::Delivery, &shipment.plugin).await {
        Ok(bound) => bound,
        Err(error) => {
            tracing::warn!(shipment = %shipment.id, plugin = shipment.plugin, %error, "the delivery plugin is not there");
            return Ok(());
        }
    };
    let asked = clock::unix_seconds(clock::now());
    match shop.plugins().host().track_delivery(&bound, &shipment.reference, asked).await {
        Ok(called) => take_news(shop, shipment.id, called.value).await,
        Err(CallError { fault: Fault::Plugin(types::Error::Unsupported(_)), .. }) => {
            let mut tx = shop.db().write().await?;
            store::schedule(&mut tx, shipment.id, None).await?;
            Ok(tx.commit().await?)
        }
        Err(error) => {
            tracing::warn!(shipment = %shipment.id, reason = error.code(), %error, "a carrier does not tell where it is");
            Ok(())
        }
    }
}

/// Writes what is new of a carrier's history, and moves the shipment to where its last entry says.
async fn take_news(shop: &Shop, id: Uuid, news: Vec<delivery::TrackingEvent>) -> Result<(), Error> {
    let mut events: Vec<_> = news.into_iter().filter_map(event_of).collect();
    // That it was booked stands in the history since it was.
    events.retain(|event| event.status != Some(Status::Booked) || !event.text.is_empty());
    let mut opened = Opened::of(shop, id).await?;
    if opened.shipment.status.is_ended() || opened.shipment.is_waiting() {
        return Ok(());
    }
    let room = (shop.config().fulfilment.max_tracking_events as usize).saturating_sub(opened.shipment.events.len());
    let known = opened.shipment.events.clone();
    for event in events.iter().filter(|event| !known.contains(event)).take(room) {
        store::insert_event(&mut opened.tx, id, event).await?;
    }
    // The last entry counts. Where it tells more than that the goods have left, they left when an earlier one says so.
    let left = events.iter().find(|event| event.status == Some(Status::InTransit));
    let last = events.iter().rfind(|event| event.status.is_some());
    for event in left.into_iter().chain(last) {
        let told = Told { source: Source::Carrier, at: event.at, text: event.text.clone() };
        if let Some(status) = event.status {
            apply(shop, &mut opened, status, &told).await?;
        }
    }
    opened.close(shop).await.map(drop)
}

/// The contract's entry as ours; none where its time is none.
fn event_of(event: delivery::TrackingEvent) -> Option<TrackingEvent> {
    use delivery::TrackingStatus::{Booked, Cancelled, Delivered, InTransit, Returned, Unknown};
    let status = match event.status {
        Booked => Some(Status::Booked),
        InTransit => Some(Status::InTransit),
        Delivered => Some(Status::Delivered),
        Returned => Some(Status::Returned),
        Cancelled => Some(Status::Cancelled),
        Unknown => None,
    };
    let at = i64::try_from(event.at).ok().and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0))?;
    Some(TrackingEvent { at, status, text: event.text, source: Source::Carrier })
}

/// Moves a shipment to where it is told to be: goods that a carrier has, have left. False where that is no way to go.
async fn apply(shop: &Shop, opened: &mut Opened, to: Status, told: &Told) -> Result<bool, Error> {
    use Status::{Booked, Cancelled, Delivered, InTransit, Pending, ReadyForPickup, Returned};
    let from = opened.shipment.status;
    let here = matches!(from, Pending | Booked);
    if opened.shipment.kind == super::Kind::Pickup {
        if to != Delivered || !matches!(from, Pending | ReadyForPickup) {
            return Ok(false);
        }
        opened.arrive(told, shop).await?;
        opened.follow("collected").await?;
        return Ok(true);
    }
    match to {
        InTransit if here => opened.leave(InTransit, told, shop).await?,
        Delivered | Returned if here || from == InTransit => {
            if here {
                opened.leave(InTransit, told, shop).await?;
            }
            if to == Delivered { opened.arrive(told, shop).await? } else { opened.come_back(told).await? }
        }
        Cancelled if from == Booked => opened.cancel(told).await?,
        _ => return Ok(false),
    }
    opened
        .follow(match told.source {
            Source::Carrier => "told by the carrier",
            Source::Staff => "told by the merchant",
        })
        .await?;
    Ok(true)
}
