//! For tests only: hosts in memory, a scripted network, a faulty link, and the real server in process.
//!
//! Invariant: nothing here is a simplified copy of the product. A scripted network plays exactly what a test tells it to;
//! whoever needs a server's behaviour takes the real server.

mod faulty_link;
mod hospital;
mod host;
mod scripted;
mod watch;

pub use faulty_link::{FaultyLink, Outages};
pub use hospital::{Clinician, Hospital};
pub use host::{MemorySecrets, RecordingNotifier};
pub use scripted::{Asked, HttpScript, ScriptedNetwork, ScriptedSession};
pub use watch::Watch;
