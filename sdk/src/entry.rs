//! What every exported function does first.

use serde::de::DeserializeOwned;

use crate::{Error, bindings, log, settings};

/// The plugin with its settings, ready for the one call that this instance lives for.
pub fn plugin<P: DeserializeOwned>() -> Result<P, Error> {
    // A panic aborts the instance and the host sees a bare trap; what went wrong is told here, before that.
    std::panic::set_hook(Box::new(|panic| log::write(log::Level::Error, &panic.to_string())));
    settings::parse(&bindings::host::kassa::host::settings::get())
}
