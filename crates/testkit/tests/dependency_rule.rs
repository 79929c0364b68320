//! Which of our crates may know which: protocol ← core, server; core ← app; testkit in tests only; Tauri in the app only.
//!
//! The rule is what keeps the client drivable without a window and the contract free of either side, so it is checked on the
//! manifests as cargo understands them, not left to review.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

const APP: &str = "hugmedo-chat";
const PROTOCOL: &str = "hugmedo-chat-protocol";
const CORE: &str = "hugmedo-chat-core";
const SERVER: &str = "hugmedo-chat-server";
const TESTKIT: &str = "hugmedo-chat-testkit";
const BENCH: &str = "hugmedo-chat-bench";

/// For each crate, which of ours it may have as a normal or build dependency.
const ALLOWED: &[(&str, &[&str])] = &[
    (PROTOCOL, &[]),
    (CORE, &[PROTOCOL]),
    (SERVER, &[PROTOCOL]),
    (APP, &[CORE, PROTOCOL]),
    (TESTKIT, &[PROTOCOL, CORE, SERVER]),
    (BENCH, &[PROTOCOL, CORE, SERVER, TESTKIT]),
];

fn workspace() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .unwrap()
}

/// The names of a package's dependencies; those of tests and examples only if `with_dev`.
fn dependencies(package: &Package, with_dev: bool) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| with_dev || dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

#[test]
fn each_crate_depends_only_on_those_of_ours_it_may_know() {
    let workspace = workspace();
    let ours: BTreeSet<&str> = workspace.packages.iter().map(|package| package.name.as_str()).collect();
    let known: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    assert_eq!(ours, known, "a new crate needs a line in this test");

    for (name, allowed) in ALLOWED {
        let package = workspace.packages.iter().find(|package| package.name == *name).unwrap();
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        let present: BTreeSet<&str> = dependencies(package, false).intersection(&ours).copied().collect();
        assert!(present.is_subset(&allowed), "{name} may depend on {allowed:?} of ours, but depends on {present:?}");
    }
}

#[test]
fn nothing_but_the_app_depends_on_tauri() {
    for package in workspace().packages.iter().filter(|package| package.name != APP) {
        let tauri: Vec<&str> = dependencies(package, true)
            .into_iter()
            .filter(|name| name.starts_with("tauri") || *name == "wry")
            .collect();
        assert!(tauri.is_empty(), "{} depends on {tauri:?}", package.name);
    }
}

#[test]
fn the_contract_does_no_input_or_output() {
    let workspace = workspace();
    let protocol = workspace.packages.iter().find(|package| package.name == PROTOCOL).unwrap();
    let allowed: BTreeSet<&str> = ["jiff", "serde", "serde_json", "ts-rs", "uuid", "zeroize"].into();
    let present = dependencies(protocol, false);
    assert!(present.is_subset(&allowed), "unexpected in the contract: {:?}", present.difference(&allowed));
}
