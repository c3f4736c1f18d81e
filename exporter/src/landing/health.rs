//! Whether the exporter sees everything: what is attached, what this kernel does not show, and what was lost where.

use std::io;

use killsnoop_common::lost::Lost;
use maud::{Markup, html};

use super::{Landing, chart::grouped};
use crate::{
    counters::{Program, Snapshot},
    ledger::{Ledger, Stage},
};

/// What is not as it should be, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Whether something is being missed, as against something that cannot be seen here.
    pub(super) is_loss: bool,
    pub(super) text: String,
}

/// All that is not as it should be.
pub(super) fn problems(landing: &Landing, snapshot: &Snapshot, is_ready: bool) -> Vec<Problem> {
    let loss = |text| Problem { is_loss: true, text };
    let mut problems = vec![];
    let detached = snapshot.programs.iter().filter(|program| !program.attached).count();
    if !is_ready || detached > 0 {
        problems
            .push(loss("The hooks are not attached: nothing is being seen. The log says why.".to_owned()));
    }
    let skipped: u64 = snapshot.programs.iter().map(|program| program.n_recursion_misses).sum();
    if skipped > 0 {
        let n = grouped(skipped);
        problems.push(loss(format!(
            "The kernel skipped programs {n} times, because one was running already: counts are too low by that much at most."
        )));
    }
    for (stage, n) in lost(landing, snapshot).into_iter().filter(|(_, n)| *n > 0) {
        problems.push(loss(format!(
            "Events lost at the stage {stage}: {}. They are counted, and were told to nobody.",
            grouped(n)
        )));
    }
    for (reason, n) in hook_errors(snapshot).filter(|(_, n)| *n > 0) {
        problems.push(loss(format!("{reason} ({} times).", grouped(n))));
    }
    let absent = snapshot.features.iter().filter(|(_, is_there)| !is_there);
    problems.extend(absent.map(|(feature, _)| Problem {
        is_loss: false,
        text: format!("Not to be seen on this kernel, or with this hook: {}.", feature.absence()),
    }));
    problems
}

/// The section of the exporter's own state.
pub(super) fn health(
    landing: &Landing,
    snapshot: &io::Result<std::sync::Arc<Snapshot>>,
    is_ready: bool,
) -> Markup {
    html! {
        section #health aria-labelledby="health-title" {
            h2 #health-title { "Is everything seen?" }
            @match snapshot {
                Ok(snapshot) => (seen(landing, snapshot, is_ready)),
                Err(error) => p.problem.loss role="alert" {
                    "The kernel does not give its counters: " (error.to_string()) ". A restart of the exporter may help; its log says more."
                }
            }
        }
    }
}

fn seen(landing: &Landing, snapshot: &Snapshot, is_ready: bool) -> Markup {
    let problems = problems(landing, snapshot, is_ready);
    let (losses, blind): (Vec<_>, Vec<_>) = problems.iter().partition(|problem| problem.is_loss);
    let n_attached = snapshot.programs.iter().filter(|program| program.attached).count();
    html! {
        @if losses.is_empty() { p.problem.none { "All programs are attached, and nothing was lost since the start." } }
        @for problem in losses { p.problem.loss { (problem.text) } }
        @for problem in blind { p.problem.blind { (problem.text) } }
        dl.health {
            div { dt { "Calls watched by hook" } dd { (snapshot.hook) } }
            div { dt { "Programs attached" } dd { (n_attached) " of " (snapshot.programs.len()) } }
            div { dt { "Kernel" } dd { (landing.host.kernel) } }
            div { dt { "Events lost" } dd { (grouped(lost(landing, snapshot).iter().map(|(_, n)| n).sum())) } }
        }
        details #health-table {
            summary { "Every stage and every program" }
            div.tables { (events(landing, snapshot)) (programs(&snapshot.programs)) }
        }
    }
}

fn events(landing: &Landing, snapshot: &Snapshot) -> Markup {
    let produced = snapshot.produced.iter().map(|(class, n)| (format!("produced: {}", class.name()), *n));
    let sinks = landing.sinks.iter().flat_map(|(name, ledger)| {
        [
            (format!("delivered: {name}"), ledger.n_delivered()),
            (format!("pending: {name}"), ledger.n_pending()),
        ]
    });
    let lost = lost(landing, snapshot).into_iter().map(|(stage, n)| (format!("lost: {stage}"), n));
    html! {
        table.numbers {
            caption { "Events, by what became of them" }
            thead { tr { th scope="col" { "Stage" } th scope="col" { "Events" } } }
            tbody { @for (stage, n) in produced.chain(sinks).chain(lost) {
                tr { th scope="row" { (stage) } td { (grouped(n)) } }
            } }
        }
    }
}

fn programs(programs: &[Program]) -> Markup {
    html! {
        table.numbers {
            caption { "BPF programs, by what they hook" }
            thead { tr { th scope="col" { "Program" } th scope="col" { "Attached" } th scope="col" { "Skipped" } } }
            tbody { @for program in programs {
                tr {
                    th scope="row" { (program.name) }
                    td { @if program.attached { "yes" } @else { "no" } }
                    td { (grouped(program.n_recursion_misses)) }
                }
            } }
        }
    }
}

/// Events that were lost, by where: every stage, as the metrics have them.
fn lost(landing: &Landing, snapshot: &Snapshot) -> Vec<(String, u64)> {
    let of_sink = |(name, ledger): &(&'static str, std::sync::Arc<Ledger>)| {
        Stage::ALL.map(|stage| (format!("{name}_{}", stage.name()), ledger.n_lost(stage)))
    };
    let before = [
        ("ring".to_owned(), n_lost(snapshot, Lost::RingFull)),
        ("ring_urgent".to_owned(), n_lost(snapshot, Lost::UrgentRingFull)),
        ("decode".to_owned(), snapshot.n_undecodable),
    ];
    before.into_iter().chain(landing.sinks.iter().flat_map(of_sink)).collect()
}

fn hook_errors(snapshot: &Snapshot) -> impl Iterator<Item = (&'static str, u64)> {
    Lost::ALL.into_iter().filter_map(|reason| {
        let words = match reason {
            // These lose an event, and are told as such.
            Lost::RingFull | Lost::UrgentRingFull => return None,
            Lost::CounterMissing => "A counter was missing, and its signal was not counted",
            Lost::ImageNotKept => {
                "There was no room to remember what a process runs: it is told without its executable"
            }
            Lost::SenderNotKept => {
                "There was no room to remember who sent a signal: a death by it has no known cause"
            }
            Lost::ImageUnreadable => "What a process runs could not be read when it began",
            Lost::CgroupNotTold => "A new cgroup was not told of: its processes are told without their place",
        };
        Some((words, n_lost(snapshot, reason)))
    })
}

fn n_lost(snapshot: &Snapshot, reason: Lost) -> u64 {
    snapshot.lost.iter().filter(|(lost, _)| *lost == reason).map(|(_, n)| n).sum()
}
