//! The cases of the HTTP API, by the domain of the route.

mod accounts;
mod api_keys;
mod bad_requests;
mod carts;
mod catalog;
mod checkout;
mod idempotency;
mod money;
mod operations;
mod orders;
mod payments;
mod search;
mod staff;
mod stock;
mod stock_merchant;
mod stock_races;
