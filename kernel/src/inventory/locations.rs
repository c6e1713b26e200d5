//! Where goods lie.

use uuid::Uuid;

use super::{DEFAULT_LOCATION, Error, store};
use crate::address::Address;
use crate::db::{self, Conn, Tx};
use crate::{Shop, id};

/// Longest name of a location, in characters.
pub const MAX_LOCATION_NAME: usize = 100;

/// A warehouse, a shop, a shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    pub id: Uuid,
    pub name: String,
    pub address: Option<Address>,
    /// Orders are served from the lowest that has all of a line.
    pub priority: i64,
    /// A closed one takes no goods, and has none.
    pub active: bool,
    /// Shoppers may collect there.
    pub pickup: bool,
    pub version: i64,
}

impl Location {
    fn hands_out(&self) -> bool {
        self.active && self.pickup
    }
}

/// A location to be made.
#[derive(Debug, Clone)]
pub struct NewLocation {
    pub name: String,
    pub address: Option<Address>,
    pub priority: i64,
    pub pickup: bool,
}

/// What is to change of a location.
#[derive(Debug, Clone, Default)]
pub struct LocationPatch {
    pub name: Option<String>,
    /// `Some(None)` takes it away.
    pub address: Option<Option<Address>>,
    pub priority: Option<i64>,
    pub active: Option<bool>,
    pub pickup: Option<bool>,
}

/// All of them, by priority.
pub async fn list_locations(shop: &Shop) -> Result<Vec<Location>, Error> {
    Ok(store::list_locations(&mut shop.db().read().await?).await?)
}

/// Those where shoppers may collect, by priority.
pub async fn pickup_locations(shop: &Shop) -> Result<Vec<Location>, Error> {
    let mut locations = list_locations(shop).await?;
    locations.retain(Location::hands_out);
    Ok(locations)
}

/// Whether shoppers may collect at a location.
pub async fn hands_out(conn: &mut Conn, id: Uuid) -> Result<bool, Error> {
    Ok(store::find_location(conn, id).await?.is_some_and(|location| location.hands_out()))
}

pub async fn get_location(shop: &Shop, id: Uuid) -> Result<Location, Error> {
    store::find_location(&mut shop.db().read().await?, id).await?.ok_or(Error::NotFound)
}

/// The location with this id, if there is one.
pub async fn find_location(conn: &mut Conn, id: Uuid) -> db::Result<Option<Location>> {
    store::find_location(conn, id).await
}

pub async fn create_location(shop: &Shop, new: NewLocation) -> Result<Location, Error> {
    let mut tx = shop.db().write().await?;
    let location = create_location_in(shop, &mut tx, id::sequential(), new).await?;
    tx.commit().await?;
    Ok(location)
}

/// The same in a transaction of the caller, under this id.
pub async fn create_location_in(shop: &Shop, tx: &mut Tx, id: Uuid, new: NewLocation) -> Result<Location, Error> {
    let location = Location {
        id,
        name: new.name,
        address: new.address,
        priority: new.priority,
        active: true,
        pickup: new.pickup,
        version: 1,
    };
    if !store::insert_location(tx, &location, i64::from(shop.config().inventory.max_locations)).await? {
        return Err(Error::TooManyLocations);
    }
    Ok(location)
}

/// Changes a location; where `expected` is some, only if that is its version. It is closed only when nothing lies there:
/// what would be on hand and nobody could order is better moved first.
pub async fn patch_location(
    shop: &Shop,
    id: Uuid,
    patch: LocationPatch,
    expected: Option<i64>,
) -> Result<Location, Error> {
    let mut tx = shop.db().write().await?;
    let location = patch_location_in(&mut tx, id, patch, expected).await?;
    tx.commit().await?;
    Ok(location)
}

/// The same in a transaction of the caller.
pub async fn patch_location_in(
    tx: &mut Tx,
    id: Uuid,
    patch: LocationPatch,
    expected: Option<i64>,
) -> Result<Location, Error> {
    let mut location = store::lock_location(tx, id).await?.ok_or(Error::NotFound)?;
    let current = location.version - 1;
    if expected.is_some_and(|expected| expected != current) {
        return Err(Error::VersionMismatch { current });
    }
    location.name = patch.name.unwrap_or(location.name);
    location.address = patch.address.unwrap_or(location.address);
    location.priority = patch.priority.unwrap_or(location.priority);
    location.active = patch.active.unwrap_or(location.active);
    location.pickup = patch.pickup.unwrap_or(location.pickup);
    if !location.active && (id == DEFAULT_LOCATION || store::holds_goods(tx, id).await?) {
        return Err(Error::InUse);
    }
    store::update_location(tx, &location).await?;
    Ok(location)
}

/// Deletes a location where nothing lies. Movements keep its id.
pub async fn delete_location(shop: &Shop, id: Uuid, expected: Option<i64>) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    let location = store::lock_location(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let current = location.version - 1;
    if expected.is_some_and(|expected| expected != current) {
        return Err(Error::VersionMismatch { current });
    }
    if id == DEFAULT_LOCATION || !store::delete_location(&mut tx, id).await? {
        return Err(Error::InUse);
    }
    Ok(tx.commit().await?)
}
