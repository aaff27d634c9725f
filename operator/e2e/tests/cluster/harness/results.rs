//! Reading results, and what must hold in all of them.

use retrylab_api::{ArmStatus, FatesStatus, RetryExperimentStatus, WindowStatus};

/// The arm of this name.
pub fn arm<'s>(status: &'s RetryExperimentStatus, name: &str) -> &'s ArmStatus {
    status.arms.iter().find(|arm| arm.name == name).unwrap_or_else(|| panic!("no arm {name}"))
}

/// The window of this name.
pub fn window<'a>(arm: &'a ArmStatus, name: &str) -> &'a WindowStatus {
    arm.windows.iter().find(|window| window.name == name).unwrap_or_else(|| panic!("no window {name} in {}", arm.name))
}

/// The books of every arm balance: nothing is lacking, the counts of all sides agree, each request has one fate, and
/// every fault was on time.
pub fn check_books(status: &RetryExperimentStatus) {
    for arm in &status.arms {
        let evidence = arm.evidence.as_ref().unwrap();
        assert_eq!(evidence.shortcomings, Vec::<String>::new(), "{}", arm.name);
        assert_eq!(evidence.accounting_gap, 0, "{}", arm.name);
        let total = window(arm, "total");
        assert_eq!(total.attempts, total.backend_requests, "{}", arm.name);
        for window in &arm.windows {
            let FatesStatus { ok, ok_after_retry, exhausted, .. } = window.fates;
            let FatesStatus { budget_denied, breaker_open, deadline, not_retryable, dropped, .. } = window.fates;
            let fates =
                ok + ok_after_retry + exhausted + budget_denied + breaker_open + deadline + not_retryable + dropped;
            assert_eq!(fates, window.requests, "{} of {}", window.name, arm.name);
            assert!(window.off_ms.is_none_or(|off| off <= 50), "{} of {}: {:?}", window.name, arm.name, window.off_ms);
            if let (Some(planned), Some(actual)) = (&window.planned_at, &window.actual_at) {
                let off = actual.0.duration_since(planned.0).abs();
                assert!(off.as_millis() <= 50, "{} of {} began {off:?} off its plan", window.name, arm.name);
            }
        }
    }
}
