//! A backend's model as the environment of its pod: what the backend reads back is the same model.

use retrylab_core::station::{BackendModel, CacheModel, Discipline, ServiceLaw, ServiceTime, WarmUp};

/// The variables, with their values; what the model does without is left out.
pub fn variables(model: &BackendModel) -> Vec<(&'static str, String)> {
    let BackendModel {
        concurrency,
        queue,
        discipline,
        drop_expired,
        cancel_on_disconnect,
        service: ServiceTime { mean_us, law, contention_us },
        cache,
        warm_up,
        rejection_us,
    } = model;
    let mut all = vec![
        ("RETRYLAB_CONCURRENCY", concurrency.to_string()),
        ("RETRYLAB_QUEUE", queue.to_string()),
        ("RETRYLAB_DISCIPLINE", discipline.as_str().to_owned()),
        ("RETRYLAB_DROP_EXPIRED", drop_expired.to_string()),
        ("RETRYLAB_CANCEL_ON_DISCONNECT", cancel_on_disconnect.to_string()),
        ("RETRYLAB_SERVICE_TIME_US", mean_us.to_string()),
        ("RETRYLAB_SERVICE_TIME_LAW", law.as_str().to_owned()),
        ("RETRYLAB_CONTENTION_US", contention_us.to_string()),
        ("RETRYLAB_REJECTION_US", rejection_us.to_string()),
    ];
    if let Discipline::Codel { target_us, interval_us } = discipline {
        all.push(("RETRYLAB_CODEL_TARGET_US", target_us.to_string()));
        all.push(("RETRYLAB_CODEL_INTERVAL_US", interval_us.to_string()));
    }
    if let ServiceLaw::Lognormal { sigma_permille } = law {
        all.push(("RETRYLAB_SERVICE_TIME_SIGMA_PERMILLE", sigma_permille.to_string()));
    }
    if let Some(CacheModel { hit_permille, entries, miss_us }) = cache {
        all.push(("RETRYLAB_CACHE_ENTRIES", entries.to_string()));
        all.push(("RETRYLAB_CACHE_HIT_PERMILLE", hit_permille.to_string()));
        all.push(("RETRYLAB_CACHE_MISS_US", miss_us.to_string()));
    }
    if let Some(WarmUp { for_ms, from_permille }) = warm_up {
        all.push(("RETRYLAB_WARM_UP_MS", for_ms.to_string()));
        all.push(("RETRYLAB_WARM_UP_FROM_PERMILLE", from_permille.to_string()));
    }
    all
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};
    use retrylab_api::{BackendSpec, backend_model};
    use retrylab_backend::Config;

    use super::*;

    /// The model of a spec, by way of the pod's environment.
    fn check(spec: &str) {
        let spec: BackendSpec = serde_saphyr::from_str(spec).unwrap();
        let model = backend_model(&spec);
        let command = Config::augment_args(clap::Command::new("backend"));
        let flag = |variable: &str| {
            let reads = |arg: &&clap::Arg| arg.get_env().is_some_and(|env| env == variable);
            let flag = command.get_arguments().find(reads).and_then(clap::Arg::get_long).unwrap_or_default();
            assert!(!flag.is_empty(), "nothing reads {variable}");
            flag.to_owned()
        };
        let arguments: Vec<_> =
            variables(&model).iter().map(|(name, value)| format!("--{}={value}", flag(name))).collect();
        let matches = command.clone().no_binary_name(true).get_matches_from(arguments);
        assert_eq!(Config::from_arg_matches(&matches).unwrap().model(), Ok(model), "{spec:?}");
    }

    #[test]
    fn a_backend_pod_is_what_its_spec_says() {
        check("{}");
        check("{concurrency: 7, queue: 0, serviceTime: 20ms, dropExpired: true, cancelOnDisconnect: true}");
        check("{discipline: LIFO, contentionPercent: 15, rejectionPercent: 30}");
        check("{discipline: CoDel}");
        check("{discipline: CoDel, codel: {target: 20ms, interval: 1s}}");
        check("{serviceTimeLaw: {type: Exponential}}");
        check("{serviceTimeLaw: {type: Lognormal}}");
        check("{serviceTimeLaw: {type: Lognormal, sigmaPercent: 130}}");
        check("{cache: {hitPercent: 95, missTime: 80ms}, warmUp: {for: 10s}}");
        check("{cache: {hitPercent: 40, missTime: 1s, entries: 77}, warmUp: {for: 1m, fromPercent: 0}}");
    }
}
