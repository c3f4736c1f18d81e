//! Counters are exact, whatever the calls, their results and their number.

use std::{env, fs, io, os::unix::process::CommandExt as _, process::Command};

use killsnoop_tests::{
    exporter::{Exporter, command, hook},
    scrape::Scrape,
    sender::Sender,
};
use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use crate::signals;

const SYSCALLS: [&str; 6] =
    ["kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"];

#[test]
fn eighty_thousand_calls_of_eight_processes_are_counted_to_the_unit_by_the_tracepoint_hook() {
    counts_are_exact(&["--hook", "tracepoint"], signals::EXACT_TRACEPOINT);
}

#[test]
fn eighty_thousand_calls_of_eight_processes_are_counted_to_the_unit_by_the_raw_hook() {
    counts_are_exact(&["--hook", "raw"], signals::EXACT_RAW);
}

/// Where the kernel takes it, that is fexit or kretprobe.
#[test]
fn eighty_thousand_calls_of_eight_processes_are_counted_to_the_unit_by_the_hook_that_is_found() {
    counts_are_exact(&[], signals::EXACT_FOUND);
}

/// Eight processes at once, each with 10,000 calls: two thirds work, a third asks for nobody.
fn counts_are_exact(args: &[&str], signal: i64) {
    let exporter = Exporter::start(args);
    let before = exporter.scrape();
    let steps: Vec<_> = SYSCALLS
        .iter()
        .zip([2000, 1000, 1000, 1000, 1000, 1000])
        .map(|(call, n)| format!("{call}:self:{signal}:{n}"))
        .chain(SYSCALLS[..5].iter().map(|call| format!("{call}:gone:{signal}:600")))
        .collect();
    let steps: Vec<_> = steps.iter().map(String::as_str).collect();

    let mut senders: Vec<_> = (0..8).map(|_| Sender::new(&steps)).collect();
    senders.iter_mut().for_each(Sender::go);
    for sender in senders {
        let results = sender.results();
        assert_eq!(results.get(&0), Some(&7000), "{results:?}");
        assert_eq!(results.get(&-3), Some(&3000), "{results:?}");
    }

    let after = exporter.scrape();
    let name = signals::name(signal);
    let grown = |result| after.calls(&name, result) - before.calls(&name, result);
    assert_eq!([grown("ok"), grown("ESRCH"), grown("EPERM"), grown("other")], [56_000.0, 24_000.0, 0.0, 0.0]);
    for (call, ok) in SYSCALLS.iter().zip([16_000.0, 8000.0, 8000.0, 8000.0, 8000.0, 8000.0]) {
        // Other tests call too; that it is exact for each call is what the sum over signals says above.
        assert!(by_syscall(&after, call, "ok") - by_syscall(&before, call, "ok") >= ok, "{call}");
    }
    exporter.stop();
}

fn by_syscall(page: &Scrape, call: &str, result: &str) -> f64 {
    page.value(&format!("killsnoop_kill_calls_by_syscall_total{{syscall=\"{call}\",result=\"{result}\"}}"))
}

#[test]
fn both_families_count_the_same_calls() {
    let exporter = Exporter::start(&[]);
    Sender::new(&["kill:self:0:500", "tgkill:gone:0:500", "kill:self:99:10"]).run();
    // Other tests call meanwhile, so the sums are compared when nothing happened between two looks.
    exporter.scrape_until(|page| {
        page.sum("killsnoop_kill_calls_total") >= 1010.0
            && page.sum("killsnoop_kill_calls_total") == page.sum("killsnoop_kill_calls_by_syscall_total")
    });
}

#[test]
fn failures_are_counted_under_the_name_of_their_errno_and_strange_numbers_under_other() {
    let exporter = Exporter::start(&[]);
    let before = exporter.scrape();
    let signal = signals::FAILURES;
    let gone = format!("kill:gone:{signal}:3");
    // Process 1 is not this user's to signal; and descriptor -1 is none.
    let forbidden = format!("kill:1:{signal}:4");
    let bad = format!("pidfd_send_signal:gone:{signal}:5");
    let results =
        Sender::new(&[&gone, &bad, "uid:65534", &forbidden, "kill:self:1000:6", "kill:self:-7:1"]).run();
    assert_eq!(results.into_iter().collect::<Vec<_>>(), [(-22, 7), (-9, 5), (-3, 3), (-1, 4)]);

    let after = exporter.scrape();
    let name = signals::name(signal);
    let grown = |result| after.calls(&name, result) - before.calls(&name, result);
    assert_eq!([grown("ESRCH"), grown("EPERM"), grown("other"), grown("ok")], [3.0, 4.0, 5.0, 0.0]);
    assert!(after.calls("other", "EINVAL") - before.calls("other", "EINVAL") >= 7.0);
}

#[test]
fn calls_are_counted_also_where_nobody_reads_events() {
    let exporter = Exporter::start(&[]);
    let name = signals::name(signals::UNREAD);
    let before = exporter.scrape();
    Sender::new(&[&format!("kill:self:{}:1000", signals::UNREAD)]).run();
    let after = exporter.scrape();
    assert_eq!(after.calls(&name, "ok") - before.calls(&name, "ok"), 1000.0);
    assert_eq!(after.value("killsnoop_events_produced_total{class=\"kill_call\"}"), 0.0);
}

#[test]
fn where_the_kernel_does_not_show_the_whole_map_its_counters_are_read_one_by_one() {
    const BPF_ITER_CREATE: u64 = 33;
    let argument =
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, BPF_ITER_CREATE).unwrap();
    let refused = [(libc::SYS_bpf, vec![SeccompRule::new(vec![argument]).unwrap()])].into();
    let refuse = SeccompAction::Errno(libc::EINVAL.cast_unsigned());
    let arch = env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(refused, SeccompAction::Allow, refuse, arch).unwrap();
    let filter: BpfProgram = filter.try_into().unwrap();
    let mut command = command();
    command.args(hook(&[])).args(["--log.level", "debug"]);
    // SAFETY: between fork and exec this makes two system calls, and nothing else.
    unsafe { command.pre_exec(move || seccompiler::apply_filter(&filter).map_err(io::Error::other)) };

    let exporter = Exporter::start_command(&mut command);
    assert!(exporter.process.stderr.all().iter().any(|line| line.contains("are read one by one")));
    let name = signals::name(signals::ONE_BY_ONE);
    let before = exporter.scrape();
    Sender::new(&[&format!("kill:self:{}:1000", signals::ONE_BY_ONE)]).run();
    let after = exporter.scrape();
    assert_eq!(after.calls(&name, "ok") - before.calls(&name, "ok"), 1000.0);
}

#[test]
fn the_first_kill_is_an_increase_because_the_series_were_there_at_zero() {
    let page = Exporter::start(&[]).scrape();
    for signal in ["SIGKILL", "SIGTERM", "SIGSEGV", "SIGHUP", "SIGSYS"] {
        for result in ["ok", "ESRCH", "EPERM"] {
            let series = format!("killsnoop_kill_calls_total{{signal=\"{signal}\",result=\"{result}\"}}");
            assert!(page.has(&series), "{series}");
        }
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn calls_of_32_bit_programs_are_counted_as_what_they_are_by_the_raw_hook() {
    assert!(counts_32_bit(&["--hook", "raw"], signals::COMPAT_RAW), "the raw hook sees them");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn calls_of_32_bit_programs_are_counted_as_what_they_are_by_the_hook_that_is_found_or_it_says_not() {
    counts_32_bit(&[], signals::COMPAT_FOUND);
}

/// Whether the hook says that it sees them; they must be counted if it does, and not if it does not.
#[cfg(target_arch = "x86_64")]
fn counts_32_bit(args: &[&str], signal: i64) -> bool {
    let exporter = Exporter::start(args);
    let name = signals::name(signal);
    let before = exporter.scrape();
    Sender::new(&[&format!("kill32:self:{signal}:100"), &format!("kill32:gone:{signal}:50")]).run();
    let after = exporter.scrape();
    let grown = |result| after.calls(&name, result) - before.calls(&name, result);
    let is_seen = after.value("killsnoop_feature_available{feature=\"compat_calls\"}") == 1.0;
    assert_eq!([grown("ok"), grown("ESRCH")], if is_seen { [100.0, 50.0] } else { [0.0, 0.0] });
    is_seen
}

#[test]
fn a_hook_says_whether_it_sees_32_bit_programs() {
    for (hook, compat) in [("tracepoint", "unseen"), ("raw", "seen")] {
        let page = Exporter::start(&["--hook", hook]).scrape();
        assert_eq!(
            page.value(&format!("killsnoop_hook_info{{backend=\"{hook}\",compat=\"{compat}\"}}")),
            1.0
        );
    }
}

#[test]
fn the_map_of_calls_tells_its_keys_by_name() {
    let exporter = Exporter::start(&[]);
    let pid = exporter.process.pid();
    // The maps of other tests have the same name: the right one is open in our exporter.
    let ids: Vec<_> = fs::read_dir(format!("/proc/{pid}/fdinfo"))
        .unwrap()
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
        .filter_map(|info| {
            info.lines().find_map(|line| Some(line.strip_prefix("map_id:")?.trim().to_owned()))
        })
        .collect();
    let is_kills = |id: &&String| bpftool(&["map", "show", "id", id]).contains("name KILLS");
    let id = ids.iter().find(is_kills).unwrap_or_else(|| panic!("{ids:?}"));
    let kills = bpftool(&["map", "dump", "id", id]);
    let said = &kills[..kills.len().min(400)];
    assert!(kills.contains("\"signal\"") && kills.contains("\"result\""), "{said}");
}

fn bpftool(args: &[&str]) -> String {
    let output = Command::new("bpftool").args(args).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
