//! Events for people and scripts: the table of killsnoop(8), or one JSON object a line.
//!
//! # Table
//! ```text
//! TIME      PID      COMM             SIG  TPID     RESULT
//! 12:10:51  13967    bash             9    1024     -3
//! ```
//! This is the output of killsnoop(8) of bcc, byte for byte. PID and TPID are as wide as the largest pid of the machine
//! and one more. TIME is when the call returned, in the local zone. SIG and TPID are the numbers that the caller gave,
//! whatever they were, and RESULT is what the kernel answered. [`Columns`] says what can be added. What is too wide for
//! its column moves the rest of its line, as printf(3) does. The target of `pidfd_send_signal` is shown as `fd:7`: it
//! is no process id.
//!
//! COMM is chosen by the program that is watched. Whatever could move the cursor, end the line or turn the direction of
//! the text is shown as an escape: `\n`, `\x1b`, `\u{202e}`, and `\xff` for a byte that is not UTF-8. A backslash
//! stays as it is, so that every printable ASCII name looks as it always did; who has to tell a backslash and an `n`
//! from a newline asks for JSON, where both can be told.
//!
//! Deaths, OOM kills and signals that the kernel sends on its own stand among the calls, if they are offered:
//! ```text
//! TIME      PID      COMM             SYSCALL           SIG  TPID     RESULT
//! 12:10:50  612      systemd-oomd     kill              9    4711     0
//! 12:10:50  DIED  nginx (4711) was killed by SIGKILL: kill() by systemd-oomd (612, uid 994)
//! 12:10:51  0        kernel:timer     timer             14   4712     1
//! ```
//! A signal has the columns of a call. PID and COMM are who gave rise to it, such as a parent that died; if nobody did
//! they are 0 and the word `kernel` with the cause. Of an OOM kill PID is who wanted the memory. SYSCALL is the cause,
//! TPID the target in the initial pid namespace, and RESULT what became of it, as the kernel numbers it: 0 delivered, 1
//! ignored, 2 pending already, 3 not sent because the queue was full, 4 sent without its data for that reason. `DIED` and
//! `OOM` are followed by the sentence of [`crate::verdict`].
//!
//! Colours are whole lines: red for deaths, bold red for OOM kills, yellow for calls that failed.
//!
//! # JSON
//! A call has these fields, in this order; what is marked with a condition is left out where it does not hold:
//!
//! | field | value |
//! |---|---|
//! | `event` | `kill_call` |
//! | `time` | when the call returned, RFC 3339 in UTC with nanoseconds |
//! | `boot_ns` | the same in nanoseconds since boot, as a string: most readers of JSON round numbers above 2^53. With `sender.tid` it names the call |
//! | `syscall` | `kill`, `tkill`, `tgkill`, `rt_sigqueueinfo`, `rt_tgsigqueueinfo`, `pidfd_send_signal` |
//! | `abi` | `native`, or `compat` for the kernel's entry for 32-bit programs |
//! | `sender.pid`, `.tid`, `.uid` | who called, in numbers of the initial namespaces |
//! | `sender.comm` | name of the calling thread; bytes that are not UTF-8 become U+FFFD |
//! | `sender.cgroup_id` | inode number of its cgroup (v2) |
//! | `sender.cgroup` | path of that cgroup; this one and the next only if they are known |
//! | `sender.container_id`, `.container_runtime`, `.container_name`, `.pod_uid`, `.pod_name`, `.pod_namespace`, `.unit` | what the path says, see [`crate::cgroup::Place`] |
//! | `signal` | the number as asked |
//! | `signal_name` | its name, such as `SIGKILL` or `SIGRTMIN+1`; the number again if it has none |
//! | `target` | the number as asked: pid, 0, -1 or negated group; `null` for `pidfd_send_signal` |
//! | `pidfd` | the file descriptor; only for `pidfd_send_signal` |
//! | `target_tid` | the thread as asked; only if it is not 0 |
//! | `target_pid` | process id of the target in the initial pid namespace; only if `target` does not say it and the kernel has shown it |
//! | `result` | 0, or a negated errno |
//! | `error` | name of the errno, its number if it has no name; only if the call failed |
//!
//! The fields of other events (`death`, `oom_kill`, `signal`) are those of [`crate::verdict::json`]; the first three are the
//! same.
//!
//! Nothing that a terminal obeys is in a line of JSON either: such characters are written as `\u001b`.

mod color;
mod escape;
mod json;
mod number;
mod queue;
mod second;
mod table;
mod writer;

pub use writer::{Handle, Outcome, Sender};

use crate::event::Event;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How an event is shown.
    pub form: Form,
    /// Whether a table starts with the names of its columns. JSON has none.
    pub header: bool,
    /// Whether lines of a table are coloured. JSON never is.
    pub color: bool,
    /// After how many events to end; `None` is never.
    pub count: Option<u64>,
}

/// How an event is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line of killsnoop(8), with these columns.
    Table(Columns),
    /// A JSON object.
    Json,
}

/// What the table of killsnoop(8) shows beyond its own columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// TIME has microseconds, and is 16 wide.
    pub microseconds: bool,
    /// A column SYSCALL, 17 wide, stands between COMM and SIG.
    pub syscall: bool,
    /// SIG shows names, and is 11 wide.
    pub names: bool,
}

/// An output that can be started. What it takes of this machine, such as the time zone, was read when it was made.
#[derive(Debug)]
pub struct Output {
    options: Options,
    printer: Printer,
}

impl Output {
    /// An output that writes as told.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, printer: Printer::new(&options) }
    }
}

/// Turns events into lines.
#[derive(Debug)]
enum Printer {
    Table(table::Table),
    Json(json::Json),
}

impl Printer {
    fn new(options: &Options) -> Self {
        match options.form {
            Form::Table(columns) => Self::Table(table::Table::of_this_machine(columns, options.color)),
            Form::Json => Self::Json(json::Json::new()),
        }
    }

    fn header(&self, out: &mut Vec<u8>) {
        if let Self::Table(table) = self {
            table.header(out);
        }
    }

    fn line(&mut self, event: &Event, out: &mut Vec<u8>) {
        match self {
            Self::Table(table) => table.line(event, out),
            Self::Json(json) => json.line(event, out),
        }
    }
}
