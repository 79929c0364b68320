//! What people do and what befalls their computers, drawn from the seed.

use hugmedo_chat_protocol::{ClientMessageId, RoomId, UserId};

use super::{
    chance::Chance,
    plan::Plan,
    post::{Arrival, Line},
};

/// What strikes a computer in the middle of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blow {
    /// The process ends.
    Crash,
    /// Its connections break, and it notices.
    Cut,
}

/// One thing that is done at one time.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// Someone says something at a computer; the page may ask for it more than once.
    Say { computer: usize, room: RoomId, id: ClientMessageId, times: u32 },
    /// Someone opens a room, and reads it if `read`.
    Open { computer: usize, room: RoomId, read: bool },
    /// Someone says something elsewhere, for instance in a browser.
    SayElsewhere { user: UserId, room: RoomId, text: String },
    /// Someone changes or takes back something they said.
    Change { user: UserId, room: RoomId, take_back: bool },
    /// An administrator takes someone out of a room, or lets them in again.
    Remove { user: UserId, room: RoomId },
    /// See [`Deed::Remove`].
    Admit { user: UserId, room: RoomId },
    /// The process ends now, after some steps of its tasks.
    Crash { computer: usize, steps: u64 },
    /// When the next thing has arrived, after some steps of the tasks it woke, this happens.
    OnArrival { computer: usize, of: Arrival, steps: u64, blow: Blow },
    /// The app is closed in good form.
    Quit { computer: usize },
    /// The computer is switched on.
    SwitchOn { computer: usize, crash_after: Option<u64> },
    /// The lid is closed for a while.
    Sleep { computer: usize, millis: u64 },
    /// Somebody sets the time of day.
    SetTime { computer: usize, off_by: i64 },
    /// The connections break.
    Break { computer: usize, noticed: bool },
    /// The way to the outside changes.
    Line { computer: usize, line: Line },
    /// The system tells of another network, or of one again.
    OtherNetwork { computer: usize },
    /// The person signs in again.
    SignIn { computer: usize },
    /// All access tokens end.
    ExpireTokens,
    /// The server forgets old changes.
    ForgetChanges,
    /// From here on the network is kind and everyone comes back.
    Clear,
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Draws what happens in one run.
pub(super) fn draw(plan: &Plan, chance: &mut Chance) -> Vec<(u64, Deed)> {
    let mut deeds = Vec::new();
    let mut number = 0;
    let computers = plan.computers.len() as u64;
    // Half of the runs leave memberships and clocks alone, so that the strictest rules hold for them.
    let (moves, clocks, crashes) = (chance.happens(0.4), chance.happens(0.5), chance.happens(0.8));
    let forgets = chance.happens(0.3);
    for _ in 0..plan.deeds {
        let at = chance.between(0, plan.unkind_ms);
        let computer = usize::try_from(chance.between(0, computers)).unwrap_or(0);
        let Some(room) = chance.pick(&plan.rooms).cloned() else { continue };
        let Some(user) = chance.pick(&plan.people).cloned() else { continue };
        number += 1;
        match chance.between(0, 100) {
            0..30 => {
                let id = ClientMessageId::new(format!("c{computer}-{number:03}"));
                let times = if chance.happens(0.2) { 2 } else { 1 };
                deeds.push((at, Deed::Say { computer, room, id, times }));
            }
            30..45 => deeds.push((at, Deed::Open { computer, room, read: chance.happens(0.6) })),
            45..62 => deeds.push((at, Deed::SayElsewhere { user, room, text: format!("e{number:03}") })),
            62..68 => deeds.push((at, Deed::Change { user, room, take_back: chance.happens(0.4) })),
            68..82 if crashes => {
                // Mostly few: what is at stake happens in the first steps after something arrives.
                let steps = if chance.happens(0.7) { chance.between(0, 25) } else { chance.between(0, 120) };
                if chance.happens(0.4) {
                    deeds.push((at, Deed::Crash { computer, steps }));
                } else {
                    let of = if chance.happens(0.5) { Arrival::Anything } else { Arrival::Answer };
                    let blow = if chance.happens(0.5) { Blow::Crash } else { Blow::Cut };
                    deeds.push((at, Deed::OnArrival { computer, of, steps, blow }));
                }
            }
            82..84 => deeds.push((at, Deed::Quit { computer })),
            84..87 => deeds.push((at, Deed::Break { computer, noticed: chance.happens(0.5) })),
            87..90 => {
                let line = if chance.happens(0.5) { Line::Cut } else { Line::Silent };
                let until = at + chance.between(500, 25_000);
                deeds.push((at, Deed::Line { computer, line }));
                deeds.push((until, Deed::Line { computer, line: Line::Up }));
            }
            90..92 if moves => {
                let back = at + chance.between(100, 20_000);
                deeds.push((at, Deed::Remove { user: user.clone(), room: room.clone() }));
                deeds.push((back, Deed::Admit { user, room }));
            }
            92..94 if clocks => {
                let far = if chance.happens(0.5) { DAY_MS } else { 60 * 60 * 1000 };
                let off_by = if chance.happens(0.5) { far } else { -far };
                deeds.push((at, Deed::SetTime { computer, off_by }));
            }
            94..96 => deeds.push((at, Deed::Sleep { computer, millis: chance.between(1_000, 60_000) })),
            96 => deeds.push((at, Deed::ExpireTokens)),
            97 if forgets => deeds.push((at, Deed::ForgetChanges)),
            _ => deeds.push((at, Deed::OtherNetwork { computer })),
        }
    }
    deeds.push((plan.unkind_ms, Deed::Clear));
    deeds
}
