//! What the page of metrics promises.
#![expect(clippy::float_cmp, reason = "the values are whole numbers, which no format changes")]

mod cardinality;
mod reference;

use std::{
    collections::BTreeMap,
    io,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use expect_test::{expect, expect_file};
use killsnoop_common::{
    cause::{Cause, Outcome, Scope},
    kill::{RESULT_OTHER, SIGNAL_OTHER, Syscall},
};
use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::MetricFamily;
use prost::Message;

use super::*;
use crate::{
    cgroup::{Container, Place, Pod},
    counters::{Class, Counters, MapFill, Outcomes},
    event::{Comm, Death, Event, Process as Task, examples},
};

type Series = BTreeMap<String, f64>;

/// A page whose every number is known.
fn scrape(snapshot: Snapshot) -> Scrape {
    let process = Process {
        cpu_seconds_total: Some(1.25),
        open_fds: Some(17),
        max_fds: Some(1024),
        virtual_memory_bytes: Some(250_000_000),
        virtual_memory_max_bytes: Some(0),
        resident_memory_bytes: Some(12_345_678),
        start_time_seconds: Some(1_700_000_000),
        threads: Some(5),
    };
    let build = Build { version: "1.2.3", revision: "0123abc", rustversion: "1.95.0", arch: "x86_64" };
    let sinks = ["otlp", "terminal"].map(|name| Sink::new(name, fake::ledger()));
    let (budgeted, sinks) = (Shown::default().series(&snapshot, None), Arc::new(sinks));
    Scrape {
        snapshot,
        budgeted,
        container_deaths: Vec::new(),
        sinks,
        pushes: None,
        process,
        build,
        read_seconds: 0.000_25,
    }
}

/// With what is shown only where it is asked for: deaths by container, and pushes.
fn whole() -> Scrape {
    let deaths = ContainerDeaths::new(ContainerDeaths::MAX_SERIES, ContainerDeaths::EXPIRY);
    deaths.record(&death_in("web"));
    let pushes = Arc::new(Pushes::default());
    (1..).zip(Push::ALL).for_each(|(n, push)| pushes.count(push, n));
    Scrape { container_deaths: deaths.series(), pushes: Some(pushes), ..scrape(quiet()) }
}

/// The example's death, in a container of a pod.
fn death_in(container: &str) -> Death {
    let container = Container { name: Some(container.to_owned()), ..Container::default() };
    let pod = Pod { name: Some("shop-7".to_owned()), namespace: Some("prod".to_owned()), ..Pod::default() };
    let place = Place { container: Some(container), pod: Some(pod), ..Place::default() };
    let death = examples::death();
    Death { victim: Task { place: Some(Arc::new(place)), ..death.victim }, ..death }
}

/// SIGKILL succeeded twice, and some rarer things happened once.
fn quiet() -> Snapshot {
    fake::snapshot(|key| match (key.signal, key.result) {
        (9, 0) => 2,
        (0 | 40, 0) | (34, -11) | (15, RESULT_OTHER) | (SIGNAL_OTHER, -22) => 1,
        _ => 0,
    })
}

fn text(scrape: Scrape, format: Format) -> String {
    String::from_utf8(page::encode(scrape, format).unwrap()).unwrap()
}

/// Name and labels of each line, with its value.
fn series(page: &str) -> Series {
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.map(|line| line.split_once(" # {").map_or(line, |(sample, _)| sample));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

fn series_of_protobuf(mut page: &[u8]) -> Series {
    let mut all = Series::new();
    while !page.is_empty() {
        let family = MetricFamily::decode_length_delimited(&mut page).unwrap();
        for metric in &family.metric {
            let labels: Vec<_> =
                metric.label.iter().map(|label| format!("{}={:?}", label.name, label.value)).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let value = metric.counter.as_ref().map(|counter| counter.value);
            let value = value.or_else(|| metric.gauge.as_ref().map(|gauge| gauge.value)).unwrap();
            all.insert(format!("{}{labels}", family.name), value);
        }
    }
    all
}

#[test]
fn the_whole_page_is_as_agreed() {
    expect_file!["golden.txt"].assert_eq(&text(whole(), Format::Classic));
}

#[test]
fn all_formats_give_equal_values() {
    let classic = series(&text(whole(), Format::Classic));
    let openmetrics = text(whole(), Format::OpenMetrics);
    assert!(openmetrics.ends_with("\n# EOF\n"));
    assert_eq!(series(&openmetrics), classic);
    assert_eq!(text(whole(), Format::OpenMetricsDraft), openmetrics);
    let protobuf = page::encode(whole(), Format::Protobuf).unwrap();
    assert_eq!(series_of_protobuf(&protobuf), classic);
}

/// A machine on which everything has happened that a kernel can count, on every kind of kernel.
fn everything() -> Snapshot {
    let causes = || Cause::ALL.into_iter();
    let each = |signal: u32| {
        let signals = causes().flat_map(move |cause| {
            Outcome::ALL.map(move |outcome| ((signal, cause, outcome), u64::from(signal)))
        });
        let deaths = causes()
            .flat_map(move |cause| [false, true].map(|dumped| ((signal, cause, dumped), u64::from(signal))));
        (signals.collect::<Vec<_>>(), deaths.collect::<Vec<_>>())
    };
    let (signals, deaths): (Vec<_>, Vec<_>) = (1..=64).map(each).unzip();
    let busy = fake::snapshot(|_| 1);
    Snapshot {
        syscalls: Syscall::ALL.map(|syscall| (syscall, Outcomes { ok: 1, error: 1 })).to_vec(),
        signals: signals.concat(),
        deaths: deaths.concat(),
        oom_kills: Scope::ALL.map(|scope| (scope, 1)).to_vec(),
        produced: Class::ALL.map(|class| (class, 1)).to_vec(),
        lost: Lost::ALL.map(|reason| (reason, 1)).to_vec(),
        programs: vec![busy.programs[0].clone(); 10],
        maps: vec![MapFill { name: "KILLS", n_entries: 1, capacity: 1 }; 12],
        ..busy
    }
}

#[test]
fn whatever_happens_on_a_machine_its_page_stays_within_600_series() {
    let sinks = ["otlp", "terminal", "other"].map(|name| Sink::new(name, fake::ledger()));
    let pushes = Some(Arc::default());
    let page = text(Scrape { sinks: Arc::new(sinks), pushes, ..scrape(everything()) }, Format::Classic);
    let n_of = |family| page.matches(&format!("\nkillsnoop_{family}_total{{")).count();
    assert_eq!([n_of("kill_calls"), n_of("signals"), n_of("deaths")], [236, 126, 106]);
    let n_series = page.lines().filter(|line| !line.starts_with('#')).count();
    assert!(n_series <= 600, "{n_series} series");
}

#[test]
fn what_has_no_row_of_its_own_is_counted_all_the_same() {
    let all = series(&text(scrape(everything()), Format::Classic));
    let sum = |family: &str| -> f64 {
        all.iter().filter(|(name, _)| name.starts_with(family)).map(|(_, value)| value).sum()
    };
    let n_of_each: u32 = (1..=64).sum();
    assert_eq!(sum("killsnoop_kill_calls_total{"), f64::from(SIGNAL_OTHER + 1) * 6.0);
    assert_eq!(sum("killsnoop_signals_total{"), f64::from(n_of_each * 24 * 5));
    assert_eq!(sum("killsnoop_deaths_total{"), f64::from(n_of_each * 24 * 2));
    for legal in ["SIGHUP", "SIGKILL", "32", "SIGRTMAX"] {
        assert!(sum(&format!("killsnoop_kill_calls_total{{signal=\"{legal}\"")) == 6.0, "{legal}");
    }
    assert_eq!(sum("killsnoop_signals_total{signal=\"SIGKILL\""), 9.0 * 24.0 * 5.0);
    assert!(all.contains_key(r#"killsnoop_deaths_total{signal="SIGRT*",cause="other",core_dumped="false"}"#));
}

/// At first one rare signal, later also everything else.
#[derive(Default)]
struct Growing(AtomicUsize);

const RARE: (u32, Cause, Outcome) = (17, Cause::Sigqueue, Outcome::InfoLost);

impl Counters for Growing {
    fn snapshot(&self) -> io::Result<Snapshot> {
        let is_first = self.0.fetch_add(1, Relaxed) == 0;
        let signals = if is_first { vec![(RARE, 17)] } else { everything().signals };
        Ok(Snapshot { signals, ..everything() })
    }
}

#[test]
fn who_has_a_series_on_one_page_has_it_on_all_later_ones() {
    let page = Page::new(Arc::new(Growing::default()), []);
    for _ in 0..2 {
        let series = series(&String::from_utf8(page.render(Format::Classic).unwrap()).unwrap());
        let rare = r#"killsnoop_signals_total{signal="SIGCHLD",origin="sigqueue",outcome="info_lost"}"#;
        assert_eq!(series[rare], 17.0);
    }
    // Where it was not the first there is no place for it.
    let rare =
        scrape(everything()).budgeted.signals.into_iter().find(|(labels, ..)| *labels == RARE.labels());
    assert_eq!(rare, None);
}

#[test]
fn standard_signals_are_there_before_they_are_sent_and_others_are_not() {
    let series = series(&text(scrape(fake::snapshot(|_| 0)), Format::Classic));
    let calls: Vec<_> =
        series.iter().filter(|(name, _)| name.starts_with("killsnoop_kill_calls_total{")).collect();
    assert_eq!(calls.len(), 31 * 3);
    assert!(calls.iter().all(|(_, value)| **value == 0.0));
    assert!(series.contains_key(r#"killsnoop_kill_calls_total{signal="SIGKILL",result="ESRCH"}"#));
}

#[test]
fn deaths_that_matter_are_there_before_the_first() {
    let nothing = series(&text(scrape(Snapshot::default()), Format::Classic));
    let deaths: Vec<_> = nothing
        .keys()
        .filter(|name| name.starts_with("killsnoop_deaths_total{"))
        .map(String::as_str)
        .collect();
    assert_eq!(deaths.len(), 30);
    for (signal, cause, dumped) in [
        ("SIGKILL", "kill", false),
        ("SIGKILL", "cgroup_kill", false),
        ("SIGKILL", "oom_memcg", false),
        ("SIGKILL", "oom_global", false),
        ("SIGTERM", "kill", false),
        ("SIGSEGV", "fault", true),
        ("SIGABRT", "abort", false),
    ] {
        let name =
            format!("killsnoop_deaths_total{{signal={signal:?},cause={cause:?},core_dumped=\"{dumped}\"}}");
        assert_eq!(nothing[&name], 0.0);
    }
}

#[test]
fn no_two_keys_share_a_name() {
    let page = text(scrape(fake::snapshot(|_| 1)), Format::Classic);
    let n_lines = page.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(series(&page).len(), n_lines);
}

#[test]
fn every_stage_of_loss_is_there_at_zero_when_nothing_has_happened() {
    let sinks: Arc<[Sink]> = Arc::new([Sink::new("otlp", Arc::default())]);
    let nothing = Scrape { sinks, ..scrape(Snapshot::default()) };
    let series = series(&text(nothing, Format::Classic));
    for stage in
        ["ring", "ring_urgent", "decode", "otlp_queue", "otlp_rejected", "otlp_failed", "otlp_shutdown"]
    {
        assert_eq!(series[&format!("killsnoop_events_lost_total{{stage={stage:?}}}")], 0.0);
    }
    let reasons = ["counter_missing", "image_not_kept", "image_unreadable", "sender_not_kept"];
    for reason in reasons.into_iter().chain(["image_unreadable", "cgroup_not_told"]) {
        assert_eq!(series[&format!("killsnoop_hook_errors_total{{reason={reason:?}}}")], 0.0);
    }
    assert_eq!(series[r#"killsnoop_events_pending{stage="ring"}"#], 0.0);
}

#[test]
fn events_that_were_read_before_they_were_seen_as_produced_do_not_make_pending_negative() {
    let early = Snapshot { produced: vec![(Class::KillCall, 1)], n_read: 2, ..quiet() };
    let series = series(&text(scrape(early), Format::Classic));
    assert_eq!(series[r#"killsnoop_events_pending{stage="ring"}"#], 0.0);
}

#[test]
fn every_help_text_ends_with_one_full_stop_and_needs_no_escape() {
    let page = text(whole(), Format::OpenMetrics);
    for help in page.lines().filter(|line| line.starts_with("# HELP")) {
        assert!(help.ends_with('.') && !help.ends_with("..") && !help.contains(['\\', '"']), "{help}");
    }
}

#[test]
fn each_page_reads_the_kernel_once_and_shows_this_process() {
    let counters = fake::Fake::new(quiet());
    let page = Page::new(Arc::clone(&counters) as Arc<_>, [("otlp", fake::ledger())]);
    let series = series(&String::from_utf8(page.render(Format::Classic).unwrap()).unwrap());
    assert_eq!(counters.n_reads.load(Relaxed), 1);
    assert!(series["process_threads"] >= 1.0);
    assert!(series["process_start_time_seconds"] > 1_600_000_000.0);
    assert_eq!(series[r#"killsnoop_events_lost_total{stage="otlp_rejected"}"#], 1.0);
}

#[test]
fn refused_counters_are_an_error_and_never_half_a_page() {
    let page = Page::new(Arc::new(fake::Fake::default()), []);
    for format in [Format::Classic, Format::OpenMetrics, Format::OpenMetricsDraft, Format::Protobuf] {
        let error = anyhow::Error::from(page.render(format).unwrap_err());
        let said = format!("{error:#}");
        assert!(
            said.starts_with("cannot read the counters from the kernel: Operation not permitted"),
            "{said}"
        );
    }
}

/// A page with the last events, as it is scraped.
fn page_with_exemplars(events: &[Event], format: Format) -> Vec<u8> {
    let exemplars = Arc::new(Exemplars::default());
    for event in events {
        exemplars.record(event);
    }
    let page = Page::new(fake::Fake::new(fake::snapshot(|_| 2)), []).with_exemplars(Some(exemplars));
    page.render(format).unwrap()
}

fn hostile_death() -> Event {
    let death = death_in("web");
    let victim = Task { comm: Comm::of("x\"} 1\n\x1b\\"), ..death.victim };
    Event::Death(Arc::new(Death { victim, ..death }))
}

#[test]
fn the_last_event_is_shown_by_formats_that_have_exemplars() {
    let events = [examples::call_event(), hostile_death()];
    let page = String::from_utf8(page_with_exemplars(&events, Format::OpenMetrics)).unwrap();
    let shown: Vec<_> = page.lines().filter(|line| line.contains(" # {")).collect();
    expect![[r#"
        killsnoop_kill_calls_total{signal="SIGKILL",result="ESRCH"} 2 # {pid="4242",comm="bash",target_pid="1024"} 1.0 1700000000.1234568
        killsnoop_deaths_total{signal="SIGKILL",cause="kill",core_dumped="false"} 3 # {pid="612",comm="systemd-oomd",target_pid="4711",target_comm="x�} 1���",target_container="web"} 1.0 1700000000.1234568"#]]
    .assert_eq(&shown.join("\n"));

    let mut protobuf = &page_with_exemplars(&events, Format::Protobuf)[..];
    let mut exemplars = vec![];
    while !protobuf.is_empty() {
        let family = MetricFamily::decode_length_delimited(&mut protobuf).unwrap();
        exemplars.extend(family.metric.into_iter().filter_map(|metric| metric.counter?.exemplar));
    }
    assert_eq!(exemplars.len(), 2);
    assert_eq!((exemplars[0].value, exemplars[0].label[1].value.as_str()), (1.0, "bash"));
    assert_eq!(exemplars[0].timestamp.as_ref().unwrap().nanos, 123_456_789);
}

#[test]
fn no_process_is_named_in_the_classic_format_or_where_it_was_not_asked_for() {
    let page = String::from_utf8(page_with_exemplars(&[examples::call_event()], Format::Classic)).unwrap();
    assert!(!page.contains("bash"));
    let page = Page::new(fake::Fake::new(quiet()), []).render(Format::OpenMetrics).unwrap();
    assert!(!String::from_utf8(page).unwrap().contains(" # {"));
}

#[test]
fn an_event_that_is_not_yet_counted_is_not_shown() {
    let exemplars = Arc::new(Exemplars::default());
    exemplars.record(&examples::call_event());
    let page = Page::new(fake::Fake::new(fake::snapshot(|_| 0)), []).with_exemplars(Some(exemplars));
    assert!(!String::from_utf8(page.render(Format::OpenMetrics).unwrap()).unwrap().contains("bash"));
}

#[test]
fn containers_are_on_the_page_where_they_are_asked_for() {
    let deaths = Arc::new(ContainerDeaths::new(5, Duration::from_hours(1)));
    deaths.record(&death_in("a\"b\n"));
    let counters = || fake::Fake::new(quiet());
    let page = Page::new(counters(), []).with_container_deaths(Some(deaths)).render(Format::Classic).unwrap();
    let page = String::from_utf8(page).unwrap();
    let shown: Vec<_> = page.lines().filter(|line| line.starts_with("killsnoop_container_deaths")).collect();
    expect![[r#"
        killsnoop_container_deaths_total{namespace="prod",pod="shop-7",container="a\"b�",signal="SIGKILL",cause="kill"} 1
        killsnoop_container_deaths_total{namespace="other",pod="other",container="other",signal="other",cause="other"} 0"#]]
    .assert_eq(&shown.join("\n"));
    let without = Page::new(counters(), []).render(Format::Classic).unwrap();
    assert!(!String::from_utf8(without).unwrap().contains("container"));
}
