//! Text from other programs, made harmless: nothing that a terminal would obey comes through.
//!
//! What is printable stays as it is, a backslash too; all else becomes `\n`, `\x1b` or `\u{202e}`, and a byte that is
//! not UTF-8 becomes `\xff`.

/// Writes a name for the eyes.
pub fn write(name: &[u8], out: &mut Vec<u8>) {
    // Nearly every name is this, and a flood of events should not pay for the others.
    if name.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return out.extend_from_slice(name);
    }
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            write_character(character, out);
        }
        out.extend(chunk.invalid().escape_ascii());
    }
}

fn write_character(character: char, out: &mut Vec<u8>) {
    match u8::try_from(character) {
        _ if is_printable(character) => push(character, out),
        Ok(byte) if byte.is_ascii() => out.extend(byte.escape_ascii()),
        _ => character.escape_unicode().for_each(|part| push(part, out)),
    }
}

/// The same as text of its own.
#[must_use]
pub fn text(name: &[u8]) -> String {
    let mut out = Vec::with_capacity(name.len());
    write(name, &mut out);
    // Nothing is lost: only characters were written.
    String::from_utf8_lossy(&out).into_owned()
}

/// The same in so many characters at most; of a longer one the first, and `…` for the others.
#[must_use]
pub fn bounded(name: &str, most: usize) -> String {
    let mut shown = text(name.as_bytes());
    if shown.chars().count() > most {
        let end = shown.char_indices().nth(most.saturating_sub(1)).map_or(0, |(at, _)| at);
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

/// Whether a character has a shape of its own and no effect on others. The table is the standard library's: it leaves
/// out controls, format and bidi characters, line separators, odd spaces, combining marks, and what is not assigned.
#[must_use]
pub fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~');
    }
    character.escape_debug().len() == 1
}

fn push(character: char, out: &mut Vec<u8>) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// What no terminal should ever be sent, from the Unicode categories Cc, Cf, Zl and Zp.
#[cfg(test)]
pub(crate) fn is_dangerous(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_as_an_escape() {
        let rows: [(&[u8], &str); 17] = [
            (b"", ""),
            (b"bash", "bash"),
            (b"(sd-pam) ~!'\"", "(sd-pam) ~!'\""),
            (b"a\nb", "a\\nb"),
            (b"a\tb\r", "a\\tb\\r"),
            (b"\x1b[31m", "\\x1b[31m"),
            (b"\x07\x7f\x01", "\\x07\\x7f\\x01"),
            (b"\xff\xfe", "\\xff\\xfe"),
            ("caf\u{e9}".as_bytes(), "caf\u{e9}"),
            // A name cut at 15 bytes may end inside a character.
            (b"caf\xc3", "caf\\xc3"),
            ("\u{9b}31m".as_bytes(), "\\u{9b}31m"),
            (b"\x9b31m", "\\x9b31m"),
            ("a\u{202e}b".as_bytes(), "a\\u{202e}b"),
            ("\u{2066}\u{200b}".as_bytes(), "\\u{2066}\\u{200b}"),
            ("\u{2028}".as_bytes(), "\\u{2028}"),
            ("\u{1f980}".as_bytes(), "\u{1f980}"),
            // A backslash is an ordinary character, see the module's doc.
            (b"a\\n", "a\\n"),
        ];
        for (name, expected) in rows {
            assert_eq!(text(name), expected, "{}", name.escape_ascii());
        }
    }

    #[test]
    fn long_names_are_cut_and_say_so() {
        let rows =
            [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("äöüß", 3, "äö…"), ("\n\n", 3, "\\n…"), ("ab", 1, "…")];
        for (name, most, expected) in rows {
            assert_eq!(bounded(name, most), expected);
        }
    }

    #[test]
    fn no_dangerous_character_comes_through() {
        for character in ('\0'..=char::MAX).filter(|character| is_dangerous(*character)) {
            assert!(!text(character.to_string().as_bytes()).contains(character), "{character:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_become_one_harmless_line(name: [u8; 16], long: String, most in 0usize..40) {
            prop_assert!(!text(&name).contains(is_dangerous));
            let bounded = bounded(&long, most);
            prop_assert!(!bounded.contains(is_dangerous));
            prop_assert!(bounded.chars().count() <= most.max(1));
        }
    }
}
