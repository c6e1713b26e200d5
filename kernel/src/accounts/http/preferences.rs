//! My settings, and what I consented to.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::LOCALE_DETAIL;
use crate::Shop;
use crate::accounts::{self, Consent, ConsentChange, Preferences, is_locale};
use crate::clock::Moment;
use crate::http::auth::SignedIn;
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::problem::{Problem, ProblemSchema};

const MAX_SOURCE_CHARS: usize = 200;

/// What I chose.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsBody {
    /// BCP 47 tag of the language of messages.
    #[schema(example = "en", min_length = 2, max_length = 35)]
    locale: String,
    /// Where I want messages of each kind.
    notifications: Preferences,
}

/// How a consent stands.
#[derive(Serialize, ToSchema)]
pub struct ConsentBody {
    kind: Consent,
    given: bool,
    /// When it was given or withdrawn; null where it was never asked.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Moment>,
    /// How, in the storefront's words.
    #[schema(example = "checkbox at the checkout")]
    source: Option<String>,
}

/// A consent that is given or withdrawn.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentIn {
    given: bool,
    /// How: which question was asked, in which words. It is kept as proof.
    #[schema(example = "checkbox at checkout, text of 2026-05", min_length = 1, max_length = 200)]
    source: String,
}

/// A change of a consent.
#[derive(Serialize, ToSchema)]
pub struct ConsentChangeBody {
    given: bool,
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
    #[schema(example = "checkbox at the checkout")]
    source: String,
}

fn consent_body((kind, change): (Consent, Option<ConsentChange>)) -> ConsentBody {
    let given = change.as_ref().is_some_and(|change| change.given);
    let (at, source) = change.map(|change| (change.at, change.source)).unzip();
    ConsentBody { kind, given, at, source }
}

/// My settings
#[utoipa::path(get, path = "/v1/me/settings", tag = "accounts", security(("bearer" = [])), responses(
    (status = 200, body = SettingsBody)
))]
pub async fn get_settings(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
) -> Result<axum::Json<SettingsBody>, Problem> {
    let customer = accounts::find_customer(&shop, identity.customer_id).await?.ok_or_else(Problem::not_found)?;
    let notifications = accounts::chosen_preferences(&shop, customer.id).await?;
    Ok(axum::Json(SettingsBody { locale: customer.locale, notifications }))
}

/// Change my settings
#[utoipa::path(put, path = "/v1/me/settings", tag = "accounts", security(("bearer" = [])), request_body = SettingsBody, responses(
    (status = 200, body = SettingsBody)
))]
pub async fn put_settings(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Json(body): Json<SettingsBody>,
) -> Result<axum::Json<SettingsBody>, Problem> {
    let mut checks = Checks::default();
    checks.require(is_locale(&body.locale), "/locale", LOCALE_DETAIL);
    checks.done()?;
    accounts::choose_preferences(&shop, identity.customer_id, &body.locale, &body.notifications).await?;
    Ok(axum::Json(body))
}

/// What I consented to
#[utoipa::path(get, path = "/v1/me/consents", tag = "accounts", security(("bearer" = [])), responses(
    (status = 200, body = [ConsentBody])
))]
pub async fn list_consents(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
) -> Result<axum::Json<Vec<ConsentBody>>, Problem> {
    let consents = accounts::consents(&shop, identity.customer_id).await?;
    Ok(axum::Json(consents.into_iter().map(consent_body).collect()))
}

/// Every change of a consent of mine, the newest first
#[utoipa::path(get, path = "/v1/me/consents/{kind}", tag = "accounts", security(("bearer" = [])),
    params(("kind" = Consent, Path), PageParams), responses(
    (status = 200, body = Page<ConsentChangeBody>),
    (status = 404, description = "`not-found`: there is no such consent", body = ProblemSchema)
))]
pub async fn list_consent_changes(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Path(kind): Path<Consent>,
    Query(page): Query<PageParams>,
) -> Result<axum::Json<Page<ConsentChangeBody>>, Problem> {
    let (limit, before) = (page.limit()?, page.key::<Uuid>()?);
    let changes = accounts::consent_changes(&shop, identity.customer_id, kind, before, limit).await?;
    let body = |change: ConsentChange| ConsentChangeBody { given: change.given, at: change.at, source: change.source };
    Ok(axum::Json(Page::new(changes, limit, |change| change.id, body)))
}

/// Give or withdraw a consent
#[utoipa::path(put, path = "/v1/me/consents/{kind}", tag = "accounts", security(("bearer" = [])),
    params(("kind" = Consent, Path)), request_body = ConsentIn, responses(
    (status = 200, body = ConsentBody),
    (status = 404, description = "`not-found`: there is no such consent", body = ProblemSchema)
))]
pub async fn put_consent(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Path(kind): Path<Consent>,
    Json(body): Json<ConsentIn>,
) -> Result<axum::Json<ConsentBody>, Problem> {
    let mut checks = Checks::default();
    checks.text(&body.source, 1, MAX_SOURCE_CHARS, "/source");
    checks.done()?;
    let change = accounts::change_consent(&shop, identity.customer_id, kind, body.given, body.source.trim()).await?;
    Ok(axum::Json(consent_body((kind, Some(change)))))
}
