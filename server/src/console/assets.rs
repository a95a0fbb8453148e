//! The style sheet, the script and the icon: inside the program, cached by browsers under a name that changes
//! with their content.

use super::problem::Problem;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;

struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

static ASSETS: [Asset; 3] = [
    Asset { name: "console.css", kind: "text/css; charset=utf-8", text: include_str!("assets/console.css") },
    Asset {
        name: "console.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("assets/console.js"),
    },
    Asset { name: "icon.svg", kind: "image/svg+xml", text: include_str!("assets/icon.svg") },
];

/// Another content has another address, so that no browser goes on with an old one.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    ASSETS.iter().for_each(|asset| context.update(asset.text.as_bytes()));
    hex::encode(&context.finish().as_ref()[..6])
});

/// The address of an asset.
pub(super) fn address(name: &str) -> String {
    format!("/console/assets/{name}?v={}", *VERSION)
}

/// An asset.
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return Problem::NotFound.into_response();
    };
    let cached = "public, max-age=31536000, immutable";
    ([(CONTENT_TYPE, asset.kind), (CACHE_CONTROL, cached)], asset.text).into_response()
}
