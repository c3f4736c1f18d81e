//! Processes that a timer of their own ends, on machines that are busy with something else.

use std::{io, ptr, thread};

use killsnoop_tests::{calls, provoke::TIMER_SIGNAL};
use nix::{
    libc::{self, c_int},
    poll::PollTimeout,
    sched::{CpuSet, sched_setaffinity},
    unistd::{Pid, alarm, getpid},
};

use crate::{
    sent::CLAIM,
    system,
    troupe::{Part, Player, Troupe, curtain, until_the_test_ends},
};

/// The victim sets a timer: by alarm(2), by setitimer(2) on one of its clocks, or by `timer_create(2)` on one of two.
pub(crate) fn timer(troupe: &mut Troupe, timer: &str) {
    let victim = troupe.cast("victim", |part| {
        part.wait();
        match timer {
            "alarm" => drop(alarm::set(1)),
            "real" => set_itimer(libc::ITIMER_REAL),
            "virtual" => set_itimer(libc::ITIMER_VIRTUAL),
            "prof" => set_itimer(libc::ITIMER_PROF),
            "posix" => set_timer(libc::CLOCK_MONOTONIC, libc::SIGTERM, 10),
            "posix_cpu" => set_timer(libc::CLOCK_PROCESS_CPUTIME_ID, libc::SIGTERM, 10),
            _ => panic!("there is no timer {timer}"),
        }
        if ["virtual", "prof", "posix_cpu"].contains(&timer) {
            system::burn();
        }
        until_the_test_ends();
    });
    curtain();
    victim.cue();
}

/// Victims set timers while each processor is taken by a process that would like to pass for their killer: `itself` queues
/// the same signal to itself without end, `denied` to the victims, whom it may not signal.
pub(crate) fn under_attack(troupe: &mut Troupe, attack: &str, n_victims: u32) {
    let victims: Vec<_> = (0..n_victims).map(|n| cast_victim(troupe, n)).collect();
    let n_processors = thread::available_parallelism().expect("it can be asked").get();
    let attackers: Vec<_> =
        (0..n_processors).map(|cpu| cast_attacker(troupe, attack, cpu, &victims)).collect();
    curtain();
    attackers.iter().chain(&victims).for_each(Player::cue);
    for victim in &victims {
        troupe.end_of(victim);
    }
    attackers.iter().for_each(Player::cue);
}

fn cast_victim(troupe: &mut Troupe, n: u32) -> Player {
    troupe.cast("victim", |part| {
        part.wait();
        // Not all at once: each timer ends in the middle of something else.
        set_timer(libc::CLOCK_MONOTONIC, TIMER_SIGNAL, 20 + n % 50);
        until_the_test_ends();
    })
}

fn cast_attacker(troupe: &mut Troupe, attack: &str, cpu: usize, victims: &[Player]) -> Player {
    troupe.cast("attacker", |part| {
        system::ignore(TIMER_SIGNAL);
        let mut processor = CpuSet::new();
        processor.set(cpu).expect("there are that many");
        sched_setaffinity(Pid::from_raw(0), &processor).expect("it is there");
        let targets = if attack == "denied" {
            system::become_nobody();
            victims.iter().map(|victim| victim.pid).collect()
        } else {
            vec![getpid()]
        };
        part.wait();
        attack_until_cued(part, &targets);
    })
}

fn attack_until_cued(part: &Part, targets: &[Pid]) {
    let call = |target: &Pid| {
        calls::prepare("rt_sigqueueinfo", target.as_raw().into(), TIMER_SIGNAL.into(), CLAIM)
            .expect("there is such a call")
    };
    let calls: Vec<_> = targets.iter().map(call).collect();
    while !part.is_cued(PollTimeout::ZERO) {
        for call in calls.iter().cycle().take(1000) {
            call();
        }
    }
}

fn set_itimer(clock: c_int) {
    let value = libc::itimerval {
        it_interval: libc::timeval { tv_sec: 0, tv_usec: 0 },
        it_value: libc::timeval { tv_sec: 0, tv_usec: 10_000 },
    };
    // SAFETY: the value is there to be read.
    let result: c_int = unsafe { libc::setitimer(clock, &raw const value, ptr::null_mut()) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
}

fn set_timer(clock: libc::clockid_t, signal: c_int, milliseconds: u32) {
    let nothing = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let value = libc::timespec { tv_sec: 0, tv_nsec: i64::from(milliseconds) * 1_000_000 };
    let expiry = libc::itimerspec { it_interval: nothing, it_value: value };
    // SAFETY: all zeros is an event, and all that is pointed to is there.
    unsafe {
        let mut event: libc::sigevent = std::mem::zeroed();
        event.sigev_notify = libc::SIGEV_SIGNAL;
        event.sigev_signo = signal;
        let mut timer = ptr::null_mut();
        assert_eq!(
            libc::timer_create(clock, &raw mut event, &raw mut timer),
            0,
            "{}",
            io::Error::last_os_error()
        );
        let result = libc::timer_settime(timer, 0, &raw const expiry, ptr::null_mut());
        assert_eq!(result, 0, "{}", io::Error::last_os_error());
    }
}
