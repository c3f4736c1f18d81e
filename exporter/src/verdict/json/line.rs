//! A JSON object as a line that is safe to show.

use serde_json::{Map, Value};

use crate::verdict::printable::is_printable;

/// Writes an object without a line break, and without anything that a terminal obeys: such characters are written as
/// `\u001b`. Whoever reads the JSON gets them back.
#[must_use]
pub fn line(object: Map<String, Value>) -> String {
    let text = Value::Object(object).to_string();
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text;
    }
    // Outside of strings JSON is printable ASCII, so that every other character stands in one.
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if is_printable(character) { line.push(character) } else { escape(character, &mut line) }
    }
    line
}

/// JSON escapes UTF-16 units; characters above U+FFFF take two.
fn escape(character: char, line: &mut String) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        line.push_str("\\u");
        line.extend(
            [12, 8, 4, 0].map(|shift| char::from(b"0123456789abcdef"[usize::from(*unit >> shift & 0xf)])),
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::verdict::printable::is_dangerous;

    fn in_line(text: &str) -> String {
        line(Map::from_iter([("a".to_owned(), text.into())]))
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_the_rest_stays() {
        let rows = [
            ("bash", r#"{"a":"bash"}"#),
            ("a\"b\\c\n", r#"{"a":"a\"b\\c\n"}"#),
            ("\x1b\x7f\u{9b}", r#"{"a":"\u001b\u007f\u009b"}"#),
            ("\u{202e}\u{e0001}é", "{\"a\":\"\\u202e\\udb40\\udc01é\"}"),
        ];
        for (text, expected) in rows {
            assert_eq!(in_line(text), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_reads_back_from_a_harmless_line(text: String) {
            let line = in_line(&text);
            prop_assert!(!line.contains(is_dangerous));
            let read: Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(read["a"].as_str(), Some(&*text));
        }
    }
}
