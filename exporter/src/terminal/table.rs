//! The lines of killsnoop(8), see the parent module's doc.

use std::fs;

use jiff::tz::TimeZone;
use killsnoop_common::kill::Syscall;

use super::{Columns, escape, number, second::Second};
use crate::event::Call;

/// Where the kernel tells its largest pid.
const PID_MAX: &str = "/proc/sys/kernel/pid_max";
/// `rt_tgsigqueueinfo` and `pidfd_send_signal`.
const SYSCALL_WIDTH: usize = 17;

/// Prints events as lines of a table.
#[derive(Debug)]
pub(super) struct Table {
    columns: Columns,
    pid_width: usize,
    time: Second,
}

impl Table {
    /// With this machine's width of pids and time zone.
    pub(super) fn of_this_machine(columns: Columns) -> Self {
        Self::new(columns, pid_width(fs::read_to_string(PID_MAX).ok().as_deref()), TimeZone::system())
    }

    fn new(columns: Columns, pid_width: usize, zone: TimeZone) -> Self {
        Self { columns, pid_width, time: Second::new(zone, "%H:%M:%S") }
    }

    /// Writes the line of the names of the columns.
    pub(super) fn header(&self, out: &mut Vec<u8>) {
        let name = |text: &'static str| move |out: &mut Vec<u8>| out.extend_from_slice(text.as_bytes());
        cell(self.time_width(), out, name("TIME"));
        cell(self.pid_width, out, name("PID"));
        cell(16, out, name("COMM"));
        if self.columns.syscall {
            cell(SYSCALL_WIDTH, out, name("SYSCALL"));
        }
        cell(self.signal_width(), out, name("SIG"));
        cell(self.pid_width, out, name("TPID"));
        out.extend_from_slice(b"RESULT\n");
    }

    /// Writes the line of an event.
    pub(super) fn row(&mut self, event: &Call, out: &mut Vec<u8>) {
        cell(self.time_width(), out, |out| self.time(event, out));
        cell(self.pid_width, out, |out| number::unsigned(event.sender.pid, out));
        cell(16, out, |out| escape::plain(event.sender.comm.bytes(), out));
        if self.columns.syscall {
            cell(SYSCALL_WIDTH, out, |out| out.extend_from_slice(event.syscall.name().as_bytes()));
        }
        cell(self.signal_width(), out, |out| self.signal(event, out));
        cell(self.pid_width, out, |out| target(event, out));
        number::signed(event.result, out);
        out.push(b'\n');
    }

    fn time(&mut self, event: &Call, out: &mut Vec<u8>) {
        let nanoseconds = self.time.write(event.time.unix_ns, out);
        if self.columns.microseconds {
            out.push(b'.');
            number::zero_padded::<6>(nanoseconds / 1000, out);
        }
    }

    fn signal(&self, event: &Call, out: &mut Vec<u8>) {
        if self.columns.names {
            out.extend_from_slice(event.signal_name().as_bytes());
        } else {
            number::signed(event.signal, out);
        }
    }

    fn time_width(&self) -> usize {
        // One more than the text needs, as killsnoop(8) has it.
        if self.columns.microseconds { "00:00:00.000000".len() + 1 } else { "00:00:00".len() + 1 }
    }

    fn signal_width(&self) -> usize {
        if self.columns.names { "SIGRTMIN+29".len() } else { 4 }
    }
}

fn target(event: &Call, out: &mut Vec<u8>) {
    if event.syscall == Syscall::PidfdSendSignal {
        out.extend_from_slice(b"fd:");
    }
    number::signed(event.target, out);
}

/// Writes text, the blanks that it needs to be as wide as its column, and the one before the next column. Width is in
/// characters, though some of them, as those of Chinese, are two columns wide on a terminal.
fn cell(width: usize, out: &mut Vec<u8>, text: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    text(out);
    let is_first_of_character = |byte: &&u8| **byte & 0b1100_0000 != 0b1000_0000;
    let n_characters = out[start..].iter().filter(is_first_of_character).count();
    out.resize(out.len() + width.saturating_sub(n_characters) + 1, b' ');
}

/// Width of a pid's column, from the text of [`PID_MAX`].
fn pid_width(pid_max: Option<&str>) -> usize {
    pid_max.map_or(6, |text| text.trim().len() + 1)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use jiff::tz::Offset;
    use killsnoop_common::COMM_LEN;
    use proptest::prelude::*;

    use super::*;
    use crate::event::{Comm, Process, examples::call as example};

    const NARROW: usize = 6;
    const WIDE: usize = 8;

    fn table(columns: Columns, pid_width: usize) -> Table {
        Table::new(columns, pid_width, TimeZone::fixed(Offset::constant(-3)))
    }

    fn comm(name: &[u8]) -> Comm {
        let mut comm = [0; COMM_LEN];
        comm[..name.len()].copy_from_slice(name);
        Comm(comm)
    }

    /// A call by `bash`, at 12:10:51 three hours west of Greenwich.
    fn kill(pid: u32, name: &[u8], signal: i32, target: i32, result: i32) -> Call {
        let event = example();
        Call {
            at_unix_ns: 1_700_061_051_012_345_678,
            sender: Process { pid, comm: comm(name), ..event.sender },
            signal,
            target,
            result,
            ..event
        }
    }

    fn print(mut table: Table, events: &[Call]) -> String {
        let mut out = Vec::new();
        table.header(&mut out);
        for event in events {
            table.row(event, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    fn check(columns: Columns, events: &[Call], expected: &Expect) {
        expected.assert_eq(&print(table(columns, WIDE), events));
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
        .assert_eq(&print(table(Columns::default(), NARROW), &events));
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

    proptest! {
        #[test]
        fn any_event_is_one_line_without_a_control_character(
            name: [u8; COMM_LEN], signal: i32, target: i32, result: i32, syscall in 0..6usize
        ) {
            let event = Call { syscall: Syscall::ALL[syscall], ..kill(1, &name, signal, target, result) };
            let mut out = Vec::new();
            table(Columns { syscall: true, microseconds: true, names: true }, WIDE).row(&event, &mut out);
            let line = String::from_utf8(out).unwrap();
            prop_assert!(!line.strip_suffix('\n').unwrap().contains(char::is_control));
        }
    }
}
