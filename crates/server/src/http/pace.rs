//! How slowly a request's body may come.
//!
//! Invariant: a body is given up once it has taken longer than the grace plus the time its bytes so far may take at the least
//! rate, however cleverly they are spread.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::config::Patience;

/// See the module.
pub(super) struct Paced {
    body: Body,
    begun: Instant,
    patience: Patience,
    received: u64,
    deadline: Pin<Box<Sleep>>,
}

/// The body, watched if there is one.
pub(super) fn paced(body: Body, patience: &Patience) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let begun = Instant::now();
    let deadline = Box::pin(sleep_until(begun + patience.body));
    Body::new(Paced { body, begun, patience: patience.clone(), received: 0, deadline })
}

#[derive(Debug, thiserror::Error)]
#[error("the body comes too slowly")]
struct TooSlow;

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        match &frame {
            Poll::Ready(Some(Ok(piece))) => {
                if let Some(data) = piece.data_ref() {
                    this.received = this.received.saturating_add(data.len() as u64);
                    let rate = this.patience.body_bytes_per_second.max(1);
                    let earned = Duration::from_millis(this.received.saturating_mul(1000) / rate);
                    this.deadline.as_mut().reset(this.begun + this.patience.body + earned);
                }
                frame
            }
            Poll::Ready(_) => frame,
            Poll::Pending => match this.deadline.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Some(Err(axum::Error::new(TooSlow)))),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
