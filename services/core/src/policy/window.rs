//! Counts over the last interval: what budgets, breakers and the throttle decide by.

/// An interval is cut into so many slices; the oldest is forgotten as a whole. (Finagle and Linkerd cut theirs into ten, too.)
pub(super) const SLICES: usize = 10;

/// `N` counts over the last interval: exact, but for the grain of a tenth at which they are forgotten.
#[derive(Clone, Debug)]
pub(super) struct Window<const N: usize> {
    slice_ns: u64,
    /// The slice that is being filled: its number since the epoch of the caller's clock.
    slice: u64,
    counts: [[u32; N]; SLICES],
    sums: [u64; N],
}

impl<const N: usize> Window<N> {
    /// Nothing counted yet.
    pub fn new(interval_ms: u64, now_ns: u64) -> Self {
        let slice_ns = (interval_ms * 1_000_000 / SLICES as u64).max(1);
        Self { slice_ns, slice: now_ns / slice_ns, counts: [[0; N]; SLICES], sums: [0; N] }
    }

    /// The sums over the interval that ends now. A time before the last one counts as that.
    pub fn sums(&mut self, now_ns: u64) -> [u64; N] {
        let slice = now_ns / self.slice_ns;
        if slice.saturating_sub(self.slice) >= SLICES as u64 {
            (self.counts, self.sums) = ([[0; N]; SLICES], [0; N]);
            self.slice = slice;
        }
        while self.slice < slice {
            self.slice += 1;
            let forgotten = &mut self.counts[(self.slice % SLICES as u64) as usize];
            for (sum, count) in self.sums.iter_mut().zip(forgotten.iter_mut()) {
                *sum -= u64::from(*count);
                *count = 0;
            }
        }
        self.sums
    }

    /// Counts one more in a column.
    pub fn add(&mut self, column: usize, now_ns: u64) {
        self.sums(now_ns);
        self.counts[(self.slice % SLICES as u64) as usize][column] += 1;
        self.sums[column] += 1;
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        (self.counts, self.sums) = ([[0; N]; SLICES], [0; N]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000_000;

    proptest! {
        /// Every sum lies between that of the last nine tenths of the interval and that of the whole.
        #[test]
        fn a_window_holds_what_lies_within_its_interval(steps in prop::collection::vec(0u64..400, 1..200)) {
            let (mut window, mut now, mut all) = (Window::<1>::new(1_000, 0), 0, Vec::new());
            for step in steps {
                now += step * MS;
                window.add(0, now);
                all.push(now);
                let since = |age_ms: u64| all.iter().filter(|&&at| at + age_ms * MS > now).count() as u64;
                let [sum] = window.sums(now);
                prop_assert!(since(900) <= sum && sum <= since(1_000), "{} <= {sum} <= {}", since(900), since(1_000));
            }
        }
    }

    #[test]
    fn a_time_that_lies_back_counts_as_the_latest() {
        let mut window = Window::<2>::new(1_000, 5_000 * MS);
        window.add(0, 5_500 * MS);
        window.add(1, 5_100 * MS);
        assert_eq!(window.sums(5_400 * MS), [1, 1]);
        assert_eq!(window.sums(6_600 * MS), [0, 0]);
    }
}
