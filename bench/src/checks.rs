//! What must be true after a replay. Each check returns a text for everything that is not.

use std::collections::HashMap;

use kassa::orders::{self, receipts};
use serde::Deserialize;

use crate::merchant::{Login, Merchant, get_each};
use crate::replay::{Outcome, Placed, PricedBy};
use crate::sales::{Sales, share};
use crate::stock::Stock;
use crate::swap::Version;
use crate::{Error, Result};

/// What all orders come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Computed from the file.
    pub expected: i64,
    /// Of the answers to the checkouts.
    pub answered: i64,
    /// Of the merchant's list of orders.
    pub listed: i64,
}

#[derive(Deserialize)]
struct Summary {
    id: String,
    total: i64,
}

/// Every invoice became an order.
pub fn all_placed(sales: &Sales, outcome: &Outcome) -> Vec<String> {
    let mut wrong = outcome.failures.clone();
    let (placed, wanted) = (outcome.placed.len(), sales.invoices.len());
    if wanted == 0 {
        wrong.push("there was no invoice to play".into());
    }
    if placed != wanted && wrong.is_empty() {
        wrong.push(format!("{placed} orders of {wanted} invoices"));
    }
    wrong
}

/// No checkout was told of another price than the cart had shown.
pub fn no_stale_quotes(outcome: &Outcome) -> Vec<String> {
    match outcome.stale_quotes {
        0 => Vec::new(),
        count => vec![format!("{count} checkouts met another price")],
    }
}

/// Every order's total is what its shopper agreed to.
pub fn charged_as_shown(placed: &[Placed]) -> Vec<String> {
    let other = placed.iter().filter(|placed| placed.order.total != placed.shown);
    other
        .map(|Placed { order, shown, .. }| format!("order {}: {} for {shown} shown", order.number, order.total))
        .collect()
}

/// The totals of the orders, against those computed from the file.
///
/// `versions` are those that priced them, where the plugin was swapped: the version that an order names tells what its total must be.
pub async fn totals(
    login: &Login,
    sales: &Sales,
    placed: &[Placed],
    versions: Option<&[Version; 2]>,
) -> Result<(Sums, Vec<String>)> {
    let mut wrong = Vec::new();
    let mut sums = Sums::default();
    for Placed { invoice, order, .. } in placed {
        let invoice = &sales.invoices[*invoice];
        let expected = expected_total(invoice.goods(), &order.priced_by, versions);
        sums.expected += expected.unwrap_or_default();
        sums.answered += order.total;
        match expected {
            Some(expected) if expected == order.total => {}
            Some(expected) => wrong.push(format!(
                "order {} of invoice {}: its total is {}, the file says {expected}",
                order.number, invoice.number, order.total
            )),
            None => wrong.push(format!("order {}: it does not name one of the two versions", order.number)),
        }
    }
    let mut left: HashMap<&str, i64> = placed.iter().map(|p| (p.order.id.as_str(), p.order.total)).collect();
    let mut others = 0_u64;
    for order in Merchant::log_in(login).await?.get_pages::<Summary>("/v1/admin/orders").await? {
        match left.remove(order.id.as_str()) {
            Some(total) if total == order.total => sums.listed += order.total,
            Some(total) => {
                sums.listed += order.total;
                wrong.push(format!("order {}: {total} when it was placed, {} in the list", order.id, order.total));
            }
            None => others += 1,
        }
    }
    wrong.extend(left.keys().map(|id| format!("order {id} is not in the merchant's list")));
    if others > 0 {
        println!("{others} orders of the list are not of this replay");
    }
    Ok((sums, wrong))
}

fn expected_total(goods: i64, priced_by: &[PricedBy], versions: Option<&[Version; 2]>) -> Option<i64> {
    let Some(versions) = versions else { return Some(goods) };
    let [PricedBy { digest }] = priced_by else { return None };
    let version = versions.iter().find(|version| version.digest == *digest)?;
    Some(goods - share(goods, version.basis_points))
}

/// Both versions priced orders.
pub fn versions_occur(placed: &[Placed], versions: &[Version; 2]) -> Vec<String> {
    let mut wrong = Vec::new();
    for version in versions {
        let by_it = |placed: &&Placed| placed.order.priced_by.iter().any(|by| by.digest == version.digest);
        let count = placed.iter().filter(by_it).count();
        println!("{count:>8} orders were priced by {}@{} {}", version.name, version.version, version.digest);
        if count == 0 {
            wrong.push(format!("{}@{} priced no order", version.name, version.version));
        }
    }
    wrong
}

#[derive(Deserialize)]
struct Order {
    number: i64,
    status: String,
    total: i64,
    payment: Option<Payment>,
    history: Vec<Event>,
}

#[derive(Deserialize)]
struct Payment {
    status: String,
    amount: i64,
}

#[derive(Deserialize)]
struct Event {
    status: String,
}

/// Every order is paid, once, with one captured payment of its total.
pub async fn payments(
    login: &Login,
    placed: &[Placed],
    on_read: impl Fn() + Clone + Send + 'static,
) -> Result<Vec<String>> {
    let paths = placed.iter().map(|placed| format!("/v1/admin/orders/{}", placed.order.id)).collect();
    let orders: Vec<Order> = get_each(login, paths, on_read).await?;
    let mut wrong = Vec::new();
    for order in orders {
        let number = order.number;
        if order.status != "paid" {
            wrong.push(format!("order {number} is {}", order.status));
        }
        match order.payment {
            Some(payment) if payment.status == "captured" && payment.amount == order.total => {}
            Some(payment) => {
                wrong.push(format!("order {number} of {}: {} {}", order.total, payment.status, payment.amount))
            }
            None => wrong.push(format!("order {number} has no payment")),
        }
        let times_paid = order.history.iter().filter(|event| event.status == "paid").count();
        if times_paid != 1 {
            wrong.push(format!("order {number} became paid {times_paid} times"));
        }
    }
    Ok(wrong)
}

/// What was there is still there, as nothing is shipped; what was sold is reserved beside what was before.
pub fn stock(before: &Stock, after: &Stock, sold: &HashMap<&str, i64>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (sku, was) in before {
        let sold = sold.get(sku.as_str()).copied().unwrap_or_default();
        match after.get(sku) {
            Some(is) if is.on_hand == was.on_hand && is.reserved == was.reserved + sold => {}
            Some(is) => wrong.push(format!("{sku}: {was:?} and {sold} sold, and now {is:?}")),
            None => wrong.push(format!("{sku} is gone")),
        }
    }
    let unknown = sold.keys().filter(|sku| !before.contains_key(**sku));
    wrong.extend(unknown.map(|sku| format!("{sku} was sold and is not in the catalog")));
    wrong
}

/// Derives the price of every order again, from its receipts and the binaries that they name; tells how many there were.
pub async fn receipts(shop: &kassa::Shop, on_read: impl Fn()) -> Result<(u64, Vec<String>)> {
    let (mut verified, mut wrong, mut after) = (0, Vec::new(), 0);
    loop {
        let numbers = orders::numbers_after(shop, after, 500).await.map_err(Error::shop)?;
        let Some(last) = numbers.last() else { return Ok((verified, wrong)) };
        after = *last;
        for number in numbers {
            let order = orders::get_by_number(shop, number).await.map_err(Error::shop)?;
            match receipts::verify(shop, &order).await {
                Ok(()) => verified += 1,
                Err(error) => wrong.push(format!("order {number}: {error}")),
            }
            on_read();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stock::Level;

    fn version(digest: &str, basis_points: u32) -> Version {
        Version { name: "x".into(), version: "1.0.0".into(), digest: digest.into(), basis_points }
    }

    #[test]
    fn the_version_that_an_order_names_tells_its_total() {
        let versions = [version("a", 1_000), version("b", 2_000)];
        let by = |digests: &[&str]| digests.iter().map(|d| PricedBy { digest: (*d).into() }).collect::<Vec<_>>();
        for (digests, expected) in [
            (by(&["a"]), Some(895)),
            (by(&["b"]), Some(796)),
            (by(&["c"]), None),
            (by(&[]), None),
            (by(&["a", "b"]), None),
        ] {
            assert_eq!(expected_total(995, &digests, Some(&versions)), expected, "{digests:?}");
        }
        assert_eq!(expected_total(995, &by(&["c"]), None), Some(995));
    }

    #[test]
    fn stock_that_differs_is_told() {
        let level = |on_hand, reserved| Level { on_hand, reserved };
        let stock_of =
            |levels: &[(&str, Level)]| levels.iter().map(|(sku, level)| ((*sku).into(), *level)).collect::<Stock>();
        let before = stock_of(&[("a", level(10, 0)), ("b", level(5, 1)), ("c", level(1, 0))]);
        let sold = HashMap::from([("a", 4)]);
        let after = stock_of(&[("a", level(10, 4)), ("b", level(5, 1)), ("c", level(1, 0))]);
        assert_eq!(stock(&before, &after, &sold), [""; 0]);
        let after = stock_of(&[("a", level(10, 3)), ("b", level(5, 2))]);
        assert_eq!(stock(&before, &after, &sold).len(), 3);
        assert_eq!(stock(&before, &before, &HashMap::from([("x", 1)])).len(), 1);
    }
}
