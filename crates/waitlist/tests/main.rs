//! Queues over a real server, on both databases.

mod moves;
