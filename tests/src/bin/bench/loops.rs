//! What is timed: the calls that the tools watch, one that none of them is about, and what processes and timers do.

use std::{
    process::Command,
    ptr,
    sync::LazyLock,
    time::{Duration, Instant},
};

use killsnoop_tests::measure::stats::Summary;
use nix::libc;
use tempfile::TempPath;

/// A real-time signal that the worker ignores.
pub(crate) const IGNORED: i32 = 40;
/// More than the kernel gives out, with the default limit and without.
const NOBODY: i32 = 0x3fff_fff0;

/// Something that is done over and over.
pub(crate) struct Loop {
    /// Its name in the figures.
    pub(crate) name: &'static str,
    /// Its name in tables.
    pub(crate) title: &'static str,
    /// Rounds of a batch, for a millisecond or a few.
    rounds: u32,
    round: fn(),
}

/// All loops; those that the picture and the short table show are named.
pub(crate) static LOOPS: [Loop; 7] = [
    Loop { name: KILL, title: "kill(self, 0)", rounds: 3000, round: kill_self },
    Loop { name: "esrch", title: "kill: no such process", rounds: 4000, round: kill_nobody },
    Loop { name: "ignored", title: "an ignored signal to self", rounds: 2000, round: signal_self },
    Loop { name: "tgkill", title: "tgkill(self, self, 0)", rounds: 3000, round: tgkill_self },
    Loop { name: GETPPID, title: "getppid()", rounds: 8000, round: getppid },
    Loop { name: "timer", title: "a timer expires", rounds: 500, round: expire },
    Loop { name: "spawn", title: "fork + exec + exit", rounds: 20, round: spawn },
];
pub(crate) const KILL: &str = "kill";
pub(crate) const GETPPID: &str = "getppid";

/// A loop's time is that of the batch in the middle. The best one would flatter a tool that loses what it has no room for,
/// which costs less than to take it.
const BATCHES: usize = 20;
/// Under a tool that takes its time there are fewer batches.
const LONGEST: Duration = Duration::from_millis(500);
const FEWEST: usize = 3;

impl Loop {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        LOOPS.iter().find(|one| one.name == name)
    }

    /// Nanoseconds a round, in batches of fewer rounds if told so.
    pub(crate) fn nanoseconds(&self, divisor: u32) -> f64 {
        let started = Instant::now();
        let (rounds, mut batches) = (self.rounds / divisor, Vec::new());
        while batches.len() < FEWEST || batches.len() < BATCHES && started.elapsed() < LONGEST {
            batches.push(batch(rounds, self.round).as_secs_f64());
        }
        let middle = Summary::of(batches).expect("there is a batch").median;
        middle * 1e9 / f64::from(rounds)
    }
}

fn batch(rounds: u32, round: fn()) -> Duration {
    let started = Instant::now();
    (0..rounds).for_each(|_| round());
    started.elapsed()
}

/// Ignores the signal that loops send, and makes ready what they use.
pub(crate) fn prepare() {
    // SAFETY: no handler runs.
    unsafe { libc::signal(IGNORED, libc::SIG_IGN) };
    LazyLock::force(&TINY);
}

// Asked for once: the C library asks the kernel each time.
static PID: LazyLock<i32> = LazyLock::new(|| std::process::id().cast_signed());

fn kill_self() {
    kill(*PID, 0);
}

fn kill_nobody() {
    kill(NOBODY, 0);
}

fn signal_self() {
    kill(*PID, IGNORED);
}

/// Not through the C library, which does more than the call.
pub(crate) fn kill(pid: i32, signal: i32) {
    // SAFETY: takes numbers. The signal is 0 or ignored, or the target does not exist.
    unsafe { libc::syscall(libc::SYS_kill, pid, signal) };
}

fn tgkill_self() {
    // SAFETY: takes numbers; signal 0 is sent to nobody. The worker has one thread, whose number is the process'.
    unsafe { libc::syscall(libc::SYS_tgkill, *PID, *PID, 0) };
}

fn getppid() {
    // SAFETY: takes nothing.
    unsafe { libc::syscall(libc::SYS_getppid) };
}

/// A timer whose signal is ignored. An interval would not do: the kernel stops a timer whose signal nobody takes.
static TIMER: LazyLock<usize> = LazyLock::new(|| {
    // SAFETY: all zeros are a valid `sigevent` and a valid `timer_t`, and both outlive the call.
    unsafe {
        let mut event: libc::sigevent = std::mem::zeroed();
        event.sigev_notify = libc::SIGEV_SIGNAL;
        event.sigev_signo = IGNORED;
        let mut timer: libc::timer_t = std::mem::zeroed();
        let result = libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer);
        assert_eq!(result, 0, "a timer can be had");
        timer as usize
    }
});

/// Sets the timer to a moment that has passed: it expires in an interrupt before the call returns, or right after.
fn expire() {
    let (zero, past) = (libc::timespec { tv_sec: 0, tv_nsec: 0 }, libc::timespec { tv_sec: 0, tv_nsec: 1 });
    let when = libc::itimerspec { it_interval: zero, it_value: past };
    // SAFETY: the timer exists until the process ends, and the time outlives the call.
    unsafe {
        let timer = *TIMER as libc::timer_t;
        libc::timer_settime(timer, libc::TIMER_ABSTIME, &raw const when, ptr::null_mut());
    }
}

/// Whether the timer has expired by the next call, in 99 of 100 rounds: else it cannot be timed.
pub(crate) fn expires() -> bool {
    let has_expired = |_: &i32| {
        expire();
        // SAFETY: all zeros are a valid `itimerspec`, which outlives the call.
        unsafe {
            let mut left: libc::itimerspec = std::mem::zeroed();
            libc::timer_gettime(*TIMER as libc::timer_t, &raw mut left);
            left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0
        }
    };
    (0..1000).filter(has_expired).count() >= 990
}

/// A program that does nothing but end, so that exec is as cheap as it can be.
static TINY: LazyLock<TempPath> = LazyLock::new(|| {
    use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _};
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be had");
    file.write_all(&tiny()).expect("a temporary file can be written");
    let path = file.into_temp_path();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
        .expect("a file of ours can be made a program");
    path
});

/// An ELF file of one segment: `exit(0)`, as elf(5) has it.
fn tiny() -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u16 = 64 + 56;
    // mov eax, 60; xor edi, edi; syscall
    const EXIT: [u8; 9] = [0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05];
    let size = u64::from(HEADERS) + EXIT.len() as u64;
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let mut put = |bytes: &[u8]| elf.extend_from_slice(bytes);
    // An executable for x86-64 of version 1.
    put(&[2, 0, 62, 0, 1, 0, 0, 0]);
    put(&(BASE + u64::from(HEADERS)).to_le_bytes());
    put(&[64u64.to_le_bytes(), 0u64.to_le_bytes()].concat());
    // No flags, sizes of the headers, one segment, no sections.
    put(&[0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    // To be loaded, read and run: from the start of the file, to the base address, all of it.
    put(&[1, 0, 0, 0, 5, 0, 0, 0]);
    put(&[0, BASE, BASE, size, size, 0x1000].map(u64::to_le_bytes).concat());
    put(&EXIT);
    elf
}

fn spawn() {
    Command::new(&**TINY).env_clear().status().expect("a program can be run");
}

#[test]
fn the_tiny_program_ends_with_0() {
    assert!(Command::new(&**TINY).status().unwrap().success());
}
