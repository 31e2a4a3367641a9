//! The REST contract: routes, problems and the OpenAPI document. The only crate that knows the web framework.
//!
//! [`routes::table`] is the contract to read from top to bottom; a row drives the router, the sign-in, the metrics and
//! the document. Handlers take what they need by [`extract`], call one operation of a domain, and answer with a value or
//! a [`problem::Problem`].
//!
//! Invariants: no rule of a domain stands here; nothing of a request is believed before [`middleware`] has settled who
//! sends it; no input is answered with a 500.

pub mod after_answer;
mod ask_once;
mod csv_files;
pub mod event_cache;
pub mod extract;
pub mod first_pages;
pub mod health;
pub mod idempotency;
mod level_time;
pub mod limits;
pub mod middleware;
pub mod one_time_proof;
pub mod openapi;
pub mod own_password;
pub mod pages;
pub mod password_reset;
pub mod password_work;
pub mod priority;
pub mod problem;
pub mod problem_catalogue;
mod problems_of;
pub mod results_cache;
pub mod route_table;
pub mod routes;
pub mod sign_in;
pub mod sign_in_limits;
pub mod state;
mod streamed;
pub mod ticket_work;
pub mod turns;
pub mod views;

use actix_web::web::ServiceConfig;

/// Where the versioned API begins.
pub const BASE_PATH: &str = "/api/v1";

/// Puts state and routes into an actix application, which the server wraps in [`middleware::cors`]:
/// `App::new().wrap(cors(&state.settings)).configure(|config| configure(state.clone(), config))`.
pub fn configure(state: state::SharedState, config: &mut ServiceConfig) {
    config.app_data(state);
    route_table::mount(&routes::table(), config);
}
