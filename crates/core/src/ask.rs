//! Saying a typed event on a link and reading its typed answer.

use hugmedo_chat_protocol::{Ack, ClientEvent, Refusal};

use crate::transport::{Link, LinkFailure};

/// Why an event was not answered with success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AskFailure {
    /// The link failed.
    Link(LinkFailure),
    /// The server said no.
    Refused(Refusal),
}

/// Says an event and waits for its answer. An answer that does not fit the contract counts as a lost link: nothing can be
/// concluded from it.
pub(crate) async fn ask<E: ClientEvent>(link: &dyn Link, event: &E) -> Result<E::Answer, AskFailure> {
    let nonsense = AskFailure::Link(LinkFailure::Lost);
    let payload = serde_json::to_value(event).map_err(|_| nonsense.clone())?;
    let answer = link.request(E::NAME, payload).await.map_err(AskFailure::Link)?;
    match serde_json::from_value::<Ack<E::Answer>>(answer) {
        Ok(Ack::Done(answer)) => Ok(answer),
        Ok(Ack::Refused(refusal)) => Err(AskFailure::Refused(refusal)),
        Err(_) => {
            tracing::warn!(event = E::NAME, "the answer does not fit the contract");
            Err(nonsense)
        }
    }
}

/// Says an event that needs no answer.
pub(crate) async fn tell<E: ClientEvent>(link: &dyn Link, event: &E) -> Result<(), LinkFailure> {
    let payload = serde_json::to_value(event).map_err(|_| LinkFailure::Lost)?;
    link.notify(E::NAME, payload).await
}
