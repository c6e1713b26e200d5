//! Kassa: a commerce kernel whose business rules are WebAssembly plugins.
//!
//! ARCHITECTURE.md has the map. In short: [`routes`] lists every endpoint; a domain is a folder with `mod.rs` (types, rules,
//! public functions), `http.rs` (handlers) and `store.rs` (all its SQL); [`plugins`] hosts the components; [`db`]
//! holds both databases; [`Shop`] is the one value that all state hangs off.

pub mod accounts;
pub mod address;
pub mod audit;
pub mod blobs;
pub mod cache;
pub mod carts;
pub mod catalog;
pub mod clock;
pub mod config;
pub mod coupons;
pub mod customers;
pub mod db;
pub mod documents;
mod egress;
pub mod events;
pub mod export;
pub mod fulfilment;
mod html;
pub mod http;
pub mod id;
pub mod images;
pub mod import;
pub mod inventory;
pub mod ledger;
pub mod money;
pub mod notifications;
pub mod once;
pub mod orders;
pub mod payments;
pub mod plugins;
pub mod prepaid;
pub mod prices;
pub mod problem;
pub mod replay;
pub mod returns;
pub mod reviews;
pub mod rollouts;
pub mod routes;
pub mod search;
mod shop;
pub mod signature;
#[cfg(test)]
mod test_shop;
pub mod throttle;
pub mod webhooks;

pub use config::Config;
pub use shop::{OpenError, Shop, serve};
