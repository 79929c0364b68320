//! `/api/admin`: what the command line administers, for administrators who are signed in.
//!
//! Invariant: [`Administering`] is asked for by every handler here, and each deed asks again in its own transaction; it opens
//! nothing that is said in any room.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{FromRequestParts, Path},
    http::{StatusCode, request::Parts},
};
use hugmedo_chat_protocol::{DeviceId, ErrorCode, Refusal, RoomId, RoomKind, Secret, Sensitive, UserId, UserType};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    extract::{Body, Caller, Params},
    failure::ApiFailure,
};
use crate::{admin::Admin, app::App, authorize, error::Error, failure::Failure, limits::Kind, store::StoreError};

/// The longest an urgent message may be left to wait, in minutes.
const LONGEST_WAIT: u64 = 24 * 60;

/// The administrator behind a token.
pub(super) struct Administering(Admin);

impl FromRequestParts<Arc<App>> for Administering {
    type Rejection = ApiFailure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiFailure> {
        let Caller { who, token } = Caller::from_request_parts(parts, app).await?;
        app.throttle.check(Kind::Signal, who.id())?;
        let allowed: Result<_, Failure> = app.store.read(move |tx| authorize::administrator(tx, &who)).await;
        allowed?;
        Ok(Self(Admin::by_session(app.clone(), token)))
    }
}

impl From<Error> for ApiFailure {
    fn from(error: Error) -> Self {
        let refusal = match error {
            Error::Invalid(why) => Refusal::new(ErrorCode::BadRequest, why),
            Error::NotFound(_) => Refusal::new(ErrorCode::NotFound, "there is no such thing"),
            Error::Exists(_) => Refusal::new(ErrorCode::Conflict, "there is one already"),
            Error::Refused(refusal) => refusal,
            Error::Store(error) => Failure::from(error).into(),
            error => {
                tracing::error!(%error, "a deed of administration failed");
                Refusal::new(ErrorCode::Internal, "the server failed")
            }
        };
        refusal.into()
    }
}

type Listed = Result<Json<Value>, ApiFailure>;
type Done = Result<StatusCode, ApiFailure>;

const DONE: Done = Ok(StatusCode::NO_CONTENT);

fn listed(name: &str, list: &impl serde::Serialize) -> Listed {
    let list = serde_json::to_value(list).map_err(|_| Failure::from(StoreError::Unreadable("list")))?;
    Ok(Json(json!({ name: list })))
}

/// On or off.
#[derive(Debug, Deserialize)]
pub(super) struct Switch {
    on: bool,
}

pub(super) async fn users(Administering(admin): Administering) -> Listed {
    listed("users", &admin.users().await?)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewUser {
    username: String,
    password: Secret,
    name: Sensitive,
    user_type: UserType,
    role: Option<String>,
}

pub(super) async fn add_user(Administering(admin): Administering, Body(wish): Body<NewUser>) -> Done {
    admin.add_person(&wish.username, wish.password, wish.name, wish.user_type, wish.role).await?;
    DONE
}

#[derive(Debug, Deserialize)]
pub(super) struct NewPassword {
    password: Secret,
}

pub(super) async fn set_password(
    Administering(admin): Administering,
    Path(user): Path<String>,
    Body(wish): Body<NewPassword>,
) -> Done {
    admin.set_password(&UserId::new(user), wish.password).await?;
    DONE
}

pub(super) async fn reset_second_factor(Administering(admin): Administering, Path(user): Path<String>) -> Done {
    admin.reset_second_factor(&UserId::new(user)).await?;
    DONE
}

pub(super) async fn disable_user(Administering(admin): Administering, Path(user): Path<String>) -> Done {
    admin.disable_user(&UserId::new(user)).await?;
    DONE
}

pub(super) async fn set_admin(
    Administering(admin): Administering,
    Path(user): Path<String>,
    Body(wish): Body<Switch>,
) -> Done {
    admin.set_admin(&UserId::new(user), wish.on).await?;
    DONE
}

pub(super) async fn set_on_call(
    Administering(admin): Administering,
    Path(user): Path<String>,
    Body(wish): Body<Switch>,
) -> Done {
    admin.set_on_call(&UserId::new(user), wish.on).await?;
    DONE
}

pub(super) async fn devices(Administering(admin): Administering, Path(user): Path<String>) -> Listed {
    listed("devices", &admin.devices(&UserId::new(user)).await?)
}

pub(super) async fn revoke_device(
    Administering(admin): Administering,
    Path((user, device)): Path<(String, String)>,
) -> Done {
    admin.revoke_device(&UserId::new(user), &DeviceId::new(device)).await?;
    DONE
}

pub(super) async fn rooms(Administering(admin): Administering) -> Listed {
    listed("rooms", &admin.rooms().await?)
}

/// A kind of room by its word; unlike on the wire, another word is a mistake.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum KindOfRoom {
    Patient,
    Staff,
    Announcement,
}

impl From<KindOfRoom> for RoomKind {
    fn from(kind: KindOfRoom) -> Self {
        match kind {
            KindOfRoom::Patient => Self::Patient,
            KindOfRoom::Staff => Self::Staff,
            KindOfRoom::Announcement => Self::Announcement,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct NewRoom {
    id: String,
    name: Sensitive,
    kind: KindOfRoom,
}

pub(super) async fn add_room(Administering(admin): Administering, Body(wish): Body<NewRoom>) -> Done {
    admin.add_room(&wish.id, wish.name, wish.kind.into()).await?;
    DONE
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Membership {
    user_id: UserId,
    on: bool,
}

pub(super) async fn set_member(
    Administering(admin): Administering,
    Path(room): Path<String>,
    Body(wish): Body<Membership>,
) -> Done {
    let room = RoomId::new(room);
    if wish.on {
        admin.add_member(&room, &wish.user_id).await?;
    } else {
        admin.remove_member(&room, &wish.user_id).await?;
    }
    DONE
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Escalation {
    /// Absent or null: for ever.
    after_minutes: Option<u64>,
}

pub(super) async fn set_escalation(
    Administering(admin): Administering,
    Path(room): Path<String>,
    Body(wish): Body<Escalation>,
) -> Done {
    if wish.after_minutes.is_some_and(|minutes| !(1..=LONGEST_WAIT).contains(&minutes)) {
        return Err(Failure::bad_request("an urgent message waits 1 to 1440 minutes").into());
    }
    let after = wish.after_minutes.map(|minutes| Duration::from_secs(minutes * 60));
    admin.set_escalation(&RoomId::new(room), after).await?;
    DONE
}

pub(super) async fn set_hold(
    Administering(admin): Administering,
    Path(room): Path<String>,
    Body(wish): Body<Switch>,
) -> Done {
    admin.set_hold(&RoomId::new(room), wish.on).await?;
    DONE
}

pub(super) async fn retention(Administering(admin): Administering) -> Listed {
    listed("rules", &admin.retention().await?)
}

#[derive(Debug, Deserialize)]
pub(super) struct Rule {
    kind: KindOfRoom,
    /// Absent or null: for ever.
    days: Option<u32>,
}

pub(super) async fn set_retention(Administering(admin): Administering, Body(wish): Body<Rule>) -> Done {
    admin.set_retention(wish.kind.into(), wish.days).await?;
    DONE
}

#[derive(Debug, Deserialize)]
pub(super) struct Stretch {
    after: Option<i64>,
    limit: Option<usize>,
}

pub(super) async fn audit(Administering(admin): Administering, Params(stretch): Params<Stretch>) -> Listed {
    Ok(Json(admin.audit_page(stretch.after.unwrap_or(0), stretch.limit.unwrap_or(200)).await?))
}
