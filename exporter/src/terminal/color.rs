//! Colours of lines, as a terminal takes them.

use crate::event::Event;

/// A colour of a whole line: a sequence of the terminal's, see `console_codes`(4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Color(&'static [u8]);

const RED: Color = Color(b"\x1b[31m");
const BOLD_RED: Color = Color(b"\x1b[1;31m");
const YELLOW: Color = Color(b"\x1b[33m");
const NO_COLOR: &[u8] = b"\x1b[0m";

impl Color {
    /// The colour of an event's line: what has died is red, and what failed is yellow.
    pub(super) fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Call(call) => (call.result < 0).then_some(YELLOW),
            Event::Signal(_) => None,
            Event::Death(_) => Some(RED),
            Event::OomKill(_) => Some(BOLD_RED),
        }
    }

    /// Writes text in this colour, and ends it.
    pub(super) fn paint(self, out: &mut Vec<u8>, text: impl FnOnce(&mut Vec<u8>)) {
        out.extend_from_slice(self.0);
        text(out);
        out.extend_from_slice(NO_COLOR);
    }
}
