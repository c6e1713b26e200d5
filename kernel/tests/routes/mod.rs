//! The cases of the HTTP API, by the domain of the route.

mod accounts;
mod api_keys;
mod bad_requests;
mod carts;
mod catalog;
mod catalog_collections;
mod catalog_pages;
mod catalog_types;
mod checkout;
mod idempotency;
mod operations;
mod orders;
mod payments;
mod search;
mod staff;
