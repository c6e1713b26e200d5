//! Work that can wait for the shoppers' calls: many orders that are replayed or verified.

use std::time::Duration;

/// How long a plugin is left alone that had no place.
const PAUSE: Duration = Duration::from_millis(200);

/// Does the work again where `found_no_place` says that the host had none for a call of it, at most so many times.
pub async fn patiently<T, Work: Future<Output = T>>(
    tries: u32,
    found_no_place: impl Fn(&T) -> bool,
    mut work: impl FnMut() -> Work,
) -> T {
    let mut done = work().await;
    for _ in 0..tries {
        if !found_no_place(&done) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        done = work().await;
    }
    done
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn work_is_done_again_until_there_is_a_place() {
        for (tries, free_from, expected) in [(0, 1, 1), (0, 2, 1), (2, 1, 1), (2, 2, 2), (2, 9, 3)] {
            let done = Cell::new(0);
            let work = || async {
                done.set(done.get() + 1);
                done.get() >= free_from
            };
            let found = patiently(tries, |found| !found, work).await;
            assert_eq!((done.get(), found), (expected, expected >= free_from), "{tries} tries, free from {free_from}");
        }
    }
}
