//! Events in words: a sentence that answers what killed a process, and why; and the same as JSON.
//!
//! ```text
//! nginx (4711, pod shop/web-7d9f/nginx) was killed by SIGKILL: kill() by systemd-oomd (612, uid 994) 0.3 s after its SIGTERM; up 4 d 2 h; exit status 137
//! python3 (812, app.service) was killed by SIGKILL: its memory cgroup /app.slice was at its limit (anon 250.0 MiB, oom_score_adj 500); it wanted more memory itself; up 52 ms; exit status 137
//! php-fpm (99) crashed with SIGSEGV: fault (SEGV_MAPERR: address not mapped); core dumped; up 3 m; exit status 139
//! ```
//! A sentence is one line without a full stop, shorter than 2,000 characters, and nothing in it moves a cursor: names of
//! processes, units, pods and cgroups are chosen by those who are watched, so they are made printable and cut off.

pub mod amount;
mod cause;
mod fault;
pub mod json;
pub mod printable;
#[cfg(test)]
mod tests;
mod who;

use std::{borrow::Cow, time::Duration};

use killsnoop_common::cause::{Action, Cause, Outcome};

use self::cause::Sent;
use crate::{
    event::{Death, OomKill, Posted, Process, Signal},
    signal,
};

/// Says a death in one sentence: who died of which signal, why and by whom, how old it was, and its exit status.
#[must_use]
pub fn death(death: &Death) -> String {
    let verb = match death.cause {
        Cause::Fault | Cause::Abort => "crashed with",
        _ => "was killed by",
    };
    let (victim, signal, reason) =
        (who::target(&death.victim), signal_in_words(death.signal), reason_of_death(death));
    let age = age(death).map(|age| format!("; up {}", amount::time(age))).unwrap_or_default();
    format!("{victim} {verb} {signal}: {reason}{age}; exit status {}", death.exit_status())
}

/// The part of that sentence that says why and by whom, and what came before.
#[must_use]
pub fn reason_of_death(death: &Death) -> String {
    let core = if death.core_dumped { "; core dumped" } else { "" };
    format!("{}{}{core}", Sent::to_death(death).reason(), before(death))
}

/// Says an OOM kill in one sentence: who was chosen, what ran out, and who wanted it.
#[must_use]
pub fn oom_kill(kill: &OomKill) -> String {
    format!("{} was chosen by the OOM killer: {}", who::target(&kill.victim), reason_of_oom_kill(kill))
}

/// The part of that sentence that says what ran out, and who wanted it.
#[must_use]
pub fn reason_of_oom_kill(kill: &OomKill) -> String {
    Sent::to_victim(kill).reason()
}

/// Says a posted signal in one sentence: whom it was sent to, why and by whom, and what became of it.
#[must_use]
pub fn signal(event: &Signal) -> String {
    let (signal, target) = (signal_in_words(event.posted.signal), who::target(&event.target));
    let reason = Sent::now(&event.posted, &event.target).reason();
    format!("{signal} was sent to {target}: {reason}{}", fate(&event.posted, event.blocked))
}

/// Says why a signal was sent to a process, by whom, and what became of it.
#[must_use]
pub fn reason_of_signal(posted: &Posted, target: &Process) -> String {
    format!("{}{}", Sent::now(posted, target).reason(), fate(posted, 0))
}

/// Where a process ran, by what people know it by: its pod and container, its container, or its unit.
#[must_use]
pub fn place(process: &Process) -> Option<String> {
    process.place.as_deref().and_then(who::words_of_place)
}

/// The signal's name; a number alone would read as an amount.
fn signal_in_words(signal: i32) -> Cow<'static, str> {
    let name = signal::name(signal);
    if name.starts_with("SIG") { name } else { format!("signal {name}").into() }
}

/// How long the victim had lived, if it is known when it began.
fn age(death: &Death) -> Option<Duration> {
    (death.victim.start_boot_ns != 0).then(|| death.age())
}

/// The time between the signal before and the fatal one, or the death itself if that one was not seen.
fn time_since(before: &Posted, death: &Death) -> Duration {
    let end = death.fatal.as_ref().map_or(death.time.boot_ns, |fatal| fatal.at_boot_ns);
    Duration::from_nanos(end.saturating_sub(before.at_boot_ns))
}

/// The signal before the fatal one, if it may have to do with it.
fn before(death: &Death) -> String {
    let Some(before) = death.before.as_ref().filter(|before| !is_noise(before, death)) else {
        return String::new();
    };
    let time = amount::time(time_since(before, death));
    let signal = signal_in_words(before.signal);
    let ignored = if before.outcome == Outcome::Ignored { ", which it ignored" } else { "" };
    match (&before.sender, death.sender()) {
        (Some(one), Some(other)) if one.is(other) && death.cause.is_call() => {
            format!(" {time} after its {signal}{ignored}")
        }
        (Some(sender), _) => format!("; {time} after {signal} from {}{ignored}", who::actor(sender)),
        (None, _) => format!("; {time} after {signal} from the kernel ({}){ignored}", before.cause.name()),
    }
}

/// Whether a signal is daily life: nothing that ends a process, or what its own threads send each other.
fn is_noise(before: &Posted, death: &Death) -> bool {
    matches!(&*before.signal_name(), "SIGCHLD" | "SIGCONT" | "SIGURG" | "SIGWINCH")
        || before.sender.as_ref().is_some_and(|sender| sender.is(&death.victim))
}

/// What becomes of a signal, as far as it is known when it is posted.
fn fate(posted: &Posted, blocked: u64) -> &'static str {
    let bit = u32::try_from(posted.signal - 1).ok().and_then(|bit| 1u64.checked_shl(bit));
    match (posted.outcome, posted.action) {
        (Outcome::Ignored, _) => "; ignored",
        (Outcome::AlreadyPending, _) => "; one was pending already",
        (Outcome::Overflow, _) => "; not sent, because its queue was full",
        (Outcome::InfoLost, _) => "; sent without its data, because its queue was full",
        (Outcome::Delivered, _) if bit.is_some_and(|bit| blocked & bit != 0) => "; blocked for now",
        (Outcome::Delivered, Action::Handler) => "; it has a handler",
        (Outcome::Delivered, Action::Default) => "; no handler",
        (Outcome::Delivered, Action::Ignored | Action::Unknown) => "",
    }
}
