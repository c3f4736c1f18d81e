//! Names of processes and the patterns that are held against them.

/// Bytes that the kernel keeps of a name.
const KEPT: usize = killsnoop_common::COMM_LEN - 1;

/// Whether a name fits a pattern, in which `*` stands for any bytes.
pub(super) fn fits(pattern: &str, name: &[u8]) -> bool {
    let mut parts = pattern.as_bytes().split(|byte| *byte == b'*');
    let first = parts.next().unwrap_or_default();
    let Some(last) = parts.next_back() else { return name == &first[..first.len().min(KEPT)] };
    let middle = name.strip_prefix(first).and_then(|rest| rest.strip_suffix(last));
    middle.is_some_and(|middle| parts.try_fold(middle, after).is_some())
}

/// What follows the first place of a part; `None` if it is nowhere.
fn after<'a>(text: &'a [u8], part: &[u8]) -> Option<&'a [u8]> {
    (0..=text.len()).find_map(|at| text[at..].strip_prefix(part))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_stands_for_any_bytes_and_all_else_for_itself() {
        for (pattern, name, expected) in [
            ("nginx", "nginx", true),
            ("nginx", "nginx2", false),
            ("nginx", "ngin", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "nginx", true),
            ("systemd-*", "systemd-oomd", true),
            ("systemd-*", "systemd", false),
            ("*d", "systemd", true),
            ("*-oom*", "systemd-oomd", true),
            ("s*e*d", "systemd", true),
            ("s*x*d", "systemd", false),
            ("aa*aa", "aaa", false),
            ("a**b", "ab", true),
            ("a*b*a*b", "abab", true),
            ("a?", "ab", false),
            ("NGINX", "nginx", false),
        ] {
            assert_eq!(fits(pattern, name.as_bytes()), expected, "{pattern} {name}");
        }
        assert!(fits("a*", b"a\xff\n"));
    }

    #[test]
    fn a_name_is_given_in_full_and_compared_as_far_as_the_kernel_keeps_it() {
        assert!(fits("systemd-journald", b"systemd-journal"));
        assert!(!fits("systemd-journald", b"systemd-journ"));
    }

    proptest! {
        #[test]
        fn a_name_fits_each_pattern_that_is_made_of_it(name in "[ab]{0,15}", from in 0..16usize, to in 0..16usize) {
            let (from, to) = (from.min(name.len()), to.min(name.len()));
            let (from, to) = (from.min(to), from.max(to));
            let pattern = format!("{}*{}", &name[..from], &name[to..]);
            prop_assert!(fits(&pattern, name.as_bytes()), "{}", pattern);
            let pattern = format!("*{}*", &name[from..to]);
            prop_assert!(fits(&pattern, name.as_bytes()), "{}", pattern);
        }
    }
}
