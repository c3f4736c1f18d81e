//! Who reports: this service on this machine. Nothing about the exporter's own process: stores put resource and
//! record side by side, and `process.*` there is the sender of a signal.
//!
//! `telemetry.sdk.*` is absent because no SDK is at work.

use std::{fs, sync::LazyLock};

use opentelemetry_proto::tonic::{common::v1::InstrumentationScope, resource::v1::Resource};
use opentelemetry_semantic_conventions::resource as semconv;
use rustix::system::uname;
use uuid::{Uuid, uuid};

use super::record::text;

/// Tells this exporter from others, and is the same after a restart: what is pushed goes on in the series that were there.
static INSTANCE: LazyLock<Option<String>> = LazyLock::new(|| instance(first_line(MACHINE_ID)));

/// `machine-id(5)`; containers seldom have one.
const MACHINE_ID: &str = "/etc/machine-id";

/// Of OpenTelemetry's, for ids that are made of something else: see `service.instance.id` in its semantic conventions.
const NAMESPACE: Uuid = uuid!("4d63009a-8d0f-11ee-aad7-4c796ed8e320");

/// A machine has one exporter. Where it has no id of its own, each start is another instance.
fn instance(machine: Option<String>) -> Option<String> {
    machine
        .map(|id| Uuid::new_v5(&NAMESPACE, id.as_bytes()).to_string())
        .or_else(|| first_line("/proc/sys/kernel/random/uuid"))
}

/// Who made what is sent: this library.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: env!("CARGO_CRATE_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

/// Describes this service and this machine; what the operator says of either comes last and wins.
pub(super) fn detect(given: &[(String, String)]) -> Resource {
    let uname = uname();
    let found = [
        (semconv::SERVICE_NAME, Some(env!("CARGO_PKG_NAME").to_owned())),
        (semconv::SERVICE_VERSION, Some(env!("CARGO_PKG_VERSION").to_owned())),
        (semconv::SERVICE_INSTANCE_ID, INSTANCE.clone()),
        (semconv::HOST_NAME, Some(uname.nodename().to_string_lossy().into_owned())),
        (semconv::HOST_ID, first_line(MACHINE_ID)),
        (semconv::HOST_ARCH, Some(arch(std::env::consts::ARCH).to_owned())),
        (semconv::OS_TYPE, Some("linux".to_owned())),
        (semconv::OS_VERSION, Some(uname.release().to_string_lossy().into_owned())),
    ];
    let found = found.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    merge(found.chain(given.iter().cloned()))
}

/// Names this boot of the machine: with it a time on the boot clock is unique among all machines. Empty if the
/// kernel does not tell.
pub(super) fn boot_id() -> String {
    first_line("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

/// Of two attributes with one name the later one stays: names must be unique.
fn merge(attributes: impl Iterator<Item = (String, String)>) -> Resource {
    let mut resource = Resource::default();
    for (key, value) in attributes {
        resource.attributes.retain(|attribute| attribute.key != key);
        resource.attributes.push(text(&key, value));
    }
    resource
}

fn first_line(path: &str) -> Option<String> {
    let content = fs::read_to_string(path).ok()?;
    content.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

/// OpenTelemetry's name of an architecture that Rust calls otherwise.
fn arch(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc64" => "ppc64",
        "powerpc" => "ppc32",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::common::v1::any_value::Value;

    fn get(resource: &Resource, key: &str) -> Vec<String> {
        let values = resource.attributes.iter().filter(|attribute| attribute.key == key);
        values
            .map(|attribute| match attribute.value.as_ref().and_then(|value| value.value.clone()) {
                Some(Value::StringValue(text)) => text,
                other => panic!("{key} is {other:?}"),
            })
            .collect()
    }

    #[test]
    fn the_service_and_its_machine_are_named_and_its_process_is_not() {
        let resource = detect(&[]);
        assert_eq!(get(&resource, "service.name"), ["killsnoop-exporter"]);
        assert_eq!(get(&resource, "service.version"), [env!("CARGO_PKG_VERSION")]);
        assert_eq!(get(&resource, "os.type"), ["linux"]);
        for key in ["service.instance.id", "host.name", "host.arch", "os.version"] {
            assert!(!get(&resource, key)[0].is_empty(), "{key}");
        }
        assert!(!resource.attributes.iter().any(|attribute| attribute.key.starts_with("process.")));
    }

    #[test]
    fn a_machine_is_one_instance_and_without_an_id_of_its_own_each_start_is_one() {
        let id = || get(&detect(&[]), "service.instance.id");
        assert_eq!(id(), id());
        let of_machine = |machine: &str| instance(Some(machine.to_owned())).unwrap();
        let machine = "6c0f0a4f1d5e4b5f9f0c7a8d2b3e4f50";
        assert_eq!(of_machine(machine), of_machine(machine));
        assert_ne!(of_machine(machine), of_machine("0"));
        assert_ne!(instance(None), instance(None));
    }

    #[test]
    fn what_the_operator_says_replaces_what_was_found() {
        let given = [("host.name", "a"), ("team", "x"), ("host.name", "b")];
        let given = given.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let resource = detect(&given);
        assert_eq!(get(&resource, "host.name"), ["b"]);
        assert_eq!(get(&resource, "team"), ["x"]);
    }
}
