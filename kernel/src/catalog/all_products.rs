//! Every product, whatever its status: what the merchant works through. Shoppers have [`super::listing`].

use uuid::Uuid;

use super::{Error, Status, store};
use crate::clock::{self, Moment};
use crate::{Shop, search};

/// Which products: what is `None` does not matter.
#[derive(Debug, Default, Clone)]
pub struct AllFilter {
    pub status: Option<Status>,
    /// Products of the category itself.
    pub category_id: Option<Uuid>,
    pub type_code: Option<String>,
    /// Each must hold: what `search::label_ranges` made of a search.
    pub labels: Vec<(String, String)>,
}

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AllSort {
    #[default]
    Newest,
    Oldest,
    /// The last changed one first.
    Updated,
}

/// A product in the merchant's list.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    pub vendor: String,
    pub status: Status,
    pub category_id: Option<Uuid>,
    pub type_code: Option<String>,
    pub version: i64,
    pub created_at: Moment,
    pub updated_at: Moment,
    pub variants: i64,
    /// Pieces of all variants that can be sold now.
    pub available: i64,
}

/// Behind the product `after`, which is the moment of its last change and its id. One more than `limit`, to know whether there are more.
pub async fn list_all(
    shop: &Shop,
    filter: &AllFilter,
    sort: AllSort,
    after: Option<(Moment, Uuid)>,
    limit: u32,
) -> Result<Vec<Entry>, Error> {
    let latest = clock::now() + chrono::TimeDelta::days(3_650);
    let first = (latest, if sort == AllSort::Oldest { Uuid::nil() } else { Uuid::max() });
    let after = after.unwrap_or(first);
    let mut conn = shop.db().read().await?;
    Ok(store::list_all(&mut conn, filter, sort, after, i64::from(limit) + 1).await?)
}

impl AllFilter {
    /// Only what has a word that begins with each word of `q`. False where `q` has no word, and so finds nothing.
    pub fn search(&mut self, q: &str) -> bool {
        self.labels = search::label_ranges(q);
        !self.labels.is_empty()
    }
}
