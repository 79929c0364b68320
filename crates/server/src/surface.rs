//! Everything a client can reach, by name: what has to be known before anyone can say who may do what.

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surface {
    /// The events a client may send on a socket. All but those about the socket are calls of `POST /api/events/{event}` too.
    pub events: Vec<&'static str>,
    /// Methods and paths of the HTTP side.
    pub routes: Vec<(String, &'static str)>,
}

/// What this server offers. Whatever is not in it is not served.
pub fn surface() -> Surface {
    let routes = crate::http::routes().into_iter().map(|(method, path)| (method.to_string(), path)).collect();
    Surface { events: crate::socket::names(), routes }
}
