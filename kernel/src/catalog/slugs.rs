//! Slugs that were: what had one is still found by it, until something else takes it.

use uuid::Uuid;

use super::store;
use crate::clock;
use crate::db::{Conn, Result, Tx};

/// Whose slug it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlugOf {
    Product,
    Category,
    Collection,
}

impl SlugOf {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Category => "category",
            Self::Collection => "collection",
        }
    }
}

/// Something is found by `new` from now on, and was by `old`.
pub(super) async fn rename(tx: &mut Tx, of: SlugOf, id: Uuid, old: &str, new: &str) -> Result<()> {
    if old != new {
        store::put_redirect(tx, of, old, id, clock::now()).await?;
        take(tx, of, new).await?;
    }
    Ok(())
}

/// A slug that is taken leads nowhere else.
pub(super) async fn take(tx: &mut Tx, of: SlugOf, slug: &str) -> Result<()> {
    store::delete_redirect(tx, of, slug).await
}

/// What had this slug.
pub(super) async fn find_moved(conn: &mut Conn, of: SlugOf, slug: &str) -> Result<Option<Uuid>> {
    store::find_redirect(conn, of, slug).await
}

/// What is gone has no slugs.
pub(super) async fn forget(tx: &mut Tx, id: Uuid) -> Result<()> {
    store::delete_redirects_to(tx, id).await
}
