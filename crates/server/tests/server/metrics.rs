//! `GET /metrics`, and the dashboard that reads it.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::hospital::{Hospital, says};

impl Hospital {
    async fn metrics(&self) -> String {
        self.http.get(self.url() + "/metrics").send().await.unwrap().text().await.unwrap()
    }
}

fn value(page: &str, series: &str) -> f64 {
    let line = page.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
    line.unwrap_or_else(|| panic!("no {series} in {page}")).rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_happens_is_counted_and_timed_and_names_nobody() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.enter("alice", "ward").await;
    let mut bob = hospital.connect("bob").await;
    alice.ask("message", says("ward", "canary")).await;
    let mut urgent = says("ward", "canary");
    urgent["priority"] = json!("urgent");
    alice.ask("message", urgent).await;
    alice.ask("message", says("nowhere", "canary")).await;
    bob.ask("no_such_event", json!({})).await;
    let guess = json!({ "username": "alice", "password": "canary" });
    hospital.call(Method::POST, "/api/login", None, Some(guess)).await;
    hospital.call(Method::GET, "/api/rooms/ward/messages", None, None).await;
    hospital.call(Method::GET, "/canary", None, None).await;

    let page = hospital.metrics().await;
    for (series, expected) in [
        ("hugmedo_chat_sockets", 2.0),
        ("hugmedo_chat_people", 2.0),
        ("hugmedo_chat_messages_total{priority=\"normal\"}", 1.0),
        ("hugmedo_chat_messages_total{priority=\"urgent\"}", 1.0),
        ("hugmedo_chat_sign_ins_total{outcome=\"granted\"}", 2.0),
        ("hugmedo_chat_sign_ins_total{outcome=\"unauthorized\"}", 1.0),
        ("hugmedo_chat_event_refusals_total{code=\"forbidden\"}", 1.0),
        ("hugmedo_chat_event_refusals_total{code=\"bad_request\"}", 1.0),
        ("hugmedo_chat_answer_seconds_count{event=\"message\"}", 3.0),
        ("hugmedo_chat_answer_seconds_bucket{event=\"message\",le=\"+Inf\"}", 3.0),
        ("hugmedo_chat_http_requests_total{method=\"GET\",route=\"/api/rooms/{room}/messages\",status=\"401\"}", 1.0),
    ] {
        assert!((value(&page, series) - expected).abs() < f64::EPSILON, "{series}: {page}");
    }
    assert!(value(&page, "hugmedo_chat_audit_entries") > 5.0);
    assert!(value(&page, "hugmedo_chat_store_seconds_count{kind=\"write\"}") > 5.0);
    for word in ["canary", "alice", "bob", "ward", "nowhere"] {
        assert!(!page.contains(word), "{word} in {page}");
    }
    // Every line is a comment or a series with a number.
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.rsplit_once(' ').is_some_and(|(_, number)| number.parse::<f64>().is_ok()), "{line}");
    }
}

#[tokio::test]
async fn they_are_for_this_machine_unless_they_are_for_all() {
    let passed_on = async |hospital: &Hospital| {
        let request = hospital.http.get(hospital.url() + "/metrics").header("x-forwarded-for", "192.0.2.7");
        request.send().await.unwrap().status()
    };
    let hospital = Hospital::open().await;
    assert_eq!(passed_on(&hospital).await, StatusCode::NOT_FOUND);
    let hospital = Hospital::open_with(|config| config.metrics_for_all = true).await;
    assert_eq!(passed_on(&hospital).await, StatusCode::OK);
}

#[tokio::test]
async fn the_dashboard_asks_for_nothing_that_is_not_there() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.enter("alice", "ward").await;
    alice.ask("message", says("ward", "x")).await;
    let page = hospital.metrics().await;
    let told: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/grafana-dashboard.json");
    let dashboard = std::fs::read_to_string(path).unwrap();
    serde_json::from_str::<serde_json::Value>(&dashboard).expect("JSON");
    let mut asked = BTreeSet::new();
    for rest in dashboard.split("hugmedo_chat_").skip(1) {
        let name: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
        let name = name.trim_end_matches("_bucket").trim_end_matches("_count").trim_end_matches("_sum");
        asked.insert(format!("hugmedo_chat_{name}"));
    }
    assert!(asked.len() > 10);
    for name in asked {
        assert!(told.contains(name.as_str()), "{name} is not in {told:?}");
    }
}
