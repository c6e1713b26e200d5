//! What the conformance suite found, over HTTP.

use axum::Json as Answer;
use axum::extract::State;

use crate::Shop;
use crate::http::auth::{Staff, may};
use crate::http::extract::Path;
use crate::plugins::RegistryError;
use crate::plugins::conformance::Report;
use crate::problem::{Kind, Problem, ProblemSchema};

/// What the conformance suite found when a version was uploaded
///
/// What came with the kernel has no report, nor has what was uploaded before there was a suite.
#[utoipa::path(get, path = "/v1/admin/plugins/{name}/versions/{version}/conformance", tag = "plugins",
    security(("bearer" = [])), params(("name" = String, Path), ("version" = String, Path)), responses(
    (status = 200, body = Report),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_plugin_conformance(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path((name, version)): Path<(String, String)>,
) -> Result<Answer<Report>, Problem> {
    Ok(Answer(shop.plugins().conformance(&name, &version).await?))
}

/// An upload with findings.
pub(super) fn rejected(error: &RegistryError, report: &Report) -> Problem {
    Problem::new(Kind::PluginRejected)
        .with("reason", error.to_string())
        .with("settings", &report.settings)
        .with("findings", &report.findings)
}
