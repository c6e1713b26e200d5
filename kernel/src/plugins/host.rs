//! The host: one value that loads plugins, routes to them and calls them.

use std::path::Path;
use std::sync::Arc;

use super::{Bound, CallError, Called, Domain, KvStore, Loaded, PackageError, PluginsConfig, Routing};

/// The host did not start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("the plugin engine does not start: {0}")]
    Engine(String),
    #[error("the plugin host cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// A file that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The uploader's fault.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Its machine code cannot be made, or its functions are not those of the contract; the uploader's fault too.
    #[error("the component cannot be compiled: {0}")]
    Compile(String),
    #[error("the component does not fit the contract: {0}")]
    Contract(String),
}

/// The plugin host. Cheap to clone; the last clone dropped stops its threads.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {}

impl Host {
    /// Starts the engine, its ticker and the slow lane. `cache_dir` keeps compiled code, authenticated with
    /// `install_key`: a secret of this install, of at least 32 bytes.
    pub fn new(
        config: &PluginsConfig,
        cache_dir: &Path,
        install_key: &[u8],
        kv: Arc<dyn KvStore>,
    ) -> Result<Self, HostError> {
        let _ = (config, cache_dir, install_key, kv);
        todo!()
    }

    /// Reads and compiles a plugin file, or takes it from the cache.
    pub async fn load(&self, wasm: impl Into<Arc<[u8]>>) -> Result<Arc<Loaded>, LoadError> {
        let _ = wasm.into();
        todo!()
    }

    /// The plugins that serve now. Hold on to it for the length of one request.
    pub fn routing(&self) -> Arc<Routing> {
        todo!()
    }

    /// Makes `bound` the plugins of `domain`, for calls that begin from now on. False, and nothing changes, where a
    /// generation as new is published already: two workers that race end at the newer.
    pub fn publish(&self, domain: Domain, generation: u64, bound: Vec<Arc<Bound>>) -> bool {
        let _ = (domain, generation, bound);
        todo!()
    }

    /// Asks the plugin what activation asks: the empty request of its domain, which checks its settings.
    pub async fn check(&self, bound: &Arc<Bound>) -> Result<Called<()>, CallError> {
        let _ = bound;
        todo!()
    }
}
