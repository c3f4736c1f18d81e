//! The .rpm and the tarball hold what the .deb holds, and rpm installs and removes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use killsnoop_tests::root;
use tempfile::TempDir;

use crate::{ARCHITECTURES, Installed, done, own_arch, packages, run, the_one, tree};

/// The files of a package, and where formats differ as if they did not.
fn same(files: BTreeMap<String, Installed>) -> BTreeMap<String, Installed> {
    let is_of_one = |name: &String| {
        ["usr/share/licenses/", "usr/share/lintian/", "usr/share/doc/"]
            .iter()
            .any(|folder| name.starts_with(folder))
    };
    let files = files.into_iter().filter(|(name, _)| !is_of_one(name));
    files.map(|(name, file)| (name.replace("/vendor-completions/", "/site-functions/"), file)).collect()
}

fn rpm(root: &Path) -> Command {
    let mut rpm = Command::new("rpm");
    // A database of its own; scripts and requirements are for a machine.
    rpm.arg("--root").arg(root).args(["--dbpath", "/rpmdb", "--nodeps", "--noscripts"]);
    rpm
}

fn install(root: &Path, arch: &str) {
    done(
        rpm(root).args(["--install", "--ignorearch", "--nosignature"]).arg(the_one(&packages(arch), ".rpm")),
    );
}

#[test]
fn the_rpm_and_the_tarball_hold_the_files_of_the_deb() {
    for (arch, machine, _) in ARCHITECTURES {
        let [deb, by_rpm, tar] = [(); 3].map(|()| TempDir::new().unwrap());
        done(Command::new("dpkg-deb").arg("-x").arg(the_one(&packages(arch), ".deb")).arg(deb.path()));
        install(by_rpm.path(), arch);
        fs::remove_dir_all(by_rpm.path().join("rpmdb")).unwrap();
        done(
            Command::new("tar")
                .arg("-xzf")
                .arg(the_one(&packages(arch), ".tar.gz"))
                .arg("-C")
                .arg(tar.path()),
        );
        let expected = same(tree(deb.path()));
        assert!(
            expected.len() >= 12 && expected.values().all(|file| file.is_of_root),
            "{:?}",
            expected.keys()
        );
        assert_eq!(expected, same(tree(by_rpm.path())), "{arch}");

        let top = the_one(tar.path(), &format!("linux-{arch}"));
        let (tar, documents): (BTreeMap<_, _>, _) = tree(&top)
            .into_iter()
            .partition(|(name, _)| name.starts_with("usr/") || name.starts_with("etc/"));
        assert_eq!(expected, same(tar), "{arch}");
        let documents: BTreeSet<_> = documents.into_keys().collect();
        let licences = ["LICENSE-APACHE", "LICENSE-GPL-2.0", "LICENSE-MIT", "LICENSES-of-libraries.txt"];
        let others = ["CHANGELOG.md", "INSTALL.md", "README.md", "sbom.cdx.json"];
        assert_eq!(documents, licences.into_iter().chain(others).map(str::to_owned).collect(), "{arch}");

        let query = ["-qp", "--nosignature", "--queryformat", "%{ARCH} %{LICENSE}\n"];
        let header = done(Command::new("rpm").args(query).arg(the_one(&packages(arch), ".rpm")));
        assert_eq!(header, format!("{machine} (MIT OR Apache-2.0) AND GPL-2.0-only\n"));
    }
}

#[test]
fn rpm_verifies_what_it_installed_keeps_changed_settings_and_removes_the_rest() {
    let folder = TempDir::new().unwrap();
    install(folder.path(), own_arch());
    let verify = || run(rpm(folder.path()).args(["--verify", "killsnoop-exporter"]));
    assert!(verify().0, "{}", verify().1);
    let settings = folder.path().join("etc/default/killsnoop-exporter");
    fs::write(&settings, "ARGS=--hook=raw\n").unwrap();
    let (passed, text) = verify();
    assert!(!passed && text.contains("c /etc/default/killsnoop-exporter"), "{text}");

    done(rpm(folder.path()).args(["--erase", "killsnoop-exporter"]));
    fs::remove_dir_all(folder.path().join("rpmdb")).unwrap();
    let left: Vec<_> = tree(folder.path()).into_keys().collect();
    assert_eq!(left, ["etc/default/killsnoop-exporter.rpmsave"]);
}

#[test]
fn the_scripts_of_the_rpm_are_a_shell_s_and_start_nothing_at_the_first_installation() {
    let scripts = done(
        Command::new("rpm")
            .args(["-qp", "--nosignature", "--scripts"])
            .arg(the_one(&packages(own_arch()), ".rpm")),
    );
    for (script, file) in [("postinstall", "post"), ("preuninstall", "preun"), ("postuninstall", "postun")] {
        let path = root().join("deploy/packages/rpm").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(scripts.contains(&format!("{script} scriptlet (using /bin/sh):\n{text}")), "{scripts}");
        done(Command::new("sh").arg("-n").arg(path));
    }
    assert!(!scripts.contains("systemctl start") && !scripts.contains("enable --now"), "{scripts}");
}
