//! How far two cores are from each other.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const HANDOVERS: u64 = 5_000;
const TRIES: usize = 7;

/// Nanoseconds that a cache line takes from one core to another: some 25 where they share a cache, over 200 where they do
/// not. On a virtual machine it changes while it runs, as its cores are moved about, and so does what a second
/// thread brings to whatever both write. The least of some tries: in others both threads begin on one core.
pub fn handover_ns() -> f64 {
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        return f64::NAN;
    }
    (0..TRIES).map(|_| try_once()).fold(f64::INFINITY, f64::min)
}

fn try_once() -> f64 {
    let ball = AtomicU64::new(0);
    let play = |first: u64| {
        let begun = Instant::now();
        for turn in (first..2 * HANDOVERS).step_by(2) {
            while ball.load(Ordering::Acquire) != turn {
                spin_loop();
            }
            ball.store(turn + 1, Ordering::Release);
        }
        begun.elapsed().as_nanos() as f64 / (2 * HANDOVERS) as f64
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| play(1));
        play(0).max(other.join().expect("no panic"))
    })
}
