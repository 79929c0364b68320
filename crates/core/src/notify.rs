//! Which new messages raise a native notification, and in what words.
//!
//! The chain of reasons for silence: it is one's own; it was read already; the person is looking at it; their settings
//! keep such messages quiet. Quiet by default: routine talk among staff changes the badge only, because interruptions harm;
//! a patient who writes, a mention and anything urgent do come through, of a muted room the last two only. The text of a message is shown only to those who
//! chose so: a screen is seen by others.

use hugmedo_chat_protocol::{Message, Priority, RoomKind, Seq, UserId, UserType};

use crate::{
    carried,
    host::NativeNotification,
    view::{Gaze, Language, NotificationPrivacy, NotifyAbout, Preferences, RoomView},
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
    /// The person is looking at it.
    InView,
    /// Their settings say so.
    Quiet,
}

/// Decides on one message that is new here.
pub(crate) fn decide(
    message: &Message,
    seq: Seq,
    room: &RoomView,
    me: &UserId,
    gaze: &Gaze,
    preferences: &Preferences,
) -> Result<(), Silence> {
    if message.user_id == *me {
        return Err(Silence::Own);
    }
    if seq <= room.read_seq || message.deleted_at.is_some() {
        return Err(Silence::AlreadyRead);
    }
    // An open room is not a room being looked at: the window must have the focus and show the room's end.
    if gaze.focused && gaze.at_end && gaze.room_id.as_ref() == Some(&room.id) {
        return Err(Silence::InView);
    }
    let names_me = message.mentions.contains(me);
    if room.choices.muted && !names_me && message.priority != Priority::Urgent {
        return Err(Silence::Quiet);
    }
    let important = room.kind == RoomKind::Patient || names_me;
    match (message.priority, preferences.notify_about) {
        (Priority::Urgent, _) | (_, NotifyAbout::All) => Ok(()),
        (_, NotifyAbout::Important) if important => Ok(()),
        (_, NotifyAbout::Important | NotifyAbout::Urgent) => Err(Silence::Quiet),
    }
}

/// Words the notification of a message. `more` further ones of the same room are told of with it.
pub(crate) fn word(message: &Message, room: &RoomView, more: usize, preferences: &Preferences) -> NativeNotification {
    let language = preferences.language.unwrap_or_else(system_language);
    let urgent = message.priority == Priority::Urgent;
    let from_patient = message.user_type == UserType::Patient;
    let name = message.user_name.as_str();
    let title = match (language, urgent) {
        (Language::Ja, false) => "新しいメッセージ",
        (Language::Ja, true) => "【至急】新しいメッセージ",
        (Language::En, false) => "New message",
        (Language::En, true) => "URGENT: new message",
    };
    let (title, body) = match preferences.notification_privacy {
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
    let body = match (more, language) {
        (0, _) => body,
        (more, Language::Ja) => format!("{body}（ほか{more}件）"),
        (more, Language::En) => format!("{body} (and {more} more)"),
    };
    NativeNotification {
        message_id: message.id.clone(),
        room_id: room.id.clone(),
        title: title.trim().into(),
        body: body.trim().into(),
        urgent,
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
    use hugmedo_chat_protocol::{Opaque, Timestamp, User};

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

    fn decided(message: &Message, kind: RoomKind, gaze: &Gaze, about: NotifyAbout) -> Result<(), Silence> {
        let preferences = Preferences { notify_about: about, ..Preferences::default() };
        decide(message, Seq::new(5), &room(kind), &"sato".into(), gaze, &preferences)
    }

    #[test]
    fn routine_talk_among_staff_is_quiet_but_a_patient_a_mention_and_urgency_are_heard() {
        let away = Gaze::default();
        let routine = message("suzuki", UserType::Clinician);
        assert_eq!(decided(&routine, RoomKind::Staff, &away, NotifyAbout::Important), Err(Silence::Quiet));
        assert_eq!(decided(&routine, RoomKind::Patient, &away, NotifyAbout::Important), Ok(()));
        assert_eq!(decided(&routine, RoomKind::Staff, &away, NotifyAbout::All), Ok(()));
        let mention = Message { mentions: vec!["sato".into()], ..routine.clone() };
        assert_eq!(decided(&mention, RoomKind::Staff, &away, NotifyAbout::Important), Ok(()));
        let urgent = Message { priority: Priority::Urgent, ..routine };
        assert_eq!(decided(&urgent, RoomKind::Staff, &away, NotifyAbout::Urgent), Ok(()));
    }

    #[test]
    fn of_a_muted_room_only_mentions_and_urgent_messages_are_heard() {
        let mut muted = room(RoomKind::Patient);
        muted.choices.muted = true;
        let decided = |message: &Message, about| {
            let preferences = Preferences { notify_about: about, ..Preferences::default() };
            decide(message, Seq::new(5), &muted, &"sato".into(), &Gaze::default(), &preferences)
        };
        let routine = message("tanaka", UserType::Patient);
        assert_eq!(decided(&routine, NotifyAbout::All), Err(Silence::Quiet));
        let mention = Message { mentions: vec!["sato".into()], ..routine.clone() };
        assert_eq!(decided(&mention, NotifyAbout::Important), Ok(()));
        let urgent = Message { priority: Priority::Urgent, ..routine };
        assert_eq!(decided(&urgent, NotifyAbout::Urgent), Ok(()));
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
    fn own_and_already_read_messages_are_silent() {
        let away = Gaze::default();
        let own = message("sato", UserType::Clinician);
        assert_eq!(decided(&own, RoomKind::Patient, &away, NotifyAbout::All), Err(Silence::Own));
        let read = message("suzuki", UserType::Clinician);
        let preferences = Preferences::default();
        let silence = decide(&read, Seq::new(4), &room(RoomKind::Patient), &"sato".into(), &away, &preferences);
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
