//! Flags of what the exporter gives up once it watches.

use clap::Args;

use crate::confine::Keep;

/// Flags of what is given up, as typed.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Privileges")]
pub struct ConfineArgs {
    /// Capabilities to keep once it watches: names with commas between, or all, or none
    ///
    /// What is kept helps to read files that name containers: `CAP_DAC_READ_SEARCH`, where the exporter does not run as
    /// root. A capability that reading the counters takes, as on Linux before 5.19, is kept in any case.
    #[arg(long = "capabilities.keep", value_name = "CAPABILITY,...", default_value = "none")]
    pub keep: Keep,

    /// Keep capabilities, files, connections and system calls, all that there are
    ///
    /// To find out whether confinement keeps something from working that should work. Please report it then.
    #[arg(long)]
    pub unconfined: bool,
}
