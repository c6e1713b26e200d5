//! What happened, for whoever wants to look.

use uuid::Uuid;

use super::{Event, store};
use crate::clock::Moment;
use crate::{Shop, db};

/// An event, and what became of telling it.
#[derive(Debug)]
pub struct Logged {
    pub event: Event,
    /// Tries to tell it that were begun.
    pub attempts: i64,
    /// When every listener had it.
    pub told_at: Option<Moment>,
    /// When no listener was asked any more.
    pub given_up_at: Option<Moment>,
    pub last_error: Option<String>,
}

/// Which events; what is none does not matter.
#[derive(Debug, Default)]
pub struct Filter {
    pub kind: Option<String>,
    pub subject: Option<String>,
}

/// Events before `before`, the newest first; one more than `limit`, where there are.
pub async fn list(shop: &Shop, filter: &Filter, before: Option<Uuid>, limit: u32) -> db::Result<Vec<Logged>> {
    let mut conn = shop.db().read().await?;
    store::list(&mut conn, filter, before.unwrap_or(Uuid::max()), i64::from(limit) + 1).await
}
