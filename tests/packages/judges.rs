//! lintian, rpmlint, systemd-analyze and `CycloneDX` say nothing against what is shipped, and something against broken copies.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use killsnoop_tests::root;
use serde_json::Value;
use tempfile::TempDir;

use crate::{ARCHITECTURES, bytes::Copy, done, own_arch, packages, run, the_one};

fn lintian(deb: &Path) -> (bool, String) {
    run(Command::new("lintian").args(["--allow-root", "--fail-on", "error,warning"]).arg(deb))
}

fn rpmlint(rpm: &Path) -> (bool, String) {
    let (succeeded, text) = run(Command::new("rpmlint")
        .arg("--config")
        .arg(root().join("deploy/packages/rpmlint.toml"))
        .arg(rpm));
    // It fails of errors alone.
    (succeeded && text.contains("0 errors, 0 warnings"), text)
}

#[test]
fn lintian_and_rpmlint_have_nothing_to_say() {
    for (arch, ..) in ARCHITECTURES {
        let (accepted, text) = lintian(&the_one(&packages(arch), ".deb"));
        assert!(accepted && text.is_empty(), "{arch}: {text}");
        let (accepted, text) = rpmlint(&the_one(&packages(arch), ".rpm"));
        assert!(accepted, "{arch}: {text}");
    }
}

#[test]
fn lintian_and_rpmlint_refuse_what_is_wrong_with_a_package() {
    let copy = Copy::new();
    // What is changed in which file, and what either of them says of it.
    let yaml = "deploy/packages/nfpm.yaml";
    let man = "  - {src: man/killsnoop.8.gz, dst: /usr/share/man/man8/killsnoop.8.gz, packager: deb}\n";
    let copyright =
        "  - {src: doc/copyright, dst: /usr/share/doc/killsnoop-exporter/copyright, packager: deb}\n";
    copy.change(yaml, man, "");
    copy.change(yaml, copyright, "");
    copy.change(yaml, "license: (MIT OR Apache-2.0)", "license: (MIT OR Proprietary)");
    copy.change(yaml, "packager: rpm, type: doc}", "packager: rpm}");
    copy.change("deploy/package", "usr/bin/$NAME 755", "usr/bin/$NAME 4757");
    copy.change(yaml, "authors <killsnoop-exporter@packages.invalid>", "authors");
    copy.change("deploy/packages/deb/postrm", "#!/bin/sh", "#!/bin/csh");
    // What is packed is not looked at here, so it may be small.
    let out = copy.pack(Path::new("/bin/true"));

    let (accepted, text) = lintian(&the_one(&out, ".deb"));
    assert!(!accepted, "{text}");
    for tag in [
        "no-copyright-file",
        "no-manual-page",
        "elevated-privileges 4755",
        "csh",
        "malformed-contact Maintainer",
    ] {
        assert!(text.contains(tag), "{tag}: {text}");
    }
    let (accepted, text) = rpmlint(&the_one(&out, ".rpm"));
    assert!(!accepted, "{text}");
    for tag in ["setuid-binary", "invalid-license Proprietary", "not-listed-as-documentation"] {
        assert!(text.contains(tag), "{tag}: {text}");
    }
}

/// The libraries that are linked into the binary, by what cargo builds it of: names and versions.
pub(crate) fn linked(machine: &str) -> BTreeSet<String> {
    let triple = format!("{machine}-unknown-linux-gnu");
    let tree = done(
        Command::new("cargo")
            .args(["tree", "--offline", "--locked", "--package", "killsnoop-exporter"])
            .args([
                "--edges",
                "normal,no-proc-macro",
                "--prefix",
                "none",
                "--format",
                "{p}",
                "--no-dedupe",
                "--target",
                &triple,
            ])
            .env_remove("RUSTC")
            .current_dir(root()),
    );
    tree.lines()
        .filter(|line| !line.starts_with("killsnoop-exporter "))
        .filter_map(|line| line.split_once(" v"))
        .map(|(name, version)| format!("{name} {}", version.split(' ').next().unwrap()))
        .collect()
}

fn name(component: &Value) -> String {
    let field = |key: &str| component[key].as_str().unwrap();
    format!("{} {}", field("name"), field("version"))
}

#[test]
fn the_list_of_what_is_in_the_binary_is_valid_and_names_every_library_that_is_linked_and_no_other() {
    for (arch, machine, _) in ARCHITECTURES {
        let path = the_one(&packages(arch), ".cdx.json");
        done(Command::new(root().join("tests/tools/sbom")).arg(&path));
        let list: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let named: BTreeSet<_> = list["components"].as_array().unwrap().iter().map(name).collect();
        let linked = linked(machine);
        assert!(linked.len() > 50, "{linked:?}");
        assert_eq!(named, linked, "{arch}");
        let unlicensed =
            list["components"].as_array().unwrap().iter().filter(|library| library["licenses"].is_null());
        assert_eq!(unlicensed.map(name).collect::<Vec<_>>(), Vec::<String>::new());
    }
}

#[test]
fn a_list_that_is_not_cyclonedx_is_refused() {
    let text = fs::read_to_string(the_one(&packages(own_arch()), ".cdx.json")).unwrap();
    let folder = TempDir::new().unwrap();
    for (from, to) in
        [("\"specVersion\"", "\"specversion\""), ("\"scope\": \"required\"", "\"scope\": \"needed\"")]
    {
        assert!(text.contains(from), "{from}");
        let path = folder.path().join("broken.json");
        fs::write(&path, text.replace(from, to)).unwrap();
        let (accepted, said) = run(Command::new(root().join("tests/tools/sbom")).arg(&path));
        assert!(!accepted, "{to}: {said}");
    }
}
