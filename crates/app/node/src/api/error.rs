//! What goes wrong with a request, as a status and one sentence that says what to do: `{"error": "…"}`.

use axum::{
    Json,
    extract::{
        FromRequestParts,
        rejection::{BytesRejection, PathRejection, QueryRejection},
    },
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// A request that is not answered as its sender hoped.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    text: String,
    /// When to ask again.
    after: Option<Duration>,
}

/// What is sent instead of an answer.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody {
    /// What is wrong and what to do, one sentence.
    error: String,
}

impl ApiError {
    /// The request makes no sense.
    pub fn bad(text: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, text: text.into(), after: None }
    }

    /// What was asked for is not there.
    pub fn missing(text: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, text: text.into(), after: None }
    }

    /// A transaction that the ledger refuses.
    pub fn refused(text: impl Into<String>) -> Self {
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, text: text.into(), after: None }
    }

    /// The client asks too often.
    pub fn too_often(after: Duration) -> Self {
        let text = "too many requests from your address: wait as long as Retry-After says".into();
        Self { status: StatusCode::TOO_MANY_REQUESTS, text, after: Some(after) }
    }

    /// The node cannot answer now.
    pub fn unavailable(text: impl Into<String>) -> Self {
        let after = Some(Duration::from_secs(1));
        Self { status: StatusCode::SERVICE_UNAVAILABLE, text: text.into(), after }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(ErrorBody { error: self.text })).into_response();
        if let Some(after) = self.after {
            // Whole seconds, and never too few.
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

macro_rules! rejected {
    ($($rejection:ty),*) => {
        $(impl From<$rejection> for ApiError {
            fn from(rejection: $rejection) -> Self {
                Self { status: rejection.status(), text: rejection.body_text(), after: None }
            }
        })*
    };
}

rejected!(BytesRejection, PathRejection, QueryRejection);

/// Parts of a path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub struct Path<T>(pub T);

/// What stands behind the `?`.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub struct Params<T>(pub T);
