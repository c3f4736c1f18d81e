//! The socket on which the exporter that runs is asked what died; `why` asks. It is there for root and for the user who
//! runs the exporter: what it tells are other people's processes.
//!
//! A client sends one line, a JSON object, and gets lines with one JSON object each, until the end:
//!
//! ```text
//! {"whom":"nginx","within_ms":600000,"limit":20}
//! {"event":"death","time":"2023-11-14T22:13:20.123456789Z",…}
//! {"end":{"matching":1,"kept":312,"since":"2023-11-14T20:00:00.000000000Z"}}
//! ```
//! `whom` is as [`Whom`](crate::recent::Whom) reads it; without it anybody is meant, without `within_ms` any time. Events are those of
//! [`verdict::json`](crate::verdict::json), the most recent first. The last line tells how many there are without the
//! limit, how many of anybody are kept, and since when nothing is missing; without it the answer was cut off. What
//! cannot be answered is answered with `{"error":"…"}`.
//!
//! A client takes a bounded part of the exporter: a request has up to 4 KiB and an answer up to 20,000 events, each of
//! the two has 5 s, and 8 clients are served at a time while others wait.

mod bind;
mod client;
mod request;
mod server;
#[cfg(test)]
mod tests;

pub use self::{
    bind::{BindError, Listener, bind},
    client::{Answer, AskError, ask},
    server::serve,
};

/// Bytes that a request may have, its line's end included.
const MOST_OF_REQUEST: usize = 4096;
/// Events that an answer may have.
pub const MOST_EVENTS: usize = 20_000;
