//! `why`: asks the exporter that runs what died, and shows its answer.

mod details;
mod show;

use std::{
    env,
    io::{self, ErrorKind, IsTerminal as _, Write as _},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use jiff::tz::TimeZone;
use killsnoop_exporter::{
    cli::why::WhyArgs,
    control::{self, Answer},
    recent::{Query, Whom},
    verdict::{amount, json, printable},
};

use self::show::Show;

/// Nobody died; as with grep(1), that is no failure.
const NOBODY: u8 = 1;
/// Nobody could be asked, or the answer could not be shown.
const FAILED: u8 = 2;

/// Shows the deaths that were asked for.
pub(crate) fn run(args: &WhyArgs) -> ExitCode {
    match why(args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(NOBODY),
        Err(error) => {
            // A message of the exporter that was asked may be in it.
            eprintln!("error: {}", printable::text(format!("{error:#}").as_bytes()));
            ExitCode::from(FAILED)
        }
    }
}

/// Whether there was one.
fn why(args: &WhyArgs) -> Result<bool> {
    let query = args.query();
    let answer = control::ask(&args.socket, &query)?;
    let show = Show { zone: TimeZone::system(), is_colored: is_colored() };
    if answer.events.is_empty() {
        eprintln!("{}", nobody(&query, &answer, &show));
        return Ok(false);
    }
    let (n_shown, n) = (answer.events.len(), answer.n_matching);
    let text = if args.json {
        answer.events.into_iter().map(|event| json::line(event) + "\n").collect()
    } else {
        show.answer(&answer)
    };
    io::stdout().write_all(text.as_bytes()).or_else(closed).context("cannot write to standard output")?;
    if n_shown as u64 != n {
        eprintln!("the last {n_shown} of {n} are shown; --limit shows more");
    }
    Ok(true)
}

/// Says that there is none, and among how many.
fn nobody(query: &Query, answer: &Answer, show: &Show) -> String {
    let whom = match &query.whom {
        Whom::Anybody => "no process".to_owned(),
        whom => format!("nobody that matches \"{}\"", printable::text(whom.to_string().as_bytes())),
    };
    let within =
        query.within.map(|within| format!(" in the last {}", amount::time(within))).unwrap_or_default();
    let (n, since) = (answer.n_kept, show.time(&answer.since));
    let deaths = if n == 1 { "1 death is".to_owned() } else { format!("{n} deaths are") };
    format!("{whom} was seen to die of a signal{within}; {deaths} known since {since}")
}

/// Whoever stopped reading does not want more.
fn closed(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

fn is_colored() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !is_set("NO_COLOR")
}

#[cfg(test)]
mod tests;
