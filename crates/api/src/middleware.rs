//! What happens around every handler: the request gets its id, the sign-in is checked before anything of the body is
//! read, panics and errors become problems, and the answer is counted, logged and given its security headers.
//!
//! All of it is one middleware, [`Gate`], made per row of the route table: it knows its row, so nothing is looked up
//! per request. CORS alone stands before the routes, because a preflight belongs to none.

mod authentication;
mod client_address;
mod cors;
mod facts;
mod gate;
mod observation;
mod origin;
mod request_id;

pub(crate) use authentication::bearer_token;
pub use authentication::{
    ACCESS_COOKIE, AuthFailure, Authenticating, Authenticator, REFRESH_COOKIE, cookie_value,
};
pub use client_address::client_address;
pub use cors::cors;
pub use facts::{Asker, actor_of, asker_of, request_id_of};
pub use gate::{Gate, GateService};
pub use origin::{AllowedOrigins, OwnSite};
pub use request_id::RequestIds;
