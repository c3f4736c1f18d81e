//! Dashboards as Grafana will read them: its own types, and what makes a panel useful.

use std::{collections::BTreeSet, env, fs, path::PathBuf, process::Command};

use killsnoop_tests::judge::{read, run};
use serde_json::Value;
use tempfile::TempDir;

use crate::files::{dashboards, panels};

/// What the compiler has to say of dashboards under Grafana's types.
fn complaints(dashboards: &[Value]) -> String {
    let schema = env::var_os("KILLSNOOP_GRAFANA_SCHEMA").map(PathBuf::from);
    let schema = schema.expect("KILLSNOOP_GRAFANA_SCHEMA is not set: run tests/run dashboards");
    // Within the folder that has the types, where the compiler finds them.
    let folder = TempDir::new_in(&schema).unwrap();
    fs::write(folder.path().join("types.ts"), read("tests/grafana/schema/types.ts")).unwrap();
    for (n, dashboard) in dashboards.iter().enumerate() {
        let panels = dashboard["panels"].as_array().unwrap().iter().enumerate();
        let panels =
            panels.map(|(n, panel)| format!("export const p{n}: t.Kinds[{}] = {panel};\n", panel["type"]));
        let whole = format!("import type * as t from './types';\nexport const d: t.Whole = {dashboard};\n");
        let source: String = std::iter::once(whole).chain(panels).collect();
        fs::write(folder.path().join(format!("dashboard{n}.ts")), source).unwrap();
    }
    let files = (0..dashboards.len()).map(|n| folder.path().join(format!("dashboard{n}.ts")));
    let (_, text) = run(Command::new(schema.join("node_modules/.bin/tsc"))
        .args([
            "--noEmit",
            "--strict",
            "--skipLibCheck",
            "--moduleResolution",
            "bundler",
            "--module",
            "esnext",
        ])
        .args(files));
    text
}

#[test]
fn grafana_s_own_types_take_the_dashboards_and_refuse_broken_ones() {
    assert_eq!(complaints(&dashboards()), "");
    let good = &dashboards()[0];
    let index = good["panels"].as_array().unwrap().iter().position(|panel| panel["type"] == "timeseries");
    let panel = format!("/panels/{}", index.unwrap());
    let rows = [
        (format!("{panel}/gridPos/w"), Value::from("12")),
        (format!("{panel}/options/legend/displayMode"), Value::from("tabel")),
        (format!("{panel}/fieldConfig/defaults/custom/drawStyle"), Value::from("stripes")),
        (format!("{panel}/fieldConfig/defaults/color/mode"), Value::from("rainbow")),
        ("/templating/list/0/type".to_owned(), Value::from("datasorce")),
        ("/annotations/list/0/enable".to_owned(), Value::from("yes")),
        ("/links/0/keepTime".to_owned(), Value::Null),
    ];
    let broken = rows.map(|(place, value)| {
        let mut broken = good.clone();
        *broken.pointer_mut(&place).unwrap_or_else(|| panic!("{place} is not there")) = value;
        broken
    });
    let complaints = complaints(&broken);
    for n in 0..broken.len() {
        assert!(complaints.contains(&format!("/dashboard{n}.ts(")), "change {n}: {complaints}");
    }
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_from_which_source() {
    let filled = |text: &Value| text.as_str().is_some_and(|text| !text.is_empty());
    for dashboard in dashboards() {
        assert!(
            filled(&dashboard["uid"]) && filled(&dashboard["title"]) && filled(&dashboard["description"])
        );
        assert!(dashboard["id"].is_null() && dashboard["schemaVersion"].as_u64() >= Some(42));
        for panel in panels(&dashboard) {
            assert!(filled(&panel["title"]) && filled(&panel["description"]), "{panel}");
            assert!(filled(&panel["fieldConfig"]["defaults"]["unit"]), "{panel}");
            let targets = panel["targets"].as_array().unwrap();
            assert!(targets.iter().all(|target| filled(&target["expr"])) && !targets.is_empty(), "{panel}");
            for source in std::iter::once(panel).chain(targets) {
                assert_eq!(source["datasource"]["uid"], "${datasource}", "{panel}");
            }
        }
        for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
            assert_eq!(annotation["datasource"]["uid"], "${datasource}", "{annotation}");
        }
    }
}

#[test]
fn panels_neither_overlap_nor_share_an_id() {
    for dashboard in dashboards() {
        let (mut cells, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for panel in dashboard["panels"].as_array().unwrap() {
            let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
            assert!(w > 0 && h > 0 && x + w <= 24, "{}", panel["title"]);
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(cells.insert(cell), "{} lies on another panel", panel["title"]);
            }
            assert!(ids.insert(panel["id"].as_u64()), "{}", panel["title"]);
        }
    }
}

#[test]
fn dashboards_lead_to_each_other_with_time_and_choice_and_to_the_logs() {
    let all = dashboards();
    let uids: BTreeSet<_> = all.iter().map(|dashboard| dashboard["uid"].as_str().unwrap()).collect();
    assert_eq!(uids.len(), all.len());
    for dashboard in &all {
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        let names: Vec<_> = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
        assert!(names.starts_with(&["datasource", "logs", "cluster", "job", "instance"]), "{names:?}");
        let links = dashboard["links"].as_array().unwrap();
        let all_keep = |link: &Value| link["keepTime"] == true && link["includeVars"] == true;
        assert!(links.iter().any(|link| link["type"] == "dashboards" && all_keep(link)));
        assert!(links.iter().any(|link| link["url"].as_str().is_some_and(|url| url.contains("${logs}"))));
        let text = dashboard.to_string();
        for link in text.split("\"/d/").skip(1) {
            let (uid, rest) = link.split_once('?').unwrap();
            assert!(uids.contains(uid), "there is no dashboard {uid}");
            assert!(rest.starts_with("${__url_time_range}&${datasource:queryparam}"), "{rest}");
        }
    }
}
