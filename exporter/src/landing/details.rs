//! All that is known of one death: what was sent before, who it was and who did it, and what the memory was.

use killsnoop_common::cause::Scope;
use maud::{Markup, html};

use super::filter::{Facts, Field, Filter};
use crate::{
    event::{Background, Comm, Death, Event, Memory, Posted, Process},
    signal,
    verdict::{self, amount, printable},
};

use std::time::Duration;

/// Characters of one value that are shown; JSON has all of it.
const LONGEST: usize = 300;

/// What stands below a row that is open.
pub(super) fn details(event: &Event, facts: &Facts<'_>) -> Markup {
    html! {
        div.details {
            @match event {
                Event::Death(death) => {
                    (chain(death))
                    div.people {
                        (process("Who died", &death.victim, Some(&death.victim_background)))
                        @if let Some(sender) = death.sender() {
                            (process(role(facts), sender, Some(&death.sender_background)))
                        }
                        @if let Some(memory) = &death.memory { (self::memory(memory)) }
                    }
                }
                Event::OomKill(kill) => {
                    div.people {
                        (process("Who was chosen", &kill.victim, None))
                        @if let Some(trigger) = facts.sender { (process(role(facts), trigger, None)) }
                        (memory(&kill.memory))
                    }
                }
                Event::Call(_) | Event::Signal(_) => {}
            }
            (similar(facts))
        }
    }
}

fn role(facts: &Facts<'_>) -> &'static str {
    if facts.cause.is_oom() { "Who wanted memory" } else { "Who sent it" }
}

/// What happened, in its order, with the time from it to the end.
fn chain(death: &Death) -> Markup {
    let to_end = |boot_ns: u64| {
        let time = Duration::from_nanos(death.time.boot_ns.saturating_sub(boot_ns));
        format!("{} before", amount::time(time))
    };
    let victim = &death.victim;
    html! {
        ol.chain {
            @if victim.start_boot_ns != 0 { (step(&to_end(victim.start_boot_ns), &html! { "it began" })) }
            @if let Some(before) = &death.before { (step(&to_end(before.at_boot_ns), &sent(before, victim))) }
            @if let Some(fatal) = &death.fatal { (step(&to_end(fatal.at_boot_ns), &sent(fatal, victim))) }
            (step("the end", &html! {
                "it died of " b { (death.signal_name()) } ", exit status " (death.exit_status())
                @if death.core_dumped { ", with a core dump" }
            }))
        }
    }
}

fn step(at: &str, what: &Markup) -> Markup {
    html! { li { span.at { (at) } " " span { (what) } } }
}

fn sent(posted: &Posted, victim: &Process) -> Markup {
    html! { b { (posted.signal_name()) } ": " bdo dir="ltr" { (verdict::reason_of_signal(posted, victim)) } }
}

fn process(title: &str, process: &Process, background: Option<&Background>) -> Markup {
    let place = process.place.as_deref();
    let container = place.and_then(|place| place.container.as_ref());
    let pod = place.and_then(|place| place.pod.as_ref());
    let ancestors =
        background.map(|background| ancestors(&background.ancestors)).filter(|text| !text.is_empty());
    let ns_pid = (process.ns_pid != 0 && process.ns_pid != process.pid).then(|| process.ns_pid.to_string());
    html! {
        div.facts {
            h3 { (title) }
            dl {
                (fact("Name", Some(&printable::text(process.comm.bytes()))))
                (fact("Pid", Some(&process.pid.to_string())))
                (fact("Pid in its namespace", ns_pid.as_deref()))
                (fact("User id", Some(&process.uid.to_string())))
                (fact("Executable", background.and_then(|background| background.exe.as_deref())))
                (fact("Command line", background.and_then(|background| background.command.as_deref())))
                (fact("Started by", ancestors.as_deref()))
                (fact("Pod", pod.and_then(|pod| pod.name.as_deref())))
                (fact("Namespace", pod.and_then(|pod| pod.namespace.as_deref())))
                (fact("Container", container.and_then(|container| container.name.as_deref())))
                (fact("Container id", container.map(|container| &*container.id)))
                (fact("Unit", place.and_then(|place| place.unit.as_deref())))
                (fact("Cgroup", place.map(|place| &*place.path)))
            }
        }
    }
}

fn ancestors(ancestors: &[(u32, Comm)]) -> String {
    let each = ancestors.iter().map(|(pid, comm)| format!("{} ({pid})", printable::text(comm.bytes())));
    each.collect::<Vec<_>>().join(", by ")
}

fn memory(memory: &Memory) -> Markup {
    let what = match memory.scope {
        Scope::Memcg => "its memory cgroup, or one above it",
        Scope::Global => "the machine",
        Scope::Unknown => "not known",
    };
    let sizes = [
        ("Virtual", memory.total_bytes),
        ("Anonymous", memory.anon_bytes),
        ("Of files", memory.file_bytes),
        ("Shared", memory.shmem_bytes),
        ("Page tables", memory.page_table_bytes),
    ];
    html! {
        div.facts {
            h3 { "What ran out" }
            dl {
                (fact("Memory of", Some(what)))
                (fact("Limit of cgroup", memory.limit_place.as_ref().map(|place| &*place.path)))
                @for (name, bytes) in sizes { (fact(name, (bytes != 0).then(|| amount::bytes(bytes)).as_deref())) }
                (fact("oom_score_adj", Some(&memory.score_adj.to_string())))
            }
        }
    }
}

fn fact(name: &str, value: Option<&str>) -> Markup {
    html! {
        @if let Some(value) = value.filter(|value| !value.is_empty()) {
            div { dt { (name) } dd { bdi { (printable::bounded(value, LONGEST)) } } }
        }
    }
}

/// Links to others like it. They begin anew, so that each is one step and no maze.
fn similar(facts: &Facts<'_>) -> Markup {
    let all = Filter::default();
    let link = |field: Field, value: &str| all.with(field, Some(value));
    let name = |process: &Process| printable::text(process.comm.bytes());
    let victim = name(facts.victim);
    let sender = facts.sender.map(name).filter(|name| !name.is_empty());
    let signal = signal::name(facts.signal);
    html! {
        p.similar {
            "Others: "
            @if !victim.is_empty() {
                a href=(link(Field::Process, &format!("name:{victim}"))) { "named " bdi { (victim) } } " "
            }
            @if let Some(sender) = sender {
                a href=(link(Field::By, &format!("name:{sender}"))) { "by " bdi { (sender) } } " "
            }
            @if let Some(place) = known_as(facts.victim) {
                a href=(link(Field::Container, place)) { "in " bdi { (printable::bounded(place, 40)) } } " "
            }
            a href=(link(Field::Signal, &signal)) { "of " (signal) } " "
            a href=(link(Field::Cause, facts.cause.name())) { "by cause " (facts.cause.name()) }
        }
    }
}

/// What finds those that ran in the same place.
fn known_as(process: &Process) -> Option<&str> {
    let place = process.place.as_deref()?;
    let container =
        place.container.as_ref().map(|container| container.name.as_ref().unwrap_or(&container.id));
    let pod = place.pod.as_ref().map(|pod| pod.name.as_ref().unwrap_or(&pod.uid));
    pod.or(container).or(place.unit.as_ref()).map(String::as_str)
}
