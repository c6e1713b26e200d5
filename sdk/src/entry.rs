//! What every exported function does first.

use serde::de::DeserializeOwned;

use crate::{Configurable, Error, Mistake, bindings, log, settings};

/// The plugin with its settings, ready for the one call that this instance lives for.
pub fn plugin<P: DeserializeOwned>() -> Result<P, Error> {
    tell_of_panics();
    settings::parse(&bindings::host::kassa::host::settings::get())
}

/// What is wrong with settings that are not in force.
pub fn validate<P: Configurable>(json: &str) -> Result<(), Vec<Mistake>> {
    tell_of_panics();
    settings::validate::<P>(json)
}

/// A panic aborts the instance and the host sees a bare trap; what went wrong is told here, before that.
fn tell_of_panics() {
    std::panic::set_hook(Box::new(|panic| log::write(log::Level::Error, &panic.to_string())));
}
