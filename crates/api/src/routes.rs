//! The route table, to be read from top to bottom: method, path, who, handler, description.
//!
//! It drives the router, the sign-in, the metrics and the OpenAPI document. Within `/api/v1/<word>` the router tries
//! paths in the order of the table.

pub mod auth;
pub mod documentation;
pub mod events;
pub mod health;
pub mod problems;
pub mod registrations;
pub mod users;
pub mod waitlist;

use crate::route_table::{Endpoint, Party, Who, delete, get, patch, post};
use kernel::Permission;

const MANAGER: Who = Who::AnyOf(&[Party::Manager]);
const OWN: Who = Who::AnyOf(&[Party::Owner]);
const OWN_OR_MANAGER: Who = Who::AnyOf(&[Party::Owner, Party::Manager]);
const READ_ONE: Who =
    Who::AnyOf(&[Party::Owner, Party::Manager, Party::Holder(Permission::RegistrationReadAny)]);

/// Every route there is.
#[rustfmt::skip]
pub fn table() -> Vec<Endpoint> {
    use Who::PublicAsNobody;
    vec![
        get("/health/live", PublicAsNobody, health::live, health::describe_live),
        get("/health/ready", PublicAsNobody, health::ready, health::describe_ready),
        get("/metrics", PublicAsNobody, health::metrics, health::describe_metrics),

        get("/problems/", PublicAsNobody, problems::list, problems::describe_list),
        get("/problems/{slug}", PublicAsNobody, problems::explain, problems::describe_explain),

        get("/api-docs/openapi.json", PublicAsNobody, documentation::openapi, documentation::describe_openapi),
        get("/api-docs/", PublicAsNobody, documentation::index, documentation::describe_index),
        get("/api-docs/{file}", PublicAsNobody, documentation::file, documentation::describe_file),
    ]
}
