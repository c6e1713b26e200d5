//! Writes what a file describes.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Described, Error, OnProgress, Progress, Report};
use crate::Shop;
use crate::catalog::{self, Put};
use crate::db::Tx;

/// Variants written in one transaction: enough that the commits cost little, few enough that shoppers' orders, which
/// wait for it on SQLite, do not wait for the whole file.
const BATCH: usize = 500;

/// Writes `described`, counting into `report`.
pub(super) async fn products(
    shop: &Shop,
    described: &[Described],
    report: &mut Report,
    on_progress: OnProgress<'_>,
) -> Result<(), Error> {
    let mut rest = described;
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(batch_len(rest));
        match write_batch(shop, batch).await {
            Ok(puts) => batch.iter().zip(puts).for_each(|(described, put)| count(report, described, put)),
            Err(catalog::Error::Database(error)) => return Err(error.into()),
            // One product is at fault, and its transaction is gone: find out which.
            Err(_) => write_one_by_one(shop, batch, report).await?,
        }
        rest = after;
        let products_total = described.len() as u64;
        on_progress(Progress { products_done: products_total - rest.len() as u64, products_total });
    }
    catalog::announce(shop);
    // A shop that is served meanwhile shares the work.
    match catalog::index_queued(shop, |_| {}).await {
        Err(catalog::Error::Database(error)) => Err(error.into()),
        // What waits stays queued, and is found once it is indexed.
        _ => Ok(()),
    }
}

/// Products whose variants fill a batch, at least one.
fn batch_len(described: &[Described]) -> usize {
    let mut variants = 0;
    let fits = |described: &&Described| {
        variants += described.lines.len();
        variants <= BATCH
    };
    described.iter().take_while(fits).count().max(1)
}

async fn write_batch(shop: &Shop, batch: &[Described]) -> Result<Vec<Put>, catalog::Error> {
    let mut tx = shop.db().write().await?;
    let (mut puts, mut categories) = (Vec::with_capacity(batch.len()), HashMap::new());
    for described in batch {
        puts.push(put(&mut tx, described, &mut categories).await?);
    }
    tx.commit().await?;
    Ok(puts)
}

async fn write_one_by_one(shop: &Shop, batch: &[Described], report: &mut Report) -> Result<(), Error> {
    for described in batch {
        match write_batch(shop, std::slice::from_ref(described)).await {
            Ok(puts) => puts.into_iter().for_each(|put| count(report, described, put)),
            Err(catalog::Error::Database(error)) => return Err(error.into()),
            Err(error) => {
                let reason = error.to_string();
                described.lines.iter().flatten().for_each(|line| report.reject(*line, reason.as_str()));
            }
        }
    }
    Ok(())
}

/// `categories` holds the ids of those that this transaction has seen, by slug.
async fn put<'a>(
    tx: &mut Tx,
    described: &'a Described,
    categories: &mut HashMap<&'a str, Uuid>,
) -> Result<Put, catalog::Error> {
    let mut product = described.product.clone();
    if let Some((slug, name)) = &described.category {
        let id = match categories.get(slug.as_str()) {
            Some(id) => *id,
            None => catalog::put_category(tx, slug, name).await?,
        };
        categories.insert(slug, id);
        product.category_id = Some(id);
    }
    catalog::put_product(tx, &product).await
}

fn count(report: &mut Report, described: &Described, put: Put) {
    report.products.count(put.product);
    for (outcome, lines) in put.variants.into_iter().zip(&described.lines) {
        match outcome {
            Ok(outcome) => report.variants.count(outcome),
            Err(error) => {
                let reason = error.to_string();
                lines.iter().for_each(|line| report.reject(*line, reason.as_str()));
            }
        }
    }
}
