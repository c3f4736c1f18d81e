//! Files and connections, by Landlock (landlock(7)): what is not named cannot be opened, made, changed or run.

use std::{fs, path::PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, RestrictionStatus, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, make_bitflags,
    path_beneath_rules,
};

use super::{Finding, Reach, State};

/// The newest version of Landlock of which all was considered. A newer one would forbid more: the ninth, for instance, the
/// sockets of the service manager and of name services.
const NEWEST: ABI = ABI::V7;

/// Whatever a name service of the C library may read: settings, what `resolv.conf` leads to, and modules.
const NAMES_OF_HOSTS: [&str; 9] = [
    "/etc",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/run/NetworkManager",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/nix/store",
];

const NAME: &str = "landlock";

/// Leaves this thread, and those that it starts, what is in reach.
pub(super) fn restrict(reach: &Reach) -> Finding {
    match try_to_restrict(reach) {
        Ok(status) => finding(&status.landlock, &status.ruleset),
        Err(error) => {
            Finding::new(NAME, State::Failed, format!("files and connections are not restricted: {error}"))
        }
    }
}

/// What finding the address of a host reads.
pub(super) fn names_of_hosts() -> impl Iterator<Item = PathBuf> {
    // A manager of networks replaces the file, so its directory is what counts.
    let led_to = fs::canonicalize("/etc/resolv.conf").ok().and_then(|path| Some(path.parent()?.to_owned()));
    NAMES_OF_HOSTS.into_iter().map(PathBuf::from).chain(led_to)
}

fn try_to_restrict(reach: &Reach) -> Result<RestrictionStatus, RulesetError> {
    let read: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let remove: BitFlags<AccessFs> = AccessFs::RemoveFile.into();
    let ports =
        reach.connect.iter().map(|port| Ok::<_, RulesetError>(NetPort::new(*port, AccessNet::ConnectTcp)));
    Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        // Not abstract sockets: the service manager may have one.
        .scope(Scope::Signal)?
        .create()?
        .add_rules(path_beneath_rules(&reach.read, read))?
        .add_rules(path_beneath_rules(&reach.remove_in, remove))?
        .add_rules(ports)?
        .restrict_self()
}

fn finding(landlock: &LandlockStatus, ruleset: &RulesetStatus) -> Finding {
    let version = match landlock {
        LandlockStatus::Available { effective_abi, .. } => (*effective_abi).min(NEWEST) as i32,
        LandlockStatus::NotEnabled => {
            return absent("it is switched off; add landlock to lsm= on the kernel's command line");
        }
        LandlockStatus::NotImplemented => {
            return absent("it is not built into this kernel; Linux 5.13 and later can have it");
        }
    };
    match ruleset {
        RulesetStatus::FullyEnforced => Finding::new(NAME, State::InForce, format!("version {version}")),
        RulesetStatus::PartiallyEnforced => {
            Finding::new(NAME, State::InForce, format!("as far as version {version} goes"))
        }
        RulesetStatus::NotEnforced => absent("this kernel has none of it"),
    }
}

fn absent(why: &str) -> Finding {
    Finding::new(NAME, State::Absent, format!("files and connections are not restricted: {why}"))
}

#[cfg(test)]
mod tests {
    use std::{
        io::ErrorKind,
        net::{TcpListener, TcpStream},
        path::Path,
        thread,
    };

    use tempfile::tempdir;

    use super::*;

    /// Landlock is of a thread, so each try has one of its own.
    fn within(reach: Reach, trial: impl FnOnce() + Send + 'static) {
        let trial = move || {
            rustix::thread::set_no_new_privs(true).unwrap();
            let finding = restrict(&reach);
            assert_eq!(finding.state, State::InForce, "this kernel must have Landlock: {finding:?}");
            trial();
        };
        thread::spawn(trial).join().unwrap();
    }

    fn is_forbidden<T>(outcome: std::io::Result<T>) -> bool {
        outcome.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    }

    fn folder_with_files() -> (tempfile::TempDir, PathBuf) {
        let folder = tempdir().unwrap();
        let path = folder.path().to_owned();
        fs::write(path.join("a"), "1").unwrap();
        (folder, path)
    }

    #[test]
    fn what_is_in_reach_is_read_and_not_changed() {
        let (_folder, path) = folder_with_files();
        let reach = Reach { read: vec![path.clone(), "/does/not/exist".into()], ..Reach::default() };
        within(reach, move || {
            assert_eq!(fs::read_to_string(path.join("a")).unwrap(), "1");
            assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
            assert!(is_forbidden(fs::write(path.join("a"), "2")));
            assert!(is_forbidden(fs::write(path.join("b"), "2")));
            assert!(is_forbidden(fs::remove_file(path.join("a"))));
            assert!(is_forbidden(fs::read_to_string("/etc/hostname")));
            assert!(is_forbidden(fs::read_dir("/")));
            assert!(is_forbidden(std::process::Command::new("/bin/true").status()));
        });
    }

    #[test]
    fn a_file_is_removed_where_that_is_in_reach_and_no_other_made() {
        let (_folder, path) = folder_with_files();
        let reach = Reach { remove_in: vec![path.clone()], ..Reach::default() };
        within(reach, move || {
            assert!(is_forbidden(fs::read_to_string(path.join("a"))));
            assert!(is_forbidden(fs::write(path.join("b"), "2")));
            fs::remove_file(path.join("a")).unwrap();
        });
    }

    #[test]
    fn only_a_port_in_reach_is_connected_to_and_none_is_taken() {
        let [one, other] = [(), ()].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [one_at, other_at] = [&one, &other].map(|listener| listener.local_addr().unwrap());
        within(Reach { connect: vec![one_at.port()], ..Reach::default() }, move || {
            TcpStream::connect(one_at).unwrap();
            assert!(is_forbidden(TcpStream::connect(other_at)));
            assert!(is_forbidden(TcpListener::bind("127.0.0.1:0")));
        });
        drop((one, other));
    }

    #[test]
    fn what_finds_a_host_covers_the_file_of_name_servers_wherever_it_is() {
        if let Ok(path) = fs::canonicalize("/etc/resolv.conf") {
            assert!(names_of_hosts().any(|folder| path.starts_with(folder)));
        }
        assert!(names_of_hosts().any(|folder| folder == Path::new("/etc")));
    }

    #[test]
    fn a_kernel_without_it_is_told_of_with_the_way_out() {
        for (landlock, way_out) in
            [(LandlockStatus::NotEnabled, "lsm="), (LandlockStatus::NotImplemented, "Linux 5.13")]
        {
            let finding = finding(&landlock, &RulesetStatus::NotEnforced);
            assert_eq!(finding.state, State::Absent);
            assert!(finding.what.contains(way_out), "{finding:?}");
        }
    }
}
