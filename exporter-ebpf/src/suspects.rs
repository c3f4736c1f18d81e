//! Who may have killed whom: each process' last signals that can have ended it, with all that must be known of their
//! senders, who are often gone by the time it dies.

use aya_ebpf::bindings::BPF_ANY;
use killsnoop_common::{
    cause::Action,
    death::Posted,
    layout::{MUST_COPY, SIGHAND_ACTION, TASK_SIGHAND},
    lost::Lost,
    process::{Background, Process},
};

use crate::{
    kernel::{is_set, offset, peek, read_at},
    maps::{IMAGES, Identity, N_SUSPECTS, SENDER_SCRATCH, SENDERS, SUSPECTS, Suspects, clear, copy},
    number::{choose, equal, less, opaque},
    task::Task,
};

/// Nothing is suspected.
static NOBODY: Suspects = Suspects { slots: [Posted::NONE; N_SUSPECTS] };

/// Bits of the signals that do not end a process by default: SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,
/// SIGWINCH.
const HARMLESS: u64 = 1 << 17 | 1 << 18 | 1 << 19 | 1 << 20 | 1 << 21 | 1 << 22 | 1 << 23 | 1 << 28;

/// Whether a signal can end a process.
#[inline(always)]
pub(crate) fn can_end(signal: i32) -> bool {
    // Signal 64 has no bit, and no harmless meaning.
    signal >= 64 || HARMLESS >> (signal & 63) & 1 == 0
}

/// Whether a signal is one that people and service managers send for an orderly end: SIGHUP, SIGINT, SIGQUIT, SIGTERM.
#[inline(always)]
pub(crate) fn asks_to_end(signal: i32) -> bool {
    matches!(signal, 1 | 2 | 3 | 15)
}

/// Keeps the signal until its target dies, and what is known of its sender.
#[inline(always)]
pub(crate) fn remember(posted: &Posted, target: Task, sender: Option<Task>) -> Result<(), Lost> {
    let slot = slot(target.pid(), posted)?;
    // SAFETY: the look-up gave the pointer.
    unsafe { copy(posted, slot) };
    match sender {
        Some(sender) => keep_background(sender, Identity::of(&posted.sender)),
        None => Ok(()),
    }
}

/// The slot of this signal and sender, or the one that was written to the longest time ago. Signals to one process are
/// posted one at a time.
#[inline(always)]
fn slot(victim: u32, posted: &Posted) -> Result<*mut Posted, Lost> {
    let mut suspects = SUSPECTS.get_ptr_mut(victim);
    if suspects.is_none() {
        SUSPECTS.insert(victim, &NOBODY, u64::from(BPF_ANY)).map_err(|_| Lost::SenderNotKept)?;
        suspects = SUSPECTS.get_ptr_mut(victim);
    }
    let first = suspects.ok_or(Lost::SenderNotKept)?.cast::<Posted>();
    let (mut chosen, mut oldest_at) = (0, i64::MAX as u64);
    for n in 0..N_SUSPECTS {
        // SAFETY: the map look-up gave the pointer, and there are so many slots.
        let slot = unsafe { &*first.add(n) };
        let is_same = equal(slot.signal.into(), posted.signal.into())
            & equal(slot.sender.pid.into(), posted.sender.pid.into());
        // The same one is older than any other.
        let at = choose(is_same, 0, slot.at_boot_ns.wrapping_add(1));
        let is_older = less(at, oldest_at);
        chosen = choose(is_older, n as u64, chosen);
        oldest_at = choose(is_older, at, oldest_at);
    }
    let chosen = opaque(chosen, posted.at_boot_ns) as usize % N_SUSPECTS;
    // SAFETY: as above.
    Ok(unsafe { first.add(chosen) })
}

/// Keeps what else is known of a sender, once.
#[inline(always)]
fn keep_background(sender: Task, identity: Identity) -> Result<(), Lost> {
    if SENDERS.get_ptr(identity).is_some() {
        return Ok(());
    }
    let scratch = SENDER_SCRATCH.get_ptr_mut(0).ok_or(Lost::SenderNotKept)?;
    background(sender, identity, scratch);
    // SAFETY: the array's look-up gave the pointer.
    SENDERS.insert(identity, unsafe { &*scratch }, u64::from(BPF_ANY)).map_err(|_| Lost::SenderNotKept)
}

/// Writes down what a process runs and what is above it.
#[inline(always)]
pub(crate) fn background(task: Task, identity: Identity, to: *mut Background) {
    // SAFETY: the caller gives a place that the verifier knows, and the look-up the other one.
    unsafe {
        match IMAGES.get_ptr(identity.pid) {
            Some(image) if is_same(identity.start_boot_ns, (*image).start_boot_ns) => {
                copy(image, &raw mut (*to).image);
            }
            _ => clear(&raw mut (*to).image),
        }
        task.leader().describe_ancestors(&raw mut (*to).ancestors);
    }
}

/// Whether two times at which a process began are the same; one may be of `/proc`, in whole ticks of 10 ms.
#[inline(always)]
fn is_same(start_boot_ns: u64, other: u64) -> bool {
    const TICK_NS: u64 = 10_000_000;
    start_boot_ns / TICK_NS == other / TICK_NS
}

/// What the target is going to do with a signal.
#[inline(always)]
pub(crate) fn action(target: Task, signal: i32) -> Action {
    let actions = target.0.follow(TASK_SIGHAND);
    if actions.is_null() {
        return Action::Unknown;
    }
    if is_set(MUST_COPY) {
        let number = (signal.clamp(1, 64) - 1) as u64;
        let handler = peek(actions.pointer() as u64 + offset(SIGHAND_ACTION) + number * 32, 8);
        return action_of(handler);
    }
    let actions = actions.place(SIGHAND_ACTION);
    macro_rules! handler_of {
        ($($signal:literal)*) => {
            match signal {
                $($signal => read_at!("u64", actions, 32 * ($signal - 1)),)*
                _ => return Action::Unknown,
            }
        };
    }
    let handler = handler_of!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34
        35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64);
    action_of(handler)
}

#[inline(always)]
const fn action_of(handler: u64) -> Action {
    match handler {
        0 => Action::Default,
        1 => Action::Ignored,
        _ => Action::Handler,
    }
}

impl Identity {
    #[inline(always)]
    pub(crate) fn of(process: &Process) -> Self {
        Self { start_boot_ns: process.start_boot_ns, pid: process.pid, reserved: 0 }
    }
}
