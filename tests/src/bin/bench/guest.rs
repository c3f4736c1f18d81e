//! Instructions instead of nanoseconds: the same loops in a virtual machine whose clock counts them, where back ends work
//! that this machine's kernel may not have, and where each figure is the same each time.

use std::{env, path::Path, process::Command};

use killsnoop_tests::{binary, measure::progress, root};

use crate::{
    cost,
    report::{Figures, Report},
    tools::{self, Tool},
    worker::{TENTH, Worker},
};

/// What this is called while it is done.
pub(crate) const STEP: &str = "instructions";

/// Instructions are the same each time, and it takes long to start a tool there.
const PAIRS: usize = 1;

/// What the machine was, and what was counted in it.
pub(crate) struct Guest {
    pub(crate) kernel: String,
    pub(crate) tools: Vec<Figures>,
}

/// Builds the machine, runs it, and reads what it says.
///
/// # Errors
/// With the reason if it says nothing of use.
pub(crate) fn measure(reference: &Path) -> Result<Guest, String> {
    progress::part(STEP, "in a virtual machine");
    let bench = env::current_exe().expect("the kernel tells what runs");
    let mut command = Command::new(root().join("tests/bench/guest"));
    let output =
        command.arg(bench).arg(binary()).arg(reference).output().map_err(|error| error.to_string())?;
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    progress::say("guest");
    if said.lines().any(|line| line == "@@end 0") {
        Ok(read(&said))
    } else {
        Err(errors.lines().chain(said.lines()).next_back().unwrap_or("it says nothing").to_owned())
    }
}

/// Inside the machine: measures, and prints each pair.
pub(crate) fn run(reference: &Path) {
    let tools = tools::of_guest(reference);
    let mut report = Report::new(PAIRS, &tools);
    cost::measure(&mut report, &tools, &mut Worker::start(TENTH), PAIRS);
    for tool in &report.tools {
        if let Some(why) = &tool.why_not {
            println!("@@not\t{}\t{why}", tool.name);
        }
        for (one, pairs) in &tool.costs {
            for (off, on) in pairs.all() {
                println!("@@pair\t{}\t{one}\t{off}\t{on}", tool.name);
            }
        }
    }
}

fn read(said: &str) -> Guest {
    let kernel = said.lines().find_map(|line| line.strip_prefix("@@kernel ")).unwrap_or("unknown").to_owned();
    let tools = tools::of_guest(Path::new("reference")).iter().map(|tool| figures(tool, said)).collect();
    Guest { kernel, tools }
}

fn figures(tool: &Tool, said: &str) -> Figures {
    let mut figures = Figures::new(tool);
    for line in said.lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["@@not", name, why] if name == tool.name => figures.why_not = Some(why.to_owned()),
            ["@@pair", name, one, off, on] if name == tool.name => {
                let number = |text: &str| text.parse().expect("the guest prints numbers");
                figures.push(one, number(off), number(on));
            }
            _ => {}
        }
    }
    figures
}
