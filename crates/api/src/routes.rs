//! The route table, to be read from top to bottom: method, path, who, handler, description.
//!
//! It drives the router, the sign-in, the metrics and the OpenAPI document. Within `/api/v1/<word>` the router tries
//! paths in the order of the table.

pub mod documentation;
pub mod health;
pub mod problems;

use crate::route_table::{Endpoint, Who, get};

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
