//! Timers: the kernel sends the signal, whoever's process happened to run.
//!
//! A virtual machine may hide its agent from everything else in it, and let no BPF program run while the agent does. What an
//! interrupt sends then is not seen, and such a death is told as what it is to the tracer: unknown. On other machines there
//! is none.

use killsnoop_tests::{
    provoke::Play,
    verdicts::{Told, Tracer},
};

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
        let told = seen(Tracer::shared(), &["timer", timer]);
        assert_eq!(told.deaths("victim"), [format!("{signal} timer by kernel:timer")], "{timer}\n{told}");
        assert_eq!(told.n_deaths(), 1, "{told}");
        assert_eq!(told.signals("victim"), [format!("{signal} timer by kernel:timer: delivered, default")]);
        assert_eq!(told.calls("victim"), [""; 0]);
    }
}

/// Plays the scene again until all that was sent was seen.
fn seen(tracer: &Tracer, scene: &[&str]) -> Told {
    for _ in 0..10 {
        let told = tracer.watch(Play::new(scene));
        let unseen: Vec<_> = told.events("death").filter(|death| death["cause"] == "unknown").collect();
        if unseen.is_empty() {
            return told;
        }
        assert!(unseen.iter().all(|death| death["sender"].is_null()), "nobody is to blame:\n{told}");
        eprintln!("{scene:?}: {} signals were not seen", unseen.len());
    }
    panic!("{scene:?}: again and again some signals were not seen")
}

#[test]
fn no_process_that_happened_to_run_is_taken_for_the_timer_even_if_it_queues_the_same_signal_without_end() {
    const N: usize = 60;
    // The attackers' calls are not shown, so that nothing is lost.
    let tracer = Tracer::start(&["--syscalls", "kill"]);
    for attack in ["itself", "denied"] {
        let told = seen(&tracer, &["timers_under_attack", attack, &N.to_string()]);
        assert_eq!(told.deaths("victim"), vec!["SIGRTMIN+25 timer by kernel:timer"; N], "{attack}");
        assert_eq!(told.n_deaths(), N, "{attack}");
    }
}
