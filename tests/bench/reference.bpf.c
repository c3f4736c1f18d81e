// What the exporter's hooks are held against: the least that can be done at the same places, in C. Nothing is left out
// that a count or a record needs, and nothing else is in.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define SYS_KILL 62

struct pt_regs {
	unsigned long di, si, orig_ax;
} __attribute__((preserve_access_index));

struct task_struct {
	int tgid;
	struct task_struct *real_parent;
	char comm[16];
} __attribute__((preserve_access_index));

struct key {
	__u32 signal;
	__s32 result;
};

struct record {
	__u64 time;
	__u32 pid, tid;
	__s32 target;
	__u32 signal;
	__s64 result;
	__u32 uid, parent;
	__u64 cgroup;
	char comm[16], parent_comm[16];
	__u64 rest;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct key);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} events SEC(".maps");

// Set by a reader that sleeps: the next record wakes it.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} armed SEC(".maps");

static __always_inline void count(__u32 signal, __s64 result)
{
	struct key key = { signal > 64 ? 65 : signal, result };
	__u64 *n = bpf_map_lookup_elem(&counts, &key), one = 1;

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_NOEXIST);
}

static __always_inline __u64 wake_up(void)
{
	__u32 zero = 0, *flag = bpf_map_lookup_elem(&armed, &zero);

	if (!flag || !*flag)
		return BPF_RB_NO_WAKEUP;
	*flag = 0;
	return BPF_RB_FORCE_WAKEUP;
}

static __always_inline void tell(__u32 signal, __s32 target, __s64 result)
{
	struct record *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	__u64 id = bpf_get_current_pid_tgid();

	if (!record)
		return;
	record->time = bpf_ktime_get_ns();
	record->pid = id >> 32;
	record->tid = id;
	record->target = target;
	record->signal = signal;
	record->result = result;
	record->uid = bpf_get_current_uid_gid();
	record->parent = task->real_parent->tgid;
	record->cgroup = bpf_get_current_cgroup_id();
	bpf_get_current_comm(record->comm, sizeof(record->comm));
	bpf_probe_read_kernel(record->parent_comm, sizeof(record->parent_comm), task->real_parent->comm);
	record->rest = 0;
	bpf_ringbuf_submit(record, wake_up());
}

#define EMPTY(signal, target, result)
#define COUNT(signal, target, result) count(signal, result);
#define FULL(signal, target, result) { count(signal, result); tell(signal, target, result); }

// When kill() returns to its caller in the kernel, with its registers and its result.
#define FEXIT(name, WORK) \
	SEC("fexit/__x64_sys_kill") int fexit_##name(__u64 *ctx) \
	{ \
		struct pt_regs *regs = (void *)ctx[0]; \
		WORK(regs->si, regs->di, ctx[1]) \
		return 0; \
	}

struct sys_exit {
	__u64 common;
	__s64 nr, result;
};

// At kill()'s own exit tracepoint, where the caller's registers are still saved.
#define TRACEPOINT(name, WORK) \
	SEC("tracepoint/syscalls/sys_exit_kill") int tracepoint_##name(struct sys_exit *ctx) \
	{ \
		struct pt_regs *regs = (void *)bpf_task_pt_regs((void *)bpf_get_current_task_btf()); \
		WORK(regs->si, regs->di, ctx->result) \
		return 0; \
	}

// At the exit of every call.
#define RAW(name, WORK) \
	SEC("tp_btf/sys_exit") int raw_##name(__u64 *ctx) \
	{ \
		struct pt_regs *regs = (void *)ctx[0]; \
		if (regs->orig_ax != SYS_KILL) \
			return 0; \
		WORK(regs->si, regs->di, ctx[1]) \
		return 0; \
	}

FEXIT(empty, EMPTY)
FEXIT(count, COUNT)
FEXIT(full, FULL)
TRACEPOINT(empty, EMPTY)
TRACEPOINT(count, COUNT)
TRACEPOINT(full, FULL)
RAW(empty, EMPTY)
RAW(count, COUNT)
RAW(full, FULL)
