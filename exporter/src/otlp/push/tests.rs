//! Pushes against a collector in this process: what it gets is what the page says, and what came of each is counted.

mod values;

use std::{
    sync::{Mutex, mpsc},
    time::Duration,
};

use super::*;
use crate::{
    counters::{Counters, Snapshot},
    event::examples,
    metrics::{ContainerDeaths, Exemplars, Format, fake},
    otlp::{
        OtlpArgs,
        tests::{
            MS, PROTOCOLS,
            collector::{Answer, Collector},
            logging::logged,
        },
    },
};
use values::{as_scraped, of_its_own, scraped};

/// The counters of these tests began a second after this.
const START: SystemTime = SystemTime::UNIX_EPOCH;
const LONG: &str = "1h";

fn page() -> Page {
    let exemplars = Arc::new(Exemplars::default());
    exemplars.record(&examples::death_event());
    let deaths = Arc::new(ContainerDeaths::new(ContainerDeaths::MAX_SERIES, ContainerDeaths::EXPIRY));
    Page::new(fake::Fake::new(fake::snapshot(|key| key.signal.into())), [("otlp", fake::ledger())])
        .with_exemplars(Some(exemplars))
        .with_container_deaths(Some(deaths))
        .with_pushes(Some(Arc::default()))
}

fn pusher(endpoint: &str, protocol: &str, interval: &str, tune: impl FnOnce(&mut OtlpArgs)) -> Pusher {
    let mut args = OtlpArgs {
        endpoint: Some(endpoint.to_owned()),
        protocol: Some(protocol.to_owned()),
        metrics: true,
        metrics_interval: Some(interval.to_owned()),
        retry_max: Some("0s".to_owned()),
        ..OtlpArgs::default()
    };
    tune(&mut args);
    let mut config = MetricsConfig::resolve(&args, &|_| None).unwrap().unwrap();
    config.connection.patience.first = MS;
    Pusher::new(config, START + Duration::from_secs(1))
}

fn to(collector: &Collector, protocol: &str, interval: &str) -> Pusher {
    pusher(&format!("http://{}", collector.address), protocol, interval, |_| {})
}

/// Starts it, and returns its account too.
fn begin(one: Pusher, page: Page) -> (Task, Arc<Pushes>) {
    let pushes = one.pushes();
    (one.start(Arc::new(page)), pushes)
}

fn account(pushes: &Pushes) -> [u64; 4] {
    Push::ALL.map(|push| pushes.n(push))
}

async fn eventually(is_so: impl Fn() -> bool) {
    let waited = async {
        while !is_so() {
            tokio::time::sleep(MS).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waited).await.expect("in vain");
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

#[tokio::test]
async fn what_is_pushed_is_what_is_scraped() {
    for protocol in PROTOCOLS {
        let collector = Collector::start([], Answer::Take).await;
        let (task, pushes) = begin(to(&collector, protocol, LONG), page());
        eventually(|| account(&pushes) == [1, 0, 0, 0]).await;
        task.shutdown(soon()).await.unwrap();
        assert_eq!(account(&pushes), [2, 0, 0, 0], "the first and the last one, {protocol}");
        let expected = of_its_own(scraped(&page()));
        assert!(expected.len() > 200);
        collector.seen(|seen| {
            let [first, last] = &seen.metrics[..] else { panic!("{}", seen.metrics.len()) };
            assert_eq!(of_its_own(as_scraped(first)), expected, "{protocol}");
            let is_counter = |name: &String| name.contains("_total");
            let counters = expected.iter().filter(|(name, _)| is_counter(name));
            let counters: Vec<_> = counters.map(|(name, value)| (name.clone(), *value)).collect();
            let last: Vec<_> = of_its_own(as_scraped(last)).into_iter().collect();
            assert_eq!(last, counters, "what was up or down is over, {protocol}");
        });
    }
}

#[tokio::test]
async fn what_the_collector_refuses_is_told_and_counted() {
    for protocol in PROTOCOLS {
        let collector = Collector::start([Answer::Reject(3, "too old")], Answer::Take).await;
        let lines = logged(async {
            let (task, pushes) = begin(to(&collector, protocol, LONG), page());
            eventually(|| account(&pushes) == [0, 1, 0, 0]).await;
            task.shutdown(soon()).await.unwrap();
            assert_eq!(account(&pushes), [1, 1, 0, 0], "{protocol}");
        })
        .await;
        assert!(lines[1].contains("rejected 3 of the series of a push: \"too old\""), "{lines:#?}");
    }
}

#[tokio::test]
async fn a_push_that_fails_is_counted_and_told_once_and_the_next_has_all() {
    let answers = vec![Answer::Http(400, vec![], "bad"); 3];
    let collector = Collector::start(answers, Answer::Take).await;
    let lines = logged(async {
        let (task, pushes) = begin(to(&collector, "http/protobuf", "20ms"), page());
        eventually(|| pushes.n(Push::Taken) > 0).await;
        task.shutdown(soon()).await.unwrap();
        assert_eq!(pushes.n(Push::Failed), 3);
    })
    .await;
    let target = format!("http://{}/v1/metrics", collector.address);
    let expected = [
        format!("INFO metrics go to {target} by OTLP over http/protobuf every 20ms"),
        format!(
            "WARN metrics for {target} were not taken, which the next push has too: HTTP status 400 Bad Request (\"bad\")"
        ),
        format!("INFO {target} takes metrics again"),
    ];
    assert_eq!(lines, expected);
    let first = collector.seen(|seen| as_scraped(&seen.metrics[0]));
    assert_eq!(of_its_own(first), of_its_own(scraped(&page())));
}

#[tokio::test]
async fn a_failure_that_may_pass_is_tried_again() {
    for (protocol, answer) in PROTOCOLS.into_iter().zip([
        Answer::Http(503, vec![("retry-after", "0")], ""),
        Answer::Grpc(tonic::Status::new(tonic::Code::Unavailable, "later")),
    ]) {
        let collector = Collector::start([answer], Answer::Take).await;
        let endpoint = format!("http://{}", collector.address);
        let patient = pusher(&endpoint, protocol, LONG, |args| args.retry_max = Some("30s".into()));
        let (task, pushes) = begin(patient, page());
        eventually(|| account(&pushes) == [1, 0, 0, 0]).await;
        task.shutdown(soon()).await.unwrap();
        assert_eq!(collector.seen(|seen| seen.headers.len()), 3, "{protocol}");
    }
}

#[tokio::test]
async fn what_falls_due_while_the_collector_hangs_is_skipped_and_the_end_does_not_wait_for_it() {
    for protocol in PROTOCOLS {
        let collector = Collector::start([Answer::Hang], Answer::Take).await;
        let endpoint = format!("http://{}", collector.address);
        let hanging = pusher(&endpoint, protocol, "10ms", |args| args.timeout = Some("200ms".into()));
        let (task, pushes) = begin(hanging, page());
        eventually(|| pushes.n(Push::Taken) > 0).await;
        task.shutdown(soon()).await.unwrap();
        assert_eq!(pushes.n(Push::Failed), 1, "{protocol}");
        assert!(pushes.n(Push::Skipped) >= 15, "{protocol}: {:?}", account(&pushes));

        let collector = Collector::start([], Answer::Hang).await;
        let (task, pushes) = begin(to(&collector, protocol, LONG), page());
        eventually(|| collector.seen(|seen| seen.headers.len()) == 1).await;
        task.shutdown(Instant::now() + 100 * MS).await.unwrap();
        // The first gave way to the last, for which there was no time.
        assert_eq!(account(&pushes), [0, 0, 1, 1], "{protocol}");
    }
}

#[tokio::test]
async fn counters_that_cannot_be_read_are_a_push_that_failed() {
    let collector = Collector::start([], Answer::Take).await;
    let lines = logged(async {
        let unreadable = Page::new(Arc::new(fake::Fake::default()), []);
        let (task, pushes) = begin(to(&collector, "http/protobuf", LONG), unreadable);
        task.shutdown(soon()).await.unwrap();
        assert!(pushes.n(Push::Failed) >= 1 && pushes.n(Push::Taken) == 0, "{:?}", account(&pushes));
    })
    .await;
    assert!(
        lines[1].contains("cannot read the counters from the kernel: Operation not permitted"),
        "{lines:?}"
    );
    collector.seen(|seen| assert!(seen.headers.is_empty()));
}

/// Counters that are read for as long as a test wants.
struct Slow(Mutex<mpsc::Receiver<()>>);

impl Counters for Slow {
    fn snapshot(&self) -> std::io::Result<Snapshot> {
        self.0.lock().unwrap().recv().ok();
        Ok(fake::snapshot(|_| 0))
    }
}

#[tokio::test]
async fn a_kernel_that_takes_long_holds_nobody_else_up() {
    let collector = Collector::start([], Answer::Take).await;
    let (go_on, wait) = mpsc::channel();
    let slow = Page::new(Arc::new(Slow(Mutex::new(wait))), []);
    let (task, pushes) = begin(to(&collector, "http/protobuf", LONG), slow);
    // The only thread of this runtime is free meanwhile.
    tokio::task::yield_now().await;
    assert_eq!(account(&pushes), [0; 4]);
    go_on.send(()).unwrap();
    eventually(|| account(&pushes) == [1, 0, 0, 0]).await;
    drop(go_on);
    task.shutdown(soon()).await.unwrap();
}

#[tokio::test]
async fn a_panic_reaches_whoever_watches() {
    struct Broken;
    impl Counters for Broken {
        fn snapshot(&self) -> std::io::Result<Snapshot> {
            panic!("on purpose")
        }
    }
    let collector = Collector::start([], Answer::Take).await;
    let mut task = to(&collector, "grpc", LONG).start(Arc::new(Page::new(Arc::new(Broken), [])));
    assert!(task.ended().await.unwrap_err().is_panic());
}

#[test]
fn what_is_late_is_skipped_and_the_rhythm_stays() {
    let start = Instant::now();
    let mut schedule = Schedule { due: start, interval: 10 * MS };
    for (now, n_skipped, due) in
        [(0, 0, 10), (15, 0, 20), (20, 0, 30), (40, 1, 50), (99, 4, 100), (50, 0, 110)]
    {
        assert_eq!(schedule.go_on(start + now * MS), n_skipped, "{now}");
        assert_eq!(schedule.due, start + due * MS, "{now}");
    }
}
