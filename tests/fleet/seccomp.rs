//! What a runtime's default seccomp profile is for a container: the file has rules with conditions, and the runtime
//! chooses from them by architecture and capabilities.

use std::{
    env::consts::ARCH,
    fs,
    path::{Path, PathBuf},
};

use killsnoop_tests::tool;
use serde_json::{Value, json};

/// The profile of CRI-O and podman, as Debian has it: bpf is for the sake of `CAP_SYS_ADMIN` alone.
pub(crate) const CRI_O: &str = "/usr/share/containers/seccomp.json";

/// That of Docker since 23, and of containerd since 1.7: bpf for the sake of `CAP_BPF`, `perf_event_open` of `CAP_PERFMON`.
pub(crate) fn docker() -> PathBuf {
    tool("docker-seccomp.json")
}

/// The filter of a container with these capabilities by a profile, as runc has it.
pub(crate) fn filter(profile: &Path, capabilities: &[String]) -> Value {
    let profile: Value = serde_json::from_str(&fs::read_to_string(profile).unwrap()).unwrap();
    let rules = profile["syscalls"].as_array().unwrap().iter();
    let chosen: Vec<_> = rules.filter(|rule| is_for(rule, capabilities)).map(rule).collect();
    assert!(chosen.len() > 3, "{chosen:?}");
    let architectures = match ARCH {
        "x86_64" => json!(["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]),
        _ => json!(["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]),
    };
    json!({
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": profile.get("defaultErrnoRet").unwrap_or(&json!(1)),
        "architectures": architectures,
        "syscalls": chosen,
    })
}

/// Whether a rule is for this architecture and these capabilities.
fn is_for(rule: &Value, capabilities: &[String]) -> bool {
    let list = |when: &str, what: &str| {
        let names = rule[when][what].as_array().into_iter().flatten();
        names.map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let arch = if ARCH == "x86_64" { "amd64" } else { "arm64" }.to_owned();
    let (wanted, unwanted) = (list("includes", "caps"), list("excludes", "caps"));
    let architectures = list("includes", "arches");
    (architectures.is_empty() || architectures.contains(&arch))
        && !list("excludes", "arches").contains(&arch)
        && wanted.iter().all(|capability| capabilities.contains(capability))
        && !unwanted.iter().any(|capability| capabilities.contains(capability))
}

/// The rule without its conditions.
fn rule(rule: &Value) -> Value {
    let kept = ["names", "action", "args", "errnoRet"];
    let kept = kept.iter().filter(|key| !rule[**key].is_null() && rule[**key] != json!([]));
    Value::Object(kept.map(|key| ((*key).to_owned(), rule[*key].clone())).collect())
}
