//! What people see.

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use expect_test::{Expect, expect};
use jiff::tz::Offset;
use killsnoop_exporter::cli::{Cli, Command};
use serde_json::{Map, Value};

use super::*;

/// A death with everything that can be known of one.
const DEATH: &str = include_str!("../../verdict/tests/death.json");

fn show(is_colored: bool) -> Show {
    Show { zone: TimeZone::fixed(Offset::constant(2)), is_colored }
}

fn object(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap()
}

fn answer(events: &[&str], n_matching: u64) -> Answer {
    let events = events.iter().map(|event| object(event)).collect();
    Answer { events, n_matching, n_kept: 312, since: "2023-11-14T20:00:00.000000000Z".to_owned() }
}

fn check(answer: &Answer, expected: &Expect) {
    expected.assert_eq(&show(false).answer(answer));
}

#[test]
fn one_death_alone_is_told_with_all_that_is_known() {
    check(
        &answer(&[DEATH], 1),
        &expect![[r"
            2023-11-15 00:13:20  nginx (4711, pod shop/web-7d9f/nginx) was killed by SIGKILL: kill() by systemd-oomd (612, uid 994) 0.3 s after its SIGTERM; up 4 d 2 h; exit status 137
                 victim  nginx (4711), uid 33, 7 in its pid namespace
                    ran  nginx -g x
                    exe  /usr/sbin/nginx
                parents  nginx (4700) < systemd (1)
                    pod  shop web-7d9f 1f0c-22
              container  containerd nginx 3f4a5b6c7d8e9f00
                   unit  kubepods.slice
                 cgroup  /kubepods/pod1f0c/3f4a
                 signal  SIGKILL by kill from systemd-oomd (612), claims to be from 1, delivered
                 sender  systemd-oomd (612), uid 994
                    ran  /usr/lib/systemd/systemd-oomd
                parents  systemd (1)
                 before  SIGTERM by kill from systemd-oomd (612), delivered, 0.3 s earlier
                 memory  memcg /kubepods, total 400.0 MiB, anon 250.0 MiB, file 3.0 MiB, shmem 0 B, page table 700.0 KiB, oom_score_adj 500
        "]],
    );
}

#[test]
fn several_deaths_have_a_line_each() {
    check(
        &answer(&[DEATH, DEATH], 2),
        &expect![[r"
        2023-11-15 00:13:20  nginx (4711, pod shop/web-7d9f/nginx) was killed by SIGKILL: kill() by systemd-oomd (612, uid 994) 0.3 s after its SIGTERM; up 4 d 2 h; exit status 137
        2023-11-15 00:13:20  nginx (4711, pod shop/web-7d9f/nginx) was killed by SIGKILL: kill() by systemd-oomd (612, uid 994) 0.3 s after its SIGTERM; up 4 d 2 h; exit status 137
    "]],
    );
    check(
        &answer(&[DEATH], 2),
        &expect![[r"
        2023-11-15 00:13:20  nginx (4711, pod shop/web-7d9f/nginx) was killed by SIGKILL: kill() by systemd-oomd (612, uid 994) 0.3 s after its SIGTERM; up 4 d 2 h; exit status 137
    "]],
    );
}

#[test]
fn what_is_not_known_has_no_line() {
    let little = r#"{"event":"death","time":"2023-11-14T22:13:20Z","victim":{"pid":5,"comm":"","uid":0},"verdict":"? (5) was killed by SIGKILL: nobody was seen to send it; exit status 137"}"#;
    check(
        &answer(&[little], 1),
        &expect![[r"
        2023-11-15 00:13:20  ? (5) was killed by SIGKILL: nobody was seen to send it; exit status 137
             victim  ? (5), uid 0
    "]],
    );
    let kill = r#"{"event":"oom_kill","time":"2023-11-14T22:13:20Z","victim":{"pid":5,"comm":"a","uid":1,"ns_pid":5,"exe":"/a"},"trigger":{"pid":6,"comm":"b","uid":2,"ns_pid":1},"memory":{"scope":"global","oom_score_adj":-5},"verdict":"a (5) was chosen by the OOM killer: the machine was out of memory"}"#;
    check(
        &answer(&[kill], 1),
        &expect![[r"
        2023-11-15 00:13:20  a (5) was chosen by the OOM killer: the machine was out of memory
             victim  a (5), uid 1
                ran  /a
            trigger  b (6), uid 2, 1 in its pid namespace
             memory  global, oom_score_adj -5
    "]],
    );
}

#[test]
fn a_terminal_is_told_what_matters() {
    let text = show(true).answer(&answer(&[DEATH], 2));
    assert_eq!(
        text.split(": ").next().unwrap(),
        "\x1b[2m2023-11-15 00:13:20\x1b[0m  \x1b[1mnginx (4711, pod shop/web-7d9f/nginx) was killed by SIGKILL\x1b[0m"
    );
}

#[test]
fn nothing_in_an_answer_moves_a_cursor_or_ends_a_line() {
    let evil =
        |value: &Value| if value.is_string() { Value::from("\u{1b}[2J\n\u{202e}x") } else { value.clone() };
    let spoil = |object: &Map<String, Value>| -> Map<String, Value> {
        object.iter().map(|(key, value)| (key.clone(), evil(value))).collect()
    };
    let mut event = spoil(&object(DEATH));
    for (_, value) in &mut event {
        if let Value::Object(inner) = value {
            *inner = spoil(inner);
        }
    }
    let text = show(false).answer(&Answer { events: vec![event], n_matching: 1, ..Answer::default() });
    assert!(text.chars().all(|char| char == '\n' || !char.is_control() && char != '\u{202e}'), "{text:?}");
    let n_lines = show(false).answer(&answer(&[DEATH], 1)).lines().count();
    assert_eq!(text.lines().count(), n_lines);
}

#[test]
fn what_is_no_answer_of_ours_is_shown_as_far_as_it_goes() {
    check(
        &answer(&["{}"], 1),
        &expect![[r"
            ?  ?
        "]],
    );
    let odd =
        r#"{"time":1,"verdict":2,"victim":[],"fatal":"x","preceded_by":{"seconds_before":-1},"memory":null}"#;
    check(
        &answer(&[odd], 1),
        &expect![[r"
            ?  ?
                 before  ? by ?, ?
        "]],
    );
}

#[test]
fn that_there_is_none_is_told_with_how_many_there_are() {
    let query = |whom: &str, within| Query { whom: whom.parse().unwrap(), within, limit: 1 };
    let none = answer(&[], 0);
    let rows = [
        (
            query("", None),
            "no process was seen to die of a signal; 312 deaths are known since 2023-11-14 22:00:00",
        ),
        (
            query("name:a\n", Some(Duration::from_mins(10))),
            r#"nobody that matches "name:a\n" was seen to die of a signal in the last 10 m; 312 deaths are known since 2023-11-14 22:00:00"#,
        ),
    ];
    for (query, expected) in rows {
        assert_eq!(nobody(&query, &none, &show(false)), expected);
    }
    let one = nobody(&query("", None), &Answer { n_kept: 1, ..none }, &show(false));
    assert!(one.contains("1 death is known"), "{one}");
}

#[test]
fn nobody_to_ask_is_told_with_how_to_start_one() {
    let path = PathBuf::from("/nonexistent/control.sock");
    let words = ["killsnoop-exporter", "why", "--socket", path.to_str().unwrap()];
    let Command::Why(args) = Cli::parse_from(words).command() else { panic!("not why") };
    let error = format!("{:#}", why(&args).unwrap_err());
    assert!(error.contains("systemctl start killsnoop-exporter"), "{error}");
}
