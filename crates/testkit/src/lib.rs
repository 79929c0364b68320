//! For tests only: hosts in memory, a scripted network, a faulty link, the real server in process, and a simulation of a
//! hospital.
//!
//! Invariant: nothing here is a simplified copy of the product, but for the simulation's book of what a server knows, which a
//! test holds against the real server. A scripted network plays exactly what a test tells it to.

mod faulty_link;
mod hospital;
mod host;
mod scripted;
pub mod simulation;
mod small_disk;
mod watch;

pub use faulty_link::{FaultyLink, Outages};
pub use hospital::{Clinician, Hospital};
pub use host::{MemorySecrets, RecordingNotifier, Screen};
pub use scripted::{Asked, HttpScript, ScriptedNetwork, ScriptedSession};
pub use small_disk::SmallDisk;
pub use watch::Watch;
