//! A target on loopback, one thread for each connection, and runs against it.

#![allow(dead_code)] // each test file uses its part of it

pub mod caller;
pub mod stalling;

use std::{
    fmt::Display,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use prometheus::Registry;
use retrylab_core::stats::Counts;
use retrylab_core::{
    load::{ArrivalLaw, Burst, BurstSize, LoadPlan, LoadShape, Stage},
    wire::{LoadgenPlan, LoadgenResults, RUN_HEADER, RunTag},
};
use retrylab_loadgen::{Loadgen, LoadgenRun, Metrics};
use retrylab_runtime::{Run, RunClock, Workload};
use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket, sockopt::set_tcp_cork};

/// Longer than any of these tests takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the target does with a request.
pub enum Reaction {
    /// Answers with this status.
    Answer(u16),
    /// Answers with 200 after a while.
    After(Duration),
    /// Writes just these bytes and closes; the end comes with them, in one segment.
    Say(&'static str),
    /// Answers with 200 and closes some moments later, without having said so.
    HangUpAfterwards,
    /// Closes without a word.
    HangUp,
    /// Never answers, neither this request nor any other on the same connection.
    Ignore,
}

/// A whole answer that doesn't say that the connection ends with it.
pub const ANSWER: &str = "HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n";

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub tag: RunTag,
    pub at: Instant,
    pub head: String,
}

/// What came in so far.
#[derive(Clone, Default)]
pub struct Arrivals(Arc<Mutex<Vec<Arrival>>>);

impl Arrivals {
    pub fn all(&self) -> Vec<Arrival> {
        self.0.lock().unwrap().clone()
    }

    pub fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// A target that reacts to every request.
pub struct Target {
    pub address: SocketAddr,
    pub arrivals: Arrivals,
}

impl Target {
    pub fn new(react: impl Fn(&Arrival) -> Reaction + Clone + Send + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), react)
    }

    pub fn on(listener: TcpListener, react: impl Fn(&Arrival) -> Reaction + Clone + Send + 'static) -> Self {
        let (address, arrivals) = (listener.local_addr().unwrap(), Arrivals::default());
        let seen = arrivals.clone();
        thread::spawn(move || {
            for socket in listener.incoming() {
                let (react, seen) = (react.clone(), seen.clone());
                thread::spawn(move || serve(&socket.unwrap(), &react, &seen));
            }
        });
        Self { address, arrivals }
    }

    /// One that answers all requests with success.
    pub fn good() -> Self {
        Self::new(|_| Reaction::Answer(200))
    }
}

/// Where somebody will listen, but nobody does yet: connections are refused.
pub struct Nobody(OwnedFd);

impl Nobody {
    pub fn new() -> Self {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        Self(socket)
    }

    pub fn address(&self) -> SocketAddr {
        getsockname(&self.0).unwrap().try_into().unwrap()
    }

    pub fn listen(self) -> TcpListener {
        listen(&self.0, 16).unwrap();
        self.0.into()
    }
}

fn serve(socket: &TcpStream, react: &impl Fn(&Arrival) -> Reaction, seen: &Arrivals) {
    socket.set_nodelay(true).unwrap();
    let answer = |text: &str| (&mut &*socket).write_all(text.as_bytes()).is_ok();
    while let Some(arrival) = read_request(socket) {
        seen.0.lock().unwrap().push(arrival.clone());
        let goes_on = match react(&arrival) {
            Reaction::Answer(status) => answer(&format!("HTTP/1.1 {status} x\r\ncontent-length: 5\r\n\r\nhello")),
            Reaction::After(wait) => {
                thread::sleep(wait);
                answer(ANSWER)
            }
            Reaction::Ignore => {
                let _ = std::io::copy(&mut &*socket, &mut std::io::sink());
                false
            }
            Reaction::Say(text) => {
                set_tcp_cork(socket, true).unwrap();
                answer(text);
                false
            }
            Reaction::HangUpAfterwards => {
                answer(ANSWER);
                false
            }
            Reaction::HangUp => false,
        };
        if !goes_on {
            return;
        }
    }
}

fn read_request(mut socket: &TcpStream) -> Option<Arrival> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 1_024]);
    loop {
        let length = socket.read(&mut piece).ok().filter(|&length| length > 0)?;
        let at = Instant::now();
        bytes.extend_from_slice(&piece[..length]);
        if bytes.ends_with(b"\r\n\r\n") {
            let head = String::from_utf8(bytes).unwrap();
            let line = head.lines().find_map(|line| line.strip_prefix(RUN_HEADER)).unwrap();
            let tag = line.trim_start_matches(':').trim().parse().unwrap();
            return Some(Arrival { tag, at, head });
        }
    }
}

/// So many requests at one instant.
pub fn burst(at_ms: u64, requests: u32) -> Burst {
    Burst { at_ms, size: BurstSize::Requests(requests) }
}

/// An open loop of uniform arrivals.
pub fn open(rate: u32, duration_ms: u64, bursts: Vec<Burst>) -> LoadPlan {
    LoadPlan {
        seed: 7,
        duration_ms,
        shape: LoadShape::Open { rate, arrivals: ArrivalLaw::Uniform },
        bursts,
        shed: vec![],
    }
}

/// A closed loop of so many users.
pub fn closed(users: u32, think_ms: u64, duration_ms: u64) -> LoadPlan {
    let stages = vec![Stage { for_ms: 0, users }];
    LoadPlan { seed: 7, duration_ms, shape: LoadShape::Closed { stages, think_ms }, bursts: vec![], shed: vec![] }
}

/// A load generator with metrics of its own.
pub fn loadgen() -> Loadgen {
    Loadgen::new(Metrics::new(&Registry::new()).unwrap())
}

/// A plan against `target` with a timeout of `timeout_ms`.
pub fn plan(load: LoadPlan, target: impl Display, timeout_ms: u64) -> LoadgenPlan {
    LoadgenPlan { load, target: target.to_string(), timeout_ms }
}

/// Waits until `condition` holds.
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "waited too long for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The results of a run once it is over, with what must hold for every one.
pub fn finish(run: &LoadgenRun) -> LoadgenResults {
    wait_for("the run's end", || run.is_idle());
    let results = run.results();
    check_sums(&results);
    assert_eq!(results.in_flight, 0);
    results
}

/// The sums that hold at any time.
pub fn check_sums(results: &LoadgenResults) {
    let series = &results.series;
    assert_eq!(series.sent.total() + series.dropped.total(), series.planned.total());
    assert_eq!(series.ok.total() + series.failed.total() + results.in_flight, series.sent.total());
    assert_eq!(series.goodput.total(), series.ok.total());
    assert_eq!(results.lateness_us.count(), series.sent.total());
    let latencies: u64 = results.latency_us.iter().map(retrylab_core::stats::SparseHistogram::count).sum();
    assert_eq!(latencies, series.ok.total() + series.failed.total());
}

/// Runs a load against a target from beginning to end.
pub fn run(load: LoadPlan, target: &Target) -> LoadgenResults {
    let clock = RunClock::starting_in(20);
    finish(&loadgen().begin("a1-0", &plan(load, target.address, 5_000), clock))
}

/// `[planned, sent, dropped, ok, failed]`.
pub fn totals(results: &LoadgenResults) -> [u64; 5] {
    let series = &results.series;
    [&series.planned, &series.sent, &series.dropped, &series.ok, &series.failed].map(Counts::total)
}
