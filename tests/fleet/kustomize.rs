//! The kustomize base, its components and its example, and what is derived from the chart.

use std::{fs, process::Command};

use killsnoop_tests::{
    judge::{output, run},
    root, tool,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::manifests::{CHART, Manifests, files, lint};

const KUBERNETES: &str = "deploy/kubernetes";
const BASE: &str = "deploy/kubernetes/base";
const EXAMPLE: &str = "deploy/kubernetes/overlays/example";

#[test]
fn what_is_derived_from_the_chart_and_from_dashboards_is_up_to_date() {
    let folder = TempDir::new().unwrap();
    let path = format!("{}:{}", tool("").display(), std::env::var("PATH").unwrap());
    output(Command::new(root().join("deploy/kubernetes/render")).arg(folder.path()).env("PATH", path));
    let mut n_equal = 0;
    for file in files(&folder.path().join(KUBERNETES)) {
        let [derived, shipped] = [folder.path(), &root()].map(|root| root.join(KUBERNETES).join(&file));
        let shipped = fs::read(&shipped).unwrap_or_else(|error| panic!("{}: {error}", shipped.display()));
        assert!(fs::read(&derived).unwrap() == shipped, "{}: run deploy/kubernetes/render", file.display());
        n_equal += 1;
    }
    assert!(n_equal > 20, "{n_equal}");
    // And the other way round: what is shipped in the chart is all known there.
    assert_eq!(files(&folder.path().join(CHART)), files(&root().join(CHART)));
}

#[test]
fn the_base_is_the_chart_with_its_defaults() {
    let mut of_chart = Manifests::of_chart(None).the("DaemonSet");
    for metadata in ["/metadata", "/spec/template/metadata"] {
        let labels = of_chart.pointer_mut(metadata).unwrap()["labels"].as_object_mut().unwrap();
        labels.retain(|name, _| name != "helm.sh/chart" && name != "app.kubernetes.io/managed-by");
    }
    assert_eq!(Manifests::of_kustomize(BASE).the("DaemonSet"), of_chart);
}

#[test]
fn base_and_example_are_taken() {
    for folder in [BASE, EXAMPLE] {
        Manifests::of_kustomize(folder).are_taken(folder);
    }
    let example = Manifests::of_kustomize(EXAMPLE);
    let container = &example.the("DaemonSet")["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "registry.example.com/tools/killsnoop-exporter:0.1.0");
    let args = container["args"].as_array().unwrap();
    assert!(args.contains(&Value::from("--otlp.endpoint=http://otel-agent.observability:4318")), "{args:?}");
    for object in example.objects().iter().filter(|object| object["kind"] != "Namespace") {
        assert_eq!(object["metadata"]["namespace"], "monitoring-nodes", "{object}");
    }
}

#[test]
fn kustomize_refuses_a_broken_copy() {
    let folder = TempDir::new().unwrap();
    for file in files(&root().join(KUBERNETES)) {
        let to = folder.path().join(&file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(root().join(KUBERNETES).join(&file), to).unwrap();
    }
    let build =
        || run(Command::new(tool("kubectl")).arg("kustomize").arg(folder.path().join("overlays/example")));
    assert!(build().0, "{}", build().1);
    let overlay = folder.path().join("overlays/example/kustomization.yaml");
    let text = fs::read_to_string(&overlay).unwrap();
    for (from, to) in
        [("containers/0/args", "containers/7/args"), ("newTag:", "newTags:"), ("../base", "../bass")]
    {
        assert!(text.contains(from), "{from}");
        fs::write(&overlay, text.replace(from, to)).unwrap();
        assert!(!build().0, "{to}");
    }
}

#[test]
fn files_of_yaml_are_written_well() {
    let mut n_linted = 0;
    for folder in ["deploy"] {
        for file in files(&root().join(folder)) {
            let is_yaml = file.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
            // Templates are YAML once they are filled in.
            if !is_yaml || file.starts_with("kubernetes/chart/templates") {
                continue;
            }
            let path = root().join(folder).join(&file);
            let (taken, text) = lint(&path);
            assert!(taken, "{text}");
            n_linted += 1;
        }
    }
    assert!(n_linted > 15, "{n_linted}");
    let doubled = Manifests::new("---\na: 1\na: 2\n");
    assert!(!lint(&doubled.path).0);
}
