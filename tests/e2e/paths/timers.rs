//! Timers: the kernel sends the signal, whoever's process happened to run.

use killsnoop_tests::{provoke::Play, verdicts::Tracer};

use super::one_death;

#[test]
fn whose_timer_expires_died_of_the_timer() {
    let rows = [
        ("alarm", "SIGALRM"),
        ("real", "SIGALRM"),
        ("virtual", "SIGVTALRM"),
        ("prof", "SIGPROF"),
        ("posix", "SIGTERM"),
        ("posix_cpu", "SIGTERM"),
    ];
    for (timer, signal) in rows {
        let told = one_death(&["timer", timer], &format!("{signal} timer by kernel:timer"));
        assert_eq!(told.signals("victim"), [format!("{signal} timer by kernel:timer: delivered, default")]);
    }
}

#[test]
fn no_process_that_happened_to_run_is_taken_for_the_timer_even_if_it_queues_the_same_signal_without_end() {
    for attack in ["itself", "denied"] {
        // The attackers' calls are not shown, so that nothing is lost.
        let tracer = Tracer::start(&["--syscalls", "kill"]);
        let told = tracer.watch(Play::new(&["timers_under_attack", attack, "60"]));
        assert_eq!(told.deaths("victim"), ["SIGRTMIN+25 timer by kernel:timer"; 60], "{attack}");
        assert_eq!(told.n_deaths(), 60, "{attack}");
    }
}
