//! The table of routes: every route is entered here and nowhere else, so that the list of them is whole.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    http::Method,
    routing::{MethodRouter, get, post},
};

use crate::app::App;

/// See the module.
#[derive(Default)]
pub(super) struct Table {
    router: Router<Arc<App>>,
    listed: Vec<(Method, &'static str)>,
}

impl Table {
    pub(super) fn get<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.enter(Method::GET, path, get(handler))
    }

    pub(super) fn post<H, T>(self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.enter(Method::POST, path, post(handler))
    }

    /// One whose body may have so many bytes.
    pub(super) fn post_up_to<H, T>(self, bytes: usize, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.enter(Method::POST, path, post(handler).layer(DefaultBodyLimit::max(bytes)))
    }

    fn enter(mut self, method: Method, path: &'static str, handler: MethodRouter<Arc<App>>) -> Self {
        self.listed.push((method, path));
        self.router = self.router.route(path, handler);
        self
    }

    pub(super) fn listed(self) -> Vec<(Method, &'static str)> {
        self.listed
    }

    pub(super) fn router(self) -> Router<Arc<App>> {
        self.router
    }
}
