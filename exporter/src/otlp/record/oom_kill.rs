//! OOM kills as records, and the memory that ran out as attributes.

use killsnoop_common::cause::Cause;
use opentelemetry::logs::Severity;

use super::{Content, attributes::Attributes};
use crate::{
    event::{Memory, OomKill, sender_name},
    verdict,
};

pub(super) fn content(kill: &OomKill) -> Content {
    Content {
        kind: "oom_kill",
        severity: Severity::Error,
        body: verdict::oom_kill(kill),
        whom: kill.victim.pid,
        attributes: attributes(kill),
    }
}

fn attributes(kill: &OomKill) -> Attributes {
    let OomKill { time, victim, trigger, memory } = kill;
    let mut attributes = Attributes::with_room_for(48);
    let trigger = (trigger.pid != 0).then_some(trigger);
    if let Some(trigger) = trigger {
        attributes.sender(trigger, None, time);
    }
    attributes.text("killsnoop.sender.name", sender_name(trigger, Cause::Oom));
    attributes.target(victim, None, time);
    attributes.memory(memory);
    attributes
}

impl Attributes {
    /// What ran out, and what the victim had of it.
    pub(super) fn memory(&mut self, memory: &Memory) {
        self.text("killsnoop.oom.scope", memory.scope.name());
        if memory.limit_cgroup != 0 {
            self.text("killsnoop.oom.limit_cgroup.id", memory.limit_cgroup.to_string());
        }
        let place = memory.limit_place.as_deref();
        self.text_if_known("killsnoop.oom.limit_cgroup.path", place.map(|place| &*place.path));
        self.int("killsnoop.oom.score_adj", memory.score_adj);
        let sizes = [
            ("killsnoop.oom.total_bytes", memory.total_bytes),
            ("killsnoop.oom.anon_bytes", memory.anon_bytes),
            ("killsnoop.oom.file_bytes", memory.file_bytes),
            ("killsnoop.oom.shmem_bytes", memory.shmem_bytes),
            ("killsnoop.oom.page_table_bytes", memory.page_table_bytes),
        ];
        // A process has some memory: all zeros is a kernel that does not tell.
        if sizes.iter().any(|(_, bytes)| *bytes != 0) {
            for (key, bytes) in sizes {
                self.bytes(key, bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use expect_test::expect;
    use killsnoop_common::cause::Scope;

    use super::*;
    use crate::{
        cgroup::Place,
        event::{Event, Process, examples::oom_kill as example},
        otlp::record::tests::check,
    };

    #[test]
    fn an_oom_kill_is_told_with_who_wanted_memory_and_who_had_it() {
        let place = Place { path: "/system.slice".to_owned(), ..Place::default() };
        let memory = Memory { limit_place: Some(Arc::new(place)), ..example().memory };
        check(
            &Event::OomKill(Arc::new(OomKill { memory, ..example() })),
            &expect![[r#"
                killsnoop.oom_kill 1700000000123456789 1700000000223456789
                17 ERROR
                nginx (4711) was chosen by the OOM killer: its memory cgroup /system.slice was at its limit (anon 250.0 MiB, oom_score_adj 500); systemd-oomd (612, uid 994) wanted memory
                process.pid = 612
                process.real_user.id = 994
                thread.id = 612
                thread.name = "systemd-oomd"
                process.vpid = 612
                killsnoop.sender.pid_ns = 4026531836
                process.creation.time = "2023-11-10T07:06:49.123456789Z"
                killsnoop.sender.cgroup.id = "500"
                killsnoop.sender.name = "kernel:oom"
                killsnoop.target.pid = 4711
                killsnoop.target.user.id = 33
                killsnoop.target.tid = 4711
                killsnoop.target.comm = "nginx"
                killsnoop.target.vpid = 7
                killsnoop.target.pid_ns = 4026532001
                killsnoop.target.creation.time = "2023-11-10T20:13:20.123456789Z"
                killsnoop.target.cgroup.id = "8800"
                killsnoop.target.age = 352800.0
                killsnoop.oom.scope = "memcg"
                killsnoop.oom.limit_cgroup.id = "8700"
                killsnoop.oom.limit_cgroup.path = "/system.slice"
                killsnoop.oom.score_adj = 500
                killsnoop.oom.total_bytes = 419430400
                killsnoop.oom.anon_bytes = 262144000
                killsnoop.oom.file_bytes = 3145728
                killsnoop.oom.shmem_bytes = 0
                killsnoop.oom.page_table_bytes = 716800
                log.record.uid = "9f0c-400000000000000-oom_kill-4711"
            "#]],
        );
    }

    #[test]
    fn what_a_kernel_does_not_show_is_not_told_as_zero() {
        let memory = Memory {
            scope: Scope::Unknown,
            limit_cgroup: 0,
            limit_place: None,
            total_bytes: 0,
            anon_bytes: 0,
            file_bytes: 0,
            shmem_bytes: 0,
            page_table_bytes: 0,
            score_adj: 0,
        };
        let kill = OomKill { trigger: Process::default(), memory, ..example() };
        check(
            &Event::OomKill(Arc::new(kill)),
            &expect![[r#"
                killsnoop.oom_kill 1700000000123456789 1700000000223456789
                17 ERROR
                nginx (4711) was chosen by the OOM killer: memory ran out, of what is not known
                killsnoop.sender.name = "kernel:oom"
                killsnoop.target.pid = 4711
                killsnoop.target.user.id = 33
                killsnoop.target.tid = 4711
                killsnoop.target.comm = "nginx"
                killsnoop.target.vpid = 7
                killsnoop.target.pid_ns = 4026532001
                killsnoop.target.creation.time = "2023-11-10T20:13:20.123456789Z"
                killsnoop.target.cgroup.id = "8800"
                killsnoop.target.age = 352800.0
                killsnoop.oom.scope = "unknown"
                killsnoop.oom.score_adj = 0
                log.record.uid = "9f0c-400000000000000-oom_kill-4711"
            "#]],
        );
    }
}
