//! Gift cards: for the merchant, and what their holders ask.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{PrepaidEntryOut, REASON_CHARACTERS, check_change};
use crate::Shop;
use crate::clock::{self, Given, Moment};
use crate::http::auth::{Caller, Staff, may};
use crate::http::extract::{Checks, Json, Path, Query, present};
use crate::http::paging::{Page, PageParams};
use crate::http::versions::{expected_version, version_tag};
use crate::money::{Amount, MAX_AMOUNT};
use crate::once::Once;
use crate::prepaid::{self, Code, GiftCard, MAX_TYPED, NewGiftCard, Patch};
use crate::problem::{Problem, ProblemSchema};

const CODE_RULE: &str = "must be 16 to 40 letters and digits, and at most 100 characters with hyphens and spaces";

/// A gift card to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiftCardIn {
    #[schema(value_type = i64, minimum = 1, maximum = 9_007_199_254_740_991_i64, example = 5000)]
    amount: Amount,
    /// One in which the shop sells: the card pays carts in it, and no others.
    #[schema(min_length = 3, max_length = 3, example = "EUR")]
    currency: String,
    /// The first moment at which it pays nothing any more; none where it does not expire.
    #[schema(value_type = Option<String>, format = DateTime, example = "2029-12-31T23:00:00Z")]
    expires_at: Option<Given>,
    /// For the shop's own records.
    #[serde(default)]
    #[schema(max_length = 500, example = "sold at the counter")]
    note: String,
    /// Of a card that was given out elsewhere: 16 to 40 letters and digits, beside hyphens and spaces. A random one where there
    /// is none.
    #[schema(min_length = 16, max_length = 100, pattern = "^([ -]*[0-9A-Za-z]){16,40}[ -]*$")]
    code: Option<String>,
}

/// Changes of a gift card: a field that is missing stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "active": false, "note": "reported lost" }))]
pub struct GiftCardPatchIn {
    /// False switches it off: it keeps its balance and pays nothing.
    active: Option<bool>,
    /// Null: it does not expire.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Option<Given>>,
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// A change of the balance.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiftCardAdjustmentIn {
    /// Above 0 it has so much more, below 0 so much less. Not 0, and never below what there is.
    #[schema(value_type = i64, maximum = 9_007_199_254_740_991_i64, example = -500)]
    amount: Amount,
    #[schema(min_length = 1, max_length = 500, example = "paid out in cash")]
    reason: String,
}

/// A gift card, without its code.
#[derive(Debug, Serialize, ToSchema)]
pub struct GiftCardOut {
    id: Uuid,
    /// The end of its code.
    #[schema(example = "7K2Q")]
    last_four: String,
    currency: String,
    #[schema(example = 5000)]
    balance: Amount,
    active: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Moment>,
    note: String,
    /// Who made it.
    created_by: String,
    /// The ETag, for `If-Match`.
    version: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Moment,
}

/// A gift card that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewGiftCardOut {
    /// The code itself. It is shown here and never again.
    #[schema(example = "4G7N-0QZK-J8XM-22RT-7K2Q")]
    code: String,
    #[serde(flatten)]
    about: GiftCardOut,
}

/// The code of a gift card.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiftCardCodeIn {
    /// As it is written on the card: upper or lower case, with hyphens and spaces or without.
    #[schema(min_length = 1, max_length = 100, example = "4G7N-0QZK-J8XM-22RT-7K2Q")]
    code: String,
}

/// What is on a gift card.
#[derive(Debug, Serialize, ToSchema)]
pub struct GiftCardBalanceOut {
    #[schema(example = "7K2Q")]
    last_four: String,
    currency: String,
    #[schema(example = 5000)]
    balance: Amount,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Moment>,
    /// False: it has expired or is switched off, and pays nothing.
    usable: bool,
}

/// Which gift cards.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GiftCardParams {
    /// Those whose codes end so, in any case.
    #[param(pattern = "^[0-9A-Za-z]{4}$", example = "7K2Q")]
    last_four: Option<String>,
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Gift cards, the newest first
#[utoipa::path(get, path = "/v1/admin/gift-cards", tag = "promotions", security(("bearer" = [])), params(GiftCardParams), responses(
    (status = 200, body = Page<GiftCardOut>)
))]
pub async fn list_gift_cards(
    _: Staff<may::Refunds>,
    State(shop): State<Shop>,
    Query(params): Query<GiftCardParams>,
) -> Result<Answer<Page<GiftCardOut>>, Problem> {
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    let last_four = params.last_four.map(|text| text.to_ascii_uppercase());
    if last_four.as_ref().is_some_and(|text| text.len() != 4 || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    {
        return Err(Problem::invalid_field("last_four", "must be 4 letters and digits"));
    }
    let cards = prepaid::list(&shop, last_four.as_deref(), page.key()?, limit).await?;
    Ok(Answer(Page::new(cards, limit, |card| card.id, GiftCardOut::from)))
}

/// A gift card
#[utoipa::path(get, path = "/v1/admin/gift-cards/{id}", tag = "promotions", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The card, with its ETag", body = GiftCardOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_gift_card(
    _: Staff<may::Refunds>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    Ok(answer(prepaid::get(&shop, id).await?))
}

/// Make a gift card
///
/// Its code is in this answer and nowhere else. An `Idempotency-Key` is ignored, since the answer is not kept: where it was lost, switch
/// off the card that nobody knows.
#[utoipa::path(post, path = "/v1/admin/gift-cards", tag = "promotions", security(("bearer" = [])), request_body = GiftCardIn, responses(
    (status = 201, description = "With `Location`", body = NewGiftCardOut),
    (status = 409, description = "`gift-card-code-taken`", body = ProblemSchema)
))]
pub async fn create_gift_card(
    staff: Staff<may::Refunds>,
    State(shop): State<Shop>,
    Json(body): Json<GiftCardIn>,
) -> Result<Response, Problem> {
    let code = body.code.as_deref().map(Code::parse);
    let currency = shop.config().shop.find_currency(Some(&body.currency));
    let mut checks = Checks::default();
    checks.require((1..=MAX_AMOUNT).contains(&body.amount), "/amount", "must be 1 to 2^53 - 1");
    checks.require(currency.is_some(), "/currency", "is not a currency in which the shop sells");
    let ahead = body.expires_at.is_none_or(|moment| Moment::from(moment) > clock::now());
    checks.require(ahead, "/expires_at", "must be in the future");
    checks.text(&body.note, 0, REASON_CHARACTERS, "/note");
    checks.require(code != Some(None), "/code", CODE_RULE);
    checks.done()?;
    let new = NewGiftCard {
        code: code.flatten(),
        amount: body.amount,
        currency: currency.unwrap_or(shop.config().shop.currency),
        expires_at: body.expires_at.map(Moment::from),
        note: body.note.trim().to_owned(),
    };
    let (card, code) = prepaid::issue(&shop, new, &staff.actor.to_string()).await?;
    let place = HeaderValue::from_str(&format!("/v1/admin/gift-cards/{}", card.id)).map_err(Problem::internal)?;
    let body = NewGiftCardOut { code: code.shown(), about: card.into() };
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Answer(body)).into_response())
}

/// Switch a gift card on or off, or change when it expires
#[utoipa::path(patch, path = "/v1/admin/gift-cards/{id}", tag = "promotions", security(("bearer" = [])), request_body = GiftCardPatchIn,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: change only this version")), responses(
    (status = 200, description = "The card, with its new ETag", body = GiftCardOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn patch_gift_card(
    _: Staff<may::Refunds>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Json(body): Json<GiftCardPatchIn>,
) -> Result<Response, Problem> {
    let expected = expected_version(&headers)?;
    let mut checks = Checks::default();
    if let Some(note) = &body.note {
        checks.text(note, 0, REASON_CHARACTERS, "/note");
    }
    checks.done()?;
    let patch = Patch {
        active: body.active,
        expires_at: body.expires_at.map(|moment| moment.map(Moment::from)),
        note: body.note.map(|note| note.trim().to_owned()),
    };
    Ok(answer(prepaid::patch(&shop, id, patch, expected).await?))
}

/// Put the balance of a gift card right
///
/// For what no order tells: loaded again, paid out, lost.
#[utoipa::path(post, path = "/v1/admin/gift-cards/{id}/adjustments", tag = "promotions", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = GiftCardAdjustmentIn, responses(
    (status = 201, body = GiftCardOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`amount-exceeded`: there is less on it", body = ProblemSchema)
))]
pub async fn adjust_gift_card(
    staff: Staff<may::Refunds>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    once: Once,
    Json(body): Json<GiftCardAdjustmentIn>,
) -> Result<(StatusCode, Answer<GiftCardOut>), Problem> {
    check_change(body.amount, &body.reason)?;
    let card = prepaid::adjust(&shop, once, id, body.amount, body.reason.trim(), &staff.actor.to_string()).await?;
    Ok((StatusCode::CREATED, Answer(card.into())))
}

/// Every change of a gift card's balance, the newest first
#[utoipa::path(get, path = "/v1/admin/gift-cards/{id}/entries", tag = "promotions", security(("bearer" = [])),
    params(("id" = Uuid, Path), PageParams), responses(
    (status = 200, body = Page<PrepaidEntryOut>),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn list_gift_card_entries(
    _: Staff<may::Refunds>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Query(page): Query<PageParams>,
) -> Result<Answer<Page<PrepaidEntryOut>>, Problem> {
    let limit = page.limit()?;
    let entries = prepaid::list_entries(&shop, id, page.key()?, limit).await?;
    Ok(Answer(Page::new(entries, limit, |entry| entry.id, PrepaidEntryOut::from)))
}

/// What is on a gift card
///
/// For whoever knows its code. Throttled: `throttle.gift_cards`.
#[utoipa::path(post, path = "/v1/gift-cards/balance", tag = "promotions", request_body = GiftCardCodeIn, responses(
    (status = 200, body = GiftCardBalanceOut),
    (status = 404, description = "`not-found`: no card has this code", body = ProblemSchema)
))]
pub async fn get_gift_card_balance(
    State(shop): State<Shop>,
    _: Caller,
    Json(body): Json<GiftCardCodeIn>,
) -> Result<Answer<GiftCardBalanceOut>, Problem> {
    let mut checks = Checks::default();
    checks.text(&body.code, 1, MAX_TYPED, "/code");
    checks.done()?;
    let code = Code::parse(&body.code).ok_or_else(Problem::not_found)?;
    let card = prepaid::find_by_code(&shop, &code).await?.ok_or_else(Problem::not_found)?;
    let usable = card.is_usable(clock::now());
    let GiftCard { last_four, currency, balance, expires_at, .. } = card;
    Ok(Answer(GiftCardBalanceOut { last_four, currency, balance, expires_at, usable }))
}

fn answer(card: GiftCard) -> Response {
    ([(header::ETAG, version_tag(card.version))], Answer(GiftCardOut::from(card))).into_response()
}

impl From<GiftCard> for GiftCardOut {
    fn from(card: GiftCard) -> Self {
        Self {
            id: card.id,
            last_four: card.last_four,
            currency: card.currency,
            balance: card.balance,
            active: card.active,
            expires_at: card.expires_at,
            note: card.note,
            created_by: card.created_by,
            version: card.version,
            created_at: card.created_at,
            updated_at: card.updated_at,
        }
    }
}
