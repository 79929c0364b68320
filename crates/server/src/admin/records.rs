//! Looking after what was written down: the audit, and copies of everything.

use std::path::Path;

use super::Admin;
use crate::{
    audit::{self, Deed, Report},
    backup::{self, Backup},
    belonging,
    error::Error,
    store::{self, sql::Transaction},
};

impl Admin {
    /// Copies everything into a folder that is not there yet, while servers go on working, and checks the copy.
    ///
    /// # Errors
    /// If the folder is there, or the copy is not sound.
    pub async fn backup(&self, data_dir: &Path, into: &Path) -> Result<Backup, Error> {
        if self.store.is_shared() {
            return Err(Error::Invalid("a store in a database is copied with pg_dump, and the data folder beside it"));
        }
        // Before, so that the copy knows of itself.
        self.write(|tx, actor| Ok(audit::append(tx, actor, Deed::Backup, None, None, None)?)).await?;
        backup::take(&self.store, data_dir, into).await
    }

    /// Makes a store whose database was put back from a copy one that its clients have never met, as [`crate::restore`] does with a
    /// file. No server may be working on it.
    ///
    /// # Errors
    /// If the store is not in a database, or a server works on it.
    pub async fn begin_anew(&self, data_dir: &Path) -> Result<(), Error> {
        let _alone = crate::lock(data_dir, false)?;
        if !self.store.is_shared() {
            return Err(Error::Invalid("this is for a store in a database; `restore` puts a data folder back"));
        }
        // Before, so that nothing in between leaves a store and a folder that do not know each other.
        belonging::release(data_dir)?;
        self.write(|tx, _| Ok(store::anew(tx, None)?)).await
    }

    /// Looks for edits, deletions, another order and a cut-off end in the audit of this store.
    ///
    /// # Errors
    /// If the audit or its checkpoints cannot be read at all.
    pub async fn verify_audit(&self, data_dir: &Path) -> Result<Report, Error> {
        let data_dir = data_dir.to_owned();
        self.store.read(move |tx| audit::verify(tx, &data_dir)).await
    }

    /// Passes every entry after a place to `line`, as one JSON object each, in order.
    ///
    /// # Errors
    /// If the audit cannot be read, or `line` fails.
    pub async fn export_audit(
        &self,
        after: i64,
        mut line: impl FnMut(&str) -> std::io::Result<()> + Send + 'static,
    ) -> Result<(), Error> {
        let work = move |tx: &Transaction<'_>| {
            audit::entries(tx, after, |entry| {
                let text = serde_json::to_string(&entry).map_err(std::io::Error::from).map_err(Error::Output)?;
                line(&text).map_err(Error::Output)
            })
        };
        self.store.read(work).await
    }
}
