//! The work of a replay.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;
use tokio_util::task::AbortOnDropHandle;

use super::case::{self, Case};
use super::sums::Sums;
use super::{Error, OrderChange, Replay, Report, State, store};
use crate::orders::receipts::{self, Recorded};
use crate::plugins::registry::BoundPlugin;
use crate::plugins::{Bound, Domain, Host, patiently};
use crate::{Shop, clock, db, events};

/// Orders that are read at once: enough for all cores, and few enough to be in memory with what plugins were asked for them. What a replay
/// comes to does not depend on it.
const PAGE: u32 = 200;
/// Orders that one task replays: a task for each would cost more than a quick plugin does.
const SHARE: usize = 20;
/// How often the row says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Seconds between the tries to write how a replay ended. Together, and with the waits for a connection, they are shorter than a replay may
/// be silent at least (`replay.silence_s`): nobody else ends it meanwhile.
const PAUSES_AT_THE_END: [u64; 4] = [1, 2, 4, 8];

/// Replays to the end, and writes the report.
pub(super) async fn run(shop: Shop, replay: Replay, candidate: Vec<Arc<Bound>>) {
    let ending = match replay_all(&shop, &replay, candidate.into()).await {
        Ok(Some(found)) => Ending::done(&replay, &found),
        // Somebody ended it.
        Ok(None) => return,
        Err(Error::Database(error)) => {
            tracing::error!(replay = %replay.id, %error, "a replay came to a stop");
            Ending::failed("something broke on our side; it has been logged".to_owned())
        }
        Err(error) => Ending::failed(error.to_string()),
    };
    if let Err(error) = end_surely(&shop, &replay, &ending).await {
        // Its row gives no sign of life any more, so that whoever looks ends it.
        tracing::error!(replay = %replay.id, %error, "how a replay ended cannot be written");
    }
}

/// The report, and every order that would change.
type Found = (Report, Vec<OrderChange>);

/// How a replay ended, as it is written down: text by now, so that the transaction, on SQLite the one writer of the shop, does not wait
/// for a long report to become one.
struct Ending {
    state: State,
    error: Option<String>,
    written: Option<Written>,
}

struct Written {
    found: store::Found,
    event: Value,
}

impl Ending {
    fn failed(error: String) -> Self {
        Self { state: State::Failed, error: Some(error), written: None }
    }

    fn done(replay: &Replay, (report, changes): &Found) -> Self {
        let event = json!({
            "id": replay.id, "domain": replay.domain.name(), "actor": replay.created_by,
            "plugins": BoundPlugin::told(&replay.candidate),
            "orders": report.orders, "changed": report.changed, "failed": report.failed, "totals": report.totals,
        });
        let found = store::Found::of(report, changes);
        Self { state: State::Done, error: None, written: Some(Written { found, event }) }
    }
}

/// Tries again what could not be written: hours of work are not given up because the database was busy for a moment. A stopping shop does
/// not wait for it.
async fn end_surely(shop: &Shop, replay: &Replay, ending: &Ending) -> db::Result<()> {
    for pause in PAUSES_AT_THE_END {
        let Err(error) = end(shop, replay, ending).await else { return Ok(()) };
        tracing::warn!(replay = %replay.id, %error, "how a replay ended cannot be written yet");
        tokio::select! {
            () = shop.stopping().cancelled() => return Err(error),
            () = tokio::time::sleep(Duration::from_secs(pause)) => {}
        }
    }
    end(shop, replay, ending).await
}

async fn end(shop: &Shop, replay: &Replay, ending: &Ending) -> db::Result<()> {
    let mut tx = shop.db().write().await?;
    if !store::end(&mut tx, replay.id, ending.state, ending.error.as_deref(), clock::now()).await? {
        return Ok(());
    }
    if let Some(Written { found, event }) = &ending.written {
        store::put_found(&mut tx, replay.id, found).await?;
        events::record(&mut tx, "plugin.replayed", replay.id, event.clone()).await?;
    }
    tx.commit().await?;
    shop.relay().wake();
    Ok(())
}

/// None: the replay was ended meanwhile.
async fn replay_all(shop: &Shop, replay: &Replay, candidate: Arc<[Arc<Bound>]>) -> Result<Option<Found>, Error> {
    let begun = std::time::Instant::now();
    let config = &shop.config().replay;
    let (mut sums, mut done, mut before) = (Sums::new(config.groups), 0, i64::MAX);
    let mut tell = tokio::time::interval(TELL_EVERY);
    // After a wait for the database one sign of life is as good as all that were missed.
    tell.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while done < replay.orders_total {
        let limit = PAGE.min(u32::try_from(replay.orders_total - done).unwrap_or(PAGE));
        let orders = receipts::recorded(shop, replay.domain, before, limit).await.map_err(Box::new)?;
        let Some(last) = orders.last() else { break };
        before = last.number;
        let work = shares_of(orders).into_iter().map(|share| {
            let (host, candidate, domain) = (shop.plugins().host().clone(), candidate.clone(), replay.domain);
            let tries = config.tries;
            // A task of its own: plugins compute where they are called. It ends with whoever waits for it: of a replay that was ended, no call goes on.
            AbortOnDropHandle::new(tokio::spawn(
                async move { replay_share(&host, domain, &candidate, share, tries).await },
            ))
        });
        // In their order, so that a replay that is repeated names the same orders.
        let mut work = stream::iter(work).buffered(parallel(shop, &candidate));
        loop {
            tokio::select! {
                () = shop.stopping().cancelled() => return Err(Error::Stopped),
                share = work.next() => {
                    let Some(share) = share else { break };
                    let cases = share.map_err(|_| Error::Panicked)?;
                    done += i64::try_from(cases.len()).unwrap_or_default();
                    cases.into_iter().for_each(|case| sums.add(case));
                }
                _ = tell.tick() => match tell_how_far(shop, replay, done).await {
                    Ok(true) => {}
                    Ok(false) => return Ok(None),
                    // The next tick says it.
                    Err(error) => tracing::warn!(replay = %replay.id, %error, "how far a replay is cannot be written"),
                }
            }
        }
    }
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    sums.report(elapsed_ms).map(Some)
}

/// False where it was ended.
async fn tell_how_far(shop: &Shop, replay: &Replay, done: i64) -> db::Result<bool> {
    let mut tx = shop.db().write().await?;
    let runs = store::tell(&mut tx, replay.id, done, clock::now()).await?;
    tx.commit().await?;
    Ok(runs)
}

/// A candidate that is in force under other settings shares its places with the shoppers' calls: they keep half of them.
fn parallel(shop: &Shop, candidate: &[Arc<Bound>]) -> usize {
    let wanted = match shop.config().replay.parallel {
        0 => std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2)),
        parallel => parallel as usize,
    };
    let places = candidate.iter().map(|bound| bound.concurrent_calls() as usize / 2).min();
    wanted.min(places.unwrap_or(1)).max(1)
}

fn shares_of(mut orders: Vec<Recorded>) -> Vec<Vec<Recorded>> {
    let mut shares = Vec::with_capacity(orders.len().div_ceil(SHARE));
    while !orders.is_empty() {
        let rest = orders.split_off(orders.len().min(SHARE));
        shares.push(std::mem::replace(&mut orders, rest));
    }
    shares
}

async fn replay_share(
    host: &Host,
    domain: Domain,
    candidate: &[Arc<Bound>],
    orders: Vec<Recorded>,
    tries: u32,
) -> Vec<Option<Case>> {
    let mut cases = Vec::with_capacity(orders.len());
    for order in &orders {
        let replay = || case::replay(host, domain, candidate, order);
        let case = patiently(tries, |case| case.as_ref().is_some_and(Case::found_no_place), replay).await;
        cases.push(case);
        // Quick plugins never wait: without this the task would have its thread to itself.
        tokio::task::yield_now().await;
    }
    cases
}
