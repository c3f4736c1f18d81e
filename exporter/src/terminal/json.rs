//! One JSON object a line; the parent module's doc lists the fields.

use jiff::tz::TimeZone;
use killsnoop_common::kill::Syscall;

use super::{escape, number, second::Second};
use crate::{
    cgroup::Place,
    event::{Call, Event, Process, Time},
    verdict,
};

/// Prints events as JSON objects.
#[derive(Debug)]
pub(super) struct Json {
    time: Second,
    sender: Option<(Process, Vec<u8>)>,
}

impl Json {
    pub(super) fn new() -> Self {
        Self { time: Second::new(TimeZone::UTC, "%Y-%m-%dT%H:%M:%S"), sender: None }
    }

    /// Writes the line of an event.
    pub(super) fn line(&mut self, event: &Event, out: &mut Vec<u8>) {
        let object = match event {
            // Calls can come in floods, and are written by hand.
            Event::Call(call) => return self.call(call, out),
            Event::Signal(signal) => verdict::json::signal(signal),
            Event::Death(death) => verdict::json::death(death),
            Event::OomKill(kill) => verdict::json::oom_kill(kill),
        };
        out.extend_from_slice(verdict::json::line(object).as_bytes());
        out.push(b'\n');
    }

    /// Names and numbers of ours need no escapes; names of others do.
    fn call(&mut self, event: &Call, out: &mut Vec<u8>) {
        self.time(event.time, out);
        call(event, out);
        self.sender(&event.sender, out);
        signal(event, out);
        target(event, out);
        result(event, out);
        out.extend_from_slice(b"}\n");
    }

    /// Most calls of a flood have the sender of the one before: its text is half of the line and more of the work.
    fn sender(&mut self, sender: &Process, out: &mut Vec<u8>) {
        if self.sender.as_ref().is_none_or(|(other, _)| other != sender) {
            let mut text = Vec::new();
            self::sender(sender, &mut text);
            self.sender = Some((sender.clone(), text));
        }
        if let Some((_, text)) = &self.sender {
            out.extend_from_slice(text);
        }
    }

    fn time(&mut self, time: Time, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"event\":\"kill_call\",\"time\":\"");
        let nanoseconds = self.time.write(time.unix_ns, out);
        out.push(b'.');
        number::zero_padded::<9>(nanoseconds, out);
        out.extend_from_slice(b"Z\",\"boot_ns\":\"");
        number::unsigned(time.boot_ns, out);
        out.push(b'"');
    }
}

fn call(event: &Call, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"syscall\":\"");
    out.extend_from_slice(event.syscall.name().as_bytes());
    out.extend_from_slice(b"\",\"abi\":\"");
    out.extend_from_slice(if event.compat { b"compat" } else { b"native" });
    out.push(b'"');
}

fn sender(sender: &Process, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"sender\":{\"pid\":");
    number::unsigned(sender.pid, out);
    out.extend_from_slice(b",\"tid\":");
    number::unsigned(sender.tid, out);
    out.extend_from_slice(b",\"uid\":");
    number::unsigned(sender.uid, out);
    out.extend_from_slice(b",\"comm\":");
    escape::json(&sender.comm.text(), out);
    out.extend_from_slice(b",\"cgroup_id\":");
    number::unsigned(sender.cgroup, out);
    if let Some(place) = &sender.place {
        self::place(place, out);
    }
    out.push(b'}');
}

fn place(place: &Place, out: &mut Vec<u8>) {
    string("cgroup", Some(&place.path), out);
    if let Some(container) = &place.container {
        let runtime = Some(container.runtime).filter(|runtime| !runtime.is_empty());
        string("container_id", Some(&container.id), out);
        string("container_runtime", runtime, out);
        string("container_name", container.name.as_deref(), out);
    }
    if let Some(pod) = &place.pod {
        string("pod_uid", Some(&pod.uid), out);
        string("pod_name", pod.name.as_deref(), out);
        string("pod_namespace", pod.namespace.as_deref(), out);
    }
    string("unit", place.unit.as_deref(), out);
}

/// Writes a member that follows others; nothing if it is not known.
fn string(name: &str, text: Option<&str>, out: &mut Vec<u8>) {
    if let Some(text) = text {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        escape::json(text, out);
    }
}

fn signal(event: &Call, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"signal\":");
    number::signed(event.signal, out);
    out.extend_from_slice(b",\"signal_name\":\"");
    out.extend_from_slice(event.signal_name().as_bytes());
    out.push(b'"');
}

fn target(event: &Call, out: &mut Vec<u8>) {
    out.extend_from_slice(match event.syscall {
        Syscall::PidfdSendSignal => b",\"target\":null,\"pidfd\":",
        _ => b",\"target\":",
    });
    number::signed(event.target, out);
    if event.target_tid != 0 {
        out.extend_from_slice(b",\"target_tid\":");
        number::signed(event.target_tid, out);
    }
    if let Some(pid) = event.target_pid {
        out.extend_from_slice(b",\"target_pid\":");
        number::unsigned(pid, out);
    }
}

fn result(event: &Call, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"result\":");
    number::signed(event.result, out);
    if let Some(error) = event.error_name() {
        out.extend_from_slice(b",\"error\":\"");
        out.extend_from_slice(error.as_bytes());
        out.push(b'"');
    }
}

#[cfg(test)]
mod tests;
