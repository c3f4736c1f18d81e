//! Tests of the table, line by line.

use std::sync::Arc;

use expect_test::{Expect, expect};
use jiff::tz::Offset;
use killsnoop_common::{
    COMM_LEN,
    cause::{Cause, Outcome},
};
use proptest::prelude::*;

use super::*;
use crate::event::{
    Comm, Death, OomKill, Posted, Process, Time,
    examples::{self, call as example},
};

const NARROW: usize = 6;
const WIDE: usize = 8;

fn table(columns: Columns, pid_width: usize) -> Table {
    Table::new(columns, false, pid_width, TimeZone::fixed(Offset::constant(-3)))
}

fn comm(name: &[u8]) -> Comm {
    let mut comm = [0; COMM_LEN];
    comm[..name.len()].copy_from_slice(name);
    Comm(comm)
}

/// 12:10:51 three hours west of Greenwich.
fn noon() -> Time {
    Time { unix_ns: 1_700_061_051_012_345_678, ..examples::death().time }
}

/// A call by `bash` at that time.
fn kill(pid: u32, name: &[u8], signal: i32, target: i32, result: i32) -> Call {
    let event = example();
    Call {
        time: noon(),
        sender: Process { pid, comm: comm(name), ..event.sender },
        signal,
        target,
        result,
        ..event
    }
}

/// Each event but a call: a timer of nobody's ends for nginx (4711), systemd-oomd (612) ends nginx, memory runs out.
fn others() -> [Event; 3] {
    let (signal, death, kill) = (examples::signal(), examples::death(), examples::oom_kill());
    let posted = Posted { signal: 14, cause: Cause::Timer, ..signal.posted };
    [
        Event::Signal(Arc::new(Signal { time: noon(), posted, ..signal })),
        Event::Death(Arc::new(Death { time: noon(), ..death })),
        Event::OomKill(Arc::new(OomKill { time: noon(), ..kill })),
    ]
}

fn print(mut table: Table, events: &[Event]) -> String {
    let mut out = Vec::new();
    table.header(&mut out);
    for event in events {
        table.line(event, &mut out);
    }
    String::from_utf8(out).unwrap()
}

fn calls(events: &[Call]) -> Vec<Event> {
    events.iter().cloned().map(Event::Call).collect()
}

fn check(columns: Columns, events: &[Call], expected: &Expect) {
    expected.assert_eq(&print(table(columns, WIDE), &calls(events)));
}

#[test]
fn lines_are_those_of_killsnoop_8() {
    let events = [
        kill(13967, b"bash", 9, 13885, 0),
        kill(13967, b"bash", 9, 1024, -3),
        kill(1, b"systemd", 15, -14076, 0),
    ];
    check(
        Columns::default(),
        &events,
        &expect![[r"
            TIME      PID      COMM             SIG  TPID     RESULT
            12:10:51  13967    bash             9    13885    0
            12:10:51  13967    bash             9    1024     -3
            12:10:51  1        systemd          15   -14076   0
        "]],
    );
    expect![[r"
        TIME      PID    COMM             SIG  TPID   RESULT
        12:10:51  13967  bash             9    13885  0
        12:10:51  13967  bash             9    1024   -3
        12:10:51  1      systemd          15   -14076 0
    "]]
    .assert_eq(&print(table(Columns::default(), NARROW), &calls(&events)));
}

#[test]
fn odd_numbers_are_shown_as_they_were_asked() {
    let events = [
        kill(4_194_303, b"a", 0, 0, 0),
        kill(1, b"a", 64, -1, -1),
        kill(1, b"a", 99, 1, -22),
        kill(1, b"a", -22, i32::MIN, -3),
    ];
    check(
        Columns::default(),
        &events,
        &expect![[r"
            TIME      PID      COMM             SIG  TPID     RESULT
            12:10:51  4194303  a                0    0        0
            12:10:51  1        a                64   -1       -1
            12:10:51  1        a                99   1        -22
            12:10:51  1        a                -22  -2147483648 -3
        "]],
    );
}

#[test]
fn names_of_signals_fit_into_their_column() {
    let signals = [0, 9, 26, 32, 34, 63, 64, 99, -22];
    check(
        Columns { names: true, ..Columns::default() },
        &signals.map(|signal| kill(1, b"init", signal, 1024, 0)),
        &expect![[r"
            TIME      PID      COMM             SIG         TPID     RESULT
            12:10:51  1        init             0           1024     0
            12:10:51  1        init             SIGKILL     1024     0
            12:10:51  1        init             SIGVTALRM   1024     0
            12:10:51  1        init             32          1024     0
            12:10:51  1        init             SIGRTMIN    1024     0
            12:10:51  1        init             SIGRTMIN+29 1024     0
            12:10:51  1        init             SIGRTMAX    1024     0
            12:10:51  1        init             99          1024     0
            12:10:51  1        init             -22         1024     0
        "]],
    );
}

#[test]
fn each_call_can_be_shown_and_a_file_descriptor_is_told_from_a_pid() {
    let events = Syscall::ALL.map(|syscall| Call { syscall, ..kill(4242, b"bash", 9, 7, 0) });
    check(
        Columns { syscall: true, microseconds: true, names: false },
        &events,
        &expect![[r"
            TIME             PID      COMM             SYSCALL           SIG  TPID     RESULT
            12:10:51.012345  4242     bash             kill              9    7        0
            12:10:51.012345  4242     bash             tkill             9    7        0
            12:10:51.012345  4242     bash             tgkill            9    7        0
            12:10:51.012345  4242     bash             rt_sigqueueinfo   9    7        0
            12:10:51.012345  4242     bash             rt_tgsigqueueinfo 9    7        0
            12:10:51.012345  4242     bash             pidfd_send_signal 9    fd:7     0
        "]],
    );
}

#[test]
fn names_are_escaped_and_padded_by_characters() {
    let names: [&[u8]; 6] =
        [b"", b"a b", b"123456789012345", "\u{e9}t\u{e9}".as_bytes(), b"x\n00:00:00  1", b"\x1b[2J\xff"];
    check(
        Columns::default(),
        &names.map(|name| kill(1, name, 9, 1024, 0)),
        &expect![[r"
            TIME      PID      COMM             SIG  TPID     RESULT
            12:10:51  1                         9    1024     0
            12:10:51  1        a b              9    1024     0
            12:10:51  1        123456789012345  9    1024     0
            12:10:51  1        été              9    1024     0
            12:10:51  1        x\n00:00:00  1   9    1024     0
            12:10:51  1        \x1b[2J\xff      9    1024     0
        "]],
    );
}

#[test]
fn pids_are_as_wide_as_the_machine_has_them() {
    let rows = [(Some("4194304\n"), 8), (Some("32768\n"), 6), (Some("99"), 3), (None, 6)];
    for (pid_max, expected) in rows {
        assert_eq!(pid_width(pid_max), expected, "{pid_max:?}");
    }
}

/// As `trace --all` has them.
const ALL: Columns = Columns { microseconds: false, syscall: true, names: false };

#[test]
fn deaths_and_signals_of_the_kernel_stand_among_the_calls() {
    let calls = calls(&[kill(612, b"systemd-oomd", 9, 4711, 0)]);
    let events = [calls, others().to_vec()].concat();
    expect![[r"
        TIME      PID      COMM             SYSCALL           SIG  TPID     RESULT
        12:10:51  612      systemd-oomd     kill              9    4711     0
        12:10:51  0        kernel:timer     timer             14   4711     0
        12:10:51  DIED  nginx (4711) was killed by SIGKILL: kill() by systemd-oomd (612, uid 994) 0.3 s after its SIGTERM; up 4 d 2 h; exit status 137
        12:10:51  OOM   nginx (4711) was chosen by the OOM killer: its memory cgroup (id 8700) was at its limit (anon 250.0 MiB, oom_score_adj 500); systemd-oomd (612, uid 994) wanted memory
    "]].assert_eq(&print(table(ALL, WIDE), &events));
    let columns = Columns { names: true, microseconds: true, ..ALL };
    expect![[r"
        TIME             PID      COMM             SYSCALL           SIG         TPID     RESULT
        12:10:51.012345  612      systemd-oomd     kill              SIGKILL     4711     0
        12:10:51.012345  0        kernel:timer     timer             SIGALRM     4711     0
    "]]
    .assert_eq(&print(table(columns, WIDE), &events[..2]));
}

#[test]
fn a_signal_of_the_kernel_has_a_sender_if_somebody_gave_rise_to_it() {
    let sender = || examples::death().sender().cloned();
    let rows = [
        (Cause::Fault, None, Outcome::Delivered),
        (Cause::Pipe, None, Outcome::Ignored),
        (Cause::ParentDeath, sender(), Outcome::AlreadyPending),
        (Cause::CgroupKill, sender(), Outcome::Delivered),
        // It only wanted memory.
        (Cause::Oom, sender(), Outcome::Delivered),
        (Cause::ParentDeath, None, Outcome::InfoLost),
    ];
    let events = rows.map(|(cause, sender, outcome)| {
        let posted = Posted { cause, outcome, sender, ..examples::signal().posted };
        Event::Signal(Arc::new(Signal { time: noon(), posted, ..examples::signal() }))
    });
    expect![[r"
        TIME      PID      COMM             SYSCALL           SIG  TPID     RESULT
        12:10:51  0        kernel:fault     fault             11   4711     0
        12:10:51  0        kernel:pipe      pipe              11   4711     1
        12:10:51  612      systemd-oomd     parent_death      11   4711     2
        12:10:51  612      systemd-oomd     cgroup_kill       11   4711     0
        12:10:51  612      kernel:oom       oom               11   4711     0
        12:10:51  0        kernel:parent_death parent_death      11   4711     4
    "]]
    .assert_eq(&print(table(ALL, WIDE), &events));
}

#[test]
fn colours_tell_deaths_and_failures_and_leave_the_text_as_it_is() {
    let calls = calls(&[kill(1, b"init", 9, 1024, 0), kill(1, b"init", 9, 1024, -3)]);
    let events = [calls, others().to_vec()].concat();
    let colored = print(Table { colors: true, ..table(ALL, WIDE) }, &events);
    let colors = ["\x1b[31m", "\x1b[1;31m", "\x1b[33m"];
    let of_line =
        |line: &str| colors.into_iter().find(|color| line.starts_with(color) && line.ends_with("\x1b[0m"));
    let found: Vec<_> = colored.lines().map(of_line).collect();
    assert_eq!(found, [None, None, Some(colors[2]), None, Some(colors[0]), Some(colors[1])]);
    let plain =
        colors.into_iter().fold(colored.replace("\x1b[0m", ""), |text, color| text.replace(color, ""));
    assert_eq!(plain, print(table(ALL, WIDE), &events));
}

proptest! {
    #[test]
    fn any_call_is_one_line_without_a_control_character(
        name: [u8; COMM_LEN], signal: i32, target: i32, result: i32, syscall in 0..6usize
    ) {
        let call = Call { syscall: Syscall::ALL[syscall], ..kill(1, &name, signal, target, result) };
        prop_assert!(is_harmless(&Event::Call(call)));
    }

    #[test]
    fn any_other_event_is_one_line_without_a_control_character(name: [u8; COMM_LEN]) {
        let process = |process: Process| Process { comm: Comm(name), ..process };
        let (signal, death, kill) = (examples::signal(), examples::death(), examples::oom_kill());
        let posted = Posted { sender: Some(process(Process::default())), ..signal.posted };
        for event in [
            Event::Signal(Arc::new(Signal { posted, ..signal })),
            Event::Death(Arc::new(Death { victim: process(death.victim), ..death })),
            Event::OomKill(Arc::new(OomKill { victim: process(kill.victim), ..kill })),
        ] {
            prop_assert!(is_harmless(&event));
        }
    }
}

fn is_harmless(event: &Event) -> bool {
    let mut out = Vec::new();
    table(Columns { syscall: true, microseconds: true, names: true }, WIDE).line(event, &mut out);
    !String::from_utf8(out).unwrap().strip_suffix('\n').unwrap().contains(char::is_control)
}
