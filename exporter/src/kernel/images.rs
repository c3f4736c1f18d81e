//! What the processes run that were there before the hooks: the kernel side learns it from `/proc`, once.

use std::{fs, io, os::unix::ffi::OsStrExt as _, path::Path};

use aya::{
    Ebpf,
    maps::{HashMap, MapData},
};
use killsnoop_common::process::{COMMAND_LEN, EXE_LEN, Image};

use super::{KernelError, privilege, take_map};

/// `BPF_NOEXIST` of include/uapi/linux/bpf.h: what the hooks have seen since is newer.
const IF_ABSENT: u64 = 1;

/// The kernel side's memory of what each process runs.
pub struct Images {
    map: HashMap<MapData, u32, Image>,
    keep_commands: bool,
}

/// How many processes were there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seeded {
    /// Those whose executables are known now.
    pub n_known: usize,
    /// Those whose executables this process may not know for want of `CAP_SYS_PTRACE`.
    pub n_refused: usize,
}

impl Images {
    pub(super) fn new(ebpf: &mut Ebpf, keep_commands: bool) -> Result<Self, KernelError> {
        Ok(Self { map: take_map(ebpf, "IMAGES")?, keep_commands })
    }

    /// Tells the kernel side of every process that runs now. Takes about 20 microseconds a process. Those that end
    /// meanwhile are left out, and of the kernel's own there is nothing to tell.
    pub fn seed(&mut self) -> Seeded {
        let mut seeded = Seeded::default();
        let Ok(processes) = fs::read_dir("/proc") else { return seeded };
        let numbers = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let (proc, may_see_all) = (Path::new("/proc"), privilege::may_see_all_executables());
        for pid in numbers {
            match image(proc, pid, self.keep_commands) {
                Ok(image) => seeded.n_known += usize::from(self.map.insert(pid, image, IF_ABSENT).is_ok()),
                Err(error) if may_see_all || error.kind() != io::ErrorKind::PermissionDenied => {}
                Err(_) => seeded.n_refused += usize::from(!is_of_kernel(proc, pid)),
            }
        }
        seeded
    }
}

/// What a process runs; an error also if it is gone, or is one of the kernel's own.
fn image(proc: &Path, pid: u32, keep_commands: bool) -> io::Result<Image> {
    let folder = proc.join(pid.to_string());
    let mut image = Image::UNKNOWN;
    let exe = fs::read_link(folder.join("exe"))?;
    fill(&mut image.exe[..EXE_LEN - 1], exe.as_os_str().as_bytes());
    if keep_commands {
        fill(&mut image.command[..COMMAND_LEN], &fs::read(folder.join("cmdline"))?);
    }
    // Read last: if another process has the number by now, its time does not fit any that dies.
    let stat = fs::read(folder.join("stat"))?;
    image.start_boot_ns = start_boot_ns(&stat).ok_or(io::ErrorKind::InvalidData)?;
    Ok(image)
}

/// Whether a process is one of the kernel's own: `PF_KTHREAD` of include/linux/sched.h. They have no executable, and who
/// may not see those of others is not told so.
fn is_of_kernel(proc: &Path, pid: u32) -> bool {
    const OF_KERNEL: u64 = 0x0020_0000;
    let stat = fs::read(proc.join(pid.to_string()).join("stat")).unwrap_or_default();
    field(&stat, 9).is_none_or(|flags| flags & OF_KERNEL != 0)
}

fn fill(place: &mut [u8], bytes: &[u8]) {
    let length = place.len().min(bytes.len());
    place[..length].copy_from_slice(&bytes[..length]);
}

/// When the process began, from `proc_pid_stat(5)`: ticks since boot, after a name that may hold anything.
fn start_boot_ns(stat: &[u8]) -> Option<u64> {
    const TICKS_PER_SECOND: u64 = 100;
    field(stat, 22)?.checked_mul(1_000_000_000 / TICKS_PER_SECOND)
}

/// A number among the fields of `proc_pid_stat(5)`, from the fourth on.
fn field(stat: &[u8], n: usize) -> Option<u64> {
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    let text = std::str::from_utf8(&stat[after_name..]).ok()?;
    // The third field is the first after the name.
    text.split_ascii_whitespace().nth(n - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_known_by_its_file_and_its_time() {
        let image = image(Path::new("/proc"), std::process::id(), true).unwrap();
        let exe = std::env::current_exe().unwrap();
        let length = exe.as_os_str().len().min(EXE_LEN - 1);
        assert_eq!(image.exe[..length], exe.as_os_str().as_bytes()[..length]);
        assert!(image.start_boot_ns > 0 && image.start_boot_ns < crate::clock::boot_ns());
        assert_ne!(image.command[0], 0);
    }

    #[test]
    fn the_kernels_own_are_told_from_those_whose_executables_are_hidden() {
        let folder = tempfile::tempdir().unwrap();
        for (pid, flags, is_own) in [(2, 0x0020_8040_u64, true), (3, 0x0040_0100, false)] {
            let process = folder.path().join(pid.to_string());
            fs::create_dir(&process).unwrap();
            fs::write(process.join("stat"), format!("{pid} (a) S 0 0 0 0 -1 {flags} 0 0\n")).unwrap();
            assert_eq!(is_of_kernel(folder.path(), pid), is_own);
        }
        assert!(is_of_kernel(folder.path(), 4), "one that is gone hides nothing");
    }

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_move_the_fields() {
        let fields: Vec<String> = (3..=52).map(|n| n.to_string()).collect();
        let stat = format!("1 (a) b) R) {}\n", fields.join(" "));
        assert_eq!(start_boot_ns(stat.as_bytes()), Some(220_000_000));
        assert_eq!(start_boot_ns(b"1 (a"), None);
        assert_eq!(start_boot_ns(b"1 (a) R 1 2"), None);
    }
}
