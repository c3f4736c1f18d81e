//! What hostile names make of sentences and objects: nothing.

use std::sync::Arc;

use killsnoop_common::cause::{Cause, Outcome};
use proptest::prelude::*;
use serde_json::Value;

use super::of_memory;
use crate::{
    cgroup::{Container, Place, Pod},
    event::{Comm, Death, OomKill, Posted, Process, Signal, examples},
    verdict::{self, json, printable::is_dangerous},
};

prop_compose! {
    /// A process whose every name is chosen by an enemy.
    fn hostile()(
        numbers in any::<[u32; 3]>(),
        comm: [u8; 16],
        names in prop::collection::vec(prop::collection::vec(any::<char>(), 0..90), 8),
        known in any::<[bool; 4]>(),
    ) -> Process {
        let name = |at: usize| names[at].iter().collect::<String>();
        let some = |at: usize| known[at].then(|| name(at));
        Process {
            pid: numbers[0],
            uid: numbers[1],
            start_boot_ns: numbers[2].into(),
            comm: Comm(comm),
            place: Some(Arc::new(Place {
                path: name(4).repeat(4),
                container: known[0].then(|| Container { id: name(5), runtime: "x", name: some(1) }),
                pod: known[2].then(|| Pod { uid: name(6), name: some(2), namespace: some(3) }),
                unit: some(3),
            })),
            ..Process::default()
        }
    }
}

/// A death in which everybody has a hostile name and every number is long.
fn death_of(cause: Cause, victim: Process, sender: Process, before: Process) -> Death {
    let mut death = of_memory(cause);
    if let Some(memory) = &mut death.memory {
        memory.limit_place.clone_from(&sender.place);
        (memory.total_bytes, memory.anon_bytes, memory.shmem_bytes) = (u64::MAX, u64::MAX - 1, u64::MAX);
    }
    let fatal = death.fatal.as_mut().unwrap();
    (fatal.code, fatal.claimed_pid, fatal.sender) = (i32::MIN, Some(u32::MAX), Some(sender));
    let before = Posted { sender: Some(before), outcome: Outcome::Ignored, ..fatal.clone() };
    Death { victim, before: Some(before), core_dumped: true, ..death }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_name_breaks_a_sentence_or_an_object(
        victim in hostile(), sender in hostile(), before in hostile(), cause in 0u8..24,
    ) {
        let death = death_of(Cause::from_number(cause).unwrap(), victim, sender, before);
        let kill = OomKill {
            time: death.time,
            victim: death.victim.clone(),
            trigger: death.sender().unwrap().clone(),
            memory: death.memory.clone().unwrap(),
        };
        let posted = Posted { cause: death.cause, ..death.fatal.clone().unwrap() };
        let signal = Signal { target: death.victim.clone(), posted, ..examples::signal() };
        for sentence in [verdict::death(&death), verdict::oom_kill(&kill), verdict::signal(&signal)] {
            prop_assert!(!sentence.contains(is_dangerous), "{sentence:?}");
            prop_assert!(sentence.chars().count() < 2000, "{}", sentence.chars().count());
        }
        for object in [json::death(&death), json::oom_kill(&kill), json::signal(&signal)] {
            let line = json::line(object.clone());
            prop_assert!(!line.contains(is_dangerous));
            let read: Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(read.get("verdict"), object.get("verdict"));
        }
    }
}
