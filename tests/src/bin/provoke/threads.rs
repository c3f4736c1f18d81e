//! Processes with several threads: when all of them die, when one is signalled, and when they end without any signal.

use std::{env, thread};

use killsnoop_tests::calls;
use nix::{
    libc,
    unistd::{gettid, pipe, read, write},
};

use crate::{
    sent::sends,
    system,
    troupe::{Troupe, curtain, say},
};

/// The victim has three threads.
pub(crate) fn killed(troupe: &mut Troupe) {
    let victim = troupe.cast("victim", |part| {
        start_two_threads();
        part.wait();
    });
    let sender = troupe.cast("sender", sends(&[("kill", victim.pid.as_raw().into(), libc::SIGKILL.into())]));
    curtain();
    sender.cue();
}

/// The signal is for one thread, which is not the first; the process dies of it.
pub(crate) fn one_signalled(troupe: &mut Troupe) {
    let (number, of_thread) = pipe().expect("there are descriptors");
    let victim = troupe.cast("victim", |part| {
        thread::spawn(move || {
            write(&of_thread, &gettid().as_raw().to_ne_bytes()).expect("somebody reads");
            sleep_forever()
        });
        part.wait();
    });
    let mut tid = [0; 4];
    read(&number, &mut tid).expect("the thread tells its number");
    let tid = i32::from_ne_bytes(tid);
    let sender = troupe.cast("sender", |part| {
        part.wait();
        let result = calls::tgkill(victim.pid.as_raw().into(), tid.into(), libc::SIGTERM.into());
        say(&format!("returned {result}"));
    });
    curtain();
    say(&format!("thread {tid}"));
    sender.cue();
}

/// One thread runs another program, which is the end of the others: the first thread, or another one.
pub(crate) fn exec(troupe: &mut Troupe, thread: &str) {
    let program = env::current_exe().expect("this program has a path");
    let victim = troupe.cast("victim", |part| {
        start_two_threads();
        part.wait();
        if thread == "first" {
            system::exec(&program, &["exit", "0"]);
        }
        thread::spawn(move || system::exec(&program, &["exit", "0"]));
        sleep_forever()
    });
    curtain();
    victim.cue();
}

/// One thread ends the process, and so the others.
pub(crate) fn exit_group(troupe: &mut Troupe) {
    let victim = troupe.cast("victim", |part| {
        start_two_threads();
        part.wait();
    });
    curtain();
    victim.cue();
}

fn start_two_threads() {
    for _ in 0..2 {
        thread::spawn(|| sleep_forever());
    }
}

fn sleep_forever() -> ! {
    loop {
        thread::park();
    }
}
