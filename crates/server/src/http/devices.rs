//! `/api/devices`: where the caller is signed in, and ending it there.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use hugmedo_chat_protocol::{DeviceId, DevicesList, ErrorCode, OwnDevice, Refusal};

use super::{extract::Caller, failure::ApiFailure};
use crate::{
    app::App,
    audit::{self, Deed},
    authorize,
    failure::Failure,
    limits::Kind,
    nodes, outside,
    store::sessions::{self, Device},
};

pub(super) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<DevicesList>, ApiFailure> {
    app.throttle.check(Kind::Read, caller.who.id())?;
    let devices: Result<_, Failure> = app
        .store
        .read(move |tx| {
            let who = caller.who;
            let this = sessions::device_of(tx, who.session())?;
            let devices = sessions::devices(tx, who.id())?;
            let own = |device: Device| OwnDevice {
                is_this: this.as_ref() == Some(&device.id),
                id: device.id,
                first_signed_in_at: device.first_signed_in_at,
                seen_at: device.seen_at,
                is_signed_in: device.is_signed_in,
                erase_asked_at: device.erase_asked_at,
                erase_told_at: device.erase_told_at,
            };
            Ok(devices.into_iter().map(own).collect())
        })
        .await;
    Ok(Json(DevicesList { devices: devices? }))
}

/// Ends the caller's sessions on one of their devices, which removes what it has stored as soon as it is heard of.
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(device): Path<String>,
) -> Result<StatusCode, ApiFailure> {
    app.throttle.check(Kind::Signal, caller.who.id())?;
    let device = DeviceId::new(device);
    let revoked: Result<_, Failure> = app
        .store
        .write(move |tx| {
            let who = authorize::principal(tx, &caller.token)?;
            if !sessions::revoke_device(tx, who.id(), &device)? {
                return Err(Refusal::new(ErrorCode::NotFound, "no such device").into());
            }
            audit::append(tx, Some(who.id()), Deed::RevokeDevice, None, Some(device.as_str()), None)?;
            Ok(())
        })
        .await;
    revoked?;
    outside::end_dead(&app, app.fanout.sockets_of(caller.who.id())).await;
    nodes::moved(&app);
    Ok(StatusCode::NO_CONTENT)
}
