//! The clause that finds the price that applies. `catalog::prices` has the rule.

use crate::catalog::prices::{Price, PriceContext};
use crate::db::FromRow;

/// What a statement selects that joins [`applying_price`].
macro_rules! price_columns {
    () => {
        "v.price as own_price, v.compare_at_price as own_compare_at,
         lp.amount as list_amount, lp.compare_at as list_compare_at, pl.code as list_code"
    };
}

/// Joins the price of a list that applies to the variant `v`, if there is one, as `lp`, and its list as `pl`. `$1` is the currency,
/// `$2` the group, `$3` the moment.
///
/// The `coalesce` is that of the index: with an `or` SQLite would look at every list of the currency.
///
/// `cross join` keeps SQLite to this order (PostgreSQL takes it as any other join): from the shopper to the few lists that can be in
/// force for them, by price_lists_for, and from each to its price by primary key. The other way round a variant that many lists hold,
/// one for each customer of a wholesaler say, would be looked up in all of them.
macro_rules! applying_price {
    () => {
        " left join list_prices lp on lp.variant_id = v.id and lp.list_id = (
              select list.id
              from price_lists list cross join list_prices entry
              where list.currency = $1 and coalesce(list.group_code, '') in ('', $2) and list.status = 'active'
                and (list.starts_at is null or list.starts_at <= $3) and (list.ends_at is null or list.ends_at > $3)
                and entry.list_id = list.id and entry.variant_id = v.id
              order by list.priority desc, list.group_code is null, entry.amount, list.id
              limit 1)
          left join price_lists pl on pl.id = lp.list_id "
    };
}

pub(super) use {applying_price, price_columns};

/// [`price_columns`]; all of it is none where there is no variant.
#[derive(Default, FromRow)]
pub(super) struct PriceRow {
    own_price: Option<i64>,
    own_compare_at: Option<i64>,
    list_amount: Option<i64>,
    list_compare_at: Option<i64>,
    list_code: Option<String>,
}

impl PriceRow {
    pub(super) fn applying(self, context: &PriceContext) -> Option<Price> {
        match self.list_amount {
            Some(amount) => Some(Price::new(amount, self.list_compare_at, self.list_code)),
            None => self.own_price.filter(|_| context.is_own).map(|own| Price::new(own, self.own_compare_at, None)),
        }
    }
}
