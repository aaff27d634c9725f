//! Repetitions on all cores. What comes out does not depend on how many there are.

use std::{
    num::NonZero,
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

/// Does the same for each number below `n`, as many at a time as there are cores; gives the results in the order of the
/// numbers.
///
/// # Errors
/// The first error, by number.
pub fn each<T: Send, E: Send>(n: u32, act: impl Fn(u32) -> Result<T, E> + Sync) -> Result<Vec<T>, E> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(n as usize).max(1);
    each_on(workers, n, act)
}

fn each_on<T: Send, E: Send>(workers: usize, n: u32, act: impl Fn(u32) -> Result<T, E> + Sync) -> Result<Vec<T>, E> {
    let next = AtomicU32::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= n {
                return done;
            }
            done.push((number, act(number)));
        }
    };
    let mut all: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let join =
            |thread: thread::ScopedJoinHandle<'_, _>| thread.join().unwrap_or_else(|p| std::panic::resume_unwind(p));
        threads.into_iter().flat_map(join).collect()
    });
    all.sort_unstable_by_key(|&(number, _)| number);
    all.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_number_of_workers() {
        for workers in [1, 2, 7] {
            assert_eq!(each_on(workers, 100, |n| Ok::<_, ()>(n * n)), Ok((0..100).map(|n| n * n).collect()));
        }
    }

    #[test]
    fn the_first_error_by_number_is_the_result() {
        assert_eq!(each_on(4, 100, |n| if n % 30 == 29 { Err(n) } else { Ok(()) }), Err(29));
    }
}
