//! Deaths by container. The kernel does not know containers, so these are counted as their events are read; and there may
//! be any number of containers in the life of an exporter, so that only so many have series at a time.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::label::{self, LONGEST, OTHER};
use crate::event::Death;

/// Counts the deaths in containers.
///
/// The sum over all series is the number of deaths recorded: a series that makes place for another leaves its count to
/// the one whose labels are all `other`. Deaths of processes that are in no container and no pod are not counted.
#[derive(Debug)]
pub struct ContainerDeaths {
    max_series: usize,
    expiry_ns: u64,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    series: BTreeMap<Labels, Series>,
    other: u64,
}

#[derive(Debug)]
struct Series {
    n: u64,
    last_boot_ns: u64,
}

/// Namespace, pod, container, signal, cause; empty where there is none.
type Labels = (String, String, String, &'static str, &'static str);

impl ContainerDeaths {
    /// Series on a page, if nothing else is asked for.
    pub const MAX_SERIES: usize = 200;

    /// How long a series without a death keeps its place, if nothing else is asked for.
    pub const EXPIRY: Duration = Duration::from_hours(1);

    /// Counts with at most this many series, the one of all others included. A series that saw no death for `expiry` makes
    /// place for another once there is no room.
    #[must_use]
    pub fn new(max_series: usize, expiry: Duration) -> Self {
        let expiry_ns = u64::try_from(expiry.as_nanos()).unwrap_or(u64::MAX);
        Self { max_series, expiry_ns, counts: Mutex::default() }
    }

    /// Counts a death, if it was in a container or a pod.
    pub fn record(&self, death: &Death) {
        let Some(labels) = labels(death) else { return };
        let boot_ns = death.time.boot_ns;
        let mut counts = self.lock();
        if !counts.series.contains_key(&labels) && !self.make_room(&mut counts, boot_ns) {
            counts.other += 1;
            return;
        }
        let series = counts.series.entry(labels).or_insert(Series { n: 0, last_boot_ns: 0 });
        series.n += 1;
        series.last_boot_ns = series.last_boot_ns.max(boot_ns);
    }

    /// Whether there is a place for one more series; the one that has been silent for longest may have to leave.
    fn make_room(&self, counts: &mut Counts, boot_ns: u64) -> bool {
        if counts.series.len() + 1 < self.max_series {
            return true;
        }
        let oldest = counts.series.iter().min_by_key(|(_, series)| series.last_boot_ns);
        let silent =
            oldest.filter(|(_, series)| boot_ns.saturating_sub(series.last_boot_ns) >= self.expiry_ns);
        let Some(labels) = silent.map(|(labels, _)| labels.clone()) else { return false };
        counts.other += counts.series.remove(&labels).map_or(0, |series| series.n);
        true
    }

    /// All series, that of all others last.
    pub(super) fn series(&self) -> Vec<([(&'static str, String); 5], u64)> {
        let counts = self.lock();
        let series = counts.series.iter().map(|(labels, series)| (labels.clone(), series.n));
        let others = (OTHER.to_owned(), OTHER.to_owned(), OTHER.to_owned(), OTHER, OTHER);
        series.chain([(others, counts.other)]).map(|(labels, n)| (named(labels), n)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // The counts are whole at any moment, so that a thread that died holding them does no harm.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn named((namespace, pod, container, signal, cause): Labels) -> [(&'static str, String); 5] {
    [
        ("namespace", namespace),
        ("pod", pod),
        ("container", container),
        ("signal", signal.to_owned()),
        ("cause", cause.to_owned()),
    ]
}

/// The names that are known; else the pod's uid, and the beginning of the container's id.
fn labels(death: &Death) -> Option<Labels> {
    let place = death.victim.place.as_ref()?;
    if place.pod.is_none() && place.container.is_none() {
        return None;
    }
    let text = |text: Option<&str>| label::bounded(text.unwrap_or_default(), LONGEST);
    let pod = place.pod.as_ref();
    Some((
        text(pod.and_then(|pod| pod.namespace.as_deref())),
        text(pod.map(|pod| pod.name.as_deref().unwrap_or(&pod.uid))),
        text(place.container.as_ref().map(label::container)),
        label::signal(death.signal.unsigned_abs()),
        death.cause.name(),
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::{prelude::*, sample};

    use super::*;
    use crate::{
        cgroup::{Container, Place, Pod},
        event::{Process, Time, examples},
    };

    const SECOND: u64 = 1_000_000_000;

    fn at(place: Place, seconds: u64) -> Death {
        let death = examples::death();
        let victim = Process { place: Some(Arc::new(place)), ..death.victim };
        Death { time: Time { boot_ns: seconds * SECOND, ..death.time }, victim, ..death }
    }

    fn container(name: &str) -> Place {
        let container = Container { name: Some(name.to_owned()), ..Container::default() };
        Place { container: Some(container), ..Place::default() }
    }

    /// Container and count of each series.
    fn seen(deaths: &ContainerDeaths) -> Vec<(String, u64)> {
        deaths.series().into_iter().map(|([_, _, (_, container), ..], n)| (container, n)).collect()
    }

    fn pairs<const N: usize>(pairs: [(&str, u64); N]) -> Vec<(String, u64)> {
        pairs.map(|(name, n)| (name.to_owned(), n)).to_vec()
    }

    #[test]
    fn a_death_is_counted_under_the_names_of_its_pod_and_container() {
        let deaths = ContainerDeaths::new(ContainerDeaths::MAX_SERIES, ContainerDeaths::EXPIRY);
        let pod = Pod { uid: "1234-56".to_owned(), name: None, namespace: None };
        let named =
            Pod { name: Some("shop-7".to_owned()), namespace: Some("prod".to_owned()), ..pod.clone() };
        deaths.record(&at(Place { pod: Some(named), ..container("web") }, 1));
        deaths.record(&at(Place { pod: Some(pod), ..Place::default() }, 1));
        let text: Vec<_> = deaths
            .series()
            .into_iter()
            .map(|(labels, n)| (labels.map(|(name, value)| format!("{name}={value}")).join(" "), n))
            .collect();
        let expected = [
            ("namespace= pod=1234-56 container= signal=SIGKILL cause=kill", 1),
            ("namespace=prod pod=shop-7 container=web signal=SIGKILL cause=kill", 1),
            ("namespace=other pod=other container=other signal=other cause=other", 0),
        ];
        assert_eq!(text, pairs(expected));
    }

    #[test]
    fn deaths_outside_of_containers_are_left_out() {
        let deaths = ContainerDeaths::new(10, Duration::from_secs(1));
        deaths.record(&examples::death());
        let unit = Some("nginx.service".to_owned());
        deaths.record(&at(Place { unit, ..Place::default() }, 1));
        assert_eq!(seen(&deaths), pairs([("other", 0)]));
    }

    #[test]
    fn who_was_silent_for_long_makes_place_and_nobody_else() {
        let deaths = ContainerDeaths::new(3, Duration::from_mins(1));
        for (name, seconds) in [("a", 0), ("a", 1), ("b", 40), ("c", 50)] {
            deaths.record(&at(container(name), seconds));
        }
        assert_eq!(seen(&deaths), pairs([("a", 2), ("b", 1), ("other", 1)]));
        deaths.record(&at(container("d"), 61));
        assert_eq!(seen(&deaths), pairs([("b", 1), ("d", 1), ("other", 3)]));
        // Silence alone costs no place.
        deaths.record(&at(container("b"), 9999));
        assert_eq!(seen(&deaths), pairs([("b", 2), ("d", 1), ("other", 3)]));
    }

    #[test]
    fn a_name_is_bounded_and_holds_nothing_that_a_terminal_would_obey() {
        let deaths = ContainerDeaths::new(10, Duration::from_secs(1));
        deaths.record(&at(container(&"x\x1b".repeat(500)), 1));
        let name = &seen(&deaths)[0].0;
        assert_eq!(name.chars().count(), 253);
        assert!(!name.contains('\x1b'));
    }

    proptest! {
        #[test]
        fn the_sum_over_all_series_is_every_death_and_there_are_never_too_many(
            max_series in 0_usize..6,
            steps in prop::collection::vec((sample::select(vec!["a", "b", "c", "d", "e", "f", "other"]), 0_u64..40), 1..80),
        ) {
            let deaths = ContainerDeaths::new(max_series, Duration::from_secs(30));
            let mut seconds = 0;
            for (n, (name, pause)) in (1..).zip(steps) {
                seconds += pause;
                deaths.record(&at(container(name), seconds));
                let series = deaths.series();
                prop_assert_eq!(series.iter().map(|(_, n)| n).sum::<u64>(), n);
                prop_assert!(series.len() <= max_series.max(1));
            }
        }
    }
}
