//! What is kept, for how long, and what is found.

use super::*;
use crate::{
    event::{Memory, Process, examples},
    ledger::Stage,
};

fn recent(capacity: usize) -> Recent {
    Recent::new(capacity, Arc::default())
}

/// The death of a process at a second after boot.
fn death(pid: u32, second: u64) -> Death {
    let mut death = examples::death();
    death.victim.pid = pid;
    death.time.boot_ns = second * 1_000_000_000;
    death.time.unix_ns = death.time.boot_ns;
    death
}

fn oom_kill(pid: u32, second: u64) -> OomKill {
    let victim = Process { pid, ..examples::death().victim };
    OomKill { victim, time: death(pid, second).time, ..examples::oom_kill() }
}

/// A death that tells nothing of the memory.
fn oom_death(pid: u32, second: u64) -> Death {
    let mut death = Death { cause: Cause::Oom, memory: None, ..death(pid, second) };
    death.fatal.as_mut().unwrap().sender = None;
    death
}

fn push_death(recent: &Recent, death: Death) {
    recent.push(&Event::Death(Arc::new(death)));
}

fn push_oom_kill(recent: &Recent, kill: OomKill) {
    recent.push(&Event::OomKill(Arc::new(kill)));
}

fn find(recent: &Recent, whom: Whom) -> Found {
    recent.find(&Query { whom, within: None, limit: usize::MAX })
}

fn all(recent: &Recent) -> Vec<Event> {
    find(recent, Whom::Anybody).events
}

fn pids(events: &[Event]) -> Vec<u32> {
    let pid = |event: &Event| match event {
        Event::Death(death) => death.victim.pid,
        Event::OomKill(kill) => kill.victim.pid,
        Event::Call(_) | Event::Signal(_) => panic!("{event:?} is neither death nor OOM kill"),
    };
    events.iter().map(pid).collect()
}

#[test]
fn the_most_recent_comes_first_and_the_limit_cuts_off_the_oldest() {
    let recent = recent(10);
    for second in [3, 1, 2] {
        push_death(&recent, death(second, second.into()));
    }
    assert_eq!(pids(&all(&recent)), [3, 2, 1]);
    let found = recent.find(&Query { whom: Whom::Anybody, within: None, limit: 2 });
    assert_eq!((pids(&found.events), found.n_matching, found.n_kept), (vec![3, 2], 3, 3));
    let found = find(&recent, Whom::Pid(1));
    assert_eq!((pids(&found.events), found.n_matching, found.n_kept), (vec![1], 1, 3));
}

#[test]
fn what_is_longer_ago_than_asked_is_left_out() {
    let recent = recent(10);
    let now = clock::boot_ns() / 1_000_000_000;
    push_death(&recent, death(1, now.saturating_sub(3600)));
    push_death(&recent, death(2, now));
    let within = |seconds| {
        let within = Some(Duration::from_secs(seconds));
        pids(&recent.find(&Query { whom: Whom::Anybody, within, limit: 9 }).events)
    };
    assert_eq!(within(60), [2]);
    assert_eq!(within(u64::MAX), [2, 1]);
}

#[test]
fn the_oldest_makes_way_and_since_when_nothing_is_missing_is_told() {
    let recent = recent(3);
    let began = recent.began_unix_ns;
    (1..4).for_each(|pid| push_death(&recent, death(pid, pid.into())));
    assert_eq!(find(&recent, Whom::Anybody).since_unix_ns, began);
    push_death(&recent, death(4, 4));
    let found = find(&recent, Whom::Anybody);
    assert_eq!((pids(&found.events), found.since_unix_ns), (vec![4, 3, 2], 2_000_000_000));
    (0..1000).for_each(|pid| push_oom_kill(&recent, oom_kill(pid, 5)));
    assert_eq!(all(&recent).len(), 3 + MOST_OOM_KILLS);
}

#[test]
fn an_oom_kill_is_part_of_the_death_that_it_led_to() {
    let recent = recent(10);
    push_oom_kill(&recent, oom_kill(1, 1));
    push_oom_kill(&recent, oom_kill(2, 1));
    assert_eq!(pids(&all(&recent)), [1, 2]);
    push_death(&recent, oom_death(1, 2));
    let events = all(&recent);
    assert_eq!(pids(&events), [1, 2]);
    let Event::Death(death) = &events[0] else { panic!("no death") };
    assert_eq!((death.cause, &death.memory), (Cause::OomMemcg, &Some(examples::oom_kill().memory)));
    assert_eq!(death.sender(), Some(&examples::oom_kill().trigger));
}

#[test]
fn a_death_that_tells_more_is_left_as_it_is() {
    let recent = recent(10);
    let told = Memory { scope: Scope::Global, ..examples::oom_kill().memory };
    let known = Death { cause: Cause::OomGlobal, memory: Some(told), ..death(1, 2) };
    push_oom_kill(&recent, oom_kill(1, 1));
    push_death(&recent, known.clone());
    assert_eq!(all(&recent), [Event::Death(Arc::new(known))]);

    let unknown = Memory { scope: Scope::Unknown, ..examples::oom_kill().memory };
    push_oom_kill(&recent, OomKill { memory: unknown, trigger: Process::default(), ..oom_kill(2, 3) });
    push_death(&recent, oom_death(2, 4));
    let Event::Death(death) = all(&recent).remove(0) else { panic!("no death") };
    assert_eq!((death.cause, death.sender()), (Cause::Oom, None));
}

#[test]
fn another_process_with_the_same_number_is_another() {
    let recent = recent(10);
    push_oom_kill(&recent, oom_kill(1, 1));
    let mut later = oom_death(1, 2);
    later.victim.start_boot_ns += 1;
    push_death(&recent, later);
    push_death(&recent, death(1, 3));
    assert_eq!(all(&recent).len(), 3);
}

#[test]
fn every_death_and_oom_kill_is_in_the_account_and_nothing_else_is() {
    let ledger = Arc::<Ledger>::default();
    let recent = Recent::new(1, Arc::clone(&ledger));
    push_death(&recent, oom_death(1, 1));
    push_death(&recent, death(2, 2));
    push_oom_kill(&recent, oom_kill(3, 3));
    recent.push(&examples::call_event());
    recent.push(&Event::Signal(Arc::new(examples::signal())));
    assert_eq!((ledger.n_delivered(), ledger.n_pending(), ledger.n_lost(Stage::Queue)), (3, 0, 0));
    assert_eq!(all(&recent).len(), 2);
}

#[test]
fn whoever_asks_does_not_stand_in_the_way_of_whoever_pushes() {
    let recent = recent(100);
    std::thread::scope(|scope| {
        scope.spawn(|| (0..10_000).for_each(|pid| push_death(&recent, death(pid, pid.into()))));
        for _ in 0..100 {
            let found = find(&recent, Whom::Anybody);
            assert!(found.events.len() <= 100);
            assert!(pids(&found.events).is_sorted_by(|one, next| one > next));
        }
    });
    assert_eq!(pids(&all(&recent))[..2], [9_999, 9_998]);
}

#[test]
fn a_death_takes_no_more_memory_than_is_said() {
    // What the longest names and paths of processes come to; a place is shared by all that die in it.
    let strings = 2 * 2 * (3 * 128) + 2 * 4 * size_of::<(u32, [u8; 16])>();
    assert!(size_of::<Death>() <= 1024, "{}", size_of::<Death>());
    assert!(size_of::<Death>() + strings <= 3 << 10, "{}", size_of::<Death>() + strings);
}
