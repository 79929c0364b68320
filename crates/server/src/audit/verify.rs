//! Looking for edits, deletions, another order and a cut-off end.

use std::{collections::BTreeMap, fmt, path::Path};

use super::{chain, checkpoints};
use crate::{
    error::Error,
    store::{StoreError, sql::Transaction},
};

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// After this place the next one is missing.
    Gap {
        /// The last place before it.
        after: i64,
    },
    /// An entry, or the one before it, is not the one that was written.
    Changed {
        /// Its place.
        id: i64,
    },
    /// A line of the checkpoints is none of ours.
    ForgedCheckpoint {
        /// Its line; 1 is the first.
        line: usize,
    },
    /// The audit ends before a place it had reached, or reached it otherwise.
    Contradicted {
        /// The place a checkpoint speaks of.
        id: i64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { after } => write!(f, "entries are missing after {after}"),
            Self::Changed { id } => write!(f, "entry {id} or the one before it was changed"),
            Self::ForgedCheckpoint { line } => {
                write!(f, "line {line} of the checkpoints was not signed by this server")
            }
            Self::Contradicted { id } => write!(f, "entry {id} is missing or not the one a checkpoint speaks of"),
        }
    }
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries looked at.
    pub entries: u64,
    /// Checkpoints looked at.
    pub checkpoints: u64,
    /// What is wrong; empty if nothing is.
    pub findings: Vec<Finding>,
}

pub(crate) fn verify(tx: &Transaction<'_>, data_dir: &Path) -> Result<Report, Error> {
    let unreadable = |source| Error::DataDir { path: data_dir.to_owned(), source };
    let (key, lines) = checkpoints::read(data_dir).map_err(unreadable)?;
    let mut report = Report::default();
    let mut stated: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for (line, checkpoint) in (1..).zip(lines) {
        report.checkpoints += 1;
        match checkpoint {
            Some(checkpoint) if checkpoint.is_signed_by(&key) => {
                stated.entry(checkpoint.id).or_default().push(checkpoint.hash);
            }
            _ => report.findings.push(Finding::ForgedCheckpoint { line }),
        }
    }

    let (mut last, mut before) = (0, Vec::new());
    chain::entries(tx, 0, |entry| {
        report.entries += 1;
        if entry.id != last + 1 {
            report.findings.push(Finding::Gap { after: last });
        }
        if entry.chained(&before) != entry.hash {
            report.findings.push(Finding::Changed { id: entry.id });
        }
        let hash = chain::hex(&entry.hash);
        if stated.remove(&entry.id).is_some_and(|hashes| hashes.iter().any(|stated| *stated != hash)) {
            report.findings.push(Finding::Contradicted { id: entry.id });
        }
        (last, before) = (entry.id, entry.hash);
        Ok::<_, StoreError>(())
    })?;
    report.findings.extend(stated.into_keys().map(|id| Finding::Contradicted { id }));
    Ok(report)
}
