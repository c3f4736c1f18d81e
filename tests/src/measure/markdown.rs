//! Tables, and the places that documents have for them.

use std::fmt::Write as _;

/// The first two lines of a table.
#[must_use]
pub fn head(first: &str, titles: &[String]) -> String {
    let rule: String = titles.iter().map(|_| "---|").collect();
    format!("| {first} | {} |\n|---|{rule}\n", titles.join(" | "))
}

/// One line of a table; a cell without a figure stays empty.
#[must_use]
pub fn row(name: &str, cells: impl IntoIterator<Item = Option<String>>) -> String {
    let mut line = format!("| {name} |");
    for cell in cells {
        // Writing to a text cannot fail.
        _ = write!(line, " {} |", cell.unwrap_or_default());
    }
    line + "\n"
}

/// A document with these figures where its marks are; nothing if it has none.
#[must_use]
pub fn filled(text: &str, begin: &str, end: &str, figures: &str) -> Option<String> {
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n{figures}\n{end}{after}"))
}

#[test]
fn figures_replace_those_between_the_marks_and_nothing_else() {
    let (begin, end) = ("<!-- begin -->\n", "<!-- end -->\n");
    let text = format!("a\n{begin}old\n{end}b\n");
    let new = filled(&text, begin, end, "new").unwrap();
    assert_eq!(new, format!("a\n{begin}\nnew\n{end}b\n"));
    assert_eq!(filled(&new, begin, end, "new").as_ref(), Some(&new));
    assert_eq!(filled("no marks", begin, end, "new"), None);
}
