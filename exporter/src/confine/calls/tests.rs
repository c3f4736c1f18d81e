//! Filters are of a thread, so each try has one of its own.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read as _},
    net::{TcpListener, TcpStream, ToSocketAddrs as _, UdpSocket},
    os::unix::net::UnixStream,
    process::Command,
    thread,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, getpid},
};

use super::*;

fn within<T: Send + 'static>(trial: impl FnOnce() -> T + Send + 'static) -> T {
    let trial = move || {
        let finding = restrict();
        assert_eq!(finding.state, State::InForce, "{finding:?}");
        trial()
    };
    thread::spawn(trial).join().unwrap()
}

fn is_unknown_call<T>(outcome: io::Result<T>) -> bool {
    outcome.is_err_and(|error| error.raw_os_error() == Some(libc::ENOSYS))
}

#[test]
fn what_the_exporter_does_all_day_goes_on() {
    within(|| {
        let mut text = String::new();
        File::open("/proc/self/status").unwrap().read_to_string(&mut text).unwrap();
        assert!(text.contains("Seccomp:"));
        assert!(fs::read_dir("/proc").unwrap().count() > 0);
        let listener = TcpListener::bind("127.0.0.1:0").map(|listener| listener.local_addr());
        assert!(is_unknown_call(listener), "no port is taken any more");
        UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!("localhost:1".to_socket_addrs().unwrap().count() > 0);
        UnixStream::pair().unwrap().0.set_nonblocking(true).unwrap();
        let named = thread::Builder::new().name("named".to_owned());
        assert_eq!(named.spawn(|| vec![0_u8; 64 << 20].len()).unwrap().join().unwrap(), 64 << 20);
    });
}

#[test]
fn a_connection_is_made_and_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    within(move || {
        TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.accept().unwrap();
    });
}

#[test]
fn a_thread_that_is_started_later_is_no_freer() {
    let refused =
        within(|| thread::spawn(|| is_unknown_call(Command::new("/bin/true").status())).join().unwrap());
    assert!(refused);
}

#[test]
fn nothing_is_run_written_made_or_signalled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "1").unwrap();
    within(move || {
        assert!(is_unknown_call(Command::new("/bin/true").status()));
        assert!(is_unknown_call(OpenOptions::new().write(true).open(&path)));
        assert!(is_unknown_call(OpenOptions::new().append(true).open(&path)));
        assert!(is_unknown_call(OpenOptions::new().read(true).write(true).open(&path)));
        assert!(is_unknown_call(File::create(path.with_extension("new"))));
        assert!(is_unknown_call(fs::create_dir(path.with_extension("d"))));
        assert!(is_unknown_call(fs::rename(&path, path.with_extension("moved"))));
        assert!(is_unknown_call(kill(getpid(), None).map_err(io::Error::from)));
        assert!(is_unknown_call(kill(Pid::from_raw(1), Signal::SIGCONT).map_err(io::Error::from)));
        // What Landlock forbids too, where there is one.
        fs::remove_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn no_family_of_sockets_but_those_in_use_can_be_had() {
    use rustix::net::{AddressFamily, SocketType, socket};
    within(|| {
        let error = socket(AddressFamily::PACKET, SocketType::RAW, None).unwrap_err();
        assert_eq!(error, rustix::io::Errno::NOSYS);
    });
}

#[test]
fn each_call_has_one_entry() {
    let with_arguments: Vec<_> = with_arguments().into_iter().map(|(call, _)| call).collect();
    let mut all: Vec<_> = CALLS.iter().chain(OLDER).copied().collect();
    let n = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), n);
    assert!(all.iter().all(|call| !with_arguments.contains(call)), "one would undo the other");
}
