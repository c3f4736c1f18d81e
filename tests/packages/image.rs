//! The image holds what the packages hold, for both architectures. What it does when it runs is for `tests/run fleet`.

use std::{env, fs, process::Command};

use killsnoop_tests::root;
use serde_json::Value;
use tempfile::TempDir;

use crate::{ARCHITECTURES, done, packages, the_one};

#[test]
fn the_image_of_each_architecture_says_which_it_is_and_holds_the_binary_and_the_licences_of_the_packages() {
    const BINARY: &str = "usr/bin/killsnoop-exporter";
    const LICENCES: &str = "usr/share/doc/killsnoop-exporter/LICENSES-of-libraries.txt";
    for (arch, ..) in ARCHITECTURES {
        let [images, image, deb] = [(); 3].map(|()| TempDir::new().unwrap());
        let archive = done(build(arch).env("IMAGE_OUTPUT", images.path()));
        let source = format!("oci-archive:{}", archive.lines().next().unwrap());
        let config: Value =
            serde_json::from_str(&done(Command::new("skopeo").args(["inspect", "--config", &source])))
                .unwrap();
        assert_eq!((&config["os"], &config["architecture"]), (&"linux".into(), &arch.into()));

        let layer = the_one(images.path(), &format!("rootfs-{arch}.tar"));
        done(Command::new("tar").arg("-xf").arg(layer).arg("-C").arg(image.path()));
        done(Command::new("dpkg-deb").arg("-x").arg(the_one(&packages(arch), ".deb")).arg(deb.path()));
        let same = |one: &str, other: Vec<u8>| fs::read(image.path().join(one)).unwrap() == other;
        assert!(same(BINARY, fs::read(deb.path().join(BINARY)).unwrap()), "{arch}: another binary");
        let licences = done(Command::new("zcat").arg(deb.path().join(format!("{LICENCES}.gz"))));
        assert!(same(LICENCES, licences.into_bytes()), "{arch}: other licences");
    }
}

fn build(arch: &str) -> Command {
    let mut build = Command::new(root().join("deploy/container/build"));
    build.arg(arch);
    // What cargo says to a test is not for another cargo: it would build all anew.
    let cargo = env::vars().map(|(name, _)| name).filter(|name| name.starts_with("CARGO_"));
    cargo.filter(|name| name != "CARGO_HOME" && name != "CARGO_TARGET_DIR").for_each(|name| {
        build.env_remove(name);
    });
    build
}
