//! Devices for push messages.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::clock::Moment;
use crate::http::auth::SignedIn;
use crate::http::extract::{Checks, Json, Path};
use crate::notifications::push_tokens::{self, Device};
use crate::problem::{Problem, ProblemSchema};

/// What kind of device.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    Android,
    Ios,
    Web,
}

/// A device with the shop's app.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushTokenIn {
    /// What the push service knows the device by: visible ASCII characters.
    #[schema(example = "fcm:dQw4w9WgXcQ", min_length = 1, max_length = 1000, pattern = "^[!-~]+$")]
    token: String,
    platform: Platform,
}

/// A device that takes push messages. Its token is not shown again.
#[derive(Debug, Serialize, ToSchema)]
pub struct PushTokenOut {
    id: Uuid,
    #[schema(example = "android")]
    platform: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
}

impl From<Device> for PushTokenOut {
    fn from(device: Device) -> Self {
        Self { id: device.id, platform: device.platform, created_at: device.created_at }
    }
}

/// My devices for push messages
#[utoipa::path(get, path = "/v1/me/push-tokens", tag = "notifications", security(("bearer" = [])), responses(
    (status = 200, body = [PushTokenOut])
))]
pub async fn list_push_tokens(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
) -> Result<Answer<Vec<PushTokenOut>>, Problem> {
    let devices = push_tokens::list(&shop, identity.customer_id).await?;
    Ok(Answer(devices.into_iter().map(PushTokenOut::from).collect()))
}

/// Take push messages on a device
///
/// Registered again, nothing changes. A token belongs to whoever registered it last.
#[utoipa::path(post, path = "/v1/me/push-tokens", tag = "notifications", security(("bearer" = [])),
    request_body = PushTokenIn, responses(
    (status = 201, body = PushTokenOut)
))]
pub async fn register_push_token(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Json(body): Json<PushTokenIn>,
) -> Result<(StatusCode, Answer<PushTokenOut>), Problem> {
    let mut checks = Checks::default();
    let plain = (1..=1_000).contains(&body.token.len()) && body.token.bytes().all(|byte| byte.is_ascii_graphic());
    checks.require(plain, "/token", "must be 1 to 1000 visible ASCII characters");
    checks.done()?;
    let platform = match body.platform {
        Platform::Android => "android",
        Platform::Ios => "ios",
        Platform::Web => "web",
    };
    let device = push_tokens::register(&shop, identity.customer_id, body.token, platform.to_owned()).await?;
    Ok((StatusCode::CREATED, Answer(device.into())))
}

/// Take no more push messages on a device
#[utoipa::path(delete, path = "/v1/me/push-tokens/{id}", tag = "notifications", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 204, description = "It is removed"),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn delete_push_token(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    match push_tokens::remove(&shop, identity.customer_id, id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::not_found()),
    }
}
