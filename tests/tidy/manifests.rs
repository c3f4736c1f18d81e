//! Rules of the Cargo.toml files.

use crate::repo::{none, text};

/// A list of texts in the workspace's manifest, for instance `members`.
fn list(key: &str) -> Vec<&'static str> {
    let line = text("Cargo.toml").lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
    line.unwrap().trim_matches(['[', ']']).split(", ").map(|name| name.trim_matches('"')).collect()
}

#[test]
fn every_member_takes_lints_version_edition_and_licence_from_the_workspace() {
    let package = ["version", "edition", "rust-version", "license", "publish"];
    let mut rules = package.map(|key| format!("\n{key}.workspace = true\n")).to_vec();
    rules.push("\n[lints]\nworkspace = true\n".to_owned());
    none(list("members").into_iter().flat_map(|member| {
        let manifest = text(&format!("{member}/Cargo.toml"));
        let missing = rules.iter().filter(|rule| !manifest.contains(rule.as_str()));
        // The kernel wants to hear of the GPL from a program that it loads.
        let missing = missing.filter(|rule| !(member == "exporter-ebpf" && rule.contains("license")));
        missing.map(|rule| format!("{member}/Cargo.toml lacks{}", rule.trim_end())).collect::<Vec<_>>()
    }));
    assert!(text("exporter-ebpf/Cargo.toml").contains("\nlicense = \"GPL-2.0-only OR "));
}

#[test]
fn plain_cargo_test_needs_neither_root_nor_bpf() {
    assert_eq!(list("default-members"), ["common", "exporter"]);
}
