//! The Helm chart, with several sets of values.

use std::{collections::BTreeSet, env, fs, os::unix::fs::symlink, path::PathBuf, process::Command};

use killsnoop_tests::{
    binary,
    exporter::Exporter,
    judge::{output, read, run, yaml},
    root, tool,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::manifests::{CHART, Manifests, files};

/// The defaults, and each set of values in the chart's `ci`.
fn sets() -> Vec<Option<PathBuf>> {
    let folder = root().join(CHART).join("ci");
    let sets: Vec<_> = files(&folder).into_iter().map(|file| Some(folder.join(file))).collect();
    assert!(sets.len() >= 3, "{sets:?}");
    [vec![None], sets].concat()
}

fn helm_lint(args: &[&str]) -> (bool, String) {
    run(Command::new(tool("helm")).args(["lint", "--strict"]).arg(root().join(CHART)).args(args))
}

#[test]
fn every_set_of_values_is_linted_rendered_and_taken() {
    for values in sets() {
        let what = format!("{values:?}");
        let flag = values.as_ref().map(|values| format!("--values={}", values.display()));
        let (taken, text) = helm_lint(&flag.as_deref().into_iter().collect::<Vec<_>>());
        assert!(taken, "{what}: {text}");
        Manifests::of_chart(values.as_deref()).are_taken(&what);
    }
}

#[test]
fn the_sets_of_values_make_every_kind_of_object_that_the_chart_has() {
    let kinds: BTreeSet<_> = sets()
        .iter()
        .flat_map(|values| Manifests::of_chart(values.as_deref()).objects())
        .map(|object| object["kind"].as_str().unwrap().to_owned())
        .collect();
    let expected = [
        "ConfigMap",
        "DaemonSet",
        "NetworkPolicy",
        "Pod",
        "PodMonitor",
        "PrometheusRule",
        "Service",
        "ServiceAccount",
        "ServiceMonitor",
    ];
    assert_eq!(kinds, expected.map(str::to_owned).into());
}

#[test]
fn values_that_are_none_are_refused() {
    for set in [
        "hots=auto",
        "hook=fextit",
        "port=eighty",
        "port=0",
        "log.level=loud",
        "image.digest=sha256:12",
        "otlp.endpoint=collector",
        "podMonitor.interval=banana",
        "serviceAccount.token=true",
        "extraArgs=--events.noise",
    ] {
        let (taken, text) = helm_lint(&["--set", set]);
        assert!(!taken, "{set}: {text}");
    }
}

#[test]
fn values_that_make_no_sense_together_are_refused_in_words() {
    for (sets, words) in [
        (["hostPaths.tracefs=true", "hostPID=true"], "of use to root alone"),
        (["executables=true", "hostPID=true"], "of use to root alone"),
        (["podMonitor.enabled=true", "serviceMonitor.enabled=true"], "enable one of them"),
        (["serviceMonitor.enabled=true", "service.enabled=false"], "set service.enabled too"),
        (["otlp.metrics=true", "otlp.endpoint="], "set otlp.endpoint too"),
    ] {
        // A lint only notes what a template says of its values.
        let mut helm = Command::new(tool("helm"));
        helm.args(["template", "--set", sets[0], "--set", sets[1]]).arg(root().join(CHART));
        let (taken, text) = run(&mut helm);
        assert!(!taken && text.contains(words), "{sets:?}: {text}");
    }
}

#[test]
fn every_judge_refuses_a_broken_copy() {
    let values = root().join(CHART).join("ci/everything-values.yaml");
    let good = Manifests::of_chart(Some(&values));
    for (from, to) in [
        ("containerPort: 9435", "containerPort: eighty"),
        ("readOnlyRootFilesystem:", "readOnlyRootFileSystem:"),
        ("policyTypes: [Ingress, Egress]", "policyTypes: Ingress"),
        ("automountServiceAccountToken: false", "automountServiceAccountToken: 'no'"),
    ] {
        assert!(!good.with(from, to).kubernetes_takes_them().0, "{to}");
    }
    for (from, to) in [
        ("interval: 30s", "interval: banana"),
        ("action: drop", "action: dropp"),
        ("severity: warning", "severity: [warning]"),
        ("for: 5m", "for: a while"),
    ] {
        assert!(!good.with(from, to).the_operator_takes_them().0, "{to}");
    }
}

#[test]
fn the_exporter_has_the_rights_that_the_documents_name_and_no_others() {
    let daemon_set = Manifests::of_chart(None).the("DaemonSet");
    let pod = &daemon_set["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let rights = serde_json::json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": {"drop": ["ALL"], "add": ["BPF", "PERFMON"]},
    });
    assert_eq!(container["securityContext"], rights);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!((&pod["hostNetwork"], &pod["hostIPC"]), (&Value::Null, &Value::Null));
    for mount in container["volumeMounts"].as_array().unwrap() {
        let is_own = mount["name"] == "run";
        assert_eq!(mount["readOnly"], if is_own { Value::Null } else { true.into() }, "{mount}");
    }
}

#[test]
fn every_flag_that_the_chart_gives_is_one() {
    let help = run(Command::new(binary()).arg("--help")).1;
    let mut flags = BTreeSet::new();
    for values in sets() {
        let daemon_set = Manifests::of_chart(values.as_deref()).the("DaemonSet");
        let args = daemon_set["spec"]["template"]["spec"]["containers"][0]["args"].clone();
        flags.extend(args.as_array().unwrap().iter().map(|arg| arg.as_str().unwrap().to_owned()));
    }
    for flag in &flags {
        let name = flag.split('=').next().unwrap();
        assert!(help.split_whitespace().any(|word| word == name), "{flag}");
    }
    assert!(flags.len() > 8, "{flags:?}");
}

#[test]
fn the_notes_say_what_to_type_and_what_is_missing() {
    let notes = |sets: &[&str]| {
        let mut helm = Command::new(tool("helm"));
        helm.args(["install", "--dry-run=client", "signals"]).arg(root().join(CHART));
        output(helm.args(["--set", "port=9999"]).args(sets)).split_once("\nNOTES:\n").unwrap().1.to_owned()
    };
    let least = notes(&[]);
    for words in [
        "daemonset/signals-killsnoop-exporter",
        ":9999/metrics",
        "Nobody scrapes it yet",
        "set otlp.endpoint",
    ] {
        assert!(least.contains(words), "{words}: {least}");
    }
    let all = notes(&["--set", "podMonitor.enabled=true,otlp.endpoint=http://collector:4318"]);
    assert!(!all.contains("Nobody scrapes it yet") && !all.contains("set otlp.endpoint"), "{all}");
    let pushed = notes(&["--set", "otlp.metrics=true,otlp.endpoint=http://collector:4318"]);
    assert!(!pushed.contains("Nobody") && pushed.contains("pushed to http://collector:4318"), "{pushed}");
}

#[test]
fn the_test_of_the_chart_passes_before_an_exporter_and_fails_without_one() {
    let pod = Manifests::of_chart(None).the("Pod");
    let container = &pod["spec"]["containers"][0];
    assert_eq!(container["command"], serde_json::json!(["sh", "-ec"]));
    let script = container["args"][0].as_str().unwrap();
    let service = "killsnoop-exporter.killsnoop-exporter:9435";
    assert!(script.contains(service), "{script}");
    // The tools of the image that the test names.
    let folder = TempDir::new().unwrap();
    let busybox = output(Command::new("sh").args(["-c", "command -v busybox"]));
    for applet in ["sh", "timeout", "wget", "grep"] {
        symlink(busybox.trim(), folder.path().join(applet)).unwrap();
    }
    let test = |address: &str| {
        let script = script.replace(service, address);
        run(Command::new(folder.path().join("sh")).args(["-ec", &script]).env("PATH", folder.path()))
    };
    let exporter = Exporter::start(&[]);
    let (passed, printed) = test(&exporter.address);
    assert!(passed && printed.contains("killsnoop_kill_calls_total{"), "{printed}");
    let address = exporter.address.clone();
    _ = exporter.stop();
    assert!(!test(&address).0);
}

#[test]
fn values_with_a_choice_have_the_choice_that_their_flags_have() {
    let schema: Value = serde_json::from_str(&read(format!("{CHART}/values.schema.json"))).unwrap();
    for (value, flag) in [
        ("hook", "--hook"),
        ("log/properties/level", "--log.level"),
        ("log/properties/format", "--log.format"),
    ] {
        let choice = schema.pointer(&format!("/properties/{value}/enum")).unwrap().as_array().unwrap().iter();
        let choice: Vec<_> = choice.map(|choice| choice.as_str().unwrap()).collect();
        let (_, refusal) = run(Command::new(binary()).args([flag, "none-of-these"]));
        let expected = format!("[possible values: {}]", choice.join(", "));
        assert!(refusal.contains(&expected), "{expected}: {refusal}");
    }
}

#[test]
fn alerts_keep_their_text_and_get_the_address_of_their_runbooks() {
    let values = root().join(CHART).join("ci/everything-values.yaml");
    let rule = Manifests::of_chart(Some(&values)).the("PrometheusRule");
    let mut shipped = yaml(root().join(CHART).join("rules/killsnoop.yaml")).remove(0);
    for group in shipped["groups"].as_array_mut().unwrap() {
        for rule in group["rules"].as_array_mut().unwrap() {
            let Some(url) = rule.pointer_mut("/annotations/runbook_url") else { continue };
            let page = url.as_str().unwrap().rsplit('/').next().unwrap();
            *url = format!("https://runbooks.example.com/killsnoop/{page}").into();
        }
    }
    assert_eq!(rule["spec"], shipped);
}

#[test]
fn every_value_is_in_the_readme_of_the_chart() {
    let schema: Value = serde_json::from_str(&read(format!("{CHART}/values.schema.json"))).unwrap();
    let values = yaml(root().join(CHART).join("values.yaml")).remove(0);
    let mut table = vec!["| value | default | what it is for |\n|---|---|---|\n".to_owned()];
    rows("", &schema, &values, &mut table);
    let table = table.concat();
    let path = root().join(CHART).join("README.md");
    let text = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- values: UPDATE_EXPECT=1 tests/run fleet -->\n\n", "\n<!-- /values -->");
    let (before, rest) = text.split_once(begin).expect("the table has a beginning");
    let (found, after) = rest.split_once(end).expect("the table has an end");
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, [before, begin, &table, end, after].concat()).unwrap();
    } else {
        assert_eq!(found, table, "run UPDATE_EXPECT=1 tests/run fleet");
    }
}

fn rows(path: &str, schema: &Value, values: &Value, table: &mut Vec<String>) {
    if let Some(description) = schema["description"].as_str() {
        let default = serde_json::to_string(values).unwrap();
        table.push(format!("| `{path}` | `{default}` | {} |\n", description.replace('|', "\\|")));
        return;
    }
    assert_eq!(schema["additionalProperties"], false, "{path}");
    for (name, schema) in schema["properties"].as_object().unwrap() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        // What Helm itself hands down has no default here.
        if path != "global" {
            rows(&path, schema, values.get(name).unwrap_or_else(|| panic!("{path} has no default")), table);
        }
    }
}
