//! Editing orders: by staff, and by their owners as far as the shop lets them.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::{OrderOut, order_out};
use crate::Shop;
use crate::address::Address;
use crate::carts::change::VariantRef;
use crate::catalog::MAX_SKU;
use crate::clock::Moment;
use crate::http::auth::{Caller, Staff, may};
use crate::http::extract::{Checks, Json, Path, present};
use crate::money::{Amount, MAX_AMOUNT};
use crate::orders::editing::{self, Edit, Editor, LineEdit};
use crate::orders::revisions::{self, KeptAdjustment, KeptLine, Revision};
use crate::orders::{self, Delivery, Details, Error};
use crate::plugins::OptionId;
use crate::problem::{Problem, ProblemSchema};

const MAX_LINES: usize = 1_000;
const REASON_CHARACTERS: usize = 500;

/// What is to be otherwise; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderEditIn {
    address: Option<Address>,
    /// Whom the invoice is for; null: `address`.
    #[schema(value_type = Option<Address>)]
    #[serde(default, deserialize_with = "present")]
    billing_address: Option<Option<Address>>,
    /// Where messages about it go.
    #[schema(example = "ada@example.org", max_length = 254)]
    email: Option<String>,
    /// `id` of a delivery option.
    #[schema(example = "delivery-rates:express")]
    delivery_option: Option<String>,
    #[serde(default)]
    #[schema(max_items = 1000)]
    lines: Vec<LineEditIn>,
    /// `total` of the preview: the edit is made at no other. Needed to edit, passed over by the preview.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    expected_total: Option<Amount>,
    /// For the shop's own records; 1 to 500 characters. Needed to edit.
    #[schema(example = "called us: wrong size", max_length = 500)]
    reason: Option<String>,
}

/// One of `line` (of the order; 0 pieces take it away), and `variant_id` or `sku` (more goods).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineEditIn {
    /// Position of the line in `lines` of the order; the first is 0.
    #[schema(maximum = 10_000)]
    line: Option<u32>,
    variant_id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 100)]
    sku: Option<String>,
    #[schema(maximum = 1_000_000)]
    quantity: u32,
}

/// What the owner of an order may edit.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnEditIn {
    address: Option<Address>,
    /// `id` of a delivery option.
    #[schema(example = "delivery-rates:express")]
    delivery_option: Option<String>,
    /// Fewer pieces of lines.
    #[serde(default)]
    #[schema(max_items = 1000)]
    lines: Vec<OwnLineIn>,
    /// `total` of the preview: the edit is made at no other. Needed to edit, passed over by the preview.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    expected_total: Option<Amount>,
}

/// Fewer pieces of a line; 0 takes it away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnLineIn {
    /// Position of the line in `lines` of the order; the first is 0.
    #[schema(maximum = 10_000)]
    line: u32,
    #[schema(maximum = 1_000_000)]
    quantity: u32,
}

/// An order as it would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderPreviewOut {
    /// Above 0 the order costs so much more, below so much less.
    #[schema(example = -1290)]
    difference: Amount,
    order: OrderOut,
}

/// An order as it was before an edit.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevisionOut {
    /// 1 as it was placed.
    revision: i64,
    #[schema(value_type = String, format = DateTime)]
    replaced_at: Moment,
    /// Who edited it, and why.
    actor: String,
    reason: String,
    total: Amount,
    email: String,
    address: Address,
    billing_address: Option<Address>,
    delivery: Delivery,
    lines: Vec<KeptLine>,
    adjustments: Vec<KeptAdjustment>,
}

/// Edits an order before anything of it is shipped
///
/// Priced like a cart; existing lines keep the price at which they were ordered. What it costs less goes back, what it costs more is
/// outstanding (`payable`). The former contents are kept as a revision.
#[utoipa::path(post, path = "/v1/admin/orders/{id}/edits", operation_id = "admin_edit_order", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = OrderEditIn, responses(
    (status = 200, body = OrderOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`stale-quote`; `order-state`: shipping has begun, pieces of its lines were refunded, or more of its delivery than it would cost then; `payment-busy`: a payment is under way; `insufficient-stock`; `price-missing`; `delivery-option-unavailable`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`; `unavailable`: somebody else changed it at the same time", body = ProblemSchema)
))]
pub async fn admin_edit_order(
    State(shop): State<Shop>,
    staff: Staff<may::Orders>,
    Path(id): Path<Uuid>,
    Json(body): Json<OrderEditIn>,
) -> Result<Answer<OrderOut>, Problem> {
    let mut checks = Checks::default();
    let expected_total = expected(&mut checks, body.expected_total);
    let reason = body.reason.clone().unwrap_or_default();
    checks.require(!reason.trim().is_empty(), "/reason", "is needed: why the order is edited");
    checks.text(&reason, 0, REASON_CHARACTERS, "/reason");
    let edit = body.edit(checks)?;
    let editor = Editor { actor: staff.actor.to_string(), reason: reason.trim().to_owned() };
    let before = orders::get_any(&shop, id).await?;
    Ok(Answer(order_out(editing::edit(&shop, before, edit, expected_total, editor).await?)))
}

/// What an order would be and cost after an edit
#[utoipa::path(post, path = "/v1/admin/orders/{id}/edits/preview", operation_id = "admin_preview_order_edit", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = OrderEditIn, responses(
    (status = 200, body = OrderPreviewOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`order-state`, `price-missing`, `delivery-option-unavailable`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn admin_preview_order_edit(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
    Json(body): Json<OrderEditIn>,
) -> Result<Answer<OrderPreviewOut>, Problem> {
    let edit = body.edit(Checks::default())?;
    let before = orders::get_any(&shop, id).await?;
    preview(&shop, &before, &edit).await
}

/// What an order was before each of its edits, the oldest first
#[utoipa::path(get, path = "/v1/admin/orders/{id}/revisions", operation_id = "list_order_revisions", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = [RevisionOut]),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn list_order_revisions(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<Vec<RevisionOut>>, Problem> {
    Ok(Answer(revisions::list(&shop, id).await?.into_iter().map(revision_out).collect()))
}

/// Edits an order of yours before shipping begins
///
/// As far as the shop lets you (`orders.owner_edits`): another address, fewer pieces. What it costs less goes back, what it costs more is
/// to be paid (`payable`).
#[utoipa::path(post, path = "/v1/orders/{id}/edits", operation_id = "edit_order", tag = "orders", params(("id" = Uuid, Path)), request_body = OwnEditIn, responses(
    (status = 200, body = OrderOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`stale-quote`; `order-state`: shipping has begun, pieces of its lines were refunded, or more of its delivery than it would cost then, or the shop does not let you edit it so; `payment-busy`: a payment is under way; `delivery-option-unavailable`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`; `unavailable`: somebody else changed it at the same time", body = ProblemSchema)
))]
pub async fn edit_order(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<OwnEditIn>,
) -> Result<Answer<OrderOut>, Problem> {
    let mut checks = Checks::default();
    let expected_total = expected(&mut checks, body.expected_total);
    let edit = OrderEditIn::from(body).edit(checks)?;
    let before = orders::get(&shop, id, caller.customer_id()).await?;
    require_allowed(&shop, &before, &edit)?;
    let editor = Editor { actor: "the shopper".into(), reason: "the shopper wanted it".into() };
    Ok(Answer(order_out(editing::edit(&shop, before, edit, expected_total, editor).await?)))
}

/// What an order of yours would be and cost after an edit
#[utoipa::path(post, path = "/v1/orders/{id}/edits/preview", operation_id = "preview_order_edit", tag = "orders", params(("id" = Uuid, Path)), request_body = OwnEditIn, responses(
    (status = 200, body = OrderPreviewOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`order-state`, `price-missing`, `delivery-option-unavailable`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn preview_order_edit(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<OwnEditIn>,
) -> Result<Answer<OrderPreviewOut>, Problem> {
    let edit = OrderEditIn::from(body).edit(Checks::default())?;
    let before = orders::get(&shop, id, caller.customer_id()).await?;
    require_allowed(&shop, &before, &edit)?;
    preview(&shop, &before, &edit).await
}

fn require_allowed(shop: &Shop, before: &Details, edit: &Edit) -> Result<(), Problem> {
    match shop.config().orders.owner_edits.allow(edit, &before.lines) {
        true => Ok(()),
        false => Err(Error::EditNotAllowed.into()),
    }
}

async fn preview(shop: &Shop, before: &Details, edit: &Edit) -> Result<Answer<OrderPreviewOut>, Problem> {
    let after = editing::preview(shop, before, edit).await?;
    let difference = after.order.total - before.order.total;
    Ok(Answer(OrderPreviewOut { difference, order: order_out(after) }))
}

fn expected(checks: &mut Checks, total: Option<Amount>) -> Amount {
    let in_range = total.is_some_and(|total| (0..=MAX_AMOUNT).contains(&total));
    checks.require(in_range, "/expected_total", "is needed: 0 to 2^53 - 1");
    total.unwrap_or_default()
}

impl From<OwnEditIn> for OrderEditIn {
    fn from(own: OwnEditIn) -> Self {
        let line = |line: OwnLineIn| LineEditIn {
            line: Some(line.line),
            variant_id: None,
            sku: None,
            quantity: line.quantity,
        };
        Self {
            address: own.address,
            delivery_option: own.delivery_option,
            lines: own.lines.into_iter().map(line).collect(),
            ..Self::default()
        }
    }
}

impl OrderEditIn {
    fn edit(self, mut checks: Checks) -> Result<Edit, Problem> {
        let address = self.address.map(Address::trimmed);
        if let Some(address) = &address {
            checks.address(address, "/address");
        }
        let billing_address = self.billing_address.map(|address| address.map(Address::trimmed));
        if let Some(Some(address)) = &billing_address {
            checks.address(address, "/billing_address");
        }
        let email = self.email.map(|email| email.trim().to_owned());
        if let Some(email) = &email {
            let valid = email.len() <= 254 && email_address::EmailAddress::is_valid(email);
            checks.require(valid, "/email", "must be an e-mail address");
        }
        let delivery = self.delivery_option.as_deref().map(str::parse::<OptionId>);
        let known = !matches!(delivery, Some(Err(())));
        checks.require(known, "/delivery_option", "must be the id of a delivery option");
        checks.require(self.lines.len() <= MAX_LINES, "/lines", "must be at most 1,000");
        let addresses = address.is_some() || billing_address.is_some();
        let changes = addresses || email.is_some() || delivery.is_some() || !self.lines.is_empty();
        let names = "address, billing_address, email, delivery_option or lines";
        checks.require(changes, "", &format!("name what is to be otherwise: {names}"));
        let lines = self.lines.into_iter().take(MAX_LINES).enumerate();
        let lines: Vec<_> = lines.filter_map(|(index, line)| line.edit(&mut checks, index)).collect();
        let mut set: Vec<_> = lines.iter().filter_map(LineEdit::line).collect();
        set.sort_unstable();
        checks.require(set.windows(2).all(|pair| pair[0] != pair[1]), "/lines", "must name each line once");
        checks.done()?;
        Ok(Edit { address, billing_address, email, delivery: delivery.and_then(Result::ok), lines })
    }
}

impl LineEditIn {
    fn edit(self, checks: &mut Checks, index: usize) -> Option<LineEdit> {
        let Self { line, variant_id, sku, quantity } = self;
        let least = if line.is_some() { 0 } else { 1 };
        let range = format!("must be {least} to 1,000,000");
        checks.require((least..=1_000_000).contains(&quantity), &format!("/lines/{index}/quantity"), &range);
        match (line, variant_id, sku) {
            (Some(line), None, None) => Some(LineEdit::Set { line, quantity }),
            (None, Some(id), None) => Some(LineEdit::Add { variant: VariantRef::Id(id), quantity }),
            (None, None, Some(sku)) => {
                checks.text(&sku, 1, MAX_SKU, &format!("/lines/{index}/sku"));
                Some(LineEdit::Add { variant: VariantRef::Sku(sku), quantity })
            }
            _ => {
                checks.require(false, &format!("/lines/{index}"), "name one of line, variant_id and sku");
                None
            }
        }
    }
}

fn revision_out(revision: Revision) -> RevisionOut {
    let contents = revision.contents;
    RevisionOut {
        revision: revision.revision,
        replaced_at: revision.replaced_at,
        actor: revision.actor,
        reason: revision.reason,
        total: revision.total,
        email: contents.email,
        address: contents.address,
        billing_address: contents.billing_address,
        delivery: contents.delivery,
        lines: contents.lines,
        adjustments: contents.adjustments,
    }
}
