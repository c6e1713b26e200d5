//! The one value that all state hangs off. One shop is one database; nothing in a domain knows a shop id.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::blobs::Blobs;
use crate::cache::{self, Cache};
use crate::config::Config;
use crate::db::{self, Db, migrate};
use crate::{
    accounts, carts, catalog, events, fulfilment, http, images, import, inventory, notifications, orders, payments,
    plugins, rollouts, routes, throttle, webhooks,
};

/// An open shop. Cheap to clone.
#[derive(Clone)]
pub struct Shop(Arc<Parts>);

struct Parts {
    config: Config,
    db: Db,
    cache: Arc<dyn Cache>,
    keys: accounts::Keys,
    hashing: accounts::Hashing,
    plugins: plugins::Registry,
    relay: events::Relay,
    throttle: Arc<dyn throttle::Store>,
    letters: accounts::Letters,
    transports: notifications::Transports,
    inboxes: Arc<notifications::live::Hub>,
    webhooks: webhooks::Sender,
    images: images::Images,
    /// Files that wait to be imported.
    imports: Blobs,
    /// Work that outlives the request that began it: checkouts, payments.
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Why a shop cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot use {path}: {cause}")]
    Folder { path: PathBuf, cause: io::Error },
    #[error(transparent)]
    Database(#[from] db::Error),
    #[error(transparent)]
    Migration(#[from] migrate::Error),
    #[error("keys: {0}")]
    Keys(#[from] accounts::KeysError),
    #[error("plugins: {0}")]
    Plugins(#[from] plugins::RegistryError),
    #[error("notifications: {0}")]
    Notifications(#[from] notifications::TransportError),
    #[error("webhooks: {0}")]
    Webhooks(#[from] webhooks::WebhooksError),
}

impl Shop {
    /// Opens the shop of `config`: creates its folder and database where they are missing, applies migrations, loads the keys,
    /// installs the default plugins in an empty shop, and loads what is bound. Serves nothing yet.
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        let dir = config.data.dir.clone();
        let db = Self::migrate(&config).await?;
        let keys = accounts::Keys::load_or_create(&dir)?;
        let blob_dir = dir.join("plugins");
        let blobs = Blobs::open(&blob_dir).map_err(|cause| OpenError::Folder { path: blob_dir, cause })?;
        let plugins = plugins::Registry::open(&config, &db, blobs, &keys).await?;
        let transports = notifications::Transports::open(&config)?;
        let webhooks = webhooks::Sender::open(&config.webhooks)?;
        let image_dir = dir.join("images");
        let images = images::Images::open(&image_dir, &config.images)
            .map_err(|cause| OpenError::Folder { path: image_dir, cause })?;
        let import_dir = dir.join("imports");
        let imports = Blobs::open(&import_dir).map_err(|cause| OpenError::Folder { path: import_dir, cause })?;
        let shop = Self(Arc::new(Parts {
            cache: cache::open(&config.cache),
            hashing: accounts::Hashing::new(&config.accounts),
            letters: accounts::Letters::default(),
            relay: events::Relay::new(bus()),
            throttle: throttle::open(&config.throttle),
            inboxes: notifications::live::Hub::new(&config.notifications.inbox),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            config,
            db,
            keys,
            plugins,
            transports,
            webhooks,
            images,
            imports,
        }));
        rollouts::resume(&shop).await?;
        Ok(shop)
    }

    /// Creates the folder and the database of `config` where they are missing, and applies migrations.
    pub async fn migrate(config: &Config) -> Result<Db, OpenError> {
        let dir = &config.data.dir;
        create_private_dir(dir).map_err(|cause| OpenError::Folder { path: dir.clone(), cause })?;
        let db = Db::open(&config.database).await?;
        migrate::run(&db).await?;
        Ok(db)
    }

    pub fn config(&self) -> &Config {
        &self.0.config
    }

    pub fn db(&self) -> &Db {
        &self.0.db
    }

    pub fn cache(&self) -> &dyn Cache {
        &*self.0.cache
    }

    pub fn keys(&self) -> &accounts::Keys {
        &self.0.keys
    }

    pub fn hashing(&self) -> &accounts::Hashing {
        &self.0.hashing
    }

    pub fn plugins(&self) -> &plugins::Registry {
        &self.0.plugins
    }

    pub fn relay(&self) -> &events::Relay {
        &self.0.relay
    }

    pub fn throttle(&self) -> &dyn throttle::Store {
        &*self.0.throttle
    }

    pub fn transports(&self) -> &notifications::Transports {
        &self.0.transports
    }

    /// Who listens to their inbox.
    pub fn inboxes(&self) -> &Arc<notifications::live::Hub> {
        &self.0.inboxes
    }

    pub fn webhooks(&self) -> &webhooks::Sender {
        &self.0.webhooks
    }

    pub fn letters(&self) -> &accounts::Letters {
        &self.0.letters
    }

    pub fn images(&self) -> &images::Images {
        &self.0.images
    }

    /// The files of imports, by the ids of their jobs.
    pub fn imports(&self) -> &Blobs {
        &self.0.imports
    }

    /// Runs `work` to its end even if the client goes away: a checkout must not stop between two of its steps.
    /// A stopping shop waits for it.
    pub async fn run_to_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, tokio::task::JoinError> {
        use tracing::Instrument;
        self.0.tasks.spawn(work.in_current_span()).await
    }

    /// As [`Shop::run_to_end`], where nobody waits for the end.
    pub fn run_unattended(&self, work: impl Future<Output = ()> + Send + 'static) {
        use tracing::Instrument;
        self.0.tasks.spawn(work.in_current_span());
    }

    /// Ends workers and requests; [`serve`] returns when they are done.
    pub fn stop(&self) {
        self.0.stop.cancel();
    }

    /// Cancelled when the shop stops.
    pub fn stopping(&self) -> &CancellationToken {
        &self.0.stop
    }
}

/// Serves the shop on `listener`, with its workers, until [`Shop::stop`]. What is under way ends first.
pub async fn serve(shop: Shop, listener: TcpListener) {
    let workers = TaskTracker::new();
    workers.spawn(events::run(shop.clone()));
    workers.spawn(notifications::run(shop.clone()));
    workers.spawn(webhooks::run(shop.clone()));
    workers.spawn(accounts::run(shop.clone()));
    workers.spawn(payments::run(shop.clone()));
    workers.spawn(orders::run(shop.clone()));
    workers.spawn(catalog::run(shop.clone()));
    workers.spawn(carts::run(shop.clone()));
    workers.spawn(inventory::run(shop.clone()));
    workers.spawn(fulfilment::run(shop.clone()));
    workers.spawn(images::run(shop.clone()));
    workers.spawn(import::run_jobs(shop.clone()));
    workers.spawn(rollouts::run(shop.clone()));
    workers.spawn(plugins::registry::run(shop.clone()));
    workers.close();
    let router = routes::router(&shop);
    http::server::serve(listener, router, &shop.config().http, shop.stopping().clone()).await;
    shop.0.tasks.close();
    shop.0.tasks.wait().await;
    workers.wait().await;
    shop.db().close().await;
}

/// Only the owner may look into the folder: it holds keys and mails.
fn create_private_dir(dir: &std::path::Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// The bus, with everyone who listens.
fn bus() -> Arc<dyn events::Bus> {
    Arc::new(events::Memory::new(vec![
        Box::new(notifications::Notifications),
        Box::new(notifications::StaffInbox),
        Box::new(webhooks::Webhooks),
        Box::new(orders::Adoption),
    ]))
}
