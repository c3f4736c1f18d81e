//! Tests of the JSON, line by line.

use std::sync::Arc;

use expect_test::expect;
use killsnoop_common::COMM_LEN;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;
use crate::{
    cgroup::{Container, Pod},
    event::{
        Comm, Death, OomKill, Signal,
        examples::{self, call as example},
    },
};

fn print(event: &Event) -> String {
    let mut out = Vec::new();
    Json::new().line(event, &mut out);
    String::from_utf8(out).unwrap()
}

fn print_call(call: Call) -> String {
    print(&Event::Call(call))
}

/// The example's sender, elsewhere.
fn sender_in(place: Place) -> Process {
    Process { place: Some(Arc::new(place)), ..example().sender }
}

#[test]
fn each_kind_of_call_has_its_fields() {
    let late = Time { boot_ns: u64::MAX, ..example().time };
    let lines: String = [
        example(),
        Call { syscall: Syscall::Tgkill, target_tid: 1025, signal: 35, result: 0, ..example() },
        Call {
            syscall: Syscall::PidfdSendSignal,
            target: 7,
            target_pid: Some(4711),
            signal: 99,
            result: -22,
            ..example()
        },
        Call { compat: true, target: -14076, result: -999, time: late, ..example() },
    ]
    .map(print_call)
    .concat();
    expect![[r#"
        {"event":"kill_call","time":"2023-11-14T22:13:20.123456789Z","boot_ns":"5000000123","syscall":"kill","abi":"native","sender":{"pid":4242,"tid":4243,"uid":1000,"comm":"bash","cgroup_id":77},"signal":9,"signal_name":"SIGKILL","target":1024,"result":-3,"error":"ESRCH"}
        {"event":"kill_call","time":"2023-11-14T22:13:20.123456789Z","boot_ns":"5000000123","syscall":"tgkill","abi":"native","sender":{"pid":4242,"tid":4243,"uid":1000,"comm":"bash","cgroup_id":77},"signal":35,"signal_name":"SIGRTMIN+1","target":1024,"target_tid":1025,"result":0}
        {"event":"kill_call","time":"2023-11-14T22:13:20.123456789Z","boot_ns":"5000000123","syscall":"pidfd_send_signal","abi":"native","sender":{"pid":4242,"tid":4243,"uid":1000,"comm":"bash","cgroup_id":77},"signal":99,"signal_name":"99","target":null,"pidfd":7,"target_pid":4711,"result":-22,"error":"EINVAL"}
        {"event":"kill_call","time":"2023-11-14T22:13:20.123456789Z","boot_ns":"18446744073709551615","syscall":"kill","abi":"compat","sender":{"pid":4242,"tid":4243,"uid":1000,"comm":"bash","cgroup_id":77},"signal":9,"signal_name":"SIGKILL","target":-14076,"result":-999,"error":"999"}
    "#]].assert_eq(&lines);
}

#[test]
fn the_place_of_the_sender_is_told_as_far_as_it_is_known() {
    let container =
        Container { id: "0123456789abcdef".to_owned(), runtime: "docker", name: Some("web".to_owned()) };
    let pod = Pod {
        uid: "1b-2c".to_owned(),
        name: Some("web-7d9f".to_owned()),
        namespace: Some("shop".to_owned()),
    };
    let all = Place {
        path: "/kubepods/a\u{1b}\"".to_owned(),
        container: Some(container),
        pod: Some(pod),
        unit: Some("nginx.service".to_owned()),
    };
    let little = Place {
        path: "/".to_owned(),
        container: Some(Container { id: "01".to_owned(), ..Container::default() }),
        pod: Some(Pod { uid: "1b".to_owned(), ..Pod::default() }),
        unit: None,
    };
    let lines =
        [all, little].map(|place| print_call(Call { sender: sender_in(place), ..example() })).concat();
    expect![[r#"
        {"event":"kill_call","time":"2023-11-14T22:13:20.123456789Z","boot_ns":"5000000123","syscall":"kill","abi":"native","sender":{"pid":4242,"tid":4243,"uid":1000,"comm":"bash","cgroup_id":77,"cgroup":"/kubepods/a\u001b\"","container_id":"0123456789abcdef","container_runtime":"docker","container_name":"web","pod_uid":"1b-2c","pod_name":"web-7d9f","pod_namespace":"shop","unit":"nginx.service"},"signal":9,"signal_name":"SIGKILL","target":1024,"result":-3,"error":"ESRCH"}
        {"event":"kill_call","time":"2023-11-14T22:13:20.123456789Z","boot_ns":"5000000123","syscall":"kill","abi":"native","sender":{"pid":4242,"tid":4243,"uid":1000,"comm":"bash","cgroup_id":77,"cgroup":"/","container_id":"01","pod_uid":"1b"},"signal":9,"signal_name":"SIGKILL","target":1024,"result":-3,"error":"ESRCH"}
    "#]].assert_eq(&lines);
}

#[test]
fn all_else_is_what_its_verdict_makes_of_it_and_begins_like_a_call() {
    let (signal, death, kill) = (examples::signal(), examples::death(), examples::oom_kill());
    let objects =
        [verdict::json::signal(&signal), verdict::json::death(&death), verdict::json::oom_kill(&kill)];
    let events =
        [Event::Signal(Arc::new(signal)), Event::Death(Arc::new(death)), Event::OomKill(Arc::new(kill))];
    let call = print_call(example());
    let first: Map<String, Value> = serde_json::from_str(&call).unwrap();
    for (event, object) in events.iter().zip(objects) {
        assert!(object.keys().take(3).eq(first.keys().take(3)), "{object:?}");
        assert_eq!(print(event), verdict::json::line(object) + "\n");
    }
}

/// Makes each kind of event but calls, with this name and this path of the target.
fn named(name: [u8; COMM_LEN], path: &str) -> [Event; 3] {
    let place = Some(Arc::new(Place { path: path.to_owned(), ..Place::default() }));
    let process = |process: Process| Process { comm: Comm(name), place: place.clone(), ..process };
    let (signal, death, kill) = (examples::signal(), examples::death(), examples::oom_kill());
    [
        Event::Signal(Arc::new(Signal { target: process(signal.target), ..signal })),
        Event::Death(Arc::new(Death { victim: process(death.victim), ..death })),
        Event::OomKill(Arc::new(OomKill { victim: process(kill.victim), ..kill })),
    ]
}

proptest! {
    #[test]
    fn any_call_is_one_object_on_one_line(
        name: [u8; COMM_LEN], path: String, signal: i32, target: i32, result: i32, unix_ns: u64, syscall in 0..6usize
    ) {
        let place = Place { path: path.clone(), ..Place::default() };
        let sender = Process { comm: Comm(name), ..sender_in(place) };
        let comm = sender.comm;
        let (syscall, time) = (Syscall::ALL[syscall], Time { unix_ns, ..example().time });
        let line = print_call(Call { time, syscall, sender, target, signal, result, ..example() });
        let text = line.strip_suffix('\n').unwrap();
        prop_assert!(!text.contains(char::is_control));
        let object: Value = serde_json::from_str(text).unwrap();
        prop_assert_eq!(object["sender"]["comm"].as_str(), Some(&*comm.text()));
        prop_assert_eq!(object["sender"]["cgroup"].as_str(), Some(&*path));
        prop_assert_eq!(&object["signal"], signal);
        prop_assert_eq!(&object["result"], result);
        let field = if syscall == Syscall::PidfdSendSignal { "pidfd" } else { "target" };
        prop_assert_eq!(&object[field], target);
    }

    #[test]
    fn any_other_event_is_one_object_on_one_line_too(name: [u8; COMM_LEN], path: String) {
        for event in named(name, &path) {
            let line = print(&event);
            let text = line.strip_suffix('\n').unwrap();
            prop_assert!(!text.contains(char::is_control), "{}", text);
            prop_assert!(serde_json::from_str::<Map<String, Value>>(text).is_ok(), "{}", text);
        }
    }
}
