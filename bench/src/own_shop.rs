//! A shop in this process: a data folder, a database and a port of its own, the file of sales as its catalog.

use std::path::Path;

use kassa::import::{Format, Report, Source};
use kassa::plugins::Isolation;
use kassa::{Config, Shop};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::database::Database;
use crate::merchant::Login;
use crate::{Error, Result};

/// A running shop.
pub struct OwnShop {
    pub shop: Shop,
    pub login: Login,
    pub database: Database,
    server: JoinHandle<()>,
    // Removed when it is dropped.
    _dir: TempDir,
}

impl OwnShop {
    /// Opens a shop on SQLite, or on a fresh database of the PostgreSQL server `postgres`, and serves it.
    ///
    /// It sells in pounds; in any currency but its demo's, the default plugins have no rules: prices are those of
    /// the catalog, and delivery is a free pickup.
    pub async fn open(postgres: Option<&str>) -> Result<Self> {
        Self::open_with(postgres, |_| {}).await
    }

    /// The same with other settings.
    pub async fn open_with(postgres: Option<&str>, change: impl FnOnce(&mut Config)) -> Result<Self> {
        let dir = tempfile::tempdir().map_err(|cause| Error::File { path: "the temporary folder".into(), cause })?;
        let database = match postgres {
            Some(server) => Database::postgres(server).await?,
            None => Database::sqlite(dir.path()),
        };
        match Self::serve(dir.path(), &database, change).await {
            Ok((shop, login, server)) => Ok(Self { shop, login, database, server, _dir: dir }),
            Err(error) => {
                database.drop().await?;
                Err(error)
            }
        }
    }

    async fn serve(
        dir: &Path,
        database: &Database,
        change: impl FnOnce(&mut Config),
    ) -> Result<(Shop, Login, JoinHandle<()>)> {
        let mut config = config(dir, database)?;
        change(&mut config);
        let shop = Shop::open(config).await.map_err(Error::shop)?;
        let password = kassa::id::secret();
        let email = "merchant@example.org".to_owned();
        kassa::accounts::create_owner(&shop, &email, Some(&password)).await.map_err(Error::shop)?;
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(Error::shop)?;
        let address = listener.local_addr().map_err(Error::shop)?.to_string();
        let server = tokio::spawn(kassa::serve(shop.clone(), listener));
        Ok((shop, Login { address, email, password }, server))
    }

    /// Imports a file of sales, with `extra_stock` of each variant beyond what the file sells.
    pub async fn import(&self, file: impl Source, extra_stock: i64) -> Result<Report> {
        let format = Format::OnlineRetail { extra_stock };
        let report = kassa::import::run(&self.shop, file, format, false, &mut |_| {}).await;
        report.map_err(Error::shop)
    }

    /// Stops serving, and removes everything.
    pub async fn close(self) -> Result<()> {
        self.shop.stop();
        self.server.await?;
        self.database.drop().await
    }
}

fn config(dir: &Path, database: &Database) -> Result<Config> {
    let mut config = Config::default();
    // This program has no role in which it could be started again to compile.
    config.plugins.compile.isolation = Isolation::None;
    config.shop.currency = "GBP".to_owned().try_into().map_err(|_| Error::Plugin("GBP is a currency".into()))?;
    config.shop.demo_catalog = false;
    config.data.dir = dir.to_owned();
    config.database.url = database.url().to_owned();
    Ok(config)
}
