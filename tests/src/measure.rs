//! What programs that measure share: the machine they do it on, what it tells of a process, medians, progress, and tables.

pub mod machine;
pub mod markdown;
pub mod process;
pub mod progress;
pub mod stats;
