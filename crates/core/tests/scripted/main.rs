//! Core against a network that does exactly what the test says.

mod faults;
mod places;
mod reconnecting;
mod stage;
