//! Where the figures are kept, and where the documents show them.

use std::{fs, path::Path};

use killsnoop_tests::{
    measure::{markdown::filled, progress},
    root,
};

use crate::{figures::Figures, plot, tables};

const TARGET: &str = "target/scale";
const DOCS: &str = "docs/scale";
const PAGE: &str = "docs/scaling.md";
const BEGIN: &str = "<!-- scale: filled in by `tests/run scale --write` -->\n";
const END: &str = "<!-- /scale -->\n";

/// The figures of the last time.
pub(crate) fn last() -> Figures {
    let text = fs::read_to_string(root().join(TARGET).join("scale.json"));
    serde_json::from_str(&text.expect("it was measured before")).expect("figures have not changed since")
}

/// Puts the figures where people and programs look for them.
pub(crate) fn publish(figures: &Figures, write: bool) {
    save_all(&root().join(TARGET), figures);
    println!("{}", tables::page(figures));
    if write {
        save_all(&root().join(DOCS), figures);
        let path = root().join(PAGE);
        let text = fs::read_to_string(&path).expect("the document is there");
        save(&path, &filled(&text, BEGIN, END, &tables::short_page(figures)).expect("it has both marks"));
    }
}

fn save_all(folder: &Path, figures: &Figures) {
    fs::create_dir_all(folder).expect("a folder can be made");
    save(&folder.join("scale.json"), &json(figures));
    save(&folder.join("scale.md"), &tables::page(figures));
    save(&folder.join("scale.svg"), &plot::svg(figures));
}

fn save(path: &Path, text: &str) {
    fs::write(path, text).expect("a file can be written");
    progress::say(&format!("wrote {}", path.display()));
}

fn json(figures: &Figures) -> String {
    let text = serde_json::to_string_pretty(figures).expect("figures are JSON");
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> String {
        fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn committed() -> Figures {
        serde_json::from_str(&read(&format!("{DOCS}/scale.json"))).unwrap()
    }

    #[test]
    fn tables_and_picture_are_what_the_committed_figures_give() {
        let figures = committed();
        assert_eq!(read(&format!("{DOCS}/scale.md")), tables::page(&figures));
        assert_eq!(read(&format!("{DOCS}/scale.svg")), plot::svg(&figures));
    }

    #[test]
    fn the_document_shows_what_the_committed_figures_give() {
        let text = read(PAGE);
        assert_eq!(filled(&text, BEGIN, END, &tables::short_page(&committed())), Some(text));
    }

    #[test]
    fn figures_read_back_are_the_same() {
        let text = read(&format!("{DOCS}/scale.json"));
        assert_eq!(json(&serde_json::from_str(&text).unwrap()), text);
    }
}
