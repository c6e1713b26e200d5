//! Proving an address, and passwords and addresses that change.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Shop;
use crate::accounts::{self, Email, InvalidEmail, PasswordRefused, password};
use crate::http::auth::{Caller, SignedIn};
use crate::http::extract::{Checks, Json};
use crate::problem::{Problem, ProblemSchema};

/// A token of a letter has 43 characters; anything much longer is none.
const MAX_TOKEN_CHARS: usize = 256;

/// Who it is about.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressedBody {
    #[schema(
        example = "ada@example.org",
        min_length = 1,
        max_length = 254,
        pattern = "^[^\\u0000-\\u001F\\u007F-\\u009F]+$"
    )]
    email: String,
}

impl AddressedBody {
    /// Any text: what is no address gets the same answer as one that nobody has.
    fn check(self) -> Result<String, Problem> {
        let mut checks = Checks::default();
        // No control characters: PostgreSQL takes no NUL.
        let plain = (1..=254).contains(&self.email.chars().count()) && !self.email.contains(char::is_control);
        checks.require(plain, "/email", "must be 1 to 254 characters, without control characters");
        checks.done().map(|()| self.email)
    }
}

/// What a letter brought.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkTokenBody {
    #[schema(example = "8xGfM0T4Yw1w0mJHkQy1l3mCwF2b6rX9aZcVdNeSuQk", min_length = 1, max_length = 256)]
    token: String,
}

impl LinkTokenBody {
    fn check(self) -> Result<String, Problem> {
        let mut checks = Checks::default();
        check_token(&mut checks, &self.token);
        checks.done().map(|()| self.token)
    }
}

fn check_token(checks: &mut Checks, token: &str) {
    let fine = (1..=MAX_TOKEN_CHARS).contains(&token.chars().count());
    checks.require(fine, "/token", "must be 1 to 256 characters");
}

/// The length only; the rest is for who knows the account.
fn check_length(checks: &mut Checks, text: &str, pointer: &str) {
    let fine = (password::MIN_CHARS..=password::MAX_CHARS).contains(&text.chars().count());
    checks.require(fine, pointer, &PasswordRefused::Length.to_string());
}

fn check_current(checks: &mut Checks, text: &str, pointer: &str) {
    let fine = (1..=password::MAX_CHARS).contains(&text.chars().count());
    checks.require(fine, pointer, "must be 1 to 256 characters");
}

/// What a letter brought, and that the account is one's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmEmailBody {
    #[schema(example = "8xGfM0T4Yw1w0mJHkQy1l3mCwF2b6rX9aZcVdNeSuQk", min_length = 1, max_length = 256)]
    token: String,
    /// Of the account; not needed by who is signed in to it.
    #[schema(example = "correct horse battery staple", min_length = 1, max_length = 256)]
    password: Option<String>,
}

/// A new password, by a letter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPasswordBody {
    #[schema(example = "8xGfM0T4Yw1w0mJHkQy1l3mCwF2b6rX9aZcVdNeSuQk", min_length = 1, max_length = 256)]
    token: String,
    #[schema(example = "correct horse battery staple", min_length = 8, max_length = 256)]
    password: String,
}

/// A new password, by the current one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordBody {
    #[schema(example = "correct horse battery staple", min_length = 1, max_length = 256)]
    current_password: String,
    #[schema(example = "another horse battery staple", min_length = 8, max_length = 256)]
    password: String,
}

/// A new address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeEmailBody {
    /// The current one.
    #[schema(example = "correct horse battery staple", min_length = 1, max_length = 256)]
    password: String,
    #[schema(example = "countess@example.org", max_length = 254)]
    email: String,
}

/// How far the change is.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({ "changed": false }))]
pub struct EmailChangeBody {
    /// Whether both addresses have agreed, and the account has the new one.
    changed: bool,
}

/// Prove that the e-mail address of an account is yours, with the token of the letter
///
/// By who is signed in to the account, or gives its password: others may have registered the address of whoever reads this letter. Other
/// sessions of the account end. Orders that were placed with this address without an account become the account's.
#[utoipa::path(post, path = "/v1/auth/confirm-email", tag = "accounts", request_body = ConfirmEmailBody, responses(
    (status = 204, description = "It is confirmed"),
    (status = 401, description = "`unauthenticated`: sign in to the account, or send its password; `invalid-credentials`", body = ProblemSchema),
    (status = 422, description = "`invalid-request`; `invalid-link`", body = ProblemSchema)
))]
pub async fn confirm_email(
    State(shop): State<Shop>,
    caller: Caller,
    Json(body): Json<ConfirmEmailBody>,
) -> Result<StatusCode, Problem> {
    let mut checks = Checks::default();
    check_token(&mut checks, &body.token);
    if let Some(password) = &body.password {
        check_current(&mut checks, password, "/password");
    }
    checks.done()?;
    accounts::confirm_email(&shop, &body.token, caller.0.as_ref(), body.password.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Send the letter that proves an address once more
///
/// The answer is the same whether there is such an account or not, and whether it is confirmed or not.
#[utoipa::path(post, path = "/v1/auth/confirm-email/resend", tag = "accounts", request_body = AddressedBody, responses(
    (status = 202, description = "Whoever has to confirm this address gets a letter")
))]
pub async fn resend_confirmation(
    State(shop): State<Shop>,
    Json(body): Json<AddressedBody>,
) -> Result<StatusCode, Problem> {
    accounts::ask_for_confirmation(&shop, &body.check()?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Ask for a letter with which a new password can be set
///
/// The answer is the same whether there is such an account or not.
#[utoipa::path(post, path = "/v1/auth/forgot-password", tag = "accounts", request_body = AddressedBody, responses(
    (status = 202, description = "Whoever has an account with this address gets a letter")
))]
pub async fn forgot_password(State(shop): State<Shop>, Json(body): Json<AddressedBody>) -> Result<StatusCode, Problem> {
    accounts::ask_for_reset(&shop, &body.check()?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Set a new password with the token of the letter
///
/// Every session of the account ends, and its address is confirmed.
#[utoipa::path(post, path = "/v1/auth/reset-password", tag = "accounts", request_body = ResetPasswordBody, responses(
    (status = 204, description = "Log in with it now"),
    (status = 422, description = "`invalid-request`; `invalid-link`", body = ProblemSchema),
    (status = 503, description = "`unavailable`: too many at once", body = ProblemSchema)
))]
pub async fn reset_password(
    State(shop): State<Shop>,
    Json(body): Json<ResetPasswordBody>,
) -> Result<StatusCode, Problem> {
    let mut checks = Checks::default();
    check_token(&mut checks, &body.token);
    check_length(&mut checks, &body.password, "/password");
    checks.done()?;
    accounts::reset_password(&shop, &body.token, &body.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change my password
///
/// My other sessions end. A wrong current password counts as a failed login.
#[utoipa::path(post, path = "/v1/me/password", tag = "accounts", security(("bearer" = [])), request_body = ChangePasswordBody, responses(
    (status = 204, description = "It is changed"),
    (status = 401, description = "`unauthenticated`, `invalid-token`; `invalid-credentials`: the current password is wrong", body = ProblemSchema),
    (status = 429, description = "`too-many-requests`: too many wrong passwords", body = ProblemSchema),
    (status = 503, description = "`unavailable`: too many at once", body = ProblemSchema)
))]
pub async fn change_password(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Json(body): Json<ChangePasswordBody>,
) -> Result<StatusCode, Problem> {
    let mut checks = Checks::default();
    check_current(&mut checks, &body.current_password, "/current_password");
    check_length(&mut checks, &body.password, "/password");
    checks.done()?;
    accounts::change_password(&shop, &identity, &body.current_password, &body.password).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask for another e-mail address
///
/// Both addresses get a letter, and the change takes effect when both have agreed. The answer is the same whether the new address
/// has an account or not.
#[utoipa::path(post, path = "/v1/me/email", tag = "accounts", security(("bearer" = [])), request_body = ChangeEmailBody, responses(
    (status = 202, description = "Both addresses are asked"),
    (status = 401, description = "`unauthenticated`, `invalid-token`; `invalid-credentials`: the password is wrong", body = ProblemSchema),
    (status = 429, description = "`too-many-requests`: too many wrong passwords", body = ProblemSchema),
    (status = 503, description = "`unavailable`: too many at once", body = ProblemSchema)
))]
pub async fn change_email(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Json(body): Json<ChangeEmailBody>,
) -> Result<StatusCode, Problem> {
    let mut checks = Checks::default();
    check_current(&mut checks, &body.password, "/password");
    let email = Email::parse(&body.email);
    checks.require(email.is_ok(), "/email", &InvalidEmail.to_string());
    checks.done()?;
    accounts::ask_for_email_change(&shop, &identity, &body.password, &email.map_err(accounts::Error::from)?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Agree to a change of the e-mail address, with the token of the letter to either of the two
#[utoipa::path(post, path = "/v1/auth/change-email", tag = "accounts", request_body = LinkTokenBody, responses(
    (status = 200, body = EmailChangeBody),
    (status = 409, description = "`email-taken`: somebody else has the address since", body = ProblemSchema),
    (status = 422, description = "`invalid-request`; `invalid-link`", body = ProblemSchema)
))]
pub async fn agree_to_email_change(
    State(shop): State<Shop>,
    Json(body): Json<LinkTokenBody>,
) -> Result<axum::Json<EmailChangeBody>, Problem> {
    let changed = accounts::agree_to_email_change(&shop, &body.check()?).await?;
    Ok(axum::Json(EmailChangeBody { changed }))
}

/// Call a change of the e-mail address off, with the token of the letter to either of the two
#[utoipa::path(post, path = "/v1/auth/change-email/cancel", tag = "accounts", request_body = LinkTokenBody, responses(
    (status = 204, description = "The account keeps its address"),
    (status = 422, description = "`invalid-request`; `invalid-link`", body = ProblemSchema)
))]
pub async fn refuse_email_change(
    State(shop): State<Shop>,
    Json(body): Json<LinkTokenBody>,
) -> Result<StatusCode, Problem> {
    accounts::refuse_email_change(&shop, &body.check()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
