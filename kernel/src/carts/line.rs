//! A line of a cart: how much of what, what the shopper says about it, and which price they were promised.

use std::collections::{BTreeMap, HashMap};

use chrono::TimeDelta;
use uuid::Uuid;

use super::{Contents, Shortage};
use crate::catalog::{self, Reading, SellableVariant};
use crate::clock::Moment;
use crate::money::Amount;
use crate::prices::Price;
use crate::{Shop, db};

/// Names and values that a shopper gives a cart or a line: an engraving, a gift card's text. Sorted, so that equal ones are alike.
pub type Attributes = BTreeMap<String, String>;

/// A line of a cart with its variant. The same variant with other attributes is another line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub line_id: Uuid,
    pub position: i64,
    pub quantity: u32,
    /// As the catalog has it now.
    pub variant: SellableVariant,
    /// What the cart pays for a piece: the catalog's price or, while that is higher, the one held. Where it is not sold in the cart's
    /// currency any more, the one that was shown last.
    pub unit_price: Amount,
    pub promise: Promise,
    pub note: String,
    pub attributes: Attributes,
}

/// What the shopper knows of the price of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// As it was shown last: until `until`, no more is asked.
    pub price: Amount,
    /// None where prices are not held.
    pub until: Option<Moment>,
    /// As the shopper knows it: another one is told until it is acknowledged.
    pub told: Amount,
}

/// A line whose variant was deleted from the catalog. It costs nothing, and stays until the shopper has been told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoneLine {
    pub line_id: Uuid,
    pub sku: String,
    pub title: String,
    pub quantity: u32,
}

/// Gives lines their titles in the language of `locale`, where that is not the shop's own.
pub(super) async fn translate(shop: &Shop, conn: &mut db::Conn, locale: &str, lines: &mut [Line]) -> db::Result<()> {
    if Reading::of(shop, &[locale.to_owned()]).is_own() { Ok(()) } else { entitle(shop, conn, locale, lines).await }
}

/// The same of lines that may have other titles than the shop's own.
pub(super) async fn entitle(shop: &Shop, conn: &mut db::Conn, locale: &str, lines: &mut [Line]) -> db::Result<()> {
    let ids: Vec<_> = lines.iter().map(|line| line.variant.id).collect();
    let titles = catalog::variant_titles(shop, conn, locale, &ids).await?;
    for line in lines {
        if let Some(title) = titles.get(&line.variant.id) {
            line.variant.title.clone_from(title);
        }
    }
    Ok(())
}

impl Promise {
    /// What a piece costs where the catalog asks `catalog`: a rise waits until the promise runs out, a fall does not.
    pub fn price_at(&self, catalog: Amount, now: Moment) -> Amount {
        if self.holds_against(catalog, now) { self.price } else { catalog }
    }

    fn holds_against(&self, catalog: Amount, now: Moment) -> bool {
        catalog > self.price && self.until.is_some_and(|until| until > now)
    }

    /// The promise that is given anew to a shopper who looks now. One that holds a lower price than the catalog's is not
    /// prolonged: a cart that is looked at now and then would keep it for ever. One of which most is left is not written again.
    fn renewed(self, catalog: Amount, now: Moment, hold: TimeDelta) -> Self {
        if hold.is_zero() {
            return Self { price: catalog, until: None, ..self };
        }
        let fresh = self.price == catalog && self.until.is_some_and(|until| until > now + hold / 2);
        if fresh || self.holds_against(catalog, now) {
            return self;
        }
        Self { price: catalog, until: Some(now + hold), ..self }
    }
}

impl Line {
    /// Whether it is the line that more of `variant_id` with these attributes joins.
    pub fn is_of(&self, variant_id: Uuid, attributes: &Attributes) -> bool {
        self.variant.id == variant_id && self.attributes == *attributes
    }

    /// Promises this from now on.
    pub fn take_promise(&mut self, promise: Promise, now: Moment) {
        self.promise = promise;
        self.unit_price = self.catalog_price().map_or(promise.price, |price| promise.price_at(price, now));
    }

    /// What the catalog asks for a piece now; none where it is not sold in the cart's currency.
    pub fn catalog_price(&self) -> Option<Amount> {
        self.variant.price.as_ref().map(|price| price.amount)
    }

    /// The price that is asked, where it is what the line pays: not while a lower one is held.
    pub fn applying(&self) -> Option<&Price> {
        self.variant.price.as_ref().filter(|price| price.amount == self.unit_price)
    }

    /// Whether any of it can be ordered, as far as stock goes.
    pub fn is_on_sale(&self) -> bool {
        self.variant.sellable && self.variant.price.is_some()
    }

    /// How many can be sold, other lines of the variant apart.
    fn free(&self) -> i64 {
        if self.is_on_sale() { self.variant.available.max(0) } else { 0 }
    }
}

impl Contents {
    /// Promises the prices as they are now.
    pub(super) fn renew_promises(&mut self, now: Moment, hold: TimeDelta) {
        for line in &mut self.lines {
            if let Some(price) = line.catalog_price() {
                line.promise = line.promise.renewed(price, now, hold);
            }
        }
    }

    /// For each line, how many of its pieces can be had. Lines of one variant share what there is, the first one first.
    pub fn available(&self) -> Vec<u32> {
        let mut left = HashMap::new();
        let available = self.lines.iter().map(|line| {
            let left = left.entry(line.variant.id).or_insert_with(|| line.free());
            let taken = (*left).clamp(0, i64::from(line.quantity));
            *left -= taken;
            u32::try_from(taken).unwrap_or(line.quantity)
        });
        available.collect()
    }

    /// SKUs of the lines that are not sold in the cart's currency any more.
    pub fn unpriced(&self) -> Vec<String> {
        let unpriced = self.lines.iter().filter(|line| line.variant.price.is_none());
        unpriced.map(|line| line.variant.sku.clone()).collect()
    }

    /// Lines of which less can be sold than is wanted, or that are no longer on sale at all.
    pub fn shortages(&self) -> Vec<Shortage> {
        let lines = self.lines.iter().zip(self.available());
        let short = lines.filter(|(line, available)| *available < line.quantity);
        short.map(|(line, available)| shortage(line, i64::from(available))).collect()
    }

    /// Whether the line wants more than the other lines of its variant leave; how much that is.
    pub(super) fn shortage_of(&self, index: usize) -> Option<Shortage> {
        let line = self.lines.get(index)?;
        let others = self.lines.iter().filter(|other| other.variant.id == line.variant.id);
        let wanted: i64 = others.map(|line| i64::from(line.quantity)).sum();
        let left = line.free() - (wanted - i64::from(line.quantity));
        (left < i64::from(line.quantity)).then(|| shortage(line, left))
    }
}

fn shortage(line: &Line, available: i64) -> Shortage {
    let available = u32::try_from(available.max(0)).unwrap_or(u32::MAX);
    Shortage { sku: line.variant.sku.clone(), wanted: line.quantity, available }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_rise_waits_for_the_end_of_the_promise_and_a_fall_does_not() {
        let now = clock::now();
        let (past, future) = (Some(now - TimeDelta::seconds(1)), Some(now + TimeDelta::seconds(1)));
        for (promised, until, catalog, expected) in [
            (500, future, 600, 500),
            (500, past, 600, 600),
            (500, Some(now), 600, 600),
            (500, None, 600, 600),
            (500, future, 400, 400),
            (500, past, 400, 400),
            (500, future, 500, 500),
        ] {
            let promise = Promise { price: promised, until, told: 500 };
            assert_eq!(promise.price_at(catalog, now), expected, "{promised} until {until:?}, {catalog} asked");
        }
    }

    #[test]
    fn a_promise_is_renewed_unless_it_is_below_the_catalog_or_fresh() {
        let now = clock::now();
        let at = |minutes| Some(now + TimeDelta::minutes(minutes));
        for (price, until, catalog, hold, expected) in [
            (500, at(10), 500, 30, (500, at(30))),
            (500, at(20), 500, 30, (500, at(20))),
            (500, at(-10), 500, 30, (500, at(30))),
            (500, None, 500, 30, (500, at(30))),
            (500, at(1), 600, 30, (500, at(1))),
            (500, at(-1), 600, 30, (600, at(30))),
            (500, at(29), 400, 30, (400, at(30))),
            (500, at(29), 500, 0, (500, None)),
            (500, at(29), 600, 0, (600, None)),
        ] {
            let promise = Promise { price, until, told: 450 };
            let renewed = promise.renewed(catalog, now, TimeDelta::minutes(hold));
            assert_eq!(
                (renewed.price, renewed.until),
                expected,
                "{price} until {until:?}, {catalog} asked, {hold} minutes"
            );
            assert_eq!(renewed.told, 450, "only the shopper says what they know");
        }
    }
}
