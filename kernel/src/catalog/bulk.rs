//! Prices of many variants, changed at once: all of them or none.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::products::{lock, read_product, write};
use super::{Error, Flaw, Product, Variant, announce, store};
use crate::Shop;
use crate::db::Tx;
use crate::money::{self, Amount};
use crate::search;

/// Which variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    Id(Uuid),
    Sku(String),
}

/// What becomes of a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PriceChange {
    To(Amount),
    By(Amount),
    /// In basis points: -1000 takes a tenth away.
    ByPercent(i64),
}

/// A price to be changed.
#[derive(Debug, Clone)]
pub struct PriceLine {
    pub which: Which,
    /// None: the price stays.
    pub change: Option<PriceChange>,
    /// What it cost before; `Some(None)` says nothing of it any more.
    pub compare_at: Option<Option<Amount>>,
}

/// A price before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repriced {
    pub variant_id: Uuid,
    pub sku: String,
    pub before: Amount,
    pub after: Amount,
    pub compare_at_before: Option<Amount>,
    pub compare_at_after: Option<Amount>,
}

/// Changes prices, or with `dry_run` only says what would become of them. What follows from a percentage is rounded to the
/// nearest multiple of `round_to`, and a half away from zero; so is nothing else.
pub async fn change_prices(
    shop: &Shop,
    lines: &[PriceLine],
    round_to: i64,
    dry_run: bool,
) -> Result<Vec<Repriced>, Error> {
    let mut tx = shop.db().write().await?;
    let products = products_of(&mut tx, lines).await?;
    let (mut done, mut flaws) = (BTreeMap::new(), Vec::new());
    // In the order of their ids: two who change prices at once wait for each other in one direction.
    for (product_id, lines) in products {
        match change_product(&mut tx, product_id, &lines, round_to, dry_run).await {
            Ok(told) => done.extend(told),
            Err(Error::Invalid(more)) => flaws.extend(more),
            Err(error) => return Err(error),
        }
    }
    Flaw::none(flaws)?;
    if !dry_run {
        tx.commit().await?;
        announce(shop);
    }
    Ok(done.into_values().collect())
}

/// The prices of one product. What is so already is looked at without a lock, and left alone.
async fn change_product(
    tx: &mut Tx,
    product_id: Uuid,
    lines: &[(usize, &PriceLine)],
    round_to: i64,
    dry_run: bool,
) -> Result<Vec<(usize, Repriced)>, Error> {
    let current = read_product(tx, product_id).await?;
    let (after, told) = reprice(current.clone(), lines, round_to)?;
    if dry_run || after == current {
        return Ok(told);
    }
    let before = lock(tx, product_id, None).await?;
    let (after, told) = reprice(before.clone(), lines, round_to)?;
    for variant in after.variants.iter().filter(|variant| !before.variants.contains(variant)) {
        store::update_variant(tx, variant, after.updated_at).await?;
    }
    write(tx, &after).await?;
    search::enqueue(tx, &[product_id]).await?;
    Ok(told)
}

/// The ids of variants that lines name.
pub async fn variant_ids(shop: &Shop, named: &[Which]) -> Result<Vec<Uuid>, Error> {
    let mut conn = shop.db().read().await?;
    let (mut ids, mut flaws) = (Vec::with_capacity(named.len()), Vec::new());
    for (index, which) in named.iter().enumerate() {
        let id = match which {
            Which::Id(id) => store::find_product_of_variant(&mut conn, *id).await?.map(|_| *id),
            Which::Sku(sku) => store::find_variant_id(&mut conn, sku).await?,
        };
        match id {
            Some(id) => ids.push(id),
            None => flaws.push(Flaw::new(which.at(index), "there is no such variant")),
        }
    }
    Flaw::none(flaws)?;
    Ok(ids)
}

/// The lines with their places, by the product of their variant.
type ByProduct<'a> = BTreeMap<Uuid, Vec<(usize, &'a PriceLine)>>;

async fn products_of<'a>(tx: &mut Tx, lines: &'a [PriceLine]) -> Result<ByProduct<'a>, Error> {
    let skus: Vec<_> = lines.iter().filter_map(|line| line.which.sku()).collect();
    let mut by_sku = HashMap::new();
    for chunk in skus.chunks(store::SKU_CHUNK) {
        by_sku.extend(store::products_of_skus(tx, chunk).await?);
    }
    let (mut products, mut flaws) = (ByProduct::new(), Vec::new());
    for (index, line) in lines.iter().enumerate() {
        let product_id = match &line.which {
            Which::Id(id) => store::find_product_of_variant(tx, *id).await?,
            Which::Sku(sku) => by_sku.get(sku).copied(),
        };
        match product_id {
            Some(product_id) => products.entry(product_id).or_default().push((index, line)),
            None => flaws.push(Flaw::new(line.which.at(index), "there is no such variant")),
        }
    }
    Flaw::none(flaws)?;
    Ok(products)
}

/// A product with the prices that some lines want.
fn reprice(
    mut product: Product,
    lines: &[(usize, &PriceLine)],
    round_to: i64,
) -> Result<(Product, Vec<(usize, Repriced)>), Error> {
    let (mut told, mut flaws, mut seen) = (Vec::with_capacity(lines.len()), Vec::new(), HashSet::new());
    for (index, line) in lines {
        let found = product.variants.iter_mut().find(|variant| line.which.is(variant));
        let Some(variant) = found else {
            flaws.push(Flaw::new(line.which.at(*index), "there is no such variant"));
            continue;
        };
        if !seen.insert(variant.id) {
            flaws.push(Flaw::new(line.which.at(*index), "stands here twice"));
            continue;
        }
        match line.change.map_or(Some(variant.price), |change| change.of(variant.price, round_to)) {
            Some(after) => {
                let before = std::mem::replace(&mut variant.price, after);
                let compare_at_after = line.compare_at.unwrap_or(variant.compare_at_price);
                let compare_at_before = std::mem::replace(&mut variant.compare_at_price, compare_at_after);
                let (variant_id, sku) = (variant.id, variant.sku.clone());
                let repriced = Repriced { variant_id, sku, before, after, compare_at_before, compare_at_after };
                told.push((*index, repriced));
            }
            None => flaws.push(Flaw::new(format!("/lines/{index}"), "the price would be below zero, or too high")),
        }
    }
    Flaw::none(flaws)?;
    Ok((product, told))
}

impl Which {
    /// The pointer of the field by which the line at `index` names its variant.
    pub fn at(&self, index: usize) -> String {
        match self {
            Self::Id(_) => format!("/lines/{index}/variant_id"),
            Self::Sku(_) => format!("/lines/{index}/sku"),
        }
    }

    fn sku(&self) -> Option<&str> {
        match self {
            Self::Id(_) => None,
            Self::Sku(sku) => Some(sku),
        }
    }

    fn is(&self, variant: &Variant) -> bool {
        match self {
            Self::Id(id) => variant.id == *id,
            Self::Sku(sku) => variant.sku == *sku,
        }
    }
}

impl PriceChange {
    /// The new price; none where it would be none.
    fn of(self, price: Amount, round_to: i64) -> Option<Amount> {
        let after = match self {
            Self::To(after) => i128::from(after),
            Self::By(amount) => i128::from(price) + i128::from(amount),
            Self::ByPercent(basis_points) => {
                let unit = 10_000 * i128::from(round_to.max(1));
                let exact = i128::from(price) * (10_000 + i128::from(basis_points));
                // Below zero is refused, so a half goes up.
                (2 * exact + unit).div_euclid(2 * unit) * i128::from(round_to.max(1))
            }
        };
        money::checked(after).ok().filter(|after| *after >= 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_set_moved_and_rounded() {
        use PriceChange::{By, ByPercent, To};
        for (price, change, round_to, expected) in [
            (1_000, To(0), 1, Some(0)),
            (1_000, To(-1), 1, None),
            (1_000, By(-1_000), 1, Some(0)),
            (1_000, By(-1_001), 1, None),
            (1_000, By(i64::MAX), 1, None),
            (995, ByPercent(-1_000), 1, Some(896)),
            (994, ByPercent(-1_000), 1, Some(895)),
            (5, ByPercent(1_000), 1, Some(6)),
            (5, ByPercent(-1_000), 1, Some(5)),
            (5, ByPercent(-5_000), 1, Some(3)),
            (1_025, ByPercent(0), 50, Some(1_050)),
            (1_024, ByPercent(0), 50, Some(1_000)),
            (1_000, ByPercent(-10_000), 1, Some(0)),
            (1_000, ByPercent(-10_001), 1, Some(0)),
            (1_000, ByPercent(-20_000), 1, None),
            (money::MAX_AMOUNT, ByPercent(1_000_000), 1, None),
        ] {
            assert_eq!(change.of(price, round_to), expected, "{price} {change:?} {round_to}");
        }
    }
}
