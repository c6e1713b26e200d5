//! The work of a replay.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use serde_json::json;

use super::case::{self, Case};
use super::sums::Sums;
use super::{Error, OrderChange, Replay, Report, State, store};
use crate::orders::receipts::{self, Recorded};
use crate::plugins::{Bound, Domain, Host};
use crate::{Shop, clock, db, events};

/// Orders that are read at once.
const PAGE: u32 = 200;
/// Orders that one task replays: a task for each would cost more than a quick plugin does.
const SHARE: usize = 20;
/// How often a call is tried again that found no place beside the shoppers' calls, and after what pause.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(200);
/// How often the row says how far it is.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Replays to the end, and writes the report.
pub(super) async fn run(shop: Shop, replay: Replay, candidate: Vec<Arc<Bound>>) {
    let (found, error) = match replay_all(&shop, &replay, candidate.into()).await {
        Ok(Some(found)) => (Some(found), None),
        // Somebody ended it.
        Ok(None) => return,
        Err(Error::Database(error)) => {
            tracing::error!(replay = %replay.id, %error, "a replay came to a stop");
            (None, Some("something broke on our side; it has been logged".to_owned()))
        }
        Err(error) => (None, Some(error.to_string())),
    };
    if let Err(error) = end(&shop, &replay, found, error).await {
        // Its row gives no sign of life any more, so that whoever looks ends it.
        tracing::error!(replay = %replay.id, %error, "how a replay ended cannot be written");
    }
}

/// The report, and every order that would change.
type Found = (Report, Vec<OrderChange>);

async fn end(shop: &Shop, replay: &Replay, found: Option<Found>, error: Option<String>) -> db::Result<()> {
    let state = if found.is_some() { State::Done } else { State::Failed };
    let mut tx = shop.db().write().await?;
    if !store::end(&mut tx, replay.id, state, error.as_deref(), clock::now()).await? {
        return Ok(());
    }
    if let Some((report, changes)) = &found {
        store::put_found(&mut tx, replay.id, report, changes).await?;
        let data = json!({
            "id": replay.id, "domain": replay.domain.name(), "actor": replay.created_by,
            "plugins": replay.candidate.iter()
                .map(|plugin| json!({ "name": plugin.name, "version": plugin.version, "digest": plugin.digest }))
                .collect::<Vec<_>>(),
            "orders": report.orders, "changed": report.changed, "failed": report.failed, "totals": report.totals,
        });
        events::record(&mut tx, "plugin.replayed", replay.id, data).await?;
    }
    tx.commit().await?;
    shop.relay().wake();
    Ok(())
}

/// None: the replay was ended meanwhile.
async fn replay_all(shop: &Shop, replay: &Replay, candidate: Arc<[Arc<Bound>]>) -> Result<Option<Found>, Error> {
    let begun = std::time::Instant::now();
    let (mut sums, mut done, mut before) = (Sums::default(), 0, i64::MAX);
    let mut tell = tokio::time::interval(TELL_EVERY);
    while done < replay.orders_total {
        let limit = PAGE.min(u32::try_from(replay.orders_total - done).unwrap_or(PAGE));
        let orders = receipts::recorded(shop, before, limit).await.map_err(Box::new)?;
        let Some(last) = orders.last() else { break };
        before = last.number;
        let work = shares_of(orders).into_iter().map(|share| {
            let (host, candidate, domain) = (shop.plugins().host().clone(), candidate.clone(), replay.domain);
            // A task of its own: plugins compute where they are called.
            tokio::spawn(async move { replay_share(&host, domain, &candidate, share).await })
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
                _ = tell.tick() => {
                    let mut tx = shop.db().write().await?;
                    if !store::tell(&mut tx, replay.id, done, clock::now()).await? {
                        return Ok(None);
                    }
                    tx.commit().await?;
                }
            }
        }
    }
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    sums.report(elapsed_ms).map(Some)
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
) -> Vec<Option<Case>> {
    let mut cases = Vec::with_capacity(orders.len());
    for order in &orders {
        let mut case = case::replay(host, domain, candidate, order).await;
        for _ in 0..TRIES {
            if !case.as_ref().is_some_and(Case::found_no_place) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            case = case::replay(host, domain, candidate, order).await;
        }
        cases.push(case);
        // Quick plugins never wait: without this the task would have its thread to itself.
        tokio::task::yield_now().await;
    }
    cases
}
