//! The plugin's own small store, which outlives the call. Granted to payment plugins.
//!
//! Keys are 1 to 256 bytes without U+0000, values 64 KiB, 1,000,000 keys and 1 GiB in all (settings of the operator). All
//! versions of a plugin share its keys, so write values that an older version can read after a rollback.
//! On the desk, under `cargo test`, it is a map of the test's thread: see [`testing::clear_kv`](crate::testing::clear_kv).

use crate::Error;
#[cfg(target_family = "wasm")]
use crate::bindings::host::kassa::host::kv as store;
#[cfg(not(target_family = "wasm"))]
use crate::testing::kv as store;

/// The value of `key`.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(store::get(key)?)
}

/// Sets `key`; durable when it returns.
pub fn set(key: &str, value: &[u8]) -> Result<(), Error> {
    Ok(store::set(key, value)?)
}

/// Sets `key` if it has no value yet, and tells whether it did: the way to do a thing once.
pub fn set_if_absent(key: &str, value: &[u8]) -> Result<bool, Error> {
    Ok(store::set_if_absent(key, value)?)
}

/// Removes `key`; removing what is not there is no error.
pub fn delete(key: &str) -> Result<(), Error> {
    Ok(store::delete(key)?)
}

/// A store that does not answer may answer later; one that is full is for the author to mend.
impl From<crate::bindings::host::kassa::host::kv::Error> for Error {
    fn from(error: crate::bindings::host::kassa::host::kv::Error) -> Self {
        use crate::bindings::host::kassa::host::kv::Error as KvError;
        match error {
            KvError::Quota(text) => Error::Internal(format!("the plugin's store: {text}")),
            KvError::Unavailable => Error::Unavailable("the plugin's store did not answer".to_owned()),
        }
    }
}
