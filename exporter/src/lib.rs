//! The killsnoop exporter: counts the signals that are sent on a machine, and streams each as an event.
//!
//! The data goes one way: [`kernel`] loads the BPF program, reads its counters and its ring buffer, and makes an
//! [`event::Event`] of each record. Counters end in [`metrics`], which [`http`] serves; events end in a sink:
//! [`otlp`] or [`terminal`]. The sinks know neither each other nor the kernel; `main` is where they meet.

pub mod cgroup;
pub mod cli;
pub mod clock;
pub mod confine;
pub mod control;
pub mod counters;
pub mod errno;
pub mod event;
pub mod http;
pub mod kernel;
pub mod landing;
pub mod ledger;
pub mod log;
pub mod metrics;
pub mod otlp;
pub mod pulse;
pub mod recent;
pub mod select;
pub mod service;
pub mod signal;
pub mod terminal;
pub mod verdict;
