//! For other services: the keys that access tokens are verified with, and what a token is worth now.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::IntoResponse;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::accounts::{self, About, ApiKey, PublicKey};
use crate::http::auth::{Reader, may};
use crate::http::extract::{Checks, JsonOrForm};
use crate::problem::Problem;

/// Access tokens have some 600 characters; anything much longer is none.
const MAX_TOKEN_CHARS: usize = 4_096;
/// A new key is published a quarter of an hour before it signs.
const KEYS_ARE_FRESH_FOR: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Keys, as RFC 7517 has them.
#[derive(Serialize, ToSchema)]
pub struct KeySetOut {
    /// The newest first. A key that does not sign yet stands here, too.
    keys: Vec<KeyOut>,
}

/// An Ed25519 key, as RFC 8037 has it.
#[derive(Serialize, ToSchema)]
pub struct KeyOut {
    #[schema(example = "OKP")]
    kty: &'static str,
    #[schema(example = "Ed25519")]
    crv: &'static str,
    #[schema(example = "EdDSA")]
    alg: &'static str,
    #[schema(example = "sig")]
    r#use: &'static str,
    /// Names the key in the head of a token: its thumbprint (RFC 7638).
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    kid: String,
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    x: String,
}

impl From<PublicKey> for KeyOut {
    fn from(key: PublicKey) -> Self {
        Self { kty: "OKP", crv: "Ed25519", alg: "EdDSA", r#use: "sig", kid: key.kid, x: key.x }
    }
}

/// The token that somebody showed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntrospectionBody {
    #[schema(example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSIs…", min_length = 1, max_length = 4096)]
    token: String,
    /// Taken and not needed: a token says by itself what it is.
    #[schema(example = "access_token", max_length = 100)]
    token_type_hint: Option<String>,
}

impl IntrospectionBody {
    fn check(self) -> Result<String, Problem> {
        let mut checks = Checks::default();
        let fine = (1..=MAX_TOKEN_CHARS).contains(&self.token.chars().count());
        checks.require(fine, "/token", "must be 1 to 4096 characters");
        let hint = self.token_type_hint.as_deref().unwrap_or_default();
        checks.require(hint.chars().count() <= 100, "/token_type_hint", "must be at most 100 characters");
        checks.done().map(|()| self.token)
    }
}

/// What a token is worth (RFC 7662). Of one that is worth nothing, `active` alone.
#[derive(Serialize, ToSchema, Default)]
pub struct IntrospectionOut {
    active: bool,
    /// `Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Bearer")]
    token_type: Option<&'static str>,
    /// `person`, or `api-key`, which is nobody in person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "person")]
    kind: Option<&'static str>,
    /// The customer, or the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<Uuid>,
    /// The session of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
    /// Of a person: `customer`, `staff` or `owner`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "staff")]
    role: Option<&'static str>,
    /// Permissions of staff, scopes of a key, with spaces between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "catalog orders")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "kassa:api")]
    aud: Option<String>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
}

impl From<About> for IntrospectionOut {
    fn from(about: About) -> Self {
        match about {
            About::Person { identity, issuer, audience, issued_at, not_before, expires_at } => Self {
                active: true,
                token_type: Some("Bearer"),
                kind: Some("person"),
                sub: Some(identity.customer_id),
                sid: Some(identity.session_id),
                role: Some(identity.role.name()),
                scope: Some(identity.permissions.to_text()),
                iss: Some(issuer),
                aud: Some(audience),
                iat: Some(issued_at),
                nbf: Some(not_before),
                exp: Some(expires_at),
            },
            About::Key(key) => of_key(*key),
        }
    }
}

fn of_key(key: ApiKey) -> IntrospectionOut {
    IntrospectionOut {
        active: true,
        token_type: Some("Bearer"),
        kind: Some("api-key"),
        sub: Some(key.id),
        scope: Some(key.scopes.names().join(" ")),
        iat: Some(key.created_at.timestamp()),
        exp: key.expires_at.map(|moment| moment.timestamp()),
        ..IntrospectionOut::default()
    }
}

/// The keys that access tokens are verified with (JWKS)
///
/// Ed25519 and nothing else. A new key stands here a quarter of an hour before it signs, and an old one until its last token has run
/// out, so fetch them every few minutes or whenever a token names a `kid` that you do not know. Check `typ` (`at+jwt`), `alg`
/// (`EdDSA`), `iss`, `aud` (`kassa:api`) and `exp`. That the session has not ended only `POST /v1/auth/introspect` tells.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "accounts", operation_id = "list_signing_keys", responses(
    (status = 200, body = KeySetOut)
))]
pub async fn list_signing_keys(State(shop): State<Shop>) -> impl IntoResponse {
    let keys = accounts::public_keys(&shop).into_iter().map(KeyOut::from).collect();
    ([(header::CACHE_CONTROL, KEYS_ARE_FRESH_FOR)], Answer(KeySetOut { keys }))
}

/// Tell what a token is worth now (RFC 7662)
///
/// For other services that somebody shows an access token or an API key of this shop. A token that is forged, expired or revoked, or whose
/// session has ended, is answered with `active: false` and nothing else, and so is a refresh token, which is for the shop
/// alone. Needs `customers`; of an API key, `customers:read` is enough. Send a form, as the standard has it, or JSON.
#[utoipa::path(post, path = "/v1/auth/introspect", tag = "accounts", operation_id = "introspect_token", security(("bearer" = [])),
    request_body(content(
        (IntrospectionBody = "application/json"),
        (IntrospectionBody = "application/x-www-form-urlencoded")
    )),
    responses((status = 200, body = IntrospectionOut)))]
pub async fn introspect_token(
    State(shop): State<Shop>,
    _: Reader<may::Customers>,
    JsonOrForm(body): JsonOrForm<IntrospectionBody>,
) -> Result<Answer<IntrospectionOut>, Problem> {
    let about = accounts::introspect(&shop, &body.check()?).await?;
    Ok(Answer(about.map_or_else(IntrospectionOut::default, IntrospectionOut::from)))
}
