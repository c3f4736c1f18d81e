//! The names of errno values, as the kernel's headers write them.

use nix::errno::Errno;

/// The name of a call's result: `ok` for success, else the name of the errno that it carries negated, for
/// instance `ESRCH` for -3. A number without a name gives `None`.
#[must_use]
pub fn name(result: i32) -> Option<&'static str> {
    if result >= 0 {
        return Some("ok");
    }
    NAMES.iter().find(|(errno, _)| (*errno as i32).checked_neg() == Some(result)).map(|(_, name)| *name)
}

/// What a call that sends a signal can fail with, and what a security module or a seccomp filter likes to answer
/// in its place. Others are told by their number.
const NAMES: [(Errno, &str); 14] = [
    (Errno::EPERM, "EPERM"),
    (Errno::ENOENT, "ENOENT"),
    (Errno::ESRCH, "ESRCH"),
    (Errno::EINTR, "EINTR"),
    (Errno::EIO, "EIO"),
    (Errno::EBADF, "EBADF"),
    (Errno::EAGAIN, "EAGAIN"),
    (Errno::ENOMEM, "ENOMEM"),
    (Errno::EACCES, "EACCES"),
    (Errno::EFAULT, "EFAULT"),
    (Errno::EINVAL, "EINVAL"),
    (Errno::ENOTTY, "ENOTTY"),
    (Errno::ENOSYS, "ENOSYS"),
    (Errno::EOPNOTSUPP, "EOPNOTSUPP"),
];

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn results_have_the_names_of_the_kernel_headers() {
        let rows =
            [(0, "ok"), (-1, "EPERM"), (-3, "ESRCH"), (-11, "EAGAIN"), (-14, "EFAULT"), (-22, "EINVAL")];
        for (result, expected) in rows {
            assert_eq!(name(result), Some(expected));
        }
        for result in [-1000, -4095, i32::MIN] {
            assert_eq!(name(result), None);
        }
    }
}
