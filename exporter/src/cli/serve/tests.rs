//! Tests of the flags that select events.

use clap::Parser;
use killsnoop_common::filter::{POSTED_BY_KERNEL, POSTED_NONE, SignalSet};

use super::*;
use crate::select::Who;

/// Stands for the command line of `serve`.
#[derive(Debug, Parser)]
struct Serve {
    #[command(flatten)]
    events: EventArgs,
}

const DEFAULT: Filter = Filter { noise: 0, deaths: 1, ..Filter::ALL };

fn parse(arguments: &str) -> Result<EventArgs, clap::Error> {
    let words = std::iter::once("serve").chain(arguments.split_whitespace());
    Serve::try_parse_from(words).map(|args| args.events)
}

fn set(signals: &[i32]) -> SignalSet {
    signals.iter().fold(SignalSet::EMPTY, |set, signal| set.with(*signal))
}

#[test]
fn the_kernel_is_told_what_it_can_leave_out_and_always_tells_of_deaths() {
    for (arguments, filter) in [
        ("", DEFAULT),
        ("--events.noise", Filter { noise: 1, ..DEFAULT }),
        ("--events.failed", Filter { failed_only: 1, ..DEFAULT }),
        ("--events.pid 181", Filter { sender: 181, ..DEFAULT }),
        ("--events.tpid -14076", Filter { has_target: 1, target: -14076, ..DEFAULT }),
        ("--events.signal KILL,15", Filter { signals: set(&[9, 15]), noise: 1, ..DEFAULT }),
        ("--events.exclude TERM --events.exclude 1", Filter { excluded: set(&[1, 15]), ..DEFAULT }),
        ("--events.class death", Filter { syscalls: 0, ..DEFAULT }),
        ("--events.class kill_call", DEFAULT),
        ("--events.class signal", Filter { syscalls: 0, posted: POSTED_BY_KERNEL, ..DEFAULT }),
        (
            "--events.class kill_call,signal --events.failed",
            Filter { failed_only: 1, posted: POSTED_NONE, ..DEFAULT },
        ),
        ("--events.comm nginx --events.uid 0 --events.pod a", DEFAULT),
    ] {
        assert_eq!(parse(arguments).unwrap().filter(), filter, "{arguments}");
    }
}

#[test]
fn what_is_sent_is_chosen_by_class_number_name_and_place() {
    let select = |arguments: &str| parse(arguments).unwrap().select();
    assert_eq!(
        select(""),
        Select { classes: vec![Class::KillCall, Class::Death, Class::OomKill], ..Select::ALL }
    );
    assert_eq!(select("--events.class signal --events.class oom_kill").classes.len(), 2);
    let numbers = select("--events.signal 9 --events.exclude 15 --events.pid 7 --events.tpid 8").filter;
    assert_eq!(
        numbers,
        Filter {
            signals: set(&[9]),
            excluded: set(&[15]),
            sender: 7,
            has_target: 1,
            target: 8,
            ..Filter::ALL
        }
    );
    let who = select(
        "--events.comm a* --events.uid root,33 --events.cgroup /b --events.container c --events.pod d/e",
    )
    .who;
    let texts = |text: &str| vec![text.to_owned()];
    assert_eq!(
        who,
        Who {
            comms: texts("a*"),
            uids: vec![0, 33],
            cgroups: texts("/b"),
            containers: texts("c"),
            pods: texts("d/e")
        }
    );
}

#[test]
fn what_cannot_be_used_is_refused_by_its_name() {
    for (arguments, part) in [
        ("--events.class deaths", "\"deaths\" is no class of events; give one or more of kill_call, signal"),
        ("--events.class=", "\"\" is no class of events"),
        ("--events.exclude 65", "'65'"),
        ("--events.uid nobody-of-this-name", "is no user of this machine"),
        ("--events.comm=", "'--events.comm <NAME>'"),
        ("--events.pod=", "'--events.pod <POD>'"),
        ("--events.cgroup=", "'--events.cgroup <PATH>'"),
        ("--events.container=", "'--events.container <CONTAINER>'"),
    ] {
        let error = parse(arguments).unwrap_err();
        assert!(error.to_string().contains(part), "{arguments}: {error}");
    }
}
