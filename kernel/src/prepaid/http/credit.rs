//! Store credit: of any customer for staff, and of one's own.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{PrepaidEntryOut, check_change};
use crate::Shop;
use crate::accounts;
use crate::clock::Moment;
use crate::http::auth::{SignedIn, Staff, may};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::money::{Amount, Currency};
use crate::once::Once;
use crate::prepaid::{self, Entry};
use crate::problem::{Problem, ProblemSchema};

/// Credit for a customer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditIn {
    /// Above 0 the customer gets so much, below 0 it is taken away. Not 0, and never more than there is.
    #[schema(value_type = i64, maximum = 9_007_199_254_740_991_i64, example = 1000)]
    amount: Amount,
    /// The shop's own where none is given.
    #[schema(min_length = 3, max_length = 3, example = "EUR")]
    currency: Option<String>,
    /// For the shop's own records.
    #[schema(min_length = 1, max_length = 500, example = "late delivery")]
    reason: String,
}

/// Which store credit, and which part of the list of its changes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CreditParams {
    /// In each currency it is an account of its own: the shop's own where none is given.
    #[param(min_length = 3, max_length = 3, example = "EUR")]
    currency: Option<String>,
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

impl CreditParams {
    fn split(self, shop: &Shop) -> Result<(Currency, PageParams), Problem> {
        let currency = sold_in(shop, self.currency.as_deref(), "currency")?;
        Ok((currency, PageParams { cursor: self.cursor, limit: self.limit }))
    }
}

fn sold_in(shop: &Shop, currency: Option<&str>, pointer: &str) -> Result<Currency, Problem> {
    let currency = shop.config().shop.find_currency(currency);
    currency.ok_or_else(|| Problem::invalid_field(pointer, "is not a currency in which the shop sells"))
}

/// The store credit of a customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreditOut {
    currency: &'static str,
    #[schema(example = 1000)]
    balance: Amount,
    /// Every change of it, the newest first.
    items: Vec<PrepaidEntryOut>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

/// What a customer has.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "currency": "EUR", "balance": 1000 }))]
pub struct CreditBalanceOut {
    currency: &'static str,
    #[schema(example = 1000)]
    balance: Amount,
}

/// My store credit.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyCreditOut {
    currency: &'static str,
    #[schema(example = 1000)]
    balance: Amount,
    /// Every change of it, the newest first.
    items: Vec<MyCreditEntryOut>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

/// A change of my store credit.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyCreditEntryOut {
    id: Uuid,
    /// `adjusted` (by the shop), `redeemed` (paid an order), `returned` (what it paid came back) or `refunded` (what an order was
    /// paid with otherwise came back as credit).
    #[schema(example = "redeemed")]
    cause: String,
    #[schema(example = -500)]
    amount: Amount,
    #[schema(example = 1042)]
    order_number: Option<i64>,
    #[schema(value_type = String, format = DateTime)]
    posted_at: Moment,
}

/// The store credit of a customer
#[utoipa::path(get, path = "/v1/admin/customers/{id}/credit", tag = "promotions", security(("bearer" = [])),
    params(("id" = Uuid, Path), CreditParams), responses(
    (status = 200, body = CreditOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_customer_credit(
    _: Staff<may::Refunds>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Query(params): Query<CreditParams>,
) -> Result<Answer<CreditOut>, Problem> {
    let (currency, page) = params.split(&shop)?;
    let limit = page.limit()?;
    accounts::find_customer(&shop, id).await?.ok_or_else(Problem::not_found)?;
    let entries = prepaid::credit_entries(&shop, id, currency, page.key()?, limit).await?;
    let balance = prepaid::credit_of(&shop, id, currency).await?;
    let Page { items, next_cursor } = Page::new(entries, limit, |entry| entry.id, PrepaidEntryOut::from);
    Ok(Answer(CreditOut { currency: currency.code(), balance, items, next_cursor }))
}

/// Give a customer store credit, or take some away
#[utoipa::path(post, path = "/v1/admin/customers/{id}/credit", tag = "promotions", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = CreditIn, responses(
    (status = 201, description = "What the customer has now", body = CreditBalanceOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`amount-exceeded`: the customer has less", body = ProblemSchema)
))]
pub async fn create_customer_credit(
    staff: Staff<may::Refunds>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    once: Once,
    Json(body): Json<CreditIn>,
) -> Result<(StatusCode, Answer<CreditBalanceOut>), Problem> {
    check_change(body.amount, &body.reason)?;
    let currency = sold_in(&shop, body.currency.as_deref(), "/currency")?;
    let actor = staff.actor.to_string();
    let balance = prepaid::post_credit(&shop, once, id, currency, body.amount, body.reason.trim(), &actor).await?;
    Ok((StatusCode::CREATED, Answer(CreditBalanceOut { currency: currency.code(), balance })))
}

/// My store credit
#[utoipa::path(get, path = "/v1/me/credit", tag = "accounts", security(("bearer" = [])), params(CreditParams), responses(
    (status = 200, body = MyCreditOut)
))]
pub async fn get_my_credit(
    SignedIn(identity): SignedIn,
    State(shop): State<Shop>,
    Query(params): Query<CreditParams>,
) -> Result<Answer<MyCreditOut>, Problem> {
    let (currency, page) = params.split(&shop)?;
    let limit = page.limit()?;
    let entries = prepaid::credit_entries(&shop, identity.customer_id, currency, page.key()?, limit).await?;
    let balance = prepaid::credit_of(&shop, identity.customer_id, currency).await?;
    let Page { items, next_cursor } = Page::new(entries, limit, |entry| entry.id, my_entry);
    Ok(Answer(MyCreditOut { currency: currency.code(), balance, items, next_cursor }))
}

/// Without who did it and why, which is for the shop's own records.
fn my_entry(entry: Entry) -> MyCreditEntryOut {
    let Entry { id, cause, amount, order_number, posted_at, .. } = entry;
    MyCreditEntryOut { id, cause, amount, order_number, posted_at }
}
