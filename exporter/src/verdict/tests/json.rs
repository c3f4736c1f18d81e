//! Every object, whole.

use std::sync::Arc;

use expect_test::{expect, expect_file};
use killsnoop_common::cause::Cause;
use serde_json::{Map, Value};

use super::place;
use crate::{
    cgroup::{Container, Place, Pod},
    event::{Background, Death, Process, Signal, examples},
    verdict::json::{death, line, oom_kill, signal},
};

fn pretty(object: &Map<String, Value>) -> String {
    serde_json::to_string_pretty(object).unwrap() + "\n"
}

#[test]
fn a_death_is_told_in_json_with_everything_that_is_known() {
    let mut told = Death { memory: Some(examples::oom_kill().memory), ..examples::death() };
    told.victim.place = Some(everywhere());
    told.victim_background.command = Some("nginx -g x".to_owned());
    told.fatal.as_mut().unwrap().claimed_pid = Some(1);
    told.memory.as_mut().unwrap().limit_place = Some(place("/kubepods"));
    expect_file!["death.json"].assert_eq(&pretty(&death(&told)));
}

#[test]
fn what_is_not_known_is_absent_from_json() {
    let little = Death {
        cause: Cause::Unknown,
        victim: Process { pid: 5, ..Process::default() },
        victim_background: Background::default(),
        fatal: None,
        before: None,
        ..examples::death()
    };
    expect![[r#"{"event":"death","time":"2023-11-14T22:13:20.123456789Z","boot_ns":"400000000000000","signal":9,"signal_name":"SIGKILL","cause":"unknown","core_dumped":false,"exit_status":137,"victim":{"pid":5,"tid":0,"uid":0,"comm":"","cgroup_id":0},"sender_name":"unknown","verdict":"? (5) was killed by SIGKILL: nobody was seen to send it; exit status 137"}"#]].assert_eq(&line(death(&little)));
}

#[test]
fn oom_kills_and_signals_are_told_in_json() {
    expect![[r#"{"event":"oom_kill","time":"2023-11-14T22:13:20.123456789Z","boot_ns":"400000000000000","victim":{"pid":4711,"tid":4711,"uid":33,"comm":"nginx","ns_pid":7,"pid_ns":4026532001,"start_boot_ns":"47200000000000","cgroup_id":8800},"trigger":{"pid":612,"tid":612,"uid":994,"comm":"systemd-oomd","ns_pid":612,"pid_ns":4026531836,"start_boot_ns":"9000000000","cgroup_id":500},"memory":{"scope":"memcg","limit_cgroup_id":8700,"total_bytes":419430400,"anon_bytes":262144000,"file_bytes":3145728,"shmem_bytes":0,"page_table_bytes":716800,"oom_score_adj":500},"verdict":"nginx (4711) was chosen by the OOM killer: its memory cgroup (id 8700) was at its limit (anon 250.0 MiB, oom_score_adj 500); systemd-oomd (612, uid 994) wanted memory"}"#]].assert_eq(&line(oom_kill(&examples::oom_kill())));
    let event = Signal { blocked: 0x4000, ..examples::signal() };
    expect![[r#"{"event":"signal","time":"2023-11-14T22:13:20.123456789Z","boot_ns":"400000000000000","target":{"pid":4711,"tid":4711,"uid":33,"comm":"nginx","ns_pid":7,"pid_ns":4026532001,"start_boot_ns":"47200000000000","cgroup_id":8800},"signal":11,"signal_name":"SIGSEGV","cause":"fault","outcome":"delivered","action":"default","code":1,"to_process":false,"sender_name":"kernel:fault","blocked":"0000000000004000"}"#]].assert_eq(&line(signal(&event)));
}

fn everywhere() -> Arc<Place> {
    Arc::new(Place {
        path: "/kubepods/pod1f0c/3f4a".to_owned(),
        container: Some(Container {
            id: "3f4a5b6c7d8e9f00".to_owned(),
            runtime: "containerd",
            name: Some("nginx".to_owned()),
        }),
        pod: Some(Pod {
            uid: "1f0c-22".to_owned(),
            name: Some("web-7d9f".to_owned()),
            namespace: Some("shop".to_owned()),
        }),
        unit: Some("kubepods.slice".to_owned()),
    })
}
