//! What adds to a sum is done once for a key of the caller's ([`crate::http::idempotency`]), whatever becomes of its answer.
//!
//! That a request was answered is kept beside what it did, and can be lost: by a crash, or for want of a connection. That it was done is
//! kept in the transaction of what it did, and cannot. Who comes again with the key is told what was done then.

mod store;

use uuid::Uuid;

use crate::clock::{self, Moment};
use crate::db::{Conn, Result, Tx};

/// What a request may do once: nothing is kept of one without a key.
#[derive(Debug, Clone, Copy, Default)]
pub struct Once(Option<[u8; 32]>);

impl Once {
    /// For the key of which this is a digest, together with whose it is and what it is for.
    pub fn of(digest: [u8; 32]) -> Self {
        Self(Some(digest))
    }

    /// What was done under the key before, by its id. To be asked behind the lock of what is done, where it has one.
    pub async fn done(self, conn: &mut Conn) -> Result<Option<Uuid>> {
        match self.0 {
            Some(digest) => store::find(conn, &digest).await,
            None => Ok(None),
        }
    }

    /// Keeps that it is done, with the rest of the transaction; fails where somebody else did it meanwhile.
    pub async fn keep(self, tx: &mut Tx, made: Uuid) -> Result<()> {
        match self.0 {
            Some(digest) => store::insert(tx, &digest, made, clock::now()).await,
            None => Ok(()),
        }
    }
}

/// Forgets what was done before `before`, so many at most.
pub async fn forget(tx: &mut Tx, before: Moment, rows: i64) -> Result<u64> {
    store::delete(tx, before, rows).await
}
