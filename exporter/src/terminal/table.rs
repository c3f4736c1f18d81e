//! The lines of killsnoop(8), and those between them, see the parent module's doc.

use std::{borrow::Cow, fs};

use jiff::tz::TimeZone;
use killsnoop_common::kill::Syscall;

use super::{Columns, color::Color, number, second::Second};
use crate::{
    event::{Call, Event, Signal},
    signal,
    verdict::{self, printable},
};

/// Where the kernel tells its largest pid.
const PID_MAX: &str = "/proc/sys/kernel/pid_max";
/// `rt_tgsigqueueinfo` and `pidfd_send_signal`.
const SYSCALL_WIDTH: usize = 17;

/// Prints events as lines of a table.
#[derive(Debug)]
pub(super) struct Table {
    columns: Columns,
    colors: bool,
    pid_width: usize,
    time: Second,
}

/// What stands between the time of a line and its end, if it is one of columns.
struct Row<'a> {
    pid: u32,
    comm: Cow<'a, [u8]>,
    /// The call, or else what made the kernel send the signal.
    how: &'static str,
    signal: i32,
    target_is_fd: bool,
    target: i64,
    result: i32,
}

impl Table {
    /// With this machine's width of pids and time zone.
    pub(super) fn of_this_machine(columns: Columns, colors: bool) -> Self {
        let pid_width = pid_width(fs::read_to_string(PID_MAX).ok().as_deref());
        Self::new(columns, colors, pid_width, TimeZone::system())
    }

    fn new(columns: Columns, colors: bool, pid_width: usize, zone: TimeZone) -> Self {
        Self { columns, colors, pid_width, time: Second::new(zone, "%H:%M:%S") }
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
    pub(super) fn line(&mut self, event: &Event, out: &mut Vec<u8>) {
        match Color::of(event).filter(|_| self.colors) {
            Some(color) => color.paint(out, |out| self.uncolored(event, out)),
            None => self.uncolored(event, out),
        }
        out.push(b'\n');
    }

    fn uncolored(&mut self, event: &Event, out: &mut Vec<u8>) {
        cell(self.time_width(), out, |out| self.time(event.time().unix_ns, out));
        match event {
            Event::Call(call) => self.row(&Row::of_call(call), out),
            Event::Signal(signal) => self.row(&Row::of_signal(signal), out),
            Event::Death(death) => sentence(b"DIED  ", &verdict::death(death), out),
            Event::OomKill(kill) => sentence(b"OOM   ", &verdict::oom_kill(kill), out),
        }
    }

    fn row(&self, row: &Row<'_>, out: &mut Vec<u8>) {
        cell(self.pid_width, out, |out| number::unsigned(row.pid, out));
        cell(16, out, |out| printable::write(&row.comm, out));
        if self.columns.syscall {
            cell(SYSCALL_WIDTH, out, |out| out.extend_from_slice(row.how.as_bytes()));
        }
        cell(self.signal_width(), out, |out| self.signal(row.signal, out));
        cell(self.pid_width, out, |out| row.target(out));
        number::signed(row.result, out);
    }

    fn time(&mut self, unix_ns: u64, out: &mut Vec<u8>) {
        let nanoseconds = self.time.write(unix_ns, out);
        if self.columns.microseconds {
            out.push(b'.');
            number::zero_padded::<6>(nanoseconds / 1000, out);
        }
    }

    fn signal(&self, signal: i32, out: &mut Vec<u8>) {
        if self.columns.names {
            out.extend_from_slice(signal::name(signal).as_bytes());
        } else {
            number::signed(signal, out);
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

impl<'a> Row<'a> {
    fn of_call(call: &'a Call) -> Self {
        Self {
            pid: call.sender.pid,
            comm: call.sender.comm.bytes().into(),
            how: call.syscall.name(),
            signal: call.signal,
            target_is_fd: call.syscall == Syscall::PidfdSendSignal,
            target: call.target.into(),
            result: call.result,
        }
    }

    fn of_signal(signal: &'a Signal) -> Self {
        let posted = &signal.posted;
        let of_kernel = || format!("kernel:{}", posted.cause.name()).into_bytes();
        // Who wanted the memory that was not there has killed nobody.
        let sender = posted.sender.as_ref().filter(|_| !posted.cause.is_oom());
        Self {
            pid: posted.sender.as_ref().map_or(0, |sender| sender.pid),
            comm: sender.map_or_else(|| of_kernel().into(), |sender| sender.comm.bytes().into()),
            how: posted.cause.name(),
            signal: posted.signal,
            target_is_fd: false,
            target: signal.target.pid.into(),
            result: posted.outcome as i32,
        }
    }

    fn target(&self, out: &mut Vec<u8>) {
        if self.target_is_fd {
            out.extend_from_slice(b"fd:");
        }
        number::signed(self.target, out);
    }
}

/// Writes what happened, and the sentence that says it.
fn sentence(what: &[u8], text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(what);
    printable::write(text.as_bytes(), out);
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
mod tests;
