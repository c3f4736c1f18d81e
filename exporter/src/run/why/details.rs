//! Everything that is known of one death, a line for each thing. What is not known has none.

use std::time::Duration;

use killsnoop_exporter::verdict::{amount, printable};
use serde_json::{Map, Value};

/// A heading, and what stands behind it.
type Row = (&'static str, String);

/// The lines; the headings as they are to look.
pub(super) fn details(event: &Map<String, Value>, heading: impl Fn(&str) -> String) -> String {
    let mut rows = Vec::new();
    let get = |key| event.get(key).filter(|value| value.is_object());
    let process = |key, role| get(key).map(|process| of_process(role, process)).unwrap_or_default();
    rows.extend(process("victim", "victim"));
    rows.extend(get("fatal").map(|fatal| ("signal", of_signal(fatal))));
    rows.extend(process("sender", "sender"));
    rows.extend(process("trigger", "trigger"));
    rows.extend(get("preceded_by").map(|before| ("before", of_signal(before))));
    rows.extend(get("memory").map(|memory| ("memory", of_memory(memory))));
    rows.iter().map(|(name, value)| line(&heading(&format!("{name:>9}")), value)).collect()
}

fn line(heading: &str, value: &str) -> String {
    ["  ", heading, "  ", value, "\n"].concat()
}

fn of_process(role: &'static str, process: &Value) -> Vec<Row> {
    let exe = text(process, "exe");
    let container = join(process, &["container_runtime", "container_name", "container_id"]);
    let pod = join(process, &["pod_namespace", "pod_name", "pod_uid"]);
    let rows = [
        (role, Some(name(process))),
        ("ran", text(process, "command").or(exe.clone())),
        ("exe", exe.filter(|_| process.get("command").is_some())),
        ("parents", parents(process)),
        ("pod", pod),
        ("container", container),
        ("unit", text(process, "unit")),
        ("cgroup", text(process, "cgroup")),
    ];
    rows.into_iter().filter_map(|(heading, value)| Some((heading, value?))).collect()
}

/// `nginx (4711), uid 33, 7 in its pid namespace`.
fn name(process: &Value) -> String {
    let uid = number(process, "uid").map(|uid| format!(", uid {uid}"));
    let pid = number(process, "ns_pid").filter(|pid| Some(*pid) != number(process, "pid"));
    let pid = pid.map(|pid| format!(", {pid} in its pid namespace"));
    one(process) + &uid.unwrap_or_default() + &pid.unwrap_or_default()
}

/// `nginx (4711)`.
fn one(process: &Value) -> String {
    let comm = text(process, "comm").unwrap_or_else(|| "?".to_owned());
    format!("{comm} ({})", number(process, "pid").unwrap_or_default())
}

fn parents(process: &Value) -> Option<String> {
    let ancestors = process.get("ancestors")?.as_array()?;
    Some(ancestors.iter().map(one).collect::<Vec<_>>().join(" < "))
}

/// `SIGTERM by kill from systemd-oomd (612), delivered, has a handler, 0.3 s earlier`.
fn of_signal(signal: &Value) -> String {
    let word = |key| text(signal, key).unwrap_or_else(|| "?".to_owned());
    let from = signal.get("sender").map(|sender| format!(" from {}", one(sender))).unwrap_or_default();
    let claim =
        number(signal, "claimed_pid").map(|pid| format!(", claims to be from {pid}")).unwrap_or_default();
    let action = match &*word("action") {
        "handler" => ", has a handler",
        "ignored" => ", is ignored",
        _ => "",
    };
    let thread = if signal["to_process"] == false { ", to one thread" } else { "" };
    let code = number(signal, "code").filter(|code| *code != 0).map(|code| format!(", code {code}"));
    let earlier =
        signal["seconds_before"].as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let earlier = earlier.map(|time| format!(", {} earlier", amount::time(time))).unwrap_or_default();
    let (name, cause, outcome) = (word("signal_name"), word("cause"), word("outcome").replace('_', " "));
    [
        &*name,
        " by ",
        &cause,
        &from,
        &claim,
        ", ",
        &outcome,
        action,
        thread,
        &code.unwrap_or_default(),
        &earlier,
    ]
    .concat()
}

/// `memcg /a/b, total 400.0 MiB, anon 250.0 MiB, oom_score_adj 500`.
fn of_memory(memory: &Value) -> String {
    let limit = text(memory, "limit_cgroup").map(|path| format!(" {path}")).unwrap_or_default();
    let sizes = ["total", "anon", "file", "shmem", "page_table"].map(|what| {
        let bytes = memory[&*format!("{what}_bytes")].as_u64()?;
        Some(format!(", {} {}", what.replace('_', " "), amount::bytes(bytes)))
    });
    let score = number(memory, "oom_score_adj").map(|score| format!(", oom_score_adj {score}"));
    let rest: String = sizes.into_iter().flatten().chain(score).collect();
    format!("{}{limit}{rest}", text(memory, "scope").unwrap_or_default())
}

fn join(object: &Value, keys: &[&str]) -> Option<String> {
    let parts: Vec<_> = keys.iter().filter_map(|key| text(object, key)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn text(object: &Value, key: &str) -> Option<String> {
    object.get(key)?.as_str().filter(|text| !text.is_empty()).map(|text| printable::text(text.as_bytes()))
}

fn number(object: &Value, key: &str) -> Option<i64> {
    object.get(key)?.as_i64()
}
