//! Provokes, with processes of its own, what a signal or a death can come from, and says how it ended.
//!
//! ```text
//! provoke SCENE [ARGUMENT]...
//! ```
//! It says who plays, `player ROLE PID NS_PID PID_NS COMM` with the numbers of the initial pid namespace and of the player's
//! own and the name in hexadecimal, and then `ready`. It waits for a line on its standard input, acts, and says how each player ended as waitpid(2) has
//! it: `ended PID exit N` or `ended PID signal N core 0|1`. Calls that players make are `returned RESULT`. Where the machine
//! cannot do what the scene needs, it says `cannot WHY` before `ready` and does nothing. Standard input must stay open until it is over.
//!
//! Its last act is the same in each scene: it sends SIGTERM, which is ignored, and SIGKILL to a player with the role
//! `fence`. Who has seen both, and the death, has seen all.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what cannot be provoked fails the test that asked for it"
)]

mod cgroups;
mod faults;
mod images;
mod kin;
mod limits;
mod memory;
mod namespaces;
mod seccomp;
mod sent;
mod system;
mod terminal;
mod threads;
mod timers;
mod troupe;

use std::{env, process::ExitCode};

use nix::{
    libc,
    sys::{
        prctl,
        signal::{Signal, kill},
    },
    time::{ClockId, clock_gettime},
};
use troupe::{Troupe, say};

fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    // What a scene starts by exec is this program too; it tells nothing of itself.
    if let Some(code) = images::played_by_exec(&args) {
        return code;
    }
    // Players whose parent ends become children of this process, and are waited for as well.
    prctl::set_child_subreaper(true).expect("nothing forbids it");
    troupe::name_players_after_this_process();
    say(&format!("began {}", boot_ns()));
    let mut troupe = Troupe::default();
    if play(&args, &mut troupe).is_none() {
        eprintln!("provoke: there is no scene {args:?}");
        return ExitCode::from(2);
    }
    troupe.finish();
    fence();
    say(&format!("over {}", boot_ns()));
    ExitCode::SUCCESS
}

fn play(args: &[&str], troupe: &mut Troupe) -> Option<()> {
    match *args {
        ["call", call, signal] => sent::call(troupe, call, signal.parse().ok()?),
        ["ignored", signal] => sent::ignored(troupe, signal.parse().ok()?),
        ["pending", signal] => sent::pending(troupe, signal.parse().ok()?),
        ["zombie", signal] => sent::zombie(troupe, signal.parse().ok()?),
        ["fails"] => sent::fails(troupe),
        ["probe"] => sent::probe(troupe),
        ["own_group"] => sent::own_group(troupe),
        ["group"] => sent::group(troupe),
        ["everybody"] => namespaces::everybody(troupe),
        ["nested"] => namespaces::nested(troupe),
        ["init", how] => namespaces::init_ends(troupe, how),
        ["self"] => sent::to_itself(troupe),
        ["jobs"] => sent::jobs(troupe),
        ["after", what] => sent::after(troupe, what),
        ["raised_again"] => sent::raised_again(troupe),
        ["threads"] => threads::killed(troupe),
        ["one_thread"] => threads::one_signalled(troupe),
        ["exec", thread] => threads::exec(troupe, thread),
        ["exit_group"] => threads::exit_group(troupe),
        ["fault", fault] => faults::fault(troupe, fault),
        ["pipe", kind] => faults::pipe_without_reader(troupe, kind),
        ["abort", core, folder] => faults::abort(troupe, core, folder),
        ["seccomp", action] => seccomp::seccomp(troupe, action),
        ["rlimit", limit] => limits::rlimit(troupe, limit),
        ["timer", timer] => timers::timer(troupe, timer),
        ["timers_under_attack", attack, n] => timers::under_attack(troupe, attack, n.parse().ok()?),
        ["terminal", what] => terminal::terminal(troupe, what),
        ["parent", how] => kin::parent_ends(troupe, how),
        ["cgroup_kill"] => cgroups::kill(troupe),
        ["oom", case] => memory::oom(troupe, case),
        ["oom_global", "--really"] => memory::oom_global(troupe),
        ["brief", folder, n] => images::brief_victims(troupe, folder, n.parse().ok()?),
        ["brief_sender", folder] => images::brief_sender(troupe, folder),
        ["family"] => images::family(troupe),
        ["named", hex] => images::named(troupe, hex),
        _ => return None,
    }
    Some(())
}

/// What happens last, and so reaches every reader of events last.
fn fence() {
    let mut troupe = Troupe::default();
    let fence = troupe.cast("fence", |part| {
        system::ignore(libc::SIGTERM);
        part.wait();
    });
    // Calls that send SIGKILL, and deaths, have a way of their own to whoever reads events.
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        kill(fence.pid, signal).expect("it waits");
    }
    troupe.finish();
}

fn boot_ns() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).expect("there is such a clock");
    let (seconds, nanoseconds) = (now.tv_sec().unsigned_abs(), now.tv_nsec().unsigned_abs());
    seconds * 1_000_000_000 + nanoseconds
}
