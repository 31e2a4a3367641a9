//! The developer commands as processes.

mod floor;
