//! A load whose every state is known: each text follows from its message's name, and each commit's state is written down.

use std::{collections::BTreeMap, path::Path};

use rand::{Rng as _, rngs::StdRng};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::view::NewAttachment;

/// What a person sees and what sync starts from, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The newest stretch of the room: key, position, whether it is sent.
    pub(super) timeline: Vec<(String, Option<u64>)>,
    /// What is unsent, by client id.
    pub(super) unsent: BTreeMap<String, i64>,
    pub(super) draft: String,
    /// Own files that are whole, and how many bytes of each are here.
    pub(super) files: BTreeMap<String, usize>,
    pub(super) cursor: Option<String>,
    pub(super) read_seq: u64,
    /// How far the other member has read.
    pub(super) read_by_other: i64,
}

/// The only text a message of this name may ever have. Every third is longer than a page, so that it spills over.
pub(super) fn text_of(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let line: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let lines = if digest[0] % 3 == 0 { 1 + usize::from(digest[1]) } else { 1 };
    format!("{name} {}", line.repeat(lines))
}

fn named(name: &str) -> OutgoingMessage {
    OutgoingMessage { client_message_id: ClientMessageId::new(name), ..outgoing(&text_of(name)) }
}

/// Reads everything as the app does. Fails on any text that is not its message's.
pub(super) fn state_of(store: &Store) -> State {
    let (rows, unsent, draft, files, cursor, read_seq, read_by_other) = store.seen(|connection| {
        let mut statement = connection
            .prepare("SELECT m.client_message_id, o.local_id FROM outbox o LEFT JOIN message m USING (local_id)")?;
        let unsent = statement
            .query_map([], |row| Ok((row.get::<_, Option<String>>(0)?.unwrap_or_default(), row.get(1)?)))?
            .collect::<Result<BTreeMap<_, i64>, _>>()?;
        Ok((
            stretches::newest(connection, &me(), &general(), 100_000)?.messages,
            unsent,
            drafts::draft(connection, &general())?.content.as_str().to_owned(),
            own_files(connection)?,
            meta::cursor(connection)?,
            rooms::view(connection, &me(), &general())?.map_or(0, |room| room.read_seq.get()),
            connection.query_row("SELECT coalesce(max(up_to_seq), 0) FROM receipt", [], |row| row.get(0))?,
        ))
    });
    for row in &rows {
        let name = row.client_message_id.as_ref().map_or(row.key.as_str(), ClientMessageId::as_str);
        let shown = row.content.as_str();
        let end: String = shown.chars().skip(shown.len().saturating_sub(40)).collect();
        assert!(shown == text_of(name), "a wrong text is shown for {name}: {} bytes, ending in {end:?}", shown.len());
    }
    assert!(draft.is_empty() || draft.split(' ').next().is_some_and(|name| draft == text_of(name)), "a wrong draft");
    for (id, bytes) in &files {
        assert!(*bytes == bytes_of(id), "wrong bytes are shown for {id}: {} of them", bytes.len());
    }
    let pending: Vec<_> = rows.iter().filter(|row| row.seq.is_none()).map(|row| &row.key).collect();
    assert_eq!(pending.len(), unsent.len(), "outbox and timeline agree");
    assert!(pending.iter().all(|key| unsent.contains_key(*key)), "outbox and timeline agree");
    State {
        timeline: rows.into_iter().map(|row| (row.key, row.seq.map(Seq::get))).collect(),
        unsent,
        draft,
        files: files.into_iter().map(|(id, bytes)| (id, bytes.len())).collect(),
        cursor,
        read_seq,
        read_by_other,
    }
}

/// The own files that are whole, with their bytes.
fn own_files(connection: &Connection) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut statement = connection.prepare("SELECT id, file_id FROM attachment WHERE whole = 1")?;
    let files = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    let mut held = BTreeMap::new();
    for file in files {
        let (id, file_id) = file?;
        let mut bytes = Vec::new();
        while let Some(piece) = pieces::piece(connection, file_id, u32::try_from(bytes.len()).expect("small"))? {
            bytes.extend(piece);
        }
        held.insert(id, bytes);
    }
    Ok(held)
}

/// The only bytes a file of this name may ever have.
fn bytes_of(id: &str) -> Vec<u8> {
    text_of(id).repeat(20_000 / text_of(id).len() + 1).into_bytes()
}

/// Puts a file into the composer, in several pieces.
fn put_file(transaction: &Transaction<'_>, id: &str) {
    let (bytes, mut offset) = (bytes_of(id), 0);
    let size = u32::try_from(bytes.len()).expect("small");
    let file = NewAttachment { id: id.to_owned(), room_id: general(), name: id.into(), size };
    attachments::add(transaction, &file, Timestamp::from_millis(1)).expect("writes");
    for piece in bytes.chunks(9_000) {
        pieces::hand_over(transaction, id, offset, piece).expect("writes");
        offset += u32::try_from(piece.len()).expect("small");
    }
}

/// Does one random thing that the app does, as one commit.
pub(super) fn step(store: &Store, random: &mut StdRng, number: u64) {
    store.now(|transaction| {
        let next = rooms::last_seq(transaction, &general()).expect("reads").next();
        match random.random_range(0..10) {
            0..4 => {
                // A page of sync: its messages and its cursor together.
                for seq in next.get()..next.get() + random.random_range(1..4) {
                    let mut message = said("suzuki", seq, "");
                    message.content = Sensitive::new(text_of(message.id.as_str()));
                    messages::take_in(transaction, &me(), &message).expect("writes");
                }
                meta::set_cursor(transaction, &number.to_string()).expect("writes");
            }
            4..7 => {
                outbox::enqueue(transaction, &sato(), &named(&format!("c-{number}"))).expect("writes");
                drafts::save_draft(transaction, &general(), &Draft::default()).expect("writes");
            }
            7 | 8 => {
                if let Some(due) = outbox::take_due(transaction, Timestamp::now()).expect("reads") {
                    let id = MessageId::new(format!("m-{}", next.get()));
                    let settled = Settled { id, seq: next, created_at: Timestamp::from_millis(1) };
                    outbox::conclude(transaction, &due, &SendOutcome::Settled(settled)).expect("writes");
                }
            }
            _ => {
                drafts::save_draft(transaction, &general(), &written(&text_of(&format!("d-{number}"))))
                    .expect("writes");
                let up_to = Seq::new(next.get() - 1);
                rooms::raise_read_seq(transaction, &general(), up_to).expect("writes");
                let receipt = Receipt {
                    room_id: general(),
                    user_id: UserId::new("suzuki"),
                    kind: ReceiptKind::Read,
                    up_to_seq: Some(up_to),
                    message_id: None,
                    at: Timestamp::from_millis(1),
                };
                receipts::take_in(transaction, &me(), &receipt).expect("writes");
            }
        }
    });
}

/// Leaves three messages, one of them long and one with a file, a draft, and a file in the composer.
pub(super) fn leave_unsent(store: &Store) {
    let long = (0..).map(|number| format!("c-long-{number}")).find(|name| text_of(name).len() > 10_000);
    store.now(|transaction| {
        for name in [long.expect("one of them is long").as_str(), "c-last"] {
            outbox::enqueue(transaction, &sato(), &named(name)).expect("writes");
        }
        put_file(transaction, "f-sent");
        put_file(transaction, "f-waiting");
        let with_file = OutgoingMessage { attachments: vec!["f-sent".to_owned()], ..named("c-file") };
        outbox::enqueue(transaction, &sato(), &with_file).expect("writes");
        drafts::save_draft(transaction, &general(), &written(&text_of("d-last"))).expect("writes");
    });
}

/// A store that has been through a load, with the state after each commit of its present log and that log's length then.
pub(super) struct Ran {
    pub(super) store: Store,
    pub(super) key: Secret,
    pub(super) commits: Vec<(u64, State)>,
}

/// Runs half the load, writes the log back as the store itself does when it is long, and runs the other half.
pub(super) fn run(path: &Path, random: &mut StdRng, steps: u64) -> Ran {
    let key = new_key();
    let store = Store::open(path, &key, Surroundings::real()).expect("opens");
    store.now(|transaction| {
        meta::set_mode(transaction, Mode::Extended).expect("writes");
        rooms::ensure(transaction, &general()).expect("writes");
    });
    for number in 0..steps {
        step(&store, random, number);
    }
    store.connections.on_writer(|writer| {
        writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("writes back");
    });
    let mut commits = vec![(0, state_of(&store))];
    for number in steps..2 * steps {
        step(&store, random, number);
        commits.push((files::log_length(path), state_of(&store)));
    }
    Ran { store, key, commits }
}
