//! All the SQL of the inventory.

mod audit;
mod items;
mod levels;
mod lists;
mod locations;
mod movements;
mod reservations;

pub(super) use audit::*;
pub(super) use items::*;
pub(super) use levels::*;
pub(super) use lists::*;
pub(super) use locations::*;
pub(super) use movements::*;
pub(super) use reservations::*;
