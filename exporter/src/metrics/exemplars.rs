//! The last event of a series, which leads from a number to whoever was part of it. Names of processes are on a page
//! only here, and only in formats that have exemplars.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, UNIX_EPOCH},
};

use killsnoop_common::{
    COMM_LEN,
    kill::{KillKey, RESULTS, Syscall},
};

use super::{encode::Exemplar, label, rows::DeathKey};
use crate::{
    cgroup::Place,
    event::{Call, Comm, Death, Event},
};

/// In a flood of calls most cost a comparison, and ten a second of each series a copy. Nobody scrapes more often.
const PAUSE: Duration = Duration::from_millis(100);

/// With the longest names and numbers of the others, this makes 128 characters: the limit of `OpenMetrics`.
const LONGEST_CONTAINER: usize = 32;

/// The last event of each series of calls and of deaths. Written by whoever reads events, read by pages.
#[derive(Debug)]
pub struct Exemplars {
    /// In the order of [`KillKey::all`].
    calls: Box<[Slot]>,
    /// No more than there are combinations.
    deaths: Mutex<BTreeMap<DeathKey, Last>>,
}

#[derive(Debug, Default)]
struct Slot {
    /// Events of `CLOCK_BOOTTIME` before this are passed over.
    due_boot_ns: AtomicU64,
    last: Mutex<Option<Last>>,
}

/// What is kept of an event; text is made of it only for a page.
#[derive(Clone, Debug)]
struct Last {
    unix_ns: u64,
    sender: Option<(u32, Comm)>,
    target: Option<(u32, Option<Comm>)>,
    /// The place of the sender of a call, of the victim of a death.
    place: Option<Arc<Place>>,
}

impl Default for Exemplars {
    fn default() -> Self {
        Self { calls: (0..KillKey::N).map(|_| Slot::default()).collect(), deaths: Mutex::default() }
    }
}

impl Exemplars {
    /// Remembers an event. Never waits longer than it takes to copy a few words.
    pub fn record(&self, event: &Event) {
        match event {
            Event::Call(call) => self.record_call(call),
            Event::Death(death) => self.record_death(death),
            // Their series are too many, or tell as much by a death.
            Event::Signal(_) | Event::OomKill(_) => {}
        }
    }

    fn record_call(&self, call: &Call) {
        let key = KillKey::new(call.signal, call.result.into());
        let Some(slot) = self.slot(key) else { return };
        let boot_ns = call.time.boot_ns;
        if boot_ns < slot.due_boot_ns.load(Relaxed) {
            return;
        }
        let pause_ns = u64::try_from(PAUSE.as_nanos()).unwrap_or(u64::MAX);
        slot.due_boot_ns.store(boot_ns.saturating_add(pause_ns), Relaxed);
        *lock(&slot.last) = Some(Last::of_call(call));
    }

    fn record_death(&self, death: &Death) {
        let Ok(signal) = u32::try_from(death.signal) else { return };
        let key = (signal, death.cause, death.core_dumped);
        lock(&self.deaths).insert(key, Last::of_death(death));
    }

    fn slot(&self, key: KillKey) -> Option<&Slot> {
        let result = RESULTS.iter().position(|result| *result == key.result)?;
        self.calls.get(key.signal as usize * RESULTS.len() + result)
    }

    /// The latest of these calls.
    pub(super) fn of_calls(&self, keys: &[KillKey]) -> Option<Exemplar> {
        let last = keys.iter().filter_map(|key| lock(&self.slot(*key)?.last).clone());
        let last = last.max_by_key(|last| last.unix_ns)?;
        Some(last.exemplar("container"))
    }

    /// The latest of these deaths.
    pub(super) fn of_deaths(&self, keys: &[DeathKey]) -> Option<Exemplar> {
        let deaths = lock(&self.deaths);
        let last = keys.iter().filter_map(|key| deaths.get(key)).max_by_key(|last| last.unix_ns)?.clone();
        drop(deaths);
        Some(last.exemplar("target_container"))
    }
}

impl Last {
    fn of_call(call: &Call) -> Self {
        // Behind a file descriptor there is only what the kernel has shown, and a group is no process.
        let as_asked = || match call.syscall {
            Syscall::PidfdSendSignal => None,
            _ => u32::try_from(call.target).ok().filter(|pid| *pid != 0),
        };
        Self {
            unix_ns: call.time.unix_ns,
            sender: Some((call.sender.pid, call.sender.comm)),
            target: call.target_pid.or_else(as_asked).map(|pid| (pid, None)),
            place: call.sender.place.clone(),
        }
    }

    fn of_death(death: &Death) -> Self {
        Self {
            unix_ns: death.time.unix_ns,
            sender: death.sender().map(|sender| (sender.pid, sender.comm)),
            target: Some((death.victim.pid, Some(death.victim.comm))),
            place: death.victim.place.clone(),
        }
    }

    /// What is not known is left out.
    fn exemplar(&self, container_label: &'static str) -> Exemplar {
        let name = |comm: Comm| unescaped(&comm.text(), COMM_LEN);
        let container = self.place.as_ref().and_then(|place| place.container.as_ref());
        let container = container.map(|found| unescaped(label::container(found), LONGEST_CONTAINER));
        let labels = [
            ("pid", self.sender.map(|(pid, _)| pid.to_string())),
            ("comm", self.sender.map(|(_, comm)| name(comm))),
            ("target_pid", self.target.map(|(pid, _)| pid.to_string())),
            ("target_comm", self.target.and_then(|(_, comm)| comm).map(name)),
            (container_label, container),
        ];
        let known =
            |(label, value): (_, Option<String>)| Some((label, value.filter(|text| !text.is_empty())?));
        Exemplar {
            labels: labels.into_iter().filter_map(known).collect(),
            at: UNIX_EPOCH + Duration::from_nanos(self.unix_ns),
        }
    }
}

/// A text in which nothing needs an escape: Prometheus does not undo those of exemplars, and counts them as part of the
/// length.
fn unescaped(text: &str, longest: usize) -> String {
    label::bounded(text, longest).replace(['"', '\\'], "\u{fffd}")
}

/// What is behind a lock is whole at any moment, so that a thread that died holding it does no harm.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use killsnoop_common::{cause::Cause, kill::RESULT_OTHER};
    use proptest::prelude::*;

    use super::*;
    use crate::{
        cgroup::Container,
        event::{Process, Time, examples},
    };

    fn text(exemplar: Option<Exemplar>) -> String {
        let labels = exemplar.unwrap().labels;
        labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join(",")
    }

    fn in_container(process: &Process, name: &str) -> Process {
        let container = Container { name: Some(name.to_owned()), ..Container::default() };
        let place = Place { container: Some(container), ..Place::default() };
        Process { place: Some(Arc::new(place)), ..process.clone() }
    }

    /// A call of the example's series, `at_ms` after it.
    fn later(at_ms: u64, pid: u32) -> Event {
        let call = examples::call();
        let time = Time { boot_ns: call.time.boot_ns + at_ms * 1_000_000, ..call.time };
        Event::Call(Call { time, sender: Process { pid, ..call.sender }, ..examples::call() })
    }

    #[test]
    fn a_series_shows_who_was_part_of_its_last_event() {
        let exemplars = Exemplars::default();
        let call = examples::call();
        let sender = in_container(&call.sender, "shell");
        exemplars.record(&Event::Call(Call { sender, ..call }));
        let death = examples::death();
        let victim = in_container(&death.victim, "web");
        exemplars.record(&Event::Death(Arc::new(Death { victim, ..death.clone() })));
        let of_call = exemplars.of_calls(&[KillKey::new(9, -3)]);
        assert_eq!(
            of_call.as_ref().unwrap().at,
            UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789)
        );
        assert_eq!(text(of_call), r#"pid="4242",comm="bash",target_pid="1024",container="shell""#);
        let of_death = text(exemplars.of_deaths(&[(9, Cause::Kill, false)]));
        let expected =
            r#"pid="612",comm="systemd-oomd",target_pid="4711",target_comm="nginx",target_container="web""#;
        assert_eq!(of_death, expected);
        assert_eq!(exemplars.of_calls(&[KillKey::new(9, 0)]), None);
        assert_eq!(exemplars.of_deaths(&[(9, Cause::Kill, true)]), None);
    }

    #[test]
    fn what_is_not_known_has_no_label() {
        let exemplars = Exemplars::default();
        let call = Call { target: -1, signal: 15, result: -22, ..examples::call() };
        exemplars.record(&Event::Call(call.clone()));
        assert_eq!(text(exemplars.of_calls(&[KillKey::new(15, -22)])), r#"pid="4242",comm="bash""#);
        // Of a file descriptor the number is no process.
        let call = Call { target: 5, syscall: Syscall::PidfdSendSignal, signal: 1, ..call };
        exemplars.record(&Event::Call(call.clone()));
        assert_eq!(text(exemplars.of_calls(&[KillKey::new(1, -22)])), r#"pid="4242",comm="bash""#);
        exemplars.record(&Event::Call(Call { target_pid: Some(77), signal: 2, ..call }));
        let seen = text(exemplars.of_calls(&[KillKey::new(2, -22)]));
        assert_eq!(seen, r#"pid="4242",comm="bash",target_pid="77""#);
        let fault = Death { fatal: None, cause: Cause::Fault, signal: 11, ..examples::death() };
        exemplars.record(&Event::Death(Arc::new(fault)));
        let seen = text(exemplars.of_deaths(&[(11, Cause::Fault, false)]));
        assert_eq!(seen, r#"target_pid="4711",target_comm="nginx""#);
    }

    #[test]
    fn a_flood_of_calls_is_looked_at_ten_times_a_second() {
        let exemplars = Exemplars::default();
        let pid = || text(exemplars.of_calls(&[KillKey::new(9, -3)]));
        for (at_ms, pid) in [(0, 1), (50, 2), (99, 3)] {
            exemplars.record(&later(at_ms, pid));
        }
        assert!(pid().starts_with("pid=\"1\""));
        exemplars.record(&later(100, 4));
        assert!(pid().starts_with("pid=\"4\""));
        // Another series has its own pace.
        exemplars.record(&Event::Call(Call { result: 0, ..examples::call() }));
        assert!(text(exemplars.of_calls(&[KillKey::new(9, 0)])).starts_with("pid=\"4242\""));
    }

    #[test]
    fn a_row_of_many_shows_the_latest_of_all() {
        let exemplars = Exemplars::default();
        let at = |unix_ns, result, pid| {
            let call = examples::call();
            let time = Time { unix_ns, ..call.time };
            Event::Call(Call { time, result, sender: Process { pid, ..call.sender }, ..examples::call() })
        };
        exemplars.record(&at(1, -3, 1));
        exemplars.record(&at(3, -13, 2));
        exemplars.record(&at(2, -22, 3));
        let keys = [-3, RESULT_OTHER, -22].map(|result| KillKey { signal: 9, result });
        assert!(text(exemplars.of_calls(&keys)).starts_with("pid=\"2\""));
    }

    proptest! {
        #[test]
        fn names_and_values_are_never_longer_than_openmetrics_allows(
            (sender, victim) in any::<([u8; COMM_LEN], [u8; COMM_LEN])>(),
            (pid, target) in any::<(u32, u32)>(),
            container in any::<String>(),
            signal in any::<i32>(),
        ) {
            let exemplars = Exemplars::default();
            let mut death = examples::death();
            death.victim = in_container(&Process { pid: target, comm: Comm(victim), ..death.victim }, &container);
            let posted = death.fatal.as_mut().unwrap();
            posted.sender = Some(Process { pid, comm: Comm(sender), ..Process::default() });
            let key = (9, death.cause, false);
            exemplars.record(&Event::Death(Arc::new(Death { signal, ..death.clone() })));
            exemplars.record(&Event::Death(Arc::new(death)));
            let labels = exemplars.of_deaths(&[key]).unwrap().labels;
            let length: usize =
                labels.iter().map(|(name, value)| name.len() + value.chars().count()).sum();
            prop_assert!(length <= 128, "{length}: {labels:?}");
            let is_bad = |char: char| char.is_control() || matches!(char, '"' | '\\');
            prop_assert!(labels.iter().all(|(_, value)| !value.is_empty() && !value.contains(is_bad)));
        }
    }
}
