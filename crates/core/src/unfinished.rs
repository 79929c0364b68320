//! Work that is done to its end, whoever has stopped waiting for it.
//!
//! Invariant: once nobody begins any more, [`Unfinished::settled`] returns when nothing of it is under way.

use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use crate::error::{Error, ErrorCode};

/// What was begun and is not done. Clones are one.
#[derive(Clone)]
pub(crate) struct Unfinished(TaskTracker);

impl Default for Unfinished {
    fn default() -> Self {
        let tasks = TaskTracker::new();
        // Closed means that one can wait for it, not that it takes nothing.
        tasks.close();
        Self(tasks)
    }
}

impl Unfinished {
    /// Does `work` to its end, also if the caller is cut off meanwhile.
    ///
    /// # Errors
    /// `Internal` if the work itself is cut off, by a panic or by the end of the process.
    pub(crate) async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        self.0.spawn(work).await.map_err(|_| Error::new(ErrorCode::Internal, "the work was cut off"))
    }

    /// For work that goes on elsewhere, such as on a thread: it is unfinished as long as it holds this.
    pub(crate) fn begun(&self) -> TaskTrackerToken {
        self.0.token()
    }

    /// Waits until nothing is under way.
    pub(crate) async fn settled(&self) {
        self.0.wait().await;
    }
}
