//! Imports that are done while nobody waits: a file is kept, a worker writes it, batch by batch, and each batch commits
//! with what is known of the job. So a job goes on where it was left, and no line is written twice.

use bytes::Bytes;
use uuid::Uuid;

use super::{Counts, Format, Outcome, store};
use crate::clock::Moment;
use crate::{Shop, clock, db, id};

/// An import.
#[derive(Debug, Clone)]
pub struct Job {
    pub id: Uuid,
    pub format: Format,
    pub dry_run: bool,
    pub state: State,
    pub bytes: i64,
    /// None until the file has been looked through.
    pub rows_total: Option<i64>,
    pub rows_done: i64,
    pub counts: Counts,
    /// Why it failed.
    pub error: Option<String>,
    /// Who uploaded it.
    pub created_by: String,
    pub created_at: Moment,
    pub ended_at: Option<Moment>,
    /// Items that are written.
    pub(super) items_done: i64,
}

/// How far a job is. The names are in the API and in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its file is being kept.
    Receiving,
    Queued,
    Running,
    Done,
    /// Nothing more is done; what was written before stays.
    Failed,
    Cancelled,
}

/// A line of the report of a job.
#[derive(Debug, Clone)]
pub struct ReportLine {
    /// From 1, in the order in which it came about.
    pub number: i64,
    pub line: i64,
    pub outcome: Outcome,
    /// What it is about.
    pub what: String,
    pub detail: String,
}

/// Why it cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error("there is no such import")]
    NotFound,
    #[error("{0} imports wait or run already")]
    TooMany(u32),
    #[error("the import has ended")]
    Ended,
    #[error("the file cannot be kept: {0}")]
    Blob(#[from] std::io::Error),
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl State {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Receiving, "receiving"),
        (Self::Queued, "queued"),
        (Self::Running, "running"),
        (Self::Done, "done"),
        (Self::Failed, "failed"),
        (Self::Cancelled, "cancelled"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }

    /// The column's own check allows nothing else.
    pub(super) fn parse(name: &str) -> Self {
        Self::ALL.iter().find(|(_, known)| *known == name).map_or(Self::Failed, |(state, _)| *state)
    }

    pub fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

impl Format {
    /// Of the formats that are uploaded.
    pub fn name(self) -> &'static str {
        match self {
            Self::JsonLines => "json-lines",
            Self::ShopifyCsv => "shopify-csv",
            Self::OnlineRetail { .. } => "online-retail",
        }
    }

    /// The column's own check allows nothing else.
    pub(super) fn parse(name: &str) -> Self {
        if name == "shopify-csv" { Self::ShopifyCsv } else { Self::JsonLines }
    }
}

/// Keeps a file to be imported.
pub async fn create(shop: &Shop, file: Bytes, format: Format, dry_run: bool, by: &str) -> Result<Job, JobError> {
    let job = Job {
        id: id::sequential(),
        format,
        dry_run,
        state: State::Receiving,
        bytes: i64::try_from(file.len()).unwrap_or(i64::MAX),
        rows_total: None,
        rows_done: 0,
        counts: Counts::default(),
        error: None,
        created_by: by.to_owned(),
        created_at: clock::now(),
        ended_at: None,
        items_done: 0,
    };
    let max = shop.config().import.max_waiting;
    let mut tx = shop.db().write().await?;
    if !store::insert_job(&mut tx, &job, i64::from(max)).await? {
        return Err(JobError::TooMany(max));
    }
    tx.commit().await?;
    // The row first: a file that a crash leaves without one would lie there for good.
    shop.imports().put(&file_name(job.id), file).await?;
    let mut tx = shop.db().write().await?;
    store::queue_job(&mut tx, job.id).await?;
    tx.commit().await?;
    Ok(Job { state: State::Queued, ..job })
}

/// At most `limit` jobs before `before`, the newest first.
pub async fn list(shop: &Shop, before: Option<Uuid>, limit: u32) -> Result<Vec<Job>, JobError> {
    Ok(store::list_jobs(&mut shop.db().read().await?, before.unwrap_or(Uuid::max()), limit).await?)
}

pub async fn get(shop: &Shop, id: Uuid) -> Result<Job, JobError> {
    store::find_job(&mut shop.db().read().await?, id).await?.ok_or(JobError::NotFound)
}

/// At most `limit` lines of the report after `after`, of one outcome where it is some.
pub async fn report(
    shop: &Shop,
    id: Uuid,
    outcome: Option<Outcome>,
    after: i64,
    limit: u32,
) -> Result<Vec<ReportLine>, JobError> {
    get(shop, id).await?;
    Ok(store::report_lines(&mut shop.db().read().await?, id, outcome, after, limit).await?)
}

/// Ends a job: what it has written stays, and nothing more is.
pub async fn cancel(shop: &Shop, id: Uuid) -> Result<Job, JobError> {
    let mut tx = shop.db().write().await?;
    let ended = store::end_job(&mut tx, id, State::Cancelled, None, clock::now()).await?;
    tx.commit().await?;
    let job = get(shop, id).await?;
    if !ended {
        return Err(JobError::Ended);
    }
    forget_file(shop, id).await;
    Ok(job)
}

/// The name of a job's file among the blobs.
pub(super) fn file_name(id: Uuid) -> String {
    id.to_string()
}

/// A file that cannot be removed goes with its job.
pub(super) async fn forget_file(shop: &Shop, id: Uuid) {
    if let Err(error) = shop.imports().delete(&file_name(id)).await {
        tracing::warn!(import = %id, %error, "the file of an import cannot be removed");
    }
}
