//! By how much chance puts off the end of a backlog, to three standard errors: one run in 741 takes longer.

/// Three standard errors.
const ERRORS: f64 = 3.0;
/// −ln of the chance that is taken for none: that of three standard errors on one side, 0.00135.
const UNLIKELY: f64 = 6.6;

/// A backlog that grows or shrinks by a steady rate and by chance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    /// b: requests at the beginning, in the mean.
    pub backlog: f64,
    /// d: by how many it grows or shrinks in a second, in the mean.
    pub net_per_s: f64,
    /// v: the variance of that number.
    pub variance_per_s: f64,
    /// W: for how many seconds it has been gathering, at the same variance.
    pub before_s: f64,
}

impl Walk {
    /// How much later than b/d it may be gone, in milliseconds.
    ///
    /// A backlog that shrinks is gone by t, in all but one case of 741, where d·t − 3√(v(W + t)) = b. That is a quadratic
    /// equation in √(W + t), and of its solution this is what goes beyond b/d: (9v + 3√v·√(9v + 4d(b + dW)))/(2d²).
    pub fn delay_ms(&self) -> u64 {
        let Self { backlog: b, net_per_s: d, variance_per_s: v, before_s: w } = *self;
        if v <= 0.0 {
            return 0;
        }
        let squared = ERRORS * ERRORS * v;
        let delay_s = (squared + squared.sqrt() * (squared + 4.0 * d * (b + d * w)).sqrt()) / (2.0 * d * d);
        (delay_s * 1_000.0).ceil() as u64
    }

    /// Whether a backlog that grows may yet fall to so many requests by chance: e^(−2d(b − level)/v), the chance that Brownian
    /// motion with a drift ever does. Those that do so take as long as ones that shrink by d, since given that it does, the one
    /// is the other (the likelihood ratio of the two is that chance, whatever the way).
    pub fn may_turn(&self, level: f64) -> bool {
        let Self { backlog, net_per_s, variance_per_s, .. } = *self;
        2.0 * net_per_s * (backlog - level).max(0.0) < UNLIKELY * variance_per_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALK: Walk = Walk { backlog: 725.0, net_per_s: 10.0, variance_per_s: 580.0, before_s: 3.0 };

    /// 145/s of 2 attempts at 300/s, after 3 s: d·t − 3√(v(W + t)) is b at the time that this gives.
    #[test]
    fn the_time_is_where_three_standard_errors_are_served_as_well() {
        let t = 72.5 + WALK.delay_ms() as f64 / 1_000.0;
        assert!((160.0..175.0).contains(&t), "{t}");
        let left = 725.0 + 3.0 * (580.0 * (3.0 + t)).sqrt() - 10.0 * t;
        assert!(left.abs() < 0.1, "{left}");
    }

    #[test]
    fn nothing_is_put_off_where_nothing_is_random() {
        assert_eq!(Walk { variance_per_s: 0.0, ..WALK }.delay_ms(), 0);
        assert!(!Walk { variance_per_s: 0.0, ..WALK }.may_turn(300.0));
    }

    /// e^(−2·10·425/580) is one in two million; at 1/s it is a quarter, and with as little as there may be it turns at once.
    #[test]
    fn it_turns_by_chance_where_it_hardly_grows_or_is_hardly_there() {
        assert!(!WALK.may_turn(300.0));
        assert!(Walk { net_per_s: 1.0, ..WALK }.may_turn(300.0));
        assert!(Walk { backlog: 200.0, ..WALK }.may_turn(300.0));
    }
}
