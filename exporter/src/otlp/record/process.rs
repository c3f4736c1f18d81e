//! Processes as attributes. The sender has the names of the semantic conventions; whoever the signal was for has the
//! same facts below `killsnoop.target`, since one record cannot have `process.pid` twice.

use std::{
    borrow::Cow,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use killsnoop_common::process::EXE_LEN;
use opentelemetry_semantic_conventions::attribute as semconv;

use super::attributes::Attributes;
use crate::{
    cgroup::{Container, Place, Pod},
    event::{Background, Process, Time},
};

/// The names of the attributes of a process.
struct Role {
    pid: &'static str,
    tid: &'static str,
    uid: &'static str,
    comm: &'static str,
    ns_pid: &'static str,
    pid_ns: &'static str,
    creation_time: &'static str,
    executable_path: &'static str,
    executable_name: &'static str,
    command_line: &'static str,
    parent_pid: &'static str,
    ancestors: &'static str,
    cgroup_id: &'static str,
    cgroup_path: &'static str,
    unit: &'static str,
    container_id: &'static str,
    container_runtime: &'static str,
    container_name: &'static str,
    pod_uid: &'static str,
    pod_name: &'static str,
    pod_namespace: &'static str,
    pod_container: &'static str,
}

const SENDER: Role = Role {
    pid: semconv::PROCESS_PID,
    tid: semconv::THREAD_ID,
    uid: semconv::PROCESS_REAL_USER_ID,
    comm: semconv::THREAD_NAME,
    ns_pid: semconv::PROCESS_VPID,
    pid_ns: "killsnoop.sender.pid_ns",
    creation_time: semconv::PROCESS_CREATION_TIME,
    executable_path: semconv::PROCESS_EXECUTABLE_PATH,
    executable_name: semconv::PROCESS_EXECUTABLE_NAME,
    command_line: semconv::PROCESS_COMMAND_LINE,
    parent_pid: semconv::PROCESS_PARENT_PID,
    ancestors: "killsnoop.sender.ancestors",
    cgroup_id: "killsnoop.sender.cgroup.id",
    cgroup_path: "killsnoop.sender.cgroup.path",
    unit: "killsnoop.sender.unit",
    container_id: semconv::CONTAINER_ID,
    container_runtime: semconv::CONTAINER_RUNTIME_NAME,
    container_name: semconv::CONTAINER_NAME,
    pod_uid: semconv::K8S_POD_UID,
    pod_name: semconv::K8S_POD_NAME,
    pod_namespace: semconv::K8S_NAMESPACE_NAME,
    pod_container: semconv::K8S_CONTAINER_NAME,
};

const TARGET: Role = Role {
    pid: "killsnoop.target.pid",
    tid: "killsnoop.target.tid",
    uid: "killsnoop.target.user.id",
    comm: "killsnoop.target.comm",
    ns_pid: "killsnoop.target.vpid",
    pid_ns: "killsnoop.target.pid_ns",
    creation_time: "killsnoop.target.creation.time",
    executable_path: "killsnoop.target.executable.path",
    executable_name: "killsnoop.target.executable.name",
    command_line: "killsnoop.target.command_line",
    parent_pid: "killsnoop.target.parent_pid",
    ancestors: "killsnoop.target.ancestors",
    cgroup_id: "killsnoop.target.cgroup.id",
    cgroup_path: "killsnoop.target.cgroup.path",
    unit: "killsnoop.target.unit",
    container_id: "killsnoop.target.container.id",
    container_runtime: "killsnoop.target.container.runtime.name",
    container_name: "killsnoop.target.container.name",
    pod_uid: "killsnoop.target.k8s.pod.uid",
    pod_name: "killsnoop.target.k8s.pod.name",
    pod_namespace: "killsnoop.target.k8s.namespace.name",
    pod_container: "killsnoop.target.k8s.container.name",
};

impl Attributes {
    /// The sender, at the time of the event.
    pub(super) fn sender(&mut self, sender: &Process, background: Option<&Background>, time: &Time) {
        self.process(&SENDER, sender, background, time);
    }

    /// Whoever the signal was for, at the time of the event.
    pub(super) fn target(&mut self, target: &Process, background: Option<&Background>, time: &Time) {
        self.process(&TARGET, target, background, time);
        if let Some(age) = age(target, time) {
            self.seconds("killsnoop.target.age", age);
        }
    }

    fn process(&mut self, role: &Role, process: &Process, background: Option<&Background>, time: &Time) {
        self.int(role.pid, process.pid);
        self.int(role.uid, process.uid);
        self.int(role.tid, process.tid);
        self.text(role.comm, process.comm.text());
        self.int_if_known(role.ns_pid, (process.ns_pid != 0).then_some(process.ns_pid));
        self.int_if_known(role.pid_ns, (process.pid_ns != 0).then_some(process.pid_ns));
        self.text_if_known(role.creation_time, creation_time(process, time));
        self.text(role.cgroup_id, process.cgroup.to_string());
        if let Some(place) = &process.place {
            self.place(role, place);
        }
        if let Some(background) = background {
            self.background(role, background);
        }
    }

    fn place(&mut self, role: &Role, place: &Place) {
        self.text(role.cgroup_path, &*place.path);
        self.text_if_known(role.unit, place.unit.as_deref());
        // Within a pod its name is the one in the pod's specification; runtimes give it another one.
        let name = if place.pod.is_some() { role.pod_container } else { role.container_name };
        if let Some(Container { id, runtime, name: given }) = &place.container {
            self.text(role.container_id, &**id);
            self.text_if_known(role.container_runtime, (!runtime.is_empty()).then_some(*runtime));
            self.text_if_known(name, given.as_deref());
        }
        if let Some(Pod { uid, name, namespace }) = &place.pod {
            self.text(role.pod_uid, &**uid);
            self.text_if_known(role.pod_name, name.as_deref());
            self.text_if_known(role.pod_namespace, namespace.as_deref());
        }
    }

    fn background(&mut self, role: &Role, background: &Background) {
        let Background { exe, command, ancestors } = background;
        self.text_if_known(role.executable_path, exe.as_deref());
        self.text_if_known(role.executable_name, exe.as_deref().and_then(executable_name));
        self.text_if_known(role.command_line, command.as_deref());
        self.int_if_known(role.parent_pid, ancestors.first().map(|(pid, _)| *pid));
        if !ancestors.is_empty() {
            self.texts(
                role.ancestors,
                ancestors.iter().map(|(pid, comm)| format!("{} ({pid})", comm.text())),
            );
        }
    }
}

/// `None` for a path that may have been cut off: what is missing is the name.
fn executable_name(path: &str) -> Option<Cow<'_, str>> {
    let is_whole = path.len() < EXE_LEN - 1;
    is_whole.then(|| Path::new(path).file_name())?.map(|name| name.to_string_lossy())
}

fn creation_time(process: &Process, time: &Time) -> Option<String> {
    let unix_ns = time.unix_ns.saturating_sub(u64::try_from(age(process, time)?.as_nanos()).ok()?);
    Some(humantime::format_rfc3339_nanos(UNIX_EPOCH + Duration::from_nanos(unix_ns)).to_string())
}

/// How long the process had lived; `None` if its beginning is not known.
fn age(process: &Process, time: &Time) -> Option<Duration> {
    let ns = time.boot_ns.saturating_sub(process.start_boot_ns);
    (process.start_boot_ns != 0).then(|| Duration::from_nanos(ns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::examples;

    #[test]
    fn the_name_of_an_executable_is_the_last_part_of_a_path_that_is_whole() {
        let cut_off = "x".repeat(EXE_LEN - 1);
        let rows = [
            ("/usr/sbin/nginx", Some("nginx")),
            ("./a b", Some("a b")),
            ("sh", Some("sh")),
            ("/", None),
            ("..", None),
            ("", None),
            (&cut_off, None),
        ];
        for (path, expected) in rows {
            assert_eq!(executable_name(path).as_deref(), expected, "{path:?}");
        }
        assert!(executable_name(&cut_off[1..]).is_some());
    }

    #[test]
    fn a_beginning_is_told_by_the_clock_of_the_event_and_only_if_it_is_known() {
        let death = examples::death();
        let created = |start_boot_ns, unix_ns| {
            let process = Process { start_boot_ns, ..death.victim.clone() };
            creation_time(&process, &Time { unix_ns, ..death.time })
        };
        let (happened, second) = (death.time.unix_ns, 1_000_000_000);
        let told = |text: &str| Some(text.to_owned());
        assert_eq!(created(death.time.boot_ns - second, happened), told("2023-11-14T22:13:19.123456789Z"));
        // A record that is younger than its process is a clock that went astray.
        assert_eq!(created(u64::MAX, happened), told("2023-11-14T22:13:20.123456789Z"));
        assert_eq!(created(1, 0), told("1970-01-01T00:00:00.000000000Z"));
        assert_eq!(created(death.time.boot_ns, u64::MAX), told("2554-07-21T23:34:33.709551615Z"));
        assert_eq!(created(0, happened), None);
    }
}
