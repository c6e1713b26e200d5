//! How the files and the rows that name them stay together.
//!
//! No transaction spans both. So a file is announced before it is written (`unused_since` is set), and used in the transaction of its
//! image. What is not used for `images.keep_unused_minutes` is removed: a file of a deleted image, and one whose upload
//! broke off. Whoever removes a file says so first (`removing_since`): an upload of the same picture then
//! waits, or it would count on a file that goes away under it.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;

use super::render::File;
use super::{Digests, Encoding, Error, store};
use crate::clock::Moment;
use crate::db::Tx;
use crate::{Shop, clock, db};

/// Files removed in one go.
const BATCH: i64 = 100;
/// A removal that was not finished by then was cut short: another finishes it.
const REMOVAL_MINUTES: i64 = 10;
/// How often an upload looks whether a removal is over, and how long it waits between.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Announces files and writes them. They stay for a while, even if nobody begins to use them.
pub(super) async fn keep(shop: &Shop, files: [File; 3]) -> Result<(), Error> {
    let mut files = files.to_vec();
    // Two uploads of one picture take the rows in the same order.
    files.sort_by(|a, b| a.digest.cmp(&b.digest));
    // A small picture is the same in several sizes.
    files.dedup_by(|a, b| a.digest == b.digest);
    for file in files {
        announce(shop, &file.digest).await?;
        // Written even where it should be there: a restored backup may lack it.
        shop.images().blobs.put(&file.digest, file.bytes).await?;
    }
    Ok(())
}

async fn announce(shop: &Shop, digest: &str) -> Result<(), Error> {
    for _ in 0..LOOKS {
        let mut tx = shop.db().write().await?;
        let announced = store::announce_file(&mut tx, digest, clock::now()).await?;
        tx.commit().await?;
        if announced {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Error::Busy)
}

/// Counts the uses of an image's files, in the transaction that makes it.
pub(super) async fn begin_use(tx: &mut Tx, digests: &Digests) -> Result<(), Error> {
    for digest in sorted(digests) {
        // It was announced moments ago; one that is gone again had to wait for an hour.
        if !store::use_file(tx, digest).await? {
            return Err(Error::Busy);
        }
    }
    Ok(())
}

/// The other way round, in the transaction that deletes it.
pub(super) async fn end_use(tx: &mut Tx, digests: &Digests) -> db::Result<()> {
    let now = clock::now();
    for digest in sorted(digests) {
        store::release_file(tx, digest, now).await?;
    }
    Ok(())
}

/// Always in one order: the rows of files are locked one after the other.
fn sorted(digests: &Digests) -> [&str; 3] {
    let mut all = digests.all();
    all.sort_unstable();
    all
}

/// The bytes of a file as they were encoded, by its digest. None where there is no such file, or it is of another kind.
pub async fn read_file(shop: &Shop, digest: &str, encoding: Encoding) -> Result<Option<Bytes>, Error> {
    if digest.len() != 64 || !digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Ok(None);
    }
    let magic: &[u8] = match encoding {
        Encoding::Jpeg => b"\xff\xd8\xff",
        Encoding::Png => b"\x89PNG",
    };
    match shop.images().blobs.get(digest).await {
        Ok(bytes) => Ok(Some(bytes).filter(|bytes| bytes.starts_with(magic))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Removes files that nothing shows, until the shop stops.
pub async fn run(shop: Shop) {
    let minutes = shop.config().images.keep_unused_minutes.max(1);
    let pause = Duration::from_secs(60 * u64::from(minutes));
    loop {
        if let Err(error) = sweep(&shop, clock::now() - TimeDelta::minutes(i64::from(minutes))).await {
            tracing::error!(%error, "files of images that nothing shows cannot be removed");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shop.stopping().cancelled() => break,
        }
    }
}

/// Removes the files that nothing has shown since `before`, and says how many.
pub async fn sweep(shop: &Shop, before: Moment) -> Result<usize, Error> {
    let mut removed = 0;
    while !shop.stopping().is_cancelled() {
        let given_up = clock::now() - TimeDelta::minutes(REMOVAL_MINUTES);
        let digests = store::unused_files(&mut shop.db().read().await?, before, given_up, BATCH).await?;
        if digests.is_empty() {
            break;
        }
        let mut of_these = 0;
        for digest in digests {
            // One that cannot be removed is tried again when its claim has run out; the others must not wait for that.
            match remove(shop, &digest, before, given_up).await {
                Ok(is_removed) => of_these += usize::from(is_removed),
                Err(error) => tracing::error!(%error, digest, "a file of an image cannot be removed"),
            }
        }
        removed += of_these;
        // Where none can be, the next ones are likely to be the same.
        if of_these == 0 {
            break;
        }
    }
    Ok(removed)
}

/// False where somebody began to use it meanwhile, or removes it too.
async fn remove(shop: &Shop, digest: &str, before: Moment, given_up: Moment) -> Result<bool, Error> {
    let mut tx = shop.db().write().await?;
    let claimed = store::claim_removal(&mut tx, digest, before, given_up, clock::now()).await?;
    tx.commit().await?;
    if !claimed {
        return Ok(false);
    }
    shop.images().blobs.delete(digest).await?;
    let mut tx = shop.db().write().await?;
    store::forget_file(&mut tx, digest).await?;
    tx.commit().await?;
    Ok(true)
}
