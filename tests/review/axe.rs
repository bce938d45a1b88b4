//! axe-core in the page: every rule of WCAG 2.0 to 2.2, levels A and AA, that a machine can check. It is not part of this
//! repository (MPL-2.0): `make test` gets one version of it, by the checksum in axe.txt.

use super::page::Page;
use serde_json::{Value, json};
use std::path::Path;

/// Where `make test` puts it.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/axe/axe.min.js");
/// Set to 1 by who wants the other assertions of these tests without axe-core.
const WITHOUT: &str = "HOUSECALL_WITHOUT_AXE";

/// Asserts that what is shown violates nothing, in light and in dark.
pub fn assert_accessible(page: &Page, about: &str) {
    let Some(source) = source(about) else { return };
    for dark in [false, true] {
        page.dark(dark);
        let look = if dark { "dark" } else { "light" };
        let found = violations(page, &source);
        assert!(found.is_empty(), "{about}, {look}: axe-core finds\n{}", found.join("\n"));
    }
    page.dark(false);
}

fn source(about: &str) -> Option<String> {
    match std::fs::read_to_string(Path::new(FILE)) {
        Ok(source) => Some(source),
        Err(_) if std::env::var(WITHOUT).is_ok_and(|without| without == "1") => {
            println!("NOT CHECKED BY AXE: {about} ({WITHOUT}=1)");
            None
        }
        Err(e) => panic!("{FILE}: {e}; `make target/axe/axe.min.js` gets it, {WITHOUT}=1 leaves these checks out"),
    }
}

/// One line a rule that is broken: which, and where.
fn violations(page: &Page, source: &str) -> Vec<String> {
    if page.run("return typeof axe", &[]) == "undefined" {
        page.run(&format!("{source}\nwindow.axe = window.axe || axe"), &[]);
    }
    // Target size (2.5.8) is the one rule of WCAG 2.2 that axe-core has, and it has to be asked for.
    let options = json!({
        "runOnly": { "type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] },
        "rules": { "target-size": { "enabled": true } },
        "resultTypes": ["violations"],
    });
    let found = page.promise(&format!("return (await axe.run(document, {options})).violations"));
    found.as_array().unwrap().iter().map(told).collect()
}

fn told(violation: &Value) -> String {
    let node = |node: &Value| format!("    {} {}", node["target"], node["failureSummary"]);
    let nodes: Vec<String> = violation["nodes"].as_array().unwrap().iter().take(5).map(node).collect();
    format!("{}: {}\n{}", violation["id"], violation["help"], nodes.join("\n"))
}
