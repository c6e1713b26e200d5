//! Shipments are planned, leave, arrive or are called off; the order's status follows.

use uuid::Uuid;

use super::announce::News;
use super::{
    Error, Kind, NewShipment, Pieces, Shipment, ShipmentPatch, ShippedLine, Source, Status, StepKind, TrackingEvent,
    announce, booking, pieces, store,
};
use crate::clock;
use crate::db::Tx;
use crate::inventory::Quantity;
use crate::orders::{self, Order, StateError};
use crate::{Shop, id, inventory};

/// Plans a shipment, and books its carrier where that is wanted: the answer has what became of that.
pub async fn create(shop: &Shop, order_id: Uuid, new: NewShipment) -> Result<Shipment, Error> {
    require_location(shop, new.location_id).await?;
    let book = new.book;
    let (mut tx, order) = lock(shop, order_id).await?;
    let mut shipment = plan(shop, &mut tx, &order, new).await?;
    if book {
        shipment = booking::begin(shop, &mut tx, shipment, StepKind::Book).await?;
    }
    tx.commit().await?;
    shop.relay().wake();
    if book {
        booking::run_open(shop, &shipment).await?;
    }
    super::get(shop, shipment.id).await
}

/// Changes what a shopper follows a shipment by and, while the goods are here, where they leave from.
pub async fn patch(shop: &Shop, id: Uuid, patch: ShipmentPatch) -> Result<Shipment, Error> {
    require_location(shop, patch.location_id.flatten()).await?;
    let mut opened = Opened::of(shop, id).await?;
    let shipment = &mut opened.shipment;
    if shipment.status == Status::Cancelled {
        return Err(Error::State(shipment.status));
    }
    if let Some(location_id) = patch.location_id.filter(|location_id| *location_id != shipment.location_id) {
        if shipment.dispatched_at.is_some() {
            return Err(Error::State(shipment.status));
        }
        shipment.location_id = location_id;
        if shipment.status == Status::ReadyForPickup {
            opened.require_pickup().await?;
        }
    }
    let shipment = &mut opened.shipment;
    shipment.tracking.number = patch.tracking_number.unwrap_or_else(|| shipment.tracking.number.clone());
    shipment.tracking.url = patch.tracking_url.unwrap_or_else(|| shipment.tracking.url.clone());
    opened.save().await?;
    opened.close(shop).await
}

/// The goods leave with the carrier.
pub async fn dispatch(shop: &Shop, id: Uuid) -> Result<Shipment, Error> {
    let mut opened = Opened::of(shop, id).await?;
    if opened.shipment.kind == Kind::Pickup {
        return Err(Error::Pickup);
    }
    opened.require_idle()?;
    opened.leave(Status::InTransit, &Told::by_staff(), shop).await?;
    opened.follow("shipped by the merchant").await?;
    opened.close(shop).await
}

/// The goods can be collected. They are on hand until that is done.
pub async fn ready(shop: &Shop, id: Uuid) -> Result<Shipment, Error> {
    let mut opened = Opened::of(shop, id).await?;
    opened.make_ready().await?;
    opened.close(shop).await
}

/// The goods have arrived, or were collected.
pub async fn deliver(shop: &Shop, id: Uuid) -> Result<Shipment, Error> {
    let mut opened = Opened::of(shop, id).await?;
    opened.arrive(&Told::by_staff(), shop).await?;
    opened.follow("delivered").await?;
    opened.close(shop).await
}

/// Calls a shipment off whose goods are here. Where a carrier was booked, it is asked first: if it refuses, the shipment
/// stays booked.
pub async fn cancel(shop: &Shop, id: Uuid) -> Result<Shipment, Error> {
    let mut opened = Opened::of(shop, id).await?;
    opened.require_idle()?;
    match opened.shipment.status {
        Status::Pending | Status::ReadyForPickup => {
            opened.cancel(&Told::by_staff()).await?;
            opened.close(shop).await
        }
        Status::Booked => {
            let Opened { mut tx, shipment, .. } = opened;
            let shipment = booking::begin(shop, &mut tx, shipment, StepKind::Cancel).await?;
            tx.commit().await?;
            booking::run_open(shop, &shipment).await?;
            let now = super::get(shop, id).await?;
            match now.step.as_ref().filter(|_| now.status != Status::Cancelled) {
                Some(step) if now.is_waiting() => Err(Error::Waiting(step.kind)),
                Some(step) => Err(Error::NotCancelled(step.note.clone())),
                None => Ok(now),
            }
        }
        status => Err(Error::State(status)),
    }
}

/// All that has not left goes on its way: shipments that wait, and one more with what is in none.
pub async fn ship_all(shop: &Shop, order_id: Uuid) -> Result<(), Error> {
    let (mut tx, order) = lock_with_goods(shop, order_id).await?;
    let mut waiting: Vec<_> = super::of_order(&mut tx, order_id).await?;
    waiting.retain(|shipment| matches!(shipment.status, Status::Pending | Status::Booked));
    match plan(shop, &mut tx, &order, NewShipment::default()).await {
        Ok(rest) => waiting.push(rest),
        Err(Error::NothingLeft) if !waiting.is_empty() => {}
        Err(error) => return Err(error),
    }
    for shipment in waiting {
        let mut opened = Opened { tx, order: order.clone(), shipment };
        opened.require_idle()?;
        match opened.shipment.kind {
            Kind::Carriage => opened.leave(Status::InTransit, &Told::by_staff(), shop).await?,
            Kind::Pickup => opened.make_ready().await?,
        }
        tx = opened.tx;
    }
    follow(&mut tx, order_id, "shipped by the merchant").await?;
    tx.commit().await?;
    shop.relay().wake();
    Ok(())
}

/// All that is on its way has arrived, and all that was ready is collected.
pub async fn deliver_all(shop: &Shop, order_id: Uuid) -> Result<(), Error> {
    let (mut tx, order) = lock_with_goods(shop, order_id).await?;
    let mut under_way = super::of_order(&mut tx, order_id).await?;
    under_way.retain(|shipment| matches!(shipment.status, Status::InTransit | Status::ReadyForPickup));
    if under_way.is_empty() {
        return Err(Error::Order(order.status));
    }
    for shipment in under_way {
        let mut opened = Opened { tx, order: order.clone(), shipment };
        opened.arrive(&Told::by_staff(), shop).await?;
        tx = opened.tx;
    }
    follow(&mut tx, order_id, "delivered").await?;
    tx.commit().await?;
    shop.relay().wake();
    Ok(())
}

/// The order's status follows its goods: shipped when all have left that are still wanted, delivered when all have arrived.
pub async fn follow(tx: &mut Tx, order_id: Uuid, cause: &str) -> Result<(), StateError> {
    let pieces = super::pieces(tx, order_id).await?;
    if super::Progress::of(&pieces) != super::Progress::Fulfilled {
        return Ok(());
    }
    orders::mark_shipped(tx, order_id, cause).await?;
    let shipments = super::of_order(tx, order_id).await?;
    let arrived = shipments.iter().any(|shipment| shipment.status == Status::Delivered);
    if arrived && shipments.iter().all(|shipment| shipment.status.is_ended()) {
        orders::mark_delivered(tx, order_id, cause).await?;
    }
    Ok(())
}

/// The order, locked in a transaction.
async fn lock(shop: &Shop, order_id: Uuid) -> Result<(Tx, Order), Error> {
    let mut tx = shop.db().write().await?;
    let order = orders::lock(&mut tx, order_id).await?;
    Ok((tx, order))
}

/// As [`lock`], for goods that leave in several shipments.
async fn lock_with_goods(shop: &Shop, order_id: Uuid) -> Result<(Tx, Order), Error> {
    let (mut tx, order) = lock(shop, order_id).await?;
    let goods: Vec<_> = orders::lines(&mut tx, order_id).await?.iter().map(orders::Line::stock).collect();
    inventory::lock(&mut tx, &goods).await?;
    Ok((tx, order))
}

async fn require_location(shop: &Shop, id: Option<Uuid>) -> Result<(), Error> {
    let Some(id) = id else { return Ok(()) };
    match inventory::get_location(shop, id).await {
        Ok(location) if location.active => Ok(()),
        Ok(_) | Err(inventory::Error::NotFound) => Err(inventory::Error::LocationUnknown.into()),
        Err(error) => Err(error.into()),
    }
}

/// Writes a shipment of an order that is locked.
async fn plan(shop: &Shop, tx: &mut Tx, order: &Order, new: NewShipment) -> Result<Shipment, Error> {
    if order.status != orders::Status::Paid {
        return Err(Error::Order(order.status));
    }
    let lines = choose(&pieces(tx, order.id).await?, new.lines)?;
    let number = store::next_number(tx, order.id).await?;
    if number > i64::from(shop.config().fulfilment.max_shipments) {
        return Err(Error::TooMany);
    }
    let kind = if order.delivery.pickup { Kind::Pickup } else { Kind::Carriage };
    if new.book && kind == Kind::Pickup {
        return Err(Error::Pickup);
    }
    let now = clock::now();
    let shipment = Shipment {
        id: id::sequential(),
        order_id: order.id,
        number,
        kind,
        status: Status::Pending,
        location_id: new.location_id,
        plugin: order.delivery.plugin.clone(),
        option_code: order.delivery.code.clone(),
        reference: String::new(),
        tracking: new.tracking,
        lines,
        events: Vec::new(),
        step: None,
        version: 1,
        checks: 0,
        next_check_at: None,
        created_at: now,
        dispatched_at: None,
        delivered_at: None,
        updated_at: now,
    };
    store::insert_shipment(tx, &shipment).await?;
    announce::announce(tx, News::Created, order, &shipment).await?;
    Ok(shipment)
}

/// What is wanted, as far as there is as much left; all that is left, where nothing was said.
fn choose(pieces: &[Pieces], wanted: Option<Vec<ShippedLine>>) -> Result<Vec<ShippedLine>, Error> {
    let Some(wanted) = wanted else {
        let left = pieces.iter().map(|of| ShippedLine { line: of.line, quantity: of.left() });
        let left: Vec<_> = left.filter(|line| line.quantity > 0).collect();
        return if left.is_empty() { Err(Error::NothingLeft) } else { Ok(left) };
    };
    for want in &wanted {
        let of = pieces.get(want.line as usize).ok_or(Error::UnknownLine(want.line))?;
        if want.quantity > of.left() {
            return Err(Error::PiecesGone { line: want.line, available: of.left() });
        }
    }
    Ok(wanted)
}

/// Who says what happened, and when it did.
pub(super) struct Told {
    pub source: Source,
    pub at: clock::Moment,
    pub text: String,
}

impl Told {
    pub fn by_staff() -> Self {
        Self { source: Source::Staff, at: clock::now(), text: String::new() }
    }
}

/// A shipment whose order is locked.
pub(super) struct Opened {
    pub tx: Tx,
    pub order: Order,
    pub shipment: Shipment,
}

impl Opened {
    pub async fn of(shop: &Shop, id: Uuid) -> Result<Self, Error> {
        let order_id = super::get(shop, id).await?.order_id;
        let (mut tx, order) = lock(shop, order_id).await?;
        let shipment = super::find(&mut tx, id).await?;
        Ok(Self { tx, order, shipment })
    }

    /// Nothing is to happen to it while a carrier may be doing something else.
    pub fn require_idle(&self) -> Result<(), Error> {
        match &self.shipment.step {
            Some(step) if self.shipment.is_waiting() => Err(Error::Waiting(step.kind)),
            _ => Ok(()),
        }
    }

    /// The goods go out of the stock.
    pub async fn leave(&mut self, to: Status, told: &Told, shop: &Shop) -> Result<(), Error> {
        let shipment = &mut self.shipment;
        if shipment.dispatched_at.is_some() || shipment.status.is_ended() {
            return Err(Error::State(shipment.status));
        }
        let lines = orders::lines(&mut self.tx, self.order.id).await?;
        let stock =
            |held: &ShippedLine| Some(Quantity { quantity: held.quantity, ..lines.get(held.line as usize)?.stock() });
        let goods: Vec<_> = shipment.lines.iter().filter_map(stock).collect();
        inventory::ship(&mut self.tx, self.order.id, &goods, shipment.location_id).await?;
        shipment.dispatched_at = Some(told.at);
        shipment.next_check_at = booking::next_look(shop, shipment);
        self.turn(to, told).await?;
        if to == Status::InTransit {
            self.tell(News::OnItsWay).await?;
        }
        Ok(())
    }

    /// Nobody is sent to a place where nobody hands anything out.
    async fn require_pickup(&mut self) -> Result<(), Error> {
        match self.shipment.location_id {
            Some(id) if !inventory::hands_out(&mut self.tx, id).await? => Err(Error::NoPickup),
            _ => Ok(()),
        }
    }

    async fn make_ready(&mut self) -> Result<(), Error> {
        match (self.shipment.kind, self.shipment.status) {
            (Kind::Carriage, _) => return Err(Error::Carriage),
            (Kind::Pickup, Status::Pending) => {}
            (Kind::Pickup, status) => return Err(Error::State(status)),
        }
        self.require_pickup().await?;
        self.turn(Status::ReadyForPickup, &Told::by_staff()).await?;
        self.tell(News::OnItsWay).await
    }

    /// What is collected leaves at that moment.
    pub async fn arrive(&mut self, told: &Told, shop: &Shop) -> Result<(), Error> {
        match (self.shipment.kind, self.shipment.status) {
            (Kind::Carriage, Status::InTransit) => {
                self.shipment.delivered_at = Some(told.at);
                self.shipment.next_check_at = None;
                self.turn(Status::Delivered, told).await?;
            }
            (Kind::Pickup, Status::Pending | Status::ReadyForPickup) => {
                self.shipment.delivered_at = Some(told.at);
                self.leave(Status::Delivered, told, shop).await?;
            }
            (_, status) => return Err(Error::State(status)),
        }
        self.tell(News::Delivered).await
    }

    /// The carrier brought back what was on its way. The goods are not on the shelf by that: a return puts them there.
    pub async fn come_back(&mut self, told: &Told) -> Result<(), Error> {
        self.shipment.next_check_at = None;
        self.turn(Status::Returned, told).await
    }

    pub async fn cancel(&mut self, told: &Told) -> Result<(), Error> {
        self.shipment.next_check_at = None;
        self.turn(Status::Cancelled, told).await
    }

    /// Into another status, with an entry in the history.
    pub async fn turn(&mut self, to: Status, told: &Told) -> Result<(), Error> {
        self.shipment.status = to;
        self.save().await?;
        let event = TrackingEvent { at: told.at, status: Some(to), text: told.text.clone(), source: told.source };
        store::insert_event(&mut self.tx, self.shipment.id, &event).await?;
        Ok(())
    }

    async fn save(&mut self) -> Result<(), Error> {
        if !store::update_shipment(&mut self.tx, &self.shipment, clock::now()).await? {
            return Err(Error::Contended);
        }
        self.shipment.version += 1;
        Ok(())
    }

    async fn tell(&mut self, news: News) -> Result<(), Error> {
        Ok(announce::announce(&mut self.tx, news, &self.order, &self.shipment).await?)
    }

    pub async fn follow(&mut self, cause: &str) -> Result<(), Error> {
        Ok(follow(&mut self.tx, self.order.id, cause).await?)
    }

    /// Commits.
    pub async fn close(self, shop: &Shop) -> Result<Shipment, Error> {
        let id = self.shipment.id;
        self.tx.commit().await?;
        shop.relay().wake();
        super::get(shop, id).await
    }
}
