//! The runs in small: each as a process, as one would start it by hand.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

use std::process::{Command, Stdio};

fn run(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_reliability"))
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// The cells of a printed row by name.
fn cell<'a>(row: &'a str, name: &str) -> Option<&'a str> {
    row.split(" | ").find_map(|cell| cell.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn nothing_acknowledged_is_lost_when_servers_and_clients_are_killed() {
    let (passed, row) =
        run(&["soak", "--messages", "200", "--kills", "4", "--clients", "3", "--rooms", "2", "--seed", "5", "--row"]);
    assert!(passed, "{row}");
    assert_eq!(cell(&row, "acknowledged"), Some("200"), "{row}");
    assert_eq!(
        (cell(&row, "lost"), cell(&row, "doubled"), cell(&row, "out of order")),
        (Some("0"), Some("0"), Some("0"))
    );
    let kills = ["server kills", "client kills"].map(|name| cell(&row, name).unwrap().parse::<u32>().unwrap());
    assert_eq!(kills[0] + kills[1], 4, "{row}");
    assert!(kills[0] > 0 && kills[1] > 0, "both sides were killed: {row}");
}

#[test]
fn everyone_is_back_after_the_server_was_replaced_and_nothing_said_meanwhile_is_lost() {
    let (passed, row) = run(&["deploy", "--clients", "8", "--restarts", "1", "--row"]);
    assert!(passed, "{row}");
    assert_eq!((cell(&row, "never back"), cell(&row, "lost")), (Some("0"), Some("0")), "{row}");
}

#[test]
fn everything_arrives_once_through_links_that_are_cut_again_and_again() {
    let (passed, row) = run(&[
        "jitter",
        "--only",
        "ours",
        "--clients",
        "4",
        "--messages",
        "12",
        "--pace",
        "250",
        "--cut-every",
        "1",
        "--offline",
        "0.2",
        "--row",
    ]);
    assert!(passed, "{row}");
    assert_eq!(cell(&row, "delivered exactly once"), Some("48"), "{row}");
}
