//! Live inboxes: streams that tell of new items as they come.
//!
//! A stream reads rows after the position that it has told, whenever the [`Hub`] says that there are some. The hub learns it
//! from this kernel at once, and from others by one look at the database for all streams together ([`run`]): a thousand
//! streams poll no more often than one. Telling a position is a hint; what is sent is what the rows say, so that a hint that
//! comes twice or late does no harm.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::Stream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::inbox::Item;
use super::settings::InboxConfig;
use super::store;
use crate::throttle::Who;
use crate::{Shop, clock, db};

/// Who is listening on this kernel.
pub struct Hub {
    listeners: Mutex<Everyone>,
    streams: usize,
    streams_per_person: usize,
    streams_per_address: usize,
}

#[derive(Default)]
struct Everyone {
    people: HashMap<Uuid, Listeners>,
    /// Streams by where they come from: an account costs nobody anything, an address does.
    addresses: HashMap<String, usize>,
}

struct Listeners {
    /// The last position that was heard of.
    last: watch::Sender<i64>,
    streams: usize,
}

/// There are too many streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    #[error("this person has too many streams open")]
    Person,
    #[error("too many streams are open from this address")]
    Address,
    #[error("too many streams are open")]
    Shop,
}

/// A place among the listeners, given back when it is dropped.
pub struct Listening {
    hub: Arc<Hub>,
    customer_id: Uuid,
    address: String,
    last: watch::Receiver<i64>,
}

impl Hub {
    pub fn new(config: &InboxConfig) -> Arc<Self> {
        Arc::new(Self {
            listeners: Mutex::default(),
            streams: config.streams as usize,
            streams_per_person: config.streams_per_person as usize,
            streams_per_address: config.streams_per_address as usize,
        })
    }

    /// A place for one more stream of this person from this address.
    pub fn listen(self: &Arc<Self>, customer_id: Uuid, address: &Who<'_>) -> Result<Listening, Full> {
        let address = address.to_string();
        let mut everyone = self.lock();
        if everyone.people.get(&customer_id).is_some_and(|person| person.streams >= self.streams_per_person) {
            return Err(Full::Person);
        }
        if everyone.addresses.get(&address).is_some_and(|streams| *streams >= self.streams_per_address) {
            return Err(Full::Address);
        }
        if everyone.addresses.values().sum::<usize>() >= self.streams {
            return Err(Full::Shop);
        }
        *everyone.addresses.entry(address.clone()).or_default() += 1;
        let nobody = || Listeners { last: watch::Sender::new(0), streams: 0 };
        let person = everyone.people.entry(customer_id).or_insert_with(nobody);
        person.streams += 1;
        Ok(Listening { hub: self.clone(), customer_id, address, last: person.last.subscribe() })
    }

    /// The person has items up to `position`.
    pub fn told(&self, customer_id: Uuid, position: i64) {
        if let Some(person) = self.lock().people.get(&customer_id) {
            person.last.send_if_modified(|last| {
                let news = position > *last;
                *last = position.max(*last);
                news
            });
        }
    }

    fn is_idle(&self) -> bool {
        self.lock().people.is_empty()
    }

    /// A panic elsewhere leaves the counts as they are: nothing here panics half-way.
    fn lock(&self) -> std::sync::MutexGuard<'_, Everyone> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut everyone = self.hub.lock();
        if let Some(person) = everyone.people.get_mut(&self.customer_id) {
            person.streams -= 1;
        }
        if let Some(streams) = everyone.addresses.get_mut(&self.address) {
            *streams -= 1;
        }
        everyone.people.retain(|_, person| person.streams > 0);
        everyone.addresses.retain(|_, streams| *streams > 0);
    }
}

/// The worker: tells the hub what other kernels wrote. Ends when the shop stops.
pub(super) async fn run(shop: &Shop) {
    // Looked at again for as long: a clock of another kernel may be late, and a transaction that began before may end after.
    const OVERLAP: TimeDelta = TimeDelta::seconds(60);
    let pause = Duration::from_millis(shop.config().notifications.inbox.poll_interval_ms);
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shop.stopping().cancelled() => return,
        }
        if shop.inboxes().is_idle() {
            continue;
        }
        match changed(shop, OVERLAP).await {
            Ok(changed) => changed.into_iter().for_each(|(person, position)| shop.inboxes().told(person, position)),
            Err(error) => tracing::warn!(%error, "inboxes cannot be looked at; trying again"),
        }
    }
}

async fn changed(shop: &Shop, overlap: TimeDelta) -> db::Result<Vec<(Uuid, i64)>> {
    store::inbox::changed_since(&mut shop.db().read().await?, clock::now() - overlap).await
}

/// What a stream tells.
#[derive(Debug)]
pub enum News {
    Item(Box<Item>),
    /// Nothing happened for a while.
    Heartbeat,
}

/// The news of one person.
struct Feed<F> {
    shop: Shop,
    listening: Listening,
    /// What was told last.
    position: i64,
    /// Read and not told yet.
    waiting: VecDeque<Item>,
    heartbeat: Duration,
    next_heartbeat: Instant,
    may_go_on: F,
}

/// Items after position `after` (without it, those that come from now on), then whatever comes, until the shop stops or
/// `may_go_on`, asked at every heartbeat, says no.
pub async fn news<F, Fut>(
    shop: &Shop,
    listening: Listening,
    after: Option<i64>,
    may_go_on: F,
) -> db::Result<impl Stream<Item = News> + Send + use<F, Fut>>
where
    F: Fn(Shop) -> Fut + Send,
    Fut: Future<Output = bool> + Send,
{
    let position = match after {
        Some(after) => after,
        None => store::inbox::last_position(&mut shop.db().read().await?, listening.customer_id).await?,
    };
    let heartbeat = Duration::from_millis(shop.config().notifications.inbox.heartbeat_ms);
    let feed = Feed {
        shop: shop.clone(),
        listening,
        position,
        waiting: VecDeque::new(),
        heartbeat,
        // At once: the client sees that the stream is open, and what waits for it is read.
        next_heartbeat: Instant::now(),
        may_go_on,
    };
    Ok(futures_util::stream::unfold(feed, async |mut feed| feed.next().await.map(|news| (news, feed))))
}

impl<F, Fut> Feed<F>
where
    F: Fn(Shop) -> Fut + Send,
    Fut: Future<Output = bool> + Send,
{
    /// None at the end: the client asks again, with the position that it has.
    async fn next(&mut self) -> Option<News> {
        loop {
            if self.shop.stopping().is_cancelled() {
                return None;
            }
            if self.waiting.is_empty() {
                self.read().await?;
            }
            if let Some(item) = self.waiting.pop_front() {
                self.position = item.position;
                return Some(News::Item(Box::new(item)));
            }
            let stopping = self.shop.stopping().clone();
            tokio::select! {
                changed = self.listening.last.changed() => changed.ok()?,
                () = sleep_until(self.next_heartbeat) => {
                    self.next_heartbeat = Instant::now() + self.heartbeat;
                    return (self.may_go_on)(self.shop.clone()).await.then_some(News::Heartbeat);
                }
                () = stopping.cancelled() => return None,
            }
        }
    }

    async fn read(&mut self) -> Option<()> {
        const ROWS: i64 = 50;
        // Before the rows are read: what is told meanwhile is seen as a change afterwards.
        self.listening.last.mark_unchanged();
        let rows = async {
            let mut conn = self.shop.db().read().await?;
            store::inbox::items_after(&mut conn, self.listening.customer_id, self.position, ROWS).await
        };
        match rows.await {
            Ok(rows) => self.waiting.extend(rows),
            Err(error) => {
                tracing::warn!(%error, "an inbox cannot be read; its stream ends");
                return None;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const HERE: Who<'static> = Who::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));
    const ELSEWHERE: Who<'static> = Who::Address(IpAddr::V4(Ipv4Addr::BROADCAST));

    #[test]
    fn places_are_limited_and_given_back() {
        let config = InboxConfig { streams: 3, streams_per_person: 2, ..InboxConfig::default() };
        let hub = Hub::new(&config);
        let (ann, bob, eve) = (crate::id::sequential(), crate::id::sequential(), crate::id::sequential());
        let first = hub.listen(ann, &HERE).ok().unwrap();
        let _second = hub.listen(ann, &HERE).ok().unwrap();
        assert_eq!(hub.listen(ann, &ELSEWHERE).err(), Some(Full::Person));
        let third = hub.listen(bob, &HERE).ok().unwrap();
        assert_eq!(hub.listen(eve, &ELSEWHERE).err(), Some(Full::Shop));
        drop(first);
        assert!(hub.listen(ann, &HERE).is_ok());
        hub.told(bob, 7);
        hub.told(bob, 3);
        hub.told(eve, 1);
        assert_eq!(*third.last.borrow(), 7);
        drop(third);
        assert_eq!(hub.lock().people.len(), 1, "who listens no more is forgotten");
    }

    #[test]
    fn however_many_accounts_an_address_has_its_places_are_few() {
        let config =
            InboxConfig { streams: 10, streams_per_person: 2, streams_per_address: 3, ..InboxConfig::default() };
        let hub = Hub::new(&config);
        let places: Vec<_> = (0..3).map(|_| hub.listen(crate::id::sequential(), &HERE).ok().unwrap()).collect();
        assert_eq!(hub.listen(crate::id::sequential(), &HERE).err(), Some(Full::Address));
        let ann = crate::id::sequential();
        let elsewhere = hub.listen(ann, &ELSEWHERE).ok().unwrap();
        assert_eq!(hub.listen(ann, &HERE).err(), Some(Full::Address));
        drop(places);
        assert!(hub.listen(ann, &HERE).is_ok());
        drop(elsewhere);
        assert!(hub.lock().addresses.is_empty());
    }
}
