//! One line that is written over and over, where somebody looks: which step of how many, what it is, and how long it may
//! take yet. Elsewhere a line now and then.

use std::{
    io::{IsTerminal as _, stderr},
    sync::{LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What is done first, second, and so on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// What is said of it.
    pub name: &'static str,
    /// Parts that take about as long as each other.
    pub n: usize,
    /// How long one takes, as far as can be known before: only ratios matter once some have been done.
    pub each: Duration,
}

/// Where a run is.
struct Plan {
    started: Instant,
    steps: Vec<Step>,
    /// The step that is being done, and how many of its parts were begun.
    at: usize,
    begun: usize,
}

static PLAN: Mutex<Option<Plan>> = Mutex::new(None);

/// Says what there is to do, before the first [`part`].
pub fn plan(steps: Vec<Step>) {
    let plan = Plan { started: Instant::now(), steps, at: 0, begun: 0 };
    *PLAN.lock().unwrap_or_else(PoisonError::into_inner) = Some(plan);
}

/// Begins the next part of this step.
pub fn part(step: &str, what: &str) {
    let mut plan = PLAN.lock().unwrap_or_else(PoisonError::into_inner);
    match plan.as_mut() {
        Some(plan) => {
            plan.begin(step);
            show(&plan.line(what, plan.started.elapsed()));
        }
        None => show(what),
    }
}

impl Plan {
    fn begin(&mut self, step: &str) {
        let at = self.steps.iter().position(|known| known.name == step).unwrap_or(self.at);
        self.begun = if at == self.at { self.begun + 1 } else { 1 };
        self.at = at;
    }

    fn line(&self, what: &str, elapsed: Duration) -> String {
        let Some(step) = self.steps.get(self.at) else { return what.to_owned() };
        let (at, n_steps) = (self.at + 1, self.steps.len());
        let left = words(self.left(elapsed));
        format!("step {at} of {n_steps}, {}, {} of {}: {what}; {left} left", step.name, self.begun, step.n)
    }

    /// What is left as planned, times how much longer than planned it has taken so far.
    #[expect(clippy::cast_precision_loss, reason = "parts are few")]
    fn left(&self, elapsed: Duration) -> Duration {
        let all =
            |steps: &[Step]| steps.iter().map(|step| step.each.as_secs_f64() * step.n as f64).sum::<f64>();
        let begun = self.begun.saturating_sub(1) as f64 * self.steps[self.at].each.as_secs_f64();
        let done = all(&self.steps[..self.at]) + begun;
        let left = (all(&self.steps) - done).max(0.0);
        // A few parts tell little.
        let pace = if done < 10.0 { 1.0 } else { elapsed.as_secs_f64() / done };
        Duration::from_secs_f64(left * pace)
    }
}

/// A time as somebody who waits wants it.
fn words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..90 => format!("about {} s", seconds.div_ceil(10) * 10),
        seconds => format!("about {} min", (seconds + 30) / 60),
    }
}

/// What is being done now.
pub fn show(text: &str) {
    if stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}

/// What has been done, once, and when.
pub fn say(text: &str) {
    static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
    end();
    eprintln!("{:4} s  {text}", STARTED.elapsed().as_secs());
}

/// Leaves an empty line for what comes next.
pub fn end() {
    show("");
}

#[cfg(test)]
mod tests {
    use std::{env, process::Command};

    use crate::terminal::watched;
    use tempfile::TempDir;

    use super::*;

    fn two_steps() -> Plan {
        let step = |name, n, seconds| Step { name, n, each: Duration::from_secs(seconds) };
        Plan {
            started: Instant::now(),
            steps: vec![step("pairs", 4, 5), step("floods", 2, 40)],
            at: 0,
            begun: 0,
        }
    }

    #[test]
    fn the_line_says_which_step_of_how_many_what_it_is_and_how_long_it_takes_yet() {
        let mut plan = two_steps();
        plan.begin("pairs");
        let line = plan.line("strace", Duration::ZERO);
        assert_eq!(line, "step 1 of 2, pairs, 1 of 4: strace; about 2 min left");
        for _ in 0..3 {
            plan.begin("floods");
        }
        plan.begun = 2;
        let line = plan.line("perf", Duration::from_mins(1));
        assert_eq!(line, "step 2 of 2, floods, 2 of 2: perf; about 40 s left");
    }

    #[test]
    fn what_takes_twice_as_long_as_planned_will_go_on_to_do_so() {
        let mut plan = two_steps();
        for _ in 0..3 {
            plan.begin("pairs");
        }
        assert_eq!(plan.left(Duration::from_secs(10)), Duration::from_secs(90));
        assert_eq!(plan.left(Duration::from_secs(20)), Duration::from_mins(3));
        // More parts than were planned are no time before now.
        for _ in 0..9 {
            plan.begin("floods");
        }
        assert_eq!(plan.left(Duration::from_secs(99)), Duration::ZERO);
    }

    /// The benchmark itself, with as little to measure as there can be.
    #[test]
    fn progress_is_shown_on_a_terminal_and_nowhere_else() {
        let bench = env::current_exe().unwrap().ancestors().nth(2).unwrap().join("bench");
        let folder = TempDir::new().unwrap();
        let command = || {
            let mut command = Command::new(&bench);
            command
                .args(["--only", "none of them", "--pairs", "1", "--no-guest", "--out"])
                .arg(folder.path());
            command
        };
        let (status, shown) = watched(&mut command());
        assert!(status.success(), "{shown}");
        for line in
            ["\r\x1b[Kstep 1 of 3, pairs, 1 of 1: off (control); about ", "\r\x1b[Kstep 3 of 3, scrapes, "]
        {
            assert!(shown.contains(line), "{line:?} is not in {shown:?}");
        }
        let output = command().output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.contains(" s  pair 1 of 1\n"), "{said}");
        assert!(!said.contains('\r') && !said.contains("step "), "{said:?}");
    }
}
