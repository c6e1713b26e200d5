//! The worker: one job at a time, the oldest first, over all kernels on a database.
//!
//! Whoever works on a job has a claim of some time, which each batch renews in its own transaction: a worker that has lost
//! its claim finds out there, and its batch is dropped. After a crash another one takes the job when the claim has run out.

use std::time::Duration;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::jobs::{self, Job, State};
use super::write::{Applied, Done, Keeper, import};
use super::{Counts, Error, Outcome, Remark, store};
use crate::db::{self, Tx};
use crate::{Shop, clock, events, id};

/// How often a job is tried without having got any further.
const TRIES: i64 = 5;
/// How long an upload may take to be kept. What is older was left by a crash.
const RECEIVING: chrono::TimeDelta = chrono::TimeDelta::hours(1);
/// How often a job that waits for the outbox looks again.
const BREATH: Duration = Duration::from_millis(100);

/// Works until the shop stops.
pub async fn run(shop: Shop) {
    let pause = Duration::from_millis(shop.config().import.poll_interval_ms.max(1));
    while !shop.stopping().is_cancelled() {
        let worked = match work(&shop).await {
            Ok(worked) => worked,
            Err(error) => {
                tracing::error!(%error, "imports cannot be looked at; trying again");
                false
            }
        };
        if !worked {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shop.stopping().cancelled() => {}
            }
        }
    }
}

/// Does what there is; false where there is nothing.
async fn work(shop: &Shop) -> db::Result<bool> {
    forget(shop).await?;
    // Without a transaction, which on SQLite is the one writer of the shop.
    if !store::any_waits(&mut shop.db().read().await?).await? {
        return Ok(false);
    }
    let (claim, now) = (id::sequential(), clock::now());
    let mut tx = shop.db().write().await?;
    let job = store::claim_job(&mut tx, claim, now, until(shop)).await?;
    let Some((job, tries)) = job else { return Ok(false) };
    if job.dry_run && job.items_done > 0 {
        // Nothing was written, and what later lines rest on is not known any more.
        store::begin_again(&mut tx, job.id).await?;
    }
    tx.commit().await?;
    let job = Job { items_done: if job.dry_run { 0 } else { job.items_done }, ..job };
    let result = import_job(shop, &job, claim).await;
    end(shop, &job, claim, tries, result).await?;
    Ok(true)
}

fn until(shop: &Shop) -> clock::Moment {
    clock::now() + events::delta(shop.config().import.claim_ms)
}

async fn import_job(shop: &Shop, job: &Job, claim: Uuid) -> Result<(), Error> {
    let file = shop.imports().open_file(&jobs::file_name(job.id)).await?;
    let counts = if job.items_done == 0 { Counts::default() } else { job.counts.clone() };
    let mut keeper = JobKeeper { shop, job_id: job.id, claim, counts };
    let skip = u64::try_from(job.items_done).unwrap_or_default();
    import(shop, file, job.format, job.dry_run, skip, &mut keeper).await.map(drop)
}

/// Writes how a job has ended, or leaves it to the next who looks.
async fn end(shop: &Shop, job: &Job, claim: Uuid, tries: i64, result: Result<(), Error>) -> db::Result<()> {
    let (state, reason) = match result {
        Ok(()) => (State::Done, None),
        // A stopping shop gives it back; of a job that was cancelled, or that another has, this changes nothing.
        Err(Error::Stopped) => return release(shop, job.id, claim, clock::now()).await,
        Err(error) if error.is_of_the_file() => (State::Failed, Some(error.to_string())),
        Err(error) => {
            tracing::error!(import = %job.id, %error, "an import has come to a stop");
            if tries < TRIES {
                let later = clock::now() + events::delta(shop.config().import.poll_interval_ms);
                return release(shop, job.id, claim, later).await;
            }
            (State::Failed, Some("something broke on our side, again and again; it has been logged".to_owned()))
        }
    };
    let mut tx = shop.db().write().await?;
    if store::end_claimed(&mut tx, job.id, claim, state, reason.as_deref(), clock::now()).await? {
        tx.commit().await?;
        jobs::forget_file(shop, job.id).await;
    }
    Ok(())
}

async fn release(shop: &Shop, job_id: Uuid, claim: Uuid, free_at: clock::Moment) -> db::Result<()> {
    let mut tx = shop.db().write().await?;
    store::release_claim(&mut tx, job_id, claim, free_at).await?;
    tx.commit().await
}

/// Deletes jobs that ended long ago, and uploads that never ended.
async fn forget(shop: &Shop) -> db::Result<()> {
    let now = clock::now();
    let ended_before = now - chrono::TimeDelta::days(i64::from(shop.config().import.keep_days));
    let old = store::old_jobs(&mut shop.db().read().await?, ended_before, now - RECEIVING).await?;
    for job_id in old {
        jobs::forget_file(shop, job_id).await;
        let mut tx = shop.db().write().await?;
        store::delete_job(&mut tx, job_id).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Keeps a job's progress with each of its batches.
struct JobKeeper<'a> {
    shop: &'a Shop,
    job_id: Uuid,
    claim: Uuid,
    counts: Counts,
}

impl Keeper for JobKeeper<'_> {
    fn keep<'a>(&'a mut self, tx: Option<&'a mut Tx>, batch: &'a Done) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let Some(tx) = tx else { return Ok(()) };
            let mut counts = self.counts.clone();
            for applied in &batch.applied {
                self.tell(tx, &mut counts, applied).await?;
            }
            let until = until(self.shop);
            if !store::advance(tx, self.job_id, self.claim, batch, &counts, until).await? {
                return Err(Error::Stopped);
            }
            self.counts = counts;
            Ok(())
        })
    }

    fn keeps_dry_runs(&self) -> bool {
        true
    }

    fn go_on(&mut self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let most = self.shop.config().import.max_unsent_events;
            loop {
                if self.shop.stopping().is_cancelled() {
                    return Err(Error::Stopped);
                }
                let mut conn = self.shop.db().read().await?;
                if !events::is_backed_up(&mut conn, most).await? {
                    return Ok(());
                }
                drop(conn);
                self.shop.relay().wake();
                let mut tx = self.shop.db().write().await?;
                if !store::renew_claim(&mut tx, self.job_id, self.claim, until(self.shop)).await? {
                    return Err(Error::Stopped);
                }
                tx.commit().await?;
                tokio::time::sleep(BREATH).await;
            }
        })
    }
}

impl JobKeeper<'_> {
    /// Counts what became of an item, and writes it into the report.
    async fn tell(&self, tx: &mut Tx, counts: &mut Counts, applied: &Applied) -> db::Result<()> {
        applied.product.into_iter().for_each(|outcome| counts.products.count(outcome));
        applied.other.into_iter().for_each(|outcome| counts.others.count(outcome));
        applied.variants.iter().flatten().for_each(|outcome| counts.variants.count(*outcome));
        let most = self.shop.config().import.report_lines;
        if let Some(outcome) = applied.outcome() {
            let remark = Remark { line: applied.line, text: String::new() };
            if counts.done < most {
                store::insert_report_line(tx, self.job_id, number(counts), outcome, &applied.what, &remark).await?;
            }
            counts.done += 1;
        }
        let refused = applied.rejected.iter().map(|remark| (Outcome::Refused, remark));
        for (outcome, remark) in refused.chain(applied.notes.iter().map(|remark| (Outcome::Note, remark))) {
            if counts.refused + counts.notes < most {
                store::insert_report_line(tx, self.job_id, number(counts), outcome, &applied.what, remark).await?;
            }
            match outcome {
                Outcome::Refused => counts.refused += 1,
                _ => counts.notes += 1,
            }
        }
        Ok(())
    }
}

/// Of the next line of a report.
fn number(counts: &Counts) -> i64 {
    i64::try_from(counts.done + counts.refused + counts.notes + 1).unwrap_or(i64::MAX)
}
