//! Sets up the exporter's own log, which goes to standard error.

use std::io::{IsTerminal as _, stderr};

use tracing::level_filters::LevelFilter;

use crate::cli::log::{Format, Level, LogArgs};

/// Starts to log as asked, or else at this level. To be called once.
pub fn start(args: LogArgs, default: Level) {
    let log = tracing_subscriber::fmt()
        .with_writer(stderr)
        .with_max_level(LevelFilter::from(args.level.unwrap_or(default)))
        .with_target(false)
        .with_ansi(stderr().is_terminal());
    match args.format {
        Format::Text => log.init(),
        Format::Json => log.json().init(),
    }
}
