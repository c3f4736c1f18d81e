//! Look-ups, and the processes of events.

use killsnoop_common::cause::Scope;

use super::*;
use crate::{
    cgroup::parse,
    event::examples::{call_event, death, oom_kill, signal},
};

const CONTAINER: &str = "/docker/3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860";

/// Places with these paths by their ids, of a machine with both versions of cgroups.
fn places(paths: &[(Hierarchy, u64, &str)]) -> Places {
    let places = Places::new(100, Hierarchy::Memory, Weak::new());
    for (hierarchy, id, path) in paths {
        places.insert((*hierarchy, *id), Known::At(Arc::new(parse(path))));
    }
    places
}

fn path(place: Option<&Arc<Place>>) -> Option<&str> {
    place.map(|place| place.path.as_str())
}

#[test]
fn of_two_places_the_one_that_tells_more_is_told() {
    use Hierarchy::{Memory, Unified};
    let told = |unified, memory| {
        let places = places(&[(Unified, 3, unified), (Memory, 4, memory)]);
        path(places.lookup(3, 4).as_ref()).unwrap().to_owned()
    };
    assert_eq!(told("/", CONTAINER), CONTAINER);
    assert_eq!(told("/system.slice/containerd.service", CONTAINER), CONTAINER);
    assert_eq!(told(CONTAINER, "/system.slice/a.service"), CONTAINER);
    assert_eq!(told("/", "/process_api"), "/process_api");
    assert_eq!(told("/system.slice/a.service", "/system.slice"), "/system.slice/a.service");
    assert_eq!(told("/", "/"), "/");
}

#[test]
fn either_id_alone_is_enough_and_none_is_no_place() {
    let places = places(&[(Hierarchy::Unified, 3, "/a"), (Hierarchy::Memory, 3, "/b")]);
    assert_eq!(path(places.lookup(3, 0).as_ref()), Some("/a"));
    assert_eq!(path(places.lookup(0, 3).as_ref()), Some("/b"));
    assert_eq!(path(places.lookup(9, 3).as_ref()), Some("/b"));
    assert_eq!(places.lookup(0, 0), None);
    assert_eq!(places.n_unknown(), 0);
    assert_eq!(places.lookup(9, 9), None);
    assert_eq!(places.n_unknown(), 1);
}

#[test]
fn without_cgroup_v1_both_ids_are_of_one_hierarchy() {
    let places = Places::new(100, Hierarchy::Unified, Weak::new());
    places.insert((Hierarchy::Unified, 3), Known::At(Arc::new(parse("/a"))));
    assert_eq!(path(places.lookup(0, 3).as_ref()), Some("/a"));
    assert_eq!(path(places.lookup(3, 3).as_ref()), Some("/a"));
}

#[test]
fn what_is_missed_is_noted_once_and_what_is_gone_is_not_missed() {
    let places = places(&[]);
    places.insert((Hierarchy::Unified, 5), Known::Gone);
    for _ in 0..3 {
        assert_eq!(places.lookup(5, 0), None);
        assert_eq!(places.lookup(6, 0), None);
    }
    assert_eq!(places.take_missed(), HashSet::from([(Hierarchy::Unified, 6)]));
    for id in 1..5_000 {
        assert_eq!(places.lookup(0, id), None);
    }
    assert_eq!(places.take_missed().len(), MAX_MISSED);
    assert!(!places.has_missed());
}

/// Where processes of the examples are.
fn machine() -> Places {
    let paths =
        [(77, "/user.slice"), (500, "/system.slice/systemd-oomd.service"), (8700, "/a"), (8800, "/a/b")];
    let both = [Hierarchy::Unified, Hierarchy::Memory];
    places(&both.map(|hierarchy| paths.map(|(id, path)| (hierarchy, id, path))).concat())
}

#[test]
fn each_process_of_an_event_has_its_place() {
    let places = machine();
    let mut call = call_event();
    places.fill(&mut call);
    let Event::Call(call) = call else { unreachable!() };
    assert_eq!(path(call.sender.place.as_ref()), Some("/user.slice"));

    let posted = death().fatal;
    let mut event = Event::Signal(Arc::new(crate::event::Signal { posted: posted.unwrap(), ..signal() }));
    places.fill(&mut event);
    let Event::Signal(signal) = event else { unreachable!() };
    assert_eq!(path(signal.target.place.as_ref()), Some("/a/b"));
    let sender = signal.posted.sender.as_ref().unwrap();
    assert_eq!(path(sender.place.as_ref()), Some("/system.slice/systemd-oomd.service"));
    assert_eq!(places.n_unknown(), 0);
}

#[test]
fn a_death_has_the_places_of_all_who_took_part() {
    let mut memory = oom_kill().memory;
    memory.scope = Scope::Memcg;
    let mut event = Event::Death(Arc::new(Death { memory: Some(memory), ..death() }));
    // Somebody else has the event too: he keeps it as it was.
    let other = event.clone();
    machine().fill(&mut event);
    let (Event::Death(death), Event::Death(other)) = (event, other) else { unreachable!() };
    assert_eq!(path(death.victim.place.as_ref()), Some("/a/b"));
    for posted in [death.fatal.as_ref(), death.before.as_ref()].into_iter().flatten() {
        let sender = posted.sender.as_ref().unwrap();
        assert_eq!(path(sender.place.as_ref()), Some("/system.slice/systemd-oomd.service"));
    }
    assert_eq!(path(death.memory.as_ref().unwrap().limit_place.as_ref()), Some("/a"));
    assert_eq!(other.victim.place, None);
}

#[test]
fn an_oom_kill_has_the_place_of_the_limit() {
    let mut event = Event::OomKill(Arc::new(oom_kill()));
    machine().fill(&mut event);
    let Event::OomKill(kill) = event else { unreachable!() };
    assert_eq!(path(kill.victim.place.as_ref()), Some("/a/b"));
    assert_eq!(path(kill.trigger.place.as_ref()), Some("/system.slice/systemd-oomd.service"));
    assert_eq!(path(kill.memory.limit_place.as_ref()), Some("/a"));
}

#[test]
fn a_signal_without_a_sender_and_a_death_without_memory_are_filled_as_far_as_they_go() {
    let places = places(&[]);
    for mut event in [
        Event::Signal(Arc::new(signal())),
        Event::Death(Arc::new(Death { fatal: None, before: None, memory: None, ..death() })),
    ] {
        places.fill(&mut event);
    }
    assert_eq!(places.n_unknown(), 2);
}
