//! Two versions of a pricing plugin, with two digests.
//!
//! They are built from `percent-off`, which the kernel's tests use: the second version is the crate with its feature `v2`.

use std::path::Path;

use bytes::Bytes;
use kassa::plugins::build::{self, Build};

use crate::{Error, Result};

/// Builds both. They stay beside this program, so that a second run finds them there.
///
/// # Errors
///
/// Where the sources are not there: it is run from a checkout.
pub fn build() -> Result<[Bytes; 2]> {
    // A number that no earlier run took: a shop that runs keeps its versions, and other code under one is refused.
    let now = kassa::clock::unix_seconds(kassa::clock::now());
    Ok([version(&format!("1.0.{now}"), &[])?, version(&format!("2.0.{now}"), &["v2"])?])
}

fn version(number: &str, features: &[&str]) -> Result<Bytes> {
    of("percent-off", number, features)
}

/// A version of a plugin of the kernel's tests.
///
/// # Errors
///
/// Where the sources are not there.
pub fn of(name: &str, number: &str, features: &[&str]) -> Result<Bytes> {
    let program = std::env::current_exe().map_err(|cause| Error::File { path: "this program".into(), cause })?;
    let built = build::build(&Build {
        crates: vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernel/tests/plugins").join(name)],
        target_dir: program.with_file_name("kassa-bench-plugins"),
        features: features.iter().map(|feature| (*feature).to_owned()).collect(),
        version: Some(number.to_owned()),
        show_progress: false,
    });
    let component = built.map_err(|error| Error::Plugin(error.to_string()))?.into_iter().next();
    component.map(|component| component.wasm.into()).ok_or_else(|| Error::Plugin("nothing was built".into()))
}
