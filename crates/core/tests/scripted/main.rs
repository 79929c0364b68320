//! Core against a network that does exactly what the test says.

mod faults;
mod reconnecting;
mod stage;
