//! Which new messages raise a native notification, and in what words.
//!
//! The chain of reasons for silence: it is one's own; it was read already; someone has taken it on; the person is looking at it; their settings
//! keep such messages quiet. Quiet by default: routine talk among staff changes the badge only, because interruptions harm;
//! a patient who writes, a mention and anything urgent do come through. A room may have a rule of its own. Quiet hours and 'do not
//! disturb' leave urgent messages only. The text of a message is shown only to those who chose so: a screen is seen by others.

use hugmedo_chat_protocol::{Message, Priority, RoomId, RoomKind, Seq, Timestamp, UserId, UserType};

use crate::{
    carried,
    host::{NativeNotification, Sound},
    naming,
    view::{Gaze, Language, NotificationPrivacy, NotificationSounds, NotifyAbout, Preferences, RoomNotify, RoomView},
};

/// Longest text shown, in characters.
const BODY_CHARS: usize = 140;

/// Why a message raises no notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    /// The person wrote it.
    Own,
    /// It was read before, on this device or another, or was taken back.
    AlreadyRead,
    /// It is urgent, and someone has taken it on.
    TakenOn,
    /// The person is looking at it.
    InView,
    /// Their settings say so, for all rooms or for this one.
    Quiet,
    /// It is within their quiet hours.
    QuietHours,
    /// They do not want to be disturbed just now.
    DoNotDisturb,
}

/// The time of a decision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    /// Minutes since midnight where the computer is.
    pub(crate) minute: u16,
}

/// Whether the person is looking at the newest of a room. An open room is not a room being looked at: the window must have the
/// focus and show the room's end.
pub(crate) fn is_looking(gaze: &Gaze, room: &RoomId) -> bool {
    gaze.focused && gaze.at_end && gaze.room_id.as_ref() == Some(room)
}

/// Decides on one message that is new here.
pub(crate) fn decide(
    message: &Message,
    seq: Seq,
    room: &RoomView,
    me: &UserId,
    gaze: &Gaze,
    preferences: &Preferences,
    moment: Moment,
) -> Result<(), Silence> {
    if message.user_id == *me {
        return Err(Silence::Own);
    }
    if seq <= room.read_seq || message.deleted_at.is_some() {
        return Err(Silence::AlreadyRead);
    }
    let urgent = message.priority == Priority::Urgent;
    if urgent && !message.acknowledged_by.is_empty() {
        return Err(Silence::TakenOn);
    }
    if is_looking(gaze, &room.id) {
        return Err(Silence::InView);
    }
    if urgent {
        return Ok(());
    }
    let names_me = message.mentions.contains(me);
    let wanted = match (room.choices.notify, preferences.notify_about) {
        (RoomNotify::All, _) | (RoomNotify::Usual, NotifyAbout::All) => true,
        (RoomNotify::Mentions, _) => names_me,
        (RoomNotify::Usual, NotifyAbout::Important) => room.kind == RoomKind::Patient || names_me,
        (RoomNotify::Urgent | RoomNotify::None, _) | (RoomNotify::Usual, NotifyAbout::Urgent) => false,
    };
    if !wanted {
        return Err(Silence::Quiet);
    }
    if preferences.do_not_disturb_until.is_some_and(|until| moment.now < until) {
        return Err(Silence::DoNotDisturb);
    }
    if preferences.quiet_hours.is_some_and(|hours| hours.holds(moment.minute)) {
        return Err(Silence::QuietHours);
    }
    Ok(())
}

/// Words the notification of a message. `more` further ones of the same room are told of with it.
pub(crate) fn word(message: &Message, room: &RoomView, more: usize, preferences: &Preferences) -> NativeNotification {
    let language = preferences.language.unwrap_or_else(system_language);
    let urgent = message.priority == Priority::Urgent;
    let from_patient = message.user_type == UserType::Patient;
    let name = naming::shown(&message.user_name);
    let name = name.as_str();
    let title = match (language, urgent) {
        (Language::Ja, false) => "新しいメッセージ",
        (Language::Ja, true) => "【至急】新しいメッセージ",
        (Language::En, false) => "New message",
        (Language::En, true) => "URGENT: new message",
    };
    let (title, body) = match preferences.notification_privacy {
        NotificationPrivacy::AppOnly => ("HugMeDo Chat".to_owned(), String::new()),
        NotificationPrivacy::Nothing => (title.to_owned(), String::new()),
        NotificationPrivacy::Sender => {
            let body = match (language, from_patient) {
                (Language::Ja, true) => "患者さんから".to_owned(),
                (Language::Ja, false) => format!("{name}さんから"),
                (Language::En, true) => "From a patient".to_owned(),
                (Language::En, false) => format!("From {name}"),
            };
            (title.to_owned(), body)
        }
        NotificationPrivacy::Content => {
            let files = || {
                let carried: Vec<_> = message.attachments.iter().map(|file| file.0.clone()).collect();
                carried::names(&carried)
            };
            let text = message.content.as_str();
            let text = if text.trim().is_empty() { files() } else { text.to_owned() };
            let text: String = text.chars().take(BODY_CHARS).collect();
            (format!("{title} · {}", room.name.as_str()), format!("{name}: {text}"))
        }
    };
    let body = with_others(&body, more, preferences);
    NativeNotification {
        message_id: message.id.clone(),
        room_id: room.id.clone(),
        title: title.trim().into(),
        body: body.trim().into(),
        urgent,
        repeated: false,
        sound: sound(urgent, preferences.notification_sounds),
    }
}

/// What stands in a notification, and of how many further messages it tells.
fn with_others(body: &str, more: usize, preferences: &Preferences) -> String {
    let more = if preferences.notification_privacy == NotificationPrivacy::AppOnly { 0 } else { more };
    match (more, preferences.language.unwrap_or_else(system_language)) {
        (0, _) => body.to_owned(),
        (more, Language::Ja) => format!("{body}（ほか{more}件）"),
        (more, Language::En) => format!("{body} (and {more} more)"),
    }
}

/// Lets one that says no more than that there is something new tell of another number of further messages.
pub(crate) fn retell(notification: &mut NativeNotification, more: usize, preferences: &Preferences) {
    notification.body = with_others("", more, preferences).trim().into();
}

/// How a notification sounds. What does not notify at all, as in quiet hours, has been left out before.
fn sound(urgent: bool, wanted: NotificationSounds) -> Option<Sound> {
    match (urgent, wanted) {
        (true, NotificationSounds::All | NotificationSounds::Urgent) => Some(Sound::Urgent),
        (false, NotificationSounds::All) => Some(Sound::Routine),
        (_, NotificationSounds::Off) | (false, NotificationSounds::Urgent) => None,
    }
}

/// English where the system says so; Japanese otherwise, as this product's first language.
pub(crate) fn system_language() -> Language {
    let locale =
        ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(|name| std::env::var(name).ok()).find(|v| !v.is_empty());
    match locale {
        Some(locale) if locale.starts_with("en") => Language::En,
        _ => Language::Ja,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::QuietHours;
    use hugmedo_chat_protocol::{Opaque, TakenOn, Timestamp, User};

    fn message(from: &str, user_type: UserType) -> Message {
        Message {
            id: "m1".into(),
            room_id: "r".into(),
            user_id: from.into(),
            user_name: "鈴木 健一".into(),
            user_type,
            content: "血圧が下がりません".into(),
            attachments: vec![],
            metadata: Opaque::default(),
            created_at: Timestamp::from_millis(0),
            seq: Some(Seq::new(5)),
            client_message_id: None,
            priority: Priority::Normal,
            reply_to: None,
            mentions: vec![],
            edited_at: None,
            deleted_at: None,
            reactions: Vec::new(),
            acknowledged_by: Vec::new(),
        }
    }

    fn room(kind: RoomKind) -> RoomView {
        RoomView {
            id: "r".into(),
            name: "病棟".into(),
            kind,
            members: Vec::<User>::new(),
            unread: 1,
            read_seq: Seq::new(4),
            last_message: None,
            unsent: 0,
            has_draft: false,
            unread_mentions: 0,
            unread_urgent: 0,
            choices: Default::default(),
        }
    }

    fn noon() -> Moment {
        Moment { now: Timestamp::from_millis(1_000), minute: 720 }
    }

    fn decided(message: &Message, kind: RoomKind, gaze: &Gaze, about: NotifyAbout) -> Result<(), Silence> {
        let preferences = Preferences { notify_about: about, ..Preferences::default() };
        decide(message, Seq::new(5), &room(kind), &"sato".into(), gaze, &preferences, noon())
    }

    /// Whether a routine message of a ward, one of a patient's room, a mention and an urgent message are heard.
    fn heard(choice: RoomNotify, preferences: &Preferences, moment: Moment) -> [bool; 4] {
        let routine = message("suzuki", UserType::Clinician);
        let mention = Message { mentions: vec!["sato".into()], ..routine.clone() };
        let urgent = Message { priority: Priority::Urgent, ..routine.clone() };
        let cases = [
            (&routine, RoomKind::Staff),
            (&routine, RoomKind::Patient),
            (&mention, RoomKind::Staff),
            (&urgent, RoomKind::Staff),
        ];
        cases.map(|(message, kind)| {
            let mut room = room(kind);
            room.choices.notify = choice;
            decide(message, Seq::new(5), &room, &"sato".into(), &Gaze::default(), preferences, moment).is_ok()
        })
    }

    #[test]
    fn an_urgent_message_that_someone_has_taken_on_calls_nobody_any_more() {
        let taken_on = Message {
            priority: Priority::Urgent,
            acknowledged_by: vec![TakenOn { user_id: "yamada".into(), at: Timestamp::from_millis(0) }],
            ..message("suzuki", UserType::Clinician)
        };
        let decided = decided(&taken_on, RoomKind::Staff, &Gaze::default(), NotifyAbout::All);
        assert_eq!(decided, Err(Silence::TakenOn));
    }

    #[test]
    fn who_wants_no_more_than_the_apps_name_is_told_no_more() {
        let preferences = Preferences { notification_privacy: NotificationPrivacy::AppOnly, ..Preferences::default() };
        for priority in [Priority::Normal, Priority::Urgent] {
            let message = Message { priority, ..message("suzuki", UserType::Clinician) };
            let worded = word(&message, &room(RoomKind::Staff), 3, &preferences);
            assert_eq!((worded.title.as_str(), worded.body.as_str()), ("HugMeDo Chat", ""));
            assert_eq!(worded.urgent, priority == Priority::Urgent);
        }
    }

    #[test]
    fn each_choice_for_a_room_beside_each_general_one() {
        use {NotifyAbout as About, RoomNotify as Room};
        for (room, about, expected) in [
            (Room::Usual, About::All, [true, true, true, true]),
            (Room::Usual, About::Important, [false, true, true, true]),
            (Room::Usual, About::Urgent, [false, false, false, true]),
            (Room::All, About::Urgent, [true, true, true, true]),
            (Room::All, About::Important, [true, true, true, true]),
            (Room::Mentions, About::All, [false, false, true, true]),
            (Room::Mentions, About::Urgent, [false, false, true, true]),
            (Room::Urgent, About::All, [false, false, false, true]),
            (Room::None, About::All, [false, false, false, true]),
        ] {
            let preferences = Preferences { notify_about: about, ..Preferences::default() };
            assert_eq!(heard(room, &preferences, noon()), expected, "{room:?} beside {about:?}");
        }
    }

    #[test]
    fn quiet_hours_and_do_not_disturb_leave_urgent_messages_only() {
        let all = Preferences { notify_about: NotifyAbout::All, ..Preferences::default() };
        let urgent_only = [false, false, false, true];
        let at = |minute| Moment { minute, ..noon() };
        let night = Preferences { quiet_hours: Some(QuietHours { from: 22 * 60, to: 6 * 60 }), ..all.clone() };
        for (minute, expected) in
            [(21 * 60 + 59, [true; 4]), (22 * 60, urgent_only), (0, urgent_only), (359, urgent_only), (360, [true; 4])]
        {
            assert_eq!(heard(RoomNotify::All, &night, at(minute)), expected, "minute {minute}");
        }
        let lunch = Preferences { quiet_hours: Some(QuietHours { from: 720, to: 780 }), ..all.clone() };
        for (minute, expected) in [(719, [true; 4]), (720, urgent_only), (779, urgent_only), (780, [true; 4])] {
            assert_eq!(heard(RoomNotify::Usual, &lunch, at(minute)), expected, "minute {minute}");
        }
        let busy = Preferences { do_not_disturb_until: Some(Timestamp::from_millis(1_001)), ..all };
        assert_eq!(heard(RoomNotify::All, &busy, noon()), urgent_only);
        assert_eq!(heard(RoomNotify::All, &busy, Moment { now: Timestamp::from_millis(1_001), minute: 0 }), [true; 4]);
    }

    #[test]
    fn routine_talk_among_staff_is_quiet_but_a_patient_a_mention_and_urgency_are_heard() {
        let usual = heard(RoomNotify::Usual, &Preferences::default(), noon());
        assert_eq!(usual, [false, true, true, true]);
    }

    #[test]
    fn an_open_room_silences_only_while_the_person_looks_at_its_end() {
        let text = message("suzuki", UserType::Clinician);
        let looking = Gaze { room_id: Some("r".into()), at_end: true, focused: true };
        assert_eq!(decided(&text, RoomKind::Patient, &looking, NotifyAbout::All), Err(Silence::InView));
        for gaze in [
            Gaze { focused: false, ..looking.clone() },
            Gaze { at_end: false, ..looking.clone() },
            Gaze { room_id: Some("other".into()), ..looking },
        ] {
            assert_eq!(decided(&text, RoomKind::Patient, &gaze, NotifyAbout::All), Ok(()), "{gaze:?}");
        }
    }

    #[test]
    fn urgent_ones_sound_otherwise_than_routine_ones_and_only_as_far_as_wanted() {
        for (wanted, routine, urgent) in [
            (NotificationSounds::All, Some(Sound::Routine), Some(Sound::Urgent)),
            (NotificationSounds::Urgent, None, Some(Sound::Urgent)),
            (NotificationSounds::Off, None, None),
        ] {
            let preferences = Preferences { notification_sounds: wanted, ..Preferences::default() };
            let plain = message("suzuki", UserType::Clinician);
            let pressing = Message { priority: Priority::Urgent, ..plain.clone() };
            let sounds =
                [&plain, &pressing].map(|message| word(message, &room(RoomKind::Staff), 0, &preferences).sound);
            assert_eq!(sounds, [routine, urgent], "{wanted:?}");
        }
    }

    #[test]
    fn own_and_already_read_messages_are_silent() {
        let away = Gaze::default();
        let own = message("sato", UserType::Clinician);
        assert_eq!(decided(&own, RoomKind::Patient, &away, NotifyAbout::All), Err(Silence::Own));
        let read = message("suzuki", UserType::Clinician);
        let preferences = Preferences::default();
        let silence = decide(&read, Seq::new(4), &room(RoomKind::Patient), &"sato".into(), &away, &preferences, noon());
        assert_eq!(silence, Err(Silence::AlreadyRead));
    }

    #[test]
    fn by_default_a_notification_holds_neither_text_nor_room_nor_a_patients_name() {
        let preferences = Preferences { language: Some(Language::Ja), ..Preferences::default() };
        let from_colleague = word(&message("suzuki", UserType::Clinician), &room(RoomKind::Patient), 0, &preferences);
        assert_eq!(from_colleague.body.as_str(), "鈴木 健一さんから");
        let from_patient = word(&message("tanaka", UserType::Patient), &room(RoomKind::Patient), 2, &preferences);
        assert_eq!(from_patient.body.as_str(), "患者さんから（ほか2件）");
        for shown in [&from_colleague, &from_patient] {
            let all = format!("{}{}", shown.title.as_str(), shown.body.as_str());
            assert!(!all.contains("血圧") && !all.contains("病棟"), "no text, no room");
        }
    }
}
