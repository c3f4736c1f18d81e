//! A Debian of its own, into which the .deb is installed and from which it is removed without a trace.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use tempfile::TempDir;

use crate::{done, own_arch, packages, place, run, the_one};

/// A root file system of the test's own: what is written to it stays beside the one that all tests share.
pub(crate) struct Debian(TempDir);

impl Debian {
    pub(crate) fn new() -> Self {
        // Not in memory, which the temporary folder may be.
        let folder = TempDir::new_in("/var/tmp").unwrap();
        for name in ["written", "work", "root"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let shared = place("KILLSNOOP_ROOTFS");
        let own = folder.path();
        let options =
            format!("lowerdir={},upperdir={1}/written,workdir={1}/work", shared.display(), own.display());
        done(Command::new("mount").args(["-t", "overlay", "overlay", "-o", &options]).arg(own.join("root")));
        Self(folder)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("root")
    }

    /// Copies the package into it, and returns its path there.
    pub(crate) fn bring_package(&self) -> String {
        let deb = the_one(&packages(own_arch()), ".deb");
        let name = format!("/tmp/{}", deb.file_name().unwrap().to_str().unwrap());
        fs::copy(deb, self.path().join(&name[1..])).unwrap();
        name
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command
            .arg(self.path())
            .args(words)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C.UTF-8");
        command.env("HOME", "/tmp");
        command
    }

    /// What a command in it says, which must succeed.
    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) -> String {
        done(&mut self.command(words))
    }

    /// Every file, but those in which the system takes notes of what it does.
    fn files(&self) -> BTreeSet<String> {
        let notes =
            ["var/lib/dpkg/", "var/log/", "var/cache/", "tmp/", "var/lib/systemd/deb-systemd-helper-"];
        let listed =
            done(Command::new("find").args([".", "-xdev", "-printf", "%P\n"]).current_dir(self.path()));
        let names = listed.lines().map(str::to_owned);
        names.filter(|name| !notes.iter().any(|place| name.starts_with(place))).collect()
    }
}

impl Drop for Debian {
    fn drop(&mut self) {
        // Whoever still looks at it keeps it until then.
        _ = run(Command::new("umount").arg("--lazy").arg(self.path()));
    }
}

#[test]
fn a_debian_gets_commands_pages_and_completions_and_loses_them_all_again() {
    let debian = Debian::new();
    let before = debian.files();
    let deb = debian.bring_package();
    debian.says(&["dpkg", "--install", &deb]);

    let version = format!("killsnoop-exporter {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(debian.says(&["killsnoop-exporter", "--version"]), version);
    assert!(debian.says(&["killsnoop", "--help"]).contains("Usage: killsnoop "));
    for page in ["killsnoop-exporter", "killsnoop"] {
        assert_eq!(debian.says(&["man", "-w", page]), format!("/usr/share/man/man8/{page}.8.gz\n"));
        assert!(debian.says(&["man", "8", page]).to_lowercase().contains(&format!("{page}(8)")));
    }
    shells_complete(&debian);
    // It starts with the machine, and what is only for those who want it does not.
    assert_eq!(debian.says(&["systemctl", "is-enabled", "killsnoop-exporter.service"]), "enabled\n");
    assert_eq!(
        run(&mut debian.command(&["systemctl", "is-enabled", "killsnoop-exporter.socket"])).1,
        "disabled\n"
    );
    assert_eq!(debian.says(&["dpkg", "--verify", "killsnoop-exporter"]), "");
    let status = debian.says(&["dpkg", "--status", "killsnoop-exporter"]);
    assert!(
        status.contains("\n /etc/default/killsnoop-exporter ") && !status.contains("\nDepends:"),
        "{status}"
    );

    debian.says(&["dpkg", "--remove", "killsnoop-exporter"]);
    assert!(debian.path().join("etc/default/killsnoop-exporter").exists(), "settings stay until a purge");
    debian.says(&["dpkg", "--purge", "killsnoop-exporter"]);
    let after = debian.files();
    assert_eq!(before.symmetric_difference(&after).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Each shell completes as it does when somebody presses Tab.
fn shells_complete(debian: &Debian) {
    let bash = ". /usr/share/bash-completion/bash_completion; _completion_loader killsnoop-exporter; \
                completer=$(complete -p killsnoop-exporter); completer=${completer##*-F }; \
                COMP_WORDS=(killsnoop-exporter wh) COMP_CWORD=1; \
                ${completer% *} killsnoop-exporter wh killsnoop-exporter; echo ${COMPREPLY[@]}";
    assert_eq!(debian.says(&["bash", "-c", bash]), "why\n");
    let fish =
        debian.says(&["fish", "-c", "complete -C 'killsnoop-exporter wh'; complete -C 'killsnoop --fai'"]);
    assert!(fish.contains("why\t") && fish.contains("--failed\t"), "{fish}");
    let fish = debian.says(&["fish", "-c", "complete -C 'killsnoop-exporter --hook raw --events.f'"]);
    assert!(fish.starts_with("--events.failed\t"), "{fish}");
    // zsh has no way to ask without a terminal; that it knows who completes the commands is what the package does.
    let zsh = "autoload -Uz compinit && compinit -u -d /tmp/zcompdump && echo $_comps[killsnoop-exporter] $_comps[killsnoop]";
    assert_eq!(debian.says(&["zsh", "-f", "-c", zsh]), "_killsnoop-exporter _killsnoop\n");
    for file in ["_killsnoop-exporter", "_killsnoop"] {
        debian.says(&["zsh", "-n", &format!("/usr/share/zsh/vendor-completions/{file}")]);
    }
}

#[test]
fn a_broken_package_is_not_installed() {
    let debian = Debian::new();
    let deb = debian.bring_package();
    let path = debian.path().join(&deb[1..]);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&path, bytes).unwrap();
    assert!(!run(&mut debian.command(&["dpkg", "--install", &deb])).0);
}
