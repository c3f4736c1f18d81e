//! The killsnoop exporter's command line: parses, runs one command, and maps its outcome to an exit code.

use std::{env, path::Path, process::ExitCode};

use clap::Parser;
use killsnoop_exporter::cli::{Cli, Command, trace::Killsnoop};

mod run;

fn main() -> ExitCode {
    let outcome = if called_as("killsnoop") {
        let args = Killsnoop::parse();
        run::trace::run(&args.kernel, args.log, args.config())
    } else {
        match Cli::parse().command() {
            Command::Serve(args) => run::serve::run(&args),
            Command::Trace(args) => run::trace::run(&args.kernel, args.log, args.config()),
            Command::Why(args) => Ok(run::why::run(&args)),
            Command::Check(args) => run::check::run(&args),
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Whether the binary was called by this name, as a link to it is.
fn called_as(name: &str) -> bool {
    env::args_os().next().is_some_and(|path| Path::new(&path).file_name().is_some_and(|file| file == name))
}
