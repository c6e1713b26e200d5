//! The cases of the HTTP API, by the domain of the route.

mod account_book;
mod account_letters;
mod accounts;
mod api_keys;
mod audit;
mod bad_requests;
mod carts;
mod catalog;
mod catalog_collections;
mod catalog_pages;
mod catalog_types;
mod checkout;
mod coupons;
mod idempotency;
mod money;
mod notifications;
mod operations;
mod orders;
mod payments;
mod search;
mod staff;
mod stock;
mod stock_merchant;
mod stock_races;
mod throttle;
mod token_verification;
