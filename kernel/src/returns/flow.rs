//! A return from the wish to the money.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::{Arrived, By, Error, Event, Return, ReturnLine, Status, store};
use crate::clock::{self, Moment};
use crate::db::Tx;
use crate::fulfilment::{self, Pieces};
use crate::inventory::{Cause, CauseKind, Quantity};
use crate::money::Amount;
use crate::orders::refunds::{self, Wanted, WantedLine, Why};
use crate::orders::{self, Line, Order};
use crate::{Shop, events, id, inventory, payments};

/// Asks for a return of pieces that the shopper has: more than are out, and not asked for already, cannot come back.
pub async fn request(shop: &Shop, order_id: Uuid, lines: Vec<ReturnLine>, by: By<'_>) -> Result<Return, Error> {
    let mut tx = shop.db().write().await?;
    let order = orders::lock(&mut tx, order_id).await?;
    let left_at = last_left(&mut tx, order_id).await?.ok_or(Error::NothingOut)?;
    let days = shop.config().returns.days;
    let now = clock::now();
    if matches!(by, By::Shopper) && now - left_at > TimeDelta::days(i64::from(days)) {
        return Err(Error::TooLate { days });
    }
    let before = super::of_order(&mut tx, order_id).await?;
    let number = before.len() as i64 + 1;
    if number > i64::from(shop.config().returns.max_per_order) {
        return Err(Error::TooMany);
    }
    let pieces = fulfilment::pieces(&mut tx, order_id).await?;
    for line in &lines {
        let of = pieces.get(line.line as usize).ok_or(Error::UnknownLine(line.line))?;
        let available = of.out().saturating_sub(awaited(&before, line.line));
        if line.quantity > available {
            return Err(Error::PiecesGone { line: line.line, available });
        }
    }
    let wanted = Return {
        id: id::sequential(),
        order_id,
        number,
        status: Status::Requested,
        refund_id: None,
        lines,
        history: Vec::new(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    store::insert_return(&mut tx, &wanted).await?;
    let mut opened = Opened { tx, order, wanted };
    match by {
        By::Shopper => opened.note("asked for by the shopper", "").await?,
        By::Staff(actor) => opened.turn(Status::Approved, "made by the merchant", actor).await?,
    }
    opened.close(shop).await
}

/// The goods may come.
pub async fn approve(shop: &Shop, id: Uuid, actor: &str) -> Result<Return, Error> {
    step(shop, id, Status::Approved, "approved", actor).await
}

/// The goods are not taken back, and why.
pub async fn reject(shop: &Shop, id: Uuid, reason: &str, actor: &str) -> Result<Return, Error> {
    step(shop, id, Status::Rejected, reason, actor).await
}

/// The shopper keeps the goods after all. One of another order is none.
pub async fn cancel(shop: &Shop, order_id: Uuid, id: Uuid) -> Result<Return, Error> {
    if super::get(shop, id).await?.order_id != order_id {
        return Err(Error::NotFound);
    }
    step(shop, id, Status::Cancelled, "cancelled by the shopper", "").await
}

/// Nothing more is to happen: the goods never came, or there is nothing to be given back for them.
pub async fn close(shop: &Shop, id: Uuid, actor: &str) -> Result<Return, Error> {
    step(shop, id, Status::Closed, "closed", actor).await
}

async fn step(shop: &Shop, id: Uuid, to: Status, cause: &str, actor: &str) -> Result<Return, Error> {
    let mut opened = Opened::of(shop, id).await?;
    opened.turn(to, cause, actor).await?;
    opened.close(shop).await
}

/// Goods came: all at once or one after the other.
pub async fn receive(shop: &Shop, id: Uuid, arrived: &[Arrived], actor: &str) -> Result<Return, Error> {
    let mut opened = Opened::of(shop, id).await?;
    // Refused before anything else is: a return that is rejected takes no goods.
    opened.require(Status::Received)?;
    let pieces = fulfilment::pieces(&mut opened.tx, opened.order.id).await?;
    let lines = orders::lines(&mut opened.tx, opened.order.id).await?;
    for came in arrived {
        let line = opened.wanted.lines.iter_mut().find(|line| line.line == came.line);
        let line = line.ok_or(Error::UnknownLine(came.line))?;
        let out = pieces.get(came.line as usize).map_or(0, Pieces::out);
        let available = (line.quantity - line.received).min(out);
        if came.quantity > available {
            return Err(Error::PiecesGone { line: came.line, available });
        }
        line.received += came.quantity;
        if came.restock {
            line.restocked += came.quantity;
        }
        store::update_line(&mut opened.tx, id, line).await?;
    }
    let mut goods: Vec<_> =
        arrived.iter().filter(|came| came.restock).filter_map(|came| put_back(&lines, came)).collect();
    // In the order of locking, since each has a location of its own.
    goods.sort_by_key(|(goods, _)| goods.variant_id);
    let locations: Vec<_> = goods.iter().filter_map(|(_, location_id)| *location_id).collect();
    inventory::lock_locations(&mut opened.tx, &locations).await?;
    let cause = Cause { kind: CauseKind::Restock, reference_id: Some(id), reason: "returned", actor };
    for (goods, location_id) in goods {
        inventory::restock(&mut opened.tx, &cause, &[goods], location_id).await?;
    }
    opened.turn(Status::Received, "goods came", actor).await?;
    opened.close(shop).await
}

fn put_back(lines: &[Line], came: &Arrived) -> Option<(Quantity, Option<Uuid>)> {
    let of = lines.get(came.line as usize)?;
    let goods = Quantity { variant_id: of.variant_id, sku: of.sku.clone(), quantity: came.quantity };
    Some((goods, came.location_id))
}

/// Gives back what was paid for the pieces that came, and of the delivery. Once.
pub async fn refund(shop: &Shop, id: Uuid, delivery: Amount, why: Why<'_>) -> Result<Return, Error> {
    let mut opened = Opened::of(shop, id).await?;
    opened.require(Status::Refunded)?;
    payments::require_room(shop, &mut opened.tx, opened.order.id).await?;
    let came = opened.wanted.lines.iter().filter(|line| line.received > 0);
    // Who received them has seen to the stock.
    let lines: Vec<_> = came
        .map(|line| WantedLine { line: line.line, quantity: line.received, restock: false, returned: true })
        .collect();
    if lines.is_empty() {
        return Err(Error::NothingCame);
    }
    let (cause, actor) = (why.reason.to_owned(), why.actor.to_owned());
    let wanted = Wanted::Parts { lines, delivery };
    let (refund_id, steps) = refunds::begin(shop, &mut opened.tx, &opened.order, &wanted, why).await?;
    opened.wanted.refund_id = Some(refund_id);
    opened.turn(Status::Refunded, &cause, &actor).await?;
    let refunded = opened.close(shop).await?;
    payments::run_steps(shop, steps).await;
    Ok(refunded)
}

/// When the last goods of an order left, or arrived; none where nothing has left.
async fn last_left(tx: &mut Tx, order_id: Uuid) -> Result<Option<Moment>, Error> {
    let shipments = fulfilment::of_order(tx, order_id).await?;
    Ok(shipments.iter().filter_map(|shipment| shipment.dispatched_at.max(shipment.delivered_at)).max())
}

/// Pieces of a line that are asked for, and have not come.
fn awaited(returns: &[Return], line: u32) -> u32 {
    let open = returns.iter().filter(|wanted| wanted.status.is_awaited());
    open.flat_map(|wanted| &wanted.lines).filter(|of| of.line == line).map(|of| of.quantity - of.received).sum()
}

/// A return whose order is locked.
struct Opened {
    tx: Tx,
    order: Order,
    wanted: Return,
}

impl Opened {
    async fn of(shop: &Shop, id: Uuid) -> Result<Self, Error> {
        let order_id = super::get(shop, id).await?.order_id;
        let mut tx = shop.db().write().await?;
        let order = orders::lock(&mut tx, order_id).await?;
        let wanted = store::find_return(&mut tx, id).await?.ok_or(Error::NotFound)?;
        Ok(Self { tx, order, wanted })
    }

    fn require(&self, to: Status) -> Result<(), Error> {
        if self.wanted.status.may_become(to) { Ok(()) } else { Err(Error::State(self.wanted.status)) }
    }

    /// Into another state, with a row in the history and an event.
    async fn turn(&mut self, to: Status, cause: &str, actor: &str) -> Result<(), Error> {
        self.require(to)?;
        self.wanted.status = to;
        if !store::update_return(&mut self.tx, &self.wanted, clock::now()).await? {
            return Err(Error::Contended);
        }
        self.wanted.version += 1;
        self.note(cause, actor).await
    }

    async fn note(&mut self, cause: &str, actor: &str) -> Result<(), Error> {
        let (wanted, status) = (&self.wanted, self.wanted.status.name());
        let event =
            Event { at: clock::now(), status: status.to_owned(), cause: cause.to_owned(), actor: actor.to_owned() };
        store::insert_history(&mut self.tx, wanted.id, wanted.version, &event).await?;
        let mut data = orders::event_data(&mut self.tx, &self.order).await?;
        data["return"] = json!({
            "id": wanted.id,
            "number": wanted.number,
            "status": status,
            "cause": cause,
            "lines": wanted.lines.iter().map(told).collect::<Vec<_>>(),
        });
        Ok(events::record(&mut self.tx, &format!("return.{status}"), self.order.id, data).await?)
    }

    /// Commits.
    async fn close(self, shop: &Shop) -> Result<Return, Error> {
        self.tx.commit().await?;
        shop.relay().wake();
        super::get(shop, self.wanted.id).await
    }
}

fn told(line: &ReturnLine) -> serde_json::Value {
    json!({
        "line": line.line,
        "quantity": line.quantity,
        "reason": line.reason.name(),
        "received": line.received,
        "restocked": line.restocked,
    })
}
