//! Providers' messages.

use std::sync::Arc;

use axum::extract::{Request, State};
use http::StatusCode;

use super::{Error, Observed, Provider, settle, store};
use crate::http::extract::{Path, read_body};
use crate::plugins::payment::{Webhook, WebhookRequest, check_outcome};
use crate::plugins::{CallError, Fault};
use crate::problem::{Kind, Problem, ProblemSchema};
use crate::{Shop, clock};

/// Takes a message of a payment provider
///
/// The plugin checks its signature and reads it. A message that was had before changes nothing.
#[utoipa::path(post, path = "/v1/payments/{plugin}/webhook", tag = "payments", params(("plugin" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = 204, description = "It was taken"),
    (status = 401, description = "`webhook-unauthentic`", body = ProblemSchema),
    (status = 404, description = "`not-found`: no such plugin takes payments, or ever took one", body = ProblemSchema),
    (status = 503, description = "`payment-unavailable`: send it again", body = ProblemSchema)
))]
pub async fn receive_webhook(
    State(shop): State<Shop>,
    Path(plugin): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    let first = Provider::hearing(&shop, &plugin).await?.ok_or_else(Problem::not_found)?;
    let (parts, body) = request.into_parts();
    let headers = parts
        .headers
        .iter()
        .filter_map(|(name, value)| value.to_str().ok().map(|value| (name.as_str().to_owned(), value.to_owned())));
    let message = Arc::new(WebhookRequest {
        headers: headers.collect(),
        body: read_body(Request::new(body)).await?.to_vec(),
        now: clock::unix_seconds(clock::now()),
    });
    // A provider that hangs up must not leave half of its events applied.
    let work = {
        let shop = shop.clone();
        async move {
            let webhook = hear(&shop, &first, &message).await?;
            apply(&shop, &plugin, webhook).await
        }
    };
    shop.run_to_end(work).await.map_err(Problem::internal)??;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks one after the other until one has news: a message about a payment that a candidate began may make no sense to the version in force.
/// Where none has and one failed, the provider has to send it again; else the answer is that of the first who found it genuine. What a
/// candidate that is tried no longer fails is not waited for: the worker asks about its open payments.
async fn hear(shop: &Shop, first: &Provider, message: &Arc<WebhookRequest>) -> Result<Webhook, Refused> {
    let host = shop.plugins().host();
    let mut heard = host.payment_webhook(&first.bound, message).await.map(|called| called.value);
    if has_news(&heard) {
        return Ok(heard?);
    }
    for other in first.others_hearing(shop).await.map_err(Refused::Failed)? {
        let said = host.payment_webhook(&other.bound, message).await.map(|called| called.value);
        if has_news(&said) {
            return Ok(said?);
        }
        let is_telling = said.is_ok() || other.is_tried();
        if is_telling && matches!((&heard, &said), (Ok(Webhook::Unauthentic), _) | (Ok(_), Err(_))) {
            heard = said;
        }
    }
    Ok(heard?)
}

fn has_news(said: &Result<Webhook, CallError>) -> bool {
    matches!(said, Ok(Webhook::Events(events)) if !events.is_empty())
}

enum Refused {
    Unauthentic,
    Malformed(String),
    Failed(Error),
}

impl From<CallError> for Refused {
    fn from(error: CallError) -> Self {
        Self::Failed(error.into())
    }
}

async fn apply(shop: &Shop, plugin: &str, webhook: Webhook) -> Result<(), Refused> {
    let events = match webhook {
        Webhook::Events(events) => events,
        Webhook::Unauthentic => return Err(Refused::Unauthentic),
        Webhook::Malformed(text) => return Err(Refused::Malformed(text)),
    };
    for event in events {
        // No key of ours has one, and PostgreSQL takes none of them all.
        if event.payment_key.contains(char::is_control) {
            tracing::warn!(plugin, "a webhook about a payment that is not ours");
            continue;
        }
        let found = async { store::find_by_key(&mut shop.db().read().await?, plugin, &event.payment_key).await };
        let Some((payment_id, amount)) = found.await.map_err(|error| Refused::Failed(error.into()))? else {
            tracing::warn!(plugin, key = event.payment_key, "a webhook about a payment that is not ours");
            continue;
        };
        if let Err(rule) = check_outcome(&event.outcome, amount) {
            tracing::error!(plugin, payment = %payment_id, rule, "a webhook about another amount than was asked for");
            continue;
        }
        settle(shop, payment_id, &Observed::Outcome(event.outcome), "webhook").await.map_err(Refused::Failed)?;
    }
    Ok(())
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unauthentic => Problem::new(Kind::WebhookUnauthentic),
            Refused::Malformed(text) => Problem::new(Kind::MalformedRequest).detail(text),
            Refused::Failed(error) => error.into(),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Call(error) => match error.fault {
                Fault::InvalidAnswer(_) | Fault::Trapped(_) => {
                    tracing::error!(%error, "a payment plugin is broken");
                    Problem::new(Kind::PaymentUnavailable).with("reason", error.code())
                }
                _ => Problem::new(Kind::PaymentUnavailable).with("reason", error.code()),
            },
            Error::Plugin(error) => Problem::internal(error),
            Error::Contended => Problem::new(Kind::Unavailable),
            Error::Exceeded { available } => Problem::new(Kind::AmountExceeded).with("available", available),
            Error::Busy => Problem::new(Kind::PaymentBusy),
            Error::TooManyMovements => Problem::new(Kind::OrderState).detail(error.to_string()),
            Error::CaptureDeclined(decline) => Problem::new(Kind::CaptureDeclined).with("code", decline.code),
            Error::Ledger(error) => error.into(),
            Error::OutOfRange(error) => Problem::internal(error),
            Error::Order(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}
