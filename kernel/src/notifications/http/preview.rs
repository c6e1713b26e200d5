//! Previews of messages, for staff.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use uuid::Uuid;

use super::attributes;
use crate::accounts::{Permission, is_locale};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json};
use crate::notifications::preview::{self, Candidate, Preview, PreviewError};
use crate::notifications::samples;
use crate::plugins::notification::Message;
use crate::problem::{Kind, Problem, ProblemSchema};
use crate::{Shop, plugins};

impl From<PreviewError> for Problem {
    fn from(error: PreviewError) -> Self {
        match error {
            PreviewError::UnknownKind => Problem::invalid_field("/kind", "is none of the kinds that have a sample"),
            PreviewError::NoEvent => Problem::not_found(),
            PreviewError::Plugins(error) => error.into(),
            PreviewError::Database(error) => error.into(),
        }
    }
}

/// A kind of event that people are told of.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationKindOut {
    #[schema(example = "order.shipped")]
    kind: &'static str,
    /// The data that a plugin gets with it.
    sample: Value,
}

/// One of those that have a sample.
fn kind_schema() -> Object {
    let kinds = samples::KINDS.iter().copied();
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(kinds)).examples(["order.shipped"]).build()
}

/// What to show.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewIn {
    #[schema(schema_with = kind_schema)]
    kind: String,
    /// BCP 47.
    #[schema(example = "en")]
    locale: Option<String>,
    /// An order that was told of in this way, instead of the sample. Needs the permission `customers` too.
    order_id: Option<Uuid>,
    /// A bound plugin, asked alone and under other settings than those in force.
    candidate: Option<CandidateIn>,
}

/// Settings to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CandidateIn {
    #[schema(example = "notification-email", min_length = 1, max_length = 64)]
    plugin: String,
    #[schema(value_type = Object)]
    settings: Value,
}

/// What a plugin would say.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewOut {
    plugin: String,
    /// Why it could not.
    error: Option<String>,
    messages: Vec<PreviewMessageOut>,
}

/// A message that is not sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewMessageOut {
    #[schema(example = "email")]
    channel: String,
    subject: String,
    text: String,
    /// Not safe to put into a page of yours: show it in a sandboxed frame.
    html: Option<String>,
    attributes: BTreeMap<String, String>,
}

impl From<Message> for PreviewMessageOut {
    fn from(message: Message) -> Self {
        let Message { channel, subject, text, html, attributes: pairs } = message;
        Self { channel, subject, text, html, attributes: attributes(pairs) }
    }
}

/// Kinds of events that people are told of, with samples
#[utoipa::path(get, path = "/v1/admin/notifications/kinds", tag = "notifications", security(("bearer" = [])), responses(
    (status = 200, body = [NotificationKindOut])
))]
pub async fn list_notification_kinds(_: Staff<may::Settings>) -> Answer<Vec<NotificationKindOut>> {
    let kinds = samples::KINDS.iter();
    let out = |kind: &&'static str| Some(NotificationKindOut { kind, sample: samples::data_of(kind)? });
    Answer(kinds.filter_map(out).collect())
}

/// What would be said
///
/// Composes the messages of an event for someone whom every channel reaches, and sends nothing.
#[utoipa::path(post, path = "/v1/admin/notifications/preview", tag = "notifications", security(("bearer" = [])),
    request_body = PreviewIn, responses(
    (status = 200, body = [PreviewOut]),
    (status = 404, description = "`not-found`: the order was not told of in this way, or too long ago", body = ProblemSchema),
    (status = 422, description = "`invalid-request`; `binding-rejected`: the plugin refuses the settings", body = ProblemSchema)
))]
pub async fn preview_notification(
    State(shop): State<Shop>,
    staff: Staff<may::Settings>,
    Json(body): Json<PreviewIn>,
) -> Result<Answer<Vec<PreviewOut>>, Problem> {
    if body.order_id.is_some() && !staff.permissions.has(Permission::Customers) {
        return Err(Problem::new(Kind::Forbidden).with("permission", Permission::Customers));
    }
    let answers = preview::preview(&shop, body.check()?).await?;
    let out = |answer: crate::notifications::Answer| {
        let error = answer.messages.as_ref().err().map(ToString::to_string);
        let messages = answer.messages.unwrap_or_default();
        PreviewOut {
            plugin: answer.plugin,
            error,
            messages: messages.into_iter().map(PreviewMessageOut::from).collect(),
        }
    };
    Ok(Answer(answers.into_iter().map(out).collect()))
}

impl PreviewIn {
    fn check(self) -> Result<Preview, Problem> {
        let mut checks = Checks::default();
        checks.text(&self.kind, 1, 64, "/kind");
        let locale = self.locale.as_deref();
        checks.require(locale.is_none_or(is_locale), "/locale", "must be a BCP 47 language tag, like en or pt-BR");
        if let Some(candidate) = &self.candidate {
            checks.text(&candidate.plugin, 1, 64, "/candidate/plugin");
            let settings = &candidate.settings;
            checks.require(settings.is_object(), "/candidate/settings", "must be a JSON object");
            let nul = plugins::has_nul(settings);
            checks.require(!nul, "/candidate/settings", "must not have the character U+0000");
        }
        checks.done()?;
        let candidate = |candidate: CandidateIn| Candidate { plugin: candidate.plugin, settings: candidate.settings };
        Ok(Preview {
            kind: self.kind,
            locale: self.locale,
            about: self.order_id.map(|id| id.to_string()),
            candidate: self.candidate.map(candidate),
        })
    }
}
