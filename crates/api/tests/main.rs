//! The API's ground over real sockets: a server with a few routes of the tests' own, and the server's document.

mod bodies;
mod document;
mod harness;
mod sign_in;
mod surroundings;
