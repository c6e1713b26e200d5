//! What a plugin did and wrote lately, over HTTP.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Shop;
use crate::clock::Moment;
use crate::http::auth::{self, Staff, may};
use crate::http::extract::{Checks, Path, Query};
use crate::plugins::Level;
use crate::plugins::telemetry::{Filter, Follower, FunctionCounted, Largest, Line, Lines, News, TooManyFollowers};
use crate::problem::{Kind, Problem, ProblemSchema};

/// What the calls of a plugin came to, in this process and since it started.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginCountersOut {
    #[schema(example = "pricing-standard")]
    name: String,
    /// When counting began.
    #[schema(value_type = String, format = DateTime)]
    since: Moment,
    /// Those that were in force, the one put in force last at first.
    versions: Vec<VersionCountersOut>,
}

/// The counters of one version.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionCountersOut {
    #[schema(example = "1.2.0")]
    version: String,
    digest: String,
    /// Those that were called.
    functions: Vec<FunctionCountersOut>,
}

/// What the calls of one function came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct FunctionCountersOut {
    /// As the contract names it.
    #[schema(example = "price")]
    function: &'static str,
    /// All of them: those that were answered, and those with an error or a fault.
    calls: u64,
    /// With an answer that passed every check.
    answered: u64,
    /// By the code of the error that the plugin answered.
    #[schema(example = json!({ "unsupported": 2 }))]
    errors: BTreeMap<&'static str, u64>,
    /// By the code of what went wrong otherwise.
    #[schema(example = json!({ "deadline-exceeded": 1 }))]
    faults: BTreeMap<&'static str, u64>,
    fuel: LargestOut,
    microseconds: LargestOut,
    log_lines: LogLinesOut,
    /// `closed`: calls go through. `open`: too many failed, and none is made. `half-open`: the next one is made to try.
    #[schema(example = "closed")]
    circuit: &'static str,
}

/// A total, and the highest that one call had.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "total": 91_200, "highest": 4_100 }))]
pub struct LargestOut {
    total: u64,
    highest: u64,
}

/// Lines of the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogLinesOut {
    written: u64,
    /// Beyond the limits of a call.
    dropped: u64,
}

/// A line that a plugin wrote.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginLogLineOut {
    /// Rises from line to line, also over a start of the shop; there may be gaps.
    #[schema(example = 1_795_000_000_000_017_u64)]
    sequence: u64,
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
    #[schema(example = "1.2.0")]
    version: String,
    digest: String,
    /// The function of the contract that was called.
    #[schema(example = "price")]
    function: &'static str,
    #[schema(value_type = String, example = "warn")]
    level: Level,
    /// Control characters are escaped.
    #[schema(example = "no rate for DE")]
    text: String,
    /// `plugin`, or `kernel`: a request that the plugin sent, or what it was not granted.
    #[schema(example = "plugin")]
    by: &'static str,
}

/// Lines of a plugin's log, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginLogOut {
    items: Vec<PluginLogLineOut>,
    /// What comes next is after this number: `?after=`.
    until: u64,
    /// Lines after the number that was asked for that are not kept any more, whatever their level and version.
    missed: u64,
}

/// How loud a line is.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LevelIn {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PluginLogParams {
    /// Lines after this `sequence`. Without it, the last ones.
    after: Option<u64>,
    /// As loud as this or louder.
    #[param(inline)]
    level: Option<LevelIn>,
    #[param(min_length = 1, max_length = 64)]
    version: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// Which lines, from where on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PluginLogLiveParams {
    /// Lines after this `sequence`. Without it, those that come from now on.
    after: Option<u64>,
    /// As loud as this or louder.
    #[param(inline)]
    level: Option<LevelIn>,
    #[param(min_length = 1, max_length = 64)]
    version: Option<String>,
}

/// What a plugin's calls came to
///
/// Of the versions that were in force since this process started; each kernel of a shop counts its own calls.
#[utoipa::path(get, path = "/v1/admin/plugins/{name}/counters", tag = "plugins", security(("bearer" = [])),
    params(("name" = String, Path)), responses(
    (status = 200, body = PluginCountersOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_plugin_counters(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path(name): Path<String>,
) -> Result<Answer<PluginCountersOut>, Problem> {
    shop.plugins().require(&name).await?;
    let telemetry = shop.plugins().host().telemetry();
    let versions = telemetry.counters(&name).into_iter().map(|counted| VersionCountersOut {
        version: counted.version.to_string(),
        digest: counted.digest.to_string(),
        functions: counted.functions.into_iter().map(FunctionCountersOut::from).collect(),
    });
    Ok(Answer(PluginCountersOut { versions: versions.collect(), since: telemetry.since(), name }))
}

/// What a plugin wrote to its log
///
/// The last lines, which this process keeps in memory since it started (`[plugins.logs]`); each kernel of a shop keeps those of its own
/// calls.
#[utoipa::path(get, path = "/v1/admin/plugins/{name}/logs", tag = "plugins", security(("bearer" = [])),
    params(("name" = String, Path), PluginLogParams), responses(
    (status = 200, body = PluginLogOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 422, description = "`invalid-request`", body = ProblemSchema)
))]
pub async fn list_plugin_logs(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path(name): Path<String>,
    Query(params): Query<PluginLogParams>,
) -> Result<Answer<PluginLogOut>, Problem> {
    let filter = filter(params.level, params.version)?;
    let limit = match params.limit.unwrap_or(100) {
        limit @ 1..=1_000 => limit as usize,
        _ => return Err(Problem::invalid_field("limit", "must be 1 to 1000")),
    };
    shop.plugins().require(&name).await?;
    let Lines { lines, until, missed } = shop.plugins().host().telemetry().lines(&name, params.after, &filter, limit);
    Ok(Answer(PluginLogOut { items: lines.into_iter().map(PluginLogLineOut::from).collect(), until, missed }))
}

/// One event of the stream, by its fields.
#[derive(ToSchema)]
#[allow(dead_code)] // Only the document has it; `axum` writes events.
pub struct PluginLogEventOut {
    #[schema(example = "line")]
    event: String,
    /// `sequence` of the line.
    id: String,
    /// The line as JSON text.
    data: String,
}

/// What a plugin writes to its log, as it comes
///
/// Server-sent events: each `event: line` has a line as its `data` and its `sequence` as its `id`; `Last-Event-ID` goes on after it.
/// `event: missed` tells one who is too slow how many lines of the plugin were not kept for so long: `{"lines": 7}`. Comments say that
/// the stream lives. It ends with the access token and when the shop stops: ask again.
#[utoipa::path(get, path = "/v1/admin/plugins/{name}/logs/live", tag = "plugins", security(("bearer" = [])),
    params(("name" = String, Path), PluginLogLiveParams,
        ("Last-Event-ID" = Option<u64>, Header, description = "The `id` of the last event; before `after`")),
    responses(
    (status = 200, description = "Events", body = PluginLogEventOut, content_type = "text/event-stream"),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 422, description = "`invalid-request`", body = ProblemSchema),
    (status = 503, description = "`unavailable`: as many follow as `plugins.logs.followers` allows", body = ProblemSchema)
))]
pub async fn follow_plugin_logs(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path(name): Path<String>,
    Query(params): Query<PluginLogLiveParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let filter = filter(params.level, params.version)?;
    let after = match headers.get("last-event-id") {
        Some(value) => {
            let sequence = value.to_str().ok().and_then(|text| text.trim().parse().ok());
            Some(sequence.ok_or_else(|| Problem::invalid_field("Last-Event-ID", "must be a sequence number"))?)
        }
        None => params.after,
    };
    shop.plugins().require(&name).await?;
    let follower = shop.plugins().host().telemetry().follow(&name, after, filter)?;
    Ok(Sse::new(events(shop, follower, headers)).into_response())
}

/// Until the shop stops, or the token counts no more.
fn events(shop: Shop, follower: Follower, headers: HeaderMap) -> impl Stream<Item = Result<Event, Infallible>> {
    let headers = Arc::new(headers);
    futures_util::stream::unfold((shop, follower, headers), async |(shop, mut follower, headers)| {
        let stopping = shop.stopping().clone();
        let news = tokio::select! {
            news = follower.next() => news,
            () = stopping.cancelled() => return None,
        };
        let event = match news {
            News::Heartbeat if !auth::still_counts(&shop, &headers).await => return None,
            News::Heartbeat => Event::default().comment("heartbeat"),
            News::Missed(lines) => Event::default().event("missed").data(format!("{{\"lines\":{lines}}}")),
            News::Line(line) => {
                let id = line.sequence.to_string();
                // A line has a JSON form, and that is one line.
                let data = serde_json::to_string(&PluginLogLineOut::from(line)).unwrap_or_default();
                Event::default().event("line").id(id).data(data)
            }
        };
        Some((Ok(event), (shop, follower, headers)))
    })
}

fn filter(level: Option<LevelIn>, version: Option<String>) -> Result<Filter, Problem> {
    let mut checks = Checks::default();
    if let Some(version) = &version {
        checks.text(version, 1, 64, "version");
    }
    checks.done()?;
    let level = level.map(|level| match level {
        LevelIn::Trace => Level::Trace,
        LevelIn::Debug => Level::Debug,
        LevelIn::Info => Level::Info,
        LevelIn::Warn => Level::Warn,
        LevelIn::Error => Level::Error,
    });
    Ok(Filter { level, version })
}

impl From<FunctionCounted> for FunctionCountersOut {
    fn from(counted: FunctionCounted) -> Self {
        let largest = |Largest { total, highest }| LargestOut { total, highest };
        Self {
            function: counted.function.name(),
            calls: counted.calls,
            answered: counted.answered,
            errors: counted.errors,
            faults: counted.faults,
            fuel: largest(counted.fuel),
            microseconds: largest(counted.micros),
            log_lines: LogLinesOut { written: counted.lines_written, dropped: counted.lines_dropped },
            circuit: counted.circuit.name(),
        }
    }
}

impl From<Line> for PluginLogLineOut {
    fn from(line: Line) -> Self {
        Self {
            sequence: line.sequence,
            at: line.at,
            version: line.version.to_string(),
            digest: line.digest.to_string(),
            function: line.function.name(),
            level: line.level,
            text: line.text.to_string(),
            by: if line.by_kernel { "kernel" } else { "plugin" },
        }
    }
}

impl From<TooManyFollowers> for Problem {
    fn from(error: TooManyFollowers) -> Self {
        Problem::new(Kind::Unavailable).detail(error.to_string()).retry_after(RETRY_FOLLOWING_S)
    }
}

/// After how long one tries again to follow who found too many before them.
const RETRY_FOLLOWING_S: u64 = 30;
