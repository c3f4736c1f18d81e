//! One JSON object a line; the parent module's doc lists the fields.

use jiff::tz::TimeZone;
use killsnoop_common::kill::Syscall;

use super::{escape, number, second::Second};
use crate::event::{Call, Process};

/// Prints events as JSON objects.
#[derive(Debug)]
pub(super) struct Json {
    time: Second,
}

impl Json {
    pub(super) fn new() -> Self {
        Self { time: Second::new(TimeZone::UTC, "%Y-%m-%dT%H:%M:%S") }
    }

    /// Writes the line of an event. Names and numbers of ours need no escapes; the sender's name does.
    pub(super) fn line(&mut self, event: &Call, out: &mut Vec<u8>) {
        self.time(event, out);
        call(event, out);
        sender(&event.sender, out);
        signal(event, out);
        target(event, out);
        result(event, out);
        out.extend_from_slice(b"}\n");
    }

    fn time(&mut self, event: &Call, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"time\":\"");
        let nanoseconds = self.time.write(event.time.unix_ns, out);
        out.push(b'.');
        number::zero_padded::<9>(nanoseconds, out);
        out.extend_from_slice(b"Z\",\"boot_ns\":\"");
        number::unsigned(event.time.boot_ns, out);
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
    out.push(b'}');
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
mod tests {
    use expect_test::expect;
    use killsnoop_common::COMM_LEN;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::event::{Comm, examples::call as example};

    fn print(event: &Call) -> String {
        let mut out = Vec::new();
        Json::new().line(event, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_kind_of_call_has_its_fields() {
        let event = example();
        let lines: String = [
            event,
            Call { syscall: Syscall::Tgkill, target_tid: 1025, signal: 35, result: 0, ..event },
            Call { syscall: Syscall::PidfdSendSignal, target: 7, signal: 99, result: -22, ..event },
            Call { compat: true, target: -14076, result: -999, at_boot_ns: u64::MAX, ..event },
        ]
        .iter()
        .map(print)
        .collect();
        expect![[r#"
            {"time":"2023-11-14T22:13:20.123456789Z","boot_ns":"5000000123","syscall":"kill","abi":"native","sender":{"pid":4242,"tid":4243,"uid":1000,"comm":"bash","cgroup_id":77},"signal":9,"signal_name":"SIGKILL","target":1024,"result":-3,"error":"ESRCH"}
            {"time":"2023-11-14T22:13:20.123456789Z","boot_ns":"5000000123","syscall":"tgkill","abi":"native","sender":{"pid":4242,"tid":4243,"uid":1000,"comm":"bash","cgroup_id":77},"signal":35,"signal_name":"SIGRTMIN+1","target":1024,"target_tid":1025,"result":0}
            {"time":"2023-11-14T22:13:20.123456789Z","boot_ns":"5000000123","syscall":"pidfd_send_signal","abi":"native","sender":{"pid":4242,"tid":4243,"uid":1000,"comm":"bash","cgroup_id":77},"signal":99,"signal_name":"99","target":null,"pidfd":7,"result":-22,"error":"EINVAL"}
            {"time":"2023-11-14T22:13:20.123456789Z","boot_ns":"18446744073709551615","syscall":"kill","abi":"compat","sender":{"pid":4242,"tid":4243,"uid":1000,"comm":"bash","cgroup_id":77},"signal":9,"signal_name":"SIGKILL","target":-14076,"result":-999,"error":"999"}
        "#]]
        .assert_eq(&lines);
    }

    proptest! {
        #[test]
        fn any_event_is_one_object_on_one_line(
            name: [u8; COMM_LEN], signal: i32, target: i32, result: i32, at_unix_ns: u64, syscall in 0..6usize
        ) {
            let event = example();
            let sender = Process { comm: Comm(name), ..event.sender };
            let syscall = Syscall::ALL[syscall];
            let line = print(&Call { at_unix_ns, syscall, sender, target, signal, result, ..event });
            let text = line.strip_suffix('\n').unwrap();
            prop_assert!(!text.contains(char::is_control));
            let object: Value = serde_json::from_str(text).unwrap();
            prop_assert_eq!(object["sender"]["comm"].as_str(), Some(&*sender.comm.text()));
            prop_assert_eq!(&object["signal"], signal);
            prop_assert_eq!(&object["result"], result);
            let field = if syscall == Syscall::PidfdSendSignal { "pidfd" } else { "target" };
            prop_assert_eq!(&object[field], target);
        }
    }
}
