//! Lists of orders.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::view::{OrderSummaryOut, summary_out};
use crate::Shop;
use crate::accounts::Email;
use crate::clock::{Given, Moment};
use crate::http::auth::{SignedIn, Staff, may};
use crate::http::extract::{Checks, Query};
use crate::http::paging::{Page, PageParams};
use crate::orders::{self, Filter, Order, Status};
use crate::problem::Problem;

const MAX_SEARCH_CHARS: usize = 254;

/// Which orders; what is left out does not matter.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrderParams {
    /// The number of an order, or what the e-mail address begins with.
    #[param(min_length = 1, max_length = 254, example = "ada@")]
    q: Option<String>,
    /// `new` (not paid yet), `paid`, `shipped`, `delivered` or `cancelled`.
    #[param(pattern = "^(new|paid|shipped|delivered|cancelled)$", example = "paid")]
    status: Option<String>,
    /// Of this account.
    customer: Option<Uuid>,
    /// Placed at this moment or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Given>,
    /// Placed before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Given>,
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// An order in the merchant's list.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminOrderSummaryOut {
    #[serde(flatten)]
    order: OrderSummaryOut,
    /// Null for a guest.
    customer_id: Option<Uuid>,
    /// Empty once the person is forgotten.
    #[schema(example = "ada@example.org")]
    email: String,
    /// To whom it goes.
    #[schema(example = "Ada Lovelace")]
    name: String,
}

impl OrderParams {
    fn check(self) -> Result<(Filter, PageParams), Problem> {
        let mut checks = Checks::default();
        let q = self.q.as_deref().map(str::trim);
        if let Some(q) = q {
            checks.text(q, 1, MAX_SEARCH_CHARS, "q");
        }
        let status = self.status.as_deref().map(Status::parse);
        checks.require(status != Some(None), "status", "is no status of orders");
        checks.done()?;
        let number = q.and_then(|q| q.trim_start_matches('#').parse().ok());
        let filter = Filter {
            customer_id: self.customer,
            status: status.flatten(),
            number,
            email: q.filter(|_| number.is_none()).map(Email::key_of),
            placed_since: self.since.map(Moment::from),
            placed_until: self.until.map(Moment::from),
        };
        Ok((filter, PageParams { cursor: self.cursor, limit: self.limit }))
    }
}

impl From<Order> for AdminOrderSummaryOut {
    fn from(order: Order) -> Self {
        Self {
            customer_id: order.customer_id,
            email: order.email.clone(),
            name: order.address.name.clone(),
            order: summary_out(order),
        }
    }
}

/// Your orders, the newest first
#[utoipa::path(get, path = "/v1/orders", tag = "orders", security(("bearer" = [])), params(PageParams), responses(
    (status = 200, body = Page<OrderSummaryOut>)
))]
pub async fn list_orders(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Query(page): Query<PageParams>,
) -> Result<Answer<Page<OrderSummaryOut>>, Problem> {
    let mine = Filter { customer_id: Some(identity.customer_id), ..Filter::default() };
    Ok(Answer(read_page(&shop, &mine, &page, summary_out).await?))
}

/// All orders, the newest first
#[utoipa::path(get, path = "/v1/admin/orders", tag = "orders", security(("bearer" = [])), params(OrderParams), responses(
    (status = 200, body = Page<AdminOrderSummaryOut>)
))]
pub async fn admin_list_orders(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Query(params): Query<OrderParams>,
) -> Result<Answer<Page<AdminOrderSummaryOut>>, Problem> {
    let (filter, page) = params.check()?;
    Ok(Answer(read_page(&shop, &filter, &page, AdminOrderSummaryOut::from).await?))
}

async fn read_page<T>(
    shop: &Shop,
    filter: &Filter,
    page: &PageParams,
    item: impl FnMut(Order) -> T,
) -> Result<Page<T>, Problem> {
    let limit = page.limit()?;
    let before = page.key::<(Given, Uuid)>()?.map(|(at, id)| (at.into(), id));
    let orders = orders::list(shop, filter, before, limit).await?;
    Ok(Page::new(orders, limit, |order| (order.placed_at, order.id), item))
}
