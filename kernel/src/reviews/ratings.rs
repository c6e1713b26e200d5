//! What the published reviews of a product come to.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Error, store};
use crate::db::{self, Conn, Tx};
use crate::{Shop, search};

/// How many published reviews a product has, and their average.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rating {
    /// In hundredths of a star; 0 where there are none.
    pub average: i64,
    pub reviews: i64,
    /// How many have one star, two, and so on.
    pub stars: [i64; 5],
}

impl Rating {
    /// The average, where there is one.
    pub fn shown(&self) -> Option<i64> {
        (self.reviews > 0).then_some(self.average)
    }

    /// Of so many reviews with one star, two, and so on.
    pub(super) fn of(stars: [i64; 5]) -> Self {
        let reviews: i64 = stars.iter().sum();
        let sum: i64 = (1..).zip(stars).map(|(star, count): (i64, i64)| star * count).sum();
        // Rounded, half upwards.
        let average = (sum * 200 + reviews).checked_div(2 * reviews).unwrap_or_default();
        Self { average, reviews, stars }
    }
}

/// Of one product.
pub async fn rating_of(conn: &mut Conn, product_id: Uuid) -> db::Result<Rating> {
    Ok(store::ratings(conn, &[product_id]).await?.pop().map(|(_, rating)| rating).unwrap_or_default())
}

/// Of some products, those that have any: one statement, however many products.
pub async fn ratings_of(shop: &Shop, product_ids: &[Uuid]) -> Result<HashMap<Uuid, Rating>, Error> {
    if product_ids.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(store::ratings(&mut shop.db().read().await?, product_ids).await?.into_iter().collect())
}

/// Counts them again, and has the product found by what comes out.
///
/// Counting beats adding one up or down: whatever went wrong before is right afterwards. Two who change reviews of one
/// product wait for each other here, so that the second counts what the first did.
pub(super) async fn count(tx: &mut Tx, product_id: Uuid) -> db::Result<()> {
    store::lock_rating(tx, product_id).await?;
    let rating = Rating::of(store::count_stars(tx, product_id).await?);
    store::set_rating(tx, product_id, &rating).await?;
    search::enqueue(tx, &[product_id]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_rounded_to_a_hundredth() {
        for (stars, average) in [
            ([0; 5], 0),
            ([0, 0, 0, 0, 7], 500),
            ([1, 0, 0, 0, 1], 300),
            ([0, 0, 1, 2, 0], 367),
            ([0, 0, 2, 1, 0], 333),
            ([1, 0, 0, 0, 7], 450),
            // 4.125
            ([0, 1, 1, 2, 4], 413),
        ] {
            assert_eq!(Rating::of(stars).average, average, "{stars:?}");
        }
    }
}
