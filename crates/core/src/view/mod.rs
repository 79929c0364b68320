//! What a user interface sees: plain data, projected from the store and the connection.
//!
//! Invariant: a view says what is true now, never what to do, and holds no token. These are the only types that cross to
//! the webview; their TypeScript twins are generated into `src/lib/backend/bindings` and committed.

mod about;
mod attachment;
mod change;
mod conversation;
mod device;
mod drag;
mod lock;
mod notification;
mod policy;
mod preferences;
mod second_factor;
mod session;
mod timeline;
mod update;

pub use about::AboutView;
pub use attachment::{AttachmentState, AttachmentView, NewAttachment, PictureSize};
pub use change::{ChannelItem, Snapshot, ViewChange, ViewEvent};
pub use conversation::{
    ExcerptPart, MemberReceipt, MessageDetails, NewRoom, Place, PresenceStatus, PresenceView, QuoteView, ReactionView,
    RoomChoices, RoomNotify, SearchHit, SearchPage, SearchQuery, Template,
};
pub use device::DeviceView;
pub use drag::{DragView, DroppedFile};
pub use lock::{LockView, PinView};
pub use notification::NotificationTest;
pub use policy::{PolicyFault, PolicyKey, PolicyProblem, PolicyView};
pub use preferences::{
    ConnectionSettings, Language, NotificationPrivacy, NotificationSounds, NotifyAbout, Preferences, PreferencesChange,
    QuietHours, TextSize, Theme,
};
pub use second_factor::{SecondFactorOffer, SecondFactorProof, SecondFactorView};
pub use session::{
    ConnectionState, ConnectionView, Credentials, ServerCheck, ServerKind, SessionView, SignInRequest, SyncProgress,
};
pub use timeline::{
    BegunEdit, Delivery, Draft, EditText, Gaze, LastMessageView, MessageView, OpenedRoom, OutgoingMessage, RoomView,
    TimelinePage, TypingPerson,
};
pub use update::{UpdateState, UpdateView};
