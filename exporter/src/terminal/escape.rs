//! Text from other programs in JSON, made harmless: nothing that a terminal would obey comes through.

use crate::verdict::printable::is_printable;

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

fn push(character: char, out: &mut Vec<u8>) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::verdict::printable::is_dangerous;

    fn in_json(text: &str) -> String {
        let mut out = Vec::new();
        json(text, &mut out);
        String::from_utf8(out).unwrap()
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
            assert!(!in_json(&character.to_string()).contains(character), "{character:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_reads_back_from_json_that_is_harmless(text: String) {
            let shown = in_json(&text);
            prop_assert!(!shown.contains(is_dangerous));
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }
}
