//! Registering, logging in and out.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ChallengeBody, CustomerBody, check_profile};
use crate::Shop;
use crate::accounts::{
    self, Customer, Device, Email, InvalidEmail, LoggedIn, Password, PasswordRefused, Registered, Registration, Tokens,
    password,
};
use crate::clock::Moment;
use crate::http::extract::{Checks, Json};
use crate::problem::{Kind, Problem, ProblemSchema};

/// A refresh token has 43 characters; anything much longer is none.
const MAX_TOKEN_CHARS: usize = 256;

/// Who wants an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterBody {
    #[schema(example = "ada@example.org", max_length = 254)]
    email: String,
    /// Any characters; not the e-mail address, and none of the most common passwords.
    #[schema(example = "correct horse battery staple", min_length = 8, max_length = 256)]
    password: String,
    #[schema(example = "Ada Lovelace", max_length = 200)]
    name: Option<String>,
    /// BCP 47 tag of the language of mails; the shop's own where there is none.
    #[schema(example = "en")]
    locale: Option<String>,
}

impl RegisterBody {
    fn check(self) -> Result<Registration, Problem> {
        let mut checks = Checks::default();
        let email = Email::parse(&self.email);
        checks.require(email.is_ok(), "/email", &InvalidEmail.to_string());
        // The length can be checked, and told, without an address to compare with.
        let length = self.password.chars().count();
        let password = email.ok().map(|email| (Password::new(&self.password, &email), email));
        match &password {
            Some((Err(refused), _)) => checks.require(false, "/password", &refused.to_string()),
            Some((Ok(_), _)) => {}
            None => checks.require(
                (password::MIN_CHARS..=password::MAX_CHARS).contains(&length),
                "/password",
                &PasswordRefused::Length.to_string(),
            ),
        }
        check_profile(&mut checks, self.name.as_deref(), self.locale.as_deref());
        checks.done()?;
        let Some((Ok(password), email)) = password else { return Err(Problem::new(Kind::InvalidRequest)) };
        let name = self.name.unwrap_or_default().trim().to_owned();
        Ok(Registration { email, password, name, locale: self.locale })
    }
}

/// Who wants to log in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    #[schema(
        example = "ada@example.org",
        min_length = 1,
        max_length = 254,
        pattern = "^[^\\u0000-\\u001F\\u007F-\\u009F]+$"
    )]
    email: String,
    #[schema(example = "correct horse battery staple", min_length = 1, max_length = 256)]
    password: String,
}

impl LoginBody {
    /// Only what bounds the work. Whether it could be an address or a password of ours is not told apart from a wrong one.
    fn check(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        // No control characters: PostgreSQL takes no NUL, not even to look for it.
        let plain = (1..=254).contains(&self.email.len()) && !self.email.contains(char::is_control);
        checks.require(plain, "/email", "must be 1 to 254 characters, without control characters");
        let length = self.password.chars().count();
        checks.require((1..=password::MAX_CHARS).contains(&length), "/password", "must be 1 to 256 characters");
        checks.done()
    }
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshTokenBody {
    #[schema(example = "8xGfM0T4Yw1w0mJHkQy1l3mCwF2b6rX9aZcVdNeSuQk", min_length = 1, max_length = 256)]
    refresh_token: String,
}

impl RefreshTokenBody {
    fn check(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        let length = self.refresh_token.len();
        checks.require((1..=MAX_TOKEN_CHARS).contains(&length), "/refresh_token", "must be 1 to 256 characters");
        checks.done()
    }
}

/// The tokens of a session.
#[derive(Serialize, ToSchema)]
pub struct TokensBody {
    /// Goes into `Authorization: Bearer …`.
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds that the access token is accepted.
    #[schema(example = 600)]
    expires_in: u64,
    /// Good once, for the next pair.
    #[schema(example = "8xGfM0T4Yw1w0mJHkQy1l3mCwF2b6rX9aZcVdNeSuQk")]
    refresh_token: String,
    /// When the session ends and the password is asked for again.
    #[schema(value_type = String, format = DateTime)]
    session_expires_at: Moment,
}

impl From<Tokens> for TokensBody {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access_token,
            token_type: "Bearer",
            expires_in: tokens.access_token_seconds,
            refresh_token: tokens.refresh_token,
            session_expires_at: tokens.session_expires_at,
        }
    }
}

/// A session that has just begun.
#[derive(Serialize, ToSchema)]
pub struct SessionBody {
    #[serde(flatten)]
    tokens: TokensBody,
    customer: CustomerBody,
}

impl From<(Customer, Tokens)> for SessionBody {
    fn from((customer, tokens): (Customer, Tokens)) -> Self {
        Self { tokens: tokens.into(), customer: customer.into() }
    }
}

/// Create an account, and log in
#[utoipa::path(post, path = "/v1/auth/register", tag = "accounts", request_body = RegisterBody, responses(
    (status = 201, body = SessionBody),
    (status = 202, description = "Where the shop wants addresses confirmed first: follow the letter, then log in. The same for an \
        address that has an account"),
    (status = 409, description = "`email-taken`", body = ProblemSchema),
    (status = 503, description = "`unavailable`: too many at once", body = ProblemSchema)
))]
pub async fn register(
    State(shop): State<Shop>,
    device: Device,
    Json(body): Json<RegisterBody>,
) -> Result<Response, Problem> {
    Ok(match accounts::register(&shop, body.check()?, &device).await? {
        Registered::In(customer, tokens) => {
            (StatusCode::CREATED, axum::Json(SessionBody::from((*customer, tokens)))).into_response()
        }
        Registered::Waiting => StatusCode::ACCEPTED.into_response(),
    })
}

/// Log in
///
/// An account with a second factor is answered with a challenge, for `POST /v1/auth/second-factor`, in place of tokens.
#[utoipa::path(post, path = "/v1/auth/login", tag = "accounts", request_body = LoginBody, responses(
    (status = 200, body = SessionBody),
    (status = 202, description = "The password is right; a code of the second factor is asked for", body = ChallengeBody),
    (status = 401, description = "`invalid-credentials`", body = ProblemSchema),
    (status = 403, description = "`email-unconfirmed`, where the shop asks for it; `account-disabled`", body = ProblemSchema),
    (status = 429, description = "`too-many-requests`: too many wrong passwords", body = ProblemSchema),
    (status = 503, description = "`unavailable`: too many at once", body = ProblemSchema)
))]
pub async fn login(State(shop): State<Shop>, device: Device, Json(body): Json<LoginBody>) -> Result<Response, Problem> {
    body.check()?;
    Ok(match accounts::log_in(&shop, &body.email, &body.password, &device).await? {
        LoggedIn::In(customer, tokens) => axum::Json(SessionBody::from((*customer, tokens))).into_response(),
        LoggedIn::Challenged(challenge) => {
            (StatusCode::ACCEPTED, axum::Json(ChallengeBody::from(challenge))).into_response()
        }
    })
}

/// Exchange a refresh token for the next pair of tokens
#[utoipa::path(post, path = "/v1/auth/refresh", tag = "accounts", request_body = RefreshTokenBody, responses(
    (status = 200, body = TokensBody),
    (status = 401, description = "`invalid-token`; `refresh-token-reused`: the session has been ended", body = ProblemSchema)
))]
pub async fn refresh(
    State(shop): State<Shop>,
    Json(body): Json<RefreshTokenBody>,
) -> Result<axum::Json<TokensBody>, Problem> {
    body.check()?;
    Ok(axum::Json(accounts::refresh(&shop, &body.refresh_token).await?.into()))
}

/// End a session; its access tokens end with it
#[utoipa::path(post, path = "/v1/auth/logout", tag = "accounts", request_body = RefreshTokenBody, responses(
    (status = 204, description = "It has ended, now or before")
))]
pub async fn logout(State(shop): State<Shop>, Json(body): Json<RefreshTokenBody>) -> Result<StatusCode, Problem> {
    body.check()?;
    accounts::log_out(&shop, &body.refresh_token).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::wrong;
    use super::*;

    #[test]
    fn registrations_are_checked_field_by_field() {
        for (body, pointers) in [
            (json!({ "email": "ada@example.org", "password": "correct horse" }), vec![]),
            (
                json!({ "email": "ada@example.org", "password": "correct horse", "name": "Ada", "locale": "pt-BR" }),
                vec![],
            ),
            (json!({ "email": "ada@example.org", "password": "correct horse", "name": null, "locale": null }), vec![]),
            (json!({ "email": "ada", "password": "correct horse" }), vec!["/email"]),
            (
                json!({ "email": "ada", "password": "short", "name": "\u{7}", "locale": "!" }),
                vec!["/email", "/password", "/name", "/locale"],
            ),
            (json!({ "email": "ada@example.org", "password": "ADA@example.org" }), vec!["/password"]),
            (json!({ "email": "ada@example.org", "password": "password" }), vec!["/password"]),
            (json!({ "email": "ada@example.org", "password": "correct horse", "name": "a\nb" }), vec!["/name"]),
            (
                json!({ "email": "ada@example.org", "password": "correct horse", "name": "x".repeat(201) }),
                vec!["/name"],
            ),
            (json!({ "email": "ada@example.org", "password": "correct horse", "role": "merchant" }), vec!["/role"]),
            (json!({ "email": 1, "password": "correct horse" }), vec!["/email"]),
        ] {
            assert_eq!(wrong(&body, RegisterBody::check), pointers, "{body}");
        }
    }

    #[test]
    fn other_bodies_are_checked_too() {
        let login = |body: LoginBody| body.check();
        for (body, pointers) in [
            (json!({ "email": "no address", "password": "x" }), vec![]),
            (json!({ "email": "", "password": "" }), vec!["/email", "/password"]),
            (json!({ "email": "ada\u{0}@example.org", "password": "x" }), vec!["/email"]),
            (json!({ "email": "a".repeat(255), "password": "x".repeat(257) }), vec!["/email", "/password"]),
        ] {
            assert_eq!(wrong(&body, login), pointers, "{body}");
        }
        let token = |body: RefreshTokenBody| body.check();
        assert_eq!(wrong(&json!({ "refresh_token": "x".repeat(257) }), token), ["/refresh_token"]);
        assert_eq!(wrong(&json!({ "refresh_token": "" }), token), ["/refresh_token"]);
    }
}
