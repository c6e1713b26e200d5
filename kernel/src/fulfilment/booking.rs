//! Carriers are ordered and called off: each step is written down under its key before the plugin is called, and repeated
//! under it until its end is known.

use std::sync::Arc;

use chrono::{SubsecRound, TimeDelta};
use uuid::Uuid;

use super::shipping::{Opened, Told};
use super::{Error, Kind, Shipment, Source, Status, Step, StepKind, StepState, store, tracking};
use crate::clock::{self, Moment};
use crate::db::Tx;
use crate::money::Amount;
use crate::plugins::{Bound, CallError, Domain, Fault, delivery, types};
use crate::prices::PriceContext;
use crate::{Shop, catalog, id, orders};

/// What a plugin answers that has no carrier behind it.
const UNSUPPORTED: &str = "unsupported";

/// Orders the carrier of a shipment; once more, where that failed before.
pub async fn book(shop: &Shop, id: Uuid) -> Result<Shipment, Error> {
    let Opened { mut tx, shipment, .. } = Opened::of(shop, id).await?;
    match (shipment.kind, shipment.status) {
        (Kind::Pickup, _) => return Err(Error::Pickup),
        (Kind::Carriage, Status::Pending) => {}
        (Kind::Carriage, status) => return Err(Error::State(status)),
    }
    if shipment.is_waiting() {
        return Err(Error::Waiting(StepKind::Book));
    }
    let shipment = begin(shop, &mut tx, shipment, StepKind::Book).await?;
    tx.commit().await?;
    run_open(shop, &shipment).await?;
    super::get(shop, id).await
}

/// Writes down what the carrier is to be asked, in a transaction that holds the order's lock. To be run after the commit.
pub(super) async fn begin(shop: &Shop, tx: &mut Tx, mut shipment: Shipment, kind: StepKind) -> Result<Shipment, Error> {
    let (id, now) = (id::sequential(), clock::now());
    let step = Step {
        id,
        shipment_id: shipment.id,
        kind,
        idempotency_key: format!("{}-{id}", kind.name()),
        state: StepState::Begun,
        note: String::new(),
        begun_at: now,
    };
    store::insert_step(tx, &step).await?;
    shipment.checks = 0;
    shipment.next_check_at = Some(now + pause_after(shop, 0));
    if !store::update_shipment(tx, &shipment, now).await? {
        return Err(Error::Contended);
    }
    shipment.version += 1;
    shipment.step = Some(step);
    Ok(shipment)
}

/// How long a carrier has to answer before it is asked again.
pub(super) fn pause_after(shop: &Shop, checks: i64) -> TimeDelta {
    let first = i64::try_from(shop.config().fulfilment.retry_after_ms).unwrap_or(i64::MAX);
    TimeDelta::milliseconds(first.saturating_mul(1 << checks.clamp(0, 20)).min(3_600_000))
}

/// When the carrier is asked next where a shipment is; never, where none was booked, or after so many days.
pub(super) fn next_look(shop: &Shop, shipment: &Shipment) -> Option<Moment> {
    let config = &shop.config().fulfilment;
    let now = clock::now();
    let since = shipment.dispatched_at.unwrap_or(now);
    let asked_for = TimeDelta::days(i64::from(config.tracking_days));
    let interval = TimeDelta::milliseconds(i64::try_from(config.tracking_interval_ms).unwrap_or(i64::MAX / 2));
    (!shipment.reference.is_empty() && now - since < asked_for).then(|| now + interval)
}

/// Runs the step of a shipment that has been committed. What fails stays open, and the worker repeats it.
pub(super) async fn run_open(shop: &Shop, shipment: &Shipment) -> Result<(), Error> {
    let Some(step) = shipment.step.clone().filter(|step| step.state == StepState::Begun) else { return Ok(()) };
    let bound = match shop.plugins().find_bound(Domain::Delivery, &shipment.plugin).await {
        Ok(bound) => bound,
        Err(error) => {
            tracing::warn!(shipment = %shipment.id, plugin = shipment.plugin, %error, "the delivery plugin is not there");
            return give_up_late(shop, shipment, &step, "not-bound").await;
        }
    };
    let answer = match step.kind {
        StepKind::Book => {
            let request = Arc::new(request(shop, shipment, &step).await?);
            shop.plugins().host().book_delivery(&bound, &request).await.map(|called| Answer::Booked(called.value))
        }
        StepKind::Cancel => cancel(shop, &bound, shipment, &step).await,
    };
    match answer {
        Ok(Answer::Booked(booking)) => booked(shop, &step, booking).await,
        Ok(Answer::Cancelled(true)) => cancelled(shop, &step, "").await,
        Ok(Answer::Cancelled(false)) => fail(shop, &step, "too-late").await,
        // No carrier is behind the plugin: there is nothing to call off but by hand.
        Err(CallError { fault: Fault::Plugin(types::Error::Unsupported(_)), .. }) if step.kind == StepKind::Cancel => {
            cancelled(shop, &step, UNSUPPORTED).await
        }
        Err(CallError {
            fault: fault @ Fault::Plugin(types::Error::Unsupported(_) | types::Error::InvalidSettings(_)),
            ..
        }) => fail(shop, &step, fault.code()).await,
        Err(error) => {
            let (kind, reason) = (step.kind.name(), error.code());
            tracing::warn!(shipment = %shipment.id, kind, reason, %error, "a carrier did not answer, to be asked again");
            give_up_late(shop, shipment, &step, reason).await
        }
    }
}

enum Answer {
    Booked(delivery::Booking),
    Cancelled(bool),
}

async fn cancel(shop: &Shop, bound: &Arc<Bound>, shipment: &Shipment, step: &Step) -> Result<Answer, CallError> {
    let asked = clock::unix_seconds(step.begun_at);
    let called = shop.plugins().host().cancel_delivery(bound, &shipment.reference, asked).await?;
    Ok(Answer::Cancelled(called.value))
}

/// The same bytes each time that the step is run: `now` is when it began.
async fn request(shop: &Shop, shipment: &Shipment, step: &Step) -> Result<delivery::BookRequest, Error> {
    let mut conn = shop.db().read().await?;
    let order = orders::find(&mut conn, shipment.order_id).await?.ok_or(Error::NotFound)?;
    let lines = orders::lines(&mut conn, order.id).await?;
    let mut items = Vec::with_capacity(shipment.lines.len());
    let mut goods_total: Amount = 0;
    for held in &shipment.lines {
        let Some(line) = lines.get(held.line as usize) else { continue };
        // A variant that was deleted meanwhile weighs nothing that anybody knows.
        let variant = catalog::find_variant(&mut conn, &PriceContext::of_guest(shop), line.variant_id).await?;
        let weight_grams = variant.map_or(0, |variant| u32::try_from(variant.weight_grams).unwrap_or(u32::MAX));
        items.push(delivery::Item { sku: line.sku.clone(), quantity: held.quantity, weight_grams });
        goods_total = goods_total.saturating_add(orders::part_of_line(line, held.quantity));
    }
    Ok(delivery::BookRequest {
        idempotency_key: step.idempotency_key.clone(),
        order_number: order.number.to_string(),
        option: shipment.option_code.clone(),
        shipment: delivery::Shipment {
            currency: order.currency.clone(),
            now: clock::unix_seconds(step.begun_at),
            locale: order.locale.clone(),
            destination: order.address.destination(),
            items,
            goods_total,
            attributes: Vec::new(),
        },
        address: order.address.to_contract(),
    })
}

/// The shipment of a step, and whether the step is still open: another answer may have ended it.
async fn reopen(shop: &Shop, step: &Step, state: StepState, note: &str) -> Result<Option<Opened>, Error> {
    let mut opened = Opened::of(shop, step.shipment_id).await?;
    if !store::end_step(&mut opened.tx, step.id, state, note, clock::now()).await? {
        return Ok(None);
    }
    opened.shipment.next_check_at = None;
    Ok(Some(opened))
}

fn by_carrier(text: &str) -> Told {
    Told { source: Source::Carrier, at: clock::now(), text: text.to_owned() }
}

async fn booked(shop: &Shop, step: &Step, booking: delivery::Booking) -> Result<(), Error> {
    let Some(mut opened) = reopen(shop, step, StepState::Done, "").await? else { return Ok(()) };
    let shipment = &mut opened.shipment;
    shipment.reference = booking.reference;
    // What staff wrote stays where the carrier tells nothing.
    for (ours, theirs) in
        [(&mut shipment.tracking.number, booking.tracking_number), (&mut shipment.tracking.url, booking.tracking_url)]
    {
        if !theirs.is_empty() {
            *ours = theirs;
        }
    }
    shipment.next_check_at = next_look(shop, shipment);
    // Carriers tell whole seconds: what they say of it later is not to stand before it.
    let told = Told { at: step.begun_at.trunc_subsecs(0), ..by_carrier("") };
    opened.turn(Status::Booked, &told).await?;
    opened.close(shop).await.map(drop)
}

async fn cancelled(shop: &Shop, step: &Step, note: &str) -> Result<(), Error> {
    let Some(mut opened) = reopen(shop, step, StepState::Done, note).await? else { return Ok(()) };
    if opened.shipment.status == Status::Booked {
        opened.cancel(&by_carrier("")).await?;
    }
    opened.close(shop).await.map(drop)
}

/// No use in asking again: staff decides.
async fn fail(shop: &Shop, step: &Step, note: &str) -> Result<(), Error> {
    let Some(mut opened) = reopen(shop, step, StepState::Failed, note).await? else { return Ok(()) };
    opened.shipment.next_check_at = next_look(shop, &opened.shipment);
    store::update_shipment(&mut opened.tx, &opened.shipment, clock::now()).await?;
    opened.close(shop).await.map(drop)
}

/// After so many attempts a step is left to staff, who can ask the carrier by the key in the log.
async fn give_up_late(shop: &Shop, shipment: &Shipment, step: &Step, reason: &str) -> Result<(), Error> {
    if shipment.checks < i64::from(shop.config().fulfilment.booking_attempts) {
        return Ok(());
    }
    let key = &step.idempotency_key;
    tracing::error!(shipment = %shipment.id, kind = step.kind.name(), key, reason, "a carrier never answered");
    fail(shop, step, reason).await
}

/// Looks at one shipment that is due: runs the step that is open, or asks where it is.
pub(super) async fn look(shop: &Shop, id: Uuid) -> Result<(), Error> {
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    let mut shipment = super::find(&mut tx, id).await?;
    let next = match shipment.is_waiting() {
        true => Some(now + pause_after(shop, shipment.checks + 1)),
        false => next_look(shop, &shipment),
    };
    // Taken by postponing it: another kernel finds it no longer due, and a crash here brings it back.
    if !store::claim_check(&mut tx, id, now, next).await? {
        return Ok(());
    }
    shipment.checks += 1;
    tx.commit().await?;
    if shipment.is_waiting() { run_open(shop, &shipment).await } else { tracking::ask(shop, &shipment).await }
}
