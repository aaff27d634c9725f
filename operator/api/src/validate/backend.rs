//! The rules of `spec.backend` and of the faults that need something of it.

use retrylab_core::wire::FieldError;

use super::{HOUR, MINUTE, refuse, within, within_number};
use crate::{BackendSpec, Fault, LawType, QueueDiscipline, backend_model};

/// Checks `spec.backend`.
pub fn backend(spec: &BackendSpec) -> Result<(), FieldError> {
    within_number("spec.backend.concurrency", spec.concurrency, 1, 10_000)?;
    within_number("spec.backend.queue", spec.queue, 0, 100_000)?;
    within("spec.backend.serviceTime", spec.service_time, 1, MINUTE)?;
    within_number("spec.backend.contentionPercent", spec.contention_percent, 0, 1_000)?;
    within_number("spec.backend.rejectionPercent", spec.rejection_percent, 0, 100)?;
    if let Some(codel) = &spec.codel {
        if spec.discipline != QueueDiscipline::CoDel {
            return refuse("spec.backend.codel", "parameters", "only with discipline CoDel");
        }
        within("spec.backend.codel.target", codel.target, 1, MINUTE)?;
        within("spec.backend.codel.interval", codel.interval, 1, MINUTE)?;
    }
    if let Some(law) = &spec.service_time_law
        && let Some(sigma) = law.sigma_percent
    {
        within_number("spec.backend.serviceTimeLaw.sigmaPercent", sigma, 1, 200)?;
        if law.kind != LawType::Lognormal {
            return refuse("spec.backend.serviceTimeLaw.sigmaPercent", sigma, "only with type Lognormal");
        }
    }
    if let Some(cache) = &spec.cache {
        within_number("spec.backend.cache.entries", cache.entries, 1, 100_000)?;
        within_number("spec.backend.cache.hitPercent", cache.hit_percent, 1, 100)?;
        within("spec.backend.cache.missTime", cache.miss_time, 1, MINUTE)?;
    }
    if let Some(warm_up) = &spec.warm_up {
        within("spec.backend.warmUp.for", warm_up.for_, 100, HOUR)?;
        within_number("spec.backend.warmUp.fromPercent", warm_up.from_percent, 0, 99)?;
    }
    let full_queue_ms = full_queue_ms(spec);
    if full_queue_ms > HOUR {
        let given = format!("{}, which takes {} s when it is full", spec.queue, full_queue_ms / 1_000);
        return refuse("spec.backend.queue", given, "a queue that is worked off within 1h");
    }
    // Last, the bounds of the model: a spec that passes here is never refused by a pod.
    backend_model(spec).validate().map_err(|e| e.within("spec.backend"))
}

/// How long the work of a full queue takes at most, at the mean time in service, in milliseconds.
fn full_queue_ms(spec: &BackendSpec) -> u64 {
    let (queue, workers) = (u64::from(spec.queue), u64::from(spec.concurrency));
    let contention = 100 + u64::from(spec.contention_percent) * (workers - 1);
    let miss_ms = spec.cache.as_ref().map_or(0, |cache| cache.miss_time.as_millis());
    (queue + workers) * (spec.service_time.as_millis() * contention / 100 + miss_ms) / workers
}

/// Checks what a fault needs of the backend.
pub fn fault(place: &str, fault: &Fault, backend: &BackendSpec) -> Result<(), FieldError> {
    if let Some(percent) = fault.capacity_percent
        && u32::from(percent) * backend.concurrency < 100
    {
        let least = 100_u32.div_ceil(backend.concurrency.max(1));
        let allowed = format!("at least {least}, or no worker of backend.concurrency would be left");
        return refuse(&format!("{place}.capacityPercent"), percent, allowed);
    }
    if fault.restart && backend.cache.is_none() && backend.warm_up.is_none() {
        let allowed = "only with backend.cache or backend.warmUp, since it changes nothing else";
        return refuse(&format!("{place}.restart"), true, allowed);
    }
    Ok(())
}
