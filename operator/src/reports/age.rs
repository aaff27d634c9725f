//! How old something is, in as many words as `kubectl get` has for it.

use k8s_openapi::jiff::Timestamp;

/// The time from one moment to the other: `45s`, `5m`, `3h`, `2d`.
pub fn of(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_in_the_unit_that_tells_most() {
        let age = |seconds| of(Timestamp::UNIX_EPOCH, Timestamp::from_second(seconds).unwrap());
        assert_eq!([0, 119, 120, 7_199, 7_200, 172_799].map(age), ["0s", "119s", "2m", "119m", "2h", "47h"]);
        assert_eq!(age(900_000), "10d");
        assert_eq!(of(Timestamp::from_second(9).unwrap(), Timestamp::UNIX_EPOCH), "0s", "another clock");
    }
}
