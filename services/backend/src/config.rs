//! The backend's settings, from flags or from the environment.

use clap::{ArgAction::Set, Args, ValueEnum, value_parser};
use retrylab_core::{
    station::{
        BackendModel, CacheModel, Discipline, MAX_CACHE_ENTRIES, MAX_CODEL_US, MAX_CONCURRENCY, MAX_QUEUE,
        MAX_REJECTION_US, MAX_SERVICE_TIME_US, MAX_WARM_UP_MS, ServiceLaw, ServiceTime, WarmUp,
    },
    wire::FieldError,
};
use retrylab_runtime::AdminToken;

/// What a backend is told when it starts.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Requests in service at one time: 1 to 100,000
    #[arg(long, env = "RETRYLAB_CONCURRENCY", default_value_t = 64, value_parser = value_parser!(u32).range(1..=i64::from(MAX_CONCURRENCY)))]
    pub concurrency: u32,
    /// Requests that may wait, at most 1,000,000; what arrives beyond that is turned away with 503
    #[arg(long, env = "RETRYLAB_QUEUE", default_value_t = 1_000, value_parser = value_parser!(u32).range(0..=i64::from(MAX_QUEUE)))]
    pub queue: u32,
    /// Who of those that wait is next
    #[arg(long, env = "RETRYLAB_DISCIPLINE", value_enum, default_value_t)]
    pub discipline: DisciplineName,
    /// With discipline codel: the wait that is no cause for concern, in microseconds
    #[arg(long, env = "RETRYLAB_CODEL_TARGET_US", default_value_t = 5_000, value_parser = value_parser!(u64).range(1..=MAX_CODEL_US))]
    pub codel_target_us: u64,
    /// With discipline codel: how long waits must stay above the target before one is dropped, in microseconds
    #[arg(long, env = "RETRYLAB_CODEL_INTERVAL_US", default_value_t = 100_000, value_parser = value_parser!(u64).range(1..=MAX_CODEL_US))]
    pub codel_interval_us: u64,
    /// Don't serve a request whose deadline has passed
    #[arg(long, env = "RETRYLAB_DROP_EXPIRED", action = Set, default_value_t = false)]
    pub drop_expired: bool,
    /// End a request, in the queue or in service, when its client has gone
    #[arg(long, env = "RETRYLAB_CANCEL_ON_DISCONNECT", action = Set, default_value_t = false)]
    pub cancel_on_disconnect: bool,
    /// How long a request alone is in service on the mean, in microseconds, at most ten minutes; 0: it is answered at once
    #[arg(long, env = "RETRYLAB_SERVICE_TIME_US", default_value_t = 5_000, value_parser = value_parser!(u64).range(0..=MAX_SERVICE_TIME_US))]
    pub service_time_us: u64,
    /// The law of the service time
    #[arg(long, env = "RETRYLAB_SERVICE_TIME_LAW", value_enum, default_value_t)]
    pub service_time_law: LawName,
    /// With the law lognormal: sigma of the logarithm, in thousandths
    #[arg(long, env = "RETRYLAB_SERVICE_TIME_SIGMA_PERMILLE", default_value_t = 500, value_parser = value_parser!(u32).range(1..=2_000))]
    pub service_time_sigma_permille: u32,
    /// What each other request in service adds to a service time, in microseconds
    #[arg(long, env = "RETRYLAB_CONTENTION_US", default_value_t = 0, value_parser = value_parser!(u64).range(0..=MAX_SERVICE_TIME_US))]
    pub contention_us: u64,
    /// Entries of the cache; 0: there is none
    #[arg(long, env = "RETRYLAB_CACHE_ENTRIES", default_value_t = 0, value_parser = value_parser!(u32).range(0..=i64::from(MAX_CACHE_ENTRIES)))]
    pub cache_entries: u32,
    /// Requests that hit once the cache is warm, in thousandths
    #[arg(long, env = "RETRYLAB_CACHE_HIT_PERMILLE", default_value_t = 900, value_parser = value_parser!(u16).range(1..=1_000))]
    pub cache_hit_permille: u16,
    /// How much longer a miss takes, in microseconds
    #[arg(long, env = "RETRYLAB_CACHE_MISS_US", default_value_t = 50_000, value_parser = value_parser!(u64).range(1..=MAX_SERVICE_TIME_US))]
    pub cache_miss_us: u64,
    /// After a start all workers are there after so many milliseconds; 0: at once
    #[arg(long, env = "RETRYLAB_WARM_UP_MS", default_value_t = 0, value_parser = value_parser!(u64).range(0..=MAX_WARM_UP_MS))]
    pub warm_up_ms: u64,
    /// The share of the workers that is there at once, in thousandths
    #[arg(long, env = "RETRYLAB_WARM_UP_FROM_PERMILLE", default_value_t = 100, value_parser = value_parser!(u16).range(0..=999))]
    pub warm_up_from_permille: u16,
    /// What turning a request away at a full queue costs a worker, in microseconds
    #[arg(long, env = "RETRYLAB_REJECTION_US", default_value_t = 0, value_parser = value_parser!(u64).range(0..=MAX_REJECTION_US))]
    pub rejection_us: u64,
    /// The bearer token that opens /admin; without one only callers on loopback get in
    #[arg(long, env = "RETRYLAB_ADMIN_TOKEN", default_value = "", hide_env_values = true)]
    pub admin_token: AdminToken,
}

/// The disciplines by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DisciplineName {
    /// First in, first out
    #[default]
    Fifo,
    /// Last in, first out
    Lifo,
    /// First in, first out, dropped at the head while waits stay long (RFC 8289)
    Codel,
}

/// The laws of service times by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LawName {
    /// Every request takes the same
    #[default]
    Constant,
    /// Memoryless
    Exponential,
    /// With a long tail
    Lognormal,
}

impl Config {
    /// What the backend is like.
    ///
    /// # Errors
    /// Names the first setting that is not allowed.
    pub fn model(&self) -> Result<BackendModel, FieldError> {
        let law = match self.service_time_law {
            LawName::Constant => ServiceLaw::Constant,
            LawName::Exponential => ServiceLaw::Exponential,
            LawName::Lognormal => ServiceLaw::Lognormal { sigma_permille: self.service_time_sigma_permille },
        };
        let discipline = match self.discipline {
            DisciplineName::Fifo => Discipline::Fifo,
            DisciplineName::Lifo => Discipline::Lifo,
            DisciplineName::Codel => {
                Discipline::Codel { target_us: self.codel_target_us, interval_us: self.codel_interval_us }
            }
        };
        let model = BackendModel {
            concurrency: self.concurrency,
            queue: self.queue,
            discipline,
            drop_expired: self.drop_expired,
            cancel_on_disconnect: self.cancel_on_disconnect,
            service: ServiceTime { mean_us: self.service_time_us, law, contention_us: self.contention_us },
            cache: (self.cache_entries > 0).then_some(CacheModel {
                hit_permille: self.cache_hit_permille,
                entries: self.cache_entries,
                miss_us: self.cache_miss_us,
            }),
            warm_up: (self.warm_up_ms > 0)
                .then_some(WarmUp { for_ms: self.warm_up_ms, from_permille: self.warm_up_from_permille }),
            rejection_us: self.rejection_us,
        };
        model.validate().map(|()| model)
    }
}

/// The defaults of the flags, no token among them.
impl Default for Config {
    fn default() -> Self {
        Self {
            concurrency: 64,
            queue: 1_000,
            discipline: DisciplineName::Fifo,
            codel_target_us: 5_000,
            codel_interval_us: 100_000,
            drop_expired: false,
            cancel_on_disconnect: false,
            service_time_us: 5_000,
            service_time_law: LawName::Constant,
            service_time_sigma_permille: 500,
            contention_us: 0,
            cache_entries: 0,
            cache_hit_permille: 900,
            cache_miss_us: 50_000,
            warm_up_ms: 0,
            warm_up_from_permille: 100,
            rejection_us: 0,
            admin_token: AdminToken::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        config: Config,
    }

    fn refusal(flag: &str, value: &str) -> String {
        Cli::try_parse_from(["backend", flag, value]).unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_those_of_the_flags() {
        let parsed = Cli::try_parse_from(["backend"]).unwrap().config;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn a_value_out_of_bounds_is_refused_with_what_was_given_and_what_is_allowed() {
        for (flag, value, allowed) in [
            ("--concurrency", "0", "1..=100000"),
            ("--queue", "1000001", "0..=1000000"),
            ("--service-time-us", "600000001", "0..=600000000"),
            ("--discipline", "random", "fifo, lifo, codel"),
            ("--service-time-law", "pareto", "constant, exponential, lognormal"),
            ("--drop-expired", "perhaps", "true, false"),
            ("--cache-hit-permille", "1001", "1..=1000"),
        ] {
            let said = refusal(flag, value);
            assert!(said.contains(flag) && said.contains(value) && said.contains(allowed), "{said}");
        }
        assert!(refusal("--queue", "many").contains("many"));
    }
}
