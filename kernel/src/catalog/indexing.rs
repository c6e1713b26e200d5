//! What a product is found by, given to the search.
//!
//! A merchant's change of one product indexes it in its own transaction: it is found at once. What changes many (an import, a
//! category's name or place, a product type, a kernel that cuts words otherwise) is queued in its transaction and indexed by [`run`].

use std::time::Duration;

use uuid::Uuid;

use super::document::describe;
use super::products::read_product;
use super::{Error, Product, announce, store};
use crate::db::Tx;
use crate::search;
use crate::{Shop, clock, db};

/// Indexes what is queued until the shop stops.
pub async fn run(shop: Shop) {
    let pause = Duration::from_millis(shop.config().search.poll_interval_ms.max(1));
    if let Err(error) = reindex_if_outdated(&shop).await {
        tracing::error!(%error, "the search index cannot be renewed");
    }
    loop {
        if let Err(error) = index_queued(&shop, |_| {}).await {
            tracing::error!(%error, "products cannot be indexed");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shop.stopping().cancelled() => break,
        }
    }
}

/// Queues every product. The index stays in use while it is renewed.
pub async fn reindex(shop: &Shop) -> Result<usize, Error> {
    let mut tx = shop.db().write().await?;
    let ids = store::all_product_ids(&mut tx).await?;
    search::enqueue_all(&mut tx, &ids).await?;
    tx.commit().await?;
    Ok(ids.len())
}

/// Queues every product where another version of the kernel made the index.
async fn reindex_if_outdated(shop: &Shop) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    if search::needs_reindex(&mut tx).await? {
        let ids = store::all_product_ids(&mut tx).await?;
        search::enqueue_all(&mut tx, &ids).await?;
        tx.commit().await?;
        tracing::info!(products = ids.len(), "the search index is renewed");
    }
    Ok(())
}

/// Indexes until the queue is empty, telling how many products each batch had.
pub async fn index_queued(shop: &Shop, mut on_batch: impl FnMut(usize)) -> Result<(), Error> {
    let batch = shop.config().search.batch.max(1);
    while !shop.stopping().is_cancelled() {
        let mut tx = shop.db().write().await?;
        let ids = search::take_queued(&mut tx, batch).await?;
        if ids.is_empty() {
            break;
        }
        let mut documents = Vec::with_capacity(ids.len());
        for id in &ids {
            // One that was deleted took its rows of the queue with it.
            match read_product(&mut tx, *id).await {
                Err(Error::NotFound) => {}
                product => documents.push(describe(&mut tx, &product?).await?),
            }
        }
        search::put(&mut tx, &documents).await?;
        tx.commit().await?;
        announce(shop);
        on_batch(ids.len());
    }
    Ok(())
}

/// Indexes a product with its variants in the transaction of its change.
pub(super) async fn index(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    let document = describe(tx, product).await?;
    Ok(search::put(tx, &[document]).await?)
}

/// Has what is in a category and below it indexed again.
pub(super) async fn enqueue_subtree(tx: &mut Tx, path: &str) -> db::Result<()> {
    let ids = store::category_ids_below(tx, path).await?;
    search::enqueue_categories(tx, &ids).await
}

/// Has all products of a type indexed again: its attributes are what they are found and filtered by.
pub(super) async fn enqueue_type(tx: &mut Tx, code: &str) -> db::Result<()> {
    let ids = store::product_ids_of_type(tx, code).await?;
    search::enqueue(tx, &ids).await
}

/// Puts the products of one category into another. Lists have them there at once, words of the old name a moment longer.
pub(super) async fn move_products(tx: &mut Tx, from: Uuid, to: Option<Uuid>) -> db::Result<()> {
    store::move_products(tx, from, to, clock::now()).await?;
    search::move_products(tx, from, to).await
}
