//! Flags of the exporter's own log.

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

/// Flags of the exporter's own log, as typed.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// Write messages of this level and above to standard error [default: info, and warn where events are printed]
    #[arg(long = "log.level", value_enum, value_name = "LEVEL")]
    pub level: Option<Level>,

    /// How a message is written
    #[arg(long = "log.format", value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub format: Format,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Data is being lost, or someone must act.
    Error,
    /// Something went wrong and was recovered.
    Warn,
    /// Start, stop, change.
    Info,
    /// What a developer wants to know.
    Debug,
}

/// How a log message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line for people, with colours on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

impl From<Level> for LevelFilter {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::ERROR,
            Level::Warn => Self::WARN,
            Level::Info => Self::INFO,
            Level::Debug => Self::DEBUG,
        }
    }
}
