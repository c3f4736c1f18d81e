//! Events for the tests of the sinks.

use std::sync::Arc;

use super::Event;
pub(crate) use super::{
    call::example as call,
    death::{example as death, example_oom_kill as oom_kill, example_signal as signal},
};

/// bash (4242) fails to send SIGKILL to 1024.
pub(crate) fn call_event() -> Event {
    Event::Call(call())
}

/// systemd-oomd (612) kills nginx (4711) 0.3 s after a SIGTERM.
pub(crate) fn death_event() -> Event {
    Event::Death(Arc::new(death()))
}
