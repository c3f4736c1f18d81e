//! Which events a sink is given. The kernel side filters by numbers, calls and signals alone; here it goes on with what
//! user space alone knows, names and places, and with deaths, which the kernel side always tells of.

mod name;
mod place;

use killsnoop_common::filter::{Filter, POSTED_ALL};

use crate::{
    counters::Class,
    event::{Event, Process},
};

/// What a sink wants. An event has to meet every condition; a list that is empty is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// The classes.
    pub classes: Vec<Class>,
    /// The filter that the kernel side has for calls and signals. Deaths and OOM kills are held against it here: its
    /// `sender` is who sent the signal, or wanted memory, its `target` who died. With `failed_only` nothing but calls
    /// is wanted.
    pub filter: Filter,
    /// The processes: the sender or the target has to be one of them. The target of a call is known by its number
    /// alone, and is none.
    pub who: Who,
}

/// Processes. One has to meet every condition, by one of its list; a list that is empty is no condition. A process whose
/// place is not known is in no cgroup, no container and no pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// Names, in which `*` stands for any bytes. The kernel keeps 15 bytes of a name, and of one without `*` as many
    /// are compared.
    pub comms: Vec<String>,
    /// Real user ids in the initial user namespace.
    pub uids: Vec<u32>,
    /// Paths of cgroups, with all that is below them.
    pub cgroups: Vec<String>,
    /// Names of containers, or the first digits of their ids, 4 or more.
    pub containers: Vec<String>,
    /// Names of pods, with their namespace and a slash before it or without, or their uids.
    pub pods: Vec<String>,
}

/// OOM kills have no signal of their own: it is always SIGKILL.
const SIGKILL: i32 = 9;

impl Select {
    /// Wants everything.
    pub const ALL: Self = Self { classes: vec![], filter: Filter::ALL, who: Who::ALL };

    /// Whether an event is wanted, of those that the kernel side lets pass.
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        any(&self.classes, |wanted| *wanted == class(event)) && self.fits(event) && self.who.has_one_of(event)
    }

    fn fits(&self, event: &Event) -> bool {
        match event {
            Event::Call(_) => true,
            _ if self.filter.failed_only == 1 => false,
            Event::Signal(_) => true,
            Event::Death(death) => self.fits_death(death.sender(), &death.victim, death.signal),
            Event::OomKill(kill) => self.fits_death(Some(&kill.trigger), &kill.victim, SIGKILL),
        }
    }

    fn fits_death(&self, sender: Option<&Process>, victim: &Process, signal: i32) -> bool {
        // A death is no noise, whoever caused it.
        let filter = Filter { posted: POSTED_ALL, noise: 1, ..self.filter };
        filter.wants_posted(true, sender.map_or(0, |sender| sender.pid), victim.pid, signal)
    }
}

impl Who {
    const ALL: Self = Self { comms: vec![], uids: vec![], cgroups: vec![], containers: vec![], pods: vec![] };

    fn has_one_of(&self, event: &Event) -> bool {
        *self == Self::ALL || processes(event).into_iter().flatten().any(|process| self.has(process))
    }

    fn has(&self, process: &Process) -> bool {
        let place = process.place.as_deref();
        any(&self.comms, |comm| name::fits(comm, process.comm.bytes()))
            && any(&self.uids, |uid| *uid == process.uid)
            && any(&self.cgroups, |path| place.is_some_and(|place| place::is_below(path, place)))
            && any(&self.containers, |name| place.is_some_and(|place| place::is_container(name, place)))
            && any(&self.pods, |name| place.is_some_and(|place| place::is_pod(name, place)))
    }
}

/// Whether one of a list will do; an empty list is content with anything.
fn any<T>(list: &[T], will_do: impl FnMut(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(will_do)
}

fn class(event: &Event) -> Class {
    match event {
        Event::Call(_) => Class::KillCall,
        Event::Signal(_) => Class::Signal,
        Event::Death(_) => Class::Death,
        Event::OomKill(_) => Class::OomKill,
    }
}

/// Who sent, and to whom it happened, as far as they are known.
fn processes(event: &Event) -> [Option<&Process>; 2] {
    let [sender, target] = match event {
        Event::Call(call) => [Some(&call.sender), None],
        Event::Signal(signal) => [signal.posted.sender.as_ref(), Some(&signal.target)],
        Event::Death(death) => [death.sender(), Some(&death.victim)],
        Event::OomKill(kill) => [Some(&kill.trigger), Some(&kill.victim)],
    };
    // One that is not known has a user id too, that of root.
    let is_known = |process: &&Process| process.pid != 0;
    [sender.filter(is_known), target.filter(is_known)]
}

#[cfg(test)]
mod tests;
