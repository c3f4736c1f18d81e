//! Every way to signal and to kill, done for real: which calls are told of, who died, of what, and by whom.
//!
//! All tests share one tracer of the whole machine, and look at what it says of their own players. The scenes are those of
//! `provoke` in tests/src/bin; see there what a name stands for.

mod calls;
mod counted;
mod kernel;
mod kin;
mod memory;
mod one_death;
mod terminal;
mod timers;
mod who;

use killsnoop_tests::verdicts::{self, Told};

/// Plays a scene in which one victim dies, and nobody else.
fn one_death(scene: &[&str], words: &str) -> Told {
    let told = verdicts::of(scene);
    assert_eq!((told.deaths("victim"), told.n_deaths()), (vec![words.to_owned()], 1), "{scene:?}\n{told}");
    told
}

/// Plays a scene in which nobody dies of a signal.
fn no_death(scene: &[&str]) -> Told {
    let told = verdicts::of(scene);
    assert_eq!(told.n_deaths(), 0, "{scene:?}\n{told}");
    told
}
