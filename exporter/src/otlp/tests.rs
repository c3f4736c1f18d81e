//! The sink against a collector in this process: whatever it answers, the account is right.

pub(super) mod collector;
mod failures;
pub(super) mod logging;
mod tls;

use std::{sync::Arc, time::Duration};

use collector::{Answer, Collector};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use tokio::time::Instant;

use super::*;
use crate::{
    event::{Call, Event, Time, examples},
    ledger::Stage,
};

pub(super) const PROTOCOLS: [&str; 2] = ["http/protobuf", "grpc"];
pub(super) const MS: Duration = Duration::from_millis(1);

/// Settings for a test: quick to try again, and to give up.
fn config(endpoint: &str, protocol: &str, tune: impl FnOnce(&mut OtlpArgs)) -> Config {
    let mut args = OtlpArgs {
        endpoint: Some(endpoint.to_owned()),
        protocol: Some(protocol.to_owned()),
        batch_size: Some("10".to_owned()),
        flush_interval: Some("5ms".to_owned()),
        retry_max: Some("10s".to_owned()),
        ..OtlpArgs::default()
    };
    tune(&mut args);
    let mut config = Config::resolve(&args, &|_| None).unwrap().unwrap();
    config.connection.patience.first = MS;
    config.connection.patience.longest = 20 * MS;
    config
}

fn plain(collector: &Collector, protocol: &str) -> Config {
    config(&format!("http://{}", collector.address), protocol, |_| {})
}

fn event(at_boot_ns: u64) -> Event {
    let call = examples::call();
    Event::Call(Call { time: Time { boot_ns: at_boot_ns, ..call.time }, ..call })
}

/// Offers so many events, asks the sink to end within a generous time, and returns the account: delivered, and lost
/// by stage. Nothing may be pending, and the sum must be right.
async fn send(config: &Config, n: u64) -> (u64, [u64; 4]) {
    send_within(config, n, Duration::from_secs(30)).await
}

async fn send_within(config: &Config, n: u64, patience: Duration) -> (u64, [u64; 4]) {
    let ledger = Arc::new(Ledger::default());
    let (sender, task) = start(config, Arc::clone(&ledger));
    (0..n).for_each(|at| sender.offer(&event(at)));
    task.shutdown(Instant::now() + patience).await.unwrap();
    account(&ledger, n)
}

fn account(ledger: &Ledger, n_offered: u64) -> (u64, [u64; 4]) {
    assert_eq!(ledger.n_pending(), 0);
    assert_eq!(ledger.n_delivered() + ledger.n_lost_in_all(), n_offered);
    (ledger.n_delivered(), Stage::ALL.map(|stage| ledger.n_lost(stage)))
}

/// How many records the collector took, of which none may have come twice.
fn n_taken(collector: &Collector) -> u64 {
    let uid =
        |record: &LogRecord| format!("{:?}", record.attributes.iter().find(|a| a.key == "log.record.uid"));
    let mut uids: Vec<_> = collector.seen(|seen| seen.taken.iter().map(uid).collect());
    uids.sort();
    uids.dedup();
    collector.seen(|seen| assert_eq!(uids.len(), seen.taken.len()));
    uids.len() as u64
}

fn n_requests(collector: &Collector) -> usize {
    collector.seen(|seen| seen.headers.len())
}

#[tokio::test]
async fn everything_is_delivered_once_in_batches() {
    for protocol in PROTOCOLS {
        let collector = Collector::start([], Answer::Take).await;
        assert_eq!(send(&plain(&collector, protocol), 95).await, (95, [0; 4]), "{protocol}");
        assert_eq!((n_taken(&collector), n_requests(&collector)), (95, 10), "{protocol}");
    }
}

#[tokio::test]
async fn events_of_every_kind_arrive_whole() {
    let events = [
        examples::call_event(),
        examples::death_event(),
        Event::OomKill(Arc::new(examples::oom_kill())),
        Event::Signal(Arc::new(examples::signal())),
    ];
    for protocol in PROTOCOLS {
        let collector = Collector::start([], Answer::Take).await;
        let ledger = Arc::new(Ledger::default());
        let (sender, task) = start(&plain(&collector, protocol), Arc::clone(&ledger));
        for event in &events {
            sender.offer(event);
        }
        task.shutdown(Instant::now() + Duration::from_secs(30)).await.unwrap();
        assert_eq!(account(&ledger, 4), (4, [0; 4]), "{protocol}");
        let expected = record::Envelope::new(&[]).request(&events);
        collector.seen(|seen| {
            let [got] = &seen.requests[..] else { panic!("{} requests", seen.requests.len()) };
            let (got, expected) = (&got.resource_logs[0], &expected.resource_logs[0]);
            assert_eq!(got.scope_logs, expected.scope_logs, "{protocol}");
            assert_eq!(got.schema_url, expected.schema_url, "{protocol}");
        });
    }
}

#[tokio::test]
async fn an_event_does_not_wait_for_its_batch_to_fill() {
    let collector = Collector::start([], Answer::Take).await;
    let ledger = Arc::new(Ledger::default());
    let (sender, task) = start(&plain(&collector, "http/protobuf"), Arc::clone(&ledger));
    sender.offer(&event(0));
    let delivered = async {
        while ledger.n_delivered() < 1 {
            tokio::time::sleep(MS).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), delivered).await.unwrap();
    task.shutdown(Instant::now()).await.unwrap();
    assert_eq!(account(&ledger, 1), (1, [0; 4]));
    assert_eq!(n_taken(&collector), 1);
}

#[tokio::test]
async fn what_the_collector_rejects_is_lost_as_rejected_and_the_rest_is_delivered() {
    for protocol in PROTOCOLS {
        let collector = Collector::start([Answer::Reject(3, "too old")], Answer::Take).await;
        assert_eq!(send(&plain(&collector, protocol), 20).await, (17, [0, 3, 0, 0]), "{protocol}");
        assert_eq!((n_taken(&collector), n_requests(&collector)), (17, 2), "{protocol}");
    }
}

#[tokio::test]
async fn a_warning_with_a_success_loses_nothing() {
    let collector = Collector::start([Answer::Reject(0, "deprecated field")], Answer::Take).await;
    assert_eq!(send(&plain(&collector, "http/protobuf"), 10).await, (10, [0; 4]));
    assert_eq!(n_taken(&collector), 10);
}

#[tokio::test]
async fn the_end_waits_until_its_deadline_and_then_counts_what_is_left() {
    for protocol in PROTOCOLS {
        let collector = Collector::start([Answer::Take], Answer::Hang).await;
        let account = send_within(&plain(&collector, protocol), 95, 200 * MS).await;
        assert_eq!(account, (10, [0, 0, 0, 85]), "{protocol}");
        assert_eq!(n_taken(&collector), 10, "{protocol}");
    }
}

#[tokio::test]
async fn a_flood_loses_what_the_queue_cannot_hold_and_counts_it() {
    let collector = Collector::start([], Answer::Take).await;
    let config = config(&format!("http://{}", collector.address), "http/protobuf", |args| {
        args.queue_size = Some("40".into());
    });
    // The sink has no chance to run before all are offered.
    assert_eq!(send(&config, 100).await, (40, [60, 0, 0, 0]));
    assert_eq!(n_taken(&collector), 40);
}

#[tokio::test]
async fn what_is_offered_after_the_end_is_lost_and_never_pending() {
    let collector = Collector::start([], Answer::Take).await;
    let ledger = Arc::new(Ledger::default());
    let (sender, task) = start(&plain(&collector, "http/protobuf"), Arc::clone(&ledger));
    sender.offer(&event(0));
    task.shutdown(Instant::now() + Duration::from_secs(30)).await.unwrap();
    sender.offer(&event(1));
    assert_eq!(account(&ledger, 2), (1, [0, 0, 0, 1]));
    assert_eq!(n_taken(&collector), 1);
}

#[tokio::test]
async fn the_sink_ends_by_itself_when_all_senders_are_gone() {
    let collector = Collector::start([], Answer::Take).await;
    let ledger = Arc::new(Ledger::default());
    let (sender, mut task) = start(&plain(&collector, "http/protobuf"), Arc::clone(&ledger));
    (0..15).for_each(|at| sender.offer(&event(at)));
    drop(sender);
    task.ended().await.unwrap();
    task.shutdown(Instant::now()).await.unwrap();
    assert_eq!(account(&ledger, 15), (15, [0; 4]));
    assert_eq!(n_taken(&collector), 15);
}

#[tokio::test]
async fn a_sink_that_is_dropped_or_aborted_leaves_nothing_pending() {
    let collector = Collector::start([], Answer::Hang).await;
    let ledger = Arc::new(Ledger::default());
    let (sender, task) = start(&plain(&collector, "http/protobuf"), Arc::clone(&ledger));
    (0..95).for_each(|at| sender.offer(&event(at)));
    drop(task);
    let ended = async {
        while ledger.n_pending() > 0 {
            tokio::time::sleep(MS).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended).await.unwrap();
    assert_eq!(account(&ledger, 95), (0, [0, 0, 0, 95]));
    assert_eq!(n_taken(&collector), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_threads_may_offer_while_the_sink_ends() {
    let collector = Collector::start([], Answer::Take).await;
    let ledger = Arc::new(Ledger::default());
    let (sender, task) = start(&plain(&collector, "http/protobuf"), Arc::clone(&ledger));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let sender = sender.clone();
            std::thread::spawn(move || (0..2000).for_each(|at| sender.offer(&event(writer * 10_000 + at))))
        })
        .collect();
    task.shutdown(Instant::now() + Duration::from_secs(30)).await.unwrap();
    for writer in writers {
        writer.join().unwrap();
    }
    let (n_delivered, _) = account(&ledger, 8000);
    assert_eq!(n_taken(&collector), n_delivered);
}

#[tokio::test]
async fn headers_compression_and_user_agent_reach_the_collector() {
    for protocol in PROTOCOLS {
        let collector = Collector::start([], Answer::Take).await;
        let config = config(&format!("http://{}", collector.address), protocol, |args| {
            args.headers = Some("authorization=Basic%20eDp5,x-scope-orgid=t1".into());
            args.compression = Some("gzip".into());
        });
        assert_eq!(send(&config, 10).await, (10, [0; 4]), "{protocol}");
        assert_eq!(n_taken(&collector), 10, "{protocol}");
        collector.seen(|seen| {
            let get = |name| seen.headers[0].get(name).and_then(|value| value.to_str().ok());
            assert_eq!(get("authorization"), Some("Basic eDp5"));
            assert_eq!(get("x-scope-orgid"), Some("t1"));
            assert!(get("user-agent").unwrap().starts_with("killsnoop-exporter/"));
            let encoding = if protocol == "grpc" { "grpc-encoding" } else { "content-encoding" };
            assert_eq!(get(encoding), Some("gzip"));
        });
    }
}
