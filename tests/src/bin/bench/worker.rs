//! The process that makes the calls, on a CPU of its own. It is told what to do, a line at a time, and answers with a
//! number; so a tool that stops each thread of what it watches stops the loops and not the benchmark.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _, stdin, stdout},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use crate::{
    loops::{self, IGNORED, Loop},
    process::{CALLS, pin},
};

/// Calls of a flood.
pub(crate) const FLOOD: u32 = 1_000_000;

/// All rounds of a batch, and a tenth of them.
pub(crate) const WHOLE: &str = "whole";
pub(crate) const TENTH: &str = "tenth";

/// The process, as the benchmark sees it.
pub(crate) struct Worker {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// `share` is the part of the usual rounds that a batch has: the whole, or a tenth where a batch is slow.
    pub(crate) fn start(share: &str) -> Self {
        let program = env::current_exe().expect("the kernel tells what runs");
        let mut child = Command::new(program)
            .args(["worker", share])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the benchmark can start itself");
        let orders = child.stdin.take().expect("it is a pipe");
        let answers = BufReader::new(child.stdout.take().expect("it is a pipe"));
        Self { child, orders, answers }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Nanoseconds a round.
    pub(crate) fn measure(&mut self, one: &Loop) -> f64 {
        self.ask(one.name)
    }

    /// A few calls that every tool shows which can show any.
    pub(crate) fn provoke(&mut self) {
        self.ask("provoke");
    }

    /// Sends itself a signal as often and as fast as it can, and returns the seconds that it took.
    pub(crate) fn flood(&mut self, signal: i32) -> f64 {
        self.ask(&format!("flood {signal}"))
    }

    /// As [`flood`](Self::flood), but returns at once; [`answer`](Self::answer) waits for the end.
    pub(crate) fn begin_flood(&mut self) {
        self.order("flood 0");
    }

    fn ask(&mut self, order: &str) -> f64 {
        self.order(order);
        self.answer()
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").expect("the worker listens");
    }

    pub(crate) fn answer(&mut self) -> f64 {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the worker answers");
        line.trim().parse().expect("the worker answers with a number")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The worker's side: does what it is told until nobody tells it anything.
pub(crate) fn obey(share: &str) {
    let divisor = if share == TENTH { 10 } else { 1 };
    pin(CALLS);
    loops::prepare();
    // An emulated timer takes longer; its instructions are not asked for.
    assert!(divisor > 1 || loops::expires(), "a timer that is due does not expire at once");
    for order in stdin().lines().map_while(Result::ok) {
        let answer = carry_out(&order, divisor);
        writeln!(stdout(), "{answer}").expect("the benchmark listens");
    }
}

fn carry_out(order: &str, divisor: u32) -> f64 {
    match order.split_once(' ') {
        Some(("flood", signal)) => flood(signal.parse().expect("a signal is a number")),
        None if order == "provoke" => provoke(),
        _ => Loop::named(order).expect("the benchmark knows the loops").nanoseconds(divisor),
    }
}

fn flood(signal: i32) -> f64 {
    let own = std::process::id().cast_signed();
    let started = Instant::now();
    (0..FLOOD).for_each(|_| loops::kill(own, signal));
    started.elapsed().as_secs_f64()
}

/// Enough to fill the block of output that a program keeps back.
fn provoke() -> f64 {
    let own = std::process::id().cast_signed();
    for _ in 0..100 {
        loops::kill(own, 0);
        loops::kill(own, IGNORED);
    }
    0.0
}
