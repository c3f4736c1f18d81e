//! docs/metrics.md, which is made of a page as the code writes it. `UPDATE_EXPECT=1 cargo test` writes it anew. What a page does
//! not say, what a family is for, stands here.

use std::fmt::Write as _;

use prometheus_client::encoding::prometheus_protobuf::prometheus_data_model::MetricType;

use super::{cardinality::most, *};
use crate::kernel::BACKENDS;

const METRICS: &str = "../../../../docs/metrics.md";

const HEAD: &str = "\
# Metrics

<!-- Made by exporter/src/metrics/tests/reference.rs of the page as the code writes it. -->

Every family on the page at `/metrics`, with its labels, the values that these can have, and the most series that it can ever have
on one machine. Values come from closed sets unless it says otherwise: what local users do adds no series beyond these numbers.
Counters are read from the kernel at each scrape, they begin at 0 when the exporter starts, and none ever goes down. What the page
costs is in [cardinality.md](cardinality.md), and what the causes mean in
[why-was-my-process-killed.md](why-was-my-process-killed.md#what-each-cause-means).
";

/// What the families of a kind are, and each with what it is for and a question to ask it.
const GROUPS: [(&str, &[Entry]); 4] = [
    (
        "Calls, signals and deaths",
        &[
            Entry {
                family: &names::KILL_CALLS,
                purpose: "Who asks for signals, and in vain: a storm of EPERM or ESRCH is a program that signals what it may not, or \
                    what is gone. Not there with `--hook none`.",
                example: "sum by (instance) (rate(killsnoop_kill_calls_total{result!=\"ok\"}[5m]))\n  / sum by (instance) \
                    (rate(killsnoop_kill_calls_total[5m]))",
            },
            Entry {
                family: &names::KILL_CALLS_BY_SYSCALL,
                purpose: "Which calls programs use. Both families are read at once: their sums are equal.",
                example: "sum by (syscall) (rate(killsnoop_kill_calls_by_syscall_total[5m]))",
            },
            Entry {
                family: &names::SIGNALS,
                purpose: "What reaches processes, also what the kernel sends on its own: faults, timers, terminals. One call to a \
                    process group is one call and a signal for each member.",
                example: "topk(10, sum by (signal, origin) (rate(killsnoop_signals_total{outcome=\"delivered\"}[5m])))",
            },
            Entry {
                family: &names::DEATHS,
                purpose: "What to alert on: who died, whatever was sent. The example is exit status 137 without an OOM kill.",
                example: "sum by (instance, cause) (increase(killsnoop_deaths_total{signal=\"SIGKILL\", cause!~\"oom.*\"}[5m])) > 0",
            },
            Entry {
                family: &names::OOM_KILLS,
                purpose: "OOM kills of any process, also of one that is not the first of its container.",
                example: "sum by (instance, scope) (increase(killsnoop_oom_kills_total[5m])) > 0",
            },
            Entry {
                family: &names::CONTAINER_DEATHS,
                purpose: "With `--metrics.container-deaths` alone. Counted as events are read, so a flood of deaths can make it too \
                    low; a series that made place moved its count to the one whose labels are all `other`. \
                    `--metrics.container-deaths-max` is its bound.",
                example: "topk(5, sum by (namespace, pod, cause) (increase(killsnoop_container_deaths_total{pod!=\"other\"}[1h])))",
            },
        ],
    ),
    (
        "Events",
        &[
            Entry {
                family: &names::EVENTS_PRODUCED,
                purpose: "What there was to tell of. Each event is then pending, lost, or read, and of what a sink is offered each is delivered, lost or \
                    pending.",
                example: "sum by (class) (rate(killsnoop_events_produced_total[5m]))",
            },
            Entry {
                family: &names::EVENTS_DELIVERED,
                purpose: "`otlp` is the collector, `recent` the memory that `killsnoop-exporter why` asks.",
                example: "",
            },
            Entry {
                family: &names::EVENTS_LOST,
                purpose: "`ring` and `ring_urgent` are the buffers between kernel and exporter, `decode` a record that was not \
                    understood; the others are a sink's: its queue was full, its receiver refused, failed, or the exporter ended.",
                example: "sum by (instance, stage) (increase(killsnoop_events_lost_total[5m])) > 0",
            },
            Entry {
                family: &names::EVENTS_PENDING,
                purpose: "What grows here is a collector that does not keep up or is down.",
                example: "",
            },
        ],
    ),
    (
        "The hooks",
        &[
            Entry {
                family: &names::FEATURE_AVAILABLE,
                purpose: "What this machine is blind to. See [kernels.md](kernels.md).",
                example: "killsnoop_feature_available == 0",
            },
            Entry {
                family: &names::HOOK_INFO,
                purpose: "Which hook `--hook auto` took.",
                example: "count by (backend) (killsnoop_hook_info)",
            },
            Entry {
                family: &names::HOOK_ERRORS,
                purpose: "`counter_missing` is a call that was not counted, and has never been seen. The others cost a detail: a \
                    verdict without its sender, an executable or a place.",
                example: "sum by (instance, reason) (increase(killsnoop_hook_errors_total[5m])) > 0",
            },
            Entry {
                family: &names::PROGRAM_ATTACHED,
                purpose: "0 once the exporter has let go of it, as it ends, and while the kernel runs no programs at its functions, where this one \
                          is at one: see [kernels.md](kernels.md). An exporter that is there is to be asked for by `up` too.",
                example: "killsnoop_program_attached == 0",
            },
            Entry { family: &names::PROGRAM_RUNS, purpose: "For whoever measures.", example: "" },
            Entry {
                family: &names::PROGRAM_RECURSION_MISSES,
                purpose: "What was missed, calls or deaths, on kernels that preempt programs. See [kernels.md](kernels.md).",
                example: "sum by (instance, program) (increase(killsnoop_program_recursion_misses_total[5m])) > 0",
            },
            Entry {
                family: &names::MAP_ENTRIES,
                purpose: "The map of calls is full from the start, on purpose: each of its keys is there.",
                example: "",
            },
            Entry { family: &names::MAP_CAPACITY, purpose: "", example: "" },
        ],
    ),
    (
        "The exporter",
        &[
            Entry {
                family: &names::OTLP_METRICS_PUSHES,
                purpose: "With `--otlp.metrics` alone. `ok` was taken whole, `partial` but for series that the receiver refused; \
                          `failed` was not, as the log says; `skipped` gave way to a later one.",
                example: "sum by (instance, result) (increase(killsnoop_otlp_metrics_pushes_total{result!=\"ok\"}[15m])) > 0",
            },
            Entry {
                family: &names::SCRAPE_DURATION,
                purpose: "Without the time to write the page.",
                example: "max by (instance) (killsnoop_scrape_duration_seconds)",
            },
            Entry {
                family: &names::BUILD_INFO,
                purpose: "",
                example: "count by (version) (killsnoop_build_info)",
            },
        ],
    ),
];

/// What the values of a label are that are no closed set, or too long a one.
const OPEN: [(&str, &str); 8] = [
    ("namespace", "any text: the pod's namespace, empty where there is none"),
    ("pod", "any text: the pod's name, or its uid"),
    ("container", "any text: the container's name, or the first 12 digits of its id"),
    ("program", "the name of the BPF program, such as `sched_process_exit`"),
    ("map", "the name of the BPF map"),
    ("version", "of the exporter"),
    ("revision", "the commit that it was built of"),
    ("rustversion", "of the compiler"),
];

/// A family that has a section of its own.
struct Entry {
    family: &'static names::Family,
    purpose: &'static str,
    /// Empty where there is nothing worth asking.
    example: &'static str,
}

fn families(scrape: Scrape) -> Vec<MetricFamily> {
    let page = page::encode(scrape, Format::Protobuf).unwrap();
    let (mut rest, mut families) = (&page[..], vec![]);
    while !rest.is_empty() {
        families.push(MetricFamily::decode_length_delimited(&mut rest).unwrap());
    }
    families
}

/// Labels with all their values, each in the order in which they come.
#[derive(Default)]
struct Values(Vec<(String, Vec<String>)>);

impl Values {
    fn add(&mut self, name: &str, value: &str) {
        let at = self.0.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.0.push((name.to_owned(), vec![]));
            self.0.len() - 1
        });
        let values = &mut self.0[at].1;
        if !values.iter().any(|known| known == value) {
            values.push(value.to_owned());
        }
    }

    fn add_each<'a>(&mut self, name: &str, values: impl IntoIterator<Item = &'a str>) {
        for value in values {
            self.add(name, value);
        }
    }

    /// All that may have a row, not only those that find room on one page.
    fn add_all<C, const N: usize>(&mut self, names: [&str; N], all: impl Iterator<Item = C>)
    where
        C: Combination<Labels = [&'static str; N]>,
    {
        for labels in all.flat_map(|key| [key.labels(), key.shared_labels()]) {
            names.iter().zip(labels).for_each(|(name, value)| self.add(name, value));
        }
    }

    fn of(family: &MetricFamily) -> Self {
        let mut values = Self::default();
        match &family.name {
            name if name == names::KILL_CALLS.name => {
                values.add_all(["signal", "result"], KillKey::all());
            }
            name if name == names::SIGNALS.name => {
                // Some causes are those of deaths alone.
                let signals = everything().signals.into_iter().map(|(key, _)| key);
                let signals = signals.filter(|(_, cause, _)| (*cause as usize) < Cause::N_OF_SIGNALS);
                values.add_all(["signal", "origin", "outcome"], signals);
            }
            name if name == names::DEATHS.name => {
                let deaths = everything().deaths;
                values.add_all(["signal", "cause", "core_dumped"], deaths.into_iter().map(|(key, _)| key));
            }
            name if name == names::HOOK_INFO.name => {
                values.add_each("backend", BACKENDS.iter().map(|backend| backend.name));
                values.add_each("compat", ["seen", "unseen"]);
            }
            _ => {}
        }
        let has_all = [&names::KILL_CALLS, &names::SIGNALS, &names::DEATHS].map(|family| family.name);
        if !has_all.contains(&&*family.name) {
            let on_page = family.metric.iter().flat_map(|metric| &metric.label);
            on_page.for_each(|label| values.add(&label.name, &label.value));
        }
        if family.name == names::BUILD_INFO.name {
            values.add("arch", "aarch64");
        }
        // What stands for all others comes last.
        for (_, values) in &mut values.0 {
            values
                .sort_by_key(|value| [label::REAL_TIME, label::OTHER].iter().position(|last| last == value));
        }
        values
    }
}

/// The values of a label, in words.
fn told(family: &str, label: &str, values: &[String]) -> String {
    let is_of_containers = family == names::CONTAINER_DEATHS.name;
    if let Some((_, words)) = OPEN.iter().find(|(open, _)| *open == label) {
        return (*words).to_owned();
    }
    match label {
        "signal" | "cause" if is_of_containers => {
            format!("as of `{}`, of which it shows all", names::DEATHS.name)
        }
        "signal" => {
            let named = |value: &&String| value.starts_with("SIG") && *value != label::REAL_TIME;
            let (named, others): (Vec<_>, Vec<_>) = values.iter().partition(named);
            let others: Vec<_> = others.iter().map(|value| format!("`{value}`")).collect();
            format!(
                "{} names of signal(7), `{}` to `{}`; {}",
                named.len(),
                named[0],
                named[named.len() - 1],
                others.join(", ")
            )
        }
        _ => values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "),
    }
}

fn type_of(family: &MetricFamily) -> &'static str {
    match family.r#type() {
        MetricType::Counter => "counter",
        MetricType::Gauge => "gauge",
        other => panic!("{other:?}"),
    }
}

fn section(entry: &Entry, family: &MetricFamily) -> String {
    let n_series = family.metric.len();
    let series = if n_series == 1 { "1 series".to_owned() } else { format!("at most {n_series} series") };
    let mut text = format!("\n### {}\n\nA {}, {series}. {}", family.name, type_of(family), family.help);
    if !entry.purpose.is_empty() {
        write!(text, "\n\n{}", entry.purpose).unwrap();
    }
    text += "\n";
    let values = Values::of(family).0;
    if !values.is_empty() {
        text += "\n";
    }
    for (label, values) in values {
        writeln!(text, "- `{label}`: {}", told(&family.name, &label, &values)).unwrap();
    }
    if !entry.example.is_empty() {
        writeln!(text, "\n```promql\n{}\n```", entry.example).unwrap();
    }
    text
}

#[test]
fn the_reference_has_every_family_as_the_page_has_it() {
    let mut families = families(most());
    let mut reference = HEAD.to_owned();
    for (title, entries) in GROUPS {
        write!(reference, "\n## {title}\n").unwrap();
        for entry in entries {
            let at = families.iter().position(|family| family.name == entry.family.name);
            reference += &section(entry, &families.remove(at.unwrap()));
        }
    }
    reference += "\nThose that every exporter has, without labels, of the exporter's own process:\n\n\
        | metric | type | what it is |\n|---|---|---|\n";
    // What has no section and is none of these is missing above.
    for family in families {
        assert!(family.name.starts_with("process_") && family.metric.len() == 1, "{}", family.name);
        writeln!(reference, "| `{}` | {} | {} |", family.name, type_of(&family), family.help).unwrap();
    }
    expect_file![METRICS].assert_eq(&reference);
}
