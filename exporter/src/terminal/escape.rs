//! Text from other programs, made harmless: nothing that a terminal would obey comes through.

/// Writes a name for the eyes: printable characters as they are, all others as `\n`, `\x1b` or `\u{202e}`, and bytes
/// that are not UTF-8 as `\xff`.
pub(super) fn plain(name: &[u8], out: &mut Vec<u8>) {
    // Nearly every name is this, and a flood of events should not pay for the others.
    if name.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return out.extend_from_slice(name);
    }
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            plain_character(character, out);
        }
        out.extend(chunk.invalid().escape_ascii());
    }
}

fn plain_character(character: char, out: &mut Vec<u8>) {
    match u8::try_from(character) {
        _ if is_printable(character) => push(character, out),
        Ok(byte) if byte.is_ascii() => out.extend(byte.escape_ascii()),
        _ => character.escape_unicode().for_each(|part| push(part, out)),
    }
}

/// Writes a JSON string in its quotes.
pub(super) fn json(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            _ if is_printable(character) => push(character, out),
            _ => json_escape(character, out),
        }
    }
    out.push(b'"');
}

/// JSON escapes UTF-16 units; characters above U+FFFF take two.
fn json_escape(character: char, out: &mut Vec<u8>) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        out.extend_from_slice(b"\\u");
        for shift in [12, 8, 4, 0] {
            out.push(b"0123456789abcdef"[usize::from(*unit >> shift & 0xf)]);
        }
    }
}

/// Whether a character has a shape of its own and no effect on others. The table is the standard library's: it leaves
/// out controls, format and bidi characters, line separators, odd spaces, combining marks, and what is not assigned.
fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return matches!(character, ' '..='~');
    }
    character.escape_debug().len() == 1
}

fn push(character: char, out: &mut Vec<u8>) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(name: &[u8]) -> String {
        let mut out = Vec::new();
        plain(name, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn in_json(text: &str) -> String {
        let mut out = Vec::new();
        json(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// What no terminal should ever be sent, from the Unicode categories Cc, Cf, Zl and Zp.
    fn is_dangerous(character: char) -> bool {
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
            assert_eq!(shown(name), expected, "{}", name.escape_ascii());
        }
    }

    #[test]
    fn json_strings_are_quoted_and_escaped() {
        let rows = [
            ("bash", r#""bash""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("a\nb\x1b\x7f", r#""a\u000ab\u001b\u007f""#),
            ("\u{9b}\u{202e}", r#""\u009b\u202e""#),
            ("\u{e0001}", r#""\udb40\udc01""#),
            ("caf\u{e9}", "\"caf\u{e9}\""),
        ];
        for (text, expected) in rows {
            assert_eq!(in_json(text), expected);
        }
    }

    #[test]
    fn no_dangerous_character_comes_through() {
        for character in ('\0'..=char::MAX).filter(|character| is_dangerous(*character)) {
            let text = character.to_string();
            assert!(!shown(text.as_bytes()).contains(character), "{character:?}");
            assert!(!in_json(&text).contains(character), "{character:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_become_one_harmless_line(name: [u8; 16]) {
            prop_assert!(!shown(&name).contains(is_dangerous));
            prop_assert!(!in_json(&String::from_utf8_lossy(&name)).contains(is_dangerous));
        }

        #[test]
        fn any_text_reads_back_from_json(text: String) {
            prop_assert_eq!(serde_json::from_str::<String>(&in_json(&text)).unwrap(), text);
        }
    }
}
