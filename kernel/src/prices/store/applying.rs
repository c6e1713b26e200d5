//! The clause that finds the price that applies. `prices` has the rule.
//!
//! In all of it `$1` is the currency, `$2` the group (empty for none) and `$3` the moment. The `coalesce` is that of the index: with an
//! `or` SQLite would look at every list of the currency.

use uuid::Uuid;

use crate::db::{Built, Conn, FromRow, Result, sql};
use crate::money::Amount;
use crate::prices::{Price, PriceContext};

/// The lists that are in force for the shopper, as `list`.
macro_rules! in_force {
    () => {
        "list.currency = $1 and coalesce(list.group_code, '') in ('', $2) and list.status = 'active'
         and (list.starts_at is null or list.starts_at <= $3) and (list.ends_at is null or list.ends_at > $3)"
    };
}

/// From the one price of a list that applies to the variant `v`, as `entry`; nothing where its own applies.
///
/// `cross join` keeps SQLite to this order (PostgreSQL takes it as any other join): from the shopper to the few lists that can be in
/// force for them, by price_lists_for, and from each to its price by primary key. The other way round a variant that many lists hold,
/// one for each customer of a wholesaler say, would be looked up in all of them.
macro_rules! applying_entry {
    () => {
        concat!(
            " from price_lists list cross join list_prices entry where ",
            $crate::prices::in_force!(),
            " and entry.list_id = list.id and entry.variant_id = v.id
              order by list.priority desc, list.group_code is null, entry.amount, list.id limit 1"
        )
    };
}

/// What a statement selects of the variant `v`: its own price, and as one text that of the list that applies.
///
/// One text, and no join: two columns would be looked up twice, and a join to the chosen price made PostgreSQL read every price of every
/// list to hash them. A code has no space.
macro_rules! price_columns {
    () => {
        concat!(
            "v.price as own_price, v.compare_at_price as own_compare_at,
             (select cast(entry.amount as text) || ' ' || coalesce(cast(entry.compare_at as text), '') || ' ' || list.code",
            $crate::prices::applying_entry!(),
            ") as list_price "
        )
    };
}

pub(crate) use {applying_entry, in_force, price_columns};

/// [`price_columns`]; all of it is none where there is no variant.
#[derive(Debug, Default, FromRow)]
pub(crate) struct PriceRow {
    own_price: Option<i64>,
    own_compare_at: Option<i64>,
    list_price: Option<String>,
}

impl PriceRow {
    pub(crate) fn applying(self, context: &PriceContext) -> Option<Price> {
        match self.list_price {
            Some(text) => read_list_price(&text),
            None => self.own_price.filter(|_| context.is_own).map(|own| Price::new(own, self.own_compare_at, None)),
        }
    }
}

/// `590 690 summer-sale`, or `590  summer-sale` where nothing is crossed out.
fn read_list_price(text: &str) -> Option<Price> {
    let mut parts = text.splitn(3, ' ');
    let (amount, compare_at, code) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Price::new(amount.parse().ok()?, compare_at.parse().ok(), Some(code.to_owned())))
}

/// Binds what the clause names as `$1` to `$3`. Before anything else is bound.
pub(crate) fn bind_context(built: &mut Built, context: &PriceContext) {
    built.give(context.currency.code()).give(context.group_code()).give(context.at);
}

/// Whether there is any list that a variant could be in, for this shopper.
pub(in crate::prices) async fn is_any_in_force(conn: &mut Conn, context: &PriceContext) -> Result<bool> {
    let row = sql::optional!(
        conn,
        (Uuid,),
        concat!("select list.id from price_lists list where ", in_force!(), " limit 1"),
        context.currency.code(),
        context.group_code(),
        context.at
    )?;
    Ok(row.is_some())
}

#[derive(FromRow)]
struct VariantPriceRow {
    sku: String,
    price: i64,
    compare_at_price: Option<i64>,
    #[sqlx(flatten)]
    applying: PriceRow,
}

/// SKU, own price, what it cost before, and what applies.
pub(in crate::prices) async fn variant_price(
    conn: &mut Conn,
    context: &PriceContext,
    variant_id: Uuid,
) -> Result<Option<(String, Amount, Option<Amount>, Option<Price>)>> {
    let row = sql::optional!(
        conn,
        VariantPriceRow,
        concat!("select v.sku, v.price, v.compare_at_price, ", price_columns!(), " from variants v where v.id = $4"),
        context.currency.code(),
        context.group_code(),
        context.at,
        variant_id
    )?;
    Ok(row.map(|row| (row.sku, row.price, row.compare_at_price, row.applying.applying(context))))
}
