//! The cases of the HTTP API, by the domain of the route.

mod accounts;
mod bad_requests;
mod carts;
mod catalog;
mod checkout;
mod idempotency;
mod operations;
mod orders;
mod payments;
mod prices;
