//! Shops for unit tests. Compiling the default plugins takes a second or more, so it is done once for all of them.

use std::path::Path;

use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::plugins::Isolation;
use crate::{Config, Shop};

/// The data folder of a shop that was opened once.
static PREPARED: OnceCell<TempDir> = OnceCell::const_new();

/// Opens a shop in the empty folder that `config` names.
pub async fn open(mut config: Config) -> Shop {
    config.plugins.compile.isolation = Isolation::None;
    let prepared = PREPARED.get_or_init(prepare).await;
    for folder in ["secrets", "compiled"] {
        copy(&prepared.path().join(folder), &config.data.dir.join(folder));
    }
    Shop::open(config).await.expect("the shop opens")
}

async fn prepare() -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut config = Config::default();
    // The test program is not `kassa`, which could be started again to compile.
    config.plugins.compile.isolation = Isolation::None;
    config.data.dir = dir.path().to_owned();
    config.database.url = format!("sqlite://{}/shop.db", dir.path().display());
    let shop = Shop::open(config).await.expect("the shop opens");
    shop.db().close().await;
    dir
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the prepared folder") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}
