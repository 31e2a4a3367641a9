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
    use Who::Public;
    vec![
        get("/health/live", Public, health::live, health::describe_live),
        get("/health/ready", Public, health::ready, health::describe_ready),
        get("/metrics", Public, health::metrics, health::describe_metrics),

        get("/problems/", Public, problems::list, problems::describe_list),
        get("/problems/{slug}", Public, problems::explain, problems::describe_explain),

        get("/api-docs/openapi.json", Public, documentation::openapi, documentation::describe_openapi),
        get("/api-docs/", Public, documentation::index, documentation::describe_index),
        get("/api-docs/{file}", Public, documentation::file, documentation::describe_file),
    ]
}
