//! The page Prometheus reads.

use std::{
    collections::BTreeSet,
    fmt::{Display, Write as _},
    sync::{PoisonError, atomic::Ordering},
};

use super::Counts;
use crate::{
    app::App,
    audit, fanout,
    store::{self, StoreError, changes},
};

/// Everything there is to tell, in Prometheus' text format.
pub(crate) async fn page(app: &App) -> Result<String, StoreError> {
    let read = app.store.read(|tx| Ok::<_, StoreError>((audit::head(tx)?.0, changes::head(tx)?, tx.stored_bytes()?)));
    let stored: Option<(i64, i64, Option<i64>)> = match read.await {
        Ok(stored) => Some(stored),
        // That it is away is what there is to tell.
        Err(error) if app.store.is_shared() && error.is_transient() => None,
        Err(error) => return Err(error),
    };
    let sockets = app.fanout.all_sockets();
    let people: BTreeSet<_> = sockets.iter().filter_map(fanout::link).map(|link| link.user().id.clone()).collect();
    let metrics = &app.metrics;
    let mut page = Page::default();

    page.head("build_info", "gauge", "The version that runs.");
    page.line("build_info", &format!("version=\"{}\"", env!("CARGO_PKG_VERSION")), 1);
    page.one("start_time_seconds", "gauge", "When it started, in seconds since 1970.", metrics.started);
    page.one("sockets", "gauge", "Open sockets.", sockets.len());
    page.one("people", "gauge", "People with an open socket.", people.len());
    page.counts("messages_total", "Messages stored.", &["priority"], &metrics.messages);
    page.counts("sign_ins_total", "Attempts to sign in by what became of them.", &["outcome"], &metrics.sign_ins);
    page.counts("event_refusals_total", "Events of sockets that were refused.", &["code"], &metrics.refusals);
    page.counts("sockets_closed_total", "Sockets the server closed.", &["reason"], &metrics.closed);
    let call = ["method", "route", "status"];
    page.counts("http_requests_total", "Calls that were answered.", &call, &metrics.calls);
    page.head("answer_seconds", "histogram", "From an event's arrival to its answer.");
    for (event, histogram) in &metrics.answers {
        histogram.write(&mut page.text, &full("answer_seconds"), &format!("event=\"{event}\","));
    }
    page.head("http_seconds", "histogram", "From a call to its answer; long polls left out.");
    for (route, histogram) in &*metrics.call_times.lock().unwrap_or_else(PoisonError::into_inner) {
        histogram.write(&mut page.text, &full("http_seconds"), &format!("route=\"{route}\","));
    }
    page.head("store_seconds", "histogram", "How long the store takes, waiting for one's turn included.");
    for (kind, histogram) in app.store.timings() {
        histogram.write(&mut page.text, &full("store_seconds"), &format!("kind=\"{kind}\","));
    }
    page.one(
        "escalations_total",
        "counter",
        "Urgent messages told of again.",
        metrics.escalated.load(Ordering::Relaxed),
    );
    page.one("expired_total", "counter", "Messages removed past their time.", metrics.expired.load(Ordering::Relaxed));
    if let Some((audit_entries, ..)) = stored {
        page.one("audit_entries", "gauge", "Entries of the audit.", audit_entries);
        let unstated = audit_entries.saturating_sub(app.checkpoints.last());
        page.one("audit_unstated_entries", "gauge", "Entries of the audit that no checkpoint covers yet.", unstated);
    }
    if let (Some(nodes), Some((_, head, _))) = (&app.nodes, stored) {
        let untold = head.saturating_sub(nodes.told()).max(0);
        page.one("untold_changes", "gauge", "Changes in the database that this server has still to tell.", untold);
    }
    let links = [
        ("database", "database", app.store.database_standing()),
        ("redis", "Redis", app.nodes.as_ref().and_then(|nodes| nodes.standing())),
    ];
    for (name, title, standing) in links {
        if let Some((is_reached, connections)) = standing {
            let up = u8::from(is_reached);
            page.one(&format!("{name}_up"), "gauge", &format!("Whether {title} was reached when last tried."), up);
            let help = format!("Connections made to {title}.");
            page.one(&format!("{name}_connections_total"), "counter", &help, connections);
        }
    }
    let in_file = || std::fs::metadata(app.config.data_dir.join(store::FILE)).ok().map(|file| file.len());
    let in_database = stored.and_then(|(.., bytes)| u64::try_from(bytes?).ok());
    if let Some(bytes) = if app.store.is_shared() { in_database } else { in_file() } {
        page.one("store_bytes", "gauge", "The size of the store's file or database.", bytes);
    }
    if let Some(resident) = resident_bytes() {
        page.one("resident_memory_bytes", "gauge", "Memory of the process.", resident);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        page.one("open_files", "gauge", "Files and sockets the process has open.", files.count());
    }
    Ok(page.text)
}

fn full(name: &str) -> String {
    format!("hugmedo_chat_{name}")
}

#[derive(Default)]
struct Page {
    text: String,
}

// Writing to a String cannot fail.
impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let name = full(name);
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl Display) {
        let name = full(name);
        let _ = if labels.is_empty() {
            writeln!(self.text, "{name} {value}")
        } else {
            writeln!(self.text, "{name}{{{labels}}} {value}")
        };
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(name, "", value);
    }

    fn counts(&mut self, name: &str, help: &str, labels: &[&str], counts: &Counts) {
        self.head(name, "counter", help);
        for (values, count) in &*counts.lock().unwrap_or_else(PoisonError::into_inner) {
            let pairs: Vec<String> =
                labels.iter().zip(values).map(|(label, value)| format!("{label}=\"{value}\"")).collect();
            self.line(name, &pairs.join(","), count);
        }
    }
}

/// What Linux says of this process; elsewhere nothing.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
