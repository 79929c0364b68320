//! Who someone turns out to be, by what they sign in with: a name and a password of the server's own, or a token of another service.
//!
//! Invariant: what a token says of itself is only for showing; the server alone decides what it allows.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hugmedo_chat_protocol::{
    ConnectAuth, ErrorCode as WireCode, LoginRequest, Secret, Sensitive, User, UserId, UserType,
};
use serde_json::Value;

use crate::{
    api::Api,
    core::Inner,
    error::{Error, ErrorCode},
    tokens::Tokens,
    transport::{ConnectFailure, HttpFailure, Network},
    view::Credentials,
};

/// Who someone turned out to be.
pub(crate) struct Identity {
    pub(crate) user: User,
    pub(crate) tokens: Tokens,
    /// Known for certain only to be baseline; otherwise the connection tells.
    pub(crate) baseline: bool,
}

/// # Errors
/// If the sign-in or the token is refused, if the token does not say whose it is, or if this is no chat server.
pub(crate) async fn identify(
    inner: &Inner,
    api: &Api,
    network: &Network,
    credentials: &Credentials,
) -> Result<Identity, Error> {
    match credentials {
        Credentials::Password { username, password, otp } => {
            let login = LoginRequest {
                username: username.trim().to_owned(),
                password: password.clone(),
                otp: otp.clone(),
                device_id: Some(inner.folder.device()),
            };
            let grant = api.login(&login).await?;
            Ok(Identity { user: grant.user.clone(), tokens: grant.into(), baseline: false })
        }
        Credentials::Token { access_token, user_id } => {
            let token = Secret::new(access_token.expose().trim());
            match api.me(&token).await {
                Ok(user) => Ok(Identity { user, tokens: Tokens::Issued { access: token }, baseline: false }),
                Err(failure) if lacks_our_routes(&failure) => {
                    let user_id = user_id
                        .clone()
                        .filter(|id| !id.as_str().trim().is_empty())
                        .or_else(|| subject(&token))
                        .ok_or_else(|| Error::new(ErrorCode::UserIdRequired, "the token does not say whose it is"))?;
                    try_token(inner, network, &token).await?;
                    let user = User { name: display_name(&token, &user_id), ..nameless(&user_id) };
                    Ok(Identity { user, tokens: Tokens::Issued { access: token }, baseline: true })
                }
                Err(failure) => Err(failure.into()),
            }
        }
    }
}

/// A server without `GET /api/me` may still be a Socket.IO server of the guide's kind.
fn lacks_our_routes(failure: &HttpFailure) -> bool {
    match failure {
        HttpFailure::Foreign => true,
        HttpFailure::Refused(error) => error.code == WireCode::NotFound,
        HttpFailure::Failed(_) => false,
    }
}

/// Connects once to see whether the token is taken.
async fn try_token(inner: &Inner, network: &Network, token: &Secret) -> Result<(), Error> {
    let auth = ConnectAuth { token: token.clone(), protocol: None, device_id: Some(inner.folder.device()) };
    match network.transport.connect(auth).await {
        Ok(connection) => {
            connection.link.close().await;
            Ok(())
        }
        Err(ConnectFailure::Refused(_)) => Err(Error::new(ErrorCode::Unauthorized, "the token was refused")),
        Err(ConnectFailure::Failed(ErrorCode::Unreachable)) => {
            // It answered HTTP but does not speak Socket.IO.
            Err(Error::new(ErrorCode::NotAChatServer, "no Socket.IO server"))
        }
        Err(ConnectFailure::Failed(code)) => Err(Error::new(code, "trying the token")),
    }
}

/// Someone of whom no more is known yet.
pub(crate) fn nameless(id: &UserId) -> User {
    User { id: id.clone(), name: Sensitive::default(), user_type: UserType::Unknown, role: None, avatar_url: None }
}

/// Whose a JSON Web Token is. Only for showing and for telling own messages apart: the server alone decides what it allows.
fn subject(token: &Secret) -> Option<UserId> {
    let claims = claims(token)?;
    ["userId", "user_id", "sub"].iter().find_map(|name| claims.get(name)?.as_str().map(UserId::new))
}

fn display_name(token: &Secret, id: &UserId) -> Sensitive {
    let name = claims(token).and_then(|claims| claims.get("name")?.as_str().map(Sensitive::new));
    name.unwrap_or_else(|| Sensitive::new(id.as_str()))
}

fn claims(token: &Secret) -> Option<Value> {
    let payload = token.expose().split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}
