//! The values of labels.

use std::{borrow::Cow, sync::LazyLock};

use killsnoop_common::kill::{RESULT_OTHER, SIGNAL_OTHER};

use crate::{cgroup::Container, errno, signal};

/// What is neither a known signal nor a known result, and what has no series of its own.
pub(super) const OTHER: &str = "other";

/// Stands for the signals 32 to 64 where they share a series.
pub(super) const REAL_TIME: &str = "SIGRT*";

/// The longest name of a container that is known to be in use is that of a pod: as long as a host's may be.
pub(super) const LONGEST: usize = 253;

/// The first digits of a container's id by which people and tools speak of it.
const SHORT_ID: usize = 12;

/// Names of the signals 0 to 64, made once: those of real-time signals are put together.
static SIGNAL_NAMES: LazyLock<Vec<Cow<'static, str>>> =
    LazyLock::new(|| (0..).map(signal::name).take(SIGNAL_OTHER as usize).collect());

pub(super) fn signal(signal: u32) -> &'static str {
    SIGNAL_NAMES.get(signal as usize).map_or(OTHER, |name| name.as_ref())
}

pub(super) fn result(result: i32) -> &'static str {
    // `errno::name` takes every positive number for success.
    if result == RESULT_OTHER { OTHER } else { errno::name(result).unwrap_or(OTHER) }
}

pub(super) fn yes_or_no(whether: bool) -> &'static str {
    if whether { "true" } else { "false" }
}

/// What a container is called: its name, else the beginning of its id.
pub(super) fn container(container: &Container) -> &str {
    let id = || container.id.get(..SHORT_ID).unwrap_or(&container.id);
    container.name.as_deref().unwrap_or_else(id)
}

/// A text of another program as a value: at most `longest` characters, and U+FFFD for those that a terminal would obey
/// or that have no shape of their own. The encoders escape quotes and the like.
pub(super) fn bounded(text: &str, longest: usize) -> String {
    let has_shape = |char: char| matches!(char, ' '..='~') || char.escape_debug().len() == 1;
    text.chars()
        .take(longest)
        .map(|char| if has_shape(char) { char } else { char::REPLACEMENT_CHARACTER })
        .collect()
}

#[cfg(test)]
mod tests {
    use killsnoop_common::kill::RESULTS;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn results_without_a_place_of_their_own_are_other() {
        assert_eq!(RESULTS.map(result), ["ok", "EPERM", "ESRCH", "EAGAIN", "EINVAL", "other"]);
        assert_eq!(
            [0, 9, 33, 64, 65, 1000].map(signal),
            ["0", "SIGKILL", "33", "SIGRTMAX", "other", "other"]
        );
    }

    #[test]
    fn a_container_without_a_name_has_the_beginning_of_its_id() {
        let unnamed = Container { id: "0123456789abcdef".to_owned(), ..Container::default() };
        assert_eq!(container(&unnamed), "0123456789ab");
        assert_eq!(container(&Container { id: "0123".to_owned(), ..Container::default() }), "0123");
        assert_eq!(container(&Container { name: Some("web".to_owned()), ..unnamed }), "web");
    }

    #[test]
    fn what_a_terminal_would_obey_is_replaced() {
        let hostile = "a\x1b[2J\n\"é\u{202e}\u{fffd}\\";
        assert_eq!(bounded(hostile, 99), "a\u{fffd}[2J\u{fffd}\"é\u{fffd}\u{fffd}\\");
        assert_eq!(bounded("éèê", 2), "éè");
    }

    proptest! {
        #[test]
        fn no_text_is_longer_than_its_bound_or_holds_a_control(text in any::<String>(), longest in 0_usize..40) {
            let bounded = bounded(&text, longest);
            prop_assert_eq!(bounded.chars().count(), text.chars().count().min(longest));
            prop_assert!(!bounded.contains(char::is_control));
        }
    }
}
