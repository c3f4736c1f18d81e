//! Tests of the selection: each condition by itself on each class of events, and several together.

use std::sync::Arc;

use killsnoop_common::filter::SignalSet;

use super::*;
use crate::{
    cgroup::{Container, Place, Pod},
    event::{Call, Comm, Death, OomKill, Posted, Signal, examples},
};

/// The process, in a container of a pod.
fn in_container(process: &Process) -> Process {
    let place = Place {
        path: "/kubepods/web".to_owned(),
        container: Some(Container { id: "abcdef".to_owned(), runtime: "docker", name: None }),
        pod: Some(Pod { uid: "1b".to_owned(), ..Pod::default() }),
        unit: None,
    };
    Process { place: Some(Arc::new(place)), ..process.clone() }
}

/// bash (4242, uid 1000) calls kill(1024, 9), which fails; nginx (4711, uid 33) has a fault; systemd-oomd (612, uid 994)
/// kills nginx; the kernel kills nginx because systemd-oomd wants memory. nginx is in a container.
fn events() -> [Event; 4] {
    let signal = examples::signal();
    let death = examples::death();
    let kill = examples::oom_kill();
    [
        examples::call_event(),
        Event::Signal(Arc::new(Signal { target: in_container(&signal.target), ..signal })),
        Event::Death(Arc::new(Death { victim: in_container(&death.victim), ..death })),
        Event::OomKill(Arc::new(OomKill { victim: in_container(&kill.victim), ..kill })),
    ]
}

/// Which of [`events`] are wanted: call, signal, death, OOM kill.
fn wanted(select: &Select) -> [bool; 4] {
    events().map(|event| select.wants(&event))
}

fn who(who: Who) -> [bool; 4] {
    wanted(&Select { who, ..Select::ALL })
}

fn filter(filter: Filter) -> [bool; 4] {
    wanted(&Select { filter, ..Select::ALL })
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn without_a_condition_everything_is_wanted() {
    assert_eq!(wanted(&Select::ALL), [true; 4]);
    assert_eq!(Who::default(), Who::ALL);
}

#[test]
fn classes_are_those_that_are_named() {
    let classes = |classes: &[Class]| wanted(&Select { classes: classes.to_vec(), ..Select::ALL });
    for (n, class) in Class::ALL.into_iter().enumerate() {
        let mut only = [false; 4];
        only[n] = true;
        assert_eq!(classes(&[class]), only, "{}", class.name());
    }
    assert_eq!(classes(&[Class::KillCall, Class::OomKill]), [true, false, false, true]);
}

#[test]
fn numbers_are_held_against_deaths_and_oom_kills_alone_as_the_kernel_has_done_it_for_the_others() {
    let signals = |signals: &[i32]| signals.iter().fold(SignalSet::EMPTY, |set, signal| set.with(*signal));
    let target = |target| Filter { has_target: 1, target, ..Filter::ALL };
    let all = Filter::ALL;
    for (case, expected) in [
        (Filter { sender: 612, ..all }, true),
        (Filter { sender: 4711, ..all }, false),
        (target(4711), true),
        (target(-4711), false),
        (target(0), false),
        (target(612), false),
        (Filter { signals: signals(&[9, 15]), ..all }, true),
        (Filter { signals: signals(&[15]), ..all }, false),
        (Filter { excluded: signals(&[15]), ..all }, true),
        (Filter { excluded: signals(&[9]), ..all }, false),
        (Filter { noise: 0, ..all }, true),
        (Filter { syscalls: 0, ..all }, true),
    ] {
        assert_eq!(filter(case), [true, true, expected, expected], "{case:?}");
    }
}

#[test]
fn who_wants_calls_that_failed_wants_nothing_else() {
    assert_eq!(filter(Filter { failed_only: 1, ..Filter::ALL }), [true, false, false, false]);
}

#[test]
fn a_death_of_its_own_hand_is_no_noise() {
    let death = examples::death();
    let fatal = Posted { sender: Some(death.victim.clone()), ..death.fatal.unwrap() };
    let event = Event::Death(Arc::new(Death { fatal: Some(fatal), ..examples::death() }));
    assert!(Select { filter: Filter { noise: 0, ..Filter::ALL }, ..Select::ALL }.wants(&event));
}

#[test]
fn a_death_whose_sender_is_not_known_is_nobody_s() {
    let event = Event::Death(Arc::new(Death { fatal: None, ..examples::death() }));
    assert!(!Select { filter: Filter { sender: 612, ..Filter::ALL }, ..Select::ALL }.wants(&event));
    assert!(Select::ALL.wants(&event));
}

#[test]
fn names_and_users_are_those_of_the_sender_or_the_target() {
    let comms = |names: &[&str]| who(Who { comms: texts(names), ..Who::default() });
    assert_eq!(comms(&["bash"]), [true, false, false, false]);
    assert_eq!(comms(&["nginx"]), [false, true, true, true]);
    assert_eq!(comms(&["systemd-*"]), [false, false, true, true]);
    assert_eq!(comms(&["b*", "systemd-oomd"]), [true, false, true, true]);
    assert_eq!(comms(&["sh"]), [false; 4]);
    let uids = |uids: &[u32]| who(Who { uids: uids.to_vec(), ..Who::default() });
    assert_eq!(uids(&[1000]), [true, false, false, false]);
    assert_eq!(uids(&[33]), [false, true, true, true]);
    assert_eq!(uids(&[994, 0]), [false, false, true, true]);
}

#[test]
fn who_is_not_known_is_not_root() {
    let nobody = Who { uids: vec![0], comms: texts(&["*"]), ..Who::default() };
    let kill = OomKill { trigger: Process::default(), ..examples::oom_kill() };
    assert!(!Select { who: nobody, ..Select::ALL }.wants(&Event::OomKill(Arc::new(kill))));
}

#[test]
fn places_are_those_of_processes_whose_place_is_known() {
    let of_nginx = [false, true, true, true];
    assert_eq!(who(Who { cgroups: texts(&["/kubepods"]), ..Who::default() }), of_nginx);
    assert_eq!(who(Who { cgroups: texts(&["/"]), ..Who::default() }), of_nginx);
    assert_eq!(who(Who { cgroups: texts(&["/kube"]), ..Who::default() }), [false; 4]);
    assert_eq!(who(Who { containers: texts(&["abcd"]), ..Who::default() }), of_nginx);
    assert_eq!(who(Who { containers: texts(&["ffff"]), ..Who::default() }), [false; 4]);
    assert_eq!(who(Who { pods: texts(&["1b"]), ..Who::default() }), of_nginx);
    assert_eq!(who(Who { pods: texts(&["2c"]), ..Who::default() }), [false; 4]);
}

#[test]
fn one_process_has_to_be_what_all_conditions_say() {
    let both = |comm: &str, uid| who(Who { comms: texts(&[comm]), uids: vec![uid], ..Who::default() });
    assert_eq!(both("nginx", 33), [false, true, true, true]);
    assert_eq!(both("nginx", 994), [false; 4], "the name is the target's and the user the sender's");
    let call = Event::Call(Call {
        sender: Process { comm: Comm::of("nginx"), uid: 33, ..examples::call().sender },
        ..examples::call()
    });
    let who = Who { comms: texts(&["nginx"]), uids: vec![33], ..Who::default() };
    assert!(Select { who: who.clone(), ..Select::ALL }.wants(&call));
    assert!(!Select { classes: vec![Class::Death], who, ..Select::ALL }.wants(&call));
}
