//! What a file says beside the catalog: customer groups, locations, price lists and their prices.

use uuid::Uuid;

use super::super::{At, Error};
use super::{Shelf, write};
use crate::import::lines::{GroupLine, Line, LocationLine, PriceLine, PriceListLine, PricesLine};
use crate::prices::{self, List};
use crate::{Shop, accounts, inventory};

/// Groups and lists read at once.
const PAGE: u32 = 100;
/// Prices in one line.
const PRICES: u32 = 100;
/// Lines of prices in one part.
const LINES: usize = 10;

pub(super) async fn groups(shop: &Shop, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut after = String::new();
    loop {
        let groups = accounts::list_groups(shop, &after, PAGE).await?;
        let Some(last) = groups.last() else { return Ok(()) };
        after.clone_from(&last.code);
        for group in groups {
            write(out, &Line::CustomerGroup(GroupLine { code: group.code, name: group.name }))?;
        }
    }
}

pub(super) async fn locations(shop: &Shop, shelf: &Shelf, out: &mut Vec<u8>) -> Result<(), Error> {
    for location in inventory::list_locations(shop).await? {
        let name = shelf.locations.get(&location.id).cloned().unwrap_or(location.name);
        let (priority, active, pickup) = (Some(location.priority), Some(location.active), Some(location.pickup));
        write(out, &Line::Location(LocationLine { name, priority, active, pickup }))?;
    }
    Ok(())
}

pub(super) async fn lists(shop: &Shop, out: &mut Vec<u8>) -> Result<(), Error> {
    for list in all_lists(shop).await? {
        write(
            out,
            &Line::PriceList(PriceListLine {
                code: list.code,
                name: Some(list.name),
                currency: Some(list.currency.code().to_owned()),
                group: Some(list.group),
                status: Some(list.status),
                priority: Some(list.priority),
                starts_at: Some(list.starts_at),
                ends_at: Some(list.ends_at),
            }),
        )?;
    }
    Ok(())
}

/// Some lines of a list, or of the first; where the next part begins.
pub(super) async fn prices(shop: &Shop, list: Option<Uuid>, after: Uuid, out: &mut Vec<u8>) -> Result<At, Error> {
    let lists = all_lists(shop).await?;
    let place = list.map_or(Some(0), |id| lists.iter().position(|list| list.id == id));
    // One that was deleted meanwhile ends the file: which would have been next is not known.
    let Some(list) = place.and_then(|place| lists.get(place)) else { return Ok(At::End) };
    let mut after = after;
    for _ in 0..LINES {
        let entries = prices::list_entries(shop, list.id, after, PRICES).await?;
        let Some(last) = entries.last() else {
            let next = place.and_then(|place| lists.get(place + 1));
            return Ok(next.map_or(At::End, |next| At::Prices(Some(next.id), Uuid::nil())));
        };
        after = last.variant_id;
        let price =
            |entry: prices::Entry| PriceLine { sku: entry.sku, amount: entry.amount, compare_at: entry.compare_at };
        let prices = entries.into_iter().map(price).collect();
        write(out, &Line::Prices(PricesLine { list: list.code.clone(), prices }))?;
    }
    Ok(At::Prices(Some(list.id), after))
}

async fn all_lists(shop: &Shop) -> Result<Vec<List>, Error> {
    let mut all: Vec<List> = Vec::new();
    loop {
        let after = all.last().map(|list| list.code.clone()).unwrap_or_default();
        let lists = prices::lists(shop, &after, PAGE).await?;
        if lists.is_empty() {
            return Ok(all);
        }
        all.extend(lists);
    }
}
