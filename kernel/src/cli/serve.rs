//! `kassa serve`.

use kassa::{Config, Shop, accounts, catalog};
use tokio::net::TcpListener;

use super::Outcome;

/// Opens the shop, creating what an empty one needs, and serves until it is told to stop.
pub async fn run(config: Config) -> Outcome {
    let listener = TcpListener::bind(&config.http.listen)
        .await
        .map_err(|error| format!("cannot listen on {} (setting http.listen): {error}", config.http.listen))?;
    let shop = Shop::open(config).await?;
    // The demo belongs to the first start alone: a merchant who empties the catalog means it. The owner is created
    // last, so that a start that was cut off between the two is made good by the next.
    if shop.config().shop.demo_catalog && !accounts::has_owner(&shop).await? {
        catalog::seed::demo(&shop).await?;
    }
    if let Some(path) = accounts::first_owner(&shop).await? {
        eprintln!("An owner was created; e-mail and password are in {}", path.display());
    }
    let address = listener.local_addr()?;
    tokio::spawn(stop_on_signal(shop.clone()));
    println!("ready http://{address}");
    kassa::serve(shop, listener).await;
    Ok(())
}

async fn stop_on_signal(shop: Shop) {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            },
            Err(_) => drop(interrupted.await),
        }
    }
    #[cfg(not(unix))]
    drop(interrupted.await);
    tracing::info!("stopping: requests under way are answered first");
    shop.stop();
}
