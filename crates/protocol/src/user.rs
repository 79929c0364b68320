//! People.

use serde::{Deserialize, Serialize};

use crate::{Sensitive, UserId};

/// What a person is to the organisation. It is shown beside the name; the server decides what it allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum UserType {
    /// Doctors, nurses and other treating professionals.
    Clinician,
    /// A person being treated, or family writing for them.
    Patient,
    /// Reception, administration, technicians.
    Staff,
    /// A type this version does not know; a foreign or newer server may send any.
    #[default]
    #[serde(other)]
    Unknown,
}

/// A person as others see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Unique within the server.
    pub id: UserId,
    /// The name shown to others.
    pub name: Sensitive,
    /// What the person is to the organisation.
    #[serde(default)]
    pub user_type: UserType,
    /// Free text such as a ward or a function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub role: Option<String>,
    /// A picture, served by the same server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "ts", ts(optional))]
    pub avatar_url: Option<String>,
}
