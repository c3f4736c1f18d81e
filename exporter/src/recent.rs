//! The last deaths, kept so that one can ask later why a process is gone.
//!
//! A death takes some 1 KiB, and at most 3 KiB whatever its names are; so 10,000 take 10 MiB once that many have died, and
//! 30 MiB at most. Its place comes on top of that, once for all that died in the same cgroup.

mod whom;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use killsnoop_common::cause::{Cause, Scope};

pub use self::whom::Whom;
use crate::{
    clock,
    event::{Death, Event, OomKill},
    ledger::Ledger,
};

/// OOM kills that wait for the death of their victim; usually none does for longer than that takes.
const MOST_OOM_KILLS: usize = 256;

/// The last deaths, and the OOM kills whose victims have not been seen to die. A sink of events like any other, but
/// one that always has room: the oldest makes way.
#[derive(Debug)]
pub struct Recent {
    capacity: usize,
    began_unix_ns: u64,
    kept: Mutex<Kept>,
    ledger: Arc<Ledger>,
}

/// In the order in which they came.
#[derive(Debug, Default)]
struct Kept {
    deaths: VecDeque<Arc<Death>>,
    oom_kills: VecDeque<Arc<OomKill>>,
    /// Whether a death has made way for another.
    is_full: bool,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Whose death.
    pub whom: Whom,
    /// Not longer ago than this; `None` is any time.
    pub within: Option<Duration>,
    /// Not more than so many.
    pub limit: usize,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Deaths and OOM kills, the most recent first.
    pub events: Vec<Event>,
    /// How many there are without the limit.
    pub n_matching: usize,
    /// How many of anybody are kept.
    pub n_kept: usize,
    /// Since when nothing is missing, in nanoseconds since 1970.
    pub since_unix_ns: u64,
}

impl Recent {
    /// Keeps so many deaths from now on. In the ledger every death and OOM kill is offered, and delivered at once.
    #[must_use]
    pub fn new(capacity: usize, ledger: Arc<Ledger>) -> Self {
        Self { capacity: capacity.max(1), began_unix_ns: clock::unix_ns(), kept: Mutex::default(), ledger }
    }

    /// Keeps a death or an OOM kill; other events pass by. Of an OOM kill a death that tells less takes what the memory
    /// was, and then there is one to show and not two.
    pub fn push(&self, event: &Event) {
        match event {
            Event::Death(death) => self.push_death(death),
            Event::OomKill(kill) => push(&mut self.lock().oom_kills, Arc::clone(kill), MOST_OOM_KILLS),
            Event::Call(_) | Event::Signal(_) => return,
        };
        self.ledger.offered(1);
        self.ledger.delivered(1);
    }

    fn push_death(&self, death: &Arc<Death>) -> bool {
        let kill = if death.cause.is_oom() { self.take_oom_kill(death) } else { None };
        let death = kill.map_or_else(|| Arc::clone(death), |kill| completed(death, &kill));
        let kept = &mut *self.lock();
        kept.is_full |= push(&mut kept.deaths, death, self.capacity);
        kept.is_full
    }

    /// Takes out the OOM kill of which this is the death.
    fn take_oom_kill(&self, death: &Death) -> Option<Arc<OomKill>> {
        let kills = &mut self.lock().oom_kills;
        let at = kills.iter().rposition(|kill| kill.victim.is(&death.victim))?;
        kills.remove(at)
    }

    /// What is kept of whom, the most recent first.
    #[must_use]
    pub fn find(&self, query: &Query) -> Found {
        let after_boot_ns = query.within.map_or(0, |within| {
            clock::boot_ns().saturating_sub(u64::try_from(within.as_nanos()).unwrap_or(u64::MAX))
        });
        self.select(query.limit, |event| event.time().boot_ns >= after_boot_ns && is_of(event, &query.whom))
    }

    /// Those of what is kept that are wanted, the most recent first, and not more than so many.
    #[must_use]
    pub fn select(&self, limit: usize, is_wanted: impl Fn(&Event) -> bool) -> Found {
        let (mut events, since_unix_ns) = self.all();
        let n_kept = events.len();
        events.retain(is_wanted);
        events.sort_by_key(|event| std::cmp::Reverse(event.time().boot_ns));
        let n_matching = events.len();
        events.truncate(limit);
        Found { events, n_matching, n_kept, since_unix_ns }
    }

    /// Everything, and since when nothing is missing. Whoever pushes waits for no more than this.
    fn all(&self) -> (Vec<Event>, u64) {
        let kept = self.lock();
        let deaths = kept.deaths.iter().map(|death| Event::Death(Arc::clone(death)));
        let oom_kills = kept.oom_kills.iter().map(|kill| Event::OomKill(Arc::clone(kill)));
        let oldest = kept.deaths.front().filter(|_| kept.is_full);
        let since_unix_ns = oldest.map_or(self.began_unix_ns, |death| death.time.unix_ns);
        (deaths.chain(oom_kills).collect(), since_unix_ns)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // No step leaves it half done, so that it is good even if a thread panicked with the lock.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts one at the end; whether the first had to make way.
fn push<T>(queue: &mut VecDeque<T>, one: T, capacity: usize) -> bool {
    let is_full = queue.len() >= capacity;
    if is_full {
        queue.pop_front();
    }
    queue.push_back(one);
    is_full
}

/// The death with what its OOM kill knew better.
fn completed(death: &Arc<Death>, kill: &OomKill) -> Arc<Death> {
    if death.memory.is_some() {
        return Arc::clone(death);
    }
    let mut death = Death::clone(death);
    death.cause = match kill.memory.scope {
        Scope::Memcg => Cause::OomMemcg,
        Scope::Global => Cause::OomGlobal,
        Scope::Unknown => death.cause,
    };
    death.memory = Some(kill.memory.clone());
    if let Some(fatal) = death.fatal.as_mut().filter(|fatal| fatal.sender.is_none() && kill.trigger.pid != 0)
    {
        fatal.sender = Some(kill.trigger.clone());
    }
    Arc::new(death)
}

fn is_of(event: &Event, whom: &Whom) -> bool {
    match event {
        Event::Death(death) => whom.is(&death.victim, death.victim_background.exe.as_deref()),
        Event::OomKill(kill) => whom.is(&kill.victim, None),
        Event::Call(_) | Event::Signal(_) => false,
    }
}

#[cfg(test)]
mod tests;
