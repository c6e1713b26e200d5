//! Customers over HTTP.

mod privacy;

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Account, Change, Error, Filter, Purchases, Sort};
use crate::Shop;
use crate::accounts::http::RoleName;
use crate::accounts::{is_locale, search_terms};
use crate::clock::Moment;
use crate::http::auth::{InPerson, Staff, may};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::http::versions::{expected_version, version_tag};
use crate::money::Amount;
use crate::problem::{Kind, Problem, ProblemSchema};

pub use privacy::*;

const MAX_SEARCH_CHARS: usize = 200;
const MAX_NAME_CHARS: usize = 200;
const MAX_PHONE_CHARS: usize = 40;
const MAX_NOTE_CHARS: usize = 2_000;

/// Which customers, and in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CustomerParams {
    /// Beginnings of words of the name, of the e-mail address or of the telephone number: all of them are found.
    #[param(max_length = 200, example = "ada love")]
    q: Option<String>,
    /// Those who cannot log in, or those who can.
    disabled: Option<bool>,
    /// Those who are forgotten; they are left out otherwise.
    erased: Option<bool>,
    /// `newest` where none is given.
    sort: Option<CustomerSort>,
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// In which order.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CustomerSort {
    Newest,
    Oldest,
    Name,
    Email,
}

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerPatch {
    #[schema(example = "Ada Lovelace", max_length = 200)]
    name: Option<String>,
    /// Empty takes it away.
    #[schema(example = "+44 20 7946 0000", max_length = 40)]
    phone: Option<String>,
    /// BCP 47 tag of the language of mails.
    #[schema(example = "en", max_length = 35)]
    locale: Option<String>,
    /// For the merchant. The customer sees it in an export of their data, and nowhere else.
    #[schema(example = "Prefers a call before delivery", max_length = 2000)]
    note: Option<String>,
    /// True ends their sessions, and nobody can log in to the account until it is false again.
    disabled: Option<bool>,
}

/// A customer, as the merchant sees them.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminCustomerOut {
    id: Uuid,
    /// Of one who was forgotten, an address that is nobody's.
    #[schema(example = "ada@example.org")]
    email: String,
    /// Whether its owner proved it.
    email_confirmed: bool,
    /// Empty where none was given.
    #[schema(example = "Ada Lovelace")]
    name: String,
    /// Empty where none was given.
    #[schema(example = "+44 20 7946 0000")]
    phone: String,
    #[schema(example = "en")]
    locale: String,
    role: RoleName,
    /// The merchant's.
    note: String,
    /// Code of the customer group that they are in.
    #[schema(example = "trade")]
    group: Option<String>,
    second_factor: bool,
    disabled: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    disabled_at: Option<Moment>,
    /// When the person was forgotten.
    #[schema(value_type = Option<String>, format = DateTime)]
    erased_at: Option<Moment>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
}

/// What a customer paid and did not get back.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpentOut {
    #[schema(example = "EUR")]
    currency: String,
    #[schema(example = 12_990)]
    amount: Amount,
}

/// A customer, and what they bought.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminCustomerDetails {
    #[serde(flatten)]
    customer: AdminCustomerOut,
    /// How many were placed, cancelled ones too.
    #[schema(example = 3)]
    orders: i64,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_order_at: Option<Moment>,
    spent: Vec<SpentOut>,
}

impl From<CustomerSort> for Sort {
    fn from(sort: CustomerSort) -> Self {
        match sort {
            CustomerSort::Newest => Self::Newest,
            CustomerSort::Oldest => Self::Oldest,
            CustomerSort::Name => Self::Name,
            CustomerSort::Email => Self::Email,
        }
    }
}

impl From<Account> for AdminCustomerOut {
    fn from(account: Account) -> Self {
        Self {
            id: account.id,
            email: account.email,
            email_confirmed: account.email_confirmed_at.is_some(),
            name: account.name,
            phone: account.phone,
            locale: account.locale,
            role: account.role.into(),
            note: account.note,
            group: account.group,
            second_factor: account.second_factor,
            disabled: account.disabled_at.is_some(),
            disabled_at: account.disabled_at,
            erased_at: account.erased_at,
            created_at: account.created_at,
        }
    }
}

impl From<(Account, Purchases)> for AdminCustomerDetails {
    fn from((account, purchases): (Account, Purchases)) -> Self {
        let spent = purchases.spent.into_iter().map(|(currency, amount)| SpentOut { currency, amount });
        Self {
            customer: account.into(),
            orders: purchases.orders,
            last_order_at: purchases.last_order_at,
            spent: spent.collect(),
        }
    }
}

impl CustomerPatch {
    fn check(self) -> Result<Change, Problem> {
        let mut checks = Checks::default();
        for (text, max, pointer) in [(&self.name, MAX_NAME_CHARS, "/name"), (&self.phone, MAX_PHONE_CHARS, "/phone")] {
            if let Some(text) = text {
                checks.line(text, 0, max, pointer);
            }
        }
        if let Some(note) = &self.note {
            checks.text(note, 0, MAX_NOTE_CHARS, "/note");
        }
        let fine = self.locale.as_deref().is_none_or(is_locale);
        checks.require(fine, "/locale", "must be a BCP 47 language tag, like en or pt-BR");
        checks.done()?;
        let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
        Ok(Change {
            name: trimmed(self.name),
            phone: trimmed(self.phone),
            locale: self.locale,
            note: trimmed(self.note),
            disabled: self.disabled,
        })
    }
}

/// Customers
///
/// Everybody with an account, those who work for the shop too. Who orders without an account is no customer here: see
/// `GET /v1/admin/orders`.
#[utoipa::path(get, path = "/v1/admin/customers", tag = "customers", operation_id = "list_customers", security(("bearer" = [])),
    params(CustomerParams), responses((status = 200, body = Page<AdminCustomerOut>)))]
pub async fn list_customers(
    State(shop): State<Shop>,
    _: Staff<may::Customers>,
    Query(params): Query<CustomerParams>,
) -> Result<Answer<Page<AdminCustomerOut>>, Problem> {
    let q = params.q.unwrap_or_default();
    let mut checks = Checks::default();
    checks.text(&q, 0, MAX_SEARCH_CHARS, "q");
    checks.done()?;
    let sort = params.sort.map_or(Sort::Newest, Sort::from);
    let filter =
        Filter { terms: search_terms(&q), disabled: params.disabled, erased: params.erased.unwrap_or_default() };
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    // The cursor of a list in another order would be a place that is not in this one.
    let name = format!("{sort:?}");
    let after = match page.key::<(String, String, Uuid)>()? {
        Some((of, key, id)) if of == name => Some((key, id)),
        Some(_) => return Err(Problem::invalid_field("cursor", "is of a list in another order")),
        None => None,
    };
    let accounts = super::list(&shop, &filter, sort, after, limit).await?;
    let key = |account: &Account| (name.clone(), account.sort_key(sort), account.id);
    Ok(Answer(Page::new(accounts, limit, key, AdminCustomerOut::from)))
}

/// A customer, and what they bought
#[utoipa::path(get, path = "/v1/admin/customers/{id}", tag = "customers", operation_id = "get_customer", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 200, description = "With its ETag", body = AdminCustomerDetails),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_customer(
    State(shop): State<Shop>,
    _: Staff<may::Customers>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let (account, purchases) = super::get(&shop, id).await?;
    let tag = version_tag(account.version);
    Ok(([(header::ETAG, tag)], Answer(AdminCustomerDetails::from((account, purchases)))).into_response())
}

/// Change a customer, or shut them out
///
/// `disabled` ends their sessions at once, and a login with the right password is answered with `account-disabled`. Orders go on. Those
/// who work for the shop are not disabled here but removed from the staff.
#[utoipa::path(patch, path = "/v1/admin/customers/{id}", tag = "customers", operation_id = "patch_customer", security(("bearer" = [])),
    request_body = CustomerPatch,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: change only what was seen")), responses(
    (status = 200, description = "With its new ETag", body = AdminCustomerOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`works-for-shop`, `account-erased`", body = ProblemSchema)
))]
pub async fn patch_customer(
    State(shop): State<Shop>,
    _: Staff<may::Customers>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Json(body): Json<CustomerPatch>,
) -> Result<Response, Problem> {
    let account = super::change(&shop, id, expected_version(&headers)?, body.check()?).await?;
    let tag = version_tag(account.version);
    Ok(([(header::ETAG, tag)], Answer(AdminCustomerOut::from(account))).into_response())
}

/// Take away the second factor of a customer who lost it
///
/// Their sessions end, and they log in with the password alone. Be sure that it is they who ask: whoever has their mailbox can set another
/// password, and this was in the way.
#[utoipa::path(delete, path = "/v1/admin/customers/{id}/second-factor", tag = "customers",
    operation_id = "reset_second_factor_of_customer", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 204, description = "They have none, now or since before"),
    (status = 403, description = "`forbidden`: also to an API key", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`works-for-shop`: see `/v1/admin/staff`", body = ProblemSchema)
))]
pub async fn reset_second_factor_of_customer(
    State(shop): State<Shop>,
    _: InPerson<may::Customers>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    super::reset_second_factor(&shop, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound => Problem::not_found(),
            Error::WorksHere => Problem::new(Kind::WorksForShop),
            Error::Erased => Problem::new(Kind::AccountErased),
            Error::Changed => Problem::new(Kind::PreconditionFailed),
            Error::OrdersUnderWay(orders) => Problem::new(Kind::OrdersUnderWay).detail(detail).with("orders", orders),
            Error::HasAccount => Problem::new(Kind::EmailTaken).detail(detail),
            Error::CutOff(error) => Problem::internal(error),
            Error::Account(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}
