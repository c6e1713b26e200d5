//! Bringing the stock of a variant to what a file or a list of many changes says.
//!
//! Whoever does so for several variants in one transaction takes them in the order of their ids, and before them the locks of
//! their locations: see the head of [`super`].

use uuid::Uuid;

use super::ledger::{self, Cause};
use super::reservations::serve_waiting;
use super::{DEFAULT_LOCATION, Error, Item, StockLevel, store};
use crate::db::{Conn, Tx};

/// What is to be so of a variant's stock; what is none or not named stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedStock {
    /// Of all locations together, by a change at the default one: for files that know of no locations.
    pub total: Option<i64>,
    /// What lies where.
    pub levels: Vec<(Uuid, i64)>,
    /// Pieces that come, or with a minus go, and where.
    pub deltas: Vec<(Uuid, i64)>,
    pub tracked: Option<bool>,
    pub backorder_limit: Option<Option<i64>>,
    /// Whether any may be ordered beyond what is on hand, for files that know of no limit: one that is set stays.
    pub backorder: Option<bool>,
    pub low_stock_threshold: Option<Option<i64>>,
}

/// What a change made of a variant's stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    pub before: i64,
    pub after: i64,
    pub changed: bool,
}

impl WantedStock {
    /// Nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Where goods may come to lie, or leave.
    pub fn locations(&self) -> impl Iterator<Item = Uuid> {
        self.levels.iter().chain(&self.deltas).map(|(location, _)| *location)
    }

    /// What is to be added at each place to be there.
    fn changes(&self, item: &Item, levels: &[StockLevel]) -> Vec<(Uuid, i64)> {
        let at = |location: Uuid| levels.iter().find(|level| level.location_id == location).map_or(0, |it| it.on_hand);
        let counted = self.levels.iter().map(|(location, on_hand)| (*location, on_hand - at(*location)));
        let total = self.total.map(|total| (DEFAULT_LOCATION, total - item.on_hand));
        counted.chain(self.deltas.iter().copied()).chain(total).filter(|(_, delta)| *delta != 0).collect()
    }

    fn policy(&self, item: &Item) -> Item {
        let limit = match self.backorder {
            Some(true) if item.backorder_limit == Some(0) => None,
            Some(false) => Some(0),
            _ => item.backorder_limit,
        };
        Item {
            tracked: self.tracked.unwrap_or(item.tracked),
            backorder_limit: self.backorder_limit.unwrap_or(limit),
            low_stock_threshold: self.low_stock_threshold.unwrap_or(item.low_stock_threshold),
            ..item.clone()
        }
    }
}

/// Makes it so. What is so already is looked at without a lock and left alone: no movement, no version.
///
/// An error was found out before anything of this variant was written: the transaction may go on.
pub async fn bring_to(tx: &mut Tx, variant_id: Uuid, wanted: &WantedStock, cause: &Cause<'_>) -> Result<Moved, Error> {
    let (item, levels) = read(tx, variant_id).await?;
    if wanted.changes(&item, &levels).is_empty() && wanted.policy(&item) == item {
        return Ok(Moved { before: item.on_hand, after: item.on_hand, changed: false });
    }
    store::lock_item(tx, variant_id).await?.ok_or(Error::NotFound)?;
    let (item, levels) = read(tx, variant_id).await?;
    let (changes, policy) = (wanted.changes(&item, &levels), wanted.policy(&item));
    if policy.tracked != item.tracked && item.reserved > 0 {
        return Err(Error::InUse);
    }
    let after = check(tx, &item, &levels, &changes).await?;
    for (location, delta) in &changes {
        store::open_level(tx, variant_id, *location).await?;
        if !ledger::post(tx, variant_id, *location, *delta, 0, cause).await? {
            return Err(Error::BelowReserved);
        }
    }
    if policy != item {
        store::update_policy(tx, &policy).await?;
    }
    serve_waiting(tx, variant_id).await?;
    Ok(Moved { before: item.on_hand, after, changed: true })
}

async fn read(conn: &mut Conn, variant_id: Uuid) -> Result<(Item, Vec<StockLevel>), Error> {
    let item = store::find_item(conn, variant_id).await?.ok_or(Error::NotFound)?;
    Ok((item, store::levels_of(conn, variant_id).await?))
}

/// Whether a locked item can take the changes; how many are on hand then.
async fn check(tx: &mut Tx, item: &Item, levels: &[StockLevel], changes: &[(Uuid, i64)]) -> Result<i64, Error> {
    let mut after = i128::from(item.on_hand);
    for (location, delta) in changes {
        after += i128::from(*delta);
        let level = levels.iter().find(|level| level.location_id == *location);
        let (on_hand, reserved) = level.map_or((0, 0), |level| (level.on_hand, level.reserved));
        if i128::from(on_hand) + i128::from(*delta) < i128::from(reserved) {
            return Err(Error::BelowReserved);
        }
        if !store::find_location(tx, *location).await?.is_some_and(|location| location.active) {
            return Err(Error::LocationUnknown);
        }
    }
    i64::try_from(after).ok().filter(|after| *after <= super::MAX_ON_HAND).ok_or(Error::TooMuch)
}
