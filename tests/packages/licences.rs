//! Whoever gets the binary gets the licences of all that is in it: each package has their texts.

use std::{collections::BTreeSet, env, fs, process::Command};

use tempfile::TempDir;

use crate::{ARCHITECTURES, bytes::Copy, done, judges::linked, own_arch, packages, run, the_one};

/// Between what a text is of, and the text.
const RULE: &str = "\n================================================================================\n";

/// The texts as they are found in the package of each format.
fn texts(arch: &str) -> Vec<String> {
    const COMPRESSED: &str = "usr/share/doc/killsnoop-exporter/LICENSES-of-libraries.txt.gz";
    const LICENCE: &str = "usr/share/licenses/killsnoop-exporter/LICENSES-of-libraries.txt";
    let folder = TempDir::new().unwrap();
    let unpack = |script: &str, end: &str| {
        done(
            Command::new("bash")
                .args(["-c", script])
                .arg(the_one(&packages(arch), end))
                .current_dir(folder.path()),
        )
    };
    unpack("dpkg-deb -x \"$0\" .", ".deb");
    vec![
        done(Command::new("zcat").arg(folder.path().join(COMPRESSED))),
        {
            unpack(
                "rpm --root \"$PWD\" --dbpath /rpmdb --nodeps --noscripts --ignorearch --nosignature -i \"$0\"",
                ".rpm",
            );
            fs::read_to_string(folder.path().join(LICENCE)).unwrap()
        },
        unpack("tar -xzOf \"$0\" --wildcards '*/LICENSES-of-libraries.txt'", ".tar.gz"),
    ]
}

/// The libraries for which there is no text.
fn without_text(text: &str, libraries: &BTreeSet<String>) -> Vec<String> {
    let parts: Vec<_> = text.split(RULE).skip(1).collect();
    // The shortest, ISC and Zlib, have more than 500 characters.
    let sections = parts.chunks(2).filter(|part| part.len() == 2 && part[1].trim().len() > 500);
    let licensed: BTreeSet<_> = sections.flat_map(|part| part[0].lines().skip(1)).map(str::trim).collect();
    libraries.iter().filter(|library| !licensed.contains(library.as_str())).cloned().collect()
}

/// What is in the binary of other people's: the crates, and what every static program has.
fn of_others(machine: &str) -> BTreeSet<String> {
    let crates = linked(machine).into_iter().filter(|name| !name.starts_with("killsnoop-"));
    crates.chain(["GNU C Library".to_owned()]).collect()
}

#[test]
fn each_package_has_a_licence_for_each_library_in_the_binary() {
    for (arch, machine, _) in ARCHITECTURES {
        let texts = texts(arch);
        assert!(texts.iter().all(|text| *text == texts[0]), "{arch}: formats differ");
        let libraries = of_others(machine);
        assert!(libraries.len() > 50, "{libraries:?}");
        assert_eq!(without_text(&texts[0], &libraries), Vec::<String>::new(), "{arch}");
    }
}

#[test]
fn a_library_that_is_left_out_and_a_text_that_is_cut_off_are_noticed() {
    let libraries = of_others(env::consts::ARCH);
    let text = texts(own_arch()).remove(0);
    for library in &libraries {
        let broken = text.replace(&format!("\n  {library}\n"), "\n");
        assert_eq!(without_text(&broken, &libraries), [library.as_str()]);
    }
    let (whole, _) = text.rsplit_once(RULE).unwrap();
    assert!(!without_text(whole, &libraries).is_empty());
}

#[test]
fn a_library_under_a_licence_that_was_not_agreed_to_stops_the_packing() {
    let copy = Copy::new();
    let settings = "deploy/packages/licences.toml";
    copy.change(settings, "\"ISC\", ", "");
    // What is deeper within the libraries is not looked at here, which takes long.
    copy.change(settings, "ignore-build-dependencies", "max-depth = 1\nignore-build-dependencies");
    let (packed, text) = run(copy.command("deploy/package").env("KILLSNOOP_BIN", "/bin/true"));
    assert!(!packed && text.contains("ISC"), "{text}");
}
