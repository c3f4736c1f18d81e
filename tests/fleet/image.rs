//! The image: what it says of itself, that it can be built again, and that it works with the rights of the chart.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use killsnoop_tests::{
    eventually,
    judge::{Copy, output, run},
    otelcol::Otelcol,
    root, tool,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    container::{Bundle, Container, scrape},
    killed,
    manifests::Manifests,
    seccomp,
};

const DOCKERFILE: &str = "deploy/container/Dockerfile";

/// The archive that `deploy/container/build` has made.
fn archive() -> PathBuf {
    env::var_os("KILLSNOOP_IMAGE")
        .map(PathBuf::from)
        .expect("KILLSNOOP_IMAGE is not set: run tests/run fleet")
}

fn pod() -> Value {
    Manifests::of_chart(None).the("DaemonSet")["spec"]["template"]["spec"].clone()
}

/// Copies an image from its archive, with all that skopeo checks on the way.
fn copied(archive: &Path) -> (bool, String) {
    let folder = TempDir::new().unwrap();
    let to = format!("oci:{}:copy", folder.path().join("layout").display());
    let from = format!("oci-archive:{}", archive.display());
    run(Command::new("skopeo").args(["--insecure-policy", "copy", &from, &to]))
}

#[test]
fn the_image_says_what_it_is() {
    let source = format!("oci-archive:{}", archive().display());
    let config = output(Command::new("skopeo").args(["inspect", "--config", &source]));
    let image: Value = serde_json::from_str(&config).unwrap();
    assert_eq!(image["os"], "linux");
    let config = &image["config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Entrypoint"], serde_json::json!(["/usr/bin/killsnoop-exporter"]));
    assert!(config["ExposedPorts"]["9435/tcp"].is_object(), "{config}");
    let label = |name: &str| {
        let label = config["Labels"][format!("org.opencontainers.image.{name}")].as_str();
        label.unwrap_or_else(|| panic!("no label {name}: {config}")).to_owned()
    };
    assert_eq!(label("version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(label("created"), image["created"].as_str().unwrap());
    assert!(label("revision").len() >= 40 && label("licenses").contains("Apache-2.0"));
    assert!(!label("title").is_empty() && !label("description").is_empty());
}

#[test]
fn the_image_can_be_copied_and_a_broken_one_cannot() {
    let (taken, text) = copied(&archive());
    assert!(taken, "{text}");
    let mut bytes = fs::read(archive()).unwrap();
    // In the middle of the layer, which is nearly all of it.
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let folder = TempDir::new().unwrap();
    let broken = folder.path().join("broken.oci.tar");
    fs::write(&broken, bytes).unwrap();
    assert!(!copied(&broken).0);
}

#[test]
fn the_same_sources_give_the_same_image() {
    let folder = TempDir::new().unwrap();
    let mut build = Command::new(root().join("deploy/container/build"));
    // What cargo says to a test is not for another cargo: it would build all anew.
    let cargo = env::vars().map(|(name, _)| name).filter(|name| name.starts_with("CARGO_"));
    cargo.filter(|name| name != "CARGO_HOME" && name != "CARGO_TARGET_DIR").for_each(|name| {
        build.env_remove(name);
    });
    let again = output(build.env("IMAGE_OUTPUT", folder.path()));
    assert!(fs::read(again.trim()).unwrap() == fs::read(archive()).unwrap(), "{again}");
}

#[test]
fn hadolint_finds_nothing_in_the_dockerfile_and_something_in_broken_copies() {
    let judge = |path: &Path| run(Command::new(tool("hadolint")).arg(path));
    let (taken, text) = judge(&root().join(DOCKERFILE));
    assert!(taken, "{text}");
    for (from, to) in
        [("FROM scratch", "FROM debian"), ("ENTRYPOINT [", "ENTRYPOINT bash ["), ("LABEL", "LABELS")]
    {
        assert!(!judge(&Copy::of(DOCKERFILE, from, to).path).0, "{to}");
    }
}

#[test]
fn with_the_rights_of_the_chart_a_kill_is_counted_and_told_of() {
    let container = Bundle::new(&archive(), &pod()).start(&[]);
    let pid = a_kill_is_counted(&container).to_string();
    let why = || container.exec(&["killsnoop-exporter", "why", &pid]);
    let (_, told) = eventually(|| Some(why()).filter(|(found, _)| *found), || why().1);
    assert!(told.contains("was killed by SIGKILL"), "{told}");
    let log = container.process.stderr.to_string();
    assert!(log.contains("capabilities: none"), "{log}");
}

#[test]
fn it_counts_as_much_from_a_pid_namespace_of_its_own() {
    let mut pod = pod();
    pod["hostPID"] = false.into();
    a_kill_is_counted(&Bundle::new(&archive(), &pod).start(&[]));
}

#[test]
fn it_finds_a_collector_by_its_name_without_a_distribution_around_it() {
    let collector = Otelcol::start();
    let mut bundle = Bundle::new(&archive(), &pod());
    bundle.file("/etc/hosts", "127.0.0.1 collector.observability\n");
    let endpoint = collector.http().replace("127.0.0.1", "collector.observability");
    let container = bundle.start(&["--otlp.endpoint", &endpoint]);
    let pid = format!("Int({})", a_kill_is_counted(&container));
    let record = collector.record(|record| record.attribute("killsnoop.target.pid") == Some(&pid));
    assert_eq!(record.resource("service.name"), Some("Str(killsnoop-exporter)"));
}

/// Kills a process, waits until the exporter in a container has counted its death, and returns its number.
fn a_kill_is_counted(container: &Container) -> u32 {
    const DEATHS: &str = "killsnoop_deaths_total{signal=\"SIGKILL\",cause=\"kill\",core_dumped=\"false\"}";
    let address = container.address();
    let before = scrape(&address).value(DEATHS);
    let pid = killed();
    eventually(
        || (scrape(&address).value(DEATHS) > before).then_some(()),
        || format!("not counted\n{}", container.process.stderr),
    );
    pid
}

/// What a container says that ends with an error.
fn refusal(bundle: Bundle) -> String {
    let mut container = bundle.start(&[]);
    let status = container.process.wait();
    assert!(!status.success(), "{}", container.process.stderr);
    container.process.stderr.to_string()
}

#[test]
fn without_file_capabilities_the_rights_of_a_pod_do_not_reach_its_user() {
    let bundle = Bundle::new(&archive(), &pod());
    output(Command::new("setcap").arg("-r").arg(bundle.rootfs().join("usr/bin/killsnoop-exporter")));
    let text = refusal(bundle);
    assert!(text.contains("CAP_BPF"), "{text}");
}

#[test]
fn without_one_of_the_two_capabilities_the_kernel_does_not_start_it() {
    for missing in ["CAP_BPF", "CAP_PERFMON"] {
        let mut bundle = Bundle::new(&archive(), &pod());
        let sets = bundle.config()["process"]["capabilities"].as_object_mut().unwrap();
        for set in sets.values_mut() {
            set.as_array_mut().unwrap().retain(|name| name != missing);
        }
        let text = refusal(bundle);
        assert!(text.contains("operation not permitted"), "{missing}: {text}");
    }
}

#[test]
fn filters_of_runtimes_that_want_more_than_the_capability_for_bpf_keep_it_from_starting() {
    let capabilities = ["CAP_BPF", "CAP_PERFMON"].map(str::to_owned);
    for (profile, capabilities) in
        [(Path::new(seccomp::CRI_O), &capabilities[..]), (&seccomp::docker(), &capabilities[1..])]
    {
        let mut bundle = Bundle::new(&archive(), &pod());
        bundle.config()["linux"]["seccomp"] = seccomp::filter(profile, capabilities);
        let text = refusal(bundle);
        for part in ["not permitted", "seccomp filter"] {
            assert!(text.contains(part), "{part}: {}: {text}", profile.display());
        }
    }
}
