//! From a path to a socket that listens, without harm to what is there.
//!
//! Nobody but root and this user may write to the socket's directory. So nobody else can put a link where the socket is
//! to be, or take the socket away, and what is left there by an exporter that was killed may be replaced.

use std::{
    fs::{self, DirBuilder, File, Metadata, Permissions, TryLockError},
    io::{self, ErrorKind},
    os::unix::{
        fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

use crate::cli::control::ControlArgs;

/// Why a path cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another exporter listens there.
    #[error(
        "cannot listen on {}, because another exporter does; stop it, or give another --control.socket, or an empty one \
         for none",
        .0.display()
    )]
    InUse(PathBuf),
    /// Something else is there.
    #[error("cannot listen on {}, because that is no socket; give another --control.socket", .0.display())]
    NoSocket(PathBuf),
    /// Its directory belongs to somebody else, may be written to by others, or is a link.
    #[error(
        "cannot listen in {}, because others could replace the socket there; give a --control.socket in a directory \
         that belongs to root or to this user, that only its owner may write to, and that is no link",
        .0.display()
    )]
    Unsafe(PathBuf),
    /// The kernel does not let this process listen there.
    #[error("cannot listen on {}; give another --control.socket, or an empty one for none", path.display())]
    Refused {
        /// The path.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
}

/// A socket that listens. When this is dropped, the socket's file is removed.
#[derive(Debug)]
pub struct Listener {
    pub(super) socket: UnixListener,
    path: PathBuf,
    file: (u64, u64),
}

impl Listener {
    /// Where it listens.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of that, from which the socket is removed at the end.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        directory_of(&self.path).to_owned()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // What somebody has put in its place is not ours.
        if fs::symlink_metadata(&self.path).is_ok_and(|found| file(&found) == self.file)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

/// Listens where the flags say: `None` if nowhere, or if the default path cannot be used, of which a warning tells.
///
/// # Errors
/// If the path was given and cannot be used.
pub fn bind(args: &ControlArgs) -> Result<Option<Listener>, BindError> {
    args.path().map_or(Ok(None), |path| bind_to(path, args.is_given()))
}

fn bind_to(path: &Path, must_work: bool) -> Result<Option<Listener>, BindError> {
    match listen(path) {
        Err(error) if !must_work => {
            let causes =
                std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            tracing::warn!("`killsnoop-exporter why` will not be answered: {error}{causes}");
            Ok(None)
        }
        bound => bound.map(Some),
    }
}

/// Listens on a path; only root and this user may connect.
pub(super) fn listen(path: &Path) -> Result<Listener, BindError> {
    let refused = |source| BindError::Refused { path: path.to_owned(), source };
    // Two exporters that start at once would each take the other's socket for a left one.
    let _lock = lock(&directory(path)?).map_err(refused)?;
    make_room(path)?;
    let socket = UnixListener::bind(path).map_err(refused)?;
    let found = fs::symlink_metadata(path).map_err(refused)?;
    let listener = Listener { socket, path: path.to_owned(), file: file(&found) };
    // Whoever connects before this is asked who they are, like everybody.
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(refused)?;
    listener.socket.set_nonblocking(true).map_err(refused)?;
    Ok(listener)
}

/// The directory of a path; it is made if it is missing.
fn directory(path: &Path) -> Result<PathBuf, BindError> {
    let refused = |source| BindError::Refused { path: path.to_owned(), source };
    if path.parent().is_none() {
        return Err(BindError::NoSocket(path.to_owned()));
    }
    let directory = directory_of(path);
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(refused(error)),
        _ => {}
    }
    let found = fs::symlink_metadata(directory).map_err(refused)?;
    let is_ours = [0, geteuid().as_raw()].contains(&found.uid());
    if found.is_dir() && is_ours && found.mode() & 0o022 == 0 {
        Ok(directory.to_owned())
    } else {
        Err(BindError::Unsafe(directory.to_owned()))
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Keeps others from doing the same in a directory, until it is dropped.
fn lock(directory: &Path) -> io::Result<File> {
    let file = File::open(directory)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::other("another process holds a lock on its directory"))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Takes away a socket on which nobody listens.
fn make_room(path: &Path) -> Result<(), BindError> {
    let refused = |source| BindError::Refused { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(error)),
        Ok(found) if !found.file_type().is_socket() => return Err(BindError::NoSocket(path.to_owned())),
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(BindError::InUse(path.to_owned())),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(refused),
        Err(error) => Err(refused(error)),
    }
}

/// What names a file, whatever its path is.
fn file(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::{TempDir, tempdir};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn error(path: &Path) -> String {
        format!("{:#}", anyhow::Error::from(listen(path).unwrap_err()))
    }

    fn in_directory_of_mode(mode: u32) -> (TempDir, PathBuf) {
        let temporary = tempdir().unwrap();
        fs::set_permissions(temporary.path(), Permissions::from_mode(mode)).unwrap();
        let path = temporary.path().join("control.sock");
        (temporary, path)
    }

    #[test]
    fn the_socket_is_private_and_gone_at_the_end() {
        let temporary = tempdir().unwrap();
        let path = temporary.path().join("made/control.sock");
        let listener = listen(&path).unwrap();
        assert_eq!(listener.path(), path);
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        drop(listener);
        assert!(!path.exists());
    }

    #[test]
    fn a_path_that_cannot_be_used_is_an_error_only_if_it_was_given() {
        let (_temporary, path) = in_directory_of_mode(0o777);
        assert!(matches!(bind_to(&path, true), Err(BindError::Unsafe(_))));
        assert!(matches!(bind_to(&path, false), Ok(None)));
    }

    #[test]
    fn a_second_exporter_is_refused_with_the_path_and_the_first_goes_on() {
        let (_temporary, path) = in_directory_of_mode(0o755);
        let first = listen(&path).unwrap();
        let error = error(&path);
        for part in [path.to_str().unwrap(), "another exporter", "--control.socket"] {
            assert!(error.contains(part), "{error}");
        }
        UnixStream::connect(first.path()).unwrap();
    }

    #[test]
    fn a_socket_that_was_left_is_replaced() {
        let (_temporary, path) = in_directory_of_mode(0o700);
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let _listener = listen(&path).unwrap();
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_socket_in_its_place_is_left_alone_at_the_end() {
        let (_temporary, path) = in_directory_of_mode(0o700);
        let listener = listen(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let _other = UnixListener::bind(&path).unwrap();
        drop(listener);
        assert!(path.exists());
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let (temporary, path) = in_directory_of_mode(0o700);
        let precious = temporary.path().join("precious");
        fs::write(&precious, "1").unwrap();
        assert!(error(&precious).contains("that is no socket"));
        symlink(&precious, &path).unwrap();
        assert!(error(&path).contains("that is no socket"));
        assert!(error(temporary.path()).contains(temporary.path().parent().unwrap().to_str().unwrap()));
        assert!(error(Path::new("/")).contains("that is no socket"));
        assert_eq!(fs::read_to_string(precious).unwrap(), "1");
    }

    #[test]
    fn a_directory_in_which_others_may_write_is_refused() {
        for mode in [0o777, 0o1777, 0o770, 0o702] {
            let (temporary, path) = in_directory_of_mode(mode);
            let error = error(&path);
            assert!(error.contains(temporary.path().to_str().unwrap()), "{error}");
            assert!(error.contains("others could replace"), "{error}");
        }
    }

    #[test]
    fn a_directory_that_is_a_link_is_refused() {
        let temporary = tempdir().unwrap();
        let (real, link) = (temporary.path().join("real"), temporary.path().join("link"));
        DirBuilder::new().mode(0o700).create(&real).unwrap();
        symlink(&real, &link).unwrap();
        assert!(error(&link.join("control.sock")).contains("others could replace"));
        assert_eq!(fs::read_dir(real).unwrap().count(), 0);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_told_with_what_the_kernel_says() {
        let temporary = tempdir().unwrap();
        let rows = [
            ("missing/missing/control.sock".to_owned(), "No such file or directory"),
            ("x".repeat(200), "SUN_LEN"),
        ];
        for (path, part) in rows {
            let error = error(&temporary.path().join(path));
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn whoever_holds_the_directory_is_waited_for_by_nobody() {
        let (temporary, path) = in_directory_of_mode(0o700);
        let held = lock(temporary.path()).unwrap();
        assert!(error(&path).contains("holds a lock"));
        drop(held);
        listen(&path).unwrap();
    }
}
