//! Imports over HTTP, for the merchant.

use axum::Json as Answer;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::jobs::{self, Job, JobError, ReportLine};
use super::{Format, Outcome, Tally};
use crate::Shop;
use crate::clock::Moment;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Path, Query, read_body};
use crate::http::paging::{Page, PageParams};
use crate::problem::{Kind, Problem, ProblemSchema};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileFormat {
    /// The shop's own: an object a line.
    JsonLines,
    /// A product export of Shopify.
    ShopifyCsv,
}

/// How a file is to be imported.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportParams {
    #[param(inline)]
    format: FileFormat,
    /// Write nothing, and report what would be done.
    #[serde(default)]
    dry_run: bool,
}

/// Which lines of a report.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportReportParams {
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    #[param(inline)]
    outcome: Option<ReportOutcome>,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportOutcome {
    Created,
    /// Something of it was changed.
    Updated,
    /// It cannot be taken.
    Refused,
    /// It was taken otherwise than it stands.
    Note,
}

/// An import.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportOut {
    id: Uuid,
    format: FileFormat,
    dry_run: bool,
    /// `receiving`, `queued`, `running`, `done`, `failed` or `cancelled`. Of one that failed or was cancelled, what was
    /// written before stays.
    #[schema(example = "running")]
    state: &'static str,
    /// Of the file.
    #[schema(example = 48210)]
    bytes: i64,
    /// Rows of the file, its header not counted; null until it has been looked through.
    #[schema(example = 1200)]
    rows_total: Option<i64>,
    #[schema(example = 500)]
    rows_done: i64,
    products: TallyOut,
    variants: TallyOut,
    /// Product types, categories, collections, and what belongs to products.
    others: TallyOut,
    /// Lines of the report on what cannot be taken.
    #[schema(example = 2)]
    refused: u64,
    /// Lines of the report on what was taken otherwise than it stands.
    #[schema(example = 1)]
    notes: u64,
    /// Why it failed.
    error: Option<String>,
    /// Id of the person, or of the API key.
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Moment>,
}

/// How many were made, changed, and already so.
#[derive(Debug, Serialize, ToSchema)]
pub struct TallyOut {
    #[schema(example = 12)]
    created: u64,
    #[schema(example = 3)]
    updated: u64,
    #[schema(example = 485)]
    unchanged: u64,
}

/// A line of the report.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportLineOut {
    /// Of the file, as an editor counts it.
    #[schema(example = 17)]
    line: i64,
    outcome: ReportOutcome,
    /// What it is about; empty where the line says nothing that is understood.
    #[schema(example = "product wool-scarf")]
    what: String,
    /// Why it was refused, or what was done otherwise.
    #[schema(example = "it has no price")]
    detail: String,
}

/// What the documentation shows of the two formats.
pub const JSON_LINES: &str = "{\"kind\":\"product\",\"slug\":\"earl-grey\",\"title\":\"Earl Grey\",\"variants\":[{\"sku\":\"TEA-EARL-GREY-100\",\"price\":690}]}\n";
pub const SHOPIFY_CSV: &str = "Handle,Title,Variant SKU,Variant Price\nearl-grey,Earl Grey,TEA-EARL-GREY-100,6.90\n";

/// Import a file into the catalog
///
/// The body is the file: `application/jsonl` (or `application/x-ndjson`) or `text/csv`. It is kept, and worked on in the
/// background, one file at a time. What is already so is left alone, and nothing is ever deleted.
#[utoipa::path(
    post, path = "/v1/admin/imports", tag = "import", security(("bearer" = [])), params(ImportParams),
    request_body(description = "The file; 64 MiB at most, unless the shop says otherwise", content(
        (String = "application/jsonl", example = json!(JSON_LINES)),
        (String = "application/x-ndjson", example = json!(JSON_LINES)),
        (String = "text/csv", example = json!(SHOPIFY_CSV))
    )),
    responses(
        (status = 202, description = "The import, with `Location`", body = ImportOut),
        (status = 409, description = "`too-many-imports`", body = ProblemSchema),
        (status = 415, description = "`unsupported-media-type`: not that of the format", body = ProblemSchema),
        (status = 422, description = "`invalid-request`: the file is empty", body = ProblemSchema)
    )
)]
pub async fn create_import(
    staff: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Query(params): Query<ImportParams>,
    request: Request,
) -> Result<Response, Problem> {
    let format = params.format.check(request.headers())?;
    let file = read_body(request).await?;
    if file.is_empty() {
        return Err(Problem::invalid_field("", "the file is empty"));
    }
    let job = jobs::create(&shop, file, format, params.dry_run, &staff.actor.to_string()).await?;
    let location = HeaderValue::from_str(&format!("/v1/admin/imports/{}", job.id)).map_err(Problem::internal)?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Answer(ImportOut::from(job))).into_response())
}

/// Imports, the newest first
#[utoipa::path(
    get, path = "/v1/admin/imports", tag = "import", security(("bearer" = [])), params(PageParams),
    responses((status = 200, body = Page<ImportOut>))
)]
pub async fn list_imports(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Query(params): Query<PageParams>,
) -> Result<Answer<Page<ImportOut>>, Problem> {
    let limit = params.limit()?;
    let jobs = jobs::list(&shop, params.key()?, limit + 1).await?;
    Ok(Answer(Page::new(jobs, limit, |job| job.id, ImportOut::from)))
}

/// How far an import is
#[utoipa::path(
    get, path = "/v1/admin/imports/{id}", tag = "import", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses((status = 200, body = ImportOut), (status = 404, description = "`not-found`", body = ProblemSchema))
)]
pub async fn get_import(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<Answer<ImportOut>, Problem> {
    Ok(Answer(jobs::get(&shop, id).await?.into()))
}

/// What became of the lines of a file
///
/// In the order in which they were worked on. Lines that changed nothing are counted, and do not stand here.
#[utoipa::path(
    get, path = "/v1/admin/imports/{id}/report", tag = "import", security(("bearer" = [])),
    params(("id" = Uuid, Path), ImportReportParams),
    responses(
        (status = 200, body = Page<ReportLineOut>),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn list_import_report(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Query(params): Query<ImportReportParams>,
) -> Result<Answer<Page<ReportLineOut>>, Problem> {
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    let after = page.key::<i64>()?.unwrap_or_default();
    let lines = jobs::report(&shop, id, params.outcome.map(Outcome::from), after, limit + 1).await?;
    Ok(Answer(Page::new(lines, limit, |line| line.number, ReportLineOut::from)))
}

/// Cancel an import: what it has written stays
#[utoipa::path(
    post, path = "/v1/admin/imports/{id}/cancel", tag = "import", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "The import; not a line more is written", body = ImportOut),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`import-ended`", body = ProblemSchema)
    )
)]
pub async fn cancel_import(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<Answer<ImportOut>, Problem> {
    Ok(Answer(jobs::cancel(&shop, id).await?.into()))
}

impl FileFormat {
    /// The format, if the body is declared to be of its media type.
    fn check(self, headers: &HeaderMap) -> Result<Format, Problem> {
        let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match (self, essence.as_str()) {
            (Self::JsonLines, "application/jsonl" | "application/x-ndjson") => Ok(Format::JsonLines),
            (Self::ShopifyCsv, "text/csv") => Ok(Format::ShopifyCsv),
            (Self::JsonLines, _) => Err(unsupported("send application/jsonl or application/x-ndjson")),
            (Self::ShopifyCsv, _) => Err(unsupported("send text/csv")),
        }
    }
}

fn unsupported(detail: &str) -> Problem {
    Problem::new(Kind::UnsupportedMediaType).detail(detail)
}

impl From<JobError> for Problem {
    fn from(error: JobError) -> Self {
        let detail = error.to_string();
        match error {
            JobError::NotFound => Problem::not_found(),
            JobError::TooMany(_) => Problem::new(Kind::TooManyImports).detail(detail),
            JobError::Ended => Problem::new(Kind::ImportEnded),
            JobError::Blob(error) => Problem::internal(error),
            JobError::Database(error) => error.into(),
        }
    }
}

impl From<Job> for ImportOut {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            format: if job.format == Format::ShopifyCsv { FileFormat::ShopifyCsv } else { FileFormat::JsonLines },
            dry_run: job.dry_run,
            state: job.state.name(),
            bytes: job.bytes,
            rows_total: job.rows_total,
            rows_done: job.rows_done,
            products: job.counts.products.into(),
            variants: job.counts.variants.into(),
            others: job.counts.others.into(),
            refused: job.counts.refused,
            notes: job.counts.notes,
            error: job.error,
            created_by: job.created_by,
            created_at: job.created_at,
            ended_at: job.ended_at,
        }
    }
}

impl From<Tally> for TallyOut {
    fn from(tally: Tally) -> Self {
        Self { created: tally.created, updated: tally.updated, unchanged: tally.unchanged }
    }
}

impl From<ReportOutcome> for Outcome {
    fn from(outcome: ReportOutcome) -> Self {
        match outcome {
            ReportOutcome::Created => Self::Created,
            ReportOutcome::Updated => Self::Updated,
            ReportOutcome::Refused => Self::Refused,
            ReportOutcome::Note => Self::Note,
        }
    }
}

impl From<ReportLine> for ReportLineOut {
    fn from(line: ReportLine) -> Self {
        let outcome = match line.outcome {
            Outcome::Created => ReportOutcome::Created,
            Outcome::Updated => ReportOutcome::Updated,
            Outcome::Refused => ReportOutcome::Refused,
            Outcome::Note => ReportOutcome::Note,
        };
        Self { line: line.line, outcome, what: line.what, detail: line.detail }
    }
}
