//! From `spec.backend` to the model that the backend and the simulator follow.

use retrylab_core::station::{self, BackendModel, CacheModel, Discipline, ServiceLaw, ServiceTime};

use crate::{BackendSpec, LawType, QueueDiscipline, Span};

/// Sigma of a lognormal law that names none, in percent.
const DEFAULT_SIGMA_PERCENT: u32 = 50;

/// What one backend pod is like.
pub fn backend_model(spec: &BackendSpec) -> BackendModel {
    let micros = |span: Span| span.as_millis().saturating_mul(1_000);
    let mean_us = micros(spec.service_time);
    let percent_of_it = |percent: u32| mean_us.saturating_mul(u64::from(percent)) / 100;
    let discipline = match spec.discipline {
        QueueDiscipline::Fifo => Discipline::Fifo,
        QueueDiscipline::Lifo => Discipline::Lifo,
        QueueDiscipline::CoDel => {
            let params = spec.codel.clone().unwrap_or_default();
            Discipline::Codel { target_us: micros(params.target), interval_us: micros(params.interval) }
        }
    };
    let law = spec.service_time_law.as_ref().map_or(ServiceLaw::Constant, |law| match law.kind {
        LawType::Constant => ServiceLaw::Constant,
        LawType::Exponential => ServiceLaw::Exponential,
        LawType::Lognormal => ServiceLaw::Lognormal {
            sigma_permille: law.sigma_percent.unwrap_or(DEFAULT_SIGMA_PERCENT).saturating_mul(10),
        },
    });
    BackendModel {
        concurrency: spec.concurrency,
        queue: spec.queue,
        discipline,
        drop_expired: spec.drop_expired,
        cancel_on_disconnect: spec.cancel_on_disconnect,
        service: ServiceTime { mean_us, law, contention_us: percent_of_it(spec.contention_percent) },
        cache: spec.cache.as_ref().map(|cache| CacheModel {
            hit_permille: cache.hit_percent.saturating_mul(10),
            entries: cache.entries,
            miss_us: micros(cache.miss_time),
        }),
        warm_up: spec.warm_up.as_ref().map(|warm_up| station::WarmUp {
            for_ms: warm_up.for_.as_millis(),
            from_permille: warm_up.from_percent.saturating_mul(10),
        }),
        rejection_us: percent_of_it(spec.rejection_percent),
    }
}
