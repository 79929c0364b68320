//! What became of a notification that was raised to try it.

use serde::Serialize;
#[cfg(feature = "ts")]
use ts_rs::TS;

/// What the operating system did with it, as far as it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum NotificationTest {
    /// It was handed over, and nothing says that it is not shown.
    Raised {
        /// The service that shows notifications, and its version, where the system names it.
        #[cfg_attr(feature = "ts", ts(optional))]
        #[serde(skip_serializing_if = "Option::is_none")]
        service: Option<String>,
    },
    /// It was handed over, and the service holds notifications back: 'do not disturb' of the system is on.
    HeldBack,
    /// The system does not let this app notify.
    Denied,
    /// Nothing on this computer shows notifications.
    NoService,
}
