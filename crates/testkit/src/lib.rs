//! For tests only: hosts in memory, a scripted network, and the real server in process.
//!
//! Invariant: nothing here is a simplified copy of the product. A scripted network plays exactly what a test tells it to;
//! whoever needs a server's behaviour takes the real server.

mod hospital;
mod host;
mod scripted;
mod small_disk;
mod watch;

pub use hospital::{Clinician, Hospital};
pub use host::{MemorySecrets, RecordingNotifier};
pub use scripted::{Asked, HttpScript, ScriptedNetwork, ScriptedSession};
pub use small_disk::SmallDisk;
pub use watch::Watch;
