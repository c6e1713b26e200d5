//! Places for calls: how many may run at once.
//!
//! A gate's places are shared out over shards, and a call looks for one in its own core's shard first: the counter of one
//! gate for all would be written by every core at every call, and handing that cache line over costs more than
//! the counting (see `shards`).

use std::sync::Arc;

use crossbeam_utils::CachePadded;
use futures_util::future::select_all;
use tokio::sync::Semaphore;

/// A bounded number of places.
pub(super) struct Gate {
    shards: Box<[Arc<CachePadded<Semaphore>>]>,
    cores: Arc<Cores>,
}

/// A place taken. Given back when it is dropped.
pub(super) struct Place {
    shard: Arc<CachePadded<Semaphore>>,
    /// Which of the gate's shards it is of.
    pub(super) index: usize,
}

impl Gate {
    /// A gate of `places` in all, over at most `shards` shards and none without a place. No shard has more than its part,
    /// rounded up.
    pub(super) fn new(places: u32, shards: usize, cores: Arc<Cores>) -> Self {
        let places = places as usize;
        let shards = shards.clamp(1, places.max(1));
        let of_shard = |index| places / shards + usize::from(index < places % shards);
        let shard = |index| Arc::new(CachePadded::new(Semaphore::new(of_shard(index))));
        Self { shards: (0..shards).map(shard).collect(), cores }
    }

    /// A place, if one is free: of this core's shard, else of the next that has one.
    pub(super) fn try_enter(&self) -> Option<Place> {
        let home = self.cores.here() % self.shards.len();
        (home..self.shards.len()).chain(0..home).find_map(|index| {
            let shard = &self.shards[index];
            shard.try_acquire().ok()?.forget();
            Some(Place { shard: shard.clone(), index })
        })
    }

    /// Waits for a place of whichever shard has one first.
    pub(super) async fn enter(&self) -> Place {
        if let Some(place) = self.try_enter() {
            return place;
        }
        match select_all(self.shards.iter().map(|shard| Box::pin(shard.acquire()))).await {
            (Ok(permit), index, _others) => {
                permit.forget();
                Place { shard: self.shards[index].clone(), index }
            }
            // They are closed never; if that changes, no place comes any more.
            (Err(_closed), ..) => std::future::pending().await,
        }
    }

    /// Places that nobody has.
    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.shards.iter().map(|shard| shard.available_permits()).sum()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shard.add_permits(1);
    }
}

/// The cores that this process may run on, counted from 0: of a part of the machine the system's own numbers have gaps, and
/// some shards would be nobody's.
pub(super) struct Cores {
    /// By the system's number; those that it may not run on are counted like the first.
    #[cfg(target_os = "linux")]
    counted: Box<[usize]>,
}

#[cfg(target_os = "linux")]
impl Cores {
    pub(super) fn of_this_process() -> Self {
        // Where the system does not tell, its own numbers have to do.
        let ours = rustix::thread::sched_getaffinity(None).ok();
        let mut counted = vec![0; rustix::thread::CpuSet::MAX_CPU];
        let is_ours = |core: &usize| ours.as_ref().is_none_or(|ours| ours.is_set(*core));
        for (number, core) in (0..counted.len()).filter(is_ours).enumerate() {
            counted[core] = number;
        }
        Self { counted: counted.into() }
    }

    /// The core that this runs on. Only a hint: the thread may be moved at any moment.
    fn here(&self) -> usize {
        self.counted.get(rustix::thread::sched_getcpu()).copied().unwrap_or_default()
    }
}

/// Elsewhere nothing tells the core cheaply; a thread mostly stays where it is.
#[cfg(not(target_os = "linux"))]
impl Cores {
    pub(super) fn of_this_process() -> Self {
        Self {}
    }

    fn here(&self) -> usize {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
        BuildHasherDefault::<DefaultHasher>::default().hash_one(std::thread::current().id()) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each core is told from every other, so that each of as many shards is somebody's.
    #[cfg(target_os = "linux")]
    #[test]
    fn cores_are_counted_without_gaps() {
        let cores = Cores::of_this_process();
        let most = cores.counted.iter().max().copied();
        let ours = rustix::thread::sched_getaffinity(None).expect("Linux tells");
        assert_eq!(most, Some(ours.count() as usize - 1));
        assert!(cores.here() < ours.count() as usize);
    }

    async fn within_a_millisecond(gate: &Gate) -> Option<Place> {
        tokio::time::timeout(std::time::Duration::from_millis(1), gate.enter()).await.ok()
    }

    #[tokio::test]
    async fn all_places_can_be_taken_from_one_core_and_no_more() {
        for (places, shards) in [(1, 1), (1, 8), (7, 2), (8, 3), (64, 64)] {
            let gate = Gate::new(places, shards, Arc::new(Cores::of_this_process()));
            let taken: Vec<_> = std::iter::from_fn(|| gate.try_enter()).collect();
            assert_eq!(taken.len(), places as usize, "{places} places in {shards} shards");
            let most = taken.iter().map(|place| taken.iter().filter(|other| other.index == place.index).count()).max();
            assert!(most <= Some((places as usize).div_ceil(shards)), "{places} places in {shards} shards: {most:?}");
            assert!(within_a_millisecond(&gate).await.is_none());
            drop(taken);
            assert_eq!(gate.free(), places as usize);
        }
    }

    #[tokio::test]
    async fn whoever_waits_gets_the_first_place_of_any_shard() {
        let gate = Gate::new(4, 4, Arc::new(Cores::of_this_process()));
        let mut taken: Vec<_> = std::iter::from_fn(|| gate.try_enter()).collect();
        for _ in 0..4 {
            // The one taken first is the longest away: each shard has its turn.
            let place = taken.remove(0);
            let of = place.index;
            let (got, ()) = tokio::join!(gate.enter(), async { drop(place) });
            assert_eq!(got.index, of);
            taken.push(got);
        }
        // Who gives up takes nothing along.
        assert!(within_a_millisecond(&gate).await.is_none());
        drop(taken);
        assert_eq!(gate.free(), 4);
    }
}
