//! The integration tests: one binary, every API case on SQLite and on PostgreSQL.
//!
//! `api_test!` registers a case that gets a running shop; `plain_test!` one that needs none. Where PostgreSQL does not
//! answer, its cases are listed as ignored and the run says so at its end; `KASSA_TEST_REQUIRE_BACKENDS=1`, which CI sets,
//! makes that a failure. `KASSA_TEST_POSTGRES` names another server than the usual local one.

#[macro_use]
mod support;

mod access;
mod catalog;
mod config;
mod conformance;
mod crash;
mod database;
mod events;
mod failed_calls;
mod frozen;
mod hostile;
mod import;
mod old_contract;
mod openapi;
mod pack;
mod packages;
mod plans;
mod plugin_grants;
mod plugin_settings;
mod plugin_telemetry;
mod plugins;
mod privacy;
mod races;
mod replays;
mod rollouts;
mod routes;
mod tidy;
mod walk;

fn main() -> std::process::ExitCode {
    // The shops in this process compile plugins as `kassa` does.
    kassa::plugins::compile::run_if_asked().or_else(packages::probe_if_asked).unwrap_or_else(support::run)
}
