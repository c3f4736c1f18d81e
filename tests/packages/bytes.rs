//! The same sources give the same bytes, and those are what the checksums say.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::Command,
};

use killsnoop_tests::root;
use tempfile::TempDir;

use crate::{ARCHITECTURES, done, own_arch, packages, run, the_one};

/// A copy of the sources in another folder.
pub(crate) struct Copy(TempDir);

impl Copy {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let script = "git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -xf - -C \"$0\"";
        done(Command::new("bash").args(["-c", script]).arg(folder.path()).current_dir(root()));
        Self(folder)
    }

    /// Replaces a text that is there in one of its files.
    pub(crate) fn change(&self, file: &str, from: &str, to: &str) {
        let path = self.0.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from:?} is not in {file}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Packs a binary for this machine, and returns where the packages are.
    pub(crate) fn pack(&self, binary: &Path) -> PathBuf {
        done(self.command("deploy/package").env("KILLSNOOP_BIN", binary));
        self.0.path().join("out")
    }

    /// Runs a program in it, which makes the same of it whenever it runs.
    pub(crate) fn command(&self, program: &str) -> Command {
        let commit = done(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root()));
        let mut command = Command::new(program);
        command
            .current_dir(self.0.path())
            .env("KILLSNOOP_PACKAGES", self.0.path().join("out"))
            .env("SOURCE_DATE_EPOCH", commit.trim());
        command
    }
}

#[test]
fn another_folder_gives_the_same_bytes() {
    let first = packages(own_arch());
    let unpacked = TempDir::new().unwrap();
    done(Command::new("dpkg-deb").arg("-x").arg(the_one(&first, ".deb")).arg(unpacked.path()));
    let copy = Copy::new();
    let second = copy.pack(&unpacked.path().join("usr/bin/killsnoop-exporter"));
    let sums = |folder: &Path| fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    assert_eq!(sums(&first), sums(&second));
    assert_eq!(sums(&first).lines().count(), 4);

    // Another text in one of the files makes all other but the list of what is in the binary. A small one will do here.
    let before = sums(&copy.pack(Path::new("/bin/true")));
    copy.change("deploy/man/killsnoop.8", "killsnoop", "killsnoop ");
    let after = sums(&copy.pack(Path::new("/bin/true")));
    assert_eq!(after.lines().filter(|line| before.contains(line)).count(), 1, "{before}\n{after}");
}

#[test]
fn on_a_terminal_packing_says_what_it_is_at_and_elsewhere_only_how_long_it_took() {
    let copy = Copy::new();
    let quiet = done(copy.command("deploy/package").env("KILLSNOOP_BIN", "/bin/true"));
    assert_eq!(quiet.matches("deploy/package: ").count(), 1, "{quiet}");
    assert!(quiet.contains("deploy/package: done in "), "{quiet}");
    let shown = done(
        copy.command("script")
            .args(["--quiet", "--return", "--command", "deploy/package", "/dev/null"])
            .env("KILLSNOOP_BIN", "/bin/true"),
    );
    for n in 1..=7 {
        let lines: Vec<_> = shown.lines().filter(|line| line.contains(&format!("[{n}/7] "))).collect();
        assert!(
            lines.len() == 2 && lines[1].trim_end().ends_with(" s"),
            "what it is, and its seconds: {shown}"
        );
    }
}

#[test]
fn the_checksums_are_those_of_all_files_and_notice_a_changed_one() {
    for (arch, ..) in ARCHITECTURES {
        let folder = TempDir::new().unwrap();
        for entry in fs::read_dir(packages(arch)).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        let check = || {
            run(Command::new("sha256sum")
                .args(["--check", "--strict", "SHA256SUMS"])
                .current_dir(folder.path()))
        };
        let (accepted, text) = check();
        assert!(
            accepted && text.matches(": OK").count() == fs::read_dir(folder.path()).unwrap().count() - 1,
            "{text}"
        );
        let tarball = the_one(folder.path(), ".tar.gz");
        let mut bytes = fs::read(&tarball).unwrap();
        bytes[1000] ^= 1;
        fs::write(tarball, bytes).unwrap();
        assert!(!check().0);
    }
}

#[test]
fn the_binary_is_of_its_architecture_static_and_names_no_folder_of_who_built_it() {
    for (arch, _, machine) in ARCHITECTURES {
        let folder = TempDir::new().unwrap();
        done(Command::new("dpkg-deb").arg("-x").arg(the_one(&packages(arch), ".deb")).arg(folder.path()));
        let mut bytes = Vec::new();
        let binary = folder.path().join("usr/bin/killsnoop-exporter");
        fs::File::open(&binary).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes[18], machine, "{arch}: e_machine of elf(5)");
        let headers = done(Command::new("readelf").args(["--program-headers", "--wide"]).arg(&binary));
        assert!(headers.contains("LOAD") && !headers.contains("INTERP"), "{arch}: {headers}");
        let text = String::from_utf8_lossy(&bytes);
        let home = format!("{}/", std::env::var("HOME").unwrap());
        for folder in [root().to_str().unwrap(), &home, "/.cargo/"] {
            assert!(!text.contains(folder), "{arch}: {folder} is in the binary");
        }
        assert!(
            text.contains("exporter/src/main.rs") || text.contains("exporter/src/run"),
            "{arch}: it has paths"
        );
    }
}
