//! The audit log over HTTP.

pub mod layer;

use std::collections::HashMap;

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Entry, Filter};
use crate::Shop;
use crate::accounts::{self, Permission};
use crate::clock::{Given, Moment};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Query};
use crate::http::paging::{Page, PageParams};
use crate::problem::Problem;

const MAX_TEXT_CHARS: usize = 200;

/// What is changed below these paths of `/v1/admin` is goods and settings. All other entries may name somebody, in what was sent, or by the
/// id of a guest's order, which belongs to whoever knows it; a webhook's URL may hold a key.
const OF_NOBODY: [&str; 12] = [
    "bindings",
    "categories",
    "collections",
    "coupons",
    "locations",
    "plugins",
    "product-types",
    "products",
    "stock",
    "api-keys",
    "translations",
    "variants",
];

/// Which entries; what is left out does not matter.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditParams {
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// Id of a person or of an API key.
    actor: Option<Uuid>,
    /// As this document calls it: `patch_product`.
    #[param(min_length = 1, max_length = 200)]
    operation: Option<String>,
    /// Id of the object that was changed, as it stands in the path, or made.
    #[param(min_length = 1, max_length = 200)]
    subject: Option<String>,
    /// HTTP status of the answer.
    #[param(minimum = 100, maximum = 599)]
    status: Option<u16>,
    /// From this moment on, to the millisecond.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Given>,
    /// Before this moment, to the millisecond.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Given>,
}

/// Who did it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditActorOut {
    /// `person`, `api-key`, `cli` (the command line), `kernel` (by itself: a rollout that a guard ended), or `nobody` whom a valid token names.
    #[schema(example = "person")]
    kind: String,
    id: Option<Uuid>,
    /// The name of the key, or, with the permission `customers`, the e-mail address of the person, as it is now; null where there is none any
    /// more.
    #[schema(example = "grace@example.org")]
    name: Option<String>,
}

/// A change, or an attempt at one.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntryOut {
    id: Uuid,
    actor: AuditActorOut,
    #[schema(example = "patch_product")]
    operation: String,
    #[schema(example = "PATCH")]
    method: String,
    /// Null without the permission `customers`, where it may be somebody's; so are `subject`, `body` and `body_sha256`.
    #[schema(example = "/v1/admin/products/019a0000-0000-7000-8000-000000000000")]
    path: Option<String>,
    /// The object that the path names, or that was made.
    subject: Option<String>,
    /// Where the request came from; null without the permission `customers`.
    #[schema(example = "192.0.2.7")]
    address: Option<String>,
    request_id: Option<String>,
    /// The JSON that was sent, without secrets; a text, the beginning of it, where it was too long.
    body: Option<Value>,
    body_bytes: i64,
    /// SHA-256 of a body that is no JSON.
    body_sha256: Option<String>,
    /// HTTP status of the answer; null while it runs, and for ever after a crash.
    #[schema(example = 200)]
    status: Option<i64>,
    #[schema(value_type = String, format = DateTime)]
    begun_at: Moment,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Moment>,
}

impl AuditParams {
    fn check(self) -> Result<(Filter, PageParams), Problem> {
        let mut checks = Checks::default();
        for (text, name) in [(&self.operation, "operation"), (&self.subject, "subject")] {
            if let Some(text) = text {
                checks.text(text, 1, MAX_TEXT_CHARS, name);
            }
        }
        checks.require(self.status.is_none_or(|status| (100..=599).contains(&status)), "status", "must be 100 to 599");
        checks.done()?;
        let filter = Filter {
            actor_id: self.actor,
            subject: self.subject,
            operation: self.operation,
            status: self.status.map(i64::from),
            since: self.since.map(Moment::from),
            until: self.until.map(Moment::from),
        };
        Ok((filter, PageParams { cursor: self.cursor, limit: self.limit }))
    }
}

/// Who changed what, the newest first
#[utoipa::path(get, path = "/v1/admin/audit", tag = "accounts", security(("bearer" = [])), params(AuditParams), responses(
    (status = 200, body = Page<AuditEntryOut>)
))]
pub async fn list_audit_entries(
    State(shop): State<Shop>,
    staff: Staff<may::Reports>,
    Query(params): Query<AuditParams>,
) -> Result<Answer<Page<AuditEntryOut>>, Problem> {
    let (filter, page) = params.check()?;
    let limit = page.limit()?;
    let entries = super::list(&shop, &filter, page.key()?, limit).await?;
    let personal = staff.permissions.has(Permission::Customers);
    let names = names(&shop, &entries, personal).await?;
    Ok(Answer(Page::new(entries, limit, |entry| entry.id, |entry| entry_out(entry, &names, personal))))
}

/// Who the people, where they are told, and the keys of these entries are: few on a page, however long it is.
async fn names(shop: &Shop, entries: &[Entry], personal: bool) -> Result<HashMap<Uuid, Option<String>>, Problem> {
    let mut names = HashMap::new();
    for entry in entries {
        let Some(id) = entry.actor_id.filter(|id| !names.contains_key(id)) else { continue };
        let name = match entry.actor_kind.as_str() {
            "person" if !personal => None,
            "person" => accounts::find_customer(shop, id).await?.map(|customer| customer.email),
            _ => accounts::get_api_key(shop, id).await.ok().map(|key| key.name),
        };
        names.insert(id, name);
    }
    Ok(names)
}

fn entry_out(entry: Entry, names: &HashMap<Uuid, Option<String>>, personal: bool) -> AuditEntryOut {
    let below = entry.path.strip_prefix("/v1/admin/").unwrap_or_default();
    let shown = personal || OF_NOBODY.contains(&below.split('/').next().unwrap_or_default());
    let body = if shown { entry.body.text } else { None };
    let name = entry.actor_id.and_then(|id| names.get(&id).cloned().flatten());
    AuditEntryOut {
        id: entry.id,
        actor: AuditActorOut { kind: entry.actor_kind, id: entry.actor_id, name },
        operation: entry.operation,
        method: entry.method,
        path: shown.then_some(entry.path),
        subject: entry.subject.filter(|_| shown),
        address: entry.address.filter(|_| personal),
        request_id: entry.request_id,
        body: body.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text))),
        body_bytes: entry.body.bytes,
        body_sha256: entry.body.sha256.filter(|_| shown),
        status: entry.status,
        begun_at: entry.begun_at,
        finished_at: entry.finished_at,
    }
}
