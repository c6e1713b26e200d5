//! Tags: words by which a merchant gathers products.

use uuid::Uuid;

use super::store;
use crate::db::{Result, Tx};

/// Tags that one product may have.
pub const MAX_TAGS: usize = 50;
/// Longest tag, in characters.
pub const MAX_TAG: usize = 60;

/// Lower case, single spaces, each once, by alphabet: `Summer  Sale` and `summer sale` are one tag.
pub(super) fn fold(tags: &[String]) -> Vec<String> {
    let mut tags: Vec<_> = tags.iter().map(|tag| fold_tag(tag)).filter(|tag| !tag.is_empty()).collect();
    tags.sort();
    tags.dedup();
    tags
}

/// One tag, as it is kept.
pub fn fold_tag(tag: &str) -> String {
    tag.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Replaces the tags of a product.
pub(super) async fn write(tx: &mut Tx, product_id: Uuid, tags: &[String]) -> Result<()> {
    store::delete_tags(tx, product_id).await?;
    for tag in tags {
        store::insert_tag(tx, product_id, tag).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_one_however_it_is_written() {
        let tags = ["Summer  Sale", "ЛЕТО", "summer sale", " ", "a"].map(String::from);
        assert_eq!(fold(&tags), ["a", "summer sale", "лето"]);
    }
}
