//! Every sentence, whole.

mod hostile;
mod json;

use std::{fmt::Write as _, sync::Arc};

use super::*;
use crate::{
    cgroup::{Container, Place, Pod},
    event::{Comm, Memory, Process, examples},
};
use expect_test::expect;
use killsnoop_common::cause::{Action, Cause, Outcome, Scope};

/// A death of a cause, without the signal before.
fn death_of(cause: Cause, signal: i32) -> Death {
    let mut death = Death { cause, signal, before: None, ..examples::death() };
    let fatal = death.fatal.as_mut().unwrap();
    (fatal.cause, fatal.signal) = (cause, signal);
    death
}

/// A death that the kernel caused on its own.
fn death_by_kernel(cause: Cause, signal: i32, code: i32) -> Death {
    let mut death = death_of(cause, signal);
    let fatal = death.fatal.as_mut().unwrap();
    (fatal.code, fatal.sender) = (code, None);
    death
}

fn process(pid: u32, comm: &str) -> Process {
    Process { pid, tid: pid, start_boot_ns: 1, comm: Comm::of(comm), ..Process::default() }
}

fn with_sender(death: Death, sender: Process) -> Death {
    let fatal = death.fatal.map(|fatal| Posted { sender: Some(sender), ..fatal });
    Death { fatal, ..death }
}

fn place(path: &str) -> Arc<Place> {
    Arc::new(Place { path: path.to_owned(), ..Place::default() })
}

fn of_memory(cause: Cause) -> Death {
    Death { memory: Some(examples::oom_kill().memory), ..death_of(cause, 9) }
}

/// What is behind the victim's name, and before its age.
fn middle(death: &Death) -> String {
    let sentence = super::death(death);
    let start = sentence.strip_prefix("nginx (4711) ").unwrap();
    start.split("; up 4 d 2 h; exit status ").next().unwrap().to_owned()
}

#[test]
fn a_kill_is_told_with_its_sender_and_the_signal_before() {
    let mut death = examples::death();
    let pod = Pod { name: Some("web-7d9f".to_owned()), ..Pod::default() };
    let container = Container { name: Some("nginx".to_owned()), ..Container::default() };
    let place = Place { container: Some(container), pod: Some(pod), ..Place::default() };
    death.victim.place = Some(Arc::new(place));
    expect!["nginx (4711, pod web-7d9f/nginx) was killed by SIGKILL: kill() by systemd-oomd (612, uid 994) 0.3 s after its SIGTERM; up 4 d 2 h; exit status 137"]
        .assert_eq(&super::death(&death));
}

#[test]
fn each_cause_has_a_wording_of_its_own() {
    let sshd = || process(99, "sshd");
    let deaths = [
        Death { fatal: None, ..death_of(Cause::Unknown, 9) },
        death_of(Cause::Kill, 15),
        death_of(Cause::Tkill, 9),
        death_of(Cause::Tgkill, 9),
        death_of(Cause::Sigqueue, 10),
        death_of(Cause::Pidfd, 9),
        Death { core_dumped: true, ..death_by_kernel(Cause::Fault, 11, 1) },
        death_by_kernel(Cause::Seccomp, 31, 1),
        death_by_kernel(Cause::Pipe, 13, 0),
        death_by_kernel(Cause::Rlimit, 24, 128),
        death_by_kernel(Cause::Timer, 14, 128),
        death_by_kernel(Cause::Tty, 2, 128),
        with_sender(death_of(Cause::ParentDeath, 9), sshd()),
        with_sender(death_of(Cause::PidnsExit, 9), process(700, "tini")),
        death_of(Cause::CgroupKill, 9),
        of_memory(Cause::Oom),
        death_by_kernel(Cause::Child, 17, 1),
        death_by_kernel(Cause::Io, 29, 1),
        with_sender(death_of(Cause::Mqueue, 10), sshd()),
        with_sender(death_of(Cause::Ptrace, 9), process(800, "gdb")),
        death_by_kernel(Cause::Kernel, 9, 128),
        death_of(Cause::Abort, 6),
        of_memory(Cause::OomMemcg),
        of_memory(Cause::OomGlobal),
    ];
    let causes: Vec<_> = deaths.iter().map(|death| death.cause).collect();
    assert_eq!(causes, Cause::ALL);
    let shown: String =
        deaths.iter().map(|death| death.cause.name().to_owned() + ": " + &middle(death) + "\n").collect();
    expect![[r"
        unknown: was killed by SIGKILL: nobody was seen to send it
        kill: was killed by SIGTERM: kill() by systemd-oomd (612, uid 994)
        tkill: was killed by SIGKILL: tkill() by systemd-oomd (612, uid 994)
        tgkill: was killed by SIGKILL: tgkill() by systemd-oomd (612, uid 994)
        sigqueue: was killed by SIGUSR1: sigqueue() by systemd-oomd (612, uid 994)
        pidfd: was killed by SIGKILL: pidfd_send_signal() by systemd-oomd (612, uid 994)
        fault: crashed with SIGSEGV: fault (SEGV_MAPERR: address not mapped); core dumped
        seccomp: was killed by SIGSYS: it made a system call that its seccomp filter forbids
        pipe: was killed by SIGPIPE: it wrote to a pipe or a socket that nobody reads any more
        rlimit: was killed by SIGXCPU: it used as much CPU time as it may (RLIMIT_CPU, or RLIMIT_RTTIME)
        timer: was killed by SIGALRM: its own timer, alarm(2) or setitimer(2), went off
        tty: was killed by SIGINT: Ctrl-C on its terminal
        parent_death: was killed by SIGKILL: its parent sshd (99, uid 0) died, and it had asked for SIGKILL then (PR_SET_PDEATHSIG)
        pidns_exit: was killed by SIGKILL: init (PID 1) of its pid namespace, tini (700, uid 0), exited: the container ended
        cgroup_kill: was killed by SIGKILL: cgroup.kill by systemd-oomd (612, uid 994) of its cgroup, or of one above it
        oom: was killed by SIGKILL: memory ran out, of what is not known (anon 250.0 MiB, oom_score_adj 500); systemd-oomd (612, uid 994) wanted memory
        child: was killed by SIGCHLD: a child of it ended, stopped or went on
        io: was killed by SIGIO: a file or a socket that it watches became ready
        mqueue: was killed by SIGUSR1: a message from sshd (99, uid 0) came to a queue that it watches by mq_notify()
        ptrace: was killed by SIGKILL: its tracer gdb (800, uid 0) killed it, or ended and wanted it to end too (PTRACE_O_EXITKILL)
        kernel: was killed by SIGKILL: the kernel, for a reason that it did not show
        abort: crashed with SIGABRT: it called abort(), as a failed assertion or an uncaught exception does
        oom_memcg: was killed by SIGKILL: its memory cgroup (id 8700) was at its limit (anon 250.0 MiB, oom_score_adj 500); systemd-oomd (612, uid 994) wanted memory
        oom_global: was killed by SIGKILL: the machine was out of memory (anon 250.0 MiB, oom_score_adj 500); systemd-oomd (612, uid 994) wanted memory
    "]].assert_eq(&shown);
}

#[test]
fn a_cause_is_told_as_exactly_as_it_is_known() {
    let itself = || Some(examples::death().victim);
    let own = |death: Death| with_sender(death, itself().unwrap());
    let unseen = |cause| Death { fatal: None, ..death_of(cause, 9) };
    let mut false_claim = with_sender(death_of(Cause::Sigqueue, 15), process(1, "A"));
    false_claim.fatal.as_mut().unwrap().claimed_pid = Some(2);
    let mut in_cgroup = of_memory(Cause::OomMemcg);
    in_cgroup.memory.as_mut().unwrap().limit_place = Some(place("/a/b"));
    let mut unmeasured = of_memory(Cause::OomMemcg);
    unmeasured.memory = Some(Memory {
        scope: Scope::Memcg,
        limit_cgroup: 0,
        limit_place: None,
        total_bytes: 0,
        anon_bytes: 0,
        file_bytes: 0,
        shmem_bytes: 0,
        page_table_bytes: 0,
        score_adj: 0,
    });
    let mut on_tmpfs = of_memory(Cause::OomGlobal);
    on_tmpfs.memory.as_mut().unwrap().shmem_bytes = 1 << 30;
    let mut killed_with_cgroup = death_of(Cause::CgroupKill, 9);
    killed_with_cgroup.victim.place = Some(place("/kubepods/pod1"));
    killed_with_cgroup.victim.comm = Comm::of("nginx");
    let deaths = [
        own(death_of(Cause::Kill, 9)),
        unseen(Cause::Kill),
        false_claim,
        death_by_kernel(Cause::Fault, 7, 77),
        Death { fatal: None, ..death_of(Cause::Fault, 8) },
        death_by_kernel(Cause::Rlimit, 9, 128),
        death_by_kernel(Cause::Rlimit, 25, 0),
        death_by_kernel(Cause::Rlimit, 10, 0),
        death_by_kernel(Cause::Timer, 14, -2),
        death_by_kernel(Cause::Timer, 40, -2),
        death_by_kernel(Cause::Timer, 27, 128),
        death_by_kernel(Cause::Tty, 1, 128),
        death_by_kernel(Cause::Tty, 3, 128),
        unseen(Cause::ParentDeath),
        unseen(Cause::PidnsExit),
        killed_with_cgroup,
        unseen(Cause::Ptrace),
        unseen(Cause::Mqueue),
        own(death_of(Cause::Abort, 6)),
        in_cgroup,
        own(unmeasured.clone()),
        Death { fatal: None, memory: None, ..unmeasured },
        on_tmpfs,
        death_of(Cause::Kill, 33),
    ];
    let shown: String = deaths.iter().map(|death| middle(death) + "\n").collect();
    expect![[r"
        was killed by SIGKILL: kill() by itself
        was killed by SIGKILL: kill() by somebody who was not seen
        was killed by SIGTERM: sigqueue() by A (1, uid 0), although the signal claims to be from 2
        crashed with SIGBUS: fault (code 77)
        crashed with SIGFPE: fault
        was killed by SIGKILL: it used more CPU time than it ever may (hard RLIMIT_CPU, or RLIMIT_RTTIME)
        was killed by SIGXFSZ: it made a file larger than it may (RLIMIT_FSIZE)
        was killed by SIGUSR1: it went over a limit of setrlimit()
        was killed by SIGALRM: its own timer, timer_create(2), went off
        was killed by SIGRTMIN+6: its own timer, timer_create(2), went off
        was killed by SIGPROF: its own timer, setitimer(2), went off
        was killed by SIGHUP: its terminal hung up, or the session on it ended
        was killed by SIGQUIT: Ctrl-\ on its terminal
        was killed by SIGKILL: its parent died, and it had asked for SIGKILL then (PR_SET_PDEATHSIG)
        was killed by SIGKILL: init (PID 1) of its pid namespace exited: the container ended
        was killed by SIGKILL: cgroup.kill by systemd-oomd (612, uid 994) of its cgroup /kubepods/pod1, or of one above it
        was killed by SIGKILL: its tracer killed it, or ended and wanted it to end too (PTRACE_O_EXITKILL)
        was killed by SIGKILL: a message came to a queue that it watches by mq_notify()
        crashed with SIGABRT: it called abort(), as a failed assertion or an uncaught exception does
        was killed by SIGKILL: its memory cgroup /a/b was at its limit (anon 250.0 MiB, oom_score_adj 500); systemd-oomd (612, uid 994) wanted memory
        was killed by SIGKILL: its memory cgroup, or one above it, was at its limit; it wanted more memory itself
        was killed by SIGKILL: its memory cgroup, or one above it, was at its limit
        was killed by SIGKILL: the machine was out of memory (anon 250.0 MiB, shmem 1.0 GiB, oom_score_adj 500); systemd-oomd (612, uid 994) wanted memory
        was killed by signal 33: kill() by systemd-oomd (612, uid 994)
    "]].assert_eq(&shown);
}

#[test]
fn the_signal_before_is_told_with_its_sender_unless_it_is_daily_life() {
    let before = |signal, sender, outcome| {
        let before = examples::death().before.map(|before| Posted { signal, outcome, sender, ..before });
        Death { before, ..examples::death() }
    };
    let oomd = || examples::death().before.unwrap().sender;
    let late = before(15, oomd(), Outcome::Delivered);
    let deaths = [
        before(15, oomd(), Outcome::Ignored),
        before(15, Some(process(1, "systemd")), Outcome::Delivered),
        before(24, None, Outcome::Delivered),
        before(17, Some(process(1, "systemd")), Outcome::Ignored),
        before(15, Some(examples::death().victim), Outcome::Delivered),
        Death { cause: Cause::OomMemcg, ..before(15, oomd(), Outcome::Delivered) },
        Death { fatal: None, cause: Cause::Unknown, ..late },
    ];
    let shown: String = deaths.iter().map(|death| middle(death) + "\n").collect();
    expect![[r"
        was killed by SIGKILL: kill() by systemd-oomd (612, uid 994) 0.3 s after its SIGTERM, which it ignored
        was killed by SIGKILL: kill() by systemd-oomd (612, uid 994); 0.3 s after SIGTERM from systemd (1, uid 0)
        was killed by SIGKILL: kill() by systemd-oomd (612, uid 994); 0.3 s after SIGXCPU from the kernel (kill)
        was killed by SIGKILL: kill() by systemd-oomd (612, uid 994)
        was killed by SIGKILL: kill() by systemd-oomd (612, uid 994)
        was killed by SIGKILL: its memory cgroup, or one above it, was at its limit; systemd-oomd (612, uid 994) wanted memory; 0.3 s after SIGTERM from systemd-oomd (612, uid 994)
        was killed by SIGKILL: nobody was seen to send it; 0.3 s after SIGTERM from systemd-oomd (612, uid 994)
    "]].assert_eq(&shown);
}

#[test]
fn what_is_not_known_of_a_victim_is_not_told() {
    let mut death = death_of(Cause::Kill, 9);
    death.victim.start_boot_ns = 0;
    death.victim.comm = Comm::default();
    assert_eq!(
        super::death(&death),
        "? (4711) was killed by SIGKILL: kill() by systemd-oomd (612, uid 994); exit status 137"
    );
}

#[test]
fn an_oom_kill_tells_what_ran_out_and_who_wanted_it() {
    let kill = examples::oom_kill();
    let global = Memory { scope: Scope::Global, limit_cgroup: 0, ..kill.memory.clone() };
    let unknown = Memory { scope: Scope::Unknown, ..global.clone() };
    let kills = [
        kill.clone(),
        OomKill { memory: global, trigger: kill.victim.clone(), ..kill.clone() },
        OomKill { memory: unknown, trigger: Process::default(), ..kill },
    ];
    let shown: String = kills.iter().map(|kill| oom_kill(kill) + "\n").collect();
    expect![[r"
        nginx (4711) was chosen by the OOM killer: its memory cgroup (id 8700) was at its limit (anon 250.0 MiB, oom_score_adj 500); systemd-oomd (612, uid 994) wanted memory
        nginx (4711) was chosen by the OOM killer: the machine was out of memory (anon 250.0 MiB, oom_score_adj 500); it wanted more memory itself
        nginx (4711) was chosen by the OOM killer: memory ran out, of what is not known (anon 250.0 MiB, oom_score_adj 500)
    "]].assert_eq(&shown);
}

#[test]
fn a_signal_tells_what_becomes_of_it() {
    let event = examples::signal();
    let mut shown = String::new();
    for outcome in Outcome::ALL {
        let posted = Posted { outcome, ..event.posted.clone() };
        writeln!(shown, "{}", signal(&Signal { posted, ..event.clone() })).unwrap();
    }
    for action in Action::ALL {
        let posted = Posted { action, signal: 15, cause: Cause::Kill, ..event.posted.clone() };
        writeln!(shown, "{}", signal(&Signal { posted, blocked: 0x2000, ..event.clone() })).unwrap();
    }
    let posted = Posted { signal: 64, cause: Cause::Timer, ..event.posted.clone() };
    writeln!(shown, "{}", signal(&Signal { posted, blocked: 1 << 63, ..event })).unwrap();
    expect![[r"
        SIGSEGV was sent to nginx (4711): fault (SEGV_MAPERR: address not mapped); no handler
        SIGSEGV was sent to nginx (4711): fault (SEGV_MAPERR: address not mapped); ignored
        SIGSEGV was sent to nginx (4711): fault (SEGV_MAPERR: address not mapped); one was pending already
        SIGSEGV was sent to nginx (4711): fault (SEGV_MAPERR: address not mapped); not sent, because its queue was full
        SIGSEGV was sent to nginx (4711): fault (SEGV_MAPERR: address not mapped); sent without its data, because its queue was full
        SIGTERM was sent to nginx (4711): kill() by somebody who was not seen
        SIGTERM was sent to nginx (4711): kill() by somebody who was not seen; no handler
        SIGTERM was sent to nginx (4711): kill() by somebody who was not seen
        SIGTERM was sent to nginx (4711): kill() by somebody who was not seen; it has a handler
        SIGRTMAX was sent to nginx (4711): its own timer, timer_create(2), went off; blocked for now
    "]].assert_eq(&shown);
}
