//! Processes as JSON.

use serde_json::{Map, Value, json};

use super::{put, put_known};
use crate::{
    cgroup::Place,
    event::{Background, Process},
};

/// A process, and what else is known of it.
pub(super) fn process(process: &Process, background: Option<&Background>) -> Map<String, Value> {
    let mut object = Map::new();
    put(&mut object, "pid", process.pid);
    put(&mut object, "tid", process.tid);
    put(&mut object, "uid", process.uid);
    put(&mut object, "comm", process.comm.text());
    put_known(&mut object, "ns_pid", (process.ns_pid != 0).then_some(process.ns_pid));
    put_known(&mut object, "pid_ns", (process.pid_ns != 0).then_some(process.pid_ns));
    let start = process.start_boot_ns;
    put_known(&mut object, "start_boot_ns", (start != 0).then(|| start.to_string()));
    put(&mut object, "cgroup_id", process.cgroup);
    if let Some(place) = &process.place {
        put_place(&mut object, place);
    }
    if let Some(background) = background {
        put_background(&mut object, background);
    }
    object
}

fn put_place(object: &mut Map<String, Value>, place: &Place) {
    put(object, "cgroup", &*place.path);
    if let Some(container) = &place.container {
        put(object, "container_id", &*container.id);
        put_known(object, "container_runtime", Some(container.runtime).filter(|runtime| !runtime.is_empty()));
        put_known(object, "container_name", container.name.as_deref());
    }
    if let Some(pod) = &place.pod {
        put(object, "pod_uid", &*pod.uid);
        put_known(object, "pod_name", pod.name.as_deref());
        put_known(object, "pod_namespace", pod.namespace.as_deref());
    }
    put_known(object, "unit", place.unit.as_deref());
}

fn put_background(object: &mut Map<String, Value>, background: &Background) {
    put_known(object, "exe", background.exe.as_deref());
    put_known(object, "command", background.command.as_deref());
    if !background.ancestors.is_empty() {
        let one = |(pid, comm): &(u32, crate::event::Comm)| json!({ "pid": pid, "comm": comm.text() });
        put(object, "ancestors", background.ancestors.iter().map(one).collect::<Vec<_>>());
    }
}
