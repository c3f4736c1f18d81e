//! Flags of `check`.

use clap::Args;

use super::kernel::KernelArgs;

/// Flags of `check`, as typed.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// Which hooks to try, and the ring buffer to try them with.
    #[command(flatten)]
    pub kernel: KernelArgs,
}
