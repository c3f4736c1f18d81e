//! End-to-end tests: the shipped binary on the real kernel, with real peers. Root is needed.
//!
//! The tests run side by side, so each watches its own senders only: events by the sender's pid, counters by a signal
//! that no other test uses (see `signals`).

#![expect(clippy::float_cmp, reason = "counters are whole numbers far below 2^53")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test")]

mod check;
mod counters;
mod deploy;
mod documents;
mod events;
mod filters;
mod floods;
mod hooks;
mod lost;
mod otlp;
mod page;
mod pages;
mod paths;
mod privileges;
mod prometheus;
mod push;
mod service;
mod signals;
mod start_stop;
mod terminal;
