//! Core against a network that does exactly what the test says.

mod alerts;
mod conversation;
mod faults;
mod leases;
mod places;
mod reconnecting;
mod stage;
