//! A person's data: for themselves, and for the merchant whom they ask.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::accounts::Proof;
use crate::customers::{self, Whose};
use crate::http::auth::{InPerson, SignedIn, Staff, may};
use crate::http::extract::{Checks, Json, Path};
use crate::problem::{Problem, ProblemSchema};

const MAX_PASSWORD_CHARS: usize = 256;
const MAX_CODE_CHARS: usize = 64;

/// That it is me, and that I mean it. Who has a second factor sends a code of it, or a recovery code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteMeBody {
    #[schema(example = "correct horse battery staple", min_length = 1, max_length = 256)]
    password: String,
    #[schema(example = "287082", min_length = 1, max_length = 64)]
    code: Option<String>,
    #[schema(example = "k7n2-m4pq-rs8t-vwx9", min_length = 1, max_length = 64)]
    recovery_code: Option<String>,
}

impl DeleteMeBody {
    fn check(self) -> Result<(String, Option<Proof>), Problem> {
        let mut checks = Checks::default();
        let fine = (1..=MAX_PASSWORD_CHARS).contains(&self.password.chars().count());
        checks.require(fine, "/password", "must be 1 to 256 characters");
        for (code, pointer) in [(&self.code, "/code"), (&self.recovery_code, "/recovery_code")] {
            let fine = code.as_ref().is_none_or(|code| (1..=MAX_CODE_CHARS).contains(&code.chars().count()));
            checks.require(fine, pointer, "must be 1 to 64 characters");
        }
        let one = self.code.is_none() || self.recovery_code.is_none();
        checks.require(one, "/code", "send either code or recovery_code");
        checks.done()?;
        Ok((self.password, self.code.map(Proof::Code).or(self.recovery_code.map(Proof::RecoveryCode))))
    }
}

/// The address under which somebody bought who has no account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GuestBody {
    #[schema(
        example = "ada@example.org",
        min_length = 1,
        max_length = 254,
        pattern = "^[^\\u0000-\\u001F\\u007F-\\u009F]+$"
    )]
    email: String,
}

impl GuestBody {
    /// Any text, as a cart takes more than an account does. No control characters: PostgreSQL takes no NUL.
    fn check(self) -> Result<Whose, Problem> {
        let plain = (1..=254).contains(&self.email.chars().count()) && !self.email.contains(char::is_control);
        let mut checks = Checks::default();
        checks.require(plain, "/email", "must be 1 to 254 characters, without control characters");
        checks.done().map(|()| Whose::Guest(self.email))
    }
}

/// A file: browsers offer to save it.
fn file(name: &str, data: Value) -> Result<Response, Problem> {
    let name = format!("attachment; filename=\"{name}.json\"");
    let name = HeaderValue::from_str(&name).map_err(Problem::internal)?;
    Ok(([(header::CONTENT_DISPOSITION, name)], Answer(data)).into_response())
}

/// All that the shop knows of a customer
///
/// Account with addresses, settings, consents and sessions; orders with their history, former revisions, refunds and bookings; drafts,
/// shipments, returns, payments, documents, coupons, gift cards that paid, store credit; carts, reviews, votes, messages, and what they
/// changed under `/v1/admin`. What guests did under the address is in it where the account has proved it. docs/privacy.md lists it.
#[utoipa::path(get, path = "/v1/admin/customers/{id}/export", tag = "customers", operation_id = "export_customer",
    security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, description = "A file", body = Object, example = json!({ "account": { "email": "ada@example.org", "name": "Ada Lovelace" }, "orders": [], "carts": [] })),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn export_customer(
    State(shop): State<Shop>,
    _: Staff<may::Customers>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    file(&format!("customer-{id}"), customers::export(&shop, &Whose::Account(id)).await?)
}

/// Forget a person, for ever
///
/// Their account, addresses, sessions, messages and carts are gone. Orders stay for the books without name, e-mail address, street, city and
/// telephone number, those that are still under way too: ship them first. Consents stay as proof, without the person. Done
/// again, it forgets what has come to light since.
#[utoipa::path(post, path = "/v1/admin/customers/{id}/erase", tag = "customers", operation_id = "erase_customer",
    security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 204, description = "They are forgotten, now or since before"),
    (status = 403, description = "`forbidden`: also to an API key", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`works-for-shop`: remove them from the staff first", body = ProblemSchema)
))]
pub async fn erase_customer(
    State(shop): State<Shop>,
    _: InPerson<may::Customers>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    customers::erase(&shop, Whose::Account(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All that the shop knows of a guest
///
/// As `GET /v1/admin/customers/{id}/export`, of orders, drafts, carts and messages under an address that no account has proved. Before you
/// hand it out, be sure that whoever asks reads the mail of this address: anybody can name one.
#[utoipa::path(post, path = "/v1/admin/customers/by-email/export", tag = "customers", operation_id = "export_guest",
    security(("bearer" = [])), request_body = GuestBody, responses(
    (status = 200, description = "A file", body = Object, example = json!({ "orders": [], "carts": [], "notifications": {} })),
    (status = 409, description = "`email-taken`: an account has proved the address; its own export has all of it", body = ProblemSchema)
))]
pub async fn export_guest(
    State(shop): State<Shop>,
    _: Staff<may::Customers>,
    Json(body): Json<GuestBody>,
) -> Result<Response, Problem> {
    file("guest", customers::export(&shop, &body.check()?).await?)
}

/// Forget a guest, for ever
///
/// As `POST /v1/admin/customers/{id}/erase`, of orders, drafts, carts and messages under an address that no account has proved. Be sure
/// that whoever asks reads the mail of this address: anybody can name one, and there is no way back.
#[utoipa::path(post, path = "/v1/admin/customers/by-email/erase", tag = "customers", operation_id = "erase_guest",
    security(("bearer" = [])), request_body = GuestBody, responses(
    (status = 204, description = "Nothing is known of them, now or since before"),
    (status = 403, description = "`forbidden`: also to an API key", body = ProblemSchema),
    (status = 409, description = "`email-taken`: an account has proved the address; erase that", body = ProblemSchema)
))]
pub async fn erase_guest(
    State(shop): State<Shop>,
    _: InPerson<may::Customers>,
    Json(body): Json<GuestBody>,
) -> Result<StatusCode, Problem> {
    customers::erase(&shop, body.check()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All that the shop knows of me
///
/// As `GET /v1/admin/customers/{id}/export` gives it to the merchant: account, orders, drafts, shipments, returns, payments, documents,
/// coupons, gift cards, store credit, carts, reviews, votes, messages, and what I changed under `/v1/admin`.
#[utoipa::path(get, path = "/v1/me/export", tag = "customers", operation_id = "export_me", security(("bearer" = [])), responses(
    (status = 200, description = "A file", body = Object, example = json!({ "account": { "email": "ada@example.org", "name": "Ada Lovelace" }, "orders": [], "carts": [] }))
))]
pub async fn export_me(State(shop): State<Shop>, SignedIn(identity): SignedIn) -> Result<Response, Problem> {
    let id = identity.customer_id;
    file(&format!("customer-{id}"), customers::export(&shop, &Whose::Account(id)).await?)
}

/// Forget me, for ever
///
/// As `POST /v1/admin/customers/{id}/erase` does. Not while an order is placed or paid and not shipped: it could not come to me.
#[utoipa::path(delete, path = "/v1/me", tag = "customers", operation_id = "delete_me", security(("bearer" = [])),
    request_body = DeleteMeBody, responses(
    (status = 204, description = "There is no such account any more"),
    (status = 401, description = "`invalid-credentials`", body = ProblemSchema),
    (status = 409, description = "`orders-under-way`; `works-for-shop`", body = ProblemSchema),
    (status = 422, description = "`invalid-code`, where there is a second factor", body = ProblemSchema)
))]
pub async fn delete_me(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Json(body): Json<DeleteMeBody>,
) -> Result<StatusCode, Problem> {
    let (password, proof) = body.check()?;
    customers::erase_myself(&shop, &identity, &password, proof.as_ref()).await?;
    Ok(StatusCode::NO_CONTENT)
}
