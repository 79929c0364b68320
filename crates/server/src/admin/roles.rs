//! Who administers this server over its API, and who is on call.

use hugmedo_chat_protocol::UserId;

use super::Admin;
use crate::{
    audit::{self, Deed},
    error::Error,
    store::users,
};

impl Admin {
    /// Makes a person an administrator, or takes that from them. It opens `/api/admin`, and no room.
    ///
    /// # Errors
    /// If there is no such person, or they would take it from themselves: so there is always one left.
    pub async fn set_admin(&self, user: &UserId, is_admin: bool) -> Result<(), Error> {
        let id = user.clone();
        self.write(move |tx, actor| {
            if !is_admin && actor == Some(&id) {
                return Err(Error::Invalid("administration is taken by another administrator or at the command line"));
            }
            if !users::set_admin(tx, &id, is_admin)? {
                return Err(Error::NotFound("user"));
            }
            let deed = if is_admin { Deed::GrantAdmin } else { Deed::WithdrawAdmin };
            Ok(audit::append(tx, actor, deed, None, Some(id.as_str()), None)?)
        })
        .await
    }

    /// Puts a person on call, or takes them off: urgent messages that nobody takes on are brought to those who are.
    ///
    /// # Errors
    /// If there is no such person.
    pub async fn set_on_call(&self, user: &UserId, on_call: bool) -> Result<(), Error> {
        let id = user.clone();
        self.write(move |tx, actor| {
            if !users::set_on_call(tx, &id, on_call)? {
                return Err(Error::NotFound("user"));
            }
            Ok(audit::append(tx, actor, Deed::SetOnCall, None, Some(id.as_str()), None)?)
        })
        .await
    }
}
